# SPDX-License-Identifier: BSD-2-Clause
"""Drivers, services, the shell and control fail at one step after the other of what they do for others, while guests use them.

The domains are those of build/boot/inject.img: each life of one fails at the next place of a list (libs/svc/inject.c). A place is a step
of libs/svc/step.h with the protocol and the end of the connection. Every place of PLACES must be reached. The machine starts anew for
each part of a list.

SKERRY_INJECT=WAY lets all domains fail in this way, at every place. SKERRY_REPORT names a file for the places (inject_report.py).
"""
import collections
import os
import re
import time

import pytest

import inject_report
from guestkit import boots, compile_tool, enter, info, leave, listed, ramdisk, run_guest, services, services_in, stamps_end, wait_gone
from harness import HANG_LIMIT, PROMPT, GuestDir, Hang

MIB = 1 << 20
SIZE = 8
WAY = os.environ.get("SKERRY_INJECT")  # soak: all domains in this way
PLACE_LIMIT = 180   # seconds for one life; only ends a sweep that would never end
LIST_MAX = 225      # characters of inject-at=, of which all arguments of a domain have 256
HEADER = os.path.join(os.path.dirname(__file__), "..", "..", "libs", "svc", "step.h")
with open(HEADER, encoding="utf-8") as header:
    STEPS = set(re.findall(r"^\tX\((\w+),", header.read(), re.M))
# console reports in the kernel's log, which has no names
LINE = re.compile(r"(?:\((\S+)\)|\]) inject: (\w+) at ([\w/>:]+)")

# ---- the places ----

CALLS = "CALL OPEN OPENED ANSWER ANSWERED".split()
# last, because the client, which is restarted for that, waits until the close is answered
CLOSES = ["CLOSE", "CLOSED"]


def at(proto, steps):
    return [f"{s}/{proto}" for s in steps.split()]


# PUBLISHED is reached only where the peer of a whole batch may sleep: elsewhere each record is published by itself (PUT). Domains that
# use their rings without libs/svc (uart, console, xenstore, network) have no PUT, and xenstore no TAKEN. files reads synchronously, so it
# has no events of a channel. Timers of storage and console stand for peers that hang, which is no step of healthy ones. control comes to
# REQUEST and REPLIED first at its start; later its threads do, too.
PLACES = {
    "uart": [*CALLS, *at("UART", "EPOCH EVENT SETTLE SETTLED PUT"), "BIT", *CLOSES],
    "console": [*CALLS, *at("LOG", "EPOCH EVENT TAKEN SETTLE SETTLED"), *at("CONSOLE", "EPOCH EVENT TAKEN SETTLE PUBLISHED SETTLED"),
                *at("UART>", "CHANNEL RESTARTED RESENT TAKEN SETTLE SETTLED"), *CLOSES],
    "blk0": [*CALLS, *at("BLK", "EPOCH EVENT TAKEN SETTLE SETTLED PUT"), "BIT", *CLOSES],
    "net0": [*CALLS, *at("NET", "EPOCH EVENT TAKEN SETTLE PUBLISHED SETTLED"), "BIT", *CLOSES],
    "storage": [*CALLS, *at("BLK", "EPOCH EVENT TAKEN SETTLE SETTLED PUT"),
                *at("BLK>", "CHANNEL RESTARTED RESENT TAKEN SETTLE SETTLED PUT"), "REQUEST", "REPLIED", *CLOSES],
    "files": [*CALLS, *at("FILES", "EPOCH EVENT TAKEN SETTLE SETTLED PUT"), *at("BLK>", "TAKEN SETTLE SETTLED PUT"), *CLOSES],
    "network": [*CALLS, *at("NET", "EPOCH EVENT TAKEN SETTLE PUBLISHED SETTLED"),
                *at("NET>", "CHANNEL RESTARTED RESENT TAKEN SETTLE PUBLISHED SETTLED"), *CLOSES],
    "platform": ["CALL", "ANSWER", "ANSWERED"],
    "ip": [*at("NET>", "CHANNEL RESTARTED RESENT TAKEN SETTLE SETTLED PUT"), "TIMER"],
    "xenstore": [*CALLS, *at("XS", "EPOCH EVENT SETTLE PUBLISHED SETTLED"), "BIT", *CLOSES],
    "scribe": [*CALLS, *at("SCRIBE", "EPOCH EVENT TAKEN SETTLE SETTLED PUT"), *at("XS>", "CHANNEL RESTARTED RESENT TAKEN SETTLE SETTLED PUT"),
               *CLOSES],
    "shell": [*CALLS, *at("CTL", "EPOCH EVENT TAKEN SETTLE SETTLED PUT"),
              *at("CONSOLE>", "CHANNEL RESTARTED RESENT TAKEN SETTLE PUBLISHED SETTLED PUT"),
              *at("FILES>", "CHANNEL RESTARTED RESENT TAKEN SETTLE SETTLED PUT"), "BIT", "TIMER", *CLOSES],
    "control": [*at("SCRIBE>", "CHANNEL RESTARTED RESENT TAKEN SETTLE SETTLED PUT"),
                *at("CTL>", "CHANNEL RESTARTED RESENT TAKEN SETTLE SETTLED PUT"),
                *at("VMCTL", "TAKEN SETTLE SETTLED PUT"), "REQUEST", "REPLIED", "BIT", "TIMER"],
}
# What makes a domain reach a place that ordinary work does not: another domain whose restart closes or opens a connection there.
CLIENT = {"uart": "console", "console": "ip", "blk0": "storage", "net0": "network", "storage": "files", "network": "ip",
          "shell": "control", "scribe": "control"}
