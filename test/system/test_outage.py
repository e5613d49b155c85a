# SPDX-License-Identifier: BSD-2-Clause
"""A guest's requests wait only for moments while what they need is started again: `make bench T=restart`, with a few kills."""
import os
import sys

from harness import TOP

sys.path.insert(0, os.path.join(TOP, "test", "bench"))

import restart  # noqa: E402

KILLS = 5


def test_outage(build, tmp_path):
    found = []
    for name, what, _, waits, _ in restart.rows(build, tmp_path, KILLS, 0, restart.VICTIMS):
        found.append(name)
        # this computer's own pauses, in which the machine's clock goes on, are in the figures, so the worst one says little
        assert restart.percentile(waits, 50) < restart.BAR_US, (name, what, waits)
    assert found == [name for name, _ in restart.VICTIMS]
