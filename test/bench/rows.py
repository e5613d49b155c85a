# SPDX-License-Identifier: BSD-2-Clause
"""rows: what things cost with Skerry, with Xen and without a hypervisor, in instructions of the whole machine, side by side.

sides.py does the work, and counts.py says whose the instructions are. A row is one operation of a guest, of a guest's program, or of the
host. The table goes to standard output, all of it to BUILD/bench/rows.json, and a plot to BUILD/bench/rows.svg.

SKERRY_ROWS: only rows with one of these words, separated by commas. SKERRY_SIDES: only these of bare,xen,skerry; the others are taken from
rows.json. SKERRY_PROFILE: rows with one of these words are shown by function. SKERRY_QUICK: fewer rows, fewer repetitions.
"""
import dataclasses
import json
import os
import time

import counts
import plot
import sides

SIDES = ("bare", "xen", "skerry")
LISTED = 8  # guests that `list` shows
WORDS = """\
Instructions per operation, of the whole machine: guest, host, and the other guest if there is one. Each iteration of a rep string
instruction counts as one. A CPU that waits executes none. `bare` is the guest's kernel on the machine itself. Xen is Debian's with a pv
dom0 of the same distribution, one CPU for all. Of each row that a command of the host makes, what the host does in the same time without a
command is taken off.

The emulator's gifts: QEMU saves no next RIP at an exit, so Xen fetches and decodes the guest's instruction at a hypercall, CPUID or MSR.
A processor would spare it that: `xen*` is Xen without it (what one instruction costs is taken from the row null-hypercall). Skerry knows
the sizes of these instructions. QEMU flushes the TLB at each entry and exit, but page walks, misses and the switch itself are no
instructions, so they cost neither side anything here. On a processor, each VMRUN with its exit takes 1,000 to 2,000 cycles more, and each
CR3, MSR and IPI 30 to 300: the second table counts them.
"""


@dataclasses.dataclass
class Row:
    """bar: at most this part of Xen without decoding; limit: at most so many instructions."""
    name: str
    unit: str
    bar: float = None
    limit: int = None


OPERATIONS = [Row("null-hypercall", "call", 0.5, 700), Row("sched-yield", "call"), Row("evtchn-send-bad-port", "call"),
              Row("evtchn-send-pending", "call", None, 900), Row("set-timer", "call"), Row("cpuid-exit", "exit", None, 700),
              Row("rdmsr-exit", "exit", None, 700), Row("port-read", "exit", 0.6)]
OPERATION_NAMES = {row.name for row in OPERATIONS} | {"store-read", "store-write"}  # those of test/guest/bench.c
# rows in which Xen decodes an instruction and uses the functions of counts.DECODING for nothing else
DECODED = ("null-hypercall", "cpuid-exit", "rdmsr-exit")
LIST = [("", f"create -p /guests/l{i}.cfg") for i in range(1, LISTED + 1)] + [("list", "list")] + \
       [("", f"destroy l{i}") for i in range(1, LISTED + 1)]
# (row, command of the host); a command without a row prepares the next one
HOST = [(Row("create-grub", "guest", None, 6_000_000), "create -p /guests/gr.cfg"), (Row("destroy-grub", "guest"), "destroy gr"),
        (Row("create-grub-again", "guest", None, 3_000_000), "create -p /guests/gr.cfg"), (None, "destroy gr"),
        (Row("create-linux", "guest", None, 140_000_000), "create -p /guests/lin.cfg"), (Row(sides.START, "guest"), "unpause lin"),
        (Row("destroy-linux", "guest"), "destroy lin"), (Row("create-linux-again", "guest", None, 45_000_000), "create -p /guests/lin.cfg"),
        (None, "destroy lin"), *((row and Row(row, "command"), command) for row, command in LIST)]
