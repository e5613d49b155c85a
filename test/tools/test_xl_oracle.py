# SPDX-License-Identifier: BSD-2-Clause
"""Guests' configurations mean here what they mean to Xen's own xl: each file of xl/cfg is read by both.

The first lines of a file say what must come out:
  # same                 both make the same guest, compared member by member as libxl's JSON
  # same, except PATH... these members differ
  # remark: KEY          here there is one remark about the key, which xl ignores or which means nothing here. Without such lines
                         there is no remark
  # not here: WORDS      xl makes a guest; here there is one mistake for each such line, with these words
  # refused: WORDS       xl refuses the file as well
  # only here            xl refuses what is accepted here
This host has the table of names xl/names.map. xl is Debian's, which `make test` fetches. It runs as a dry run, without Xen: xl/fake.c stands for the hypervisor.
"""
import concurrent.futures
import glob
import json
import os
import re
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("SKERRY_BUILD", "build"))
XL = os.path.join(os.environ.get("SKERRY_GUESTS", os.path.join(BUILD, "guests")), "xl")
OURS = os.path.join(BUILD, "unit", "xl_oracle")
NAMES = os.path.join(TOP, "test/tools/xl/names.map")
FILES = sorted(glob.glob(os.path.join(TOP, "test/tools/xl/cfg/*.cfg")))

# members that only xl writes, and the key for which this host has a remark if the file sets it
NO_MEANING = {
    "c_info.run_hotplug_scripts": None, "c_info.hap": "hap", "c_info.passthrough": "passthrough", "c_info.ssid_label": "seclabel",
    "c_info.oos": "oos", "c_info.xend_suspend_evtchn_compat": "xend_suspend_evtchn_compat",
    "b_info.claim_mode": None, "b_info.bootloader_args": "bootloader_args",
    "b_info.numa_placement": None, "b_info.device_model_version": "device_model_version",
    "b_info.extra": "device_model_args", "b_info.event_channels": "max_event_channels", "b_info.max_grant_frames": "max_grant_frames",
    "b_info.max_maptrack_frames": "max_maptrack_frames", "b_info.max_grant_version": "max_grant_version", "b_info.localtime": "localtime",
    "b_info.disable_migrate": "nomigrate", "b_info.shadow_memkb": "shadow_memory", "b_info.timer_mode": "timer_mode",
    "b_info.exec_ssid_label": "init_seclabel", "b_info.sched_params.extratime": "extratime", "b_info.sched_params.latency": "latency",
    "b_info.sched_params.period": "period", "b_info.sched_params.slice": "slice", "b_info.type.pvh.pvshim_path": "pvshim_path",
    "b_info.type.pvh.pvshim_cmdline": "pvshim_cmdline", "b_info.type.pvh.pvshim_extra": "pvshim_extra",
    "b_info.vmtrace_buf_kb": "vmtrace_buf_kb", "on_soft_reset": "on_soft_reset",
}
# except for a guest with pvshim=1
SHIM = {"pvshim_path", "pvshim_cmdline", "pvshim_extra"}
# the same for values that ask for nothing, about which there is no remark
NOTHING = {"b_info.nested_hvm": "False", "c_info.driver_domain": "False", "c_info.pool_name": "Pool-0",
           "b_info.rtc_timeoffset": 0, "b_info.altp2m": "disabled", "b_info.tsc_mode": "default", "b_info.cpuid": [], "b_info.acpi": "True"}
# members of which xl writes only other values
DEFAULTS = {"max_vcpus": 1, "avail_vcpus": [0], "max_memkb": 32 << 10}
DEFAULT_SCHED = {"weight": 256, "cap": 0}
DEFAULT_DISK = {"backend": "phy", "removable": 0, "readwrite": 0, "is_cdrom": 0, "direct_io_safe": False,
                "discard_enable": "True", "trusted": "True"}
