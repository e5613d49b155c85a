# SPDX-License-Identifier: BSD-2-Clause
"""Stock Debian kernels as guests: numbers of vCPUs on numbers of host CPUs, and what the guests see of the host."""
import re

import pytest

from guestkit import boots, info, ramdisk, run_guest, wait_gone
from harness import GuestDir

LOOK = """#!/bin/sh
echo "nproc $(nproc)"
echo "clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
cd /sys/hypervisor
for f in type uuid guest_type version/major version/minor version/extra properties/pagesize; do echo "hypervisor $f $(cat $f)"; done
cat /proc/interrupts
ls /proc/xen
dmesg | grep -E 'BUG:|WARNING:|Call Trace|Oops|soft lockup|Firmware Bug' | sed 's/^/kernel says /'
"""

# (number of host CPUs, numbers of vCPUs of the guests on it)
PAIRS = [(1, [1, 2, 4]), (2, [2, 4, 8])]  # 1 vCPU on 2 CPUs is tested below with the other kernel


def look_guest(guests, name, vcpus, **keys):
    image = ramdisk(guests, "look", {"look": LOOK}, keys.get("flavour", "cloud-amd64"))
    return guests.add_config(name, auto=False, ramdisk=image, vcpus=vcpus, extra=boots("/look"), **keys)


def check_look(out, vcpus, name):
    assert "guest: user space, Linux 6.1" in out, out
    assert f"nproc {vcpus}\n" in out, out
    assert re.search(r"^clocksource (xen|tsc)$", out, re.M), out
    told = dict(re.findall(r"^hypervisor (\S+) (.*)$", out, re.M))
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", told.pop("uuid")), out
    assert told == {"type": "xen", "guest_type": "PVH", "version/major": "4", "version/minor": "17", "version/extra": "-skerry",
                    "properties/pagesize": "1000"}, told
    for cpu in range(vcpus):
        for kind, what in (("virq", "timer"), ("ipi", "resched"), ("ipi", "callfunc"), ("ipi", "callfuncsingle")):
            assert re.search(rf"xen-percpu +-{kind} +{what}{cpu}$", out, re.M), f"{what}{cpu}:\n{out}"
        timer = re.search(rf"^ *\d+: ([ \d]+) xen-percpu +-virq +timer{cpu}$", out, re.M)[1].split()
        assert int(timer[cpu]) > 0, f"no timer interrupt on vCPU {cpu}:\n{out}"
    assert re.search(r"xen-dyn +-event +xenbus$", out, re.M), out
    assert re.search(r"xen-dyn\S* +-event +hvc_console$", out, re.M), out
    assert re.search(r"^HYP: +[1-9]", out, re.M), out
    assert "xenbus" in out.split("hvc_console")[-1], "/proc/xen is empty"
    assert "kernel says" not in out, out


@pytest.mark.parametrize("smp,vcpus", PAIRS)
def test_pairs(machine, build, tmp_path, smp, vcpus):
    guests = GuestDir(tmp_path / "g", build)
    configs = [(n, look_guest(guests, f"look{n}", n, memory=128)) for n in vcpus]
    m = machine(guests=guests, smp=smp)
    m.prompt()
    free = info(m, "free_memory")
    for n, config in configs:
        check_look(run_guest(m, config), n, f"{n} on {smp}")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


def test_xz_kernel(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    config = look_guest(guests, "xz", 1, memory=320, flavour="amd64")
    m = machine(guests=guests)
    m.prompt()
    check_look(run_guest(m, config), 1, "xz")
    m.poweroff()
