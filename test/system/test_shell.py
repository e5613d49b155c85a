# SPDX-License-Identifier: BSD-2-Clause
"""The control shell: verbs without a guest, and configurations that must be refused without leaving anything behind."""
import json
import os
import re

import pytest

from guestkit import info, listed
from harness import GuestDir

GOOD = {"name": '"bad"', "type": '"pvh"', "memory": "64", "kernel": '"/guests/vmlinuz-cloud-amd64"'}

# (change to a good configuration, key that the message must name, words of the message);
# the changed key is the last one in the file
BAD_KEYS = [
    ({"pci": "[ '01:05.1' ]"}, "pci", "cannot be given"),
    ({"memory": '"lots"'}, "memory", "not a number"),
    ({"memory": "0"}, "memory", "out of range"),
    ({"maxmem": "32"}, "maxmem", "less than memory"),
    ({"vcpus": "900"}, "vcpus", "out of range"),
    ({"vcpus": "[ 1 ]"}, "vcpus", "number"),
    ({"type": '"hvm"'}, "type", "pvh"),
    ({"type": '"qemu"'}, "type", "unknown guest type"),
    ({"name": '"a/b"'}, "name", "cannot contain"),
    ({"name": '"12"'}, "name", "domain id"),
    ({"uuid": '"1-2-3"'}, "uuid", "UUID"),
    ({"on_crash": '"panic"'}, "on_crash", "unknown action"),
    ({"cpu_weight": "0"}, "cpu_weight", "out of range"),
    ({"disk": '"phy:/dev/disk/by-partlabel/data,xvda,w"'}, "disk", "list"),
    ({"disk": "[ 'phy:/dev/disk/by-partlabel/data,xvda,x' ]"}, "disk", "access"),
    ({"disk": "[ 'phy:/dev/disk/by-partlabel/data,nonsense,w' ]"}, "disk", "nonsense"),
    ({"disk": "[ 'format=vmdk,vdev=xvda,target=/dev/disk/by-partlabel/data' ]"}, "disk", "vmdk"),
    ({"vif": "[ 'mac=zz:zz' ]"}, "vif", "mac"),
    ({"vif": "[ 'rate=9' ]"}, "vif", "rate"),
]

# keys that xl ignores: the guest would be made, and a remark names the key
REMARKS = [
    ({"flavour": '"sweet"'}, "flavour", "unknown key, ignored"),
    ({"serial": '"pty"'}, "serial", "only hvm"),
    ({"display": '":0"'}, "display", "only hvm"),
    ({"slice": "3"}, "slice", "has no effect"),
    ({"vif2": "[ '' ]"}, "vif2", "only older tools"),
    ({"vif": "[ 'speed=9' ]"}, "vif", "entry 0: unknown, ignored as by xl: 'speed'"),
]

# five mistakes, each with its line and key, and correct lines between them
MANY = """import os, re
name = "many"
type = "pvh"
kernel = "/guests/vmlinuz-cloud-amd64"
memory = "lots"
serial = "pty"
vcpus = many
disk = [ 'phy:/dev/vg/w,ioemu:hda,w', \\
         'x' ]
install-method = x
"""

# configurations that are correct and cannot be built
BAD_THINGS = [
    ({"kernel": '"/guests/missing"'}, "/guests/missing' does not exist"),
    ({"ramdisk": '"/guests/missing"'}, "/guests/missing' does not exist"),
    ({"kernel": '"/guests/text"'}, "kernel"),
    ({"disk": "[ 'phy:/dev/disk/by-partlabel/absent,xvda,w' ]"}, "no partition named 'absent'"),
    ({"disk": "[ 'phy:/dev/disk/by-partlabel/guests,xvda,w' ]"}, "in use by another guest or the host"),
    ({"disk": "[ 'phy:/dev/disk/by-partlabel/data,xvda,w', 'phy:/dev/disk/by-partlabel/absent,xvdb,w' ]"}, "'absent'"),
    ({"vif": "[ 'bridge=nobr' ]"}, "no bridge 'nobr'"),
    ({"memory": "100000"}, "memory"),
]

