# SPDX-License-Identifier: BSD-2-Clause
"""Guests do what kernels rarely do: what they observe, what the host's log says about it, and how they end."""
import os
import re
import struct

from guestkit import boots, run_guest, wait_gone
from harness import GuestDir

CASES = ["devices", "performance counters read 0", "hidden bits of CR4 fault", "other bits of CR4 can be set",
         "a page that was given away", "no hypercall from user mode", "hypercall from the kernel",
         "no upcall while the local APIC is disabled", "upcall when the local APIC is enabled",
         "both errors of an illegal self-IPI"]


def without_note_segment(elf):
    """The same image, with its notes only in a section."""
    data = bytearray(elf)
    offset, = struct.unpack_from("<Q", data, 32)
    size, number = struct.unpack_from("<HH", data, 54)
    for i in range(number):
        at = offset + i * size
        if struct.unpack_from("<I", data, at)[0] == 4:  # PT_NOTE
            struct.pack_into("<I", data, at, 0)
    return bytes(data)


def test_odd(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    with open(os.path.join(build.top, "guest", "odd"), "rb") as f:
        elf = f.read()
    for name, data in {"odd": without_note_segment(elf), "one": b"1111", "two": b"2222" + bytes(70000), "three": b"3333"}.items():
        with open(os.path.join(guests.path, name), "wb") as f:
            f.write(data)
    config = guests.add_config("odd", auto=False, memory=32, kernel="/guests/odd", extra="do=all",
                               ramdisk=["/guests/one", "/guests/two with arguments", "/guests/three"])
    fault = guests.add_config("fault", auto=False, memory=32, kernel="/guests/odd", ramdisk=None, extra="do=fault")
    # it needs no devices to halt
    halt = guests.add_config("halt", auto=False, vcpus=2, extra=boots("/bin/busybox halt -f"))
    m = machine(guests=guests)
    m.prompt()

    said = run_guest(m, config)
    assert "FAILED" not in said, said
    for case in CASES:
        assert f"odd: ok {case}" in said, f"'{case}' is missing:\n{said}"
    modules = re.findall(r"odd: module (\d) of (\d+) bytes begins with (\w+), '(.*)'", said)
    assert modules == [("0", "4", "31313131", ""), ("1", "70004", "32323232", "with arguments"), ("2", "4", "33333333", "")], said
    # after its last output it executed cli; hlt, so it is off without a hypercall
    assert "odd: end" in said
    wait_gone(m)
    log = m.shell("dmesg")
    for line in (r"hypercall 33 does not exist", r"hypercall hvm_op, operation 77 is not available",
                 r"RDMSR 0x12345678 at 0x\w+: no such register", r"writes port 0x3f8 at 0x\w+: no device is there"):
        assert len(re.findall(line, log)) == 1, f"'{line}' once in\n{log}"

    run_guest(m, fault)
    assert re.search(r"triple fault at 0x\w+ in 64-bit code, bytes 0f 0b ", m.shell("dmesg")), m.shell("dmesg")

    # a stock Linux: the log says nothing about absent features, and the guest is off when all its vCPUs have halted
    before = len(m.shell("dmesg").splitlines())
    said = run_guest(m, halt)
    assert "System halted" in said, said
    wait_gone(m)
    news = [line for line in m.shell("dmesg").splitlines()[before:] if "vmm-halt" in line]
    assert len(news) == 1 and "all vCPUs are down" in news[0], news
