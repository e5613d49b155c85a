# SPDX-License-Identifier: BSD-2-Clause
"""control ends, in every way, while guests run, are made and are taken down: they go on, and nothing is lost or left over."""
import os

from guestkit import Bystander, enter, info, leave, listed, resources, served, services, wait_gone
from harness import PROMPT, GuestDir

CONTENT = bytes(range(256)) * 256
WAYS = ("fault", "hang", "exit", "garbage")
ROUNDS = int(os.environ.get("SKERRY_RESTARTS", "12")) // 2


def restarts(m, command, reason, n_guests):
    """Type a command that ends control; the next life says so and how many guests go on."""
    m.line(command)
    m.expect(rf"control was restarted \({reason}\); {n_guests} guests? go")
    m.expect(PROMPT)


def test_guests_go_on(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        m = machine(guests=guests, append="init.kill=1")
        m.prompt()
        free = info(m, "free_memory")
        restarts(m, "restart control", "asked", 0)
        assert info(m, "free_memory") == free
        before = services(m)["control"].memory
        m.send("edit typed\rname='typed'\rtype='pvh'\rkernel='/guests/vmlinuz-cloud-amd64'\r.\r")
        m.expect(r"typed is kept[^\n]*\n" + PROMPT)
        calm.start(m)
        ids, memory = listed(m), info(m, "free_memory")
        for way in WAYS:
            restarts(m, f"kill control {way}", "breach" if way == "garbage" else way, 1)
            assert {n: r[0] for n, r in listed(m).items()} == {n: r[0] for n, r in ids.items()}, way
            assert info(m, "free_memory") == memory, way
            assert services(m)["control"].memory == before
            calm.goes_on()
        # what was typed behind it waits for the next life, and a guest's console works as before
        m.line("kill control fault; console calm")
        m.expect(r"control was restarted \(fault\); 1 guest goes on")
        m.expect(r"bystander round \d+")
        leave(m)
        assert '"name": "typed"' in m.shell("create -n typed")
        # the tools work on a guest that an earlier life made
        m.shell("destroy calm")
        wait_gone(m)
        assert info(m, "free_memory") == free
        calm.start(m)
        m.shell("destroy calm")
        wait_gone(m)
        assert info(m, "free_memory") == free
        m.poweroff()


def test_the_shell_ends(machine, build, tmp_path):
    """The shell ends in every way: nothing else notices, and its next life has what was typed, and shows the console that it showed."""
    guests = GuestDir(tmp_path / "g", build)
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        m = machine(guests=guests, append="init.kill=1")
        m.prompt()
        m.send("edit typed\rname='typed'\rtype='pvh'\rkernel='/guests/vmlinuz-cloud-amd64'\r.\r")
        m.expect(r"typed is kept[^\n]*\n" + PROMPT)
        calm.start(m)
        before, free = services(m), info(m, "free_memory")
        for way in (None, *WAYS):
            m.line(f"kill shell {way}" if way else "restart shell")
            m.expect("the shell was restarted")
            m.expect(PROMPT)
            calm.goes_on()
        after = services(m)
        assert after["shell"].memory == before["shell"].memory
        assert after["shell"][1] == before["shell"][1] + 1 + len(WAYS)
        assert all(after[name][1] == row[1] for name, row in before.items() if name != "shell")
        assert info(m, "free_memory") == free
        assert '"name": "typed"' in m.shell("create -n typed")
        m.shell("destroy calm")
        wait_gone(m)
        m.poweroff()


def test_ends_in_the_middle(machine, build, tmp_path):
    """control ends while it makes a guest, and while it takes one down, each time a little later. Another guest does not notice."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_config("short", auto=False, memory=96, disk=[f"{guests.add_image('short', size=1 << 20)},xvda,w"], vif=["bridge=xenbr0"])
    with served(CONTENT) as port:
        calm = Bystander(guests, port, CONTENT)
        m = machine(guests=guests, append="init.kill=1")
        m.prompt()
        calm.start(m)
        calm_id, free = listed(m)["calm"][0], info(m, "free_memory")
        slots = resources(m)["control"]
        for n in range(ROUNDS):
            for command in ("create /guests/short.cfg", "destroy short"):
                m.line(command)
                m.send("\x03")  # leaves the command, which goes on
                for _ in range(n):
                    m.line("domid calm")
                m.line("kill control fault")
                m.expect(r"control was restarted \(fault\); [12] guests? go")
                m.expect(PROMPT)
                # a guest that was being made is taken back, or it was there; one that was ending is gone, or it was not told to
                m.until(lambda: all(len(r[3].strip("-")) for r in listed(m).values()), "guests that are there or gone")
            if "short" in listed(m):
                m.shell("destroy short")
            wait_gone(m, "short")
            assert listed(m)["calm"][0] == calm_id
            assert info(m, "free_memory") == free, n
        assert all(now <= before for now, before in zip(resources(m)["control"], slots))
        assert "TEST FAILED" not in m.text
        calm.goes_on()
        log = m.shell("dmesg")
        assert "it is ended" not in log and "may be lost" not in log, log
        m.poweroff()