BAD_SYNTAX = [
    ("name = 'x\n", 1, "quote"),
    ("name = \"x\"\ntype = pvh\n", 2, "quotes"),
    ("name = \"x\"\n\ndisk = [ 'a',\n", 3, "add ]"),
    ("name = \"x\"\n= 5\n", 2, "key"),
    ("memory 64\n", 1, "="),
    ("memory = -5\n", 1, "negative"),
    ("name = \"x\" type = \"pvh\"\n", 1, "line of its own"),
]

TEXT = "".join(f"line {i} of a file that is no kernel\n" for i in range(100))


def config_text(change):
    keys = {k: v for k, v in GOOD.items() if k not in change}
    keys.update(change)
    return "".join(f"{k} = {v}\n" for k, v in keys.items() if v is not None)


@pytest.fixture
def guests(build, tmp_path):
    g = GuestDir(tmp_path / "g", build)
    g.add_linux()
    g.add_image("data", size=1 << 20)

    def write(name, text):
        with open(os.path.join(g.path, name), "w") as f:
            f.write(text)

    write("text", TEXT)
    for i, (change, *_) in enumerate(BAD_KEYS):
        write(f"key{i}.cfg", config_text(change))
    for i, (change, *_) in enumerate(REMARKS):
        write(f"remark{i}.cfg", config_text(change))
    write("many.cfg", MANY)
    write("sum.cfg", config_text({}) + "memory += 256\n")
    for i, (change, _) in enumerate(BAD_THINGS):
        write(f"thing{i}.cfg", config_text(change))
    for i, (text, *_) in enumerate(BAD_SYNTAX):
        write(f"syntax{i}.cfg", text)
    write("notype.cfg", 'name = "x"\nkernel = "/guests/vmlinuz-cloud-amd64"\n')
    write("noname.cfg", 'type = "pvh"\nkernel = "/guests/vmlinuz-cloud-amd64"\n')
    write("nokernel.cfg", 'name = "x"\ntype = "pvh"\n')
    write("good.cfg", config_text({}))
    write("auto/start.xl", "# once, after the start\necho the host has $? started\n")
    write("do.xl", "domid 0; domid nobody\nedit typed\nmemory = 96\n.\nsleep 1\nedit -s typed; edit -r typed\n"
                   "watch -b -i 2 1 list | match -c Domain-0\n")
    write("bad.xl", "echo one\necho 'two\necho three\n")
    return g


def check_json(m):
    """The same tables as JSON."""
    def rows(command):
        return json.loads(m.shell(command + " --json"))

    host = rows("list -v")[0]
    assert (host["name"], host["domid"], host["vcpus"], host["state"]) == ("Domain-0", 0, 2, "r-----")
    assert rows("info")["nr_cpus"] == 2 and list(rows("info free")) == ["free_memory", "free_cpus"]
    assert [(r["vcpu"], r["cpu"]) for r in rows("vcpu-list")] == [(0, 0), (1, 1)]
    assert {"shell", "storage"} <= {r["name"] for r in rows("list-services") if r["state"] == "running"}
    uptime, = rows("uptime")  # 0 in the host's first second
    assert rows("vm-list") == [] and uptime["name"] == "Domain-0" and 0 <= uptime["uptime"] < 3600
    assert any(r["kind"] == "thread" for r in rows("caps shell"))
    assert {"name": "text", "type": "file", "size": len(TEXT)} in rows("ls /guests")
    assert rows("xenstore-ls -p /tool") == [{"path": f"/tool/{k}", "value": v, "permissions": "n0"} for k, v in (("a", "one"), ("b", "two"))]
    assert rows("xenstore-read /tool/a") == [{"path": "/tool/a", "value": "one"}]
    assert rows("xenstore-list /tool") == [{"parent": "/tool", "name": "a"}, {"parent": "/tool", "name": "b"}]


