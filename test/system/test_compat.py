# SPDX-License-Identifier: BSD-2-Clause
"""32-bit guests: a stock 32-bit kernel, and PVH GRUB, which is 32-bit code and starts a 64-bit kernel from the guest's disk."""
import hashlib
import os
import re
import time

from guestkit import GRUB_CFG, boots, install, leave, ramdisk, run_guest, served, wait_gone
from harness import GuestDir

CONTENT = bytes(range(256)) * 2048

WORK = """#!/bin/sh
echo "machine $(uname -m), $(nproc) CPUs"
echo "clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
echo "seconds $(date +%s)"
head -c 1048576 /dev/urandom >/tmp/data
dd if=/tmp/data of=/dev/xvda bs=64k conv=fsync 2>/dev/null || echo "TEST FAILED: write"
echo 3 >/proc/sys/vm/drop_caches
[ "$(head -c 1048576 /dev/xvda | sha256sum)" = "$(sha256sum </tmp/data)" ] || echo "TEST FAILED: disk"
[ "$(wget -q -O - http://10.0.2.2:PORT/ | sha256sum)" = "SUM  -" ] || echo "TEST FAILED: network"
grep -E 'xen-(percpu|dyn)' /proc/interrupts
dmesg | grep -E 'BUG:|WARNING:|Call Trace|Oops|soft lockup' | sed 's/^/kernel says /'
echo "work is done"
"""


def test_686_pae(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    with served(CONTENT) as port:
        work = WORK.replace("PORT", str(port)).replace("SUM", hashlib.sha256(CONTENT).hexdigest())
        config = guests.add_config("pae", auto=False, flavour="686-pae", memory=192, vcpus=2, vif=["bridge=xenbr0"],
                                   disk=[f"{guests.add_image('pae', size=1 << 20)},xvda,w"],
                                   ramdisk=ramdisk(guests, "pae-ramdisk", {"work": work}, "686-pae"),
                                   extra=boots("/work", more="net=dhcp"))
        m = machine(guests=guests)
        m.prompt()
        out = run_guest(m, config)
    assert "machine i686, 2 CPUs" in out and "work is done" in out, out
    assert re.search(r"^clock (xen|tsc)$", out, re.M), out
    assert abs(int(re.search(r"^seconds (\d+)$", out, re.M)[1]) - time.time()) < 86400, out
    for cpu in range(2):
        timer = re.search(rf"^ *\d+: ([ \d]+) xen-percpu +-virq +timer{cpu}$", out, re.M)
        assert timer and int(timer[1].split()[cpu]) > 0, f"no timer interrupt on vCPU {cpu}:\n{out}"
    assert "kernel says" not in out, out
    wait_gone(m)
    assert "by 32-bit code" not in m.shell("dmesg")
    m.poweroff()


def test_pvh_grub(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    guests.add_image("debian", source=os.path.join(build.guests, "debian.img"))
    grub_cfg = tmp_path / "grub.cfg"
    grub_cfg.write_text(GRUB_CFG)
    kernel, initramfs = build.linux()
    install(os.path.join(guests.path, "debian.img"),
            {"/boot/vmlinuz": kernel, "/boot/initramfs": initramfs, "/boot/grub/grub.cfg": str(grub_cfg)})
    # as for a host with Xen, its volumes and its bridge
    config = guests.add_config("grub", auto=False, bootloader="pygrub", kernel=None, ramdisk=None, extra=None, memory=256,
                               disk=["phy:/dev/vg0/debian,xvda,w", "vdev=hdc,cdrom"], vif=["ip=192.0.2.7,bridge=guestbr0"])
    (tmp_path / "names.map").write_text("disk /dev/vg0/* *\nbridge guestbr0 xenbr0\n")
    guests.add_file(str(tmp_path / "names.map"))
    m = machine(guests=guests)
    m.prompt()
    m.line(f"create -c {config}")
    m.expect("grub: from the guest's own disk")
    m.expect(r"debian login: root \(automatic login\)[^$]*# ")
    m.send("echo root-$((6*7)); findmnt -no SOURCE,FSTYPE /; ip -o -4 addr show eth0; dmesg | grep xen:events; date +%Y\r")
    m.expect("root-42")
    m.expect("/dev/xvda +ext4")
    m.expect(r"inet 10\.0\.2\.\d+/24")
    m.expect("Using 2-level ABI")
    m.expect(rf"^{time.gmtime().tm_year}")
    leave(m)
    m.line("shutdown -w grub")
    m.expect("Domain 1 has been shut down, reason code 0")
    m.prompt()
    wait_gone(m)
    m.poweroff()
