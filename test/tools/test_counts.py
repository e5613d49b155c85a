# SPDX-License-Identifier: BSD-2-Clause
"""The analysis of what `make bench T=rows` counts: costly instructions, components, functions, bars. The objects are of this machine."""
import os
import struct
import subprocess
import sys
import types
import xml.etree.ElementTree as ElementTree

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "bench"))

sys.path.insert(0, os.path.join(TOP, "test", "system"))

import check  # noqa: E402
import counts  # noqa: E402
import plot  # noqa: E402
import rows  # noqa: E402

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


BLOCKS = """0 host 10000000 7f0000001000 b802000000 90
1 host 10000006 7f0000001006 90 c3
2 host 10000000 7f0000002000 b803000000 90
3 host 10000006 7f0000002006 90 c3
4 host ffffffff80200000 7f0000003000 b801000000 90
5 guest ffffffff80200000 7f0000004000 f4 f3a4
6 guest 10000000 7f0000005000 90 90 90
"""


def write(prefix, blocks, *rows):
    with open(prefix + ".blocks", "w") as f:
        f.write(blocks)
    with open(prefix + ".rows", "wb") as f:
        for row in rows:
            f.write(struct.pack("<Q", len(row)) + b"".join(struct.pack("<QQ", *e) for e in row))


def test_components_and_functions(tmp_path, build):
    prefix = str(tmp_path / "c")
    write(prefix, BLOCKS, [(0, 10), (1, 20), (3, 30)], [(4, 1), (5, 2), (6, 3), (2, 4)])
    c = counts.Counts(prefix, counts.Skerry(build))
    first, second = c.row(0, "first", 10), c.row(1, "second", 1)
    # both programs have the code of block 3 at its address; its page tells whose it is
    assert first.components == {"one": 60, "two": 60}
    assert first.functions == {("one", "_start"): 20, ("one", "second"): 40, ("two", "second"): 60}
    assert first.calls == {("one", "_start"): 10, ("one", "second"): 20, ("two", "second"): 30}
    assert first.total() == 12
    assert second.components == {"kernel": 2, "guest kernel": 4, "guest program": 9, "two": 8}
    assert not second.special and second.reps == 2  # the HLT is the guest's
    assert "one           second" in counts.profile(first)


XEN_BLOCKS = """0 host ffff82d040200000 7f0000001000 90
1 host ffffffff81000000 7f0000002000 0f05
2 host 55550000a000 7f0000003000 b802000000 90 90 c3 909090909090
3 host 7fff0000b006 7f0000004006 90 c3
4 guest ffff82d040200000 7f0000005000 90
"""


def test_components_of_a_host_with_xen(tmp_path, build):
    """dom0's programs are at any page; a short block is too common to say which."""
    (tmp_path / "x.S").write_text(".globl _start\n_start: mov $2, %eax\nnop\nnop\nret\n.fill 6, 1, 0x90\n")
    program = str(tmp_path / "xenstored")
    subprocess.run(["gcc", "-nostdlib", "-static", "-Wl,-Ttext=0x401000,--build-id=none", "-o", program, str(tmp_path / "x.S")], check=True)
    prefix = str(tmp_path / "c")
    write(prefix, XEN_BLOCKS, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)])
    row = counts.Counts(prefix, counts.Xen(build.kernel, build.kernel, [program])).row(0, "row", 1)
    assert row.components == {"xen": 1, "dom0 kernel": 2, "xenstored": 15, "dom0 programs": 8, "guest kernel": 5}
    assert row.special == {"syscall": 2}


def test_without_a_hypervisor_all_is_the_guests(tmp_path):
    prefix = str(tmp_path / "c")
    write(prefix, "0 host ffffffff81000000 7f0000001000 90 f4\n1 host 401000 7f0000002000 90\n", [(0, 3), (1, 4)])
    row = counts.Counts(prefix, None).row(0, "row", 1)
    assert row.components == {"guest kernel": 6, "guest program": 4} and not row.special


