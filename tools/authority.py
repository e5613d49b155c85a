#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""authority: the graph of a manifest: domains, devices, rings, shared memory and capabilities.

  authority --text FILE           as text
  authority --svg FILE            as a drawing
  authority --check FILE...       is there an edge or a path that the design forbids?

The manifest itself is checked first (tools/manifest). All guests are one node, `vmm`: the VMM of any one of them, as the builder connects
it. NEVER and PATHS below are the policy. An appliance that needs something else changes them there, in the open, not in its manifest.
"""
import argparse
import collections
import dataclasses
import html
import sys

import manifest as manifests

GUEST = "vmm"
# a connection of these protocols has a data part, which both ends map
DATA_PROTOS = ("blk", "net", "files")


@dataclasses.dataclass(frozen=True)
class Edge:
    kind: str     # holds, ring, log, calls, memory
    source: str   # a domain, or GUEST
    target: str   # a domain, or the text of what is held
    label: str = ""

    def __str__(self):
        return f"{self.source} -{self.kind}-> {self.target}"


@dataclasses.dataclass
class Graph:
    classes: dict  # node -> set of classes
    edges: list


# ---- policy -----------------------------------------------------------------------------------------------------

# (class of the source, kind of the edge, classes or labels of the target, why)
NEVER = [
    ("driver", "ring", {"*"}, "a driver is the client of nobody: it serves one layer and has a log"),
    ("driver", "calls", {"*"}, "a driver calls nobody but init"),
    ("driver", "holds", {"capability"}, "a driver holds one device and nothing else"),
    ("service", "holds", {"device", "irq-control", "device-memory", "guest-memory", "sched-control", "ports"},
     "a service has no hardware and makes no domains"),
    ("builder", "holds", {"device", "irq-control", "device-memory", "ports"}, "the builder touches no hardware"),
    ("builder", "ring", {"blk", "net", "driver"}, "no data of guests passes through the builder"),
    ("builder", "calls", {"driver"}, "guests reach a device only through the service in front of its driver"),
    ("builder", "ring", {"xs"}, "the builder parses nothing that guests can write; the scribe speaks to xenstore for it"),
    ("service", "ring", {"xs"}, "a service has nothing to say in xenstore"),
    ("client", "ring", {"xs"}, "a program that only uses services has nothing to say in xenstore"),
    ("scribe", "ring", {"blk", "net", "files", "console", "ctl", "driver", "platform"}, "the scribe speaks to xenstore and obeys the builder, and that is all"),
    ("scribe", "calls", {"*"}, "the scribe calls nobody but init"),
    ("scribe", "holds", {"device", "capability"}, "the scribe has what xenstore does for it"),
    ("tool", "ring", {"blk", "net", "xs", "driver", "platform"}, "a tool asks control, which checks it, and has no other way to guests"),
    ("tool", "calls", {"*"}, "a tool calls nobody but init"),
    ("tool", "holds", {"capability"}, "a tool has what control does for it"),
    ("guest", "ring", {"driver", "platform"}, "guests reach a device only through the service in front of its driver"),
    ("platform", "ring", {"*"}, "platform obeys init and speaks with nobody else"),
    ("platform", "holds", {"guest-memory", "sched-control", "irq-control"}, "platform makes no domains and no interrupts"),
    ("client", "holds", {"device", "irq-control", "device-memory", "guest-memory", "sched-control", "ports"},
     "a program that only uses services has no hardware and makes no domains"),
]
# Edges of kind memory that no rule forbids join a client with the driver below its service: the device moves the data itself.

# (from, to, kinds of edges, domains that must be in between, why)
PATHS = [
    ("guest", "device", {"ring", "calls", "holds"}, 2, "between a guest and a device there are a service and a driver"),
    ("guest", "platform", {"calls"}, None, "no program that a guest can reach calls platform"),
    ("builder", "device", {"calls", "holds"}, 2, "the builder asks services, which ask drivers"),
]
# A program that has one of each joins a disk with a network; only a guest may do that.
APART = ({"blk"}, {"net"}, "packets from outside and disks meet in no domain except a guest's own VMM")


# ---- the graph --------------------------------------------------------------------------------------------------

def holdings(d):
    """What a domain holds beyond its memory and its channels: (label, words)."""
    if d.device:
        what = f"ports {d.device.ports[0]:#x}-{d.device.ports[1]:#x}, pin {d.device.gsi}" if d.device.ports else \
            f"PCI {d.device.vendor:04x}:{d.device.device:04x} #{d.device.index}, DMA {d.device.dma}"
        yield "device", f"device {d.device.name}: {what}"
    for c in d.caps:
        yield c.kind, c.kind + (f" {c.ports[0]:#x}-{c.ports[1]:#x}" if c.ports else "")
    if d.services:
        yield "endpoints", "control endpoints of " + ", ".join(d.services)
    if d.guests:
        yield "guests", f"guests: vCPUs at priority {d.guests[0]}, VMMs at {d.guests[1]}"
    for name, size in d.kept.items():
        yield "memory", f"kept memory {name}, {size >> 10} KiB"
    if d.archive_file:
        yield "archive", f"archive member {d.archive_file}"


def classes_of(d):
    """The rows of the policy that a domain falls under."""
    if d.role:
        return {d.role}
    if d.device:
        return {"driver"}
    if d.serves == "ctl":
        return {"service", "tool"}
    if d.serves == "scribe":
        return {"scribe"}
    return {"service"} if d.serves else {"client"}


def has_data(channel):
    return channel.data_size != 0 and channel.proto in DATA_PROTOS


def channel_edges(manifest):
    by_name = {d.name: d for d in manifest.domains}
    for d in manifest.domains:
        for c in d.channels:
            yield Edge("ring", d.name, c.to, c.proto)
            if c.control:
                yield Edge("calls", d.name, c.to, c.proto)
            if has_data(c):
                yield Edge("memory", d.name, c.to, c.proto)
                yield from forwarded(d.name, by_name[c.to])


def forwarded(client, service):
    """A service that calls its driver gives it the data parts of its clients: the device moves the data itself."""
    for c in service.channels:
        if c.control and c.proto == service.serves:
            yield Edge("memory", client, c.to, c.proto)


def guest_edges(manifest):
    by_name = {d.name: d for d in manifest.domains}
    for builder in (d for d in manifest.domains if d.role == "builder"):
        yield Edge("ring", GUEST, builder.name, "vmctl")
        for name in builder.services:
            service = by_name[name]
            yield Edge("ring", GUEST, name, service.serves)
            yield Edge("calls", builder.name, name, service.serves)
            if service.serves in DATA_PROTOS:
                yield Edge("memory", GUEST, name, service.serves)
                yield from forwarded(GUEST, service)


def log_edges(manifest):
    names = [d.name for d in manifest.domains]
    heard = next((d.name for d in manifest.domains if d.logs), None)
    if heard:
        for name in names[names.index(heard) + 1:]:
            yield Edge("log", name, heard, "log")


def graph(manifest):
    classes = {d.name: classes_of(d) for d in manifest.domains}
    classes[GUEST] = {"guest"}
    edges = [Edge("holds", d.name, words, label) for d in manifest.domains for label, words in holdings(d)]
    edges += [*log_edges(manifest), *channel_edges(manifest), *guest_edges(manifest)]
    return Graph(classes, list(dict.fromkeys(edges)))


# ---- checking ---------------------------------------------------------------------------------------------------

CAPABILITIES = set(manifests.CAP_KINDS) | {"endpoints", "guests"}


def matches(g, edge, targets):
    return "*" in targets or edge.label in targets or bool(g.classes.get(edge.target, set()) & targets) or \
        "capability" in targets and edge.kind == "holds" and edge.label in CAPABILITIES


def forbidden_edges(g):
    for e in g.edges:
        for who, kind, targets, why in NEVER:
            if kind == e.kind and who in g.classes[e.source] and matches(g, e, targets):
                yield f"{e} ({e.label}): {why}"


def paths(g, start, through):
    """Every way without a circle from a node along edges of these kinds, as lists of edges."""
    queue = collections.deque([[e] for e in g.edges if e.source == start and e.kind in through])
    while queue:
        way = queue.popleft()
        yield way
        seen = {start, *(e.target for e in way)}
        queue.extend(way + [e] for e in g.edges if e.source == way[-1].target and e.kind in through and e.target not in seen)


def forbidden_paths(g):
    for source, target, through, between, why in PATHS:
        for start in (n for n, c in g.classes.items() if source in c):
            for way in paths(g, start, through):
                end = way[-1]
                arrived = end.label == target if end.kind == "holds" else target in g.classes.get(end.target, set())
                if arrived and (between is None or len(way) - 1 < between):
                    yield f"{start}{''.join(f' -{e.kind}-> {e.target}' for e in way)}: {why}"


def joined(g):
    first, second, why = APART
    for node, classes in g.classes.items():
        protos = {e.label for e in g.edges if e.kind == "ring" and node in (e.source, e.target)}
        if protos & first and protos & second and "guest" not in classes:
            yield f"{node} has rings of {' and '.join(sorted(protos & (first | second)))}: {why}"


def check(manifest):
    """Everything in the graph of a manifest that the policy forbids, as lines."""
    g = graph(manifest)
    return [*forbidden_edges(g), *forbidden_paths(g), *joined(g)]


# ---- drawing ----------------------------------------------------------------------------------------------------

def draw_text(manifest):
    g, lines = graph(manifest), [f"guests run {manifest.guest_image}", ""]
    for d in manifest.domains:
        lines.append(f"{d.name}{' (optional)' if d.optional else ''}: priority {d.priority}, {d.memory >> 10} KiB"
                     + (f", budget {d.budget[0]}/{d.budget[1]} us" if d.budget[1] else ""))
        lines += [f"    holds  {words}" for _, words in holdings(d)]
        lines += [f"    log    -> {e.target}" for e in g.edges if e.kind == "log" and e.source == d.name]
        for c in d.channels:
            lines.append(f"    {c.name:6s} -> {c.to} ({c.proto}{', optional' if c.optional else ''}"
                         f"{', with its control endpoint' if c.control else ''})")
        lines += [f"    shares the data of {e.label} with {e.target}" for e in g.edges if e.kind == "memory" and e.source == d.name]
    lines.append(f"{GUEST} (one for each guest)")
    lines += [f"    {e.label:6s} -> {e.target}" for e in g.edges if e.kind == "ring" and e.source == GUEST]
    lines += [f"    shares the data of {e.label} with {e.target}" for e in g.edges if e.kind == "memory" and e.source == GUEST]
    return "\n".join(lines) + "\n"


def layers(manifest, g):
    """How far each node is from those that need no other; the guest is above all."""
    depth = {}
    for d in manifest.domains:
        depth[d.name] = 1 + max((depth[c.to] for c in d.channels if c.to in depth), default=-1)
    depth[GUEST] = 1 + max(depth.values())
    return {n: k for n, k in depth.items() if n != GUEST or any(e.source == GUEST for e in g.edges)}


WIDTH, LINE, GAP_X, GAP_Y, LEFT = 250, 15, 40, 80, 20
COLOURS = {"driver": "#f6d9a8", "service": "#cfe3f7", "scribe": "#cfe3f7", "platform": "#f3c6c6", "builder": "#d9f0d3", "guest": "#e6e6e6", "client": "#d9f0d3"}
STROKES = {"ring": "#444", "calls": "#b3261e", "memory": "#1e6fb3", "log": "#bbb"}


def place_boxes(depth, height):
    """Where each box is: {node: (x, y)}, and the height of the drawing."""
    columns, place, y, top = collections.Counter(), {}, LEFT, {}
    for k in sorted(set(depth.values()), reverse=True):
        top[k] = y
        y += max(height[n] for n in depth if depth[n] == k) + GAP_Y
    for node, k in depth.items():
        place[node] = (LEFT + columns[k] * (WIDTH + GAP_X), top[k])
        columns[k] += 1
    return place, y, LEFT + max(columns.values()) * (WIDTH + GAP_X)


def svg_box(node, at, height, colour, lines):
    x, y = at
    yield f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="6" fill="{colour}" stroke="#444"/>'
    yield f'<text x="{x + 8}" y="{y + 18}" font-weight="bold">{html.escape(node)}</text>'
    for i, text in enumerate(lines):
        yield f'<text x="{x + 8}" y="{y + 34 + LINE * i}" font-size="10">{html.escape(text[:48])}</text>'


def svg_arrow(e, place, height, shift):
    (x1, y1), (x2, y2) = place[e.source], place[e.target]
    x1, y1, x2 = x1 + WIDTH // 2 + shift, y1 + height[e.source], x2 + WIDTH // 2 + shift
    dash = ' stroke-dasharray="5 4"' if e.kind in ("memory", "log") else ""
    yield f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{STROKES[e.kind]}" marker-end="url(#a)"{dash}/>'
    if e.kind == "ring":
        yield f'<text x="{(x1 + x2) // 2 + 4}" y="{(y1 + y2) // 2}" font-size="10">{html.escape(e.label)}</text>'


def svg_legend(y):
    for i, (kind, words) in enumerate((("ring", "ring"), ("calls", "calls the control endpoint"), ("memory", "shared data part"), ("log", "log"))):
        x = LEFT + i * 200
        yield f'<line x1="{x}" y1="{y}" x2="{x + 30}" y2="{y}" stroke="{STROKES[kind]}"/>'
        yield f'<text x="{x + 36}" y="{y + 4}" font-size="10">{words}</text>'


def draw_svg(manifest):
    g = graph(manifest)
    depth = layers(manifest, g)
    held = {n: [e.target for e in g.edges if e.kind == "holds" and e.source == n] for n in depth}
    height = {n: 30 + LINE * len(held[n]) for n in depth}
    place, bottom, right = place_boxes(depth, height)
    out = []
    for e in g.edges:
        if e.kind != "holds":
            out += svg_arrow(e, place, height, list(STROKES).index(e.kind) * 8 - 12)
    for node in depth:
        out += svg_box(node, place[node], height[node], COLOURS[min(g.classes[node])], held[node])
    out += svg_legend(bottom - GAP_Y // 2)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(right, LEFT + 800)}" height="{bottom}" font-family="sans-serif" '
            'font-size="13">\n<defs><marker id="a" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
            '<path d="M0,0 L8,4 L0,8 z" fill="#666"/></marker></defs>\n' + "\n".join(out) + "\n</svg>\n")


# ---- command line -----------------------------------------------------------------------------------------------

def main(argv=None):
    ap = argparse.ArgumentParser(description="draw the authority of a manifest, or check it against the policy of the design")
    what = ap.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", action="store_const", dest="what", const=draw_text, help="as text")
    what.add_argument("--svg", action="store_const", dest="what", const=draw_svg, help="as a drawing")
    what.add_argument("--check", action="store_const", dest="what", const=check, help="print what the policy forbids")
    ap.add_argument("files", nargs="+", metavar="FILE", help="a manifest")
    ap.add_argument("-o", metavar="OUT", help="where to write a drawing; standard output if not given")
    args = ap.parse_args(argv)
    if args.what is not check and len(args.files) > 1:
        ap.error("one file at a time can be drawn")
    bad = False
    for path in args.files:
        try:
            result = args.what(manifests.load(path))
        except manifests.ManifestError as e:
            manifests.report(path, e)
            return 1
        except OSError as e:
            print(f"{path}: {e.strerror}", file=sys.stderr)
            return 1
        if args.what is check:
            bad |= bool(result)
            print(f"{path}: {'the policy holds' if not result else 'forbidden:'}", *result, sep="\n    ")
        elif args.o:
            with open(args.o, "w", encoding="utf-8") as f:
                f.write(result)
        else:
            sys.stdout.write(result)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
