# SPDX-License-Identifier: BSD-2-Clause
"""counts: what the plugin count.c has counted, by component and by function.

A component is the kernel, a domain's program, or a guest's kernel or programs. All domains are at the same virtual addresses, so a
page of code belongs to the program that has most of its blocks at their addresses.
"""
import bisect
import collections
import os
import struct
import subprocess

KERNEL_BASE = 0xffffffff80000000
KERNEL_SIZE = 16 << 20
GUEST_KERNEL = 0xffff800000000000
PAGE = 4096
# costly instructions, by opcode
SYSTEM = {  # 0f 01 xx
    0xd8: "vmrun", 0xd9: "vmmcall", 0xda: "vmload", 0xdb: "vmsave", 0xf8: "swapgs", 0xd1: "xsetbv"}
TWO_BYTE = {0x05: "syscall", 0x07: "sysret", 0x30: "wrmsr", 0x32: "rdmsr", 0x31: "rdtsc", 0xa2: "cpuid"}
STRING = {0xa4: "rep", 0xa5: "rep", 0xaa: "rep", 0xab: "rep"}
PREFIXES = {0x66, 0x67, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, *range(0x40, 0x50)}


def special(code):
    """The name of a costly instruction (Intel's manual, volume 2, appendix A), or None."""
    at, rep, lock = 0, False, False
    while at < len(code) - 1 and (code[at] in PREFIXES or code[at] in (0xf0, 0xf2, 0xf3)):
        rep |= code[at] in (0xf2, 0xf3)
        lock |= code[at] == 0xf0
        at += 1
    op, rest = code[at], code[at + 1:]
    modrm = rest[1] if len(rest) > 1 else 0
    reg, memory = modrm >> 3 & 7, modrm >> 6 != 3
    if lock or (op in (0x86, 0x87) and rest and rest[0] >> 6 != 3):
        return "lock"
    if op == 0x0f and rest:
        if rest[0] == 0x01:
            return SYSTEM.get(modrm, "invlpg" if memory and reg == 7 else None)
        if rest[0] == 0x22:
            return "cr3" if reg == 3 else "cr"
        if rest[0] == 0xae and memory:
            return {0: "fxsave", 1: "fxrstor", 4: "xsave", 5: "xrstor", 6: "xsaveopt"}.get(reg)
        if rest[0] == 0xae and rep:
            return "fsgsbase"
        if rest[0] == 0xc7 and memory:
            return {3: "xrstors", 4: "xsavec", 5: "xsaves"}.get(reg)
        return TWO_BYTE.get(rest[0])
    if op in (0xf4, 0xcf):
        return {0xf4: "hlt", 0xcf: "iret"}[op]
    if 0xe4 <= op <= 0xe7 or 0xec <= op <= 0xef:
        return "port"
    return STRING.get(op) if rep else None


class Program:
    """The code of an ELF file for x86-64, and its functions."""

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        self.path, self.segments, self.names = path, [], None
        table, = struct.unpack_from("<Q", data, 32)
        n, = struct.unpack_from("<H", data, 56)
        for i in range(n):
            kind, _, offset, vaddr, _, size, _, _ = struct.unpack_from("<IIQQQQQQ", data, table + 56 * i)
            if kind == 1:
                self.segments.append((vaddr, data[offset:offset + size]))

    def has(self, vaddr, code):
        return any(base <= vaddr and data[vaddr - base:vaddr - base + len(code)] == code for base, data in self.segments)

    def function(self, vaddr):
        """(name, whether the function begins at this address)."""
        if self.names is None:
            out = subprocess.run(["nm", "-n", "--defined-only", self.path], capture_output=True, text=True, check=True).stdout
            found = [line.split() for line in out.splitlines()]
            self.names = [(int(f[0], 16), f[2]) for f in found if f[1] in "tTwW" and not f[2].startswith(".L")]
            self.starts = [start for start, _ in self.names]
        i = bisect.bisect_right(self.starts, vaddr) - 1
        return (self.names[i][1], self.starts[i] == vaddr) if i >= 0 else ("?", False)


class Row:
    """Instructions between two marks: by component, by (component, function), calls of functions, and costly ones on the host."""

    def __init__(self, name, n):
        self.name, self.n = name, n
        self.components, self.functions = collections.Counter(), collections.Counter()
        self.calls, self.special = collections.Counter(), collections.Counter()

    def total(self):
        return sum(self.components.values()) / self.n


class Counts:
    def __init__(self, prefix, build):
        self.blocks, self.rows = {}, []
        with open(prefix + ".blocks") as f:
            for line in f:
                number, vaddr, haddr, *code = line.split()
                self.blocks[int(number)] = int(vaddr, 16), int(haddr, 16), [bytes.fromhex(c) for c in code]
        with open(prefix + ".rows", "rb") as f:
            while head := f.read(8):
                n, = struct.unpack("<Q", head)
                self.rows.append(list(struct.iter_unpack("<QQ", f.read(16 * n))))
        self.programs = {"kernel": Program(build.kernel)}
        where = os.path.join(build.top, "bin")
        for name in os.listdir(where):
            if name.endswith(".elf"):
                self.programs[name[:-4]] = Program(os.path.join(where, name))
        self.pages = self._pages()

    def _pages(self):
        votes = collections.defaultdict(collections.Counter)
        for vaddr, haddr, code in self.blocks.values():
            if vaddr >= GUEST_KERNEL:
                continue
            code = b"".join(code)
            owners = [name for name, p in self.programs.items() if p.has(vaddr, code)]
            for name in owners:
                votes[haddr // PAGE][name] += 1 / len(owners)
        return {page: v.most_common(1)[0][0] for page, v in votes.items()}

    def component(self, vaddr, haddr):
        if KERNEL_BASE <= vaddr < KERNEL_BASE + KERNEL_SIZE:
            return "kernel"
        if vaddr >= GUEST_KERNEL:
            return "guest kernel"
        return self.pages.get(haddr // PAGE, "guest program")

    def row(self, i, name, n):
        row = Row(name, n)
        for number, times in self.rows[i]:
            vaddr, haddr, code = self.blocks[number]
            component = self.component(vaddr, haddr)
            program = self.programs.get(component)
            function, begins = program.function(vaddr) if program else ("", False)
            row.components[component] += times * len(code)
            row.functions[component, function] += times * len(code)
            if begins:
                row.calls[component, function] += times
            if program:
                for kind in filter(None, map(special, code)):
                    row.special[kind] += times
        return row


def profile(row, lines=60):
    """Text: where the instructions of a row go."""
    total = row.total()
    text = [f"{row.name}: {total:,.0f} instructions each"]
    text += [f"  {component:14}{count / row.n:>14,.0f}{100 * count / row.n / total:>7.1f} %" for component, count in row.components.most_common()]
    text.append("  the host's: " + ", ".join(f"{kind} {count / row.n:,.2f}" for kind, count in row.special.most_common() if count / row.n >= 0.005))
    text += [f"  {component:14}{function:32}{count / row.n:>14,.1f}{100 * count / row.n / total:>7.1f} %"
             f"{row.calls[component, function] / row.n:>10,.2f} calls"
             for (component, function), count in row.functions.most_common(lines)]
    return "\n".join(text)
