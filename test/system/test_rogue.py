# SPDX-License-Identifier: BSD-2-Clause
"""A driver or a service is replaced by a rogue, which holds the same and attacks with it: the kernel, init and its peers bear it.

The rogue (test/rogue) does one thing in each life. The machine is the usual one with another program in the boot archive.
"""
import re

import pytest

from guestkit import boots, compile_tool, enter, info, leave, ramdisk, rogue, services_in, stamps_end, wait_gone
from harness import GuestDir
from roguekit import DOMAINS, LIVES, TRIES, all_lives, calm_guest, goes_on, heard, rogue_archive


@pytest.mark.parametrize("name", ["storage", "blk0"])
def test_rogue_below_disks(machine, build, tmp_path, name):
    """A guest without a disk, whose files are in the boot archive, does not notice."""
    guests = GuestDir(tmp_path / "g", build)
    for source in build.linux():
        guests.add_file(source)
    calm_guest(guests)
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


@pytest.mark.parametrize("name, accuser", [("xenstore", "scribe"), ("scribe", "control|xenstore")])
def test_rogue_xenstore(machine, build, tmp_path, name, accuser):
    """No guest can be made, and that is all."""
    build.archive = rogue_archive(build, name, tmp_path)
    m = machine(append=f"init.kill=1 init.calm=1 {name}.lives={LIVES}")
    m.prompt()
    all_lives(m, name, accuser=accuser)
    if name == "scribe":
        said = r"\(control\) channel \d+: the service broke the protocol"
        m.until(lambda: re.search(said, m.shell("dmesg")), "what control says of it")
    m.poweroff()


def test_rogue_ip(machine, build, tmp_path):
    """The host has no address. A guest on the same switch does not notice."""
    guests = GuestDir(tmp_path / "g", build)
    calm_guest(guests)
    build.archive = rogue_archive(build, "ip", tmp_path)
    m = machine(guests=guests, append=f"init.kill=1 init.calm=1 ip.lives={LIVES}")
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/calm.cfg")
    goes_on(m, r"calm round \d+")
    all_lives(m, "ip")
    assert services_in(m.shell("list-services"))["network"].restarts == len(heard(m, "network", "ip"))
    goes_on(m, r"calm round \d+")
    m.shell("destroy calm")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


def test_rogue_client_complains(machine, build, tmp_path):
    """ip says of each life of network that it broke the protocol. It is believed ever more rarely, and the guest goes on."""
    guests = GuestDir(tmp_path / "g", build)
    calm_guest(guests)
    build.archive = rogue_archive(build, "ip", tmp_path)
    m = machine(guests=guests, append="ip.attack=complain")
    m.prompt()
    m.shell("create /guests/calm.cfg")
    goes_on(m, r"calm round \d+")

    m.until(lambda: len(heard(m, "network", "ip")) >= 4, "complaints that are heard")
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
