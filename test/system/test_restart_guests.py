# SPDX-License-Identifier: BSD-2-Clause
"""Every service and driver is killed again and again, in several ways, while guests work, are created and are destroyed.

Two Linux guests write stamped blocks with O_DIRECT, files with checksums, use the network, xenstore and their consoles without a pause; a
rogue works beside them. About every fourth kill hits while the domain before it is not back yet.

SKERRY_RESTARTS is the number of kills, SKERRY_SEED chooses their order, and SKERRY_WAYS names the ways; garbage is not among the usual
ones, because nonsense in the rings of a service may cost its guests an I/O error. SKERRY_REPORT names a file for a table of what was done.
"""
import collections
import os
import random
import re

from guestkit import Bystander, compile_tool, enter, info, leave, listed, resources, rogue, served, services, wait_gone
from harness import PROMPT, GuestDir, Hang, partition
from stamps import sum_of

CONTENT = random.Random(3).randbytes(64 << 10)
KILLS = int(os.environ.get("SKERRY_RESTARTS", "14"))
SEED = int(os.environ.get("SKERRY_SEED", "1"))
SERVICES = "platform uart blk0 net0 storage files network ip console xenstore scribe shell control".split()
WAYS = os.environ.get("SKERRY_WAYS", "fault fault hang exit").split()
MIB = 1 << 20
STAMPED = 4  # MiB of the volume that has stamps

# each round: a file with a checksum, a download, and an answer of stampio, which writes all the time, as storeuser uses xenstore. The end of
# storeuser ends the rest. `where` is answered by where the round is and what its processes wait for
WORKER = """#!/bin/sh
waits() { for p in /proc/[0-9]*; do [ -n "$(cat $p/cmdline)" ] && echo "$(cat $p/comm) $(cat $p/wchan),"; done 2>/dev/null | tr '\\n' ' '; }
(while read -r line; do [ "$line" = where ] && echo "bystander: $(cat /tmp/step); $(waits)"; done </dev/hvc0) &
step() { echo "$1" >/tmp/step; }
head -c 262144 /dev/urandom >/tmp/data
good=$(sha256sum </tmp/data)
mkfifo /tmp/in /tmp/out
/stampio /dev/xvdb STAMPED </tmp/in >/tmp/out &
exec 3>/tmp/in 4</tmp/out
read -r line <&4
(/storeuser >/tmp/store; >/tmp/ended) &
n=0
while [ ! -e /tmp/ended ]; do
	step write
	dd if=/tmp/data of=/dev/xvda bs=64k conv=fsync 2>/dev/null || echo "TEST FAILED: write"
	step read
	echo 3 >/proc/sys/vm/drop_caches
	[ "$(head -c 262144 /dev/xvda | sha256sum)" = "$good" ] || echo "TEST FAILED: disk"
	step network
	[ "$(wget -q -O - http://10.0.2.2:PORT/ | sha256sum)" = "SUM  -" ] || echo "TEST FAILED: network"
	n=$((n + 1))
	step stamps
	echo round$n >&3
	read -r line <&4
	[ "$line" = "stampio: round$n done" ] || echo "TEST FAILED: $line"
	echo "bystander round $n"
done
tail -n 1 /tmp/store
echo end >&3
cat <&4
echo "bystander ends"
""".replace("STAMPED", str(STAMPED))


class Worker(Bystander):
    """A guest that uses all services at a time."""

    def __init__(self, guests, port, name, host, tools):
        volume = guests.add_image(name + "-stamps", size=STAMPED * MIB)
        super().__init__(guests, port, CONTENT, name, host, script=WORKER, files=tools, memory=128, disk=[f"{volume},xvdb,w"])

    def goes_on(self):
        try:
            super().goes_on()
        except Hang as e:
            self.m.pos = len(self.m.text)  # earlier answers do not count
            self.m.send("where\r")
            try:
                where = self.m.expect(r"bystander: [^\n]*\n", limit=30)[0]
            except Hang:
                where = "it does not answer\n"
            leave(self.m)
            raise Hang(f"{where}{self.m.shell('list-services; list; sleep 5; list-services; list; dmesg')}\n{e}") from e

    def finish(self, domid):
        """Let it end by itself; returns (writes, the sum of the stamps, rounds with xenstore), after it has checked them all."""
        m = self.m
        m.shell(f"xenstore-write /local/domain/{domid}/data/stop 1")
        enter(m, self.name, r"storeuser: ")
        match = m.expect(r"(\d+) rounds[^\n]*\s+stampio: 3 of 3 good, (\d+) writes, sum ([0-9a-f]+)\s+bystander ends")
        m.expect(r"(?:^|(?<=\n)|\n)" + PROMPT)
        return int(match[2]), int(match[3], 16), int(match[1])


def all_run(m):
    """Whether all domains run. A line of the log may tear a row of the table; then it is asked for again."""
    rows = services(m)
    return set(SERVICES) <= set(rows) and all(s.state == "running" for s in rows.values())


