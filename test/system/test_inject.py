# SPDX-License-Identifier: BSD-2-Clause
"""Drivers and services fail at one step after the other of what they do for others, while guests use them; the guests go on.

The domains are those of build/boot/inject.img (libs/svc/inject.c). Their lives count the steps: life after life fails at the next one.
"""
import os
import re

import pytest

from guestkit import boots, compile_tool, enter, info, leave, ramdisk, services, wait_gone
from harness import PROMPT, GuestDir

MIB = 1 << 20
SIZE = 8
STEPS = int(os.environ.get("SKERRY_INJECT_STEPS", "3"))  # soak: 60
HEADER = os.path.join(os.path.dirname(__file__), "..", "..", "libs", "svc", "step.h")
with open(HEADER, encoding="utf-8") as header:
    KINDS = re.findall(r"^\tX\((\w+),", header.read(), re.M)
LINE = re.compile(r"\((\S+)\) inject: \w+ at (\w+)")


class Sweep:
    """Lets domains fail until each has had its lives; counts the steps that were reached."""

    def __init__(self, m, domains):
        self.m, self.domains, self.reached = m, domains, {d: set() for d in domains}

    def look(self):
        for domain, kind in LINE.findall(self.m.shell("dmesg")):
            self.reached[domain].add(kind)

    def ended(self):
        self.look()
        now = services(self.m)
        assert all(now[d].state in ("running", "restarting") for d in self.domains), now
        return all(now[d].state == "running" and now[d].epoch > 2 * STEPS for d in self.domains)

    def run(self):
        for domain in self.domains:
            self.m.shell(f"restart {domain}")
        self.m.until(self.ended, f"{2 * STEPS} lives of {', '.join(self.domains)}")
        self.look()


def sweep(machine, build, tmp_path, domains, way):
    guests = GuestDir(tmp_path / "g", build)
    build.archive = os.path.join(build.top, "boot", "inject.img")
    image = ramdisk(guests, "stamp", {"stampio": compile_tool("stampio", tmp_path),
                                      "load": "#!/bin/sh\nping -q 10.0.2.2 >/dev/null &\n/stampio /dev/xvda $1\n"})
    volume = guests.add_image("data", size=SIZE * MIB)
    guests.add_config("one", auto=False, memory=96, ramdisk=image, disk=[f"{volume},xvda,w"], vif=["bridge=xenbr0"],
                      extra=boots(f"/load {SIZE}", more="net=dhcp"))
    options = " ".join(f"{d}.inject={way} {d}.inject-lives={2 * STEPS}" for d in domains)
    m = machine(guests=guests, append="init.kill=1 init.calm=1 " + options)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/one.cfg")
    enter(m, "one", "stampio: begins")
    leave(m)
    s = Sweep(m, domains)
    s.run()
    m.line("console one")
    m.send("end\r")
    match = m.expect(r"stampio: (\d) of 3 good, (\d+) writes")
    assert match[1] == "3" and int(match[2]) > 0, match[0]
    m.expect(r"(?:^|(?<=\n)|\n)" + PROMPT)
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()
    for domain in domains:
        print(f"{domain}: {len(s.reached[domain])} of {len(KINDS)} kinds of step: {' '.join(sorted(s.reached[domain]))}")
    return s.reached


# A domain that ends while another one opens or closes a connection with it costs init a deadline, so few sweep at the same time.
# control takes a connection whose opening ends its service three times for the reason, so a longer sweep can cost a guest its xenstore;
# for that reason, ordinary runs have the first steps of storage alone.
GROUPS = [("storage",)]
if "SKERRY_INJECT_STEPS" in os.environ:
    GROUPS += [("network", "xenstore"), ("blk0", "net0"), ("files", "ip"), ("console",), ("uart",)]


@pytest.mark.parametrize("domains", GROUPS, ids="-".join)
def test_crash_at_each_step(machine, build, tmp_path, domains):
    reached = sweep(machine, build, tmp_path, domains, "crash")
    assert all(reached.values()) and set().union(*reached.values()) <= set(KINDS)
