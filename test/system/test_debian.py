"""The sample guest as `make run` starts it: a Debian root file system, from its configuration in auto/, to login and down again."""
import os

from guestkit import enter, leave, wait_gone
from harness import TOP, GuestDir


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
