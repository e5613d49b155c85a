# SPDX-License-Identifier: BSD-2-Clause
"""xenstore is restarted again and again, and fails in every way, while guests and the shell use it."""
import re

from guestkit import attach, boots, compile_tool, info, ramdisk, wait_gone
from harness import GuestDir

ROUNDS = 16
FAULTS = {3: "fault", 7: "exit", 11: "hang", 13: "garbage"}  # in these rounds; otherwise it ends in order


def number(m, command):
    """The number that a command prints. Lines of init may come in between."""
    return int(re.search(r"^(\d+)$", m.shell(command), re.M)[1])


def test_restart_xenstore(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    image = ramdisk(guests, "store", {"storeuser": compile_tool("storeuser", tmp_path)})
    for name in ("one", "two"):
        guests.add_config(name, auto=False, memory=128, ramdisk=image, extra=boots("/storeuser && echo USED"))
    guests.add_config("other", auto=False, memory=96, vif=["bridge=xenbr0"], extra="console=hvc0 quiet")
    m = machine(guests=guests, append="init.kill=1", mem="2G")
    m.prompt()

    def user_round(domid):
        """How far a guest's program has come; it would have ended if anything had failed."""
        return number(m, f"xenstore-read /local/domain/{domid}/data/count")

    # the first guests leave directories in xenstore
    m.shell("create -p /guests/other.cfg")
    m.shell("destroy other")
    wait_gone(m)
    free, tree = info(m, "free_memory"), m.shell("xenstore-ls")
    for name in ("one", "two"):
        m.shell(f"create /guests/{name}.cfg")
        begins = attach(m, name, "storeuser: (begins|FAILED.*)")
        assert begins[1] == "begins", begins[0]
    ids = [number(m, f"domid {name}") for name in ("one", "two")]
    for i in range(ROUNDS):
        seen = [user_round(d) for d in ids]
        m.shell("kill xenstore " + FAULTS[i] if i in FAULTS else "restart xenstore")
        # this waits for the new one
        assert number(m, f"xenstore-write /tool/number {i}; xenstore-read /tool/number") == i
        if i % 4 == 2:
            said = m.shell("create -p /guests/other.cfg; restart xenstore; destroy other; restart xenstore")
            assert "rror" not in said and "refused" not in said, said
            wait_gone(m, "other")
        for d, n in zip(ids, seen):
            m.until(lambda: user_round(d) > n, f"progress of guest {d}")
    assert "other" not in m.shell("xenstore-ls /vm"), "nodes of guests that are gone"
    places = re.findall(r"(\d+) places .* set aside", m.shell("dmesg"))
    assert len(places) > ROUNDS / 2 and set(places) == {"0"}, places
    row = re.search(r"^xenstore +running .*$", m.shell("list-services"), re.M)
    assert row, "xenstore is not listed"
    for name, d in zip(("one", "two"), ids):
        m.shell(f"xenstore-write /local/domain/{d}/data/stop 1")
        end = attach(m, name, r"storeuser: (FAILED.*|\d+ rounds, \d+ transactions repeated)")
        assert "FAILED" not in end[0], end[0]
        assert int(end[1].split()[0]) > ROUNDS
        m.shell(f"destroy {name}")
    wait_gone(m)
    m.shell("xenstore-rm /tool/number")
    m.until(lambda: m.shell("xenstore-ls") == tree, "the tree without guests")
    m.until(lambda: info(m, "free_memory") == free, "the memory of all guests")
    m.poweroff()