COMMANDS = {row.name for row, _ in HOST if row and row.name != sides.START}
STORE = [(Row(f"xs-{what}", "request", 0.2), f"measure store {what} {{n}} xs-{what}", 500) for what in ("read", "write", "transaction")]
DISK = [(Row(f"disk-{what}-{kib}k-{depth}", "request", bar),
         f"measure disk {{disk}} {what} {'random' if kib == 4 else 'sequential'} {kib * 1024} {depth} {{n}} disk-{what}-{kib}k-{depth}", n)
        for what, kib, depth, n, bar in (("read", 4, 1, 500, 0.3), ("write", 4, 1, 500, 0.3), ("read", 4, 32, 2000, 0.5),
                                         ("write", 4, 32, 2000, 0.5), ("read", 128, 32, 400, 0.4), ("write", 128, 32, 400, 0.4))]
NET = [(Row("net-send-outside", "MiB", 0.55), "measure send {outside} {n} net-send-outside", 32),
       (Row("net-receive-outside", "MiB", 0.7), "measure receive {outside} {n} net-receive-outside", 32),
       (Row("net-datagram-outside", "datagram", 0.7), "measure datagrams {outside} {n} net-datagram-outside", 3000),
       (Row("net-send-guest", "MiB", 0.7), "measure send {peer} {n} net-send-guest", 64),
       (Row("net-receive-guest", "MiB", 0.7), "measure receive {peer} {n} net-receive-guest", 64),
       (Row("net-datagram-guest", "datagram", 0.7), "measure datagrams {peer} {n} net-datagram-guest", 3000),
       (Row("net-byte-guest", "answer", 0.25), "measure bytes {peer} {n} net-byte-guest", 500),
       (Row("net-ping-guest", "answer", 0.25), "measure ping {peer} {n} net-ping-guest", 500)]
READY = Row("host-ready", "start", None, 20_000_000)
QUICK = ("null-hypercall", "exit", "port-read", "evtchn", "grub", "xs-", "-4k-", "outside")
QUICK_PART = 4  # so many times fewer repetitions


def has_word(name, words):
    return any(word in name for word in words.split(","))


def wanted(name):
    words = os.environ.get("SKERRY_ROWS", "")
    if words:
        return has_word(name, words)
    return not os.environ.get("SKERRY_QUICK") or any(word in name for word in QUICK)


def host_commands():
    """HOST without rows that nobody wants. A command is needed if it makes or removes the guest of a wanted row."""
    names = [row.name for row, _ in HOST if row and wanted(row.name)]
    groups = {"gr": "grub", "lin": "linux", **{f"l{i}": "list" for i in range(1, LISTED + 1)}}

    def needed(command):
        guest = command.split()[-1].removeprefix("/guests/").removesuffix(".cfg")
        return any(groups.get(guest, guest) in name for name in names)
    # a guest sets the mark that ends the row START
    return [(row.name if row and (wanted(row.name) or row.name == sides.START) else "", command) for row, command in HOST if needed(command)]


