# SPDX-License-Identifier: BSD-2-Clause
"""Makefile: every target that `make help` names can be made from a clean tree, and makes everything that its recipe reads.

The targets are run with `make -n` into an empty directory without a set-up, so that files of an earlier build cannot hide
a missing prerequisite. The table IMPLIED lists the files that a recipe reads without naming them (in tools that get a
directory).
"""
import os
import re
import shlex
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENV = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "O", "T", "V", "CONFIG")}

# {WHAT of fetch-guest: the files that it makes}, which every host has
LOADERS = {"grub-xen": ["grub-i386-xen_pvh.bin"], "xen-pv": ["xen-shim", "grub-x86_64-xen.bin", "grub-i386-xen.bin"]}
FETCHED = {**LOADERS, "xen-host": ["xen", "xen.efi"]}


def make(*args):
    return subprocess.run(["make", *args], cwd=TOP, env=ENV, capture_output=True, text=True, timeout=300)


def help_targets():
    text = make("help").stdout.split("\nVariables\n")[0]
    return sorted(set(re.findall(r"^ *make ([a-z-]+) {2,}", text, re.M)) | set(re.findall(r" {4,}make ([a-z-]+) {2,}", text)))


def plan(tmp_path, target):
    """(the commands of `make -n TARGET`, the directory that they would fill)"""
    out = str(tmp_path / "out")
    done = make("-n", "-j1", f"O={out}", f"SYSROOT={out}/sysroot", f"GUESTCACHE={out}/guests", *target.split())
    assert done.returncode == 0, f"make {target}: {done.stderr}"
    text = done.stdout.replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("make")], out


def made(commands, out):
    """Paths below `out` that the commands write, and their directories."""
    paths = set(re.findall(rf"(?:-o|touch|>) *'?({re.escape(out)}/[^\s;']+)", "\n".join(commands)))
    for line in commands:
        for command in re.split(r" && |; ", line):
            words = command.split()
            if words[:1] == ["cp"] or words[:2] == ["ln", "-sf"]:
                paths.add(words[-1])
            elif words[:1] == ["tools/mkrootfs"]:
                paths.add(words[1])
            elif words[:1] == ["tools/fetch-guest"]:
                where = words[1] + (f"/{words[2]}" if words[2] in FETCHED else f"/kernel-{words[2]}")
                paths |= {f"{where}/{f}" for f in ("version", *FETCHED.get(words[2], ["vmlinuz"]))}
    return paths | {os.path.dirname(p) for p in paths}


def machine(out):
    return [f"{out}/kernel.elf", f"{out}/boot/default.img"]


def loaders(out):
    return [f"{out}/guests/{d}/{f}" for d in LOADERS for f in LOADERS[d]]


def guests(out):
    return [f"{out}/guests/debian.img", *loaders(out)] + \
           [f"{out}/guests/{f}" for k in ("cloud-amd64", "amd64", "686-pae") for f in (f"kernel-{k}/vmlinuz", f"initramfs-{k}")]


def bench_kernel_tests(words):
    """Their names, after `bench --build DIR --only WORD`, without programs for this computer."""
    return [w for before, w in zip(words[4:], words[5:]) if "--host" not in (before, w)]


def bench_reads(words, out):
    programs = [w for before, w in zip(words, words[1:]) if before == "--host"]
    always = machine(out) + loaders(out) + [f"{out}/guest/bench"] + [f"{out}/measure/{f}" for f in ("initramfs", "count.so")]
    always += [f"{out}/guests/kernel-cloud-amd64/vmlinuz"] + programs + [f"{out}/ktest/{n}.img" for n in bench_kernel_tests(words)]
    if words[4] in ("check", "baseline"):
        return always
    return always + [f"{out}/measure/{f}" for f in ("measure", "dom0-ramdisk", "stretch.so")] + \
        [f"{out}/guests/{f}" for f in ("xen-host/xen", "xen-host/xen.efi")]


def runtests_reads(words, out):
    tiers = words[words.index("--tier") + 1].split(",") if "--tier" in words else ["unit", "fuzz", "kernel", "system"]
    with open(words[words.index("--list") + 1]) as f:
        tests = [line.rstrip("\n").split("\t") for line in f if line.strip()]
    name = words[-1] if words[-2] not in ("--tier", "--list", "--build", "--fuzz-secs") else ""
    tests = [t for t in tests if name in t[1]]
    paths = [t[2] for t in tests if t[0] in tiers and t[0] in ("unit", "fuzz", "kernel")]
    if "kernel" in tiers:
        paths.append(f"{out}/kernel.elf")
    if "system" in tiers:
        paths += machine(out) + guests(out) + [f"{out}/guest/bench", f"{out}/guest/rogue", f"{out}/skerry.iso"]
    if "--tier" not in words:
        paths += [f"{out}/measure/{f}" for f in ("initramfs", "count.so")]
    return paths


# for each tool, a function that lists the files that it reads below its directory
IMPLIED = {"test/bench/bench": bench_reads, "tools/runtests": runtests_reads}
# options whose value is a path to write to, or a directory
NOT_READ = {"-o", "--dir", "--build", "--list"}


def reads(commands, out):
    """Paths below `out` that the last command, the recipe of the target itself, needs."""
    words = shlex.split(commands[-1].split(" done")[0].replace("&&", " ").replace(";", " ; "))
    for tool, implied in IMPLIED.items():
        if tool in words:
            return implied(words[words.index(tool):], out)
    return [w for before, w in zip([""] + words, words) if w.startswith(out + "/") and before not in NOT_READ]


@pytest.mark.parametrize("target", help_targets())
def test_a_clean_tree_suffices(target, tmp_path):
    commands, out = plan(tmp_path, target)
    if target in ("clean", "format", "help", "lint", "setup", "kernel", "domains", "guests", "image", "iso"):
        return  # these make exactly what they name, so it is enough that make finds every rule
    missing = sorted(set(reads(commands, out)) - made(commands, out))
    assert not missing, f"make {target} reads what it does not make: {missing}"


def test_help_names_the_targets():
    assert {"run", "test", "check", "ktest", "system", "fuzz", "bench", "soak", "clean", "lint", "iso"} <= set(help_targets())


def test_a_clean_build_directory_is_cleaned(tmp_path):
    done = make("clean", f"O={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr


def test_every_image_of_the_benchmarks_is_in_the_plan(tmp_path):
    commands, out = plan(tmp_path, "bench")
    words = shlex.split(commands[-1])
    names = bench_kernel_tests(words[words.index("test/bench/bench"):])
    assert len(names) >= 2
    for name in names:
        assert f"{out}/ktest/{name}.img" in made(commands, out)
