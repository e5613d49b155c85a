# SPDX-License-Identifier: BSD-2-Clause
"""The analysis of what `make bench T=rows` counts: costly instructions, components, functions. The objects are of this machine."""
import os
import struct
import subprocess
import sys
import types

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "bench"))

import counts  # noqa: E402

SPECIAL = [("f0 48 0f b1 0f", "lock"), ("48 87 03", "lock"), ("48 87 d8", None), ("0f 22 d8", "cr3"), ("0f 22 c0", "cr"), ("0f 30", "wrmsr"),
           ("0f 05", "syscall"), ("48 0f 07", "sysret"), ("48 cf", "iret"), ("0f 01 d8", "vmrun"), ("0f 01 f8", "swapgs"),
           ("0f 01 3f", "invlpg"), ("f3 48 a5", "rep"), ("48 a5", None), ("ee", "port"), ("48 89 c8", None), ("f4", "hlt"),
           ("48 0f ae 37", "xsaveopt"), ("48 0f ae 2f", "xrstor"), ("0f ae f0", None), ("f3 48 0f ae d0", "fsgsbase")]


@pytest.mark.parametrize("code, name", SPECIAL)
def test_costly_instructions(code, name):
    assert counts.special(bytes.fromhex(code)) == name


@pytest.fixture
def build(tmp_path):
    """A kernel and two programs of the same addresses, which differ in one instruction."""
    (tmp_path / "bin").mkdir()
    for name, base, value in (("kernel", 0xffffffff80200000, 1), ("bin/one", 0x10000000, 2), ("bin/two", 0x10000000, 3)):
        source, out = tmp_path / "x.S", str(tmp_path / (name + ".elf"))
        source.write_text(f".globl _start, second\n_start: mov ${value}, %eax\nnop\nsecond: nop\nret\n")
        subprocess.run(["gcc", "-nostdlib", "-static", f"-Wl,-Ttext={base:#x},--build-id=none", "-o", out, str(source)], check=True)
    return types.SimpleNamespace(top=str(tmp_path), kernel=str(tmp_path / "kernel.elf"))


BLOCKS = """0 10000000 7f0000001000 b802000000 90
1 10000006 7f0000001006 90 c3
2 10000000 7f0000002000 b803000000 90
3 10000006 7f0000002006 90 c3
4 ffffffff80200000 7f0000003000 b801000000 90
5 ffffffff81000000 7f0000004000 f4
6 401000 7f0000005000 90 90 90
"""


def test_components_and_functions(tmp_path, build):
    prefix = str(tmp_path / "c")
    with open(prefix + ".blocks", "w") as f:
        f.write(BLOCKS)
    with open(prefix + ".rows", "wb") as f:
        for row in ([(0, 10), (1, 20), (3, 30)], [(4, 1), (5, 2), (6, 3), (2, 4)]):
            f.write(struct.pack("<Q", len(row)) + b"".join(struct.pack("<QQ", *e) for e in row))
    c = counts.Counts(prefix, build)
    first, second = c.row(0, "first", 10), c.row(1, "second", 1)
    # both programs have the code of block 3 at its address; its page tells whose it is
    assert first.components == {"one": 60, "two": 60}
    assert first.functions == {("one", "_start"): 20, ("one", "second"): 40, ("two", "second"): 60}
    assert first.calls == {("one", "_start"): 10, ("one", "second"): 20, ("two", "second"): 30}
    assert first.total() == 12
    assert second.components == {"kernel": 2, "guest kernel": 2, "guest program": 9, "two": 8}
    assert not second.special  # the HLT is the guest's
    assert "one           second" in counts.profile(first)
