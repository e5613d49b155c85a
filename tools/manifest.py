#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""manifest: check a manifest (configs/*.toml) and compile it for init.

  manifest compile FILE -o OUT    write the binary form (libs/proto/manifest.h)

A manifest is the security policy of an appliance, so everything is checked here: unknown keys, channels that one side
does not declare, a device or port in two domains, a device that can reach all memory without the key that allows it,
budgets, priorities, arguments. An error names file, line and key. The order of the output is the order in which init
starts the domains.
"""
import argparse
import dataclasses
import os
import re
import struct
import sys
import tomllib

MAGIC, VERSION = 0x5453464E414D4B53, 1
DOMAINS_MAX, CHANNELS_MAX, CAPS_MAX = 32, 128, 64
OWN_CHANNELS_MAX, UNTYPED_MAX, ARGS_MAX, PARAMS_MAX = 22, 4, 256, 272
NONE = 0xFFFFFFFF

PROTOS = {"console": 1, "uart": 2, "xs": 3, "blk": 4, "net": 5, "files": 6, "vmctl": 7, "log": 8, "ctl": 9, "scribe": 10}
CTL_RIGHTS = ("look", "console", "life", "configure", "host")  # CTL_CLASSES of libs/proto/ctl.h
CAP_KINDS = {"irq-control": 1, "sched-control": 2, "log-control": 3, "kernel-log": 4, "ports": 5, "device-memory": 6,
             "guest-memory": 7, "kept-objects": 8}
ROLES = {"platform": 4, "builder": 2}
CONSOLE_KINDS = {"log": 1, "guest": 2, "shell": 3}
FILES_KINDS = {"browse": 1, "file": 2}
OFFLOADS = {"csum-blank": 1, "csum-valid": 2, "gso-tcpv4": 4, "gso-tcpv6": 8}
DMA = {"none": 0, "iommu": 1, "unprotected": 3}
NAME = re.compile(r"[a-z][a-z0-9-]*\Z")
# what a manifest with a base may say in its own words: how much of what the base gives
SIZES = {"memory", "memory-limit", "cnode", "stack", "data"}
SIZE_TABLES = {"args", "kept-memory"}


class ManifestError(Exception):
    """What is wrong, and where: a path of keys from the top of the file."""

    def __init__(self, where, message):
        super().__init__(message)
        self.where, self.message = list(where), message


def find_line(text, where):
    """The line of the deepest key of `where` that can be found in the text."""
    lines, at, best = text.split("\n"), 0, None
    for depth, key in enumerate(map(str, where)):
        header = re.compile(r"\s*\[+\s*" + r"\s*\.\s*".join(map(re.escape, map(str, where[:depth + 1]))) + r"\s*\]+")
        entry = re.compile(r"\s*(?:[\w-]+\s*\.\s*)*\"?" + re.escape(key) + r"\"?\s*[.=]")
        for i in range(at, len(lines)):
            if header.match(lines[i]) or (depth > 0 or len(where) == 1) and entry.match(lines[i]):
                at, best = i, i + 1
                break
    return best


# ---- reading values ---------------------------------------------------------------------------------------------

class Table:
    """A TOML table that knows where it is and reports keys that were never read."""

    def __init__(self, value, where):
        if not isinstance(value, dict):
            raise ManifestError(where, "expected a table")
        self.value, self.where, self.used = value, list(where), set()

    def fail(self, key, message):
        raise ManifestError(self.where + [key], message)

    def get(self, key, kind, default=None, required=False):
        self.used.add(key)
        if key not in self.value:
            if required:
                self.fail(key, "is missing; add it")
            return default
        value = self.value[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fail(key, f"expected {kind.__name__}, found {type(value).__name__}")
        return value

    def text(self, key, default=None, required=False, limit=15):
        value = self.get(key, str, default, required)
        if value is not None and (len(value.encode()) > limit or "\0" in value or "\n" in value):
            self.fail(key, f"is longer than {limit} bytes or has a line break; shorten it")
        return value

    def name(self, key, default=None, required=False, limit=15):
        value = self.text(key, default, required, limit)
        if value is not None and not NAME.match(value):
            self.fail(key, f"{value!r} is not a valid name; use lower-case letters, digits and hyphens, beginning with a letter")
        return value

    def number(self, key, low, high, default=None, required=False):
        value = self.get(key, int, default, required)
        if key in self.value and not low <= value <= high:
            self.fail(key, f"is {value}, but must be between {low} and {high}")
        return value

    def choice(self, key, choices, default=None, required=False):
        value = self.get(key, str, default, required)
        if value is not None and value not in choices:
            self.fail(key, f"{value!r} is unknown; use one of: {', '.join(choices)}")
        return value

    def table(self, key):
        return Table(self.get(key, dict, {}), self.where + [key])

    def names(self, key, limit=31):
        values = self.get(key, list, [])
        for v in values:
            if not isinstance(v, str) or not NAME.match(v) or len(v) > limit:
                self.fail(key, f"{v!r} is not the name of a domain")
        if len(set(values)) != len(values):
            self.fail(key, "names a domain twice; remove one")
        return values

    def done(self):
        for key in self.value:
            if key not in self.used:
                self.fail(key, "unknown key; docs/manifest.md lists all keys")


def parse_size(table, key, default=None, required=False):
    text = table.get(key, str, default, required)
    if text is None:
        return None
    m = re.fullmatch(r"(\d+)([KMG])", text)
    if not m:
        table.fail(key, f"{text!r} is not a valid size; write it as 512K, 2M or 1G")
    size = int(m[1]) << {"K": 10, "M": 20, "G": 30}[m[2]]
    if size < 4096 or size % 4096 or size > 1 << 40:
        table.fail(key, f"{text} is not a multiple of 4K up to 1024G")
    return size


def parse_ports(table, key, required=True):
    text = table.get(key, str, None, required)
    m = re.fullmatch(r"(0x[0-9a-fA-F]+|\d+)-(0x[0-9a-fA-F]+|\d+)", text or "")
    if not m:
        table.fail(key, f"{text!r} is not a range of ports; write it as 0x3f8-0x3ff")
    first, last = int(m[1], 0), int(m[2], 0)
    if first > last or last > 0xFFFF:
        table.fail(key, f"{text} is not a range of ports; the first must not be above the last, and the last not above 0xffff")
    return first, last


def orders_of(size):
    """Powers of two that make up the size, largest first."""
    return [bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]


# ---- the model --------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Device:
    kind: int = 0
    flags: int = 0
    name: str = ""
    vendor: int = 0
    device: int = 0
    class_code: int = 0
    index: int = 0
    n_irqs: int = 0
    ports: tuple = None
    gsi: int = 0
    dma: str = "none"


@dataclasses.dataclass
class Cap:
    name: str
    kind: str
    ports: tuple = None
    shared: str = None


@dataclasses.dataclass
class Channel:
    name: str
    to: str
    proto: str
    optional: bool
    control: bool
    data_size: int
    table: Table
    params: bytes = b""


@dataclasses.dataclass
class Domain:
    name: str
    table: Table
    binary: str = ""
    optional: bool = False
    role: str = None
    serves: str = None
    clients: list = dataclasses.field(default_factory=list)
    logs: bool = False
    priority: int = 0
    weight: int = 256
    cpu: int = 0
    budget: tuple = (0, 0)
    memory: int = 0
    cnode: int = 15
    stack: int = 16
    args: str = ""
    device: Device = None
    caps: list = dataclasses.field(default_factory=list)
    channels: list = dataclasses.field(default_factory=list)
    services: list = dataclasses.field(default_factory=list)
    kept: dict = dataclasses.field(default_factory=dict)
    archive_file: str = ""
    replaces: str = ""
    guests: tuple = None  # builder: priorities of guests' vCPUs and of their VMMs' I/O threads


@dataclasses.dataclass
class Manifest:
    guest_image: str
    domains: list


def read_device(table):
    if not table.value:
        return None
    kind = table.choice("kind", ["pci", "ports"], required=True)
    dev = Device(name=table.name("name", required=True))
    if kind == "ports":
        dev.kind, dev.ports = 2, parse_ports(table, "ports")
        dev.gsi, dev.n_irqs = table.number("irq-pin", 0, 1023, required=True), 1
        if dev.ports[1] - dev.ports[0] > 0xFFF:
            table.fail("ports", "a device has at most 4096 ports")
    else:
        dev.kind = 1
        dev.vendor = table.number("vendor", 0, 0xFFFF, 0xFFFF)
        dev.device = table.number("device", 0, 0xFFFF, 0xFFFF)
        dev.class_code = table.number("class", 0, 0xFFFFFF, NONE)
        dev.index = table.number("index", 0, 255, 0)
        dev.n_irqs = table.number("irqs", 0, 8, 1)
        if dev.vendor == dev.device == 0xFFFF and dev.class_code == NONE:
            table.fail("vendor", "is missing, and so is class; give vendor and device, or class, to say which device is meant")
        if "dma" not in table.value:
            table.fail("dma", 'is missing; a PCI device can reach all memory unless an IOMMU limits it. Write "iommu" to '
                       'require one, "unprotected" to allow the device without one, or "none" if it needs no DMA')
        dev.dma = table.choice("dma", DMA)
        dev.flags = DMA[dev.dma]
    table.done()
    return dev


def read_cap(value, where):
    table = Table(value, where)
    cap = Cap(table.name("name", required=True), table.choice("kind", CAP_KINDS, required=True))
    if cap.kind == "ports":
        cap.ports = parse_ports(table, "range")
        cap.shared = table.text("shared", limit=200)
        if cap.shared == "":
            table.fail("shared", "is empty; give the reason why these ports may overlap another domain's")
    table.done()
    return cap


def read_args(table):
    lines = []
    for key, value in table.value.items():
        if not re.fullmatch(r"[a-z][a-z0-9.-]*", key) or key.startswith("cap."):
            table.fail(key, "is not a valid name for an argument; use lower-case letters, digits, dots and hyphens, not cap. "
                       "at the beginning")
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if not isinstance(value, (str, int)) or "\n" in str(value) or "\0" in str(value):
            table.fail(key, "must be a string of one line, a number or a truth value")
        lines.append(f"{key}={value}\n")
    text = "".join(lines)
    if len(text.encode()) >= ARGS_MAX:
        raise ManifestError(table.where, f"has more than {ARGS_MAX - 1} bytes of arguments; shorten them")
    return text


def with_args(table, text, more):
    for key, value in more.items():
        if f"\n{key}=" in "\n" + text:
            table.fail("args", f"{key} comes from another key (`guests`, or `rights` of a channel); remove it here")
        text += f"{key}={value}\n"
    if len(text.encode()) >= ARGS_MAX:
        table.fail("args", f"has more than {ARGS_MAX - 1} bytes of arguments; shorten them")
    return text


def read_budget(table):
    if not table.value:
        return 0, 0
    budget = table.number("us", 1, 10_000_000, required=True)
    period = table.number("period", 100, 10_000_000, required=True)
    if budget > period:
        table.fail("us", f"a budget of {budget} us is more than its period of {period} us")
    table.done()
    return budget, period


def read_guests(table):
    if not table.value:
        return None
    vcpu = table.number("vcpu-priority", 0, 31, required=True)
    vmm = table.number("vmm-priority", 0, 31, required=True)
    if vcpu >= vmm:
        table.fail("vmm-priority", f"{vmm} is not above vcpu-priority ({vcpu}); raise it, or a guest that computes "
                   "stops its own I/O")
    table.done()
    return vcpu, vmm


def read_kept(table):
    """Memory that outlives the domain's restarts: name and size, a power of two."""
    kept = {}
    for name in table.value:
        if not NAME.match(name) or len(name) > 15:
            table.fail(name, "is not a valid name; use at most 15 lower-case letters, digits and hyphens")
        kept[name] = parse_size(table, name)
        if kept[name] & kept[name] - 1 or kept[name] > 1 << 28:
            table.fail(name, "is not a power of two up to 256M; choose the next one")
    return kept


