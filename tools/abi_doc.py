#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""abi_doc.py [-o FILE | --check FILE]: docs/abi.md from the X-lists of kernel/include/sk/, and the structures of libs/proto.

The lists go through the C preprocessor with macros that mark each entry, so the document says what the
headers say. The compiler supplies the offsets in structures. --check compares and fails when they differ.
"""
import argparse
import difflib
import os
import re
import subprocess
import sys

CC = os.environ.get("CROSS_COMPILE", "x86_64-linux-gnu-") + "gcc"
MARK = "@@entry"
LISTS = {
    "SK_ERRORS": "name, num, what",
    "SK_OBJECTS": "name, num, order, what",
    "SK_SYSCALLS": "name, num, lock, caps, args, what, errors, bound",
    "SK_EXITS": "name, num, what",
    "SK_VCPU_GROUPS": "name, num, what",
}
STRUCTS = ["sk_utcb", "sk_send_cap", "sk_regs", "sk_archive", "sk_archive_seg", "sk_bootinfo", "sk_boot_untyped",
           "sk_boot_frame", "sk_info", "sk_klog", "sk_vcpu_state", "sk_segment"]
# structures of libs/proto that stay within one domain
INTERNAL = {"blk_target", "svc_proto_info"}
INTRO = """# The kernel's ABI

Made by `tools/abi_doc.py` from `kernel/include/sk/`; `make check-abi` fails when this page is out of date.

A system call is one SYSCALL instruction: the number in RAX, arguments in RDI, RSI, RDX, R10, R8, R9. RCX and
R11 are destroyed. RAX returns 0 or the negative of an error; further results come back in RDI, RSI, RDX, R10,
R8, R9 in that order, and registers without a result keep their value. A call that the kernel interrupts at a
preemption point is restarted, and the caller does not notice. Every call is bounded or preemptible.

The rights that a capability needs are in parentheses: R, W, G (GRANT). Without parentheses it needs none.

