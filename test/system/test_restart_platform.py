# SPDX-License-Identifier: BSD-2-Clause
"""platform ends, in several ways, while a guest uses disk and network through drivers whose devices platform holds."""
import random

from guestkit import Bystander, info, listed, served, services, wait_gone
from harness import GuestDir

CONTENT = random.Random(5).randbytes(64 << 10)


def ends(m, *commands):
    """Type the commands; wait until platform has been started again, and all domains run."""
    before = services(m)["platform"].restarts
    for command in commands:
        m.shell(command)
    m.until(lambda: services(m)["platform"].restarts > before, "the restart of platform")
    m.until(lambda: all(s.state == "running" for s in services(m).values()), "all domains")


def test_drivers_go_on(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        m = machine(guests=guests, append="init.kill=1")
        m.prompt()
        free = info(m, "free_memory")
        calm.start(m)
        before, ids, memory = services(m), listed(m), info(m, "free_memory")
        for command in ("restart platform", "kill platform fault", "kill platform exit", "kill platform hang"):
            ends(m, command)
            calm.goes_on()
        now = services(m)
        assert all(now[d].restarts == before[d].restarts for d in now if d != "platform"), now
        assert now["platform"].memory == before["platform"].memory

        # a driver ends while platform is not there: it waits, and its device is reset by the next life
        ends(m, "kill platform hang", "kill blk0 fault")
        ends(m, "kill platform hang", "kill net0 exit")
        calm.goes_on()
        now = services(m)
        assert now["blk0"].restarts == now["net0"].restarts == 1, now
        assert {n: r[0] for n, r in listed(m).items()} == {n: r[0] for n, r in ids.items()}
        assert info(m, "free_memory") == memory
        m.shell("destroy calm")
        wait_gone(m)
        assert info(m, "free_memory") == free
        m.poweroff()
