# SPDX-License-Identifier: BSD-2-Clause
"""The domains of the manifest, without guests: each one starts, its output appears in the log, and the machine powers off."""
import re

import pytest


@pytest.mark.parametrize("smp", [1, 2])
def test_all_domains_start(machine, smp):
    m = machine(smp=smp)
    m.expect(r"\(platform\) \d+ PCI functions")  # the boot log appears before the shell starts
    m.prompt()
    log = m.shell("dmesg")
    stamp = r"\[ *\d+\.\d{6}\]"  # the kernel's lines come first
    assert re.match(rf"{stamp} speculation: .*\n{stamp} IOMMU: .*all devices are blocked, interrupts remapped\n{stamp} Skerry: \d+ CPUs", log), log
    for line in (r"\(platform\)", r"\(blk0\) \d+ MiB", r"\(net0\) ([0-9a-f]{2}:){5}", r"\(init\) \d+ MiB for guests"):
        assert re.search(line, log), f"{line} is not in the log:\n{log}"
    assert "fault" not in log and "ended with code" not in log, log
    assert "Domain-0" in m.shell("list")
    m.poweroff()


def test_without_devices(machine):
    """Without disks and partitions, drivers whose device is absent are not started, and the other domains run."""
    m = machine(extra=["--no-disk"])
    m.prompt()
    log = m.shell("dmesg")
    assert "(blk0)" not in log and "(storage) no disks" in log
    assert "fault" not in log, log
    m.poweroff()


def test_command_line_reaches_a_domain(machine):
    """A word NAME.KEY=VALUE of the kernel's command line is an argument of that domain only."""
    m = machine(append="ip.address=10.9.8.7 ip.netmask=255.0.0.0 nobody.address=10.1.1.1")
    m.prompt()
    assert "address 10.9.8.7 netmask 255.0.0.0" in m.shell("dmesg")
    m.poweroff()


def test_failed_domain_is_reported(machine):
    """If a domain ends, its name and its code are printed, even when the shell has the screen."""
    m = machine(append="ip.address=nonsense")
    m.expect(r"\(init\) ip: ended with code")
    m.prompt()
    m.poweroff()
