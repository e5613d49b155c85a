# SPDX-License-Identifier: BSD-2-Clause
"""A device is taken out while it is used. The monitor switches the power of its slot off, so that QEMU unplugs it at once."""
import os
import subprocess

from guestkit import attach, boots, compile_tool, enter, info, leave, ramdisk, services, stamps_end, wait_gone
from harness import TOP, GuestDir

SLOT = 0x10         # the device number of the port on bus 0
PORT = f"-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off -device pcie-root-port,id=slot1,addr={SLOT:#x},chassis=1,slot=1"
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
    m = machine(extra=["--no-disk"], qemu_args=f"{PORT} -drive file={disk},format=raw,if=none,id=disk1 "
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


# the host's own address needs no card
PINGS = """#!/bin/sh
n=0
while :; do
	ping -q -c 1 -W 60 10.0.2.15 >/dev/null || echo "TEST FAILED: the switch"
	ping -q -c 1 -W 1 10.0.2.2 >/dev/null && out=heard || out=silent
	n=$((n + 1))
	echo "round $n: outside is $out"
done
"""


def test_a_card_that_is_taken_out(machine, build, tmp_path):
    """Guests see silence from outside. The switch, the disks and everything else go on."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_config("pings", auto=False, memory=96, ramdisk=ramdisk(guests, "pings", {"pings": PINGS}), vif=["bridge=xenbr0"],
                      extra=boots("/pings", more="net=10.0.2.17/24"))
    image = ramdisk(guests, "stamp", {"stampio": compile_tool("stampio", tmp_path)})
    guests.add_config("stamp", auto=False, memory=96, ramdisk=image, disk=[f"{guests.add_image('stamp', size=8 << 20)},xvda,w"],
                      extra=boots("/stampio /dev/xvda 8"))
    m = machine(guests=guests, extra=["--no-card"],
                qemu_args=f"{PORT} -device virtio-net-pci,bus=slot1,netdev=net0,disable-legacy=on,iommu_platform=on")
    m.prompt()
    m.until(lambda: "(ip) address 10.0.2.15 " in m.shell("dmesg"), "the host's address")
    before = info(m, "free_memory")
    m.shell("create /guests/stamp.cfg")
    enter(m, "stamp", "stampio: begins")
    leave(m)
    m.shell("create /guests/pings.cfg")
    attach(m, "pings", "outside is heard")
    take_out(m)
    m.until(lambda: services(m)["net0"].state == "given up", "the end of the driver")
    attach(m, "pings", r"outside is silent\s+round \d+: outside is silent")
    log = m.shell("dmesg")
    assert "(net0) the device has failed" in log, log
    # platform is started again once, because it could not reset the card
    expected = {"net0": ("given up", 0), "platform": ("running", 1)}
    assert [n for n, r in services(m).items() if (r.state, r.restarts) != expected.get(n, ("running", 0))] == []
    m.shell("destroy pings")
    stamps_end(m, "stamp")
    wait_gone(m)
    assert info(m, "free_memory") == before
    m.poweroff()
