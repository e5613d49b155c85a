"""Guests that are ended in every state that a guest can be in, while a bystander must not notice."""
import random

from guestkit import Bystander, attach, boots, leave, listed, rogue, served, wait_gone
from harness import PROMPT, GuestDir

CONTENT = random.Random(2).randbytes(64 << 10)
# what the rogue does, and how its console tells
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

        # its kernel is being unpacked: Ctrl-C gives the shell back, the creation goes on, beside another one
        m.line("create /guests/slow.cfg")
        m.send("\x03")
        m.expect(r"(?:^|(?<=\n))" + PROMPT)
        m.until(lambda: "slow" in listed(m), "guest slow")  # its file is still being read
        m.shell("create -p /guests/linux.cfg")
        assert listed(m)["linux"][3] == "--p---"
        assert m.shell("destroy slow") == ""
        wait_gone(m, "slow")
        # made, and never run; with its first instructions; while its kernel starts
        destroy("linux")
        m.shell("create /guests/linux.cfg")
        destroy("linux")
        m.shell("create /guests/linux.cfg")
        attach(m, "linux", "ACPI: No IOAPIC")
        destroy("linux")
        calm.undisturbed()

        # asked to shut down, and not left the time
        m.shell("create /guests/linux.cfg")
        attach(m, "linux", "user space")
        m.shell("shutdown linux")
        destroy("linux")
        # crashed, and kept
        m.line("create -c /guests/crash.cfg")
        m.expect("Kernel Offset: disabled")
        leave(m)
        m.until(lambda: listed(m)["crash"][3] == "---sc-", "the state of a crashed guest")
        destroy("crash")
        calm.undisturbed()

        # computing, one vCPU of two never up; requests in the disk's queue; watches firing; frames for everybody; a
        # console that is never silent: each as it is, and each paused
        for do, word in STATES.items():
            for paused in (False, True):
                m.shell(f"create /guests/{do}.cfg")
                attach(m, do, word)
                if paused:
                    m.shell("pause " + do)
                    assert listed(m)[do][3] == "--p---"
                destroy(do)
        # together, while the bystander works beside them
        for do in STATES:
            m.shell(f"create /guests/{do}.cfg")
        calm.goes_on()
        for do in STATES:
            destroy(do)
        calm.undisturbed()
        calm.end()
