# SPDX-License-Identifier: BSD-2-Clause
"""Disks, vifs, vCPUs and memory that a stock Linux guest gets and loses while it runs, boots again, or ends."""
import json
import os

from guestkit import attach, enter, info, leave, listed, runs, tell, wait_gone
from harness import PROMPT, GuestDir

CYCLES = int(os.environ.get("SKERRY_PLUGS", "5"))  # make soak: 1000
VIF_LOSS = 1.1  # MiB that Linux loses with each vif: docs/reliability.md
DISK = "phy:/dev/disk/by-partlabel/data"
MAC = "00:16:3e:00:00:31"


def resources(m):
    """What the guest's VMM has, and the memory that is free."""
    return json.loads(m.shell("list -l web"))[0]["resources"], info(m, "free_memory")


def same(now, then, memory):
    """Is that the same, but for RAM? The VMM makes a piece of it, two frames in two slots for 2 MiB, when it is touched first."""
    (vmm, free), (vmm_then, free_then) = now, then
    more = vmm["frames"] - vmm_then["frames"]
    moved = {"frames": -more, "slots_used": -more, "slots_free": more}
    return free == free_then and 0 <= more <= memory and more % 2 == 0 and {k: v + moved.get(k, 0) for k, v in vmm.items()} == vmm_then


def plug_and_unplug(m, n):
    """A disk that is written and read back, and a vif; then both go."""
    assert tell(m, f"block-attach web {DISK},xvdb,w") == (0, "")
    # the node of the disk is there before it can be opened
    runs(m, f"while [ ! -b /dev/xvdb ] || ! echo text-{n} 1<>/dev/xvdb; do usleep 9; done 2>/dev/null; sync; "
            f"head -c {len(f'text-{n}')} /dev/xvdb; echo :$((40+{n}))", f"text-{n}\\r?\\n?:{40 + n}")
    assert tell(m, f"network-attach web mac={MAC}") == (0, "")
    runs(m, f"while ! grep -q {MAC} /sys/class/net/*/address; do usleep 9; done; echo vif-$((40+{n}))", f"vif-{40 + n}")
    assert len(m.shell("block-list web").splitlines()) == 2 and len(m.shell("network-list web").splitlines()) == 2
    assert tell(m, f"network-detach web {MAC if n % 2 else 0}") == (0, "")
    assert tell(m, "block-detach web xvdb") == (0, "")
    runs(m, f"while [ -b /dev/xvdb ]; do usleep 9; done; echo gone-$((40+{n}))", f"gone-{40 + n}")


# writes all the time, and ends with the disk (when its node is gone, dd makes a file there)
BUSY = ("n=0; while [ -b /dev/xvdb ] && dd if=/tmp/data of=/dev/xvdb bs=64k conv=fsync; do n=$((n+1)); echo round $n; done 2>/dev/null; "
        "while [ -b /dev/xvdb ]; do usleep 9; done; rm -f /dev/xvdb; echo over-$((40+2))")


def take_away_while_busy(m, options):
    """A disk goes while requests are under way: they end, and the guest gets another disk afterwards."""
    assert tell(m, f"block-attach web {DISK} xvdb w") == (0, "")
    runs(m, "while [ ! -b /dev/xvdb ] || ! head -c 1 /dev/xvdb >/dev/null; do usleep 9; done 2>/dev/null; "
            f"head -c 1048576 /dev/zero >/tmp/data; ({BUSY}) &", r"round 2\s")
    assert tell(m, f"block-detach {options} web xvdb") == (0, "")
    attach(m, "web", "over-42")


