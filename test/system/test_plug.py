# SPDX-License-Identifier: BSD-2-Clause
"""Disks and vifs that a stock Linux guest gets and loses while it runs."""
import json
import os

from guestkit import attach, info, listed, runs, tell, wait_gone
from harness import GuestDir

CYCLES = int(os.environ.get("SKERRY_PLUGS", "5"))  # make soak: 1000
DISK = "phy:/dev/disk/by-partlabel/data"
MAC = "00:16:3e:00:00:31"


def resources(m):
    """What the guest's VMM has, and the memory that is free."""
    return json.loads(m.shell("list -l web"))[0]["resources"], info(m, "free_memory")


def plug_and_unplug(m, n):
    """A disk that is written and read back, and a vif; then both go."""
    assert tell(m, f"block-attach web {DISK},xvdb,w") == (0, "")
    # the node of the disk is there before it can be opened
    runs(m, f"while [ ! -b /dev/xvdb ] || ! echo text-{n} 1<>/dev/xvdb; do usleep 9; done 2>/dev/null; sync; "
            f"head -c 6 /dev/xvdb; echo :$((40+{n}))", f"text-{n}\\r?\\n?:{40 + n}")
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
    guests.add_config("web", auto=False, memory=96, extra="console=hvc0 quiet")
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/web.cfg")
    attach(m, "web", r"guest: user space[^$]*# ")
    domid = listed(m)["web"][0]
    plug_and_unplug(m, 0)
    before, tree = resources(m), m.shell("xenstore-ls -f | grep -v 'control/\\|memory/\\|data'")
    for n in range(1, CYCLES):
        plug_and_unplug(m, n)
    assert resources(m) == before
    assert m.shell("xenstore-ls -f | grep -v 'control/\\|memory/\\|data'") == tree
    assert f"/local/domain/{domid}/device/vbd/51728" not in tree

    # what cannot be
    assert tell(m, "block-attach web phy:/dev/disk/by-partlabel/none,xvdb,w")[0] == 1
    assert tell(m, "block-detach web xvdb") == (1, f"domain {domid} has no disk 'xvdb'")
    assert resources(m) == before

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
    assert resources(m) == before

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
