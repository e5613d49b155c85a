# SPDX-License-Identifier: BSD-2-Clause
"""disklog: computes what a disk may hold after a power cut, from the log of writes made by tools/run --disk-log.

The format is that of Linux's dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst): a super block, then
one entry for each write or flush. An entry has one sector, followed by the data of the write.
"""
import struct

MAGIC, FLUSH, FUA, DISCARD = 0x6A736677736872, 1, 2, 4
SECTOR = 512


class Entry:
    def __init__(self, end, offset, data, flush, fua):
        self.end = end              # offset of the log after this entry, bytes
        self.offset, self.data = offset, data
        self.flush, self.fua = flush, fua


def read_log(path):
    """All entries that are complete in the file, whatever number its super block gives."""
    with open(path, "rb") as f:
        log = f.read()
    magic, version, _, sector = struct.unpack_from("<QQQI", log)
    assert (magic, version) == (MAGIC, 1), f"{path} is not a log of writes"
    entries, at = [], sector
    while at + sector <= len(log):
        start, sectors, flags, _ = struct.unpack_from("<QQQQ", log, at)
        at += sector
        size = 0 if flags & DISCARD else sectors * sector
        assert not flags & ~(FLUSH | FUA | DISCARD), f"{path}: unknown flags {flags:x}"
        if at + size > len(log):
            break
        entries.append(Entry(at + size, start * sector, log[at:at + size], bool(flags & FLUSH), bool(flags & FUA)))
        at += size
    return entries


def cuts(entries, rng, per_interval):
    """(end, writes) for each power cut that is tried: at every flush, and per_interval times between two flushes.

    end is an offset in the log; the disk had acknowledged everything before it. writes are [(offset, data)] in the order in
    which they reached the medium: all writes before the last flush, and some of the later ones, as a cache would write them,
    possibly torn at a sector.
    """
    stable, since = [], []
    for i, entry in enumerate(entries):
        if entry.data:
            (stable if entry.fua else since).append((entry.offset, entry.data))
        if entry.flush or i + 1 == len(entries):
            end = entry.end
            for _ in range(per_interval):
                some = [w for w in since if rng.random() < 0.5]
                if some:
                    torn = rng.randrange(len(some))
                    offset, data = some[torn]
                    some[torn] = offset, data[:SECTOR * rng.randint(0, len(data) // SECTOR)]
                yield (entries[i - 1].end if i else 0), stable + some
            if entry.flush:
                stable, since = stable + since, []
                yield end, list(stable)
