# SPDX-License-Identifier: BSD-2-Clause
"""dump-core: an ELF core on a partition, of a guest that runs and of one that has crashed."""
import os
import re
import shutil
import struct
import subprocess

from guestkit import attach, enter, info, leave, listed, tell, wait_gone
from harness import GuestDir, partition

IMAGE = "/dev/disk/by-partlabel/core"


def core_of(m, path):
    """What is on the partition, as a file."""
    offset, _ = partition(m.disk, "core")
    with open(m.disk, "rb") as disk, open(path, "wb") as core:
        disk.seek(offset)
        shutil.copyfileobj(disk, core, 1 << 20)
    return path


def readelf(option, path):
    done = subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0 and "Error" not in done.stderr, done.stderr
    return done.stdout


def section(path, name):
    """The bytes of a section."""
    _, address, offset, size = re.search(rf" {re.escape(name)} +(\w+) +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", readelf("-S", path)).groups()
    assert int(address, 16) == 0
    with open(path, "rb") as core:
        core.seek(int(offset, 16))
        return core.read(int(size, 16))


def check_core(path, mib, vcpus, threads):
    """Threads, segments and Xen's sections agree about one guest of this size."""
    assert "CORE (Core file)" in readelf("-h", path)
    assert readelf("-n", path).count("NT_PRSTATUS") == threads
    loads = [[int(w, 16) for w in m] for m in re.findall(r"LOAD +(\w+) (\w+) (\w+) (\w+) (\w+)", readelf("-l", path))]
    assert loads and loads[0][1] == 0 and all(v == p for _, v, p, _, _ in loads)
    total = sum(size for *_, size, _ in loads)
    assert mib - 1 <= total >> 20 <= mib + 8
    pfns = struct.unpack(f"<{total // 4096}Q", section(path, ".xen_pfn"))
    assert pfns[:2] == (0, 1)
    assert len(section(path, ".xen_prstatus")) == vcpus * 5168
    with open(path, "rb") as core:
        core.seek(loads[0][0])
        return core.read(loads[0][3])


def check_gdb(path, memory):
    """gdb sees the threads, their registers, and memory by its physical address."""
    at = memory.index(b"Linux version 6.1")
    done = subprocess.run(["gdb", "-nx", "-batch", "-ex", "info threads", "-ex", "thread 2", "-ex", "p $rip", "-ex", f"x/s {at}", "-c", path],
                          capture_output=True, text=True, timeout=100, check=False)
    assert len(re.findall(r"^[* ] \d+ +.*(?:LWP|process) \d", done.stdout, re.M)) == 2, done.stdout + done.stderr
    assert re.search(r"\$1 = .*0x[0-9a-f]{8}", done.stdout), done.stdout
    assert re.search(rf'{at:#x}:\s+"Linux version 6\.1', done.stdout), done.stdout


def test_dump(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    guests.add_image("core", size=128 << 20)
    guests.add_image("small", size=1 << 20)
    guests.add_config("web", auto=False, memory=96, vcpus=2, on_crash="preserve", extra="console=hvc0 quiet")
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/web.cfg")
    attach(m, "web", r"guest: user space[^$]*# ")
    had = info(m, "free_memory")

    # a guest that runs goes on
    assert tell(m, f"dump-core web {IMAGE}") == (0, "")
    enter(m, "web", "")
    m.send("echo goes-on-$((40+2))\r")
    m.expect("goes-on-42")
    leave(m)
    assert info(m, "free_memory") == had
    memory = check_core(core_of(m, tmp_path / "core"), 96, 2, 2)
    assert b"Linux version 6.1" in memory
    check_gdb(tmp_path / "core", memory)

    # what cannot be
    code, said = tell(m, "dump-core web /dev/disk/by-partlabel/small")
    assert code == 1 and "too small" in said, said
    assert tell(m, "dump-core web /dev/disk/by-partlabel/none")[0] == 1
    assert info(m, "free_memory") == had

    # a guest that has crashed, and is kept
    enter(m, "web", "")
    m.send("echo c >/proc/sysrq-trigger\r")
    m.expect("sysrq triggered crash")
    leave(m)
    m.until(lambda: listed(m)["web"][3] == "---sc-", "the state of a crashed guest")
    assert tell(m, f"dump-core web {IMAGE}") == (0, "")
    # a kernel that panics takes its other CPUs down
    assert b"sysrq triggered crash" in check_core(core_of(m, tmp_path / "core"), 96, 2, 1)
    m.shell("destroy web")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


def crashes(m, name):
    """The guest's kernel panics, after which the shell is back."""
    enter(m, name, r"guest: user space[^$]*# ")
    m.send("echo c >/proc/sysrq-trigger\r")
    m.expect("sysrq triggered crash")
    leave(m)


def test_dump_actions(machine, build, tmp_path):
    """coredump-restart writes a core to the partition that names.map names; without such a line, the log says so."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_image("core", size=128 << 20)
    guests.add_config("web", auto=False, memory=96, on_crash="coredump-restart", on_poweroff="destroy", extra="console=hvc0 quiet")
    with open(os.path.join(guests.path, "names.map"), "w") as names:
        names.write("disk /var/lib/xen/dump/web core\n")
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/web.cfg")
    crashes(m, "web")
    m.until(lambda: listed(m).get("web", (0,))[0] == 2, "the guest's next life")
    assert b"sysrq triggered crash" in check_core(core_of(m, tmp_path / "core"), 96, 1, 1)
    assert "domain 1: its core is written" in m.shell("dmesg")
    m.shell("destroy web")
    wait_gone(m)
    assert info(m, "free_memory") == free

    said = m.shell("create /guests/web.cfg 'name=\"other\"' 'on_crash=\"coredump-destroy\"'")
    assert "no core will be written; name a partition for it in /guests/names.map: disk /var/lib/xen/dump/other PARTITION" in said
    crashes(m, "other")
    wait_gone(m)
    assert "no core is written without a VMM and a partition; name one in /guests/names.map: disk /var/lib/xen/dump/other PARTITION" in m.shell("dmesg")
    assert info(m, "free_memory") == free
    m.poweroff()
