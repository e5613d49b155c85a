# SPDX-License-Identifier: BSD-2-Clause
"""Every service and driver is killed again and again, in several ways, while guests work, are created and are destroyed.

SKERRY_RESTARTS is the number of kills, SKERRY_SEED chooses their order, and SKERRY_WAYS names the ways; garbage is not among the usual
ones, because a driver that breaks its ring is not restarted so far, and its disk is gone for that time.
"""
import os
import random
import re

from guestkit import Bystander, info, listed, resources, rogue, served, services, wait_gone
from harness import GuestDir

CONTENT = random.Random(3).randbytes(64 << 10)
KILLS = int(os.environ.get("SKERRY_RESTARTS", "12"))
SEED = int(os.environ.get("SKERRY_SEED", "1"))
SERVICES = "platform uart blk0 net0 storage files network ip console xenstore".split()
WAYS = os.environ.get("SKERRY_WAYS", "fault fault hang exit").split()


def all_run(m):
    return all(s.state == "running" for s in services(m).values())


def kill(m, name, way):
    """End a domain in this way; wait until it and all others run again. Nonsense in its rings may end another one in its place."""
    before = sum(s.restarts for s in services(m).values())
    m.shell(f"kill {name} {way}")
    m.until(lambda: sum(s.restarts for s in services(m).values()) > before or way == "garbage" and all_run(m), f"the restart of {name}")
    m.until(lambda: all_run(m), f"{name} and the others")


def test_restart_guests(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    order = random.Random(SEED)
    rogue(guests, build, "rogue", "busy")
    guests.add_config("short", auto=False, memory=96, disk=[f"{guests.add_image('short', size=1 << 20)},xvda,w"], vif=["bridge=xenbr0"])
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        other = Bystander(guests, port, CONTENT, name="other", host=18)
        m = machine(guests=guests, append="init.kill=1")
        m.prompt()
        free = info(m, "free_memory")
        calm.start(m)
        other.start(m)
        m.shell("create /guests/rogue.cfg")
        ids = {name: row[0] for name, row in listed(m).items()}
        assert set(ids) == {"calm", "other", "rogue"}
        before, memory = resources(m), info(m, "free_memory")

        for n in range(KILLS):
            kill(m, SERVICES[n % len(SERVICES)] if n < len(SERVICES) else order.choice(SERVICES), order.choice(WAYS))
            if n % 4 == 1:
                m.shell("create /guests/short.cfg")
            elif n % 4 == 3:
                m.shell("destroy short")
                wait_gone(m, "short")
            if n % 5 == 4:
                calm.goes_on()
                other.goes_on()
        m.shell("destroy short")
        wait_gone(m, "short")

        # no guest was lost or started anew, and nothing that a death left behind has stayed
        assert {name: row[0] for name, row in listed(m).items()} == ids
        assert info(m, "free_memory") == memory
        assert resources(m)["control"][1:] == before["control"][1:]
        assert sum(s.restarts for s in services(m).values()) >= KILLS * 3 // 4
        log = m.shell("dmesg")
        assert "its connection with" not in log and "may be lost" not in log and "it is given up" not in log, log
        calm.goes_on()
        other.goes_on()
        for name in ids:
            m.shell("destroy " + name)
        wait_gone(m)
        assert info(m, "free_memory") == free
        assert not re.search(r"TEST FAILED|rogue: FAILED", m.text)
        m.poweroff()