All calls may return `CAP` (no such capability, or of the wrong type), `RIGHTS` (it lacks a right) and, for
arguments outside what is documented, `INVAL`.
"""
LOCKS = {
    "TREE": "tree",
    "NONE": "",
    "SENDS": "tree to send capabilities",
    "RECEIVES": "tree to receive capabilities",
}


CALLS = "#include <sk/syscall.h>\n"


def preprocess(body, *flags, headers=CALLS):
    r = subprocess.run([CC, "-E", "-P", "-Ikernel/include", "-Ilibs", *flags, "-x", "c", "-"], input=headers + body, text=True,
                       capture_output=True)
    if r.returncode:
        sys.exit(r.stderr)
    return r.stdout


def fields_of(entry):
    """The fields of one X(...): split at commas outside strings and parentheses; strings lose their quotes."""
    fields, depth = [""], 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[(),]|[^"(),]+', entry):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "," and depth == 0:
            fields.append("")
        else:
            fields[-1] += token
    return ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', f)) if '"' in f else " ".join(f.split()) for f in fields]


def entries(name):
    """The rows of an X-list, each a dictionary."""
    text = preprocess(f"#define X(...) {MARK} __VA_ARGS__ {MARK}end\n{name}(X)\n")
    keys = LISTS[name].split(", ")
    return [dict(zip(keys, fields_of(entry), strict=True))
            for entry in re.findall(rf"{MARK}\s+(.*?)\s*{MARK}end", text, re.S)]


def arguments(call):
    """Names of the arguments: capabilities as `thread(W)`, then the rest."""
    caps = [what.lower() + (f"({right})" if right != "N" else "") for right, what in re.findall(r"(\w)\((\w+)\)", call["caps"])]
    return ", ".join(caps + ([call["args"]] if call["args"] else []))


def offsets(structs, headers):
    """(struct, [(member, offset)], size), as the compiler computes them."""
    rows = []
    text = preprocess("", headers=headers)
    for s in structs:
        m = re.search(rf"struct {s} {{(.*?)\n?}};", text, re.S)
        members = []
        for decl in re.sub(r"\s+", " ", m[1]).split(";"):
            decl = decl.strip()
            if decl:
                kind, names = re.match(r"((?:struct )?\w+) (.*)", decl).groups()
                members += [re.match(r"\w+", n.strip())[0] for n in names.split(",")]
        body = "#include <stddef.h>\n" + headers
        for i, member in enumerate(members):
            body += f"unsigned long o{i} = __builtin_offsetof(struct {s}, {member});\n"
        body += f"unsigned long total = sizeof(struct {s});\n"
        asm = subprocess.run([CC, "-S", "-Ikernel/include", "-Ilibs", "-x", "c", "-", "-o", "-"], input=body, text=True,
                             capture_output=True)
        if asm.returncode:
            sys.exit(asm.stderr)
        value = {}
        for label, v in re.findall(r"^(o\d+|total):\n\s+\.(?:quad\s+(\d+)|zero\s+8)", asm.stdout, re.M):
            value[label] = int(v or 0)
        rows.append((s, [(member, value[f"o{i}"]) for i, member in enumerate(members)], value["total"]))
    return rows


def table(head, rows):
    text = "| " + " | ".join(head) + " |\n|" + "---|" * len(head) + "\n"
    for row in rows:
        text += "| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |\n"
    return text


def named(name, prefix, number, what):
    return table([number, "name", what], [(e["num"], f"`{prefix}{e['name']}`", e["what"]) for e in entries(name)])


def structures(names, headers):
    return "".join(f"\n`struct {name}`, {size} bytes: " + ", ".join(f"{m} {o}" for m, o in members) + "\n"
                   for name, members, size in offsets(names, headers))


def document():
    out = INTRO
    out += "\n## System calls\n\n"
    calls = entries("SK_SYSCALLS")
    out += table(["no.", "name", "arguments", "what it does"],
                 [(c["num"], f"`SK_SYS_{c['name']}`", arguments(c), c["what"]) for c in calls])
    out += "\n### Errors, bounds and locks\n\nA call without a bound takes constant time.\n\n"
    out += table(["name", "further errors", "bound", "lock"],
                 [(f"`{c['name']}`", c["errors"], c["bound"], LOCKS[c["lock"]]) for c in calls])
    out += "\n## Errors\n\n"
    out += named("SK_ERRORS", "SK_E_", "no.", "meaning")
    out += "\n## Objects\n\nOrder is log2 of the memory that one takes; 0 = the caller chooses, or it is not retyped.\n\n"
    out += table(["no.", "name", "order", "what it is"],
                 [(o["num"], f"`SK_OBJ_{o['name']}`", o["order"], o["what"]) for o in entries("SK_OBJECTS")])
    out += "\n## Guest exits\n\n`exit_reason` in the state page; the last column says what `qual[]` holds.\n\n"
    out += named("SK_EXITS", "SK_EXIT_", "no.", "qual")
    out += "\n## Groups of guest state\n\n"
    out += named("SK_VCPU_GROUPS", "SK_VCPU_", "bit", "fields")
    out += "\n## Structures\n\nOffsets in bytes.\n"
    out += structures(STRUCTS, CALLS)
    out += "\n## Structures between domains\n\nDomains send each other the structures of `libs/proto/`; [protocols.md](protocols.md) describes each message.\n"
    for header in sorted(os.listdir("libs/proto")):
        names = re.findall(r"^struct (\w+) {", open("libs/proto/" + header).read(), re.M)
        out += f"\n### {header}\n" if names else ""
        out += structures([n for n in names if n not in INTERNAL], f"#include <proto/{header}>\n")
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("-o", metavar="FILE")
    ap.add_argument("--check", metavar="FILE")
    args = ap.parse_args()
    text = document()
    if args.check:
        old = open(args.check).read()
        if old != text:
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True), args.check,
                                                       "headers"))
            sys.exit(f"{args.check} is out of date: run tools/abi_doc.py -o {args.check}")
    elif args.o:
        with open(args.o, "w") as f:
            f.write(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