def read_channel(name, value, where):
    table = Table(value, where)
    if not NAME.match(name) or len(name) > 15:
        raise ManifestError(where, f"{name!r} is not a valid name for a channel; use at most 15 lower-case "
                            "letters, digits and hyphens")
    if name == "log":
        raise ManifestError(where, "every domain has this channel anyway; remove it")
    channel = Channel(name=name, to=table.name("to", required=True, limit=31),
                      proto=table.choice("proto", PROTOS, required=True), optional=table.get("optional", bool, False),
                      control=table.get("control", bool, False), data_size=parse_size(table, "data"), table=table)
    table.get("params", dict, {})
    table.done()
    return channel


def read_domain(name, value):
    where = ["domain", name]
    if not NAME.match(name) or len(name) > 31:
        raise ManifestError(where, f"{name!r} is not a valid name for a domain; use at most 31 lower-case "
                            "letters, digits and hyphens")
    table = Table(value, where)
    d = Domain(name, table)
    d.binary = table.name("binary", name, limit=27)
    d.optional = table.get("optional", bool, False)
    d.role = table.choice("role", ROLES)
    d.serves = table.choice("serves", [p for p in PROTOS if p != "log"])
    d.clients = table.names("clients")
    d.logs = table.get("logs", bool, False)
    d.priority = table.number("priority", 0, 31, required=True)
    d.weight = table.number("weight", 1, 65535, 256)
    d.cpu = table.number("cpu", 0, 63, 0)
    d.budget = read_budget(table.table("budget"))
    d.memory = parse_size(table, "memory", required=True)
    d.cnode = table.number("cnode", 15, 21, 15)
    d.stack = table.number("stack", 14, 20, 16)
    d.args = read_args(table.table("args"))
    d.device = read_device(table.table("device"))
    d.services = table.names("services")
    d.guests = read_guests(table.table("guests"))
    # the builder gets them as arguments, and its own priority for the thread that watches VMMs
    if d.guests:
        d.args = with_args(table, d.args, {"vcpu-priority": d.guests[0], "vmm-priority": d.guests[1], "priority": d.priority})
    d.caps = [read_cap(c, where + ["caps"]) for c in table.get("caps", list, [])]
    d.channels = [read_channel(n, c, where + ["channel", n]) for n, c in table.get("channel", dict, {}).items()]
    rights = {f"rights.{c.name}": ctl_rights(c) for c in d.channels if c.proto == "ctl"}
    d.args = with_args(table, d.args, rights)
    d.kept = read_kept(table.table("kept-memory"))
    archive = table.table("archive-file")
    if archive.value:
        d.archive_file = archive.text("member", required=True, limit=23)
        d.replaces = archive.name("replaces", "")
        archive.done()
    table.done()
    return d


