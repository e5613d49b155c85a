# SPDX-License-Identifier: BSD-2-Clause
"""counts: what the plugin count.c has counted, by component and by function.

A component is a guest's kernel or programs, or a part of the host: Skerry's kernel and each domain's program; Xen, and dom0's kernel and
programs. All domains are at the same virtual addresses, and dom0's programs are anywhere, so a page of code belongs to the program that
has most of its blocks at their addresses, or at their offsets in a page.
"""
import bisect
import collections
import os
import re
import struct
import subprocess

KERNEL_HALF = 0xffff800000000000
XEN_BASE, XEN_SIZE = 0xffff82d040000000, 1 << 30
PAGE = 4096
# Xen asks this for the size of an intercepted instruction, because the processor did not say where the next one is
DECODER = "svm_get_insn_len"
# what Xen 4.17 does for that in the row of a hypercall that does nothing: read the guest's page tables, map and read its code, decode it
DECODING = re.compile(r"svm_get_insn|x86_decode|x86_insn|decode_|hvm_emulate_init|hvmemul_|hvm_(copy|translate|find_io|mmio|vcpu_virtual)|__hvm_copy"
                      r"|(svm|hvm)_get_segment|guest_walk|paging_gva|hap_|p2m_|(un)?map_domain|(get|put)_page$|__mfn_valid|vlapic_range|memcpy")
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
    """The code of an ELF file for x86-64, and its functions. names: a file whose symbols nm reads, if not this one."""

    def __init__(self, path, names=None):
        with open(path, "rb") as f:
            data = f.read()
        self.source, self.segments, self.names = names or path, [], None
        if data[4] != 2:  # Xen's image is a 32-bit ELF file
            return
        table, = struct.unpack_from("<Q", data, 32)
        n, = struct.unpack_from("<H", data, 56)
        for i in range(n):
            kind, _, offset, vaddr, _, size, _, _ = struct.unpack_from("<IIQQQQQQ", data, table + 56 * i)
            if kind == 1:
                self.segments.append((vaddr, data[offset:offset + size]))

    def has(self, vaddr, code):
        return any(base <= vaddr and data[vaddr - base:vaddr - base + len(code)] == code for base, data in self.segments)

    def has_somewhere(self, vaddr, code):
        """Whether the code is in the program at this offset in a page: it was loaded at any page."""
        for base, data in self.segments:
            at = data.find(code)
            while at >= 0:
                if (base + at - vaddr) % PAGE == 0:
                    return True
                at = data.find(code, at + 1)
        return False

    def function(self, vaddr):
        """(name, whether the function begins at this address)."""
        if self.names is None:
            out = subprocess.run(["nm", "-n", "--defined-only", self.source], capture_output=True, text=True, check=True).stdout
            found = [line.split() for line in out.splitlines()]
            self.names = [(int(f[0], 16), f[2]) for f in found if f[1] in "tTwW" and not f[2].startswith(".L")]
            self.starts = [start for start, _ in self.names]
        i = bisect.bisect_right(self.starts, vaddr) - 1
        return (self.names[i][1], self.starts[i] == vaddr) if i >= 0 else ("?", False)


