# SPDX-License-Identifier: BSD-2-Clause
"""A guest sends frames of every form; host, uplink and a neighbour must not be disturbed."""
import random

from guestkit import Bystander, leave, rogue, rogue_says, served, wait_gone
from harness import GuestDir

CONTENT = random.Random(2).randbytes(64 << 10)

# the results that test/guest/rogue_net.c must report
MILESTONES = ["the host answers", "frames of every length", "the uplink works after frames of every length",
              "the host answers after frames of every length", "pieces of every size",
              "the uplink works after pieces of every size", "large frames of every length",
              "the uplink works after large frames of every length", "the uplink works after checksums everywhere",
              "the host answers in the end"]


def test_frames(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    config = rogue(guests, build, "rogue", "frames")
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        m = machine(guests=guests)
        m.prompt()
        m.until(lambda: "(ip) address 10.0.2.15 " in m.shell("dmesg"), "an address by DHCP")
        calm.start(m)
        rogue_says(m, config, "frames done", MILESTONES)
        leave(m)
        calm.goes_on()
        m.shell("destroy rogue")
        wait_gone(m, "rogue")
        calm.undisturbed()
        log = m.shell("dmesg")
        assert "dropped: it broke" not in log and "uplink:" not in log, log
        calm.end()
