# SPDX-License-Identifier: BSD-2-Clause
"""The sample guest as `make run` starts it: a Debian root file system, from its configuration in auto/ to login and power off."""
import os

from guestkit import enter, leave, wait_gone
from harness import TOP, GuestDir, partition


def superblock(path, offset=0):
    """Mount count, state and incompatible features of an ext4 file system."""
    with open(path, "rb") as f:
        f.seek(offset + 1024)
        block = f.read(1024)
    return (int.from_bytes(block[at:at + n], "little") for at, n in ((0x34, 2), (0x3a, 2), (0x60, 4)))


def test_debian(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    kernel, initrd = build.linux()
    guests.add_file(kernel, "vmlinuz")
    guests.add_file(initrd, "initramfs")
    os.symlink(os.path.join(build.guests, "debian.img"), os.path.join(guests.path, "debian.img"))
    os.symlink(os.path.join(TOP, "configs", "debian.cfg"), os.path.join(guests.path, "auto", "debian.cfg"))
    m = machine(guests=guests)
    m.prompt()
    enter(m, "debian", r"debian login: root \(automatic login\)[^$]*# ")
    m.send("echo root-$((6*7)); findmnt -no SOURCE,FSTYPE /; ip -o -4 addr show eth0\r")
    m.expect("root-42")
    m.expect("/dev/xvda +ext4")
    m.expect(r"inet 10\.0\.2\.\d+/24")
    leave(m)
    m.line("shutdown -w debian")
    m.expect("Domain 1 has been shut down, reason code 0")
    m.prompt()
    wait_gone(m)
    m.poweroff()
    # the guest mounted its root for writing, which counts, and unmounted it: it is marked clean, and the journal is empty
    offset, _ = partition(m.disk, "debian")
    mounts, state, incompatible = superblock(m.disk, offset)
    assert mounts == next(superblock(os.path.join(build.guests, "debian.img"))) + 1
    assert state == 1 and not incompatible & 4, f"ext4 state {state}, features {incompatible:#x}"
