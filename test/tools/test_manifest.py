# SPDX-License-Identifier: BSD-2-Clause
"""The manifest compiler: each mistake is reported with its key; the binary form is compared byte for byte."""
import importlib.util
import os
import re
import struct
import subprocess
import sys
import tomllib

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
spec = importlib.util.spec_from_file_location("manifest", os.path.join(TOP, "tools", "manifest.py"))
manifest = importlib.util.module_from_spec(spec)
sys.modules["manifest"] = manifest
spec.loader.exec_module(manifest)

GOOD = """
version = 1
guest-image = "vmm"
memory-limit = "16M"

[domain.uart]
priority = 24
memory = "128K"
serves = "uart"
clients = ["console"]
device = { kind = "ports", name = "uart", ports = "0x3f8-0x3ff", irq-pin = 4 }

[domain.console]
priority = 22
memory = "2M"
serves = "console"
clients = ["control"]
logs = true
caps = [ { name = "log", kind = "log-control" } ]
channel.uart = { to = "uart", proto = "uart" }

[domain.control]
role = "builder"
priority = 20
memory = "1M"
services = ["console", "storage"]
guests = { vcpu-priority = 8, vmm-priority = 12 }
caps = [ { name = "pool", kind = "guest-memory" } ]
channel.console = { to = "console", proto = "console", params = { kind = "shell" } }

[domain.storage]
priority = 20
memory = "3M"
weight = 512
serves = "blk"
clients = ["files"]
kept-memory = { journal = "64K" }
args = { verbose = true, depth = 3 }
channel.disk = { to = "blk0", proto = "blk", control = true, optional = true }

[domain.files]
priority = 20
memory = "1M"
budget = { us = 500, period = 1000 }
channel.blk = { to = "storage", proto = "blk", params = { volume = "by-partlabel/guests" } }

[domain.blk0]
binary = "virtio-blk"
optional = true
priority = 24
memory = "1M"
serves = "blk"
clients = ["storage"]
device = { kind = "pci", name = "disk0", vendor = 0x1af4, device = 0x1042, dma = "unprotected" }

[domain.platform]
role = "platform"
priority = 24
memory = "1M"
caps = [ { name = "ports", kind = "ports", range = "0xcf8-0xcff" } ]
"""


def read(text):
    return manifest.read(tomllib.loads(text))


def change(old, new):
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_good_order():
    names = [d.name for d in read(GOOD).domains]
    assert names[:2] == ["uart", "console"]  # the domain that hears the others comes before them
    assert names[-1] == "control"            # the builder gets what is left
    assert names.index("platform") < names.index("blk0") < names.index("storage") < names.index("files")


