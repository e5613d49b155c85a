#!/usr/bin/python3
"""abi_doc.py [-o FILE | --check FILE]: docs/abi.md from the X-lists of kernel/include/sk/.

The lists go through the C preprocessor with macros that mark each entry, so the document says what the
headers say. Structure offsets are asked from the compiler. --check compares and fails when they differ.
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
    "SK_SYSCALLS": "name, num, args, what",
    "SK_EXITS": "name, num, what",
    "SK_VCPU_GROUPS": "name, num, what",
}
STRUCTS = ["sk_utcb", "sk_send_cap", "sk_regs", "sk_archive", "sk_archive_seg", "sk_bootinfo", "sk_boot_untyped",
           "sk_boot_frame", "sk_info", "sk_klog", "sk_vcpu_state", "sk_segment"]
INTRO = """# The kernel's ABI

Made by `tools/abi_doc.py` from `kernel/include/sk/`; `make check-abi` fails when this page is out of date.

A system call is one SYSCALL instruction: the number in RAX, arguments in RDI, RSI, RDX, R10, R8, R9. RCX and
R11 are destroyed. RAX returns 0 or the negative of an error; further results come back in RDI, RSI, RDX, R10,
R8, R9 in that order, and registers without a result keep their value. A call that the kernel interrupts at a
preemption point is restarted unnoticed, so every call is bounded or preemptible. Rights that a capability
needs are in parentheses: R, W, X, G (GRANT). Calls that change an object need W where nothing is said.

