# SPDX-License-Identifier: BSD-2-Clause
"""Domains of the host that end: init starts each of them again, whatever the reason, and takes no more memory for it."""
from guestkit import services_in

DOMAINS = ["platform", "uart", "blk0", "net0", "storage", "files", "network", "ip", "xenstore", "scribe", "console", "shell"]
SAYS = "the shell was restarted"


def rows(m):
    """Rows of the table; None if a line of the log came into it."""
    m.line("list-services")
    m.expect(r"^Name +State .*\n")
    start = m.pos
    m.expect(r"^control .*\n")
    table = services_in(m.since(start))
    return table if set(DOMAINS) | {"control"} <= set(table) else None


def services(m):
    return m.until(lambda: rows(m), "a table of all domains")


def comes_back(m, command, name, reason):
    """Type the command, and wait until the domain has been started again."""
    before = services(m)
    m.line(command)
    # what is typed before that may be lost with uart or console
    told = rf"\(init\) {name}: started again \({reason}\)"
    m.expect(rf"{told}[\s\S]*{SAYS}|{SAYS}[\s\S]*{told}" if name == "shell" else told)
    if name == "console":
        m.expect("console was restarted")
    after = services(m)
    assert after[name][:3] == ("running", before[name][1] + 1, reason), after[name]
    assert after[name][3] > before[name][3], after[name]
    assert after[name][4] == before[name][4], (before[name], after[name])
    for other in set(DOMAINS) - {name}:
        assert after[other][:2] == before[other][:2], (name, other, after[other])


def test_every_domain(machine):
    m = machine()
    m.prompt()
    for name in DOMAINS:
        comes_back(m, f"restart {name}", name, "asked")
    m.line("kill storage fault")
    m.expect("kill: storage: .*init.kill=1")
    assert services(m)["storage"][:3] == ("running", 1, "asked")
    m.poweroff()


def test_every_end(machine):
    m = machine(append="init.kill=1")
    m.prompt()
    for how, names in (("fault", DOMAINS), ("exit", ("platform", "blk0", "network")), ("hang", ("platform", "blk0", "storage"))):
        for name in names:
            comes_back(m, f"kill {name} {how}", name, how)
    m.poweroff()


def test_garbage(machine):
    """A domain fills its rings with nonsense: those at the other ends have it started again, and nobody else."""
    m = machine(append="init.kill=1")
    m.prompt()
    for name in DOMAINS:
        before = services(m)
        m.line(f"kill {name} garbage")
        told = rf"\(init\) {name}: started again \(breach\)"
        m.expect(rf"{told}[\s\S]*{SAYS}|{SAYS}[\s\S]*{told}" if name == "shell" else told)
        if name == "console":
            m.expect("console was restarted")
        after = services(m)
        assert after[name].state == "running" and after[name].reason == "breach", (name, after[name])
        others = {n: row[:2] for n, row in after.items() if n != name}
        assert others == {n: row[:2] for n, row in before.items() if n != name}, (name, after)
        m.line("ls /guests")
        m.expect(r"^lost\+found/")
    m.poweroff()
