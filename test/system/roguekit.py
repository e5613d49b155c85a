# SPDX-License-Identifier: BSD-2-Clause
"""roguekit: helpers of the tests with a rogue (test/rogue) in the place of a driver, service or VMM."""
import contextlib
import os
import re
import subprocess
import time

from guestkit import attach, boots, marks, ramdisk, services, services_in, wait_gone
from harness import PROMPT, TOP, Hang

# what serves it alone, so that it may have that started again; ip may have it, too, but ever more rarely
DRIVERS = {"storage": "blk0", "network": "net0", "console": "uart", "ip": "network", "scribe": "xenstore"}
# whose connections it serves, which it may end, so that they are started again
CLIENTS = {"storage": {"files"}, "blk0": {"storage"}, "network": {"ip"}, "net0": {"network"}, "xenstore": {"scribe"}, "scribe": {"control"}, "uart": {"console"},
           "files": {"shell", "storage"}}  # it may say of storage, too, that it broke the protocol
BINARIES = {"blk0": "virtio-blk", "net0": "virtio-net"}
DOMAINS = {"uart", "console", "platform", "blk0", "net0", "storage", "files", "network", "ip", "xenstore", "scribe", "shell", "control"}
PATIENCE = 120  # seconds for one life; only ends a test that would never end
LINE_S = 5  # seconds of silence after which a line to the shell was lost


def rogue_archive(build, name, path, guests=None, program="rogue", manifest=None):
    """A boot archive in which the domain's program is the rogue. guests: the archive has their files, so that no disk is needed.
    manifest: a file in place of the usual one."""
    binary = BINARIES.get(name, name)
    bins = {n: os.path.join(build.top, "bin", n) for n in os.listdir(os.path.join(build.top, "bin")) if "." not in n and n != "init"}
    bins[binary] = os.path.join(build.top, "test-domain", program)
    members = [f"bin/{n}={p}" for n, p in bins.items()]
    members.append(f"manifest.bin={manifest or os.path.join(build.top, 'boot', 'default.manifest')}")
    if guests:
        image = os.path.join(str(path), "guests.img")
        subprocess.run([os.path.join(TOP, "tools", "mkdisk"), "--files-only", "-o", image, guests.path], check=True)
        members.append(f"guests.img={image}")
    out = os.path.join(str(path), "rogue.img")
    init = os.path.join(build.top, "bin", "init")
    subprocess.run([os.path.join(TOP, "tools", "mkarchive"), "-o", out, "--init", init, *members], check=True)
    return out