def check_verbs(m):
    header, host = m.shell("list").splitlines()
    assert header.split() == ["Name", "ID", "Mem", "VCPUs", "State", "Time(s)"]
    assert re.fullmatch(r"Domain-0 +0 +\d+ +2 +r----- +\d+\.\d", host), host
    assert m.shell("xl list").splitlines()[0] == header
    assert info(m, "nr_cpus") == "2"
    assert info(m, "xen_version") == "4.17-skerry"
    assert 0 < int(info(m, "free_memory")) < int(info(m, "total_memory")) <= 2048
    names = m.shell("ls /guests").splitlines()
    assert {"auto/", "good.cfg", "text", "vmlinuz-cloud-amd64"} <= set(names) and "data.img" not in names
    assert f"{len(TEXT)} text" in m.shell("ls -l /guests")
    assert m.shell("cat /guests/text") + "\n" == TEXT
    assert m.shell("ls /") == m.shell("ls") == "guests/"
    assert "not a file" in m.shell("cat /guests") and "not a directory" in m.shell("ls /guests/text")
    helped = m.shell("help")
    for verb in ("create list console pause unpause shutdown reboot destroy domid domname rename info dmesg uptime vcpu-list sysrq trigger vm-list "
                 "list-services restart kill xenstore-ls xenstore-read xenstore-write xenstore-rm xenstore-list poweroff reboot-host ls cat "
                 "block-list network-list cd-insert cd-eject mem-set save restore caps echo help").split():
        assert re.search(rf"^ {verb} +\w", helped, re.M), f"help does not name {verb}"
        assert m.shell("help " + verb).startswith("Usage: " + verb)
    assert "(storage) volume data: 1 MiB" in m.shell("dmesg")
    assert m.shell("domid Domain-0") == "0" and m.shell("domname 0") == "Domain-0"
    m.shell("xenstore-write /tool/a one /tool/b two")
    check_json(m)
    assert m.shell("xenstore-read /tool/a /tool/b") == "one\ntwo"
    assert m.shell("xenstore-list /tool") == "a\nb"
    m.shell("xenstore-rm /tool/a /tool/b")
    assert m.shell("xenstore-list /tool") == ""


def check_editing(m):
    """Each line prints the name of Domain-0, in whatever way it was typed."""
    up, left, ctrl_a, ctrl_c, backspace = "\x1b[A", "\x1b[D", "\x01", "\x03", "\x7f"
    keys = ["domn\t0", up, "uptime" + ctrl_c + up, "xdomname 9" + backspace + "0" + ctrl_a + "\x04", "dommame 0" + left * 5 + backspace + "n",
            "'domname' \"0\""]
    assert m.shell("domname 0") == "Domain-0"
    for typed in keys:
        m.line(typed)
        m.expect(r"^Domain-0$")
        m.prompt()
    assert m.shell("cat /gu\tte\t") + "\n" == TEXT
    m.shell("xenstore-write /tool/text 'two  words' /tool/more \"it's\"")
    assert m.shell("xenstore-read /tool/text /tool/more") == "two  words\nit's"
    m.shell("xenstore-rm /tool/text /tool/more")
    assert "quote" in m.shell("'unclosed")


def check_lines(m):
    """Long lines, several commands in a line, and filters."""
    assert m.shell("domid 0; domname 0;; xenstore-write /tool/a 1; xenstore-read /tool/a") == "0\nDomain-0\n1"
    assert m.shell("list | grep -v Name | grep -c ^Domain-0") == "1"
    assert m.shell("cat text | grep 'line 7 '") == "line 7 of a file that is no kernel"
    assert m.shell("dmesg | grep 'volume data: 1 MiB'").endswith("(storage) volume data: 1 MiB")
    assert "only grep and match" in m.shell("list | less")
    assert "redirection" in m.shell("list > /tool/a")
    value = "v" * 2000
    assert m.shell(f"xenstore-write /tool/a {value}") == ""
    assert m.shell("xenstore-read /tool/a") == value
    assert "this one is not run" in m.shell(f"xenstore-write /tool/a {'w' * 9000}")
    assert m.shell("xenstore-read /tool/a") == value
    m.shell("xenstore-rm /tool/a")


def check_scripts(m):
    """Lines from a file run as typed ones do, and end with a message that says where."""
    said = m.shell("source do.xl; echo after").splitlines()
    assert said[0] == "0" and "nobody" in said[1] and said[-4:] == ["memory = 96", "1", "1", "after"], said
    said = m.shell("source bad.xl; echo $?")
    assert said.startswith("one\n/guests/bad.xl:2: ") and said.endswith("\n2"), said
    assert "does not only look" in m.shell("watch 1 poweroff")
    m.line("watch 1 domname 0")
    for _ in range(2):
        m.expect(r"^Every 1 s: domname$")
    m.send("\x03")
    m.prompt()


