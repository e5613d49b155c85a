# SPDX-License-Identifier: BSD-2-Clause
"""Guests are destroyed in every possible state, while a bystander must not be disturbed."""
import random

from guestkit import Bystander, attach, boots, leave, listed, rogue, served, wait_gone
from harness import PROMPT, GuestDir

CONTENT = random.Random(2).randbytes(64 << 10)
# (what the rogue does, the line on its console that shows it)
STATES = {"spin": "rogue: spin", "busy": "rogue: busy", "watch": "rogue: watch", "flood": "rogue: flood",
          "crumbs": "rogue: crumbs", "print": "without an end"}


def test_kill(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    volume = guests.add_image("rough", size=1 << 20)
    common = {"auto": False, "memory": 96, "disk": [f"{volume},xvda,w"], "vif": ["bridge=xenbr0"]}
    guests.add_config("linux", **common)
    guests.add_config("slow", flavour="amd64", auto=False, memory=320)
    guests.add_config("crash", extra=boots("echo c >/proc/sysrq-trigger"), on_crash="preserve", **common)
    for do in STATES:
        rogue(guests, build, do, do, vcpus=2 if do == "spin" else 1)
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        m = machine(guests=guests)
        m.prompt()
        calm.start(m)

        def destroy(name):
            m.shell("destroy " + name)
            wait_gone(m, name)

        # while its kernel is unpacked: Ctrl-C returns to the shell, and the creation continues beside another one
        m.line("create /guests/slow.cfg")
        m.send("\x03")
        m.expect(r"(?:^|(?<=\n))" + PROMPT)
        m.until(lambda: "slow" in listed(m), "guest slow")  # its kernel is still being read
        m.shell("create -p /guests/linux.cfg")
        assert listed(m)["linux"][3] == "--p---"
        assert m.shell("destroy slow") == ""
        wait_gone(m, "slow")
        # before it has ever run; at its first instructions; while its kernel starts
        destroy("linux")
        m.shell("create /guests/linux.cfg")
        destroy("linux")
        m.shell("create /guests/linux.cfg")
        attach(m, "linux", "ACPI: No IOAPIC")
        destroy("linux")
        calm.undisturbed()

        # after it was asked to shut down, before it has done so
        m.shell("create /guests/linux.cfg")
        attach(m, "linux", "user space")
        m.shell("shutdown linux")
        destroy("linux")
        # crashed and preserved
        m.line("create -c /guests/crash.cfg")
        m.expect("Kernel Offset: disabled")
        leave(m)
        m.until(lambda: listed(m)["crash"][3] == "---sc-", "the state of a crashed guest")
        destroy("crash")
        calm.undisturbed()

        # computing, with one of two vCPUs never started; with requests in the disk's queue; with watches firing; sending
        # frames to everybody; printing all the time: each running, and each paused
        for do, word in STATES.items():
            for paused in (False, True):
                m.shell(f"create /guests/{do}.cfg")
                attach(m, do, word)
                if paused:
                    m.shell("pause " + do)
                    assert listed(m)[do][3] == "--p---"
                destroy(do)
        # all together, while the bystander works beside them
        for do in STATES:
            m.shell(f"create /guests/{do}.cfg")
        calm.goes_on()
        for do in STATES:
            destroy(do)
        calm.undisturbed()
        calm.end()