# (what to change, to what, where the error must be, what it must say)
BAD = [
    ("version = 1", "version = 2", ["version"], "between"),
    ("version = 1", "version = true", ["version"], "expected int"),
    ("version = 1", "version = 1\nspeed = 3", ["speed"], "unknown key"),
    ('guest-image = "vmm"', 'guest-image = "Vmm"', ["guest-image"], "valid name"),
    ('memory-limit = "16M"', 'memory-limit = "8M"', ["memory-limit"], "together"),
    ("[domain.uart]\npriority = 24", "[domain.uart]", ["domain", "uart", "priority"], "missing"),
    ("[domain.uart]\npriority = 24", "[domain.uart]\npriority = 32", ["domain", "uart", "priority"], "between"),
    ("[domain.uart]\npriority = 24", "[domain.uart]\npriority = 12", ["domain", "uart", "priority"], "VMMs (12)"),
    ("[domain.files]\npriority = 20", "[domain.files]\npriority = 10", ["domain", "files", "priority"], "VMMs (12)"),
    ("vcpu-priority = 8", "vcpu-priority = 12", ["domain", "control", "guests", "vmm-priority"], "not above vcpu-priority (12)"),
    ("vmm-priority = 12", "vmm-priority = 20", ["domain", "control", "priority"], "VMMs (20)"),
    ("vmm-priority = 12", "vmm-priority = 32", ["domain", "control", "guests", "vmm-priority"], "between"),
    ("vcpu-priority = 8, ", "", ["domain", "control", "guests", "vcpu-priority"], "missing"),
    ("vmm-priority = 12 }", "vmm-priority = 12, weight = 3 }", ["domain", "control", "guests", "weight"], "unknown key"),
    ("guests = { vcpu-priority = 8, vmm-priority = 12 }\n", "", ["domain", "control", "guests"], "missing"),
    ("guests = { vcpu-priority = 8, vmm-priority = 12 }\n", "guests = { vcpu-priority = 8, vmm-priority = 12 }\n"
     "args = { vcpu-priority = 9 }\n", ["domain", "control", "args"], "comes from another key"),
    ('[domain.files]\n', '[domain.files]\nguests = { vcpu-priority = 8, vmm-priority = 12 }\n',
     ["domain", "files", "guests"], "only for"),
    ("[domain.blk0]\nbinary = \"virtio-blk\"\noptional = true\npriority = 24",
     "[domain.blk0]\nbinary = \"virtio-blk\"\noptional = true\npriority = 19", ["domain", "blk0", "priority"], "driver must not"),
    ("[domain.uart]", "[domain.Uart]", ["domain", "Uart"], "valid name"),
    ('memory = "128K"', 'memory = "128"', ["domain", "uart", "memory"], "size"),
    ('memory = "128K"', 'memory = "1K"', ["domain", "uart", "memory"], "multiple of 4K"),
    ('memory = "128K"', 'memory = "124K"', ["domain", "uart", "memory"], "powers of two"),
    ('serves = "uart"', 'serves = "telnet"', ["domain", "uart", "serves"], "unknown; use"),
    # devices
    ("irq-pin = 4 }", "irq-pin = 4, speed = 9 }", ["domain", "uart", "device", "speed"], "unknown key"),
    ("0x3f8-0x3ff", "0x3ff-0x3f8", ["domain", "uart", "device", "ports"], "range"),
    ("0x3f8-0x3ff", "0x3f8-0x10000", ["domain", "uart", "device", "ports"], "range"),
    ("0x3f8-0x3ff", "0x3f8", ["domain", "uart", "device", "ports"], "range"),
    ("0xcf8-0xcff", "0x3ff-0x400", ["domain", "platform", "caps"], "belong to uart"),
    (', dma = "unprotected"', "", ["domain", "blk0", "device", "dma"], "missing"),
    ('dma = "unprotected"', 'dma = "maybe"', ["domain", "blk0", "device", "dma"], "unknown; use"),
    ("vendor = 0x1af4, device = 0x1042, ", "", ["domain", "blk0", "device", "vendor"], "which device"),
    ('[domain.files]\n', '[domain.files]\ndevice = { kind = "pci", name = "disk1", vendor = 0x1af4, device = 0x1042, '
     'dma = "iommu" }\n', ["domain", "blk0", "device"], "files has this device"),
    ('[domain.files]\n', '[domain.files]\ndevice = { kind = "ports", name = "com2", ports = "0x2f8-0x2ff", irq-pin = 4 }\n',
     ["domain", "files", "device"], "pin 4"),
    ('role = "platform"\n', "", ["domain", "blk0", "device"], "claims PCI"),
    # channels
    ('to = "storage"', 'to = "storge"', ["domain", "files", "channel", "blk", "to"], "no domain storge"),
    ('to = "storage", proto = "blk"', 'to = "storage", proto = "net"', ["domain", "files", "channel", "blk", "proto"],
     "serves blk"),
    ('clients = ["files"]', "clients = []", ["domain", "files", "channel", "blk"], "does not declare files"),
    ('clients = ["files"]', 'clients = ["files", "uart"]', ["domain", "storage", "clients"], "declares no channel"),
    ("control = true, optional = true", "control = true", ["domain", "storage", "channel", "disk", "optional"], "optional"),
    ('kind = "shell"', 'kind = "bash"', ["domain", "control", "channel", "console", "params", "kind"], "unknown; use"),
    ('volume = "by-partlabel/guests"', 'volume = "x", writeable = true',
     ["domain", "files", "channel", "blk", "params", "writeable"], "unknown key"),
    ('volume = "by-partlabel/guests"', f'volume = "{"x" * 64}"', ["domain", "files", "channel", "blk", "params", "volume"],
     "longer than 63"),
    ("channel.uart", "channel.log", ["domain", "console", "channel", "log"], "anyway"),
    ('clients = ["console"]', 'clients = ["console"]\nchannel.c = { to = "console", proto = "console", params = '
     '{ kind = "shell" } }', ["domain", "uart", "channel", "c"], "does not declare"),
    # roles and authority
    ('role = "builder"\n', "", ["domain", "control", "caps"], "guest-memory is only for"),
    ('[domain.files]\n', '[domain.files]\nrole = "builder"\n', ["domain", "files", "role"], "control is the builder"),
    ('[domain.files]\n', '[domain.files]\nservices = ["storage"]\n', ["domain", "files", "services"], "only for the domain"),
    ('services = ["console", "storage"]', 'services = ["console", "files"]', ["domain", "control", "services"], "serves"),
    ('services = ["console", "storage"]', 'services = ["console", "console"]', ["domain", "control", "services"], "twice"),
    ('role = "builder"\n', 'role = "builder"\nserves = "vmctl"\n', ["domain", "control", "serves"], "starts last"),
    ("logs = true", "logs = 1", ["domain", "console", "logs"], "expected bool"),
    ('[domain.files]\n', '[domain.files]\nserves = "files"\nlogs = true\n', ["domain", "files", "logs"], "already"),
    # budgets, arguments, memory
    ("us = 500, period = 1000", "us = 2000, period = 1000", ["domain", "files", "budget", "us"], "budget of 2000"),
    ("us = 500, period = 1000", "us = 500", ["domain", "files", "budget", "period"], "missing"),
    ("verbose = true", '"cap.x" = "1"', ["domain", "storage", "args", "cap.x"], "valid name"),
    ("verbose = true", 'verbose = "a\\nb"', ["domain", "storage", "args", "verbose"], "one line"),
    ("verbose = true", f'verbose = "{"x" * 250}"', ["domain", "storage", "args"], "bytes of arguments"),
    ('journal = "64K"', 'journal = "96K"', ["domain", "storage", "kept-memory", "journal"], "power of two"),
    ('journal = "64K"', 'disk = "64K"', ["domain", "storage", "kept-memory"], "name of a channel"),
    ("[domain.files]\n", '[domain.files]\narchive-file = { member = "guests.img", replaces = "disk" }\n',
     ["domain", "files", "archive-file"], "no channel"),
]


