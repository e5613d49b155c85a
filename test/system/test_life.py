# SPDX-License-Identifier: BSD-2-Clause
"""The life of a guest: pause, rename, reboot, crash, shutdown, destroy, and the actions that follow each end."""
import hashlib
import re

from guestkit import attach, boots, enter, info, leave, listed, run_guest, wait_gone
from harness import PROMPT, GuestDir


def wait_for_domain(m, name, number):
    """Wait until the guest has that number, which it gets when it is restarted."""
    end = m.until(lambda: re.search(rf"Domain {number - 1} has shut down, .*", m.shell("dmesg")), f"the end of domain {number - 1}")
    assert "action is restart" in end[0], end[0]
    m.until(lambda: listed(m).get(name, (0,))[0] == number, f"domain {number}")


def test_life(machine, build, tmp_path):
    """One guest after another through pause, shutdown, reboot, destroy, and the actions that follow an end."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_config("idle", auto=False, memory=96, extra="console=hvc0 quiet",
                      on_reboot="restart", on_crash="restart")
    guests.add_config("crash", auto=False, memory=96, extra=boots("echo c >/proc/sysrq-trigger"), on_crash="preserve")
    guests.add_config("again", auto=False, memory=96, extra=boots("true", end="reboot"), on_reboot="destroy")
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")

    # both start paused, so the test decides the order in which they end
    out = m.shell("create -p /guests/idle.cfg")
    assert listed(m)["idle"][1:] == (96, 1, "--p---")
    assert m.shell("domid idle") == "1" and m.shell("domname 1") == "idle"
    assert "already" in m.shell("create /guests/idle.cfg"), out
    # its kernel stays unpacked for those that follow, in memory that counts as free
    assert int(info(m, "unpacked_kernels")) > 20 and int(free) - int(info(m, "free_memory")) < 96 + 20
    m.shell("unpause idle")
    attach(m, "idle", "guest: user space[^$]*# ")
    # each byte of one write reaches the reader for which it was typed: the shell, the guest, the shell again
    body = "".join(f"line {i:04d} of a script that somebody pastes\n" for i in range(100))
    digest = hashlib.md5(body.encode()).hexdigest()
    m.send(f"domname 1\nconsole idle\r\ncat >/f <<X\n{body}X\nmd5sum /f\n")
    m.expect(r"^idle$")
    m.expect(digest + "  /f")
    # in one process, so that the interrupt finds it and not a shell that is about to start it
    m.send("sh -c 'echo sleeps-$((6*7)); exec sleep 100000'\n")
    m.expect("sleeps-42")
    m.send("\x03echo interrupted-$((40+2))\n\x1ddomid idle\n")
    m.expect(r"^1$")
    m.prompt()
    attach(m, "idle", "interrupted-42")
    # input typed while the guest is paused arrives when it runs again
    m.shell("pause idle")
    assert listed(m)["idle"][3] == "--p---"
    m.line("console idle")
    m.send("echo still-$((40+2))\r")
    leave(m)
    m.shell("unpause idle")
    attach(m, "idle", "still-42")
    assert m.shell("rename idle other") == ""
    assert "other" in listed(m) and m.shell("domid other") == "1"

    # a reboot gives the same name, a new number, and user space again, with what was changed in its file
    assert "config-update:" not in m.shell("config-update other idle.cfg name=other memory=112")
    assert listed(m)["other"][1] == 96
    m.shell("reboot other")
    wait_for_domain(m, "other", 2)
    assert listed(m)["other"][1] == 112
    # a crash is followed by on_crash=restart
    enter(m, "other", "guest: user space[^$]*# ")
    m.send("echo c >/proc/sysrq-trigger\r")
    m.expect("sysrq")
    m.expect(r"(?:^|\n)" + PROMPT)
    wait_for_domain(m, "other", 3)
    attach(m, "other", "guest: user space[^$]*# ")

    # shutdown -w waits for the end; destroy does not ask
    said = m.shell("shutdown -w other")
    assert "Domain 3 has been shut down" in said, said
    assert listed(m) == {}
    out = run_guest(m, "/guests/again.cfg")
    assert "user space" in out, out
    wait_gone(m)
    m.line("create -c /guests/crash.cfg")  # a preserved guest keeps its console
    m.expect("Kernel Offset: disabled")
    leave(m)
    m.until(lambda: listed(m)["crash"][3] == "---sc-", "the state of a crashed guest")
    said = m.shell("console -l crash")
    assert "sysrq: Trigger a crash" in said and "\x1b" not in said, said
    assert m.shell("destroy crash") == ""
    # the end of its console stays, under its name
    m.until(lambda: "crash" not in listed(m), "the end of a preserved guest")
    assert "sysrq: Trigger a crash" in m.shell("console -l crash")
    assert "Kernel Offset" not in m.shell("console -l crash | grep -v Offset")
    m.shell("create -p /guests/idle.cfg")
    m.shell("destroy idle")
    wait_gone(m)
    assert info(m, "free_memory") == free
    # a guest that needs that memory gets it, and its VMM unpacks the kernel for itself
    assert int(info(m, "unpacked_kernels")) > 20
    m.shell(f"create -p /guests/idle.cfg memory={int(free) - 48}")
    assert info(m, "unpacked_kernels") == "0" and "idle" in listed(m)
    m.shell("destroy idle")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()