# ---- parameters of connections ----------------------------------------------------------------------------------

def mac_bytes(table, key):
    text = table.get(key, str, "00:00:00:00:00:00")
    if not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", text):
        table.fail(key, f"{text!r} is not a MAC address; write it as 02:73:6b:00:00:01")
    mac = bytes.fromhex(text.replace(":", ""))
    if mac[0] & 1:
        table.fail(key, "is a group address; the first byte must be even")
    return mac


def console_params(table, domain, _service):
    kind = CONSOLE_KINDS[table.choice("kind", CONSOLE_KINDS, required=True)]
    return struct.pack("<II48s", kind, 0, domain.name.encode())


def blk_params(table, _domain, service):
    if service.device:
        return b""
    volume = table.text("volume", required=True, limit=63)
    return struct.pack("<64sII", volume.encode(), table.get("writable", bool, False), 0)


def net_params(table, _domain, _service):
    offloads = 0
    for o in table.get("offloads", list, []):
        if o not in OFFLOADS:
            table.fail("offloads", f"{o!r} is unknown; use some of: {', '.join(OFFLOADS)}")
        offloads |= OFFLOADS[o]
    return struct.pack("<16s16s6sH176x", table.text("bridge", required=True).encode(),
                       table.text("name", required=True).encode(), mac_bytes(table, "mac"), offloads)


