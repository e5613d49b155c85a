# SPDX-License-Identifier: BSD-2-Clause
"""How guests share the CPUs, as an administrator sets it: weights and caps of guests that run, and the CPUs of their vCPUs."""
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


def placed(m):
    """{name: (CPU, affinity)} of vCPU 0 of each guest."""
    rows = [line.split(maxsplit=6) for line in m.shell("vcpu-list").splitlines()[1:]]
    return {row[0]: (row[3], row[6]) for row in rows if row[0] != "Domain-0" and row[2] == "0"}


def test_pinning(machine, build, tmp_path):
    m = machine(guests=shares.guests(build, tmp_path), smp=3)
    m.prompt()
    host = [line.split(maxsplit=6)[6] for line in m.shell("vcpu-list Domain-0").splitlines()[1:]]
    assert m.shell("cpupool-list -c").splitlines()[1].split() == ["Pool-0", "0,1,2"]
    assert m.shell("cpupool-list").splitlines()[1].split() == ["Pool-0", "3", m.shell("info xen_scheduler"), "y", "1"]
    assert host == ["0 / all", "1 / all", "2 / all"]
    assert "guests run only on CPUs 1 to 2" in m.shell("create /guests/a.cfg cpus=0")  # in TCG
    assert "names no CPU of this host, which has 3" in m.shell("create /guests/a.cfg cpus=3")
    assert status(m, "create /guests/a.cfg cpus=0-1") == 0 and status(m, "create /guests/b.cfg 'cpus_soft=[\"1\"]'") == 0
    assert placed(m) == {"a": ("1", "0-1 / all"), "b": ("1", "all / 1")}
    # both are loops, so one of them moves to where there is room, and that is not the one that may not
    m.until(lambda: placed(m)["b"][0] == "2", "the move of the guest that may move")
    assert status(m, "vcpu-pin b 0 1") == 0
    m.shell("sleep 3")  # in each second, one could move
    assert placed(m) == {"a": ("1", "0-1 / all"), "b": ("1", "1 / 1")}
    assert status(m, "vcpu-pin a all 2 all") == 0
    assert placed(m) == {"a": ("2", "2 / all"), "b": ("1", "1 / 1")}
    assert m.shell("xl -N vcpu-pin a 0 1,2 -") == "cpumap: 1-2"
    for wrong in ("a 0 0", "a 1 1", "a 0 3", "nobody 0 1", "-f a all 1"):
        assert status(m, "vcpu-pin " + wrong) == 1, wrong
    assert placed(m)["a"] == ("2", "2 / all")
    m.shell("destroy a")
    m.shell("destroy b")
    wait_gone(m)
    m.poweroff()
