# SPDX-License-Identifier: BSD-2-Clause
"""toolstack: what the host's own work costs: its start, creating and destroying guests, `list`, by component; and memory.

One CPU; rows.py has some of these rows beside Xen. The plugin count.c counts the instructions of the whole machine from power-on to the
first prompt, and then from one prompt to the next. `many` makes one guest after the other, up to SKERRY_MANY (64), and shows the rows
of the 1st, the 10th, and so on.

SKERRY_ROWS: only rows with these words, separated by commas. SKERRY_PROFILE=1 shows where the instructions go, by function.
"""
import os
import re

import counts
from harness import GuestDir, Machine
from meter import Meter
from rows import wanted
from sides import CPU

MILLION = 1_000_000
# row: the bar, in millions of instructions
BARS = {"host-ready": 20, "create-grub": 6, "create-grub-again": 3, "create-linux": 140, "create-linux-again": 45, "list-64": 3}
STEPS = (1, 10, 64, 100, 500, 1000)
GROWTH = 1.1  # the last guest may cost this much more than the first


def create_pairs(meter, machine, what):
    for name in (what, what + "-again"):
        meter.shell(machine, f"create-{name}", f"create -p /guests/{what}.cfg")
        meter.shell(machine, f"destroy-{name}", f"destroy {what}")


def free_mib(machine):
    return int(re.search(r"^free_memory *: (\d+)", machine.shell("info"), re.M)[1])


def many(meter, machine, limit, memory):
    """Also prints what a guest costs in memory."""
    steps = [step for step in STEPS if step <= limit]
    before = free_mib(machine)
    for i in range(1, steps[-1] + 1):
        command = f"create -p /guests/grub.cfg name=n{i} memory={memory}"
        if i not in steps:
            machine.shell(command)
            continue
        meter.shell(machine, f"create-{i}", command)
        meter.shell(machine, f"list-{i}", "list")
        print(f"{i} guests of {memory} MiB: {(before - free_mib(machine)) / i - memory:.2f} MiB more each")
    meter.shell(machine, f"destroy-{steps[-1]}", f"destroy n{steps[-1]}")


def measure(meter, machine):
    meter.connect()
    machine.prompt()
    meter.end("host-ready")
    total = int(re.search(r"^total_memory *: (\d+)", machine.shell("info"), re.M)[1])
    print(f"host ready: {total - free_mib(machine)} MiB of {total} are the host's")
    for what in filter(wanted, ("grub", "linux")):
        create_pairs(meter, machine, what)
    if wanted("many"):
        many(meter, machine, int(os.environ.get("SKERRY_MANY", "64")), 16)
        machine.line("poweroff")
        machine.expect("Ctrl-C destroys them")
        machine.send("\x03")
        machine.wait()
    else:
        machine.poweroff()


def show(row):
    bar = BARS.get(row.name, 0)
    parts = " ".join(f"{c.replace(' ', '-')}={n:,}" for c, n in row.components.most_common())
    print(f"{row.name:20}{row.total():>14,.0f}{f'{bar} M' if bar else '':>8}  {parts}")
    if bar and row.total() > bar * MILLION:
        return [f"{row.name}: {row.total():,.0f} instructions, at most {bar} million are wanted"]
    return []


def growth(rows):
    """Whether the last of many guests costs more than the first."""
    steps = sorted((int(row.name.split("-")[1]), row) for row in rows if re.fullmatch(r"create-\d+", row.name))
    if not steps or steps[-1][1].total() <= GROWTH * steps[0][1].total():
        return []
    return [f"guest {steps[-1][0]} costs {steps[-1][1].total() / steps[0][1].total():.2f} times the first, {GROWTH} times are wanted"]


def run(build, where):
    """Print the table; returns the rows that are above their bars."""
    guests = GuestDir(os.path.join(where, "guests"), build)
    guests.add_config("grub", auto=False, memory=32, kernel=guests.add_file(build.loaders[0], "grub"), ramdisk=None, extra=None)
    guests.add_config("linux", auto=False, memory=256)
    prefix = os.path.join(where, "count")
    meter = Meter(prefix)
    plugin = os.path.join(build.top, "measure", "count.so")
    machine = Machine(build, name="bench-toolstack", guests=guests, smp=1, mem=os.environ.get("SKERRY_MEM", "2G"),
                      qemu_args=f"-icount shift=0,sleep=on -plugin {plugin},out={prefix},asked=on",
                      extra=["--cpu", CPU, "--thread", "single"])
    try:
        measure(meter, machine)
    finally:
        machine.close()
        meter.close()
    counted = counts.Counts(prefix, counts.Skerry(build))
    shown = [counted.row(i, name, 1) for i, name in enumerate(meter.names)]
    print(f"{'row':20}{'instructions':>14}{'bar':>8}  by component")
    above = [text for row in shown for text in show(row)] + growth(shown)
    if os.environ.get("SKERRY_PROFILE"):
        print("\n\n".join(["", *map(counts.profile, shown)]))
    return above
