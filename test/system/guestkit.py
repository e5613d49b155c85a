# SPDX-License-Identifier: BSD-2-Clause
"""guestkit: helpers of the system tests for guests: programs in the ramdisk, scripts, one guest after another."""
import collections
import contextlib
import gzip
import hashlib
import http.server
import itertools
import json
import os
import re
import subprocess
import threading

from harness import PROMPT

# a row of `list-services`; a line of the log may come between the rows, or into one
Service = collections.namedtuple("Service", "state restarts reason epoch memory")
SERVICE = re.compile(r"^(\S+) +(running|restarting|given up|absent) +(\d+) (\S+) +\d+:\d\d:\d\d +(\d+) +(\d+)", re.M)
LEAVE = "\x1d"  # Ctrl-], which leaves a guest's console
# of a guest that boots from its own disk
GRUB_CFG = """set timeout=0
menuentry Debian {
	echo "grub: from the guest's own disk"
	linux /boot/vmlinuz root=/dev/xvda rw console=hvc0 quiet xen.fifo_events=0
	initrd /boot/initramfs
}
"""
HERE = os.path.dirname(os.path.abspath(__file__))
marks = itertools.count(100)


def cpio(files):
    """A newc archive of {name: bytes}; every file is executable."""
    out = bytearray()
    for ino, (name, data) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        raw = name.encode() + b"\0"
        fields = (ino, 0o100755, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def compile_tool(name, where):
    """Compile test/system/tools/NAME.c as a static program for a guest; returns its bytes."""
    out = os.path.join(str(where), name)
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-static", "-Wall", "-Wextra", "-Werror", "-o", out,
                    os.path.join(HERE, "tools", name + ".c")], check=True)
    with open(out, "rb") as f:
        return f.read()


def ramdisk(guests, name, files, flavour="cloud-amd64"):
    """Make a ramdisk NAME in the guests' directory: the usual one and FILES (text or bytes); returns its path on the host.

    Linux unpacks several archives in one file, one after the other.
    """
    data = {n: d.encode() if isinstance(d, str) else d for n, d in files.items()}
    with open(guests.build.linux(flavour)[1], "rb") as f:
        base = f.read()
    with open(os.path.join(guests.path, name), "wb") as f:
        f.write(base + bytes(-len(base) % 4) + gzip.compress(cpio(data), 1, mtime=0))
    return "/guests/" + name


def install(image, files):
    """Put {path: file on this computer} into an ext4 image."""
    commands = "".join(f"cd {os.path.dirname(path)}\nwrite {source} {os.path.basename(path)}\n" for path, source in files.items())
    subprocess.run(["debugfs", "-w", "-f", "-", image], input=f"mkdir /boot/grub\n{commands}", text=True, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})


def boots(script, end="poweroff", more=""):
    """The value of extra= for a guest that runs a shell script (a path in the ramdisk, or commands) and then ends."""
    return f'console=hvc0 quiet {more} end={end} run="{script}"'


def run_guest(m, config, keys=""):
    """Run create -c; returns the output of the guest until it has ended and the shell is back."""
    start = m.pos
    m.line(f"create -c {config} {keys}".rstrip())
    m.expect(r"(?:^|(?<=\n))" + PROMPT)
    return m.since(start)


def enter(m, name, pattern):
    """Attach to a guest's console and stay there."""
    m.line("console " + name)
    return m.expect(pattern)


def attach(m, name, pattern):
    """Read a guest's console, from the first byte that has not been shown, until pattern appears; then leave it.
    Returns the match."""
    match = enter(m, name, pattern)
    leave(m)
    return match


def run(m, name, command, prompt="# "):
    """Type a command into a guest's shell; returns its output. Marks tell it from text that the console shows again.

    prompt: of that shell; "" if it has none.
    """
    mark = next(marks)
    m.line("console " + name)
    if prompt:
        m.send("\r")  # text that was shown does not come again, so ask for a new prompt
        m.expect(prompt)
    m.send(f"echo begin-$(({mark})); {command}; echo end-$(({mark}))\r")
    m.expect(rf"^begin-{mark}\n")
    start = m.pos
    end = m.expect(rf"^end-{mark}\n")
    said = m.text[start:end.start()]
    leave(m)
    return said


def free(m):
    return int(info(m, "free_memory"))


def info(m, key):
    """A line of `info`. Guests get memory in pieces of 128 KiB, so numbers of MiB may hide less than that."""
    return re.search(rf"^{key}\s*: (.*)$", m.shell("info"), re.M)[1]


def resources(m):
    """{domain of the host: (slots used, frames, objects)}, from `list -l`."""
    rows = json.loads(m.shell("list -l Domain-0"))[0]["domains"]
    return {r["name"]: (r["slots_used"], r["frames"], r["objects"]) for r in rows}


def services_in(text):
    """{name: Service} of the rows in the output of `list-services`; its memory is in KiB."""
    return {name: Service(state, int(restarts), reason, int(epoch), int(memory))
            for name, state, restarts, reason, epoch, memory in SERVICE.findall(text)}


def services(m):
    return services_in(m.shell("list-services"))


def listed(m):
    """{name: (id, memory, vcpus, state)} of `list`, without Domain-0. Lines of the log may come between."""
    rows = re.findall(r"^(\S+) +(\d+) +(\d+) +(\d+) +([-a-z]{6}) ", m.shell("list"), re.M)
    return {r[0]: (int(r[1]), int(r[2]), int(r[3]), r[4]) for r in rows if r[0] != "Domain-0"}


def tell(m, command):
    """Run a command; its exit status, and what it printed."""
    *said, code = m.shell(command + "; echo $?").splitlines()
    return int(code), "\n".join(said)


