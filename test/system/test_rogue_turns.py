# SPDX-License-Identifier: BSD-2-Clause
"""A rogue takes the place of a domain that has worked honestly: what ran on it goes on, and the honest program, which has every other
life, finds all others as they were.

The other rogues are in test_rogue.py: theirs is the only program of the domain.
"""
import os
import re
import subprocess

from guestkit import boots, compile_tool, enter, info, leave, listed, ramdisk, rogue, services, stamps_end, wait_gone
from harness import TOP, GuestDir
from roguekit import Turns, calm_guest, goes_on, heard, in_step, log_of, rogue_archive

APPEND = "init.kill=1 init.calm=1"


def stamp_guest(guests, tmp_path):
    """A guest that writes to its disk, and reads, all the time."""
    volume = guests.add_image("stamp", size=8 << 20)
    image = ramdisk(guests, "stamp", {"stampio": compile_tool("stampio", tmp_path)})
    guests.add_config("stamp", auto=False, memory=96, ramdisk=image, disk=[f"{volume},xvda,w"], extra=boots("/stampio /dev/xvda 8"))


def stamp_begin(m):
    m.shell("create /guests/stamp.cfg")
    enter(m, "stamp", "stampio: begins")
    leave(m)


def test_rogue_files(machine, build, tmp_path):
    """A guest may get a wrong kernel or none, but `create` ends, and the disks of guests go on."""
    guests = GuestDir(tmp_path / "g", build)
    stamp_guest(guests, tmp_path)
    rogue(guests, build, "victim", "spin")
    build.archive = rogue_archive(build, "files", tmp_path, program="rogue-files")
    m = machine(guests=guests, append=APPEND)
    m.prompt()
    free = info(m, "free_memory")
    stamp_begin(m)
    turns = Turns(m, "files")

    def gone():
        m.shell("destroy victim")
        return "victim" not in listed(m)

    def victim():
        """Files may end the shell, and the shell's request goes on without it."""
        m.shell("create /guests/victim.cfg")
        m.until(gone, "the end of the victim")

    turns.all(meanwhile=victim)
    m.line("restart shell")  # whose connection the last attack has ended for good
    in_step(m)
    victim()
    assert re.findall(r"create /guests/victim.cfg: status (\d+)", m.shell("dmesg | grep victim.cfg"))[-1] == "0"
    stamps_end(m, "stamp")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


def test_rogue_uart(machine, build, tmp_path):
    build.archive = rogue_archive(build, "uart", tmp_path, program="rogue-uart")
    m = machine(append=APPEND)
    m.prompt()
    turns = Turns(m, "uart")
    turns.all(accuser="console")
    m.poweroff()


def test_rogue_shell(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    calm_guest(guests)
    build.archive = rogue_archive(build, "shell", tmp_path, program="rogue-shell")
    m = machine(guests=guests, append=APPEND)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/calm.cfg")
    goes_on(m, r"calm round \d+")
    turns = Turns(m, "shell")
    turns.others = {"control", "console", "files"}  # it may say that each of them broke the protocol
    turns.all(tries=["rights", "nonsense", "xenstore"])
    in_step(m)
    rows = services(m)
    for name in turns.others:
        assert rows[name].restarts == len(heard(m, name, "shell")), rows[name]
    goes_on(m, r"calm round \d+")
    m.shell("destroy calm")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


def test_rogue_platform(machine, build, tmp_path):
    """It lies to init about the network card, whose driver may be given up for it. Everybody else goes on."""
    build.archive = rogue_archive(build, "platform", tmp_path, program="rogue-platform")
    m = machine(append=APPEND)
    m.prompt()
    turns = Turns(m, "platform")
    turns.others = {"net0"}
    turns.all(meanwhile=lambda: m.shell("restart net0"), tries=["memory of others", "objects in device memory"])
    # the machine is not switched off: that is up to platform, whose next life may be a rogue


def test_rogue_shell_with_few_rights(machine, build, tmp_path):
    """The manifest lets it see and restart, and nothing else."""
    with open(os.path.join(TOP, "configs", "default.toml")) as f:
        text = f.read()
    few = re.sub(r'rights = \[.*?\]', 'rights = ["look", "host"]', text)
    assert few != text
    (tmp_path / "few.toml").write_text(few)
    manifest = tmp_path / "few.manifest"
    subprocess.run([os.path.join(TOP, "tools", "manifest"), "compile", tmp_path / "few.toml", "-o", manifest], check=True)
    build.archive = rogue_archive(build, "shell", tmp_path, program="rogue-shell", manifest=manifest)
    m = machine(append=APPEND)
    m.prompt()
    turns = Turns(m, "shell")
    turns.tries()
    m.until(lambda: "rogue: ok xenstore" in log_of(m), "the end of the tries")
    log = m.text
    assert "BREACH" not in log and "rogue: rights 0x11" in log, log
    denied = int(re.search(r"rogue: ok rights: (\d+) refused", log)[1])
    assert denied >= 15, log  # operations of classes that it lacks
    for what in ("nonsense", "xenstore"):
        assert re.search(rf"rogue: ok {what}: [1-9]\d* refused", log), (what, log)
    m.poweroff()
