# SPDX-License-Identifier: BSD-2-Clause
"""Guests write stamped blocks while the driver of their disk, and storage, end again and again; nothing is lost, nothing fails."""
import itertools
import re

from guestkit import boots, compile_tool, enter, info, leave, ramdisk, services, wait_gone
from harness import PROMPT, GuestDir, partition
from stamps import sum_of

MIB = 1 << 20
SIZE = 8
NAMES = ("one", "two", "late")
# the ends of one round: of either, of both, and in the ways in which a program fails
ROUND = (["restart blk0"], ["restart storage"], ["restart blk0", "restart storage"], ["kill blk0 fault"],
         ["restart storage", "restart blk0"], ["kill storage exit"], ["kill storage fault", "kill blk0 exit"])
ROUNDS = 4


def end(m, ends, expected):
    """Type the lines one after the other, and wait until all that they end runs again."""
    for line in ends:
        verb, name = line.split()[:2]
        assert f"{verb}: {name}: " not in m.shell(line), m.tail()
        expected[name] += 1

    def all_run():
        now = services(m)
        return all(name in now and now[name][:2] == ("running", n) for name, n in expected.items())
    m.until(all_run, f"the end of {ends}")


def test_guests_write_on(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    image = ramdisk(guests, "stamp", {"stampio": compile_tool("stampio", tmp_path)})
    for name in NAMES:
        volume = guests.add_image(name, size=SIZE * MIB)
        guests.add_config(name, auto=False, memory=96, ramdisk=image, disk=[f"{volume},xvda,w"],
                          extra=boots(f"/stampio /dev/xvda {SIZE}"))
    m = machine(guests=guests, append="init.kill=1")
    m.prompt()
    free = info(m, "free_memory")

    def create(name):
        m.shell(f"create /guests/{name}.cfg")
        enter(m, name, "stampio: begins")
        leave(m)

    create("one")
    create("two")
    expected = {name: s.restarts for name, s in services(m).items() if name in ("blk0", "storage")}
    marks = itertools.count()
    for _ in range(ROUNDS):
        for ends in ROUND:
            end(m, ends, expected)
        for name in NAMES[:2]:
            mark = f"mark{next(marks)}"
            m.line("console " + name)
            m.send(mark + "\r")
            m.expect(f"stampio: {mark} done")
            leave(m)
    create("late")  # files has gone on, too

    sums = {}
    for name in NAMES:
        m.line("console " + name)
        m.send("end\r")
        match = m.expect(r"stampio: (\d) of 3 good, (\d+) writes, sum ([0-9a-f]+)\s")
        assert match[1] == "3" and int(match[2]) > 0, match[0]
        sums[name] = int(match[3], 16)
        m.expect(r"(?:^|(?<=\n)|\n)" + PROMPT)
    wait_gone(m)
    log = m.shell("dmesg")
    assert not re.search("is lost|a request .* fails|given up|I/O error", log), log
    assert info(m, "free_memory") == free
    m.poweroff()

    for name in NAMES:
        offset, size = partition(m.disk, name)
        with open(m.disk, "rb") as f:
            f.seek(offset)
            assert sum_of(f.read(size)) == sums[name], f"the volume of {name}"