BELOW = {"console": ["uart"], "storage": ["blk0"], "files": ["storage"], "network": ["net0"], "ip": ["network"],
         "shell": ["console", "files"], "scribe": ["xenstore"], "control": ["scribe", "shell"]}
# A domain and those that it makes restart are not in one group, since the lives of each are counted.
GROUPS = [("storage", "net0", "xenstore"), ("blk0", "network"), ("files", "ip"), ("console",), ("uart",), ("platform",), ("shell",),
          ("scribe",), ("control",)]
# what list-services calls the end; init that waits for an answer meanwhile may say "hang"
ENDS = {"crash": "fault", "hang": "hang", "exit": "exit"}
GOES_ON = ("late", "leak")
RINGS = ("index", "taken", "length", "record")


def test_places_name_all_steps():
    assert {p.split("/")[0] for places in PLACES.values() for p in places} == STEPS


# ---- a sweep ----

def parts(places):
    """The list in pieces that fit the arguments of a domain."""
    part = []
    for p in places:
        if len(",".join([*part, p])) > LIST_MAX:
            yield part
            part = []
        part.append(p)
    yield part


def way_of(place, way):
    return place.split("@") if "@" in place else (way, place)


class Sweep:
    """One machine, and domains that fail in it."""

    def __init__(self, m, way, lists):
        self.m, self.way, self.lists = m, way, lists
        self.reached = collections.defaultdict(set)

    def type(self, command):
        """The output of a command; None if some of it was lost, because console or uart is being started again."""
        self.m.line(command)
        try:
            start = self.m.expect(re.escape(command) + r"\n", limit=5).end()
            self.m.expect(r"^" + PROMPT, limit=5)
        except Hang:
            if self.m.ended:
                raise
            self.m.send("\x03")  # the command may wait for a service that takes long to come back
            return None
        return self.m.text[start:self.m.pos]

    def rows(self):
        """Rows of list-services. A line of the log may come into one, and instead of an answer the shell or control may end, also again."""
        began = time.monotonic()
        while time.monotonic() - began < HANG_LIMIT:
            rows = services_in(self.type("list-services") or "")
            if set(PLACES) <= set(rows):
                return rows
        raise AssertionError(f"no table of domains\n{self.m.tail()}")

    def told(self, domain, way, place):
        """Is there its report in the log? uart has none."""
        for _ in range(5):  # the answer may be lost, or have a line of the log in it
            reports = LINE.findall(self.type("dmesg | grep inject:") or "")
            if domain == "uart" or ("" if domain == "console" else domain, way, place) in reports:
                return True
        return False

    def disturb(self, domain, place):
        """Ordinary work, and restarts of those that the place is about."""
        step = place.split("/")[0]
        self.type("xenstore-ls /local; ls /guests")
        if domain == "platform":
            self.restart("blk0")  # whose device is claimed again
        elif step in ("CLOSE", "CLOSED") and domain in CLIENT:
            self.restart(CLIENT[domain])
        elif step in ("CLOSE", "CLOSED") or "VMCTL" in place:
            self.guest()
        elif step in ("RESTARTED", "RESENT", "REQUEST", "REPLIED", "CHANNEL"):
            for below in BELOW.get(domain, ()):
                self.restart(below)

    def guest(self):
        """A guest that comes and goes, and so do its connections."""
        for command in ("create /guests/short.cfg", "destroy short"):
            self.type(command)

    def restart(self, domain):
        self.type(f"restart {domain}")

    def life(self, domain, n, place):
        """The n-th life of the domain fails at the place; returns when the next one has begun."""
        way, where = way_of(place, self.way)
        began, now = time.monotonic(), None
        while time.monotonic() - began < PLACE_LIMIT:
            now = self.rows()[domain]
            assert now.state in ("running", "restarting"), (domain, place, now)
            if now.state == "running" and now.epoch > n:
                if self.told(domain, way, where) and (domain != "uart" or now.reason in (ENDS[way], "hang")):
                    self.reached[domain].add(place)
                return
            if now.epoch == n and now.state == "running":
                self.disturb(domain, where)
                if way not in ENDS and self.told(domain, way, where) and self.rows()[domain].epoch == n:  # it may have ended by itself
                    self.restart(domain)
        print(f"{domain}: not reached: {place}: {now}")
        self.restart(domain)

    def run(self):
        for domain, places in self.lists.items():
            self.restart(domain)
            for n, place in enumerate(places, 1):
                self.life(domain, n, place)


