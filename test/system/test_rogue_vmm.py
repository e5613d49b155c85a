# SPDX-License-Identifier: BSD-2-Clause
"""Some guests' VMMs are rogues (test/rogue/vmm.c), one for each attack: they hold nothing but their own guest, and a guest beside them
notices nothing."""
import re

from guestkit import Bystander, free, listed, served, services, wait_gone
from harness import GuestDir
from roguekit import TRIES, rogue_archive

CONTENT = bytes(range(256)) * 64
SHOWN = ("odd_index", "index_ahead", "taken_ahead", "epoch_future", "epoch_past", "length_max", "junk", "unasked", "flood", "wishes",
         "complain", "silence")
FAULTS = (0, 8, 11, 15, 23)  # of faults.c: an instruction of each kind, another guest's memory, the kernel's


def name_of(what):
    return "rogue-" + what.replace("_", "-")


def test_rogue_vmm(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    for what in ("tries", "unready", *SHOWN, *map(str, FAULTS)):
        name = name_of(what)
        guests.add_config(name, auto=False, memory=32, ramdisk=None, extra="rogue=" + what, vif=["bridge=xenbr0"],
                          disk=[f"{guests.add_image(name, size=1 << 20)},xvda,w"])
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        build.archive = rogue_archive(build, "vmm", tmp_path, program="rogue-vmm")
        m = machine(guests=guests)
        m.prompt()
        calm.start(m)
        before = free(m)

        def create(what):
            m.shell(f"create /guests/{name_of(what)}.cfg")

        def undone(what):
            """Nothing is left of it."""
            name = name_of(what)
            m.until(lambda: m.shell("destroy " + name) is not None and name not in listed(m), f"the end of {name}")
            m.until(lambda: free(m) == before, f"the memory of {name}")

        create("tries")
        m.until(lambda: "rogue: attack tries on 1" in m.shell("dmesg"), "the tries")
        log = m.shell("dmesg")
        assert "BREACH" not in log, log
        for what in TRIES:
            assert re.search(rf"rogue: ok {what}: \d+ refused", log), (what, log)
        undone("tries")
        for what in SHOWN:
            create(what)
            # control may end it before it can say so
            seen = rf"rogue: attack {what} on [1-9]|\({name_of(what)}\) broke the protocol"
            m.until(lambda: re.search(seen, m.shell("dmesg")), "the attack " + what)
            undone(what)
        for i in FAULTS:
            create(str(i))
            undone(str(i))
        m.line("create /guests/rogue-unready.cfg")  # nobody waits for it for ever
        m.expect("Parsing config")
        m.send("\x03")
        m.prompt()
        undone("unready")
        assert "nothing happened" not in m.shell("dmesg")
        calm.undisturbed()
        assert {n for n, row in services(m).items() if row.restarts} <= {"storage", "network", "xenstore", "console", "files"}
        m.shell("destroy " + calm.name)
        wait_gone(m)
        m.poweroff()