All calls may return `CAP` (no such capability, or of the wrong type), `RIGHTS` (it lacks a right) and, for
arguments outside what is documented, `INVAL`.
"""

# Errors besides CAP, RIGHTS and INVAL, and what bounds the call. Every call has a line.
WAITS = "TIMEOUT at the deadline (SK_POLL: at once), DELETED when the object goes, AGAIN when SUSPEND ended it"
LEVEL = "NO_TABLE (2nd result: level of the missing table)"
MORE = {
    "CALL": (WAITS + ", PEER when the receiver presented no Reply, DELETED when its Reply goes or is used again",
             "constant, 60 words and 4 capabilities"),
    "SEND": (WAITS, "as CALL"),
    "RECV": (WAITS, "as CALL; preemptible after each sender that cannot be answered and fails with PEER"),
    "REPLY": ("NOT_FOUND when nobody waits for it", "as CALL"),
    "REPLY_RECV": ("as RECV; a caller that gave up is no error", "as CALL"),
    "SIGNAL": ("", "constant"),
    "WAIT": (WAITS + ", BUSY when another thread waits", "constant"),
    "POLL": ("AGAIN", "constant"),
    "RETYPE": ("NO_MEM, SLOT, ALIGN (device offset), NO_SYS (VCpu without hardware)",
               "preemptible after each 4 pages or 4 objects; at most 256 objects; reuse waits until each CPU left the kernel once"),
    "COPY": ("SLOT", "constant"),
    "MINT": ("SLOT, RANGE (ports)", "constant"),
    "MOVE": ("SLOT", "constant"),
    "DELETE": ("SLOT; an empty slot is no error", "preemptible after each capability, 2 MiB of addresses, waiter; "
               "restarted until another CPU has let go of the thread or vCPU that ends, or whose scheduling context does"),
    "REVOKE": ("SLOT; CAP when another capability came into the slot meanwhile", "as DELETE"),
    "CAP_INFO": ("SLOT", "constant"),
    "MAP": (LEVEL + ", EXISTS (entry or another window), ALIGN, RANGE", "256 entries"),
    "UNMAP": ("NOT_FOUND, NO_TABLE (split the large page first), ALIGN, RANGE", "preemptible after each 2 MiB of addresses"),
    "MAP_TABLE": (LEVEL + ", EXISTS, RANGE", "512 entries; one shoot-down"),
    "THREAD_CONFIGURE": ("STATE unless suspended, EXISTS, RANGE, ALIGN, " + LEVEL, "constant"),
    "THREAD_BIND": ("EXISTS", "constant"),
    "THREAD_RESUME": ("STATE before CONFIGURE", "constant"),
    "THREAD_SUSPEND": ("", "restarted until another CPU has let go of the thread"),
    "THREAD_READ": ("STATE unless suspended", "constant"),
    "THREAD_WRITE": ("STATE unless suspended, RANGE (RIP, FS and GS base not in user memory)", "constant"),
    "SET_FS_BASE": ("RANGE", "constant"),
    "YIELD": ("", "constant"),
    "SCHED_CONFIGURE": ("", "constant"),
    "SCHED_BIND": ("EXISTS, STATE before CONFIGURE", "constant; restarted until another CPU has let go of the thread"),
    "SCHED_STATS": ("", "constant"),
    "IRQ_PIN": ("EXISTS, BUSY when the pin is taken, NOT_FOUND, LIMIT", "constant"),
    "IRQ_MSI": ("EXISTS, LIMIT", "constant"),
    "IRQ_BIND": ("", "constant"),
    "IRQ_ACK": ("STATE when it has no source", "constant"),
    "PORT_IN": ("RANGE", "constant"),
    "PORT_OUT": ("RANGE", "constant"),
    "LOG": ("", "32 bytes; before LOG_TAKE also as long as the UART takes"),
    "LOG_TAKE": ("", "constant"),
    "VCPU_CONFIGURE": ("BUSY while entered, EXISTS, RANGE, ALIGN, " + LEVEL, "constant"),
    "VCPU_ENTER": ("DENIED without SK_SCHED_GUESTS, STATE before CONFIGURE, BUSY, DELETED when the VCpu or its memory goes, AGAIN when suspended",
                   "constant in the kernel; each exit that the kernel handles itself is bounded"),
    "VCPU_SYNC": ("BUSY while entered", "constant"),
    "VCPU_INJECT": ("BUSY (1st result: vector | 0x100 that waits)", "constant"),
    "IO_ASSIGN": ("NO_SYS", "constant"),
}


def preprocess(body, *flags):
    source = "#include <sk/syscall.h>\n" + body
    r = subprocess.run([CC, "-E", "-P", "-Ikernel/include", *flags, "-x", "c", "-"], input=source, text=True,
                       capture_output=True)
    if r.returncode:
        sys.exit(r.stderr)
    return r.stdout


def entries(name, params):
    text = preprocess(f"#define X(...) {MARK} __VA_ARGS__ {MARK}end\n{name}(X)\n")
    out = []
    for body in re.findall(rf"{MARK}\s+(.*?)\s*{MARK}end", text, re.S):
        fields, rest = [], body
        for _ in range(params.count(",")):
            # a string argument may hold commas
            m = re.match(r'\s*((?:"(?:[^"\\]|\\.)*"\s*)+|[^,]*?)\s*,', rest, re.S)
            fields.append(m[1])
            rest = rest[m.end():]
        fields.append(rest.strip())
        out.append(["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', f)) if '"' in f else " ".join(f.split())
                    for f in fields])
    return out


def offsets():
    """(struct, member, offset, size) of every member, from the compiler's own debug knowledge."""
    rows = []
    for s in STRUCTS:
        text = preprocess("", "-P")
        m = re.search(rf"struct {s} {{(.*?)\n?}};", text, re.S)
        members = []
        for decl in re.sub(r"\s+", " ", m[1]).split(";"):
            decl = decl.strip()
            if decl:
                kind, names = re.match(r"((?:struct )?\w+) (.*)", decl).groups()
                members += [re.match(r"\w+", n.strip())[0] for n in names.split(",")]
        body = "#include <stddef.h>\n#include <sk/syscall.h>\n"
        for i, member in enumerate(members):
            body += f"unsigned long o{i} = __builtin_offsetof(struct {s}, {member});\n"
        body += f"unsigned long total = sizeof(struct {s});\n"
        asm = subprocess.run([CC, "-S", "-Ikernel/include", "-x", "c", "-", "-o", "-"], input=body, text=True,
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


def document():
    out = INTRO
    out += "\n## System calls\n\n"
    calls = entries("SK_SYSCALLS", LISTS["SK_SYSCALLS"])
    out += table(["no.", "name", "arguments", "what it does"],
                 [(n, f"`SK_SYS_{name}`", args, what) for name, n, args, what in calls])
    out += "\n### Errors and bounds\n\n"
    out += table(["name", "further errors", "bound"], [(f"`{c[0]}`", *MORE[c[0]]) for c in calls])
    out += "\n## Errors\n\n"
    out += table(["no.", "name", "meaning"],
                 [(n, f"`SK_E_{name}`", what) for name, n, what in entries("SK_ERRORS", LISTS["SK_ERRORS"])])
    out += "\n## Objects\n\nOrder is log2 of the memory that one takes; 0 = the caller chooses, or it is not retyped.\n\n"
    out += table(["no.", "name", "order", "what it is"],
                 [(n, f"`SK_OBJ_{name}`", order, what)
                  for name, n, order, what in entries("SK_OBJECTS", LISTS["SK_OBJECTS"])])
    out += "\n## Guest exits\n\n`exit_reason` in the state page; the last column says what `qual[]` holds.\n\n"
    out += table(["no.", "name", "qual"],
                 [(n, f"`SK_EXIT_{name}`", what) for name, n, what in entries("SK_EXITS", LISTS["SK_EXITS"])])
    out += "\n## Groups of guest state\n\n"
    out += table(["bit", "name", "fields"],
                 [(n, f"`SK_VCPU_{name}`", what)
                  for name, n, what in entries("SK_VCPU_GROUPS", LISTS["SK_VCPU_GROUPS"])])
    out += "\n## Structures\n\nOffsets in bytes.\n"
    for name, members, size in offsets():
        out += f"\n`struct {name}`, {size} bytes: "
        out += ", ".join(f"{m} {o}" for m, o in members) + "\n"
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
