# SPDX-License-Identifier: BSD-2-Clause
"""stamps: what a volume must hold after test/system/tools/stampio.c has written it."""
import struct

BLOCK = 4096


def sum_of(data):
    """The sum of the stamps, each of which is in all words of its block."""
    total = 0
    for block in range(len(data) // BLOCK):
        words = set(struct.unpack_from("<512Q", data, block * BLOCK))
        assert len(words) == 1, f"block {block} has parts of several writes"
        stamp = words.pop()
        assert stamp == 0 or stamp >> 32 == block, f"block {block} has the stamp {stamp:x}"
        total += stamp
    return total & (1 << 64) - 1
