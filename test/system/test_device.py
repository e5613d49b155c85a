# SPDX-License-Identifier: BSD-2-Clause
"""A device is taken out while it is used. The monitor switches the power of its slot off, so that QEMU unplugs it at once."""
import os
import subprocess

from guestkit import services
from harness import TOP, GuestDir

SLOT = 0x10         # the device number of the port on bus 0
CAP_PCIE = 0x10
SLOT_CONTROL = 0x18
POWER_OFF = 7 << 8  # and its lamp, without which QEMU would ask the host first


def port_read(m, reg):
    """A register of the port's configuration space, which is open for port_write() then."""
    monitor(m, f"o/w 0xcf8 {1 << 31 | SLOT << 11 | reg:#x}")
    return int(monitor(m, "i/w 0xcfc").split("=")[1], 16)


def port_write(m, value):
    monitor(m, f"o/w 0xcfc {value:#x}")


def monitor(m, line):
    return m.qmp("human-monitor-command", **{"command-line": line})


def take_out(m):
    at = port_read(m, 0x34) & 0xfc
    while (head := port_read(m, at)) & 0xff != CAP_PCIE:
        at = head >> 8 & 0xfc
    port_write(m, port_read(m, at + SLOT_CONTROL) & 0xffff | POWER_OFF)


def test_a_disk_that_is_taken_out(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    with open(os.path.join(guests.path, "words.txt"), "w", encoding="ascii") as f:
        f.write("words\n")
    disk = tmp_path / "disk.img"
    subprocess.run([os.path.join(TOP, "tools", "mkdisk"), "-o", disk, guests.path], check=True)
    m = machine(extra=["--no-disk"], qemu_args=f"-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off "
                f"-device pcie-root-port,id=slot1,addr={SLOT:#x},chassis=1,slot=1 -drive file={disk},format=raw,if=none,id=disk1 "
                f"-device virtio-blk-pci,bus=slot1,drive=disk1,disable-legacy=on,iommu_platform=on")
    m.prompt()
    assert m.shell("cat /guests/words.txt") == "words"
    take_out(m)
    m.line("cat /guests/words.txt")  # a request that nobody will answer
    m.expect("cannot be read")
    m.prompt()
    m.until(lambda: services(m)["blk0"].state == "given up", "the end of the driver")
    log = m.shell("dmesg")
    assert "(blk0) the device has failed" in log, log
    assert [n for n, r in services(m).items() if n != "blk0" and r.state != "running"] == []
    m.poweroff()
