# SPDX-License-Identifier: BSD-2-Clause
"""control ends, in every way, while guests run, are made and are taken down: they go on, and nothing is lost or left over."""
from guestkit import LEAVE, Bystander, info, listed, resources, served, services, wait_gone
from harness import PROMPT, GuestDir

CONTENT = bytes(range(256)) * 256
WAYS = ("fault", "hang", "exit", "garbage")


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
        calm.start(m)
        ids, memory = listed(m), info(m, "free_memory")
        for way in WAYS:
            restarts(m, f"kill control {way}", "breach" if way == "garbage" else way, 1)
            assert {n: r[0] for n, r in listed(m).items()} == {n: r[0] for n, r in ids.items()}, way
            assert info(m, "free_memory") == memory, way
            assert services(m)["control"].memory == before
            calm.goes_on()
        # the tools work on a guest that an earlier life made
        m.shell("destroy calm")
        wait_gone(m)
        assert info(m, "free_memory") == free
        calm.start(m)
        m.shell("destroy calm")
        wait_gone(m)
        assert info(m, "free_memory") == free
        m.poweroff()
