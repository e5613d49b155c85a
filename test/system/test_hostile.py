# SPDX-License-Identifier: BSD-2-Clause
"""A guest breaks every rule of its rings, while a bystander verifies disk and network and must not be disturbed."""
import random

from guestkit import Bystander, leave, listed, rogue, rogue_says, served, wait_gone
from harness import GuestDir

CONTENT = random.Random(1).randbytes(256 << 10)

# the results that test/guest/rogue.c must report: an interface still works after each kind of abuse
MILESTONES = ["disk works after bad requests", "read over its own ring", "disk works after bad offers",
              "interface works after bad packets", "1536 senders", "index of buffers far ahead",
              "interface works after bad offers", "xenstore works after greed", "disk works after nonsense in its nodes",
              "interface works after nonsense in its nodes", "console: index far ahead", "grant map: of others",
              "shared info overwritten"]


def test_hostile(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    config = rogue(guests, build, "rogue", "attack other=1")
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        m = machine(guests=guests)
        m.prompt()
        calm.start(m)
        assert listed(m)["calm"][0] == 1

        # one rule after the other
        rogue_says(m, config, "storm", MILESTONES)
        leave(m)
        # everything at once, endlessly
        calm.goes_on()
        m.shell("destroy rogue")
        wait_gone(m, "rogue")
        calm.undisturbed()

        # the next guest gets its volume, its port of the switch and its numbers
        m.line("create -c " + config)
        m.expect("rogue: ok interface works after bad packets")
        leave(m)
        m.shell("destroy rogue")
        wait_gone(m, "rogue")
        calm.undisturbed()
        calm.end()


def test_flood_on_one_cpu(machine, build, tmp_path):
    """Guests send as much as they can on the only CPU; their neighbour still gets its work done."""
    guests = GuestDir(tmp_path / "g", build)
    for do in ("flood", "crumbs"):
        rogue(guests, build, do, do)
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        m = machine(guests=guests, smp=1)
        m.prompt()
        calm.start(m)
        for do in ("flood", "crumbs"):
            m.shell(f"create /guests/{do}.cfg")
            calm.goes_on()
        for do in ("flood", "crumbs"):
            m.shell("destroy " + do)
            wait_gone(m, do)
        calm.undisturbed()
        calm.end()