class Host:
    """Whose code a block is, when it is not a guest's."""

    def __init__(self, kernel, programs):
        """kernel: (component, first address, Program); programs: {component: Program}"""
        self.kernel, self.programs, self.pages = kernel, dict(programs), {}

    ASKED = None  # of each page, only so many blocks are compared, the longest

    def learn(self, blocks):
        """blocks: (vaddr, haddr, code) of the host's."""
        pages = collections.defaultdict(list)
        for vaddr, haddr, code in blocks:
            if vaddr < KERNEL_HALF:
                pages[haddr // PAGE].append((vaddr, code))
        for page, found in pages.items():
            votes = collections.Counter()
            for vaddr, code in sorted(found, key=lambda block: -len(block[1]))[:self.ASKED]:
                owners = self.owners(vaddr, code)
                votes.update({name: 1 / len(owners) for name in owners})
            if votes:
                self.pages[page] = votes.most_common(1)[0][0]

    def owners(self, vaddr, code):
        return [name for name, p in self.programs.items() if p.has(vaddr, code)]


class Skerry(Host):
    def __init__(self, build):
        where = os.path.join(build.top, "bin")
        domains = [name for name in os.listdir(where) if name.endswith(".elf")]
        super().__init__(Program(build.kernel), {name[:-4]: Program(os.path.join(where, name)) for name in domains})

    def component(self, vaddr, haddr):
        """(component, its program or None)"""
        if vaddr >= KERNEL_HALF:
            return "kernel", self.kernel
        name = self.pages.get(haddr // PAGE, "?")
        return name, self.programs.get(name)


class Xen(Host):
    """Xen's image, the same with symbols, and the programs of dom0 whose instructions are told apart."""

    LONG = 12  # a block of so many bytes is in one place of one program
    ASKED = 4

    def __init__(self, image, symbols, programs):
        super().__init__(Program(image, symbols), {os.path.basename(path): Program(path) for path in programs})

    def owners(self, vaddr, code):
        if len(code) < self.LONG:
            return []
        return [name for name, p in self.programs.items() if p.has_somewhere(vaddr, code)]

    def component(self, vaddr, haddr):
        if XEN_BASE <= vaddr < XEN_BASE + XEN_SIZE:
            return "xen", self.kernel
        return ("dom0 kernel" if vaddr >= KERNEL_HALF else self.pages.get(haddr // PAGE, "dom0 programs")), None


class Row:
    """Instructions between two marks: by component, by (component, function), calls of functions, and costly ones on the host."""

    def __init__(self, name, n):
        self.name, self.n = name, n
        self.components, self.functions = collections.Counter(), collections.Counter()
        self.calls, self.special = collections.Counter(), collections.Counter()
        self.reps = 0

    def total(self):
        return sum(self.components.values()) / self.n

    def decoding(self):
        """What Xen does for one intercepted instruction to know its size. In a row in which nothing else uses these functions."""
        names = [key for key in self.functions if key[0] == "xen" and DECODING.match(key[1])]
        returns = sum(self.calls[key] for key in names)  # each through a thunk of one instruction
        decoded = self.calls["xen", DECODER]
        return (sum(self.functions[key] for key in names) + returns) / decoded if decoded else 0

    def subtract(self, other):
        """Take off what another row has for each of its units."""
        for mine, theirs in ((self.components, other.components), (self.functions, other.functions), (self.calls, other.calls),
                             (self.special, other.special)):
            for key, count in theirs.items():
                mine[key] -= count * self.n / other.n
        self.reps -= other.reps * self.n / other.n


class Counts:
    """What the plugin wrote to PREFIX.*; host: a Host, or None for a machine without a hypervisor."""

    def __init__(self, prefix, host):
        self.host, self.blocks, self.rows = host, {}, []
        with open(prefix + ".blocks") as f:
            for line in f:
                number, whose, vaddr, haddr, *code = line.split()
                self.blocks[int(number)] = whose == "guest", int(vaddr, 16), int(haddr, 16), [bytes.fromhex(c) for c in code]
        with open(prefix + ".rows", "rb") as f:
            while head := f.read(8):
                n, = struct.unpack("<Q", head)
                self.rows.append(list(struct.iter_unpack("<QQ", f.read(16 * n))))
        if host:
            host.learn((vaddr, haddr, b"".join(code)) for guest, vaddr, haddr, code in self.blocks.values() if not guest)

    def component(self, guest, vaddr, haddr):
        if guest or not self.host:
            return ("guest kernel" if vaddr >= KERNEL_HALF else "guest program"), None
        return self.host.component(vaddr, haddr)

    def row(self, i, name, n):
        row = Row(name, n)
        for number, times in self.rows[i]:
            guest, vaddr, haddr, code = self.blocks[number]
            component, program = self.component(guest, vaddr, haddr)
            function, begins = program.function(vaddr) if program else ("", False)
            row.components[component] += times * len(code)
            row.functions[component, function] += times * len(code)
            if begins:
                row.calls[component, function] += times
            kinds = list(filter(None, map(special, code)))
            row.reps += times * kinds.count("rep")
            if not component.startswith("guest"):
                for kind in kinds:
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
