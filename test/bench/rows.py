# SPDX-License-Identifier: BSD-2-Clause
"""rows: what a request of a guest to its disk, and a byte over its network, cost in the whole machine, by component.

Two guests with Debian's cloud kernel run measure.c on one CPU. The plugin count.c counts between its marks; QEMU runs with -icount,
but idle time passes as on a clock (sleep=on), because the network beyond the machine does not know the machine's time. The model of
the CPU is that with which Xen was measured.

SKERRY_ROWS: only rows with these words, separated by commas. SKERRY_PROFILE=1 shows where the instructions go, by function.
"""
import os
import re
import subprocess

import counts
from harness import GuestDir, Machine, end_with_parent

CPU = "EPYC,+svm,+npt,-smap,-monitor"
DISK_MIB = 256
GATEWAY, ADDRESS, PEER = "10.0.2.2", "10.0.2.16", "10.0.2.17"
PORT = 7002
# name; arguments of `measure`; instructions of the same work under Xen 4.17 on the same CPU and with the same kernel; bar as a part of
# them. {} is where the other end is: outside the machine, or in another guest.
DISK = [(f"disk-{what}-{kib}k-{depth}", f"/dev/xvda {what} {'random' if kib == 4 else 'sequential'} {kib * 1024} {depth} {n}", xen, bar)
        for what, kib, depth, n, xen, bar in (
            ("read", 4, 1, 500, 108_000, 0.3), ("write", 4, 1, 500, 103_000, 0.3),
            ("read", 4, 32, 2000, 26_000, 0.5), ("write", 4, 32, 2000, 26_000, 0.5),
            ("read", 128, 32, 400, 126_000, 0.4), ("write", 128, 32, 400, 120_000, 0.4))]
OUTSIDE = [("net-send-outside", "send {} 32", 17_970_000, 0.55), ("net-receive-outside", "receive {} 32", 5_890_000, 0.7),
           ("net-datagram-outside", "datagrams {} 3000", 13_100, 0.7)]
GUESTS = [("net-send-guest", "send {} 64", 4_190_000, 0.7), ("net-receive-guest", "receive {} 64", 3_800_000, 0.7),
          ("net-datagram-guest", "datagrams {} 3000", 19_600, 0.7), ("net-byte-guest", "bytes {} 500", 246_000, 0.25),
          ("net-ping-guest", "ping {} 500", 232_000, 0.25)]


class Server:
    """`measure serve` on this computer; the machine reaches it at its gateway's address."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, "serve", "0"], stdout=subprocess.PIPE, text=True, start_new_session=True,
                                        preexec_fn=end_with_parent())
        self.port = int(re.search(r"port (\d+)", self.process.stdout.readline())[1])

    def close(self):
        os.killpg(self.process.pid, 15)
        self.process.wait()


def wanted(name):
    words = os.environ.get("SKERRY_ROWS", "")
    return any(word in name for word in words.split(",")) if words else True


def commands(server):
    """(name, command in the guest, Xen's count, bar) of each row."""
    rows = [(name, f"measure disk {args} {name}", xen, bar) for name, args, xen, bar in DISK]
    rows += [(name, f"measure {args.format(f'{GATEWAY} {server.port}')} {name}", xen, bar) for name, args, xen, bar in OUTSIDE]
    rows += [(name, f"measure {args.format(f'{PEER} {PORT}')} {name}", xen, bar) for name, args, xen, bar in GUESTS]
    return [row for row in rows if wanted(row[0])]


def guests_make(build, where, rows):
    guests = GuestDir(os.path.join(where, "guests"), build)
    ramdisk = guests.add_file(os.path.join(build.top, "measure", "initramfs"), "measure")
    disk = guests.add_image("data", size=DISK_MIB << 20)
    run = "; ".join(command for _, command, _, _ in rows)
    common = {"auto": False, "ramdisk": ramdisk}
    guests.add_config("peer", memory=192, vif=["mac=00:16:3e:00:00:17"], **common,
                      extra=f'console=hvc0 quiet loglevel=3 net={PEER}/24 run="measure serve {PORT}"')
    guests.add_config("g", memory=256, vif=["mac=00:16:3e:00:00:16"], disk=[disk + ",xvda,w"], **common,
                      extra=f'console=hvc0 quiet loglevel=3 net={ADDRESS}/24 run="ping -c 2 {GATEWAY} >/dev/null; {run}" end=halt')
    return guests


def run_machine(build, where, rows, prefix):
    """The names and numbers of the rows, in their order."""
    plugin = os.path.join(build.top, "measure", "count.so")
    m = Machine(build, name="bench-rows", guests=guests_make(build, where, rows), smp=1,
                qemu_args=f"-icount shift=0,sleep=on -plugin {plugin},out={prefix}", extra=["--cpu", CPU, "--thread", "single"])
    try:
        m.prompt()
        if any(PEER in command for _, command, _, _ in rows):
            m.line("create -c /guests/peer.cfg")
            m.expect("measure: serving")
            m.send("\x1d")
            m.prompt()
        begun = m.pos
        m.line("create -c /guests/g.cfg")
        m.expect("guest: run$")
        for name, command, _, _ in rows:
            m.expect(rf"^ROW {name} ")
        m.expect("guest: run ended")
        m.send("\x1d")
        m.prompt()
        found = re.findall(r"^ROW (\S+) (\d+)$", m.since(begun), re.M)
        m.poweroff()
        return found
    finally:
        m.close()


def run(build, where):
    """Print the table; returns the rows that are above their bars."""
    above = []
    server = Server(os.path.join(build.top, "measure", "measure"))
    prefix = os.path.join(where, "count")
    try:
        rows = commands(server)
        found = run_machine(build, where, rows, prefix)
    finally:
        server.close()
    counted = counts.Counts(prefix, build)
    bars = {name: (xen, bar) for name, _, xen, bar in rows}
    print(f"{'row':24}{'instructions':>14}{'Xen':>13}{'ratio':>7}{'bar':>6}  by component")
    shown = [counted.row(i, name, int(n)) for i, (name, n) in enumerate(found)]
    for row in shown:
        xen, bar = bars[row.name]
        ratio = row.total() / xen
        parts = " ".join(f"{c.replace(' ', '-')}={n / row.n:,.0f}" for c, n in row.components.most_common())
        print(f"{row.name:24}{row.total():>14,.0f}{xen:>13,}{ratio:>7.2f}{bar:>6.2f}  {parts}")
        if ratio > bar:
            above.append(f"{row.name}: {row.total():,.0f} instructions are {ratio:.2f} of Xen's, at most {bar:.2f} are wanted")
    if os.environ.get("SKERRY_PROFILE"):
        print("\n\n".join(["", *map(counts.profile, shown)]))
    return above