class Rogue:
    """The rogue in a machine whose shell works."""

    def __init__(self, m, name):
        self.m, self.name = m, name

    def rows(self):
        for _ in range(20):
            rows = services_in(self.m.shell("list-services"))
            if DOMAINS <= set(rows):
                return rows
        raise AssertionError(f"no table of domains\n{self.m.tail()}")

    def log(self):
        return self.m.shell("dmesg | grep rogue:")

    def life(self, n):
        """Wait until the n-th life has begun, and until it has done its work or has ended."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            row = self.rows()[self.name]
            if row.epoch > n:
                return
            if row.epoch == n and re.search(rf"is {self.name}, life {n},.*\n(?:.*\n)*?.*rogue: attack \w+ on", self.log()):
                return
        raise AssertionError(f"life {n} of {self.name} does nothing\n{self.m.tail()}")

    def ends(self, n):
        """The n-th life is over."""
        while self.rows()[self.name].epoch <= n:
            self.m.shell(f"restart {self.name}")

    def hit(self, n):
        """How many connections the n-th life has attacked; None: it has ended, or is still to begin with that."""
        said = re.search(rf"is {self.name}, life {n},(?:.*\n)+", self.log() + "\n")
        counts = re.findall(r"attack \w+ on (\d+)", said[0].split("rogue: is ", 1)[0] if said else "")
        return int(counts[-1]) if counts else None

    def victim(self, n):
        """A guest comes, whose VMM connects with the rogue, and is attacked; returns whether it was."""
        before = self.hit(n)
        self.m.shell("create /guests/victim.cfg")
        for _ in range(20):
            now = self.hit(n)
            if before is None or now is None or now > before or self.rows()[self.name].epoch > n:
                break
        self.m.shell("destroy victim")
        wait_gone(self.m, "victim")
        return before is not None and now is not None and now > before

    def others_run(self, before):
        may_end = {self.name, DRIVERS.get(self.name)} | (CLIENTS.get(self.name, set()) if "end" in attacks_seen(self.m) else set())
        for name, row in self.rows().items():
            if name not in may_end:
                assert (row.state, row.restarts) == ("running", before[name].restarts), (name, row)


def in_step(m):
    """The last prompt belongs to the last line: a shell that ends loses a line, and its next life has one prompt more."""
    for _ in range(PATIENCE // LINE_S):
        mark = f"mark{next(marks)}"
        m.line("domid " + mark)
        with contextlib.suppress(Hang):
            m.expect(rf"domid {mark}\n(?s:.*?){mark}(?s:.*?)" + PROMPT, LINE_S)
            return
    raise AssertionError(f"no answer of the shell\n{m.tail()}")


def log_of(m):
    """What the rogue and init have said. In the place of uart, it says it without a log."""
    return m.text + m.shell("dmesg")


def lives(m):
    """(faults, attacks) of the rogue, as it says itself."""
    match = re.search(r"rogue: is \S+, life 0, (\d+) faults, (\d+) attacks", log_of(m))
    return int(match[1]), int(match[2])


TRIES = ["kinds", "calls on other kinds", "interrupts", "unknown calls", "ports", "rights and badges", "directions", "time", "maps",
         "calls on init", "labels", "labels of the kernel", "calls on services"]


# for each attack: its peers, VMMs too, may have it started again just before it is told to, or later, for what they had said before, so that
# a life ends before its attack
LIVES = 4
# with an honest life before each attack: how often all attacks are made
ROUNDS = 3


class Turns:
    """The rogue in the place of a domain whose honest program has every other life (test/rogue/lives.c)."""

    def __init__(self, m, name):
        self.m, self.name = m, name
        self.others = CLIENTS.get(name, set())  # domains that end, too
        self.faults, self.attacks = lives(m)
        self.before = services(m)

    def last(self):
        return max(map(int, re.findall(rf"rogue: is {self.name}, life (\d+),", self.m.text)), default=0)

    def life(self, n):
        """Wait for the n-th life; returns the last one that has begun."""
        if self.name in ("shell", "uart"):  # whose lines are shown when they come, while nobody can type
            self.m.expect(rf"rogue: is {self.name}, life {n},")
        else:
            self.m.until(lambda: self.m.shell("dmesg | grep life") is not None and self.last() >= n, f"life {n}")
        return self.last()

    def check(self):
        """The shell works, and the others have not ended."""
        in_step(self.m)

        def table():
            rows = services(self.m)
            settled = all(row.state == "running" or row.state == "given up" and n in self.others for n, row in rows.items())
            return rows if DOMAINS <= set(rows) and settled else None
        for name, row in self.m.until(table, "a table of domains that all run").items():
            if name != self.name and name not in self.others:
                assert row.restarts == self.before[name].restarts, (name, row)

    def tries(self):
        """The lives with tries and faults, up to the first attack."""
        self.m.line(f"restart {self.name}")
        self.now = self.life(2 + self.faults)
        self.check()

    def attack(self, meanwhile=None):
        """The next attack; then the honest program again."""

        def begun():
            """A shell that ends, for what somebody says of it, loses the line."""
            self.m.shell(f"restart {self.name}")
            return any(self.m.shell("dmesg | grep life") is not None and self.last() > self.now for _ in range(20))

        if self.name in ("shell", "uart"):
            self.m.line(f"restart {self.name}")
        else:
            self.m.until(begun, f"a life after {self.now}")
        self.life(self.now + 1)
        if meanwhile:
            meanwhile()
        self.now = self.life(self.now + 2)
        while (self.now - self.faults) % 2:  # somebody has ended an honest life
            self.now = self.life(self.now + 1)
        self.check()

    def all(self, meanwhile=None, accuser=None, tries=()):
        """Everything that the rogue can do. meanwhile(): what others do during an attack. tries: what only this one tries."""
        self.tries()
        for _ in range(ROUNDS * self.attacks):
            self.attack(meanwhile)
            if len(attacks_seen(self.m)) > self.attacks:
                break
        def told():
            """The whole log; less, if the shell has just ended for what somebody said of it."""
            text = log_of(self.m)
            return text if all(re.search(rf"rogue: ok {what}: \d+ refused", text) for what in (*TRIES, *tries)) else None

        log = self.m.until(told, "what the rogue has tried")
        assert "BREACH" not in log, log
        # each is at another place, and several texts of the log are there
        assert len(set(re.findall(rf"\(init\) {self.name}: fault: vector .* (rip \w+), rsp ", log))) == self.faults, log
        assert len(attacks_seen(self.m)) > self.attacks, log
        assert not accuser or f"(init) {self.name}: {accuser} says that it broke the protocol" in log, log


def attacks_seen(m):
    """The tries and the attacks. A name can be there in pieces, too, after a restart of console."""
    return set(re.findall(r"rogue: attack (\w+) on [1-9]", m.text + m.shell("dmesg | grep attack")))


def all_lives(m, name, victims=False, accuser=None):
    """Every life of the rogue, while all others run on. victims: guests come and go that use it. accuser: a peer, or `one|other`, that must
    say of one life, which spoils an index, that it broke the protocol; init hears that with its next pulse."""
    r, hits = Rogue(m, name), 0
    before = r.rows()
    faults, attacks = lives(m)
    m.shell(f"restart {name}")
    r.life(1)
    log = r.log()
    for what in TRIES:
        assert re.search(rf"rogue: ok {what}: \d+ refused", log), (what, log)
    m.shell(f"restart {name}")
    for n in range(2, 2 + faults + LIVES * attacks):
        if n >= 2 + faults and len(attacks_seen(m)) > 1 + (n - 2 - faults) // LIVES:
            r.ends(n)
            continue
        r.life(n)
        if victims and n >= 2 + faults and r.rows()[name].epoch == n:
            hits += r.victim(n)
        r.others_run(before)
        if accuser and n == 2 + faults + LIVES:
            said = rf"\(init\) {name}: (?:{accuser}) says that it broke the protocol"
            m.until(lambda: re.search(said, m.shell("dmesg")), f"what {accuser} says")
        r.ends(n)
    in_step(m)
    log = m.shell("dmesg")
    assert "BREACH" not in log, log
    assert len(re.findall(rf"\(init\) {name}: fault: ", log)) == faults, log
    assert len(attacks_seen(m)) == 1 + attacks, log
    assert hits or not victims


def heard(m, name, accuser):
    """The times at which init has believed that name broke the protocol towards accuser: each at least twice as long after the last one.
    What init says while console is away does not have init's name before it."""
    said = rf"\[ *([\d.]+)\] (?:\(init\) )?{name}: {accuser} says that it broke the protocol"
    times = sorted({float(t) for t in re.findall(said, m.shell("dmesg"))})
    for n, (one, next_one) in enumerate(zip(times, times[1:])):
        assert next_one - one >= 2 ** n, times
    return times


CALM = """#!/bin/sh
n=0
while :; do
	# a frame that is in the switch when it ends is lost, as on a wire
	ping -q -c 1 -W 20 10.0.2.2 >/dev/null || ping -q -c 1 -W 100 10.0.2.2 >/dev/null || echo "TEST FAILED: network"
	n=$((n + 1))
	echo "calm round $n"
done
"""


def calm_guest(guests):
    """A guest that uses the network all the time."""
    guests.add_config("calm", auto=False, memory=96, ramdisk=ramdisk(guests, "calm", {"calm": CALM}), vif=["bridge=xenbr0"],
                      extra=boots("/calm", more="net=dhcp"))


def goes_on(m, pattern):
    attach(m, "calm", pattern + r"\s[^\0]*?" + pattern + r"\s")
