# SPDX-License-Identifier: BSD-2-Clause
"""check: compares counts of instructions with those in baseline.json, so that a path that has become longer is noticed.

Only counts that repeat: paths of the kernel (test/kernel/bench), operations and requests to xenstore of test/guest/bench.c,
`create -p` of a small guest, and requests of Linux to its disk and xenstore, all on one CPU. A row fails if it exceeds its baseline by more
than 3 %; rows of the disk by 5 %, because QEMU's threads decide when a request ends. When it should, or when it has become less,
`make bench-baseline` writes the file anew; the commit says why.
"""
import json
import os

import rows
import sides

BASELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baseline.json")
MOST, MOST_DISK = 1.03, 1.05
NOISE = 8  # instructions: 3 % of a short path is less than one more branch
HOST = [("create-grub", "create -p /guests/gr.cfg"), ("", "destroy gr"), ("create-grub-again", "create -p /guests/gr.cfg"), ("", "destroy gr")]
# requests one after the other, and large ones: with many small ones, it depends on QEMU how many are done together
LINUX = ("xs-read", "xs-write", "xs-transaction", "disk-read-4k-1", "disk-write-4k-1", "disk-read-128k-32", "disk-write-128k-32")


def machine_counts(build, where):
    guest = [(row.name, command.replace("{n}", str(n))) for row, command, n in rows.STORE + rows.DISK if row.name in LINUX]
    counted, found = sides.run_skerry(build, where, sides.Work(HOST, guest, 0), None)
    return {name: round(row.total()) for name, row in rows.measured(counted, found, dict(HOST)).items()}


def spread(name, count):
    """By how much a count may differ from another one of the same row."""
    part = MOST_DISK if name.startswith("disk-") else MOST
    return max(count * (part - 1), NOISE)


def judge(baseline, now):
    """(what failed, what else there is to say)"""
    failed = [f"{name}: no longer measured" for name in baseline if name not in now]
    notes = []
    for name, count in now.items():
        old = baseline.get(name)
        if old is None:
            failed.append(f"{name}: {count:,} instructions, without a baseline")
        elif count > old + spread(name, old):
            failed.append(f"{name}: {count:,} instructions, {100 * count / old - 100:.1f} % above its baseline of {old:,}")
        elif count < old - spread(name, old):
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