def files_params(table, _domain, _service):
    kind = table.choice("kind", FILES_KINDS, required=True)
    path = table.text("path", "", required=kind == "file", limit=255)
    return struct.pack("<II256s", FILES_KINDS[kind], 0, path.encode())


def xs_params(table, _domain, _service):
    return struct.pack("<II", table.number("domid", 0, 0x7FEF, required=True), table.get("privileged", bool, False))


def ctl_rights(channel):
    """What control lets a tool do: it comes to control, not to the tool."""
    table = channel.table.table("params")
    words = table.get("rights", list, [])
    for word in words:
        if word not in CTL_RIGHTS:
            table.fail("rights", f"{word!r} is unknown; use some of: {', '.join(CTL_RIGHTS)}")
    return ",".join(words)


def ctl_params(table, domain, _service):
    if domain.role != "builder":
        table.fail("rights", "only the builder answers a tool")
    table.get("rights", list, [])
    return b""


PARAMS = {"console": console_params, "blk": blk_params, "net": net_params, "files": files_params, "xs": xs_params,
          "ctl": ctl_params}


def encode_params(channel, domain, service):
    table = channel.table.table("params")
    encode = PARAMS.get(channel.proto)
    params = encode(table, domain, service) if encode else b""
    table.done()
    assert len(params) <= PARAMS_MAX
    return params


