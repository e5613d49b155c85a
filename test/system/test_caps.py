# SPDX-License-Identifier: BSD-2-Clause
"""What each domain really holds (`caps NAME`, read from its slots) is what the manifest names, by the graph of tools/authority."""
import os
import re

import authority
import manifest as manifests
from guestkit import boots, info, wait_gone
from harness import TOP, GuestDir

ROW = re.compile(r"^ *(\d+|-) (\S+) +([r-][w-][x-][g-]) +\d+ +\S+ +(.+)$", re.M)
with open(os.path.join(TOP, "libs", "proto", "manifest.h"), encoding="utf-8") as header:
    CAPS = {name.lower(): what for name, what in re.findall(r'X\((\w+), \d+, "(.*?)"\)', header.read())}

ALL = "rwxg"
USUAL = {("cnode", ALL, "its slots"), ("space_host", ALL, "its addresses"), ("thread", ALL, "its main thread"),
         ("sched", ALL, "its CPU time"), ("endpoint", "-w-g", "endpoint of its builder"), ("endpoint", "r---", "its own endpoint"),
         ("notification", ALL, "its own signals"), ("reply", ALL, "answers to its callers"), ("untyped", ALL, "its memory")}
# kind of a capability of the manifest -> its row
GRANTS = {"irq-control": ("ctl_irq", ALL, CAPS["ctl_irq"]), "sched-control": ("ctl_sched", ALL, CAPS["ctl_sched"]),
          "log-control": ("ctl_log", ALL, CAPS["ctl_log"]), "kernel-log": ("frame", "r---", CAPS["klog"]),
          "ports": ("ioport", "rw--", CAPS["ports"]), "guest-memory": ("untyped", ALL, CAPS["guest_memory"]),
          "kept-objects": ("untyped", ALL, CAPS["kept_objects"]), "device-memory": ("untyped", ALL, "device memory")}
# What a domain makes of its own memory, or gets with a connection that it serves. The builder makes domains, and has the endpoints of the
# services that the manifest lists; platform makes what it gives away.
MADE = {"frame", "untyped", "table", "reply", "notification"}
MADE_BY = {"builder": MADE | {"endpoint", "sched", "thread", "cnode", "space_host"}, "platform": MADE | {"irq"},
           "guest": MADE | {"thread", "vcpu", "space_nested"}}


def rows(m, name):
    """({(kind, rights, what)} of slots that the builder filled, {kind} of all others), those that are mapped without a slot apart."""
    named, made, mapped = set(), set(), set()
    for slot, kind, rights, what in ROW.findall(m.shell(f"caps {name}")):
        if slot != "-":
            named.add((kind, rights, what))
        elif "mapped for it" in what:
            mapped.add(kind)
        else:
            made.add(kind)
    assert mapped <= {"frame", "table"}, (name, mapped)
    return named, made


def device_rows(d):
    if d.device:
        yield "irq", ALL, f"interrupt of {d.device.name}"
        if d.device.ports:
            yield "ioport", "rw--", f"ports of {d.device.name}"
        elif d.device.dma != "none":
            yield "space_io", ALL, f"DMA space of {d.device.name}"


def edge_rows(g, node, partners, called=()):
    """What the edges of the graph from this node mean. Memory that a service passes on to its driver is no slot of its client, and the
    builder asks init for the endpoints of services when it needs them."""
    for e in (e for e in g.edges if e.source == node):
        if e.kind in ("ring", "log"):
            yield "notification", "-w--", f"signal to {e.target}"
        elif e.kind == "memory" and e.target in partners:
            yield "frame", "rw-g", f"data shared with {e.target}"
        elif e.kind == "calls" and e.target in called:
            yield "endpoint", "-w-g", f"endpoint of {e.target}"


def expected(manifest, g, d):
    want = USUAL | set(edge_rows(g, d.name, {c.to for c in d.channels}, {c.to for c in d.channels if c.control})) | set(device_rows(d))
    want |= {GRANTS[c.kind] for c in d.caps} | {("frame", "rw-g", f"kept memory {name}") for name in d.kept}
    want.add(("notification", "-w--", "signs of life to init"))
    if d.role == "builder":
        want.add(("frame", "r--g", "the kernel's information page"))
    return want


def test_caps(machine, build, tmp_path):
    manifest = manifests.load(os.path.join(TOP, "configs", "default.toml"))
    g = authority.graph(manifest)
    guests = GuestDir(tmp_path / "g", build)
    volume = guests.add_image("data", size=1 << 20)
    guests.add_config("one", auto=False, memory=96, vcpus=2, disk=[f"{volume},xvda,w"], vif=["bridge=xenbr0"], extra=boots("sleep 1000"))
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/one.cfg")

    for d in manifest.domains:
        named, made = rows(m, d.name)
        want = expected(manifest, g, d)
        assert named == want, (d.name, "not in the manifest:", named - want, "not there:", want - named)
        assert made <= MADE_BY.get(d.role, MADE), (d.name, made)

    named, made = rows(m, "one")
    services = {e.target for e in g.edges if e.kind == "ring" and e.source == authority.GUEST}
    want = USUAL | set(edge_rows(g, authority.GUEST, services)) | {("untyped", ALL, "memory of its guest")}
    want |= {("sched", ALL, f"CPU time of vCPU {i}") for i in range(2)}
    assert named == want, ("not in the manifest:", named - want, "not there:", want - named)
    assert made <= MADE_BY["guest"], made

    assert "nobody is an invalid domain identifier" in m.shell("caps nobody")
    m.shell("destroy one")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()