def machine_of(machine, build, tmp_path, way, lists):
    """The machine and the free memory without a guest; then a guest has begun to work, which does so all the time."""
    guests = GuestDir(tmp_path / "g", build)
    build.archive = os.path.join(build.top, "boot", "inject.img")
    files = {"stampio": compile_tool("stampio", tmp_path), "load": "#!/bin/sh\nping -q 10.0.2.2 >/dev/null &\n/stampio /dev/xvda $1\n",
             "fresh": FRESH}
    image = ramdisk(guests, "stamp", files)
    for name, script in (("one", f"/load {SIZE}"), ("fresh", "/fresh"), ("short", "sleep 1000")):
        volume = guests.add_image(name, size=SIZE * MIB)
        guests.add_config(name, auto=False, memory=96, ramdisk=image, disk=[f"{volume},xvda,w"], vif=["bridge=xenbr0"],
                          extra=boots(script, more="net=dhcp"))
    options = " ".join(f"{d}.inject={way} {d}.inject-at={','.join(places)}" for d, places in lists.items())
    m = machine(guests=guests, append="init.kill=1 init.calm=1 " + options)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/one.cfg")
    enter(m, "one", "stampio: begins")
    leave(m)
    return m, free


def sweep(machine, build, tmp_path, way, lists):
    """{domain: places that were reached}, with a guest that works all the time, and one that works afterwards."""
    m, free = machine_of(machine, build, tmp_path, way, lists)
    s = Sweep(m, way, lists)
    s.run()
    end(m, s)
    said = run_guest(m, "/guests/fresh.cfg")
    assert "fresh: all good" in said, said
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()
    return s.reached


FRESH = """#!/bin/sh
head -c 1048576 /dev/urandom >/tmp/data
dd if=/tmp/data of=/dev/xvda bs=64k conv=fsync 2>/dev/null && echo 3 >/proc/sys/vm/drop_caches &&
	head -c 1048576 /dev/xvda | cmp - /tmp/data && ping -q -c 1 -W 100 10.0.2.2 >/dev/null && echo "fresh: all good"
"""


def end(m, s):
    """The guest that worked all the time ends, and has seen no error."""
    if "short" in listed(m):
        m.shell("destroy short")
        wait_gone(m, "short")
    m.until(lambda: all(r.state == "running" for r in s.rows().values()), "all domains")
    stamps_end(m, "one")
    wait_gone(m)


