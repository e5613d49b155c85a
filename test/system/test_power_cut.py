# SPDX-License-Identifier: BSD-2-Clause
"""Power cuts: data that was reported to a guest as written is on the medium, whichever part of the disk's cache is lost."""
import random
import subprocess
import types

from disklog import cuts, read_log
from guestkit import boots, ramdisk
from harness import TOP, GuestDir, partition

FILES = 12
SIZE = 16 << 20
# without the features by which the guest would later write outside its journal
PLAIN = ("-O", "^metadata_csum,^uninit_bg", "-E", "lazy_itable_init=0,lazy_journal_init=0")

# one file at a time, written under a temporary name first, as careful programs do
WRITER = f"""#!/bin/sh
mount -t ext4 /dev/xvda /mnt || echo "TEST FAILED: no file system"
for i in $(seq 1 {FILES}); do
	yes "line of file $i" | head -c $((i * 5000)) >/mnt/new
	sync
	mv /mnt/new /mnt/file-$i
	sync
	echo "SYNCED $i"
done
"""


def content(i):
    line = f"line of file {i}\n".encode()
    return (line * (i * 5000 // len(line) + 1))[:i * 5000]


def check_volume(path, promised, where):
    """Check that the file system replays its journal, is then without errors, and contains the promised files."""
    subprocess.run(["e2fsck", "-y", "-E", "journal_only", path], capture_output=True)
    done = subprocess.run(["e2fsck", "-f", "-n", path], capture_output=True, text=True)
    assert done.returncode == 0, f"{where}: {done.stdout}"
    for i in range(1, promised + 1):
        out = subprocess.run(["debugfs", "-R", f"cat /file-{i}", path], capture_output=True).stdout
        assert out == content(i), f"{where}: file {i} of {promised} has {len(out)} bytes, or others"


def test_what_was_synced_survives(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    with open(tmp_path / "volume", "wb") as f:
        f.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", *PLAIN, tmp_path / "volume"], check=True)
    volume = guests.add_image("volume", source=tmp_path / "volume")
    image = ramdisk(guests, "writer", {"writer": WRITER})
    guests.add_config("writer", memory=128, ramdisk=image, disk=[f"{volume},xvda,w"], extra=boots("/writer"))
    first = tmp_path / "machine"
    first.mkdir()
    subprocess.run([f"{TOP}/tools/mkdisk", "-o", first / "disk.img", guests.path], check=True, capture_output=True)
    offset, size = partition(first / "disk.img", "volume")
    with open(first / "disk.img", "rb") as f:
        f.seek(offset)
        before = f.read(size)

    log = tmp_path / "writes"
    m = machine(guests=guests, again=types.SimpleNamespace(dir=str(first)), extra=["--disk-log", str(log)])
    m.prompt()
    m.line("console writer")
    told = []  # the length of the log when the guest reported file i
    for i in range(1, FILES + 1):
        m.expect(rf"SYNCED {i}\b")
        told.append(log.stat().st_size)
    m.prompt()
    m.poweroff()

    entries = read_log(log)
    assert sum(e.flush for e in entries) >= 2 * FILES, "the guest's flushes did not reach the disk"
    tried = 0
    for end, writes in cuts(entries, random.Random(7), per_interval=2):
        disk = bytearray(before)
        for at, data in writes:
            assert offset <= at and at + len(data) <= offset + size, "a write outside the guest's volume"
            disk[at - offset:at - offset + len(data)] = data
        (tmp_path / "cut").write_bytes(disk)
        check_volume(tmp_path / "cut", sum(t <= end for t in told), f"cut {tried}, log up to {end}")
        tried += 1
    assert tried > 3 * FILES
