# SPDX-License-Identifier: BSD-2-Clause
"""The authority graph: what is drawn is what the manifest gives, and each thing that the design forbids is found."""
import os
import sys
import tomllib

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

import authority  # noqa: E402
import manifest   # noqa: E402

DEFAULT = os.path.join(TOP, "configs", "default.toml")
with open(DEFAULT, encoding="utf-8") as default:
    GOOD = default.read()


def read(*changes):
    """The default manifest with texts replaced; each must occur once."""
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return manifest.read(tomllib.loads(text))


def joins(kind, source, target):
    return [e for e in authority.graph(read()).edges if (e.kind, e.source, e.target) == (kind, source, target)]


@pytest.mark.parametrize("name", sorted(n for n in os.listdir(os.path.join(TOP, "configs")) if n.endswith(".toml")))
def test_the_policy_holds_for_the_tree(name):
    assert authority.check(manifest.load(os.path.join(TOP, "configs", name))) == []


def test_the_graph_has_what_guests_get():
    for service in ("console", "xenstore", "storage", "files", "network", "control"):
        assert joins("ring", "vmm", service)
    assert joins("memory", "vmm", "blk0")      # the device moves blocks into the guest's buffers itself
    assert not joins("memory", "vmm", "net0")  # the switch copies frames
    assert not joins("ring", "vmm", "blk0") and not joins("calls", "vmm", "storage")


# (changes, a part of what is said)
FORBIDDEN = {
    "a driver is a client": ([('[domain.blk0]\n', '[domain.blk0]\nchannel.u = { to = "uart", proto = "uart" }\n'),
                              ('clients = ["console"]', 'clients = ["console", "blk0"]')], "blk0 -ring-> uart"),
    "a driver holds more than its device": ([('[domain.blk0]\n', '[domain.blk0]\ncaps = [{ name = "irq", kind = "irq-control" }]\n')],
                                            "blk0 -holds-> irq-control"),
    "a service has hardware": ([('[domain.storage]\n', '[domain.storage]\ncaps = [{ name = "p", kind = "ports", range = "0x100-0x107", '
                                 'shared = "test" }]\n')], "storage -holds-> ports 0x100-0x107"),
    "the builder touches hardware": ([('{ name = "pool", kind = "guest-memory" },', '{ name = "pool", kind = "guest-memory" },\n'
                                       '{ name = "irq", kind = "irq-control" },')], "control -holds-> irq-control"),
    "guests speak with a driver": ([('services = ["console", ', 'services = ["blk0", "console", ')], "vmm -ring-> blk0 -holds-> device disk0"),
    "the builder calls a driver": ([('services = ["console", ', 'services = ["net0", "console", ')], "control -calls-> net0"),
    "data of guests passes through the builder": ([
        ('channel.scribe = {', 'channel.blk = { to = "storage", proto = "blk", params = { volume = "by-partlabel/x" } }\nchannel.scribe = {'),
        ('clients = ["files"]', 'clients = ["files", "control"]')],
        "control -ring-> storage"),
    "a tool has a way beside control": ([
        ('[domain.shell]\n', '[domain.shell]\nchannel.xs = { to = "xenstore", proto = "xs", params = { domid = 0, privileged = true } }\n'),
        ('serves = "xs"\nclients = ["scribe"]', 'serves = "xs"\nclients = ["scribe", "shell"]')], "shell -ring-> xenstore"),
    "the builder parses xenstore": ([
        ('channel.scribe = {', 'channel.xs = { to = "xenstore", proto = "xs", params = { domid = 0, privileged = true } }\nchannel.scribe = {'),
        ('serves = "xs"\nclients = ["scribe"]', 'serves = "xs"\nclients = ["scribe", "control"]')], "control -ring-> xenstore"),
    "a service writes to xenstore": ([
        ('channel.nic = {', 'channel.xs = { to = "xenstore", proto = "xs", params = { domid = 0, privileged = true } }\nchannel.nic = {'),
        ('serves = "xs"\nclients = ["scribe"]', 'serves = "xs"\nclients = ["scribe", "network"]')], "network -ring-> xenstore"),
    "the scribe speaks with others": ([
        ('channel.xs = {', 'channel.files = { to = "files", proto = "files", params = { kind = "browse" } }\nchannel.xs = {'),
        ('clients = ["shell"]\narchive-file', 'clients = ["shell", "scribe"]\narchive-file')], "scribe -ring-> files"),
    "the scribe holds a capability": ([
        ('serves = "scribe"\n', 'serves = "scribe"\ncaps = [{ name = "k", kind = "kernel-log" }]\n')], "scribe -holds-> kernel-log"),
    "a tool holds a capability": ([('[domain.shell]\n', '[domain.shell]\ncaps = [{ name = "k", kind = "kernel-log" }]\n')], "shell -holds-> kernel-log"),
    "a disk and a network meet": ([
        ('channel.nic = {', 'channel.blk = { to = "storage", proto = "blk", params = { volume = "by-partlabel/x" } }\nchannel.nic = {'),
        ('clients = ["files"]', 'clients = ["files", "network"]')], "network has rings of blk and net"),
    "platform speaks with others": ([('role = "platform" # claims', 'channel.u = { to = "uart", proto = "uart" }\nrole = "platform" # claims'),
                                     ('clients = ["console"]', 'clients = ["console", "platform"]')], "platform -ring-> uart"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_forbidden(what):
    changes, part = FORBIDDEN[what]
    found = authority.check(read(*changes))
    assert any(part in line for line in found), found


def test_every_rule_has_names_that_exist():
    g = authority.graph(read())
    known = set().union(*g.classes.values()) | set(manifest.CAP_KINDS) | set(manifest.PROTOS) | {"*", "device", "capability", "client"}
    for who, kind, targets, _ in authority.NEVER:
        assert who in known and kind in authority.STROKES | {"holds": None} and targets <= known
    for source, target, through, _, _ in authority.PATHS:
        assert {source, target} <= known and through <= set(authority.STROKES) | {"holds"}


def test_drawings_name_everything():
    m = read()
    g = authority.graph(m)
    text, svg = authority.draw_text(m), authority.draw_svg(m)
    for node in g.classes:
        assert f"\n{node}" in text and f">{node}<" in svg
    assert "DMA unprotected" in text or "DMA iommu" in text
    assert "blk    -> storage" in text and "shares the data of blk with blk0" in text
    assert svg.count("marker-end") == sum(e.kind != "holds" for e in g.edges)


def test_command(tmp_path, capsys):
    assert authority.main(["--check", DEFAULT]) == 0
    assert "the policy holds" in capsys.readouterr().out
    assert authority.main(["--svg", DEFAULT, "-o", str(tmp_path / "graph.svg")]) == 0
    assert (tmp_path / "graph.svg").read_text().startswith("<svg")
    bad = tmp_path / "bad.toml"
    bad.write_text(GOOD.replace('services = ["console", ', 'services = ["blk0", "console", '))
    assert authority.main(["--check", DEFAULT, str(bad)]) == 1
    assert "vmm -ring-> blk0" in capsys.readouterr().out
    bad.write_text("version = 2\n")
    assert authority.main(["--text", str(bad)]) == 1
    assert f"{bad}:1: version" in capsys.readouterr().err