def test_decoding_and_subtraction():
    row, idle = counts.Row("row", 10), counts.Row("idle", 2)
    row.components.update(xen=1000)
    row.functions.update({("xen", "x86_decode"): 390, ("xen", "svm_vmexit_handler"): 600, ("dom0 kernel", "x86_decode"): 5})
    row.calls.update({("xen", "x86_decode"): 10, ("xen", "svm_get_insn_len"): 10})
    assert row.total() == 100 and row.decoding() == 40
    assert rows.result(row, 40)["without decoding"] == 60
    idle.components.update(xen=20)
    idle.functions.update({("xen", "svm_vmexit_handler"): 20})
    row.subtract(idle)
    assert row.total() == 90 and row.functions["xen", "svm_vmexit_handler"] == 500


def test_a_row_without_a_name_is_noticed(tmp_path):
    prefix = str(tmp_path / "c")
    write(prefix, "0 host ffffffff81000000 7f0000001000 90\n", [(0, 1)], [(0, 2)])
    with pytest.raises(AssertionError, match="2 rows were counted, and 1 named"):
        rows.measured(counts.Counts(prefix, None), [("a", "1")], ())


def side(instructions, decoding=0):
    return {"instructions": instructions, "without decoding": instructions - decoding, "components": {"kernel": 1}, "costly": {}, "rep": 0}


def test_bars():
    bar, limit = rows.Row("a", "call", 0.5), rows.Row("b", "call", None, 700)
    assert rows.line(bar, {"xen": side(2000, 600), "skerry": side(700)})[1] == []
    assert rows.line(bar, {"xen": side(2000, 700), "skerry": side(700)})[1] == [
        "a: 700 instructions are 0.54 of Xen's, at most 0.50 are wanted"]
    assert rows.line(bar, {"skerry": side(700)})[1] == []
    assert rows.line(limit, {"skerry": side(701)})[1] == ["b: 701 instructions, at most 700 are wanted"]
    assert rows.line(limit, {"skerry": side(700)})[1] == []


def test_only_commands_that_wanted_rows_need(monkeypatch):
    monkeypatch.setenv("SKERRY_ROWS", "destroy-grub")
    assert rows.host_commands() == [("", "create -p /guests/gr.cfg"), ("destroy-grub", "destroy gr"), ("", "create -p /guests/gr.cfg"),
                                    ("", "destroy gr")]
    monkeypatch.setenv("SKERRY_ROWS", "disk")
    assert rows.host_commands() == [] and not rows.work().needs_peer()
    monkeypatch.setenv("SKERRY_ROWS", "destroy-linux")
    assert ("start-linux", "unpause lin") in rows.host_commands() and ("", "create -p /guests/lin.cfg") in rows.host_commands()
    monkeypatch.setenv("SKERRY_ROWS", "list")
    assert len(rows.host_commands()) == 2 * rows.LISTED + 1 and rows.work().lists == rows.LISTED


def test_a_plot_shows_the_rows_that_xen_has_too():
    known = {"a": {"xen": side(2000, 1000), "skerry": side(700)}, "b": {"skerry": side(1)}}
    drawn = ElementTree.fromstring(plot.svg(["a", "b"], known))
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "a" in texts and "b" not in texts and "700" in texts and "1,000" in texts


BASELINE = {"long": 10000, "short": 100, "disk-1": 10000, "gone": 1}


@pytest.mark.parametrize("now, failed, notes", [
    ({"long": 10300, "short": 108, "disk-1": 10500, "gone": 1}, [], []),
    ({"long": 10301, "short": 109, "disk-1": 10501, "gone": 9}, ["long", "short", "disk-1"], []),
    ({"long": 9699, "short": 92, "disk-1": 9499}, ["gone"], ["long", "disk-1"]),
    ({**BASELINE, "new": 5}, ["new"], []),
])
def test_counts_beside_a_baseline(now, failed, notes):
    found, more = check.judge(BASELINE, now)
    assert [text.split(":")[0] for text in found] == failed and [text.split(":")[0] for text in more] == notes