DEFAULT_NIC = {"bridge": "xenbr0", "nictype": "vif", "trusted": "True"}
DEFAULT_ACTIONS = {"on_poweroff": "destroy", "on_reboot": "destroy", "on_watchdog": "destroy", "on_crash": "destroy"}


def expectations(path):
    """{kind: [text]} of the first lines."""
    found = {}
    with open(path, encoding="utf-8", newline="") as f:
        for line in f.read().splitlines():
            m = re.match(r"# (same|remark|not here|refused|only here)(?:, except (.*)|: (.*))?\r?$", line)
            if not m:
                break
            found.setdefault(m[1], []).extend([m[2] or m[3] or ""])
    return found


@pytest.fixture(scope="session")
def xl(tmp_path_factory):
    """A function that gives xl's status, guest and messages for a file, and can write down the keys that xl looks up."""
    if not os.path.exists(os.path.join(XL, "version")):
        pytest.skip("there is no xl; run: make guests")
    fake = tmp_path_factory.mktemp("xl") / "fake.so"
    subprocess.run([os.environ.get("HOSTCC", "gcc"), "-shared", "-fPIC", "-O1", "-o", fake, os.path.join(TOP, "test/tools/xl/fake.c")],
                   check=True)

    def run(path, keys=None):
        env = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": os.path.join(XL, "lib"), "LD_PRELOAD": str(fake), **({"XL_KEYS": str(keys)} if keys else {})}
        r = subprocess.run([os.path.join(XL, "bin/xl"), "-N", "create", path], env=env, text=True, capture_output=True, timeout=60)
        assert r.returncode in (0, 1), r.stderr
        return r.returncode, json.loads(r.stdout[r.stdout.index("{"):]) if r.returncode == 0 else None, r.stderr
    return run


def ours(path):
    r = subprocess.run([OURS, NAMES, path], text=True, capture_output=True, timeout=60)
    assert r.returncode in (0, 1), r.stderr
    return r.returncode, json.loads(r.stdout) if r.returncode == 0 else None, r.stderr.splitlines()


def pieces(kib):
    """Guests have memory in pieces of 2 MiB."""
    return (kib + 2047) // 2048 * 2048


def filled(guest):
    """xl's guest with the defaults that it leaves out, and with what this host adds."""
    info = {**DEFAULTS, **guest["b_info"]}
    info["target_memkb"] = pieces(info.get("target_memkb", info["max_memkb"]))
    info["max_memkb"] = pieces(info["max_memkb"])
    info["sched_params"] = {**DEFAULT_SCHED, **info.get("sched_params", {})}
    for key in ("kernel", "ramdisk"):
        if info.get(key):
            info[key] = os.path.join("/guests", info[key])
    info = {key: value for key, value in info.items() if value != "" and not key.startswith("arch_")}
    disks = [{**DEFAULT_DISK, **disk} for disk in guest.get("disks", [])]
    for disk in disks:
        if not disk.get("pdev_path"):
            disk.pop("pdev_path", None)
        else:
            disk["pdev_path"] = os.path.join("/dev", disk["pdev_path"])
    nics = [{**DEFAULT_NIC, **nic} for nic in guest.get("nics", [])]
    return {**DEFAULT_ACTIONS, **guest, "b_info": info, "disks": disks, "nics": nics}


