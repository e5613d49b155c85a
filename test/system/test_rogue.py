# SPDX-License-Identifier: BSD-2-Clause
"""A driver or a service is replaced by a rogue, which holds the same and attacks with it: the kernel, init and its peers bear it.

The rogue (test/rogue) does one thing in each life. The machine is the usual one with another program in the boot archive.
"""
import os
import re
import subprocess
import time

import pytest

from guestkit import attach, boots, compile_tool, enter, info, leave, ramdisk, rogue, services_in, stamps_end, wait_gone
from harness import TOP, GuestDir

DRIVERS = {"storage": "blk0", "network": "net0", "console": "uart"}  # which serve it alone, so it may have them started again
BINARIES = {"blk0": "virtio-blk", "net0": "virtio-net"}
DOMAINS = {"uart", "console", "platform", "blk0", "net0", "storage", "files", "network", "ip", "xenstore", "shell", "control"}
PATIENCE = 120  # seconds for one life; only ends a test that would never end


def rogue_archive(build, name, path, guests=None):
    """A boot archive in which the domain's program is the rogue. guests: the archive has their files, so that no disk is needed."""
    binary = BINARIES.get(name, name)
    bins = {n: os.path.join(build.top, "bin", n) for n in os.listdir(os.path.join(build.top, "bin")) if "." not in n and n != "init"}
    bins[binary] = os.path.join(build.top, "test-domain", "rogue")
    members = [f"bin/{n}={p}" for n, p in bins.items()] + [f"manifest.bin={os.path.join(build.top, 'boot', 'default.manifest')}"]
    if guests:
        image = os.path.join(str(path), "guests.img")
        subprocess.run([os.path.join(TOP, "tools", "mkdisk"), "--files-only", "-o", image, guests.path], check=True)
        members.append(f"guests.img={image}")
    out = os.path.join(str(path), "rogue.img")
    init = os.path.join(build.top, "bin", "init")
    subprocess.run([os.path.join(TOP, "tools", "mkarchive"), "-o", out, "--init", init, *members], check=True)
    return out


class Rogue:
    """The rogue in a machine whose shell works."""

    def __init__(self, m, name):
        self.m, self.name = m, name

    def rows(self):
        for _ in range(20):
            rows = services_in(self.m.shell("list-services"))
            if DOMAINS <= set(rows):
                return rows
        raise AssertionError(f"no table of domains\n{self.m.tail()}")

    def log(self):
        return self.m.shell("dmesg | grep rogue:")

    def life(self, n):
        """Wait until the n-th life has begun, and until it has done its work or has ended."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            row = self.rows()[self.name]
            if row.epoch > n:
                return
            if row.epoch == n and re.search(rf"is {self.name}, life {n},.*\n(?:.*\n)*?.*rogue: attack \w+ on", self.log()):
                return
        raise AssertionError(f"life {n} of {self.name} does nothing\n{self.m.tail()}")

    def ends(self, n):
        """The n-th life is over."""
        while self.rows()[self.name].epoch <= n:
            self.m.shell(f"restart {self.name}")

    def hit(self, n):
        """How many connections the n-th life has attacked; None: it has ended, or is still to begin with that."""
        said = re.search(rf"is {self.name}, life {n},(?:.*\n)+", self.log() + "\n")
        counts = re.findall(r"attack \w+ on (\d+)", said[0].split("rogue: is ", 1)[0] if said else "")
        return int(counts[-1]) if counts else None

    def victim(self, n):
        """A guest comes, whose VMM connects with the rogue, and is attacked; returns whether it was."""
        before = self.hit(n)
        self.m.shell("create /guests/victim.cfg")
        for _ in range(20):
            now = self.hit(n)
            if before is None or now is None or now > before or self.rows()[self.name].epoch > n:
                break
        self.m.shell("destroy victim")
        wait_gone(self.m, "victim")
        return before is not None and now is not None and now > before

    def others_run(self, before):
        for name, row in self.rows().items():
            if name not in (self.name, DRIVERS.get(self.name)):
                assert (row.state, row.restarts) == ("running", before[name].restarts), (name, row)


def lives(m):
    """(faults, attacks) of the rogue, as it says itself."""
    match = re.search(r"rogue: is \S+, life 0, (\d+) faults, (\d+) attacks", m.shell("dmesg | grep rogue:"))
    return int(match[1]), int(match[2])


TRIES = ["kinds", "calls on other kinds", "interrupts", "unknown calls", "ports", "rights and badges", "directions", "time", "maps",
         "calls on init", "labels", "labels of the kernel", "calls on services"]


# for each attack: its peers, VMMs too, may have it started again just before it is told to, or later, for what they had said before, so that
# a life ends before its attack
LIVES = 4


def attacks_seen(m, name):
    return set(re.findall(rf"\({name}\) rogue: attack (\w+) on [1-9]", m.shell("dmesg")))


def all_lives(m, name, victims=False, accuser=None):
    """Every life of the rogue, while all others run on. victims: guests come and go that use it. accuser: a client that must say of one
    life, which spoils an index, that it broke the protocol; init hears that with its next pulse."""
    r, hits = Rogue(m, name), 0
    before = r.rows()
    faults, attacks = lives(m)
    m.shell(f"restart {name}")
    r.life(1)
    log = r.log()
    for what in TRIES:
        assert re.search(rf"rogue: ok {what}: \d+ refused", log), (what, log)
    m.shell(f"restart {name}")
    for n in range(2, 2 + faults + LIVES * attacks):
        if n >= 2 + faults and len(attacks_seen(m, name)) > 1 + (n - 2 - faults) // LIVES:
            r.ends(n)
            continue
        r.life(n)
        if victims and n >= 2 + faults and r.rows()[name].epoch == n:
            hits += r.victim(n)
        r.others_run(before)
        if accuser and n == 2 + faults + LIVES:
            m.until(lambda: f"(init) {name}: {accuser} says that it broke the protocol" in m.shell("dmesg"), "what " + accuser + " says")
        r.ends(n)
    log = m.shell("dmesg")
    assert "BREACH" not in log, log
    assert len(re.findall(rf"\(init\) {name}: fault: ", log)) == faults, log
    assert len(attacks_seen(m, name)) == 1 + attacks, log
    assert hits or not victims


CALM = """#!/bin/sh
n=0
while :; do
	ping -q -c 1 -W 100 10.0.2.2 >/dev/null || echo "TEST FAILED: network"
	n=$((n + 1))
	echo "calm round $n"
