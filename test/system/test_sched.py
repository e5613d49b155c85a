# SPDX-License-Identifier: BSD-2-Clause
"""How guests share the CPUs, as an administrator sets it: weights and caps of guests that run."""
import os
import sys

from guestkit import status, wait_gone
from harness import TOP

sys.path.insert(0, os.path.join(TOP, "test", "bench"))

import shares  # noqa: E402

NEAR, SECONDS = 0.05, 2  # `make bench T=shares` takes longer, and has a bar of 2 %


def test_shares(machine, build, tmp_path):
    m = machine(guests=shares.guests(build, tmp_path), smp=1, icount=True)
    m.prompt()
    m.shell("create /guests/a.cfg")
    m.shell("create /guests/b.cfg")
    pool, head, a, b = m.shell("sched-credit2").splitlines()
    assert pool == "Cpupool Pool-0: ratelimit=0us" and head.split() == ["Name", "ID", "Weight", "Cap"]
    assert a.split() == ["a", "1", "256", "0"] and b.split() == ["b", "2", "768", "0"]
    for name, _, got, wrong in shares.measure(m, SECONDS, shares.ROWS[:1] + shares.ROWS[2:4]):
        assert all(abs(w) < NEAR for w in wrong.values()), (name, got, wrong)
    for wrong in ("-d b -w 0", "-d b -c 101", "-w 5", "-p other", "-d nobody"):
        assert status(m, "sched-credit2 " + wrong) == 1, wrong
    assert m.shell("sched-credit2 --domain=b").splitlines()[1].split() == ["b", "2", "256", "20"]
    assert status(m, "xl sched-credit2 -d b --cap=0") == 0
    assert shares.used(m, SECONDS)["b"] > 0.4
    m.shell("destroy a")
    m.shell("destroy b")
    wait_gone(m)
    m.poweroff()
