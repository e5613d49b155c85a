# SPDX-License-Identifier: BSD-2-Clause
"""sides: does the same work on a machine with Skerry, on one with Xen, and in one that is the guest itself, and counts it.

All three are one CPU of the same model with the plugin count.c. QEMU runs with -icount, but idle time passes as on a clock (sleep=on),
because the network beyond the machine does not know the machine's time.
"""
import gzip
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import time

import counts
from harness import TOP, GuestDir, Machine, config_value, end_with_parent
from meter import Meter, ask

CPU = "EPYC,+svm,+npt,-smap,-monitor"
ICOUNT = "shift=0,sleep=on"
MEMORY, DISK_MIB = 2048, 256
GATEWAY, ADDRESS, PEER = "10.0.2.2", "10.0.2.16", "10.0.2.17"
PORT = 7002
SETTLE_S = 1.0  # what a command left to others belongs to it; a whole number of the pulses that init sends (dom0-init: settle)
LIMIT_S = 3600  # for a machine that is stuck
ROW = re.compile(r"^ROW (\S+) (\d+)\s*$", re.M)
QUIET = "quiet loglevel=3"
START = "start-linux"  # the row of `unpause lin`: the guest ends it


class Work:
    """What is measured, beside the operations of our own guest. host: (row, command) of the host, as words of xl; guest: (row, command in a
    guest of Linux); lists: the number of guests l1, l2, ...

    In a command, {disk} is the guest's disk, {outside} and {peer} are the other ends of network rows.
    """

    def __init__(self, host, guest, lists):
        self.host, self.guest, self.lists = host, guest, lists

    def needs_linux(self):
        return bool(self.guest) or any("lin.cfg" in command for _, command in self.host)

    def needs_peer(self):
        return any("{peer}" in command for _, command in self.guest)

    def script(self, server, disk, hypervisor=True):
        """What the guest runs. server: a Server, if a row is {outside}."""
        words = {"disk": disk, "outside": f"{GATEWAY} {server.port}" if server else "", "peer": f"{PEER} {PORT}"}
        chosen = [command for _, command in self.guest if hypervisor or self.on_bare(command)]
        first = [f"ping -c 2 {GATEWAY} >/dev/null"] * any("{outside}" in command or "{peer}" in command for command in chosen)
        return "".join(line + "\n" for line in first + [command.format(**words) for command in chosen])

    @staticmethod
    def on_bare(command):
        return "{disk}" in command or "{outside}" in command


class Server:
    """`measure serve` on this computer; the machine reaches it at its gateway's address."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, "serve", "0"], stdout=subprocess.PIPE, text=True, start_new_session=True,
                                        preexec_fn=end_with_parent())
        self.port = int(re.search(r"port (\d+)", self.process.stdout.readline())[1])

    def close(self):
        os.killpg(self.process.pid, 15)
        self.process.wait()


def cpio_archive():
    """An empty archive of tools/mkinitramfs, which has no name that Python imports."""
    loader = importlib.machinery.SourceFileLoader("mkinitramfs", os.path.join(TOP, "tools", "mkinitramfs"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mkinitramfs", loader))
    loader.exec_module(module)
    return module.Cpio()


def ramdisk_extend(base, cpio, path):
    """Write the ramdisk base with another archive behind it, compressed if base is: Xen's tools take no two compressions for one."""
    with open(base, "rb") as f:
        data = f.read()
    compressed = data.startswith(b"\x1f\x8b")
    if compressed:
        data = gzip.decompress(data)
    cpio.add("TRAILER!!!", 0)
    data += bytes(-len(data) % 4) + bytes(cpio.out)
    with open(path, "wb") as f:
        f.write(gzip.compress(data, 6, mtime=0) if compressed else data)
    return path


def guest_ramdisk(build, where, script):
    cpio = cpio_archive()
    cpio.add("rows", 0o100755, script.encode())
    return ramdisk_extend(os.path.join(build.top, "measure", "initramfs"), cpio, os.path.join(where, "guest-ramdisk"))


