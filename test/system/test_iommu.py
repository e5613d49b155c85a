# SPDX-License-Identifier: BSD-2-Clause
"""What devices may do: their interrupts, with each kind of IOMMU."""
import pytest

from guestkit import info

KINDS = ["intel", "amd"]


@pytest.mark.parametrize("kind", KINDS)
def test_interrupts_belong_to_their_sender(machine, kind):
    m = machine(iommu=kind)
    m.prompt()
    assert "interrupts remapped" in m.text, m.text
    assert info(m, "interrupts") == "devices send only those of their drivers"
    m.shell("cat /guests/none")  # the disk and the console interrupt
    m.poweroff()


@pytest.mark.parametrize("kind,append", [("intel", "intremap=off"), ("amd", "intremap=off"), ("none", "")])
def test_without_remapping_the_host_says_so(machine, kind, append):
    m = machine(iommu=kind, append=append)
    m.prompt()
    assert "interrupts not remapped" in m.text, m.text
    assert info(m, "interrupts") == "not remapped, devices can send all"
    m.poweroff()