def status(m, command):
    """Run a command; its exit status."""
    return tell(m, command)[0]


def wait_gone(m, *names):
    """Wait until none of the guests (without names: no guest at all) is listed, because an end takes time."""
    m.until(lambda: not (set(names) & set(listed(m)) if names else listed(m)), f"the end of {names or 'all guests'}")


def leave(m):
    """Type Ctrl-], which leads from a guest's console back to the shell."""
    m.send(LEAVE)
    m.expect(r"(?:^|(?<=\n)|\n)" + PROMPT)


def runs(m, command, pattern, name="web"):
    """Have the guest run a command, and wait for what it prints."""
    enter(m, name, "")
    m.send(command + "\r")
    match = m.expect(pattern)
    leave(m)
    return match


def stamps_end(m, name):
    """End the stampio of a guest, and wait for the shell; all its processes must have found what they wrote."""
    m.line("console " + name)
    m.send("end\r")
    match = m.expect(r"stampio: (\d) of 3 good, (\d+) writes")
    assert match[1] == "3" and int(match[2]) > 0, match[0]
    m.expect(r"(?:^|(?<=\n)|\n)" + PROMPT)


@contextlib.contextmanager
def served(content):
    """The port of an HTTP server on this computer that always answers with content; guests reach it at 10.0.2.2."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def rogue(guests, build, name, do, **keys):
    """A guest with test/guest/rogue.c as its kernel, and with its own disk and interface."""
    volume = guests.add_image(name, size=1 << 20)
    kernel = guests.add_file(os.path.join(build.top, "guest", "rogue"), "rogue")
    keys = {"memory": 32, "vif": ["bridge=xenbr0"], **keys}
    return guests.add_config(name, auto=False, kernel=kernel, ramdisk=None, extra="do=" + do, disk=[f"{volume},xvda,w"], **keys)


def rogue_says(m, config, last, milestones):
    """create -c for a guest of rogue(), until it prints `rogue: LAST`; by then it has passed all milestones. The console stays attached."""
    start = m.pos
    m.line("create -c " + config)
    m.expect(rf"rogue: {last}|skerry# ")
    said = m.since(start)
    assert "rogue: FAILED" not in said and f"rogue: {last}" in said, said
    for what in milestones:
        assert f"rogue: ok {what}" in said, f"'{what}' is missing:\n{said}"


# checks its own work again and again; a wrong sum ends the test
BYSTANDER = """#!/bin/sh
head -c 1048576 /dev/urandom >/tmp/data
good=$(sha256sum </tmp/data)
n=0
while :; do
	dd if=/tmp/data of=/dev/xvda bs=64k conv=fsync 2>/dev/null || echo "TEST FAILED: write"
	echo 3 >/proc/sys/vm/drop_caches
	[ "$(head -c 1048576 /dev/xvda | sha256sum)" = "$good" ] || echo "TEST FAILED: disk"
	[ "$(wget -q -O - http://10.0.2.2:PORT/ | sha256sum)" = "SUM  -" ] || echo "TEST FAILED: network"
	n=$((n + 1))
	echo "bystander round $n"
done
"""


class Bystander:
    """A guest that verifies disk and network all the time, and must not be disturbed by others."""

    def __init__(self, guests, port, content, name="calm", host=17, script=None, files=None, **keys):
        """script: runs in place of the usual one; files: programs for it; keys: of the configuration."""
        self.name = name
        script = (script or BYSTANDER).replace("PORT", str(port)).replace("SUM", hashlib.sha256(content).hexdigest())
        volume = guests.add_image(name, size=1 << 20)
        keys = {"memory": 112, "disk": [], **keys}
        keys["disk"] = [f"{volume},xvda,w", *keys["disk"]]
        guests.add_config(name, auto=False, vif=["bridge=xenbr0"], **keys,
                          ramdisk=ramdisk(guests, name + "-ramdisk", {"bystander": script, **(files or {})}),
                          extra=boots("/bystander", more=f"net=10.0.2.{host}/24"))
        self.marks = 0

    def start(self, m):
        self.m = m
        m.shell(f"create /guests/{self.name}.cfg")
        attach(m, self.name, r"bystander round \d+")
        self.free = info(m, "free_memory")
        self.tree = self.nodes()

    def nodes(self):
        """The contents of xenstore, without nodes that change by themselves."""
        return re.sub(r"^.*(memory|target|feature-|control).*$", "", self.m.shell("xenstore-ls"), flags=re.M)

    def undisturbed(self):
        """Check that two more rounds succeed, and that memory and xenstore are as if no other guest had existed."""
        m = self.m
        assert set(listed(m)) == {self.name}
        assert info(m, "free_memory") == self.free
        assert self.nodes() == self.tree
        self.goes_on()

    def goes_on(self):
        """Type a mark that the guest echoes; two more rounds must follow it."""
        m, self.marks = self.m, self.marks + 1
        enter(m, self.name, r"bystander round \d+")
        mark = "MARK" + "".join(chr(ord("A") + int(digit)) for digit in str(self.marks))
        m.send(mark + "\r")
        m.expect(r"[^A-Z]*".join(mark))  # output of the guest may come between two characters of its echo
        m.expect(r"bystander round \d+\s+bystander round \d+\s")
        leave(m)
        assert "TEST FAILED" not in m.text, m.tail()

    def end(self):
        m = self.m
        log = m.shell("dmesg")
        assert "fault" not in log and "ended with code" not in log, log
        m.shell("destroy " + self.name)
        wait_gone(m)
        m.poweroff()
