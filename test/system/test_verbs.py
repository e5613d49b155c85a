# SPDX-License-Identifier: BSD-2-Clause
"""What an administrator types: verbs that look at a stock Linux guest or act on it, and their exit statuses."""
import json
import re

from guestkit import attach, enter, leave, listed, status
from harness import PROMPT, GuestDir

UUID = "11111111-2222-4333-8444-555555555555"


def test_verbs(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    guests.add_image("data", size=1 << 20)
    guests.add_config("web", auto=False, memory=96, vcpus=1, maxvcpus=2, uuid=UUID, extra="console=hvc0",
                      disk=["phy:/dev/disk/by-partlabel/data,xvda,w"], vif=["mac=00:16:3e:00:00:21"])
    m = machine(guests=guests)
    m.prompt()
    assert status(m, "create /guests/web.cfg") == 0
    attach(m, "web", r"guest: user space[^$]*# ")
    domid = listed(m)["web"][0]

    header, row = m.shell("vm-list").splitlines()
    assert header.split() == ["UUID", "ID", "name"] and row.split() == [UUID, str(domid), "web"]
    # Linux has connected both devices; it names a port of its own for each
    m.until(lambda: m.shell("block-list web").splitlines()[1].split()[3] == "4", "the disk's front end")
    vdev, back, handle, state, port, ring, path = m.shell("block-list web").splitlines()[1].split()
    assert (vdev, back, handle, state, path) == ("51712", "0", str(domid), "4", f"/local/domain/0/backend/vbd/{domid}/51712")
    assert m.shell(f"xenstore-read {path}/state") == "4" and int(port) >= -1 and int(ring) >= -1
    m.until(lambda: m.shell("network-list web").splitlines()[1].split()[4] == "4", "the vif's front end")
    index, back, mac, handle, state, _, rings, path = m.shell("network-list web").splitlines()[1].split()
    assert (index, back, mac, handle, path) == ("0", "0", "00:16:3e:00:00:21", "0", f"/local/domain/0/backend/vif/{domid}/0")
    assert all(int(ring) > 0 for ring in rings.split("/")), rings

    # what it did with them
    enter(m, "web", "")
    m.send("dd if=/dev/xvda of=/dev/null bs=4096 count=16 2>/dev/null; echo read-$((40+2))\r")
    m.expect("read-42")
    leave(m)
    head, host, row = (line.split() for line in m.shell("top -b -i 1").replace("no limit", "-").splitlines())
    web, host = dict(zip(head, row)), dict(zip(head, host))
    assert len(head) == len(row) == 19 and host["NAME"] == "Domain-0" and host["VCPUS"] == "2"
    assert web["NAME"] == "web" and web["MAXMEM(k)"] == str(96 << 10) and web["VCPUS"] == web["NETS"] == web["VBDS"] == "1"
    assert int(web["VBD_RD"]) > 0 and int(web["VBD_RSECT"]) >= 128 and web["VBD_WSECT"] == "0"
    # the same as JSON, with the parts of the guest
    host, web = json.loads(m.shell("top --json -i 1 -n -x -s cpu"))
    assert host["name"] == "Domain-0" and web["name"] == "web" and web["domid"] == int(domid) and web["max_memory_kib"] == 96 << 10
    assert web["vif_list"][0]["devid"] == 0 and web["vbd_list"][0]["vdev"] == 51712 and web["vbd_list"][0]["reads"] > 0
    exits = {row["reason"]: row["count"] for row in json.loads(m.shell("exits --json web"))}
    assert exits["HLT"] > 0 and exits["HYPERCALL"] > 0 and exits["CPUID"] > 0, exits
    assert re.search(r"^all +[0-9]+$", m.shell("exits web"), re.M)
    said = m.shell("xl -N block-attach web phy:/dev/disk/by-partlabel/data xvdb r")
    assert json.loads(said.removeprefix("disk: "))["vdev"] == "xvdb" and "51728" not in m.shell("block-list web")
    m.line("top -d 1")
    for _ in range(2):
        m.expect(r"xentop - \d\d:\d\d:\d\d   Xen 4\.17")
    m.send("b")
    m.expect(r"VBD BlkBack 51712 \[ca: 0\]")
    m.send("q")
    m.expect(PROMPT)

    # a vCPU more, which the NMI below finds, and in the end one less
    enter(m, "web", "")
    m.send("echo cpus-$(nproc)\r")
    m.expect("cpus-1")
    leave(m)
    assert status(m, "vcpu-set web 2") == 0 and status(m, "vcpu-set web 3") == 1
    enter(m, "web", "")
    # Linux shows it; a rule of udev, or who there is, sets it online
    m.send("while ! echo 1 2>&1 >/sys/devices/system/cpu/cpu1/online; do usleep 9; done 2>/dev/null; echo two-$((40+$(nproc)))\r")
    m.expect("two-42")
    leave(m)

    # the guest's kernel answers to keys and to an NMI
    assert status(m, "sysrq web h") == 0
    attach(m, "web", r"sysrq: HELP : ")
    assert status(m, "trigger web nmi 1") == 0
    attach(m, "web", r"NMI received for unknown reason [0-9a-f]+ on CPU 1")
    assert status(m, "trigger web power") == 1 and status(m, "trigger web nmi 7") == 1
    enter(m, "web", "")
    m.send("echo alive-$((40+2))\r")
    m.expect("alive-42")
    leave(m)

    for command, code in (("domid web", 0), ("list nobody", 1), ("rename web", 2), ("migrate web other", 1), ("xl -vf domname 0", 0),
                          ("xl --help", 0), ("help pci-list", 0), ("list | grep -c nothing", 0)):
        assert status(m, command) == code, command
    assert re.match(r"migrate: not on this host: \w", m.shell("xl migrate web other"))
    assert '"c_info"' in m.shell("xl -N create /guests/web.cfg name=other")

    assert status(m, "vcpu-set web 1") == 0
    enter(m, "web", "")
    m.send("while [ $(nproc) != 1 ]; do usleep 9; done; echo one-$((40+2))\r")
    m.expect("one-42")
    leave(m)
    m.until(lambda: listed(m)["web"][2] == 1, "the end of the vCPU that Linux has let go of")

    assert "volume data" in m.shell("dmesg -c")
    assert "volume data" not in m.shell("dmesg")
    assert status(m, "shutdown -w web") == 0
    assert listed(m) == {}
    m.poweroff()
