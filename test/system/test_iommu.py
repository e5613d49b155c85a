# SPDX-License-Identifier: BSD-2-Clause
"""What devices may do, with each kind of IOMMU: their interrupts, and what becomes of a device that goes astray.

The driver of a device that goes astray is that of build/boot/inject.img, which gives its device a wrong address once (the ways dma and msi
of libs/svc/inject.c). QEMU says itself what its IOMMU did with a message; what it does not report to the host is said in docs/status.md.
"""
import os

import pytest

from guestkit import info, services
from harness import GuestDir

KINDS = ["intel", "amd"]


@pytest.mark.parametrize("kind", KINDS)
def test_interrupts_belong_to_their_sender(machine, kind):
    m = machine(iommu=kind)
    m.prompt()
    assert "interrupts remapped" in m.text, m.text
    assert info(m, "interrupts") == "devices send only those of their drivers"
    m.shell("cat /guests/none")  # the disk and the console interrupt
    m.poweroff()


@pytest.mark.parametrize("kind,append", [("intel", "intremap=off"), ("amd", "intremap=off"), ("none", "")])
def test_without_remapping_the_host_says_so(machine, kind, append):
    m = machine(iommu=kind, append=append)
    m.prompt()
    assert "interrupts not remapped" in m.text, m.text
    assert info(m, "interrupts") == "not remapped, devices can send all"
    m.poweroff()


WORDS = "\n".join(f"line {n} of what the disk has" for n in range(100))
PLACE = "TAKEN/BLK:20"  # after storage has looked whether it is the same disk
READ = "cat /guests/words.txt"
# what QEMU prints when its IOMMU refuses a message
REFUSED = {"intel": "index too large", "amd": "failed to remap interrupt"}


def stray(machine, build, tmp_path, kind, way):
    """A machine whose disk has gone astray: it was to write elsewhere what it read."""
    guests = GuestDir(tmp_path / "g", build)
    with open(os.path.join(guests.path, "words.txt"), "w", encoding="ascii") as f:
        f.write(WORDS)
    build.archive = os.path.join(build.top, "boot", "inject.img")
    m = machine(guests=guests, iommu=kind, append=f"blk0.inject={way} blk0.inject-at={PLACE}")
    m.prompt()
    assert m.shell(READ) == WORDS
    m.shell("restart blk0")
    m.until(lambda: services(m)["blk0"].epoch >= 1 and services(m)["blk0"].state == "running", "blk0")
    # one of them is not what the disk has
    m.until(lambda: m.shell(READ) and f"inject: {way} at {PLACE}" in m.shell("dmesg"), "the device to go astray")
    return m


def unharmed(m):
    """The driver has a new life, the others had one only, and all works."""
    m.until(lambda: services(m)["blk0"].state == "running" and services(m)["blk0"].epoch >= 2, "blk0")
    assert m.shell(READ) == WORDS
    assert [n for n, r in services(m).items() if n != "blk0" and (r.restarts or r.state != "running")] == []
    m.poweroff()


@pytest.mark.parametrize("kind", KINDS)
def test_dma_outside_its_memory_is_refused(machine, build, tmp_path, kind):
    m = stray(machine, build, tmp_path, kind, "dma")
    if kind == "intel":
        m.until(lambda: services(m)["blk0"].reason == "dma", "the end of the driver")
        assert "blk0: device disk0 was refused to write memory at 100000" in m.shell("dmesg")
    else:
        m.shell("restart blk0")  # QEMU's AMD-Vi reports nothing
    unharmed(m)


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_interrupt_is_refused(machine, build, tmp_path, kind):
    m = stray(machine, build, tmp_path, kind, "msi")
    m.until(lambda: REFUSED[kind] in m.text, "QEMU's word about the message")
    if services(m)["blk0"].reason != "dma":
        m.shell("restart blk0")  # no QEMU before 8.1 reports the message to the host
    unharmed(m)