def configurations(build, work, ramdisk, disk, nic, add):
    """{name: keys of xl.cfg} of the guests. add(file, name): puts a file there, and returns its path on the host."""
    loader = {"kernel": add(build.loaders[0], "grub"), "ramdisk": None, "extra": None}
    made = {"gr": {"memory": 32, **loader},
            "ops": {"memory": 64, "kernel": add(os.path.join(build.top, "guest", "bench"), "ops"), "ramdisk": None, "extra": None}}
    made.update({f"l{i}": {"memory": 16, **loader} for i in range(1, work.lists + 1)})
    if not work.needs_linux():
        return made
    kernel, _ = build.linux()
    linux = {"kernel": add(kernel, "vmlinuz"), "ramdisk": add(ramdisk, "measure")}
    extra = f"console=hvc0 {QUIET} "
    made["lin"] = {"memory": 256, **linux, "extra": extra + f'run="measure mark end {START}" end=halt'}
    made["peer"] = {"memory": 192, **linux, "vif": ["mac=00:16:3e:00:00:17" + nic],
                    "extra": extra + f'net={PEER}/24 run="measure serve {PORT}"'}
    made["g"] = {"memory": 256, **linux, "vif": ["mac=00:16:3e:00:00:16" + nic], "disk": [disk + ",xvda,w"],
                 "extra": extra + f"net={ADDRESS}/24 run=/rows end=halt"}
    return made


# ---- Skerry

class SkerrySide:
    def __init__(self, build, where, work, server):
        self.build, self.work, self.where = build, work, os.path.join(where, "skerry")
        os.makedirs(self.where)
        self.prefix = os.path.join(self.where, "count")
        self.meter = Meter(self.prefix)
        self.found = []
        guests = GuestDir(os.path.join(self.where, "guests"), build)
        disk = guests.add_image("data", size=DISK_MIB << 20) if work.guest else ""
        ramdisk = guest_ramdisk(build, self.where, work.script(server, "/dev/xvda")) if work.needs_linux() else None
        for name, keys in configurations(build, work, ramdisk, disk, "", guests.add_file).items():
            guests.add_config(name, auto=False, **keys)
        plugin = os.path.join(build.top, "measure", "count.so")
        self.machine = Machine(build, name="bench-skerry", guests=guests, smp=1, mem=f"{MEMORY}M", extra=["--cpu", CPU, "--thread", "single"],
                               qemu_args=f"-icount {ICOUNT} -plugin {plugin},out={self.prefix},asked=on")

    def row(self, name, command=None):
        time.sleep(SETTLE_S)
        self.meter.begin()
        if command:
            ask(self.machine, command)
        time.sleep(SETTLE_S)
        self.end(name)

    def end(self, name):
        self.meter.end(name)
        self.found.append((name, "1"))

    def guest_until(self, name, pattern):
        """Show a guest's console until the pattern comes."""
        self.machine.line(f"console {name}")
        self.machine.expect(pattern)
        self.machine.send("\x1d")
        self.machine.prompt()

    def guest_runs(self, name, pattern):
        begun = self.machine.pos
        self.machine.line(f"create -c /guests/{name}.cfg")
        self.machine.expect(pattern)
        if name != "ops":
            self.machine.send("\x1d")
        self.machine.prompt()
        self.found += ROW.findall(self.machine.since(begun))

    def host_rows(self):
        for row, command in self.work.host:
            if row == START:
                begun = self.machine.pos
                self.meter.begin()
                self.machine.shell(command)
                self.guest_until("lin", f"^ROW {START} ")
                self.found += ROW.findall(self.machine.since(begun))
            elif row:
                self.row(row, command)
            else:
                ask(self.machine, command)

    def run(self):
        """(Counts, [(row, units)])"""
        m = self.machine
        try:
            self.meter.connect()
            m.prompt()
            self.end("host-ready")
            self.row("nothing-host")
            self.host_rows()
            self.guest_runs("ops", "^BENCH-END")
            if self.work.needs_peer():
                self.guest_runs("peer", "measure: serving")
            if self.work.guest:
                self.guest_runs("g", "guest: run ended")
            m.poweroff()
        finally:
            m.close()
            self.meter.close()
        return counts.Counts(self.prefix, counts.Skerry(self.build)), self.found


# ---- Xen, and no hypervisor

def qemu(build, where, name, arguments):
    """Run a machine until it is switched off; returns what its serial line said."""
    disk = os.path.join(where, "disk.img")
    with open(disk, "wb") as f:
        f.truncate(DISK_MIB << 20)
    os.makedirs(build.logs, exist_ok=True)
    log = os.path.join(build.logs, f"bench-{name}.log")
    plugin = os.path.join(build.top, "measure", "count.so")
    command = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-icount", ICOUNT, "-cpu", CPU, "-smp", "1", "-nodefaults",
               "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
               "-drive", f"file={disk},format=raw,discard=unmap,if=none,id=disk0", "-device", "virtio-blk-pci,drive=disk0,disable-legacy=on",
               "-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0,disable-legacy=on",
               "-plugin", f"{plugin},out={where}/count", *arguments]
    with open(log, "wb") as out:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=LIMIT_S, check=True,
                       preexec_fn=end_with_parent())
    with open(log, errors="replace") as f:
        return f.read().replace("\r", "")


