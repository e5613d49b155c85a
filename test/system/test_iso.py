# SPDX-License-Identifier: BSD-2-Clause
"""The bootable image: GRUB boots it from a CD and as a disk; the live guest comes from the boot archive."""
import pytest

from guestkit import enter, leave, wait_gone


@pytest.mark.parametrize("medium", ["iso", "usb"])
def test_live_guest(machine, build, medium):
    m = machine(**{medium: build.iso}, extra=["--no-disk"])
    m.prompt()
    enter(m, "live", "guest: user space[^$]*# ")
    m.send("echo $((6*7))-$(cat /sys/hypervisor/type); ls /sys/class/net\r")
    m.expect("42-xen")
    m.expect("eth0")
    leave(m)
    m.line("shutdown -w live")
    m.expect("has been shut down, reason code 0")
    m.prompt()
    wait_gone(m)
    m.poweroff()
