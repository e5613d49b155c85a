# SPDX-License-Identifier: BSD-2-Clause
"""shares: how exactly guests that always want to run get what cpu_weight= and cap= say, also when it changes while they run.

All are loops of test/guest/rogue.c on one CPU, so what they get is a matter of turns and budgets alone. Times are the kernel's, in
virtual time (-icount). A weight is measured as the guest's part of what all guests got, a cap as its part of the CPU. Each figure is
taken over SKERRY_SECONDS, which begin SETTLE after the change.
"""
import json
import os

from guestkit import wait_gone
from harness import GuestDir, Machine
from restart import add_guest

BAR = 0.02  # of the share that it should be
SETTLE = 2  # seconds
# (what changes, {guest: (weight, cap)}); the first row is what the guests are created with
ROWS = [
    ("created", {"a": (256, 0), "b": (768, 0)}),
    ("weights", {"a": (512, 0), "b": (512, 0)}),
    ("a heavy guest", {"a": (64, 0), "b": (1024, 0)}),
    ("one has a cap", {"a": (256, 0), "b": (256, 20)}),
    ("both have caps", {"a": (256, 50), "b": (256, 5)}),
    ("a larger cap", {"a": (256, 30), "b": (256, 60)}),
    ("no caps again", {"a": (256, 0), "b": (512, 0)}),
]


def times(m):
    """{name: seconds of CPU that its vCPUs had}, and the clock's, in seconds."""
    said = m.shell("list -l; info cpu_time")
    rows, at = json.JSONDecoder().raw_decode(said)
    ran = {r["config"]["c_info"]["name"]: r["cpu_ms"] / 1000 for r in rows if r["domid"]}
    return ran, float(said[at:])


def used(m, seconds):
    """{name: the part of the CPU that its vCPUs get in so many seconds}."""
    before, begin = times(m)
    m.shell(f"sleep {seconds}")
    after, end = times(m)
    return {name: (t - before[name]) / (end - begin) for name, t in after.items()}


def expected(row):
    """{name: the part of the CPU}: who reaches his cap leaves the rest to the others, by weight."""
    part, left, open_ = {}, 1.0, dict(row)
    while open_:
        weights = sum(w for w, _ in open_.values())
        bound = {n: cap / 100 for n, (w, cap) in open_.items() if cap and cap / 100 < left * w / weights}
        if not bound:
            return part | {n: left * w / weights for n, (w, _) in open_.items()}
        part |= bound
        left -= sum(bound.values())
        open_ = {n: v for n, v in open_.items() if n not in bound}
    return part


def change(m, row, before):
    """Tell the host what differs from the row before."""
    for name, (weight, cap) in row.items():
        if (weight, cap) != before[name]:
            assert m.shell(f"sched-credit2 -d {name} -w {weight} -c {cap}") == ""


def errors(row, got):
    """{name: how far it is from what it should get, as a part of that}. Work of the host itself is taken off what weights divide."""
    want = expected(row)
    bound = {n for n, (_, cap) in row.items() if cap and abs(want[n] - cap / 100) < 1e-9}
    free = 1 - sum(want[n] for n in bound)
    rest = sum(got[n] for n in row if n not in bound)
    return {n: got[n] / want[n] - 1 if n in bound else got[n] / rest / (want[n] / free) - 1 for n in row}


def measure(m, seconds, rows):
    """A row at a time: its name, its values, what the guests got, and their errors. The first is what they were created with."""
    before = rows[0][1]
    for name, row in rows:
        change(m, row, before)
        m.shell(f"sleep {SETTLE}")
        got = used(m, seconds)
        yield name, row, got, errors(row, got)
        before = row


def guests(build, where):
    """Those of the first row."""
    made = GuestDir(os.path.join(where, "guests"), build)
    for guest, (weight, cap) in ROWS[0][1].items():
        add_guest(made, build, guest, "spin", cpu_weight=weight, cap=cap)
    return made


def run(build, where, seconds):
    """Print a row for each change; returns what is above the bar."""
    above = []
    m = Machine(build, name="bench-shares", guests=guests(build, where), smp=1, icount=True)
    print(f"{'':16}{'guest':6}{'weight':>8}{'cap':>6}{'gets (%)':>10}{'error (%)':>11}", flush=True)
    try:
        m.prompt()
        for guest in ROWS[0][1]:
            m.shell(f"create /guests/{guest}.cfg")
        for name, row, got, wrong in measure(m, seconds, ROWS):
            for guest, (weight, cap) in row.items():
                print(f"{name:16}{guest:6}{weight:8}{cap:6}{100 * got[guest]:10.2f}{100 * wrong[guest]:11.2f}", flush=True)
                if abs(wrong[guest]) > BAR:
                    above.append(f"{name}: {guest} is {100 * wrong[guest]:.1f} % from its share, {100 * BAR:.0f} are allowed")
                name = ""
        for guest in ROWS[0][1]:
            m.shell("destroy " + guest)
        wait_gone(m)
        m.poweroff()
    finally:
        m.close()
    return above
