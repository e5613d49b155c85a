# SPDX-License-Identifier: BSD-2-Clause
"""The life of the host: guests of auto/ start in the order of their names; reboot-host and poweroff shut them down first."""
import os

from guestkit import attach, boots, listed, ramdisk
from harness import GuestDir, partition

# prints the contents of the volume, then writes to it without a sync: the shutdown of the guest must write the data
KEEPER = """#!/bin/sh
echo "volume has [$(head -c 11 /dev/xvda)]"
echo -n "from $1 here" >/dev/xvda
echo "all set"
"""


def test_reboot_and_power_off(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    image = ramdisk(guests, "keeper", {"keeper": KEEPER})
    for order, name in (("1-zeta", "zeta"), ("2-alfa", "alfa"), ("3-mike", "mike")):
        volume = guests.add_image(name, content=b"-" * 4096)
        auto = os.path.join(guests.path, "auto")
        guests.add_config(name, memory=88, ramdisk=image, disk=[f"{volume},xvda,w"],
                          extra=boots(f"/keeper {name}", end="halt"))
        os.rename(os.path.join(auto, name + ".cfg"), os.path.join(auto, order + ".cfg"))
    m = machine(guests=guests)
    m.prompt()
    for name in ("zeta", "alfa", "mike"):
        m.until(lambda: name in listed(m), "guest " + name)
        attach(m, name, r"volume has \[-----------\]\s+all set")
    ids = {name: row[0] for name, row in listed(m).items()}
    assert ids["zeta"] < ids["alfa"] < ids["mike"], ids

    m.line("reboot-host")
    m.expect("the machine starts again")
    m.prompt()
    for name in ("zeta", "alfa", "mike"):
        m.until(lambda: name in listed(m), "guest " + name)
        attach(m, name, rf"volume has \[from {name} h\]\s+all set")
    m.poweroff()
    for name in ("zeta", "alfa", "mike"):
        offset, _ = partition(m.disk, name)
        with open(m.disk, "rb") as f:
            f.seek(offset)
            assert f.read(14) == f"from {name} here".encode()