def flat(value, path=""):
    """{path: value} of all members; an empty list has none."""
    if isinstance(value, dict) and value:
        return {k: v for key, item in value.items() for k, v in flat(item, f"{path}.{key}" if path else key).items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {k: v for i, item in enumerate(value) for k, v in flat(item, f"{path}[{i}]").items()}
    return {} if value == [] else {path: value}


def compare(theirs, mine, path, excepted, remarks):
    a, b = flat(filled(theirs)), flat(mine)
    shim = a.get("b_info.type.pvh.pvshim") == "True"
    for member, key in NO_MEANING.items():
        if shim and key in SHIM:
            continue
        assert a.pop(member, None) is None or key in (None, *remarks) or member == "on_soft_reset", member
    for member, value in NOTHING.items():
        assert a.pop(member, value) == value, member
    if a.get("b_info.type.pvh.pvshim") == "False":
        a.pop("b_info.type.pvh.pvshim")
    for member in [m for m in b if m not in a and re.fullmatch(r"nics\[\d\]\.mac", m)]:
        assert b.pop(member).startswith("00:16:3e:")  # made up
    with open(path, encoding="utf-8") as f:
        if "uuid" not in f.read():
            a.pop("c_info.uuid"), b.pop("c_info.uuid")
    for nic in [m for m in a if re.fullmatch(r"nics\[\d\]\.(script|backend_domname)", m)]:
        assert a.pop(nic) in ("vif-bridge", "/etc/xen/scripts/vif-bridge", "0"), nic
    for disk in [m for m in a if re.fullmatch(r"disks\[\d\]\.(backend_domname|specification)", m)]:
        assert a.pop(disk) in ("0", "xen"), disk
    for only in (a, b):
        for kind in ("b_info.type.pvh", "b_info.type.pv"):
            if only.get(kind) == {}:
                only.pop(kind)
    differing = {m for m in {**a, **b} if a.get(m) != b.get(m)}
    assert differing == excepted, {m: (a.get(m), b.get(m)) for m in differing ^ excepted}


def keys_of(lines):
    return sorted(re.search(r"key '(\w+)'", line)[1] for line in lines)


@pytest.fixture(scope="session")
def answers(xl):
    """{path: (xl's answer, this host's)}"""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(FILES, zip(pool.map(xl, FILES), pool.map(ours, FILES))))


@pytest.mark.parametrize("path", FILES, ids=[os.path.basename(f)[:-len(".cfg")] for f in FILES])
def test_a_file_means_the_same(answers, path):
    want = expectations(path)
    (status, guest, said), (my_status, my_guest, lines) = answers[path]
    assert status == ("refused" in want or "only here" in want), said
    assert my_status == ("refused" in want or "not here" in want), lines
    if my_status == 0:
        assert keys_of(lines) == sorted(want.get("remark", []))
    for words in want.get("refused", []) + want.get("not here", []):
        assert sum(words in line for line in lines) == 1, lines
    if "not here" in want:
        assert len(lines) == len(want["not here"] + want.get("remark", [])), lines
    if "same" in want:
        compare(guest, my_guest, path, set(want["same"][0].split()), want.get("remark", []))


def test_there_are_many_files():
    assert len(FILES) >= 200


# what makes xl look at further keys, for each kind of guest
CURIOUS = """name = "a"
kernel = "/k"
pool = "p"
device_model_override = "x"
device_model_version = "qemu-xen"
firmware_override = "x"
vnc = 1
spice = 1
sdl = 1
usb = 1
usbdevice = "x"
vga = "qxl"
pci = [ "1:0.0" ]
"""


def key_table():
    """The rows of the table that this host makes from its list of keys."""
    return subprocess.run([OURS, "--keys"], text=True, capture_output=True, check=True, timeout=60).stdout


def test_each_key_that_xl_looks_up_is_in_the_list(xl, tmp_path):
    seen = tmp_path / "keys"
    for kind in ("pv", "pvh", "hvm"):
        path = tmp_path / (kind + ".cfg")
        path.write_text(CURIOUS + f'type = "{kind}"\n')
        xl(path, keys=seen)
    files = re.split(r"^# ", seen.read_text(), flags=re.M)
    asked = {key for text in files if text.split("\n")[0].endswith(".cfg") for key in text.split("\n")[1:] if key}
    assert len(asked) > 120
    assert asked <= set(re.findall(r"^\| `(\w+)`", key_table(), re.M))


def test_the_page_has_the_table():
    with open(os.path.join(TOP, "docs/keys.md"), encoding="utf-8") as f:
        text = f.read()
    assert text.split("|---|---|---|\n", 1)[1].split("\n\n")[0].strip("\n") == key_table().strip("\n"), \
        "take the table that build/unit/xl_oracle --keys prints"
