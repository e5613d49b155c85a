"""Guests that end badly or misbehave, while a bystander computes and does disk I/O and must not notice."""
from guestkit import attach, boots, compile_tool, enter, info, leave, listed, ramdisk, wait_gone
from harness import GuestDir

# checks its own work for ever; a wrong sum or a kernel that complains is the end of it
BYSTANDER = """#!/bin/sh
head -c 4194304 /dev/urandom >/tmp/data
good=$(sha256sum </tmp/data)
n=0
while :; do
	dd if=/tmp/data of=/dev/xvda bs=64k conv=fsync 2>/dev/null || echo BROK""EN
	echo 3 >/proc/sys/vm/drop_caches
	[ "$(head -c 4194304 /dev/xvda | sha256sum)" = "$good" ] || echo BROK""EN
	n=$((n + 1))
	echo "bystander round $n"
done
"""

BUSY = """#!/bin/sh
while :; do dd if=/dev/zero of=/dev/xvda bs=256k count=16 conv=fsync 2>/dev/null; echo busy; done
"""


def test_hostile(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    calm = guests.add_image("calm", size=4 << 20)
    rough = guests.add_image("rough", size=4 << 20)
    image = ramdisk(guests, "hostile", {"bystander": BYSTANDER, "busy": BUSY, "scribble": compile_tool("scribble", tmp_path)})
    common = {"auto": False, "ramdisk": image, "vif": ["bridge=xenbr0"]}
    guests.add_config("calm", memory=128, disk=[f"{calm},xvda,w"], extra=boots("/bystander"), **common)
    for name, script in (("crash", "echo c >/proc/sysrq-trigger"), ("busy", "/busy"), ("scribble", "/scribble")):
        guests.add_config(name, memory=96, vcpus=2, disk=[f"{rough},xvda,w"], extra=boots(script, end="halt"), **common)
    m = machine(guests=guests)
    m.prompt()
    m.shell("create /guests/calm.cfg")
    attach(m, "calm", r"bystander round \d+")
    free = info(m, "free_memory")

    events = iter(range(100))

    def undisturbed(memory_too=True):
        """What it echoes is from now; two more of its rounds must follow."""
        mark = f"mark{next(events)}"
        enter(m, "calm", r"bystander round \d+")
        m.send(mark + "\r")
        m.expect(mark)
        m.expect(r"bystander round \d+\s+bystander round \d+\s")
        leave(m)
        assert "BROKEN" not in m.text, m.tail()
        assert not memory_too or info(m, "free_memory") == free

    # it crashes by itself
    m.line("create -c /guests/crash.cfg")
    m.prompt()
    wait_gone(m, "crash")
    undisturbed()
    # ended from outside: paused, before its kernel runs, in the middle of disk writes, after it scribbled over its memory
    m.shell("create -p /guests/busy.cfg")
    m.shell("destroy busy")
    wait_gone(m, "busy")
    m.shell("create /guests/busy.cfg")
    attach(m, "busy", "^busy")
    m.shell("destroy busy")
    wait_gone(m, "busy")
    undisturbed()
    m.line("create -c /guests/scribble.cfg")
    m.expect("scribbling")
    leave(m)
    undisturbed(memory_too=False)
    mark = m.pos
    attach(m, "scribble", "scribbling")
    assert "no page can be mapped" not in m.since(mark), "nothing was scribbled over"
    m.shell("destroy scribble")
    wait_gone(m, "scribble")
    undisturbed()
    assert set(listed(m)) == {"calm"}
    log = m.shell("dmesg")
    assert "fault" not in log and "ended with code" not in log, log
    m.shell("destroy calm")
    wait_gone(m)
    m.poweroff()
