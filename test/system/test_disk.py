# SPDX-License-Identifier: BSD-2-Clause
"""Data on volumes: what guests read, write and share, checked from outside."""
import hashlib
import random

from guestkit import boots, compile_tool, info, listed, ramdisk, run_guest, wait_gone
from harness import GuestDir, partition

MIB = 1 << 20
SIZE = 64 * MIB

COPY = """#!/bin/sh
sha256sum /dev/xvda
echo "size $(cat /sys/class/block/xvda/size) ro $(cat /sys/class/block/xvda/ro)"
dd if=/dev/zero of=/dev/xvda bs=4096 count=1 conv=fsync 2>&1 && echo WRITTEN
dd if=/dev/xvda of=/dev/xvdb bs=1M && sync && echo "copied"
"""

MIX = """#!/bin/sh
/mixio /dev/xvda 32 150 && echo MIXED
"""


def flushes(m):
    return sum(device["stats"]["flush_operations"] for device in m.qmp("query-blockstats"))


def test_disk(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    data = random.Random(64).randbytes(SIZE)
    known = guests.add_image("known", content=data)
    empty = guests.add_image("empty", size=SIZE)
    mix = guests.add_image("mix", size=32 * MIB)
    image = ramdisk(guests, "disk", {"copy": COPY, "mix": MIX, "mixio": compile_tool("mixio", tmp_path)})
    common = {"auto": False, "memory": 128, "ramdisk": image}
    guests.add_config("copy", disk=[f"{known},xvda,r", f"{empty},xvdb,w"], extra=boots("/copy"), **common)
    guests.add_config("mix", disk=[f"format=raw, vdev=xvda, access=rw, target={mix[4:]}"], vcpus=2, extra=boots("/mix"), **common)
    guests.add_config("hold", disk=[f"{mix},xvda,w"], **{**common, "memory": 96})
    guests.add_config("second", disk=[f"{mix},xvda,w"], **common)
    guests.add_config("reader", disk=[f"{mix},xvda,r"], **common)
    guests.add_config("share", disk=[f"{known},xvda,r"], **{**common, "memory": 96})
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")

    out = run_guest(m, "/guests/copy.cfg")
    assert f"{hashlib.sha256(data).hexdigest()}  /dev/xvda" in out, out
    assert f"size {SIZE // 512} ro 1" in out and "WRITTEN" not in out and "\ncopied" in out, out

    before = flushes(m)
    out = run_guest(m, "/guests/mix.cfg")
    assert "mixio: 4 of 4 processes verified" in out and "\nMIXED" in out, out
    # each of its four processes asked for at least three flushes, and storage must have passed them on to the disk
    assert flushes(m) - before >= 8, "flushes did not reach the disk"

    # one writer or any number of readers may attach; a refusal leaves nothing behind
    m.shell("create -p /guests/hold.cfg")
    for other in ("second", "reader"):
        assert "in use by another guest" in m.shell(f"create /guests/{other}.cfg")
    m.shell("create -p /guests/share.cfg")
    m.shell("create -p /guests/share.cfg name=share2")
    assert set(listed(m)) == {"hold", "share", "share2"}
    assert "in use by another guest" in m.shell(f"create /guests/share.cfg name=writer 'disk=[\"{known},xvda,w\"]'")
    for name in ("hold", "share", "share2"):
        m.shell("destroy " + name)
    m.shell("create -p /guests/second.cfg")
    assert set(listed(m)) == {"second"}
    m.shell("destroy second")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()

    for name, content in (("known", data), ("empty", data)):
        offset, size = partition(m.disk, name)
        with open(m.disk, "rb") as f:
            f.seek(offset)
            assert size == SIZE and f.read(size) == content, f"partition {name} has the wrong size or contents"