# ---- policy -----------------------------------------------------------------------------------------------------

def check_roles(domains):
    for role in ROLES:
        holders = [d for d in domains if d.role == role]
        if len(holders) > 1:
            holders[1].table.fail("role", f"{holders[0].name} is the {role} already; there can be one")
    if sum(d.logs for d in domains) > 1:
        [d for d in domains if d.logs][1].table.fail("logs", "another domain takes the logs already; there can be one")
    platform = any(d.role == "platform" for d in domains)
    for d in domains:
        if d.device and d.device.kind == 1 and not platform:
            d.table.fail("device", 'no domain has role = "platform", which claims PCI devices; add one')
        for cap, role in (("device-memory", "platform"), ("guest-memory", "builder"), ("sched-control", "builder"),
                          ("kept-objects", "builder")):
            if d.role != role and any(c.kind == cap for c in d.caps):
                d.table.fail("caps", f'{cap} is only for the domain with role = "{role}"')
        if d.role == "builder" and d.serves:
            d.table.fail("serves", "the builder cannot serve, because it starts last; remove this key")
        if d.role == "builder" and not d.guests:
            d.table.fail("guests", "is missing; give the priorities of vCPUs and VMMs")
        if d.guests and d.role != "builder":
            d.table.fail("guests", 'is only for the domain with role = "builder"')
        if d.services and d.role != "builder":
            d.table.fail("services", 'is only for the domain with role = "builder", which connects others to services')


def check_channel(d, c, by_name):
    service = by_name.get(c.to)
    if service is None:
        c.table.fail("to", f"there is no domain {c.to}; define it or correct the name")
    if service is d:
        c.table.fail("to", "a domain cannot have a channel to itself")
    if service.serves != c.proto:
        c.table.fail("proto", f"{c.to} serves {service.serves or 'nothing'}, not {c.proto}")
    if d.name not in service.clients:
        raise ManifestError(c.table.where, f"{c.to} does not declare {d.name} among its clients; add it there, or "
                            "remove this channel")
    if service.optional and not c.optional:
        c.table.fail("optional", f"{c.to} is optional, so this channel must be too; add optional = true")


def check_channels(domains):
    by_name = {d.name: d for d in domains}
    for d in domains:
        for c in d.channels:
            check_channel(d, c, by_name)
            c.params = encode_params(c, d, by_name[c.to])
    for d in domains:
        for name in d.kept:
            if name == "log" or name in [c.name for c in d.channels]:
                d.table.fail("kept-memory", f"{name} is also the name of a channel; rename one")
        if len(d.channels) + len(d.kept) + 1 > OWN_CHANNELS_MAX:
            d.table.fail("channel", f"has more than {OWN_CHANNELS_MAX} channels, log and kept memories included")
        if d.replaces and d.replaces not in [c.name for c in d.channels]:
            d.table.fail("archive-file", f"replaces {d.replaces}, but {d.name} has no channel of this name")
        for name in d.clients:
            if not d.serves:
                d.table.fail("clients", "lists clients, but the domain serves nothing; add serves")
            if name not in by_name or not any(c.to == d.name for c in by_name[name].channels):
                d.table.fail("clients", f"{name} declares no channel to {d.name}; add it there, or remove {name} here")
        for name in d.services:
            if name not in by_name or not by_name[name].serves:
                d.table.fail("services", f"{name} is not a domain that serves connections")


def check_devices(domains):
    ports, pins, pci, names = [], {}, {}, {}
    for d in domains:
        if d.device:
            if d.device.name in names:
                d.table.fail("device", f"{names[d.device.name]} has a device {d.device.name} already; rename one")
            names[d.device.name] = d.name
            if d.device.kind == 1:
                key = (d.device.vendor, d.device.device, d.device.class_code, d.device.index)
                if key in pci:
                    d.table.fail("device", f"{pci[key]} has this device already; use another index")
                pci[key] = d.name
            else:
                if d.device.gsi in pins:
                    d.table.fail("device", f"{pins[d.device.gsi]} has interrupt pin {d.device.gsi} already; "
                                  "a pin belongs to one domain")
                pins[d.device.gsi] = d.name
                ports.append((d, "device", d.device.ports, None))
        ports += [(d, "caps", c.ports, c.shared) for c in d.caps if c.ports]
    for i, (d, key, (first, last), shared) in enumerate(ports):
        for other, _, (a, b), other_shared in ports[:i]:
            if other is not d and first <= b and a <= last and not (shared or other_shared):
                d.table.fail(key, f"ports {max(first, a):#x}-{min(last, b):#x} belong to {other.name} too; "
                             "if that is intended, say why with shared")


