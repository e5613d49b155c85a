# SPDX-License-Identifier: BSD-2-Clause
"""The cdrom drive of a stock Linux guest: empty at first, then with one medium after the other."""
import json

from guestkit import attach, info, listed, runs, tell, wait_gone
from harness import GuestDir

LABEL = "/dev/disk/by-partlabel/"


def has(m, sectors, text=None):
    """The guest's drive gets this size, and its medium begins with this text."""
    read = f"head -c {len(text)} /dev/xvdd" if text else "head -c 1 /dev/xvdd | wc -c"
    runs(m, f"until [ -b /dev/xvdd ] && [ $(cat /sys/block/xvdd/size) = {sectors} ]; do usleep 9; done; echo is-$({read})",
         f"is-{text or 0}\\b")


def params(m, domid):
    """What xenstore says is in the drive."""
    return m.shell(f"xenstore-read /local/domain/0/backend/vbd/{domid}/51760/params").strip()


def test_cd(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    for name, size in (("one", 1 << 20), ("two", 2 << 20)):
        guests.add_image(name, size, f"medium-{name}".encode())
    guests.add_config("web", auto=False, memory=96, disk=["vdev=xvdd,devtype=cdrom"], extra="console=hvc0 quiet")
    m = machine(guests=guests)
    m.prompt()
    free = info(m, "free_memory")
    m.shell("create /guests/web.cfg")
    attach(m, "web", r"guest: user space[^$]*# ")
    domid = listed(m)["web"][0]
    had = info(m, "free_memory")

    # the drive is there, and empty
    has(m, 0)
    assert params(m, domid) == ""
    rows = json.loads(m.shell("block-list --json web"))
    assert [(r["domid"], r["vdev"], r["backend"]) for r in rows] == [(domid, 51760, f"/local/domain/0/backend/vbd/{domid}/51760")]
    assert tell(m, "cd-eject web xvdd") == (1, "xvdd: the drive is empty")

    # media come and go; one takes the place of the other
    assert tell(m, f"cd-insert web xvdd {LABEL}one") == (0, "")
    has(m, 2048, "medium-one")
    assert params(m, domid) == LABEL + "one"
    assert tell(m, f"cd-insert web xvdd phy:{LABEL}two") == (0, "")
    has(m, 4096, "medium-two")
    assert params(m, domid) == LABEL + "two"
    assert '"pdev_path": "' + LABEL + "two" in m.shell("list -l web")
    assert tell(m, "cd-eject web xvdd") == (0, "")
    has(m, 0)
    assert params(m, domid) == "" and info(m, "free_memory") == had

    # what cannot be
    assert tell(m, f"cd-insert web xvdd {LABEL}none")[0] == 1
    assert tell(m, f"cd-insert web xvde {LABEL}one") == (1, f"domain {domid} has no cdrom drive xvde")
    has(m, 0)
    assert info(m, "free_memory") == had

    # a medium that the guest reads goes all the same, and storage may end meanwhile
    assert tell(m, f"cd-insert web xvdd {LABEL}two") == (0, "")
    has(m, 4096, "medium-two")
    runs(m, "while cat /dev/xvdd; do :; done >/dev/null 2>&1 & echo reads-$((40+2))", "reads-42")
    m.shell("restart storage")
    assert tell(m, "cd-eject web xvdd")[0] == 0
    has(m, 0)

    # a reboot keeps what is in the drive, and the drive itself can go
    assert tell(m, f"cd-insert web xvdd {LABEL}one") == (0, "")
    m.shell("reboot -w web")
    m.until(lambda: listed(m).get("web", (0,))[0] == domid + 1, "the next life of the guest")
    attach(m, "web", r"guest: user space[^$]*# ")
    has(m, 2048, "medium-one")
    assert tell(m, "cd-eject web xvdd") == (0, "")
    has(m, 0)
    assert tell(m, "block-detach web xvdd") == (0, "")
    runs(m, "while [ -b /dev/xvdd ]; do usleep 9; done; echo gone-$((40+2))", "gone-42")
    assert tell(m, "block-attach web ,,xvdd:cdrom,r") == (0, "")
    has(m, 0)
    assert tell(m, f"cd-insert web xvdd {LABEL}two") == (0, "")
    has(m, 4096, "medium-two")
    m.shell("destroy web")
    wait_gone(m)
    assert info(m, "free_memory") == free
    m.poweroff()
