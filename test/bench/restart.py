# SPDX-License-Identifier: BSD-2-Clause
"""restart: for how long the requests of a guest wait while a driver or service of the host is started again.

The guest is test/guest/probe.c, which always has requests under way. The figure of each kill is its longest request since the last
one, by its own clock. Under -icount that counts instructions, and the guest never lets the CPU idle, so that no time is skipped.
SKERRY_KILLS is the number of kills of each domain, and SKERRY_HANGS that of hangs.
"""
import os
import re

from guestkit import enter, leave
from harness import PROMPT, GuestDir, Machine

BAR_US = 15_000
# what is killed, and the requests that wait for it; those of disk and network go to the devices themselves
VICTIMS = [("blk0", "disk"), ("storage", "disk"), ("net0", "net"), ("network", "net"), ("xenstore", "store"), ("console", "console")]
WAYS = ("fault", "exit", "restart")


def add_guest(guests, build, name, do, **keys):
    """A guest of test/guest/rogue.c with a disk and an interface."""
    kernel = guests.add_file(os.path.join(build.top, "guest", "rogue"), "rogue")
    guests.add_config(name, auto=False, memory=32, kernel=kernel, ramdisk=None, extra="do=" + do, vif=["bridge=xenbr0"],
                      disk=[f"{guests.add_image(name, size=1 << 20)},xvda,w"], **keys)


def begin(m, name):
    """Create a guest of add_guest() that is a probe."""
    m.shell(f"create /guests/{name}.cfg")
    enter(m, name, "probe: begins")
    leave(m)


def span(m, name):
    """(requests, longest, 99th percentile, median) in microseconds, since the last call."""
    # right after its restart, console does not know the guest yet
    while True:
        m.line("console " + name)
        m.send("s")
        found, match = m.expect_any(r"probe: (\d+) (\d+) (\d+) (\d+)\n", rf"there is no such console\s+{PROMPT}s")
        if found == 0:
            leave(m)
            return tuple(map(int, match.groups()[1:5]))
        m.shell("\b")  # the character was typed to the shell


def kill(m, name, way):
    """Kill it, and wait until it runs again."""
    m.line(f"restart {name}" if way == "restart" else f"kill {name} {way}")
    m.expect(rf"\(init\) {name}: started again")
    if name == "console":
        m.expect("console was restarted")
    m.line("domid Domain-0")  # its answer comes after all that was on its way to the screen
    m.expect(rf"^0\n(?s:.*?){PROMPT}")


def percentile(values, part):
    return sorted(values)[max(0, -(-len(values) * part // 100) - 1)] if values else 0


def rows(build, where, kills, hangs, victims):
    """For each domain: its name, the requests, their 99th percentile when nothing ends, the longest of each kill and of each hang."""
    guests = GuestDir(os.path.join(where, "guests"), build)
    for what in sorted({what for _, what in victims}):
        add_guest(guests, build, what, f"probe-{what} pause=0")
    m = Machine(build, name="bench-restart", guests=guests, smp=1, icount=True, append="init.kill=1 init.calm=0")

    def longest(name, what, way):
        kill(m, name, way)
        return span(m, what)[1]
    try:
        m.prompt()
        for name, what in victims:
            begin(m, what)
            usual = percentile([span(m, what)[2] for _ in range(4)][1:], 50)
            yield (name, what, usual, [longest(name, what, WAYS[i % len(WAYS)]) for i in range(kills)],
                   [longest(name, what, "hang") for _ in range(hangs)])
            m.shell("destroy " + what)
        m.poweroff()
    finally:
        m.close()


def run(build, where, kills, hangs, victims=VICTIMS):
    """Print a row for each domain; returns what is above the bar."""
    above = []
    print(f"{'restart of':12}{'requests':10}{'usual p99':>10}{'median':>10}{'p99':>10}{'longest':>10}{'hang':>10}   (ms)", flush=True)
    for name, what, usual, waits, hung in rows(build, where, kills, hangs, victims):
        p99 = percentile(waits, 99)
        figures = usual, percentile(waits, 50), p99, max(waits), percentile(hung, 50)
        print(f"{name:12}{what:10}" + "".join(f"{us / 1000:10.2f}" for us in figures), flush=True)
        if p99 > BAR_US:
            above.append(f"restart of {name}: {p99 / 1000:.1f} ms, at most {BAR_US / 1000:.0f} are allowed")
    return above