def restarts(m, name):
    return m.until(lambda: services(m).get(name), f"the row of {name}").restarts


class Killer:
    """Ends domains, and counts how."""

    def __init__(self, m):
        self.m, self.order, self.done, self.early = m, random.Random(SEED), collections.Counter(), 0

    def kill(self, n):
        """The n-th one: each domain has its turn first, then chance decides."""
        name = SERVICES[n] if n < len(SERVICES) else self.order.choice(SERVICES)
        way, hasty = self.order.choice(WAYS), n >= len(SERVICES) and self.order.randrange(4) == 0
        if name == "control":
            return self.kill_control(way)
        if name == "shell":
            return self.kill_shell(way)
        before = restarts(self.m, name)
        said = self.m.shell(f"kill {name} {way}")
        if f"kill: {name}: " in said:  # it is not back since the last kill
            assert "it is being started again already" in said, said
            return False
        self.done[name, way] += 1
        if hasty:
            self.early += 1
            return True
        self.m.until(lambda: restarts(self.m, name) > before, f"the restart of {name}")
        self.m.until(lambda: all_run(self.m), f"{name} and the others")
        return True

    def kill_control(self, way):
        """The shell says so when the next life is there."""
        self.m.line(f"kill control {way}")
        self.m.expect(r"control was restarted \(\w+\); \d guests? go")
        self.m.expect(PROMPT)
        self.done["control", way] += 1
        return True

    def kill_shell(self, way):
        """The next life says so."""
        self.m.line(f"kill shell {way}")
        self.m.expect("the shell was restarted")
        self.m.expect(PROMPT)
        self.done["shell", way] += 1
        return True

    def report(self, lines):
        ways = sorted({way for _, way in self.done})
        rows = [["domain", *ways]] + [["---"] * (1 + len(ways))]
        rows += [[name, *(str(self.done[name, way]) for way in ways)] for name in SERVICES]
        text = "\n".join("| " + " | ".join(r) + " |" for r in rows)
        with open(os.environ["SKERRY_REPORT"], "a") as f:
            print(f"\nSeed {SEED}: {sum(self.done.values())} kills, {self.early} of them followed by the next one at once.\n\n{text}\n", file=f)
            print("\n".join("- " + line for line in lines), file=f)


def test_restart_guests(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    tools = {name: compile_tool(name, tmp_path) for name in ("stampio", "storeuser")}
    rogue(guests, build, "rogue", "busy")
    guests.add_config("short", auto=False, memory=96, disk=[f"{guests.add_image('short', size=MIB)},xvda,w"], vif=["bridge=xenbr0"])
    with served(CONTENT) as port:
        workers = [Worker(guests, port, name, host, tools) for name, host in (("calm", 17), ("other", 18))]
        m = machine(guests=guests, append="init.kill=1")
        m.prompt()
        free = info(m, "free_memory")
        for w in workers:
            w.start(m)
        m.shell("create /guests/rogue.cfg")
        ids = {name: row[0] for name, row in listed(m).items()}
        assert set(ids) == {"calm", "other", "rogue"}
        killer = Killer(m)

        def control_has():
            """After a death and a guest: free memory is cut into pieces in the same way then, which costs a slot each."""
            killer.kill_control("fault")
            m.shell("create /guests/short.cfg")
            m.shell("destroy short")
            wait_gone(m, "short")
            return resources(m)["control"]

        before, memory = control_has(), info(m, "free_memory")
        n = 0
        while n < KILLS:
            n += killer.kill(n)
            if n % 4 == 1:
                m.shell("create /guests/short.cfg")
            elif n % 4 == 3:
                m.shell("destroy short")
            if n % 5 == 4:
                for w in workers:
                    w.goes_on()
        m.until(lambda: all_run(m), "all domains")
        m.shell("destroy short")
        wait_gone(m, "short")

        # no guest was lost or started anew, and nothing that a death left behind has stayed
        assert {name: row[0] for name, row in listed(m).items()} == ids
        assert info(m, "free_memory") == memory
        assert all(now <= then for now, then in zip(control_has(), before))
        log = m.shell("dmesg")
        assert "its connection with" not in log and "may be lost" not in log and "it is given up" not in log, log
        for w in workers:
            w.goes_on()
        results = {w.name: w.finish(ids[w.name]) for w in workers}
        m.shell("destroy rogue")
        wait_gone(m)
        assert info(m, "free_memory") == free
        assert not re.search(r"TEST FAILED|rogue: FAILED", m.text)
        m.poweroff()
    for name, (_, total, _) in results.items():
        offset, size = partition(m.disk, name + "-stamps")
        with open(m.disk, "rb") as f:
            f.seek(offset)
            assert sum_of(f.read(size)) == total, f"the volume of {name}"
    if "SKERRY_REPORT" in os.environ:
        killer.report(["0 guests lost; memory exactly as before"] + [
            f"guest {name}: {writes} stamped writes, 0 errors, the volume is equal to the stamps; {rounds} rounds with xenstore"
            for name, (writes, _, rounds) in results.items()])
