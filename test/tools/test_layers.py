# SPDX-License-Identifier: BSD-2-Clause
"""What tools/check-layers and the build refuse: includes that go up or sideways, and libraries that use each other."""
import os
import shutil
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tools").mkdir()
    shutil.copy(os.path.join(TOP, "tools/check-layers"), tmp_path / "tools")
    for part in ("kernel", "boot", "libs", "drivers", "services"):
        shutil.copytree(os.path.join(TOP, part), tmp_path / part)
    return tmp_path


def append(path, text):
    with open(path, "a") as f:
        f.write(text)


def check(tree):
    r = subprocess.run([tree / "tools/check-layers"], text=True, capture_output=True)
    return r.returncode, r.stdout


def test_the_tree_is_in_order(tree):
    status, out = check(tree)
    assert (status, out.count("\n")) == (0, 1), out


@pytest.mark.parametrize("source, include, why", [
    ("libs/sys/clock.c", "ring/ring.h", "libs/ring"),
    ("services/storage/gpt.c", "caps/caps.h", "libs/caps"),  # only a library that storage uses names it
    ("libs/ring/ring.c", "services/storage/gpt.h", "another component"),
    ("services/files/tree.c", "services/storage/gpt.h", "another component"),
    ("kernel/cap.c", "ring/ring.h", "the kernel includes"),
    ("libs/proto/blk.h", "ring/ring.h", "a contract includes"),
    ("services/control/guest/life.c", "ctl/ctl.h", "the room guest"),
    ("services/control/client/xenstore.c", "guest/life.h", "the room client"),
    ("services/shell/config/cfg.c", "client/ask.h", "the room config"),
    ("services/shell/out.h", "config/cfg.h", "the room ."),
    ("services/vmm/xen/grant.c", "machine/vm.h", "the room xen"),
    ("services/vmm/xen/grant.c", "backend/gring.h", "the room xen"),
    ("services/vmm/backend/gring.c", "machine/vcpu.h", "the room backend"),
    ("services/vmm/machine/vcpu.c", "edge.h", "the room machine"),
    ("services/vmm/machine/vcpu.c", "xen/evtchn.h", "the room machine"),
    ("services/vmm/machine/port.c", "load/acpi.h", "the room machine"),
    ("services/vmm/load/elf.c", "machine/vm.h", "the room load"),
    ("services/vmm/edge.h", "machine/vm.h", "the room ."),
    ("services/shell/cli/shell.c", "services/control/guest/domtab.h", "another component"),
    ("services/vmm/edge.c", "xen/grant.h", "the room edge.c"),
    ("services/vmm/xen/grant.c", "sys/sk.h", "libs/sys/sk.h"),
    ("services/vmm/backend/xenbus.c", "caps/caps.h", "libs/caps/caps.h"),
])
def test_an_include_that_does_not_go_down(tree, source, include, why):
    append(tree / source, f'#include "{include}"\n')
    status, out = check(tree)
    assert status == 1
    assert source in out and why in out


@pytest.mark.parametrize("source, include", [
    ("services/control/ctl/life.c", "guest/domtab.h"),
    ("services/control/guest/life.c", "guest/pool.h"),
    ("services/control/main.c", "ctl/ctl.h"),
    ("services/vmm/backend/xenbus.c", "xen/grant.h"),
    ("services/vmm/edge.c", "machine/lapic.h"),
    ("services/vmm/main.c", "machine/lapic.h"),
])
def test_an_include_of_a_room_below(tree, source, include):
    append(tree / source, f'#include "{include}"\n')
    assert check(tree)[0] == 0


def test_a_room_that_is_not_in_the_table(tree):
    (tree / "services/control/attic").mkdir()
    (tree / "services/control/attic/old.c").write_text('#include "event.h"\n')
    status, out = check(tree)
    assert status == 1
    assert "the room attic of services/control is not in the table" in out


def test_libraries_that_use_each_other(tree):
    append(tree / "libs/sys/build.mk", "use-sys := rt\n")
    status, out = check(tree)
    assert status == 1
    assert "libraries use each other" in out


def test_the_build_refuses_libraries_that_use_each_other(tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    r = subprocess.run(["make", "-n", f"O={tmp_path}", "use-sys=rt", "domains"], cwd=TOP, text=True, capture_output=True, env=env)
    assert r.returncode != 0
    assert "libraries use each other" in r.stderr