def work():
    part = QUICK_PART if os.environ.get("SKERRY_QUICK") else 1
    guest = [(row.name, command.replace("{n}", str(n // part))) for row, command, n in STORE + DISK + NET if wanted(row.name)]
    host = host_commands()
    return sides.Work(host, guest, LISTED if any("l1" in c for _, c in host) else 0)


def table():
    """All rows, in their order."""
    return [READY, *OPERATIONS, *(row for row, _ in HOST if row), *(row for row, *_ in STORE + DISK + NET)]


def result(row, decoding):
    """What rows.json has of a counts.Row. decoding: what it takes to decode an instruction."""
    def each(counter):
        return {key: round(count / row.n, 2) for key, count in counter.most_common() if abs(count / row.n) >= 0.005}
    return {"instructions": round(row.total(), 1), "units": row.n, "without decoding": round(row.total() - decoding * row.calls["xen", counts.DECODER] / row.n, 1),
            "components": each(row.components), "costly": each(row.special), "rep": round(row.reps / row.n, 2)}


def measured(counted, found, commands):
    """{name: counts.Row} without what the loop, or for rows of commands the idle host, takes itself."""
    assert len(found) == len(counted.rows), f"{len(counted.rows)} rows were counted, and {len(found)} named: {found}"
    rows = {name: counted.row(i, name, int(n)) for i, (name, n) in enumerate(found)}
    empty, idle = rows.pop("nothing", None), rows.pop("nothing-host", None)
    for name, row in rows.items():
        if name in commands:
            row.subtract(idle)
        elif name in OPERATION_NAMES:
            row.subtract(empty)
    return rows


def number(value):
    return f"{value:,.0f}" if value is not None else "-"


def line(row, known):
    """A line of the table, and what is above a bar."""
    xen, skerry = known.get("xen"), known.get("skerry")
    plain = xen and xen["without decoding"]
    ratio = skerry["instructions"] / plain if xen and skerry else None
    cells = [row.name, row.unit] + [number(value) for value in (
        known["bare"]["instructions"] if "bare" in known else None, xen and xen["instructions"], plain, skerry and skerry["instructions"])]
    cells += [f"{ratio:.2f}" if ratio is not None else "-", f"{row.bar:.2f}" if row.bar else number(row.limit)]
    shown = skerry or xen or {"components": {}, "costly": {}, "rep": 0}
    cells.append(" ".join(f"{name.replace(' ', '-')}={number(count)}" for name, count in shown["components"].items()))
    above = []
    if row.bar and ratio is not None and ratio > row.bar:
        above.append(f"{row.name}: {number(skerry['instructions'])} instructions are {ratio:.2f} of Xen's, at most {row.bar:.2f} are wanted")
    if row.limit and skerry and skerry["instructions"] > row.limit:
        above.append(f"{row.name}: {number(skerry['instructions'])} instructions, at most {number(row.limit)} are wanted")
    return cells, above


def show(cells):
    print(f"{cells[0]:22}{cells[1]:>9}" + "".join(f"{cell:>15}" for cell in cells[2:6]) + f"{cells[6]:>7}{cells[7]:>13}  {cells[8]}")


def costly(name, known):
    for side in SIDES:
        if side in known:
            each = known[side]
            print(f"{name:22}{side:>9}  " + ", ".join(f"{kind} {count:,.2f}" for kind, count in {"rep": each["rep"], **each["costly"]}.items()))


def report(known):
    """Print the table from {row: {side: result}}; returns what is above its bar."""
    above = []
    print(WORDS)
    show(["row", "per", "bare", "xen", "xen*", "skerry", "ratio", "bar", "skerry by component"])
    rows = [row for row in table() if row.name in known]
    for row in rows:
        cells, more = line(row, known[row.name])
        above += more
        show(cells)
    print("\nCostly instructions of the host, and iterations of rep instructions of host and guests:")
    for row in rows:
        costly(row.name, known[row.name])
    return above


def run(build, where):
    """Returns the rows that are above their bars."""
    out = os.path.join(build.top, "bench")
    os.makedirs(out, exist_ok=True)
    store = os.path.join(out, "rows.json")
    chosen = (os.environ.get("SKERRY_SIDES") or ",".join(SIDES)).split(",")
    known = {}
    if len(chosen) < len(SIDES) and os.path.exists(store):
        with open(store) as f:
            known = json.load(f)
    server = sides.Server(os.path.join(build.top, "measure", "measure"))
    profiles = []
    try:
        for side in chosen:
            began = time.monotonic()
            rows = measured(*getattr(sides, "run_" + side)(build, where, work(), server), COMMANDS)
            print(f"bench: {side} took {time.monotonic() - began:.0f} s", flush=True)
            for name, row in rows.items():
                decoding = rows[name if name in DECODED else DECODED[0]].decoding() if side == "xen" else 0
                known.setdefault(name, {})[side] = result(row, decoding)
                if has_word(name, os.environ.get("SKERRY_PROFILE") or "\n"):
                    profiles.append(f"{side}: {counts.profile(row)}")
    finally:
        server.close()
    with open(store, "w") as f:
        json.dump(known, f, indent=1)
    above = report(known)
    with open(os.path.join(out, "rows.svg"), "w") as f:
        f.write(plot.svg([row.name for row in table() if row.name in known], known))
    print("\n\n".join(["", *profiles]))
    return above
