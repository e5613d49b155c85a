# SPDX-License-Identifier: BSD-2-Clause
"""Many guests, eight at once and one after another; everything that they used comes back."""
import os

from guestkit import attach, boots, info, listed, resources, rogue, run_guest, wait_gone
from harness import GuestDir

ROUNDS = int(os.environ.get("SKERRY_CREATE_ROUNDS", "5"))  # make soak: 100
MEMORY = 88  # the least in which this kernel can be unpacked


def test_eight_at_once(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    names = [f"g{i}" for i in range(8)]
    for i, name in enumerate(names):
        volume = guests.add_image(name, content=f"volume of {name}".encode() + bytes(4096))
        guests.add_config(name, auto=False, memory=MEMORY, disk=[f"{volume},xvda,r"], vif=["bridge=xenbr0"],
                          extra=boots("head -c 12 /dev/xvda; echo; echo here", end="halt"))
    m = machine(guests=guests)
    m.prompt()
    m.shell("create -p /guests/g0.cfg")  # the first guest leaves directories in xenstore
    m.shell("destroy g0")
    wait_gone(m)
    free, tree = info(m, "free_memory"), m.shell("xenstore-ls")
    for name in names:
        m.shell(f"create /guests/{name}.cfg")
    for name in names:
        attach(m, name, rf"volume of {name}\nhere")
    assert sorted(listed(m)) == names
    for name in names:
        m.shell("destroy " + name)
    wait_gone(m)
    assert info(m, "free_memory") == free
    assert m.shell("xenstore-ls") == tree
    assert "fault" not in m.shell("dmesg")
    m.poweroff()


def test_all_that_a_guest_may_have(machine, build, tmp_path):
    """control computes how much memory a VMM needs for that."""
    guests = GuestDir(tmp_path / "g", build)
    kernel, _ = guests.add_linux()
    disks = [f"{guests.add_image(f'v{i}', size=1 << 20)},xvd{'abcdefgh'[i]},w" for i in range(8)]
    vifs = [f"mac=00:16:3e:00:00:0{i}" for i in range(4)]
    for name, keys in {
            "modules": {"ramdisk": [f"{kernel} {i}" for i in range(7)], "vcpus": 8, "disk": disks, "vif": vifs[:2]},
            "devices": {"vcpus": 8, "disk": disks, "vif": vifs, "maxmem": 500},
            "pv": {"type": "pv", "disk": disks, "vif": vifs},
            "large": {"maxmem": 16000}}.items():
        guests.add_config(name, auto=False, **{"memory": 256, **keys})
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    for name in ("modules", "devices", "pv", "large"):
        assert "create:" not in m.shell(f"create -p /guests/{name}.cfg"), m.tail()
        m.shell(f"destroy {name}")
        wait_gone(m)
        assert info(m, "free_memory") == free
    m.poweroff()


def again_and_again(m, name, config, rounds, look, last):
    """Create and destroy a guest in each round; in every look[0]th round its console must print look[1]. Memory and xenstore
    come back each time. At the end, the host's domains have no more slots, frames and objects than after the first round,
    and the guest of `last` works."""
    m.shell(f"create -p {config}")
    m.shell(f"destroy {name}")
    wait_gone(m)
    free, tree = info(m, "free_memory"), m.shell("xenstore-ls")
    for i in range(rounds):
        assert "create:" not in m.shell(f"create {config}"), m.tail()
        if i % look[0] == 0:
            attach(m, name, look[1])
        m.shell(f"destroy {name}")
        wait_gone(m)
        assert info(m, "free_memory") == free, f"round {i}"
        if i in (0, look[0]):  # the heap of control grows for the first of these lists
            had = resources(m)
    if rounds > look[0]:
        assert resources(m) == had
    assert "\nworks" in run_guest(m, last)
    wait_gone(m)
    assert info(m, "free_memory") == free
    assert m.shell("xenstore-ls") == tree
    assert "fault" not in m.shell("dmesg")
    m.poweroff()


def test_one_after_another(machine, build, tmp_path):
    """Guests are destroyed while they begin to boot; the last one still works."""
    guests = GuestDir(tmp_path / "g", build)
    volume = guests.add_image("data", size=1 << 20)
    config = guests.add_config("one", auto=False, memory=MEMORY, vcpus=2, disk=[f"{volume},xvda,w"], vif=["bridge=xenbr0"],
                               extra=boots("echo works"))
    m = machine(guests=guests)
    m.prompt()
    again_and_again(m, "one", config, ROUNDS, (4, "ACPI: No IOAPIC"), config)


def test_hundred_at_once(machine, build, tmp_path):
    """More guests than control's table has room for at first. control, started again, has all of them, and the last one runs."""
    guests = GuestDir(tmp_path / "g", build)
    kernel = guests.add_file(os.path.join(build.top, "guest", "rogue"), "rogue")
    config = guests.add_config("tiny", auto=False, kernel=kernel, ramdisk=None, extra="do=spin", memory=18)
    m = machine(guests=guests, mem="4G")
    m.prompt()
    m.shell(f"create -p {config}")  # the first guest leaves directories in xenstore
    m.shell("destroy tiny")
    wait_gone(m)
    free, tree = int(info(m, "free_memory")), m.shell("xenstore-ls")
    names = [f"n{i}" for i in range(100)]
    for name in names:
        assert "create:" not in m.shell(f"create -p {config} name={name}"), m.tail()
    before = listed(m)
    assert sorted(before) == sorted(names)
    m.shell("restart control")
    m.until(lambda: listed(m) == before, "the guests of control's life before")
    m.shell("unpause n99")
    attach(m, "n99", "rogue: spin")
    m.shell("destroy n99")
    assert "create:" not in m.shell(f"create -p {config} name=again"), m.tail()
    for name in [*names[:-1], "again"]:
        m.shell("destroy " + name)
    wait_gone(m)
    # 2 MiB have become a part of control's table, and some its own memory
    assert free - 5 <= int(info(m, "free_memory")) <= free - 2
    assert m.shell("xenstore-ls") == tree
    assert "fault" not in m.shell("dmesg")
    m.poweroff()


def test_hundred_in_a_row(machine, build, tmp_path):
    """More small guests than any table or log of the host can hold; a large guest still works afterwards."""
    guests = GuestDir(tmp_path / "g", build)
    small = rogue(guests, build, "small", "spin", memory=24)
    big = guests.add_config("big", auto=False, memory=MEMORY, extra=boots("echo works"))
    m = machine(guests=guests)
    m.prompt()
    again_and_again(m, "small", small, 100, (25, "rogue: spin"), big)
