# SPDX-License-Identifier: BSD-2-Clause
"""Guests that are saved on a partition and restored: what is saved is a stream of Xen's, and a guest under load does not notice."""
import os
import shutil
import socketserver
import subprocess
import sys
import threading

import pytest
from guestkit import attach, boots, enter, info, leave, listed, ramdisk, runs, tell, wait_gone
from harness import GuestDir, partition

CYCLES = int(os.environ.get("SKERRY_SAVES", "2"))  # make soak: 100
BOOTS = int(os.environ.get("SKERRY_SAVE_BOOTS", "1"))  # make soak: 20
IMAGE = "/dev/disk/by-partlabel/image"
BINDINGS = 4
# Linux loses a little more than 1 MiB with each connection of a vif (test_save_memory), and this is enough for it
VIF_LOSS = 1.1


def saved(m, name="web", options="", image=IMAGE):
    code, said = tell(m, f"save {options} {name} {image}")
    assert code == 0, said


def restored(m, options="", image=IMAGE):
    code, said = tell(m, f"restore {options} {image}")
    assert code == 0, said


def xen_agrees(m, build, tmp_path, volume="image"):
    """Xen's own checker accepts what is on the volume."""
    tool = os.path.join(build.guests, "xen-migration")
    if not os.path.exists(tool):
        pytest.skip("Xen's checker is not there: make guests")
    offset, size = partition(m.disk, volume)
    path = tmp_path / "stream"
    with open(m.disk, "rb") as disk, open(path, "wb") as stream:
        disk.seek(offset)
        shutil.copyfileobj(disk, stream, 1 << 20)
    stream_size = os.path.getsize(path)
    assert stream_size >= size
    done = subprocess.run([sys.executable, os.path.join(tool, "verify-stream-v2"), "-v", "-f", "xl", "-i", str(path)],
                          env={**os.environ, "PYTHONPATH": os.path.join(tool, "lib")}, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("Processed xl header", "Libxl Header", "Libxc Image Header: Version 3", "x86 HVM from Xen 4.17", "x86 CPUID policy",
                 "HVM context", "HVM params", "Libxl Record: End"):
        assert part in done.stdout, done.stdout


def byte_changed(m, at):
    """Change a byte of the volume, from outside."""
    offset, _ = partition(m.disk, "image")
    with open(m.disk, "r+b") as disk:
        disk.seek(offset + at)
        byte = disk.read(1)
        disk.seek(offset + at)
        disk.write(bytes([byte[0] ^ 0x10]))


def test_save(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    guests.add_image("image", size=96 << 20)
    guests.add_config("web", auto=False, memory=96, vcpus=2, extra="console=hvc0 quiet")
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    assert tell(m, f"restore {IMAGE}") == (1, f"Loading new save file {IMAGE}\nParsing config from <saved>\n"
                                                "restore: there is no saved guest on the volume, or it was not written to its end")
    m.shell("create /guests/web.cfg")
    attach(m, "web", r"guest: user space[^$]*# ")
    uptime = runs(m, "kept=$((40+2)); cut -d. -f1 /proc/uptime; echo set-$kept", r"(\d+)\r?\n+set-42")[1]
    held = info(m, "free_memory")
    saved(m, options="-c")
    assert info(m, "free_memory") == held
    runs(m, "echo still-$kept", "still-42")
    saved(m, options="-p")
    assert listed(m)["web"][3] == "--p---"
    m.shell("unpause web")
    runs(m, "echo again-$kept; uname -m", "again-42\r?\n+x86_64")
    saved(m)
    wait_gone(m)
    assert info(m, "free_memory") == free
    xen_agrees(m, build, tmp_path)

    # altered anywhere, it is refused, and nothing is left of it
    for at in (3, 60, 4090, 4100, 100000, 9000000):
        byte_changed(m, at)
        code, said = tell(m, f"restore {IMAGE}")
        assert code == 1 and "restore: " in said, said
        wait_gone(m)
        assert info(m, "free_memory") == free
        byte_changed(m, at)
    restored(m)
    later = runs(m, "cut -d. -f1 /proc/uptime; echo back-$kept-$(nproc)", r"(\d+)\r?\n+back-42-2")[1]
    assert int(uptime) <= int(later)
    # a host that was booted since; the guest's time goes on
    saved(m)
    wait_gone(m)
    m.poweroff()
    m = machine(again=m)
    m.prompt()
    assert info(m, "free_memory") == free
    restored(m, "-p")
    assert info(m, "free_memory") == held
    assert listed(m)["web"][3] == "--p---"
    m.shell("unpause web")
    last = runs(m, "cut -d. -f1 /proc/uptime; echo booted-$kept", r"(\d+)\r?\n+booted-42")[1]
    assert int(later) <= int(last)
    before = listed(m)["web"][0]
    m.shell("reboot -w web")  # from its kernel, as its configuration says
    m.until(lambda: listed(m).get("web", (0,))[0] > before, "the guest's next life")
    attach(m, "web", r"guest: user space[^$]*# ")
    m.shell("destroy web")
    wait_gone(m)


# its own work, checked again and again: buffers that were not written so far, and one connection all the time. (A process that
# is frozen may read less of urandom than it asked for, so no dd there.)
LOAD = """#!/bin/sh
BEFORE
mkfifo /up /down
nc SERVER </up >/down &
exec 7>/up 8</down
n=0
while :; do
	n=$((n + 1))
	head -c 1048576 /dev/urandom >/tmp/data
	good=$(sha256sum </tmp/data)
	dd if=/tmp/data of=/dev/xvda bs=64k 2>/dev/null || echo "TEST FAILED: write"
	echo "round $n" >&7
	read -r said <&8
	[ "$said" = "round $n" ] || echo "TEST FAILED: connection: $said"
	sync
	echo 3 >/proc/sys/vm/drop_caches
	[ "$(head -c 1048576 /dev/xvda | sha256sum)" = "$good" ] || echo "TEST FAILED: disk"
	echo "load round $n"
done
"""
# answers the other guest, and waits until that does so, too
BESIDE = "nc -ll -p 7 -e cat &\nuntil echo | nc -w 9 OTHER 7 >/dev/null 2>&1; do usleep 9; done"


class Echo(socketserver.ThreadingTCPServer):
    """Sends back what it gets, and counts connections."""
    daemon_threads = True

    class RequestHandlerClass(socketserver.StreamRequestHandler):
        def handle(self):
            self.server.connections += 1
            for line in self.rfile:
                self.wfile.write(line)

    def __init__(self):
        self.connections = 0
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def add_loaded(guests, name, host, server, before="", restorations=0, **keys):
    """A guest that runs LOAD, with a volume on which it is saved."""
    memory = 112 + int(restorations * VIF_LOSS)
    guests.add_image(name + "-image", size=(memory + 24) << 20)
    disk = guests.add_image(name + "-disk", size=1 << 20)
    script = LOAD.replace("BEFORE", before).replace("SERVER", server)
    guests.add_config(name, auto=False, memory=memory, disk=[f"{disk},xvda,w"], vif=["bridge=xenbr0"],
                      ramdisk=ramdisk(guests, name + "-load", {"load": script}),
                      extra=boots("/load", more=f"net=10.0.2.{host}/24"), **keys)
    return f"/dev/disk/by-partlabel/{name}-image"


def goes_on(m, name="web"):
    enter(m, name, r"load round \d+\s+load round \d+\s")
    leave(m)
    assert "TEST FAILED" not in m.text, m.tail()


def test_save_load(machine, build, tmp_path):
    """One guest, connected with this computer."""
    echo = Echo()
    guests = GuestDir(tmp_path / "g", build)
    image = add_loaded(guests, "web", 17, f"10.0.2.2 {echo.server_address[1]}", restorations=CYCLES, vcpus=2)
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/web.cfg")
    attach(m, "web", r"load round 2\s")
    held = info(m, "free_memory")
    for n in range(CYCLES):
        saved(m, image=image)
        wait_gone(m)
        assert info(m, "free_memory") == free
        restored(m, image=image)
        assert info(m, "free_memory") == held
        goes_on(m)
        if n % 2:
            saved(m, options="-c", image=image)
            assert info(m, "free_memory") == held
            goes_on(m)
    assert echo.connections == 1
    xen_agrees(m, build, tmp_path, "web-image")
    m.shell("destroy web")
    wait_gone(m)
    assert info(m, "free_memory") == free


def test_save_load_boots(machine, build, tmp_path):
    """Two guests, connected with each other, go on on a host that was booted since.

    QEMU's network resets connections that it does not know, and gets what is sent to an address that no port of the switch has. So
    each of the guests runs only while the other one has its port.
    """
    guests = GuestDir(tmp_path / "g", build)
    image = {name: add_loaded(guests, name, host, f"10.0.2.{35 - host} 7", BESIDE.replace("OTHER", f"10.0.2.{35 - host}"), BOOTS)
             for name, host in (("web", 17), ("peer", 18))}
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    for name in image:
        m.shell(f"create /guests/{name}.cfg")
    for name in image:
        attach(m, name, r"load round 2\s")
    held = info(m, "free_memory")
    for _ in range(BOOTS):
        for name in image:
            saved(m, name, "-p", image[name])
        for name in image:
            m.shell(f"destroy {name}")
        wait_gone(m)
        m.poweroff()
        m = machine(again=m)
        m.prompt()
        assert info(m, "free_memory") == free
        for name in image:
            restored(m, "-p", image[name])
        assert 0 <= int(info(m, "free_memory")) - int(held) <= 1  # their VMMs have less, which unpacked no kernel
        for name in image:
            m.shell(f"unpause {name}")
        for name in image:
            goes_on(m, name)
    for name in image:
        m.shell(f"destroy {name}")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


def test_save_memory(machine, build, tmp_path):
    """A restoration costs a guest with a vif no more than its driver loses whenever it connects.

    Linux 6.1 keeps the 256 pages of a receive ring, in a page pool that its driver does not free when it disconnects.
    """
    guests = GuestDir(tmp_path / "g", build)
    guests.add_image("image", size=128 << 20)
    guests.add_config("web", auto=False, memory=112, vif=["bridge=xenbr0"], extra="console=hvc0 quiet net=10.0.2.17/24")
    m = machine(guests=guests)
    m.prompt()
    m.shell("create /guests/web.cfg")
    attach(m, "web", r"guest: user space[^$]*# ")

    def unused():
        """What the guest could use, in KiB, when its vif works."""
        said = runs(m, "while ! ping -c 1 -W 1 10.0.2.2 >/dev/null; do :; done; echo 3 >/proc/sys/vm/drop_caches; "
                       "grep MemAvailable /proc/meminfo; echo unused-$((40+2))", r"MemAvailable: +(\d+) kB\s+unused-42")
        return int(said[1])

    begin = unused()
    runs(m, f"for i in $(seq {BINDINGS}); do echo vif-0 >/sys/bus/xen/drivers/vif/unbind; echo vif-0 >/sys/bus/xen/drivers/vif/bind; "
            "while ! ifconfig eth0 10.0.2.17 2>/dev/null; do usleep 9; done; while ! ping -c 1 -W 1 10.0.2.2 >/dev/null; do :; done; done; "
            "echo bound-$((40+2))", "bound-42")
    bound = unused()
    for _ in range(BINDINGS):
        saved(m)
        wait_gone(m)
        restored(m)
        unused()
    assert bound - unused() <= max(begin - bound, 0) + 512 * BINDINGS // 4
    m.shell("destroy web")
    wait_gone(m)
    m.poweroff()