@pytest.mark.parametrize("old,new,where,says", BAD, ids=[f"{'.'.join(w)}-{i}" for i, (_, _, w, _) in enumerate(BAD)])
def test_bad(old, new, where, says):
    with pytest.raises(manifest.ManifestError) as e:
        read(change(old, new))
    assert e.value.where == where
    assert says in e.value.message


def test_circle():
    text = change('clients = ["files"]', 'clients = ["files"]\nchannel.f = { to = "files", proto = "files", params = '
                  '{ kind = "browse" } }').replace("[domain.files]\n", '[domain.files]\nserves = "files"\n'
                                                   'clients = ["storage"]\n', 1)
    with pytest.raises(manifest.ManifestError, match="circle"):
        read(text)


@pytest.mark.parametrize("words", [("file", "line 3"), ("other",)])
def test_command_names_file_and_line(words, tmp_path, capsys):
    path = tmp_path / "m.toml"
    path.write_text("version = 1\n" + ("x = = 2\n" if words[0] == "file" else 'guest-image = "vmm"\nbad-key = 1\n[domain]\n'))
    assert manifest.main(["compile", str(path), "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert str(path) in error
    assert re.search(r":3: bad-key: unknown key|line 2", error) or "domain" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("old,new,line_of", [
    ('to = "storage"', 'to = "storge"', "channel.blk = "),
    ("logs = true", "logs = 1", "logs = 1"),
    ('memory = "3M"', 'memory = "3"', 'memory = "3"'),
    ("[domain.storage]\npriority = 20", "[domain.storage]\npriority = 99", "priority = 99"),
])
def test_lines(old, new, line_of):
    text = change(old, new)
    with pytest.raises(manifest.ManifestError) as e:
        read(text)
    line = manifest.find_line(text, e.value.where)
    assert text.split("\n")[line - 1].startswith(line_of)


# ---- the binary form, read by hand ----

def test_binary():
    out = manifest.encode(read(GOOD))
    magic, version, size, n_domains, n_channels, n_caps, image = struct.unpack_from("<QIIIII28s", out)
    assert (magic, version, size) == (0x5453464E414D4B53, 1, len(out))
    assert (n_domains, n_caps, image.rstrip(b"\0")) == (7, 3, b"bin/vmm")
    assert len(out) == 56 + n_domains * 472 + n_channels * 312 + n_caps * 32
    domains = [out[56 + i * 472:56 + (i + 1) * 472] for i in range(n_domains)]
    names = [d[:32].rstrip(b"\0").decode() for d in domains]
    storage = domains[names.index("storage")]
    assert storage[32:64].rstrip(b"\0") == b"bin/storage"
    flags, serves, priority, weight, cpu, budget, period, cnode, stack, n_mem = struct.unpack_from("<10I", storage, 64)
    assert (flags, serves, priority, weight, cpu, budget, period) == (0, 4, 20, 512, 0, 0, 0)
    assert (cnode, stack, n_mem, storage[104:106]) == (15, 16, 2, bytes([21, 20]))
    assert storage[216:].rstrip(b"\0") == b"verbose=yes\ndepth=3\n"
    control = domains[names.index("control")]
    assert struct.unpack_from("<I", control, 124)[0] == 1 << names.index("console") | 1 << names.index("storage")
    uart = domains[names.index("uart")]
    assert struct.unpack_from("<II16sHHIIIHHI", uart, 168) == \
        (2, 0, b"uart".ljust(16, b"\0"), 0, 0, 0, 0, 1, 0x3f8, 8, 4)
    first, count = struct.unpack_from("<II", storage, 108)
    channels = [out[56 + n_domains * 472 + (first + i) * 312:][:312] for i in range(count)]
    assert [c[:16].rstrip(b"\0") for c in channels] == [b"log", b"journal", b"disk"]
    assert struct.unpack_from("<IIIIQ", channels[1], 16) == (0xFFFFFFFF, 0, 0, 0, 65536)
    assert struct.unpack_from("<IIIIQ", channels[2], 16) == (names.index("blk0"), 4, 3, 0, (1 << 64) - 1)


def test_every_client_comes_after_its_service():
    out = manifest.encode(read(GOOD))
    n_domains = struct.unpack_from("<I", out, 16)[0]
    for i in range(n_domains):
        first, count = struct.unpack_from("<II", out, 56 + i * 472 + 108)
        for c in range(first, first + count):
            service = struct.unpack_from("<I", out, 56 + n_domains * 472 + c * 312 + 16)[0]
            assert service < i or service == 0xFFFFFFFF


def test_same_input_same_output():
    assert manifest.encode(read(GOOD)) == manifest.encode(read(GOOD))


# ---- a manifest with a base ----

def based(tmp_path, text):
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "more.toml").write_text('base = "good.toml"\n' + text)
    return manifest.load(str(tmp_path / "more.toml"))


def test_a_base_with_other_sizes(tmp_path):
    m = based(tmp_path, 'memory-limit = "32M"\n[domain.storage]\nmemory = "4M"\n'
              + 'args = { depth = 4 }\nkept-memory = { journal = "128K" }\n')
    d = next(d for d in m.domains if d.name == "storage")
    assert (d.memory, d.kept, d.args) == (4 << 20, {"journal": 128 << 10}, "verbose=yes\ndepth=4\n")
    good = next(d for d in read(GOOD).domains if d.name == "storage")
    assert (good.priority, good.weight, len(good.channels)) == (d.priority, d.weight, len(d.channels))
    assert manifest.encode(based(tmp_path, "")) == manifest.encode(read(GOOD))


@pytest.mark.parametrize("text,where,says", [
    ("[domain.storage]\npriority = 21\n", ["domain", "storage", "priority"], "sizes only"),
    ('[domain.storage]\nclients = ["uart"]\n', ["domain", "storage", "clients"], "sizes only"),
    ('[domain.uart.device]\nports = "0x2f8-0x2ff"\n', ["domain", "uart", "device", "ports"], "sizes only"),
    ('[domain.uart]\nbudget = { us = 1, period = 2 }\n', ["domain", "uart", "budget"], "adds nothing"),
    ('[domain.storage]\nargs = { more = 1 }\n', ["domain", "storage", "args", "more"], "adds nothing"),
    ('[domain.storage]\nargs = 1\n', ["domain", "storage", "args"], "adds nothing"),
    ('[domain.spy]\nmemory = "1M"\n', ["domain", "spy"], "adds nothing"),
    ('[domain.storage]\nmemory = "5"\n', ["domain", "storage", "memory"], "not a valid size"),
    ('[domain.storage]\nmemory = "64M"\n', ["memory-limit"], "raise the limit"),
])
def test_a_base_is_the_policy(tmp_path, text, where, says):
    with pytest.raises(manifest.ManifestError) as e:
        based(tmp_path, text)
    assert e.value.where == where and says in e.value.message


@pytest.mark.parametrize("base", ['"no.toml"', '"../good.toml"', "1"])
def test_a_base_is_a_file_beside(tmp_path, base):
    (tmp_path / "more.toml").write_text(f"base = {base}\n")
    with pytest.raises(manifest.ManifestError) as e:
        manifest.load(str(tmp_path / "more.toml"))
    assert e.value.where == ["base"]


# ---- the tree ----

@pytest.mark.parametrize("name", sorted(os.listdir(os.path.join(TOP, "configs"))))
def test_configurations_of_the_tree(name):
    if name.endswith(".toml"):
        manifest.encode(manifest.load(os.path.join(TOP, "configs", name)))


def values_in_c(tmp_path, names):
    """The values of constants of libs/proto, from the compiler."""
    source, program = tmp_path / "values.c", tmp_path / "values"
    headers = ["console", "domain", "files", "manifest", "net", "svc"]
    source.write_text("#include <stdio.h>\n" + "".join(f'#include "proto/{h}.h"\n' for h in headers) + "int main(void)\n{\n" +
                      "".join(f'\tprintf("%llu\\n", (unsigned long long)({n}));\n' for n in names) + "}\n")
    subprocess.run(["gcc", "-I" + os.path.join(TOP, "kernel/include"), "-I" + os.path.join(TOP, "libs"), source, "-o", program],
                   check=True)
    return [int(v) for v in subprocess.run([program], check=True, text=True, capture_output=True).stdout.split()]


def upper(names):
    return [n.upper().replace("-", "_") for n in names]


def test_numbers_are_those_of_the_headers(tmp_path):
    m = manifest
    kinds = {"irq-control": "CTL_IRQ", "sched-control": "CTL_SCHED", "log-control": "CTL_LOG", "kernel-log": "KLOG",
             "ports": "PORTS", "device-memory": "DEVICE_MEMORY", "guest-memory": "GUEST_MEMORY", "kept-objects": "KEPT_OBJECTS"}
    same = [
        ("MANIFEST_MAGIC", m.MAGIC), ("MANIFEST_VERSION", m.VERSION), ("MANIFEST_NONE", m.NONE),
        ("MANIFEST_DOMAINS_MAX", m.DOMAINS_MAX), ("MANIFEST_CHANNELS_MAX", m.CHANNELS_MAX), ("MANIFEST_CAPS_MAX", m.CAPS_MAX),
        ("DOMAIN_CHANNELS_MAX", m.OWN_CHANNELS_MAX), ("MANIFEST_UNTYPED_MAX", m.UNTYPED_MAX),
        ("MANIFEST_ARGS_MAX", m.ARGS_MAX), ("MANIFEST_PARAMS_MAX", m.PARAMS_MAX),
        *(("SVC_PROTO_" + n, v) for n, v in zip(upper(m.PROTOS), m.PROTOS.values())),
        *(("MANIFEST_CAP_" + kinds[k], v) for k, v in m.CAP_KINDS.items()),
        *(("MANIFEST_" + n, v) for n, v in zip(upper(m.ROLES), m.ROLES.values())),
        *(("CONSOLE_" + n, v) for n, v in zip(upper(m.CONSOLE_KINDS), m.CONSOLE_KINDS.values())),
        *(("FILES_" + n, v) for n, v in zip(upper(m.FILES_KINDS), m.FILES_KINDS.values())),
        *(("NET_" + n, v) for n, v in zip(upper(m.OFFLOADS), m.OFFLOADS.values())),
        ("0", m.DMA["none"]), ("MANIFEST_DMA", m.DMA["iommu"]), ("MANIFEST_DMA | MANIFEST_UNPROTECTED", m.DMA["unprotected"]),
        # the numbers of rows, so that an addition to a header fails here
        ("SVC_PROTO_END - 1", len(m.PROTOS)), ("MANIFEST_CAP_END - 1", len(m.CAP_KINDS)),
    ]
    assert list(zip([n for n, _ in same], values_in_c(tmp_path, [n for n, _ in same]))) == same


def test_rights_of_tools():
    """They come to control, which enforces them, as arguments."""
    with open(os.path.join(TOP, "configs", "default.toml"), encoding="utf-8") as f:
        good = f.read()
    rights = 'rights = ["look", "console", "life", "configure", "host"]'
    assert good.count(rights) == 1

    def args(text):
        return next(d for d in manifest.read(tomllib.loads(text)).domains if d.name == "control").args

    assert "rights.shell=look,console,life,configure,host\n" in args(good)
    assert "rights.shell=look\n" in args(good.replace(rights, 'rights = ["look"]'))
    assert "rights.shell=\n" in args(good.replace(rights, "rights = []"))
    with pytest.raises(manifest.ManifestError, match="'all' is unknown"):
        args(good.replace(rights, 'rights = ["all"]'))
    with pytest.raises(manifest.ManifestError, match="only the builder answers a tool"):
        args(good.replace("[domain.xenstore]\n", '[domain.xenstore]\nchannel.t = { to = "shell", proto = "ctl" }\n')
             .replace('serves = "ctl"', 'serves = "ctl" #').replace('clients = ["control"]\nkept-memory = { configs', 'clients = ["control", "xenstore"]\nkept-memory = { configs'))
    with open(os.path.join(TOP, "libs", "proto", "ctl.h"), encoding="utf-8") as f:
        words = re.findall(r'^\tX\([A-Z]+, \d, "([a-z]+)"', f.read(), re.M)
    assert tuple(words) == manifest.CTL_RIGHTS
