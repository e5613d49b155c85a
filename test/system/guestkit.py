"""guestkit: what several system tests do with guests: programs of their own in the ramdisk, scripts, one guest after another."""
import gzip
import os
import re
import subprocess

from harness import PROMPT

LEAVE = "\x1d"  # Ctrl-] leaves a guest's console
HERE = os.path.dirname(os.path.abspath(__file__))


def cpio(files):
    """An archive in newc form of {name: bytes}, every file executable."""
    out = bytearray()
    for ino, (name, data) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        raw = name.encode() + b"\0"
        fields = (ino, 0o100755, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def compile_tool(name, where):
    """The program test/system/tools/NAME.c, static, for a guest."""
    out = os.path.join(str(where), name)
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-static", "-Wall", "-Wextra", "-Werror", "-o", out,
                    os.path.join(HERE, "tools", name + ".c")], check=True)
    with open(out, "rb") as f:
        return f.read()


def ramdisk(guests, name, files, flavour="cloud-amd64"):
    """A ramdisk NAME in the guests' directory: the usual one and FILES (text or bytes); returns its path on the host.

    Linux unpacks archives that follow each other one after the other.
    """
    data = {n: d.encode() if isinstance(d, str) else d for n, d in files.items()}
    with open(guests.build.linux(flavour)[1], "rb") as f:
        base = f.read()
    with open(os.path.join(guests.path, name), "wb") as f:
        f.write(base + bytes(-len(base) % 4) + gzip.compress(cpio(data), 1, mtime=0))
    return "/guests/" + name


def boots(script, end="poweroff", more=""):
    """extra= of a guest that runs a shell script (a path in the ramdisk, or commands) and ends."""
    return f'console=hvc0 quiet {more} end={end} run="{script}"'


def run_guest(m, config, keys=""):
    """create -c: what the guest prints until the shell is back (the guest has ended)."""
    start = m.pos
    m.line(f"create -c {config} {keys}".rstrip())
    m.expect(r"(?:^|(?<=\n))" + PROMPT)
    return m.since(start)


def enter(m, name, pattern):
    """Go to a guest's console and stay there."""
    m.line("console " + name)
    return m.expect(pattern)


def attach(m, name, pattern):
    """Look at a guest's console from its first byte until pattern comes, then leave it; returns the match."""
    match = enter(m, name, pattern)
    leave(m)
    return match


def info(m, key):
    return re.search(rf"^{key}\s*: (.*)$", m.shell("info"), re.M)[1]


def listed(m):
    """{name: (id, memory, vcpus, state)} of `list`, without Domain-0."""
    rows = [line.split() for line in m.shell("list").splitlines()[1:]]
    return {r[0]: (int(r[1]), int(r[2]), int(r[3]), r[4]) for r in rows if r[0] != "Domain-0"}


def wait_gone(m, *names):
    """Ask until none of the guests (without names: no guest) is listed: an end takes its time."""
    while set(names) & set(listed(m)) if names else listed(m):
        pass


def leave(m):
    """Ctrl-]: from a guest's console back to the shell."""
    m.send(LEAVE)
    m.expect(r"(?:^|(?<=\n)|\n)" + PROMPT)