def check_vif_address(m):
    m.shell("create -p good.cfg name=addressed memory=256 'vif=[\"ip=192.0.2.7,mac=00:16:3e:a0:0:8,bridge=xenbr0\"]'")
    domid = m.shell("domid addressed")
    assert m.shell(f"xenstore-read /local/domain/0/backend/vif/{domid}/0/ip") == "192.0.2.7"
    assert m.shell(f"xenstore-read /local/domain/{domid}/device/vif/0/mac") == "00:16:3e:a0:00:08"
    m.shell("destroy addressed")


def check_bad_commands(m):
    assert "no such command" in m.shell("bogus")
    assert "usage: list" in m.shell("list --bogus")
    assert "missing" in m.shell("xenstore-read")
    assert "too many" in m.shell("domid a b")
    for verb in "console pause unpause shutdown reboot destroy".split():
        said = m.shell(f"{verb} nobody")
        assert "nobody" in said, f"{verb}: {said}"
        assert "Domain-0" in m.shell(f"{verb} 0")
    assert "/guests/none" in m.shell("cat /guests/none")
    assert "/guests/none" in m.shell("ls /guests/none")
    assert "/guests/none.cfg" in m.shell("create /guests/none.cfg")
    assert "/nothing" in m.shell("xenstore-read /nothing")
    m.shell("x" * 3000)
    m.shell("\x00\x01\x7f\x1b[A\x1b[Z\xc3\x28")
    assert m.shell("domname 0") == "Domain-0"  # the shell still works


def check_bad_configurations(m):
    for i, (change, key, words) in enumerate(BAD_KEYS):
        said = m.shell(f"create /guests/key{i}.cfg")
        line = config_text(change).count("\n")
        assert f"/guests/key{i}.cfg:{line}: key '{key}'" in said and words in said, f"{change}: {said}"
    for i, (_, line, words) in enumerate(BAD_SYNTAX):
        said = m.shell(f"create /guests/syntax{i}.cfg")
        assert f"/guests/syntax{i}.cfg:{line}: " in said and words in said, f"{BAD_SYNTAX[i]}: {said}"
    for i, (change, key, words) in enumerate(REMARKS):
        said = m.shell(f"create -n remark{i}.cfg")
        line = config_text(change).count("\n")
        assert f"/guests/remark{i}.cfg:{line}: key '{key}': {words}" in said and "create:" not in said, said
        assert '"name": "bad"' in said, said
    said = m.shell("create many.cfg")
    for line, words in ((1, "this is Python"), (5, "key 'memory': "), (6, "key 'serial': "), (7, "key 'vcpus': "),
                        (8, "key 'disk': "), (10, "'install-method' is not a valid key")):
        assert f"/guests/many.cfg:{line}: {words}" in said, said
    assert "create: /guests/many.cfg: 5 mistakes" in said, said
    said = m.shell("create -n sum.cfg")
    assert "key 'memory': += does not add numbers; the value stays 64" in said and '"max_memkb": 65536' in said, said
    assert "create: /guests/none.cfg: no such file" in m.shell("create none.cfg")
    assert 'type="pvh"' in m.shell("create -n /guests/notype.cfg")
    assert "'name' is missing" in m.shell("create /guests/noname.cfg")
    assert "'kernel' is missing" in m.shell("create /guests/nokernel.cfg")
    assert "command line: key 'vcpus'" in m.shell("create /guests/good.cfg vcpus=none")
    for i, (change, words) in enumerate(BAD_THINGS):
        said = m.shell(f"create /guests/thing{i}.cfg")
        assert "create: " in said and words in said, f"{change}: {said}"
        if "partition" in words or "exist" in words or "bridge" in words:
            (key,) = change
            assert f"/guests/thing{i}.cfg:{config_text(change).count(chr(10))}: key '{key}'" in said, said


def test_shell(machine, guests):
    m = machine(guests=guests)
    m.expect(r"^the host has 0 started$")
    m.prompt()
    check_verbs(m)
    check_editing(m)
    check_lines(m)
    check_scripts(m)
    check_vif_address(m)
    # the first refusal makes a few directories in xenstore, which stay
    m.shell("create /guests/thing2.cfg")
    free, tree = info(m, "free_memory"), m.shell("xenstore-ls")
    check_bad_configurations(m)
    check_bad_commands(m)
    assert listed(m) == {}
    assert m.shell("xenstore-ls") == tree
    assert info(m, "free_memory") == free
    log = m.shell("dmesg")
    assert "fault" not in log and "ended with code" not in log, log
    m.poweroff()