def sweeps():
    """(name, way, {domain: places}) of each machine."""
    if not WAY:
        # those of calls can cost control, which waits for the answer, its deadline
        yield "crash-storage", "crash", {"storage": [p for p in PLACES["storage"] if "/" in p]}
        yield "each-way-storage", "crash", {"storage": [f"{w}@{p}" for w, p in zip(("exit", "hang", *GOES_ON, *RINGS), WAYS_AT)]}
        return
    for group in GROUPS:
        yield from group_sweeps(WAY, group)


# where each way has its turn in an ordinary run
WAYS_AT = ["PUT/BLK>", "TAKEN/BLK", "PUT/BLK", "EVENT/BLK", "SETTLE/BLK", "SETTLED/BLK", "SETTLE/BLK>", "SETTLE/BLK"]


def group_sweeps(way, group):
    def possible(d, place):
        """uart cannot report what does not end it, and only a place about a connection has a ring."""
        return way in ENDS or d != "uart" and (way in GOES_ON or "/" in place)

    lists = {d: list(parts([p for p in PLACES[d] if possible(d, p)])) for d in group}
    for i in range(max(map(len, lists.values()))):
        part = {d: pieces[i] for d, pieces in lists.items() if i < len(pieces) and pieces[i]}
        if part:
            yield f"{way}-{'-'.join(part)}-{i}", way, part


SWEEPS = list(sweeps())


@pytest.mark.parametrize("way,lists", [s[1:] for s in SWEEPS], ids=[s[0] for s in SWEEPS])
def test_fails_at_each_place(machine, build, tmp_path, way, lists):
    """A life that ended for another reason, for example because it answered too late, has its place in a second machine."""
    todo = lists
    for attempt in ("first", "second"):
        reached = sweep(machine, build, tmp_path / attempt, way, todo)
        for domain, places in todo.items():
            print(f"{domain}: {len(reached[domain])} of {len(places)} places: {' '.join(sorted(reached[domain]))}")
            if "SKERRY_REPORT" in os.environ:
                inject_report.add(os.environ["SKERRY_REPORT"], way, domain, places, reached[domain])
        todo = {d: left for d, places in todo.items() if (left := [p for p in places if p not in reached[d]])}
        if not todo:
            break
    assert not todo


# ends of connections with guests at which a service spoils the ring, so that the guest's VMM notices
ACCUSED = {"storage": "index@SETTLED/BLK", "network": "record@SETTLED/NET", "console": "length@SETTLED/CONSOLE", "xenstore": "index@SETTLED/XS"}


def test_guests_accuse_a_service(machine, build, tmp_path):
    """It is started again by what VMMs say of it, and the guest goes on without an error."""
    m, free = machine_of(machine, build, tmp_path, "index", {d: [place] for d, place in ACCUSED.items()})
    s = Sweep(m, "index", {})

    def ended(domain):
        now = s.rows()[domain]
        return now.epoch == 2 and now.reason == "breach"

    for domain in ACCUSED:
        s.restart(domain)  # the next life spoils the ring
        # the guest writes without end; another one would be read from files, which might notice first
        m.until(lambda d=domain: ended(d) or d != "storage" and s.guest(), f"another {domain}")
    log = m.shell("dmesg")
    assert "(one) says that storage broke the protocol" in log, log
    end(m, s)
    assert info(m, "free_memory") == free
    m.poweroff()


@pytest.mark.parametrize("domain, place", [("uart", "OPENED"), ("console", "OPEN"), ("blk0", "OPENED"), ("storage", "OPENED")])
def test_a_service_that_ends_while_init_calls_it(machine, build, domain, place):
    """It is started again at once, at boot, too: nothing waits for a deadline."""
    build.archive = os.path.join(build.top, "boot", "inject.img")
    m = machine(append=f"{domain}.inject=crash {domain}.inject-boot={place}")
    m.prompt()
    now = services(m)
    assert now[domain][:3] == ("running", 1, "fault"), now
    assert all(s[:2] == ("running", 0) for name, s in now.items() if name != domain and s.state != "absent"), now
    log = m.shell("dmesg")
    assert "does not" not in log, log
    m.poweroff()