def check_budgets(domains, limit, top):
    guests = next((d.guests for d in domains if d.guests), None)
    for d in domains:
        if guests and d.priority <= guests[1]:
            d.table.fail("priority", f"{d.priority} is not above that of guests' VMMs ({guests[1]}); raise it")
        if len(orders_of(d.memory)) > UNTYPED_MAX:
            d.table.fail("memory", f"is not the sum of at most {UNTYPED_MAX} powers of two; choose a rounder size")
        lines = d.args.count("\n") + len(d.caps)
        if len(d.args.encode()) + 40 * (lines + 1) > 500:
            d.table.fail("args", "too many arguments and capabilities for a start-up page; remove some")
    services = [d.priority for d in domains if not d.device]
    for d in domains:
        if d.device and any(d.priority < p for p in services if p != max(services)):
            d.table.fail("priority", "a driver must not be below services, or its interrupts wait for them; raise it")
    total = sum(d.memory + sum(d.kept.values()) for d in domains)
    if limit and total > limit:
        top.fail("memory-limit", f"all domains together have {total >> 10} KiB; raise the limit or give them less")


def start_order(domains):
    """Services before clients, console before the domains whose output it takes, the platform before PCI devices; otherwise as written."""
    by_name = {d.name: d for d in domains}
    logs = [d for d in domains if d.logs]
    order, state = [], {}

    def needs(d):
        yield from (by_name[c.to] for c in d.channels)
        if d.device and d.device.kind == 1:
            yield from (p for p in domains if p.role == "platform")

    def heard_first():
        seen = []

        def walk(d):
            if d not in seen:
                for n in needs(d):
                    walk(n)
                seen.append(d)
        for d in logs:
            walk(d)
        return seen

    def visit(d, chain):
        if state.get(d.name) == "done":
            return
        if state.get(d.name) == "open":
            raise ManifestError(["domain", d.name, "channel"],
                                "channels form a circle; remove one of them: "
                                + " -> ".join(chain[chain.index(d.name):] + [d.name]))
        state[d.name] = "open"
        for n in needs(d):
            visit(n, chain + [d.name])
        state[d.name] = "done"
        order.append(d)

    for d in domains:
        visit(d, [])
    first = heard_first()
    rest = [d for d in order if d not in first]
    return first + [d for d in rest if d.role != "builder"] + [d for d in rest if d.role == "builder"]


def read(document):
    top = Table(document, [])
    if top.number("version", 1, 1, required=True) != VERSION:
        top.fail("version", f"is unknown; this tool reads version {VERSION}")
    guest_image = top.name("guest-image", required=True, limit=23)
    limit = parse_size(top, "memory-limit")
    domains = [read_domain(n, v) for n, v in top.get("domain", dict, {}, True).items()]
    top.done()
    if not domains or len(domains) > DOMAINS_MAX:
        top.fail("domain", f"there are {len(domains)} domains; there can be 1 to {DOMAINS_MAX}")
    check_roles(domains)
    check_channels(domains)
    check_devices(domains)
    check_budgets(domains, limit, top)
    return Manifest(guest_image, start_order(domains))


