# SPDX-License-Identifier: BSD-2-Clause
"""check: compares counts of instructions with those in baseline.json, so that a path that has become longer is noticed.

Only counts that repeat: paths of the kernel (test/kernel/bench), operations and requests to xenstore of test/guest/bench.c, and
`create -p` and `destroy` of a small guest, all on one CPU. A row fails if it exceeds its baseline by more than 3 %. When it should, or when
it has become less, `make bench-baseline` writes the file anew; the commit says why.
"""
import json
import os

import sides

BASELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baseline.json")
MOST = 1.03
NOISE = 8  # instructions: 3 % of a short path is less than one more branch
HOST = [("create-grub", "create -p /guests/gr.cfg"), ("destroy-grub", "destroy gr"), ("create-grub-again", "create -p /guests/gr.cfg"),
        ("destroy-grub-again", "destroy gr")]


def machine_counts(build, where):
    counted, found = sides.run_skerry(build, where, sides.Work(HOST, True, [], 0), None)
    rows = {name: counted.row(i, name, int(n)) for i, (name, n) in enumerate(found)}
    empty, idle = rows.pop("nothing"), rows.pop("nothing-host")
    for name, row in rows.items():
        if name in dict(HOST):
            row.subtract(idle)
        elif name != "host-ready":
            row.subtract(empty)
    return {name: round(row.total()) for name, row in rows.items()}


def judge(baseline, now):
    """(what failed, what else there is to say)"""
    failed = [f"{name}: no longer measured" for name in baseline if name not in now]
    notes = []
    for name, count in now.items():
        old = baseline.get(name)
        if old is None:
            failed.append(f"{name}: {count:,} instructions, without a baseline")
        elif count > max(old * MOST, old + NOISE):
            failed.append(f"{name}: {count:,} instructions, {100 * count / old - 100:.1f} % above its baseline of {old:,}")
        elif count < min(old / MOST, old - NOISE):
            notes.append(f"{name}: {count:,} instructions, {100 - 100 * count / old:.1f} % below its baseline of {old:,}")
    return failed, notes


def run(build, where, kernel, renew):
    """kernel: {path: instructions} of test/kernel/bench. renew: write the baseline. Returns what is above it."""
    now = {**{"kernel " + name: count for name, count in kernel.items()}, **machine_counts(build, where)}
    for name, count in now.items():
        print(f"{name:36}{count:>18,} instructions")
    if renew:
        with open(BASELINE, "w") as f:
            f.write(json.dumps(now, indent=1) + "\n")
        return []
    with open(BASELINE) as f:
        failed, notes = judge(json.load(f), now)
    for note in notes:
        print(f"bench: {note}; `make bench-baseline` renews it")
    return [f"{text}; if it should be so, `make bench-baseline` renews it" for text in failed]