def test_plug(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    guests.add_image("data", size=1 << 20)
    memory = 96 + int(CYCLES * VIF_LOSS)
    guests.add_config("web", auto=False, memory=memory, extra="console=hvc0 quiet")
    m = machine(guests=guests, mem=f"{1024 + memory}M")
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/web.cfg")
    attach(m, "web", r"guest: user space[^$]*# ")
    domid = listed(m)["web"][0]
    plug_and_unplug(m, 0)
    before, tree = resources(m), m.shell("xenstore-ls -f | grep -v 'control/\\|memory/\\|data'")
    for n in range(1, CYCLES):
        plug_and_unplug(m, n)
    assert same(resources(m), before, memory)
    assert m.shell("xenstore-ls -f | grep -v 'control/\\|memory/\\|data'") == tree
    assert f"/local/domain/{domid}/device/vbd/51728" not in tree

    # what cannot be
    assert tell(m, "block-attach web phy:/dev/disk/by-partlabel/none,xvdb,w")[0] == 1
    assert tell(m, "block-detach web xvdb") == (1, f"domain {domid} has no disk 'xvdb'")
    assert same(resources(m), before, memory)

    # Linux lets go of a disk that is open
    assert tell(m, f"block-attach web {DISK} xvdb w") == (0, "")
    runs(m, "while [ ! -b /dev/xvdb ] || ! head -c 1 /dev/xvdb >/dev/null; do usleep 9; done 2>/dev/null; exec 9<>/dev/xvdb; "
            "echo open-$((40+2))", "open-42")
    assert tell(m, "block-detach web xvdb") == (0, "")
    runs(m, "while [ -b /dev/xvdb ]; do usleep 9; done; exec 9>&-; echo closed-$((40+2))", "closed-42")
    for options in ("", "-f", "-f"):
        take_away_while_busy(m, options)
    # a guest that stands still lets go of nothing: its disk stays, or is taken away
    assert tell(m, f"block-attach web {DISK} xvdb w") == (0, "")
    # it is read, so that the guest has looked for partitions: a request that is under way stays so when the disk is taken away
    runs(m, "while [ ! -b /dev/xvdb ] || ! head -c 1 /dev/xvdb >/dev/null; do usleep 9; done 2>/dev/null; echo there-$((40+2))", "there-42")
    m.shell("pause web")
    code, said = tell(m, "block-detach web xvdb")
    assert code == 1 and "has not let go of it" in said, said
    assert len(m.shell("block-list web").splitlines()) == 2
    assert tell(m, "block-detach -f web xvdb") == (0, "")
    assert len(m.shell("block-list web").splitlines()) == 1
    m.shell("unpause web")
    runs(m, "while [ -b /dev/xvdb ]; do usleep 9; done; echo gone-$((40+2))", "gone-42")
    assert same(resources(m), before, memory)

    # the guest keeps what it has when it reboots, and its end gives everything back
    assert tell(m, f"block-attach web {DISK},xvdc,w") == (0, "")
    m.shell("reboot -w web")
    m.until(lambda: listed(m).get("web", (0,))[0] == domid + 1, "the next life of the guest")
    attach(m, "web", r"guest: user space[^$]*# ")
    runs(m, "ls /dev/xvdc; echo listed-$((40+2))", r"/dev/xvdc\s+listed-42")
    assert tell(m, f"network-attach web mac={MAC}") == (0, "")
    m.shell("destroy web")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


# a rule of udev, or who there is, sets a new vCPU online
SET_ONLINE = "for c in 1 2 3; do echo 1 >/sys/devices/system/cpu/cpu$c/online; done 2>/dev/null"


def size_and_back(m, n, mib):
    """Four vCPUs and more memory, then one and less."""
    assert tell(m, "vcpu-set -i web 4") == (0, "")
    runs(m, f"while {SET_ONLINE}; [ $(nproc) != 4 ]; do usleep 9; done; echo four-$((40+{n}))", f"four-{40 + n}")
    m.shell(f"mem-set web {mib + 32}")
    m.until(lambda: listed(m)["web"][1] >= mib + 31, "more memory")
    m.shell(f"mem-set web {mib - 8}")
    m.until(lambda: listed(m)["web"][1] <= mib - 8, "less memory")
    m.shell("vcpu-set web 1")
    runs(m, f"while [ $(nproc) != 1 ]; do usleep 9; done; echo one-$((40+{n}))", f"one-{40 + n}")


def test_plug_size(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    guests.add_config("web", auto=False, memory=112, maxmem=160, vcpus=1, maxvcpus=4,
                      extra="console=hvc0 quiet memhp_default_state=online")
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/web.cfg")
    attach(m, "web", r"guest: user space[^$]*# ")
    size_and_back(m, 0, 112)
    (before, held), tree = resources(m), m.shell("xenstore-ls -f | grep -v 'control/\\|memory/\\|data'")
    for n in range(1, CYCLES):
        size_and_back(m, n, 112)
    # the VMM keeps a view of each chunk of 2 MiB in which the guest's balloon has ever had a page
    chunks = 160 // 2
    after, still_held = resources(m)
    assert still_held == held
    for what, each in (("frames", 1), ("objects", 1), ("slots_used", 4)):
        assert after[what] <= before[what] + each * chunks, (before, after)
    assert m.shell("xenstore-ls -f | grep -v 'control/\\|memory/\\|data'") == tree
    m.shell("destroy web")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()


def begins(m, command):
    """Begin a command and leave it: it goes on, or is refused, and what follows meets it half done."""
    m.line(command)
    m.send("\x03")
    m.line("echo left-$?")
    m.expect(r"^left-")
    m.expect(r"(?:^|(?<=\n))" + PROMPT)


CHANGES = [f"block-attach web {DISK},xvdb,w", f"network-attach web mac={MAC}", "vcpu-set web 2", "mem-set web 104", "block-detach -f web xvdb",
           "network-detach web 0", "vcpu-set web 1", "mem-set web 112"]


def test_plug_end(machine, build, tmp_path):
    """A guest is killed, or boots again, while all of that comes and goes, at different moments of its boot."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_image("data", size=1 << 20)
    guests.add_config("web", auto=False, memory=112, vcpus=1, maxvcpus=2, extra="console=hvc0")
    m = machine(guests=guests)
    m.prompt()
    m.shell("create -p /guests/web.cfg")  # the first guest leaves directories in xenstore
    m.shell("destroy web")
    wait_gone(m)
    free, tree = info(m, "free_memory"), m.shell("xenstore-ls")
    for n in range(CYCLES):
        m.shell("create /guests/web.cfg")
        moment = (None, "ACPI: No IOAPIC", "xen_netfront|xen:evtchn|Freeing unused", r"guest: user space[^$]*# ")[n % 4]
        if moment:
            attach(m, "web", moment)
        for i in range(n % len(CHANGES) + 1):
            begins(m, CHANGES[(n // 4 + i) % len(CHANGES)])
        if n % 4 == 3:
            enter(m, "web", "")
            m.send("reboot -f\r")
            leave(m)
            begins(m, CHANGES[n // 4 % len(CHANGES)])
        m.shell("destroy web")
        wait_gone(m)
        assert info(m, "free_memory") == free, f"round {n}"
    assert m.shell("xenstore-ls") == tree
    assert "fault" not in m.shell("dmesg")
    m.shell("create /guests/web.cfg")
    attach(m, "web", r"guest: user space[^$]*# ")
    m.shell("destroy web")
    wait_gone(m)
    m.poweroff()
