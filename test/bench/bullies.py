# SPDX-License-Identifier: BSD-2-Clause
"""bullies: how long the requests of a guest that behaves take beside a guest of the same weight that takes all it can get.

Both are test/guest/rogue.c, on one CPU. The good one is one of the probes of probe.c: it sleeps, makes a request, and sleeps again.
The table has the 99th percentile of its requests, by its own clock, under -icount, so in instructions. The bar is one and a half times
what the request takes alone and the time slice of another guest. Alone, and beside one that is absent most of the time, a third guest of
the least weight takes the time that nobody else wants, because -icount would skip it. SKERRY_SAMPLES is the number of requests for each
figure.

Answers of QEMU's disk and card come when this computer gets to it, and the machine's clock goes on meanwhile. So a busy computer makes
figures larger, never smaller, and one above the bar is measured again, up to TRIES times; the least one counts.
"""
import os

from guestkit import wait_gone
from harness import GuestDir, Machine
from restart import add_guest, begin, span

SLICE_US = 5_000  # SCHED_SLICE_US of the kernel
PAUSE_US = 500
SELDOM_US = 25_000  # beside one that is absent most of the time, so that the requests meet several of its lives
TRIES = 3
PROBES = ("wake", "disk", "net", "store", "console")
# what the bully does: name in the table, word of rogue.c, further keys of its configuration
BULLIES = [("spin", "spin", {}), ("hypercalls", "calls", {}), ("events", "events", {}), ("exits", "exits", {}), ("console", "print", {}),
           ("xenstore", "watch", {}), ("disk", "busy", {}), ("network", "flood", {}), ("crash loop", "nothing", {"on_crash": "restart"})]
ABSENT = "crash loop"


def p99_of(m, probe, bar=0):
    """The 99th percentile of as many requests as its configuration says; the least of some, if it is above the bar."""
    span(m, probe)  # with those from its start
    least = span(m, probe)[2]
    for _ in range(TRIES - 1 if bar else 0):
        if least <= bar:
            break
        least = min(least, span(m, probe)[2])
    return least


def run(build, where, n, bullies=(), probes=()):
    """Print the table; returns the figures that are above the bar."""
    guests = GuestDir(os.path.join(where, "guests"), build)
    add_guest(guests, build, "filler", "spin", cpu_weight=1)
    probes = probes or PROBES
    for probe in probes:
        add_guest(guests, build, probe, f"probe-{probe} pause={PAUSE_US} samples={n}")
        add_guest(guests, build, "seldom-" + probe, f"probe-{probe} pause={SELDOM_US} samples={n}")
    for i, (_, do, keys) in enumerate(BULLIES):
        add_guest(guests, build, f"bully{i}", do, **keys)
    above = []
    m = Machine(build, name="bench-bullies", guests=guests, smp=1, icount=True)
    try:
        m.prompt()
        bars = {}
        print(f"{'beside (ms)':14}" + "".join(f"{probe:>10}" for probe in probes), flush=True)
        for i, (name, _, _) in [(None, ("alone", None, None)), *enumerate(BULLIES)]:
            if i is not None and bullies and name not in bullies:
                continue
            others = (["filler"] if name in ("alone", ABSENT) else []) + ([] if i is None else [f"bully{i}"])
            for other in others:
                m.shell(f"create /guests/{other}.cfg")
            cells = []
            for probe in probes:
                good = ("seldom-" if name == ABSENT else "") + probe
                begin(m, good)
                p99 = p99_of(m, good, bars.get(probe, 0))
                if i is None:
                    bars[probe] = 1.5 * (p99 + SLICE_US)
                elif p99 > bars[probe]:
                    above.append(f"{probe} beside {name}: {p99 / 1000:.1f} ms, at most {bars[probe] / 1000:.1f} are allowed")
                cells.append(f"{p99 / 1000:9.2f}" + ("!" if p99 > bars[probe] else " "))
                m.shell("destroy " + good)
            for other in others:
                m.shell("destroy " + other)
            wait_gone(m)
            print(f"{name:14}" + "".join(cells), flush=True)
        m.poweroff()
    finally:
        m.close()
    return above
