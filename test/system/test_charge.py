# SPDX-License-Identifier: BSD-2-Clause
"""What services do for a guest is charged to it: a guest with a cap= is held to it, whatever it lets services do.

All times are the kernel's, in virtual time (-icount).
"""
import json
import os
import sys

from guestkit import wait_gone
from harness import TOP, GuestDir

sys.path.insert(0, os.path.join(TOP, "test", "bench"))

from restart import add_guest  # noqa: E402

CAP, SECONDS = 20, 8
# the sum may be so much of the cap: its I/O thread is in the cap and not in the sum, and each second may be above it
MOST = 1.1
NEAR = 0.15  # between what a service says that it did for its only guest, and what it ran


def times(m, name):
    """CPU time in seconds: of the guest's vCPUs, of the host's domains by name, and of services for the guest."""
    rows = json.loads(m.shell("list -l"))
    host = {d["name"]: d["cpu_ms"] / 1000 for d in rows[0]["domains"]}
    guest = next(r for r in rows if r["config"]["c_info"]["name"] == name)
    vcpus = next(float(line.split()[-1]) for line in m.shell("list " + name).splitlines() if line.startswith(name + " "))
    return vcpus, host, guest["served_ms"] / 1000


def used_by(m, name, service):
    """What the guest's vCPUs, the service, and the service for the guest took in SECONDS."""
    m.shell(f"create /guests/{name}.cfg")
    m.shell("sleep 8")  # until what the first second cost is paid
    before = times(m, name)
    m.shell(f"sleep {SECONDS}")
    after = times(m, name)
    m.shell("destroy " + name)
    wait_gone(m)
    return after[0] - before[0], after[1][service] - before[1][service], after[2] - before[2]


def test_charge(machine, build, tmp_path):
    guests = GuestDir(os.path.join(tmp_path, "guests"), build)
    add_guest(guests, build, "writer", "watch", cap=CAP)
    add_guest(guests, build, "reader", "busy", cap=CAP)
    m = machine(guests=guests, smp=1, icount=True)
    m.prompt()
    vcpus, xenstore, served = used_by(m, "writer", "xenstore")
    assert vcpus + xenstore <= MOST * CAP / 100 * SECONDS, "it exceeds its cap"
    assert vcpus + xenstore >= CAP / 100 * SECONDS / 3, "it gets much less than its cap"
    assert abs(served - xenstore) <= NEAR * xenstore
    vcpus, storage, served = used_by(m, "reader", "storage")
    assert storage > 0.1 and abs(served - storage) <= NEAR * storage
    m.poweroff()
