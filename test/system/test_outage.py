# SPDX-License-Identifier: BSD-2-Clause
"""How long a guest waits: while what it needs is started again, and beside a guest that takes all it can get.

The parts of `make bench T=restart` and `T=bullies` that a mistake would show in, with a few kills and requests.
"""
import os
import sys

from harness import TOP

sys.path.insert(0, os.path.join(TOP, "test", "bench"))

import bullies  # noqa: E402
import restart  # noqa: E402

KILLS, SAMPLES = 5, 10


def test_outage(build, tmp_path):
    found = []
    for name, what, _, waits, _ in restart.rows(build, tmp_path, KILLS, 0, restart.VICTIMS):
        found.append(name)
        # this computer's own pauses, in which the machine's clock goes on, are in the figures, so the worst one says little
        assert restart.percentile(waits, 50) < restart.BAR_US, (name, what, waits)
    assert found == [name for name, _ in restart.VICTIMS]


def test_bullies(build, tmp_path):
    """All kinds, and the requests that no device of QEMU answers: these figures do not depend on how busy this computer is."""
    assert bullies.run(build, tmp_path, SAMPLES, probes=["wake", "store", "console"]) == []