def xen_plan(work):
    """dom0's script (dom0-init)."""
    lines = ["measure mark end host-ready", "begin; end nothing-host"]
    for row, command in work.host:
        if command.startswith("create") and "lin.cfg" in command:
            lines.append("guest_log lin")
        if row == START:
            lines.append(f"begin; try xl {command}; guest_until 'ROW {START}'")
        else:
            lines.append(f"begin; try xl {command}; end {row}" if row else f"try xl {command}")
    guests = [("ops", "BENCH-END")] + [("peer", "measure: serving")] * work.needs_peer()
    for name, words in guests + [("g", "guest: run ended")] * bool(work.guest):
        lines.append(f"guest_log {name}; try xl create -q /guests/{name}.cfg; guest_until '{words}'")
    return "".join(line + "\n" for line in lines)


def dom0_ramdisk(build, where, work, server):
    """The ramdisk of all plans, with this plan and the guests."""
    cpio = cpio_archive()
    cpio.add("guests", 0o040755)

    def add(source, name):
        if f"guests/{name}" not in cpio.names:
            with open(source, "rb") as f:
                cpio.add(f"guests/{name}", 0o100644, f.read())
        return f"/guests/{name}"
    ramdisk = guest_ramdisk(build, where, work.script(server, "/dev/xvda"))
    made = configurations(build, work, ramdisk, "phy:/dev/vda", ",bridge=br0", add)
    for name, keys in made.items():
        keys = {"name": name, "type": "pvh", "vcpus": 1, "tsc_mode": "native", **keys}
        text = "".join(f"{k} = {config_value(v)}\n" for k, v in keys.items() if v is not None)
        cpio.add(f"guests/{name}.cfg", 0o100644, text.encode())
    cpio.add("plan", 0o100644, xen_plan(work).encode())
    return ramdisk_extend(os.path.join(build.top, "measure", "dom0-ramdisk"), cpio, os.path.join(where, "ramdisk"))


def run_xen(build, where, work, server):
    """(Counts, [(row, units)])"""
    where = os.path.join(where, "xen")
    os.makedirs(where)
    ramdisk, host = dom0_ramdisk(build, where, work, server), os.path.join(build.guests, "xen-host")
    kernel = os.path.join(build.top, "measure", "dom0-kernel")
    text = qemu(build, where, "xen", [
        "-m", str(MEMORY), "-kernel", os.path.join(host, "xen"),
        # without bootscrub=0, memory is zeroed in idle time, which would be part of the first rows
        "-append", "console=com1 com1=115200 dom0_mem=768M,max:768M bootscrub=0 loglvl=warning guest_loglvl=error noreboot",
        "-initrd", f"{kernel} console=hvc0 {QUIET} rdinit=/init,{ramdisk}"])
    assert "dom0: the end" in text, f"dom0 did not come to its end\n{text[-3000:]}"
    programs = [os.path.join(host, "bin", name) for name in ("xenstored", "xenconsoled", "xl")]
    programs += [os.path.join(host, "lib", name) for name in ("libxenlight.so.4.17", "libxenguest.so.4.17", "libxenctrl.so.4.17",
                                                              "libxenstore.so.4")]
    return counts.Counts(os.path.join(where, "count"), counts.Xen(os.path.join(host, "xen"), os.path.join(host, "xen.efi"), programs)), \
        ROW.findall(text)


def run_bare(build, where, work, server):
    """The same with the guest's kernel on the machine itself; only rows of disk and network."""
    where = os.path.join(where, "bare")
    os.makedirs(where)
    kernel, _ = build.linux()
    ramdisk = guest_ramdisk(build, where, work.script(server, "/dev/vda", hypervisor=False))
    text = qemu(build, where, "bare", [
        "-m", "256", "-kernel", kernel, "-initrd", ramdisk,
        "-append", f"console=ttyS0 {QUIET} net={ADDRESS}/24 run=/rows end=poweroff"])
    return counts.Counts(os.path.join(where, "count"), None), ROW.findall(text)


def run_skerry(build, where, work, server):
    return SkerrySide(build, where, work, server).run()