def parse(path):
    try:
        with open(path, "rb") as f:
            return tomllib.loads(f.read().decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise ManifestError([], str(e)) from e


def over(below, above, where):
    """Sizes of a manifest in place of those of its base. Who holds what and talks to whom is the base's."""
    for key, value in above.items():
        here = where + [key]
        if key not in below or isinstance(value, dict) != isinstance(below[key], dict):
            raise ManifestError(here, "its base does not have this; a manifest with a base changes sizes, and adds nothing")
        if isinstance(value, dict):
            over(below[key], value, here)
        elif key in SIZES or where and where[-1] in SIZE_TABLES:
            below[key] = value
        else:
            raise ManifestError(here, "is as in the base; a manifest with a base changes sizes only")


def document_of(path):
    """What the file says, with what its base says."""
    document = parse(path)
    if "base" not in document:
        return document
    base = document.pop("base")
    if not isinstance(base, str) or "/" in base:
        raise ManifestError(["base"], "expected the name of a file beside this one")
    try:
        below = parse(os.path.join(os.path.dirname(path), base))
    except OSError as e:
        raise ManifestError(["base"], str(e)) from e
    over(below, document, [])
    return below


def load(path):
    """The checked manifest of a file; ManifestError says what is wrong."""
    return read(document_of(path))


# ---- compiling --------------------------------------------------------------------------------------------------

def encode_device(dev):
    dev = dev or Device()
    first, last = dev.ports or (0, -1)
    return struct.pack("<II16sHHIIIHHI", dev.kind, dev.flags, dev.name.encode(), dev.vendor, dev.device, dev.class_code,
                       dev.index, dev.n_irqs, first, last - first + 1, dev.gsi)


def encode_domain(d, first_channel, n_channels, first_cap, index):
    flags = (1 if d.optional else 0) | ROLES.get(d.role, 0)
    orders = orders_of(d.memory)
    services = sum(1 << index[s] for s in d.services)
    head = struct.pack("<32s32s10I4s5I24s16s", d.name.encode(), ("bin/" + d.binary).encode(), flags,
                       PROTOS.get(d.serves, 0), d.priority, d.weight, d.cpu, *d.budget, d.cnode, d.stack, len(orders),
                       bytes(orders), first_channel, n_channels, first_cap, len(d.caps), services,
                       d.archive_file.encode(), d.replaces.encode())
    return head + encode_device(d.device) + struct.pack(f"<{ARGS_MAX}s", d.args.encode())


def encode_channel(name, service, proto, flags, data_size, params):
    return struct.pack(f"<16sIIIIQ{PARAMS_MAX}s", name.encode(), service, PROTOS.get(proto, 0), flags, len(params),
                       data_size if data_size is not None else (1 << 64) - 1, params)


def domain_channels(d, domains, index):
    out = []
    logs = next((i for i, x in enumerate(domains) if x.logs), None)
    if logs is not None and logs < index[d.name]:
        params = struct.pack("<II48s", CONSOLE_KINDS["log"], 0, d.name.encode())
        out.append(encode_channel("log", logs, "log", 0, None, params))
    out += [encode_channel(name, NONE, None, 0, size, b"") for name, size in d.kept.items()]
    for c in d.channels:
        flags = (1 if c.optional else 0) | (2 if c.control else 0)
        out.append(encode_channel(c.name, index[c.to], c.proto, flags, c.data_size, c.params))
    return out


def encode_cap(cap):
    a, b = cap.ports or (0, 0)
    return struct.pack("<16sIIII", cap.name.encode(), CAP_KINDS[cap.kind], a, b, 0)


def encode(manifest):
    index = {d.name: i for i, d in enumerate(manifest.domains)}
    domains, channels, caps = [], [], []
    for d in manifest.domains:
        own = domain_channels(d, manifest.domains, index)
        domains.append(encode_domain(d, len(channels), len(own), len(caps), index))
        channels += own
        caps += [encode_cap(c) for c in d.caps]
    if len(channels) > CHANNELS_MAX or len(caps) > CAPS_MAX:
        raise ManifestError(["domain"], f"there are {len(channels)} channels and {len(caps)} capabilities; "
                            f"the most are {CHANNELS_MAX} and {CAPS_MAX}")
    body = b"".join(domains + channels + caps)
    head = struct.pack("<QIIIII28s", MAGIC, VERSION, 56 + len(body), len(domains), len(channels), len(caps),
                       ("bin/" + manifest.guest_image).encode())
    return head + body


# ---- command line -----------------------------------------------------------------------------------------------

def report(path, error):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            line = find_line(f.read(), error.where)
    except OSError:
        line = None
    where = ".".join(map(str, error.where))
    print(f"{path}{f':{line}' if line else ''}: {where + ': ' if where else ''}{error.message}", file=sys.stderr)


def main(argv=None):
    ap = argparse.ArgumentParser(description="check and compile a manifest")
    ap.add_argument("command", choices=["compile"])
    ap.add_argument("file")
    ap.add_argument("-o", metavar="OUT", required=True, help="where to write")
    args = ap.parse_args(argv)
    try:
        out = encode(load(args.file))
        with open(args.o, "wb") as f:
            f.write(out)
    except ManifestError as e:
        report(args.file, e)
        return 1
    except OSError as e:
        print(f"{e.filename}: {e.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