done
"""


def goes_on(m, pattern):
    attach(m, "calm", pattern + r"\s[^\0]*?" + pattern + r"\s")


@pytest.mark.parametrize("name", ["storage", "blk0"])
def test_rogue_below_disks(machine, build, tmp_path, name):
    """A guest without a disk, whose files are in the boot archive, does not notice."""
    guests = GuestDir(tmp_path / "g", build)
    for source in build.linux():
        guests.add_file(source)
    guests.add_config("calm", auto=False, memory=96, ramdisk=ramdisk(guests, "calm", {"calm": CALM}), vif=["bridge=xenbr0"],
                      extra=boots("/calm", more="net=dhcp"))
    rogue(guests, build, "victim", "spin")
    build.archive = rogue_archive(build, name, tmp_path, guests)
    m = machine(append=f"init.kill=1 init.calm=1 {name}.lives={LIVES}")
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/calm.cfg")
    goes_on(m, r"calm round \d+")
    all_lives(m, name, victims=name == "storage")
    goes_on(m, r"calm round \d+")
    m.shell("destroy calm")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


@pytest.mark.parametrize("name", ["network", "net0"])
def test_rogue_below_interfaces(machine, build, tmp_path, name):
    """A guest with a disk does not notice; its interface is lost."""
    guests = GuestDir(tmp_path / "g", build)
    volume = guests.add_image("calm", size=8 << 20)
    image = ramdisk(guests, "stamp", {"stampio": compile_tool("stampio", tmp_path)})
    guests.add_config("calm", auto=False, memory=96, ramdisk=image, disk=[f"{volume},xvda,w"], vif=["bridge=xenbr0"],
                      extra=boots("/stampio /dev/xvda 8"))
    rogue(guests, build, "victim", "spin")
    build.archive = rogue_archive(build, name, tmp_path)
    m = machine(guests=guests, append=f"init.kill=1 init.calm=1 {name}.lives={LIVES}")
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/calm.cfg")
    enter(m, "calm", "stampio: begins")
    leave(m)
    if name == "network":  # whose lives are long, because victims come, so that init hears of some of them
        all_lives(m, name, victims=True)
        assert "(init) network: ip says that it broke the protocol" in m.shell("dmesg")
    else:
        all_lives(m, name, accuser="network")
    stamps_end(m, "calm")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


def test_rogue_xenstore(machine, build, tmp_path):
    """No guest can be made, and that is all."""
    build.archive = rogue_archive(build, "xenstore", tmp_path)
    m = machine(append=f"init.kill=1 init.calm=1 xenstore.lives={LIVES}")
    m.prompt()
    all_lives(m, "xenstore", accuser="control")
    m.poweroff()


def test_rogue_client_complains(machine, build, tmp_path):
    """ip says of each life of network that it broke the protocol. It is believed ever more rarely, and the guest goes on."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_config("calm", auto=False, memory=96, ramdisk=ramdisk(guests, "calm", {"calm": CALM}), vif=["bridge=xenbr0"],
                      extra=boots("/calm", more="net=dhcp"))
    build.archive = rogue_archive(build, "ip", tmp_path)
    m = machine(guests=guests, append="ip.attack=complain")
    m.prompt()
    m.shell("create /guests/calm.cfg")
    goes_on(m, r"calm round \d+")

    def heard():
        return [float(t) for t in re.findall(r"\[ *([\d.]+)\] \(init\) network: ip says that it broke the protocol", m.shell("dmesg"))]

    m.until(lambda: len(heard()) >= 4, "complaints that are heard")
    times = heard()
    for n, (one, next_one) in enumerate(zip(times, times[1:])):
        assert next_one - one >= 2 ** n, times
    goes_on(m, r"calm round \d+")
    rows = services_in(m.shell("list-services"))
    assert {n for n in DOMAINS if rows[n].restarts} == {"network"}, rows
    m.poweroff()


def test_rogue_console(machine, build, tmp_path):
    """There is no shell, so the rogue ends each life itself. The kernel's log, init's lines with it, goes to the serial port."""
    build.archive = rogue_archive(build, "console", tmp_path)
    m = machine(append="init.calm=1 console.life=2000")
    match = m.expect(r"rogue: is console, life 0, (\d+) faults, (\d+) attacks")
    faults, attacks = int(match[1]), int(match[2])
    m.expect(rf"rogue: is console, life {2 + faults + attacks},")
    m.expect("rogue: attack none on 0")
    assert "BREACH" not in m.text, m.text
    for what in TRIES:
        assert re.search(rf"rogue: ok {what}: \d+ refused", m.text), (what, m.text)
    assert len(re.findall(r"console: fault: ", m.text)) == faults, m.text
    assert len(set(re.findall(r"rogue: attack (\w+) on [1-9]", m.text))) == 1 + attacks, m.text
    assert set(re.findall(r"(\S+): (?:fault: |ended with |does not answer|\S+ says that)", m.text)) == {"console"}, m.text
