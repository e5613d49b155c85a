# SPDX-License-Identifier: BSD-2-Clause
"""The memory of running guests: it grows to maxmem and shrinks, illegal requests are refused, and all of it comes back."""
import hashlib
import re

from guestkit import attach, free, listed, ramdisk, run, wait_gone
from harness import GuestDir

BOOT = "guest: user space[^$]*# "
BLOCKS = 220  # of 1 MiB: more than the guest has at its start
FILL = f"""mount -t tmpfs -o size=300m t /mnt
yes skerry | head -c 1048576 >/mnt/one
for i in $(seq {BLOCKS}); do echo block $i; cat /mnt/one; done >/mnt/all
md5sum /mnt/all
umount /mnt"""


def filled():
    """The output that FILL must print."""
    one = (b"skerry\n" * 150000)[:1 << 20]
    return hashlib.md5(b"".join(b"block %d\n" % i + one for i in range(1, BLOCKS + 1))).hexdigest()


def holds(m, name):
    """The number of MiB that the guest holds now."""
    return listed(m)[name][1]


def wait_for(m, name, reached):
    """Wait until the guest holds the wanted amount, because its balloon works at its own pace."""
    while not reached(holds(m, name)):
        pass


def total(m, name):
    """MemTotal in KiB."""
    return int(re.search(r"MemTotal: +(\d+) kB", run(m, name, "grep MemTotal /proc/meminfo"))[1])


def test_grow_and_shrink(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    image = ramdisk(guests, "memory", {"fill": "#!/bin/sh\n" + FILL})
    guests.add_config("grow", auto=False, memory=192, maxmem=384, vcpus=2, ramdisk=image,
                      extra="console=hvc0 quiet memhp_default_state=online")
    m = machine(guests=guests, mem="1G")
    m.prompt()
    m.shell("create -p /guests/grow.cfg")  # the first guest leaves directories in xenstore
    m.shell("destroy grow")
    wait_gone(m)
    before = free(m)
    m.shell("create /guests/grow.cfg")
    own = before - free(m) - 192
    attach(m, "grow", BOOT)
    at_boot, memory = holds(m, "grow"), total(m, "grow")
    assert 190 <= at_boot <= 192

    # an illegal size is refused and changes nothing
    assert "385 MiB is more than the maxmem=384" in m.shell("mem-set grow 385")
    assert "is not a valid memory size" in m.shell("mem-set grow 1.5g")
    assert m.shell("xenstore-read /local/domain/2/memory/target") == str(192 << 10)

    # grow into memory that the guest did not have; all of it must work
    assert m.shell("mem-set grow 320") == ""
    wait_for(m, "grow", lambda mib: mib >= at_boot + 128)
    assert free(m) == before - own - 320
    assert 125000 <= total(m, "grow") - memory <= 132000
    said = run(m, "grow", "/fill")
    assert filled() in said, said

    # shrink: the VMM keeps the memory; grow again from that memory
    m.shell("mem-set grow 160m")
    wait_for(m, "grow", lambda mib: mib <= at_boot - 32)
    assert 29000 <= memory - total(m, "grow") <= 36000
    m.shell("mem-set grow 262144k")
    wait_for(m, "grow", lambda mib: mib >= at_boot + 64)
    assert free(m) == before - own - 320

    # a lower limit holds for mem-set and for the guest, until it is lifted
    assert "255 MiB is less than the 256 MiB" in m.shell("mem-max grow 255")
    assert "385 MiB is more than the maxmem=384" in m.shell("mem-max grow 385")
    assert m.shell("mem-max grow 288") == ""
    assert "289 MiB is more than the 288 MiB that mem-max allows" in m.shell("mem-set grow 289")
    m.shell(f"xenstore-write /local/domain/2/memory/target {900 << 10}")
    wait_for(m, "grow", lambda mib: mib >= at_boot + 94)
    m.shell("sleep 3")
    assert holds(m, "grow") <= 288
    assert m.shell("mem-max grow 384") == ""

    # the guest never gets more than maxmem, whatever its target is
    m.shell(f"xenstore-write /local/domain/2/memory/target {900 << 10}")
    wait_for(m, "grow", lambda mib: mib >= at_boot + 192)
    while free(m) > before - own - 384:
        pass
    assert holds(m, "grow") <= 384
    assert free(m) == before - own - 384
    assert "grow" in run(m, "grow", "echo $((1+1))grow")
    m.shell("destroy grow")
    wait_gone(m)
    assert free(m) == before

    # pause it while it grows, and destroy it while it grows
    m.shell("create /guests/grow.cfg")
    attach(m, "grow", BOOT)
    m.shell("mem-set grow 384")
    wait_for(m, "grow", lambda mib: mib > at_boot)
    m.shell("pause grow")
    paused = holds(m, "grow")
    m.shell("unpause grow")
    wait_for(m, "grow", lambda mib: mib > paused)
    m.shell("destroy grow")
    wait_gone(m)
    assert free(m) == before

    # ask for more than the host has
    m.shell("create -p /guests/grow.cfg maxmem=6000")
    assert "not enough free memory: domain 4 has 192 MiB and needs 1308 more" in m.shell("mem-set grow 1500")
    m.shell("destroy grow")
    wait_gone(m)
    assert free(m) == before
    assert "fault" not in m.shell("dmesg")
    m.poweroff()


def test_balloon_everywhere(machine, build, tmp_path):
    """A guest gives away pages of nearly all its memory, and its VMM can record each of them."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_config("wide", auto=False, memory=513)  # an odd number, so the guest has 514
    m = machine(guests=guests, mem="1G")
    m.prompt()
    m.shell("create -p /guests/wide.cfg")
    m.shell("destroy wide")
    wait_gone(m)
    before = free(m)
    m.shell("create /guests/wide.cfg")
    attach(m, "wide", BOOT)
    at_boot = holds(m, "wide")
    assert 512 <= at_boot <= 514
    m.shell("mem-set wide 98")
    wait_for(m, "wide", lambda mib: mib <= at_boot - 416)
    m.shell("mem-set wide 514")
    wait_for(m, "wide", lambda mib: mib >= at_boot)
    assert "Killed" not in run(m, "wide", "dmesg")
    m.shell("destroy wide")
    wait_gone(m)
    assert free(m) == before
    m.poweroff()


def test_busy_guest(machine, build, tmp_path):
    """Eight vCPUs start and end processes all the time, while pages leave the guest and come back."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_config("busy", auto=False, memory=192, vcpus=8, extra="console=hvc0 quiet", on_crash="preserve")
    m = machine(guests=guests)
    m.prompt()
    m.shell("create /guests/busy.cfg")
    attach(m, "busy", BOOT)
    cpus = {line.split()[3] for line in m.shell("vcpu-list busy").splitlines()[1:]}
    assert cpus == {"1"}, "CPU 0 of QEMU's TCG is not for guests (decisions/0017)"
    run(m, "busy", "for i in 1 2 3 4; do while :; do cat /proc/meminfo; ls -R /sys; done >/dev/null 2>&1 & done")
    for _ in range(6):
        m.shell("mem-set busy 130")
        wait_for(m, "busy", lambda mib: mib <= 185)  # how far it gets depends on the guest's free memory
        m.shell("mem-set busy 190")
        wait_for(m, "busy", lambda mib: mib >= 189)
        assert "c" not in listed(m)["busy"][3], m.shell("dmesg")
    assert "alive" in run(m, "busy", "echo ali''ve")
    m.shell("destroy busy")
    wait_gone(m)
    m.poweroff()
