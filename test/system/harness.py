# SPDX-License-Identifier: BSD-2-Clause
"""harness: starts a whole machine through tools/run and talks to its console.

A Machine's console is a stream of text. expect() waits for a pattern in the text after the last match. Nothing here
sleeps. The one time limit (HANG_LIMIT) only ends a test that would never end by itself. The log of the console stays in
BUILD/test/logs. The disk is removed with the machine unless SKERRY_KEEP is set.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

from children import end_with_parent  # noqa: E402

HANG_LIMIT = float(os.environ.get("SKERRY_HANG_LIMIT", "360"))
PROMPT = r"skerry# "
TAIL_BYTES = 6000
AGAIN = "run: the machine starts again"
LIVE_MARK = "[what follows is live]\n"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78]|\r")


# a guest of a test, or the kernel, prints this when something is wrong; waiting for anything else is then useless
FAILED = re.compile(r"^(TEST FAILED|PANIC on CPU).*", re.M)


class Hang(AssertionError):
    pass


class Build:
    """The paths of the files under test."""

    def __init__(self, top):
        self.top = os.path.abspath(top)
        self.kernel = os.environ.get("SKERRY_KERNEL") or os.path.join(self.top, "kernel.elf")
        self.archive = os.path.join(self.top, "boot", os.environ.get("SKERRY_CONFIG", "default") + ".img")
        self.sample = os.path.join(self.top, "sample")
        self.iso = os.path.join(self.top, "skerry.iso")
        self.guests = os.environ.get("SKERRY_GUESTS") or os.path.join(self.top, "guests")
        self.loaders = [os.path.join(self.guests, f) for f in (
            "grub-xen/grub-i386-xen_pvh.bin", "xen-pv/xen-shim", "xen-pv/grub-x86_64-xen.bin", "xen-pv/grub-i386-xen.bin")]
        self.logs = os.path.join(self.top, "test", "logs")

    def linux(self, flavour="cloud-amd64"):
        """(kernel, ramdisk) of a stock Debian kernel: cloud-amd64 or amd64."""
        return os.path.join(self.guests, f"kernel-{flavour}", "vmlinuz"), os.path.join(self.guests, f"initramfs-{flavour}")


class GuestDir:
    """A directory for `guests=`: configurations, kernels and images."""

    def __init__(self, path, build):
        self.path, self.build = str(path), build
        os.makedirs(os.path.join(self.path, "auto"), exist_ok=True)

    def add_file(self, source, name=None):
        """Put a link to a file there; returns its path on the host."""
        assert os.path.exists(source), f"{source} was not built"
        name = name or os.path.basename(source)
        there = os.path.join(self.path, name)
        if not os.path.exists(there):
            os.symlink(os.path.abspath(source), there)
        return "/guests/" + name

    def add_linux(self, flavour="cloud-amd64"):
        kernel, ramdisk = self.build.linux(flavour)
        return self.add_file(kernel, "vmlinuz-" + flavour), self.add_file(ramdisk, "initramfs-" + flavour)

    def add_image(self, name, size=None, content=None, source=None):
        """NAME.img, a partition: of SIZE zero bytes, of CONTENT, or a sparse copy of SOURCE."""
        path = os.path.join(self.path, name + ".img")
        if source:
            subprocess.run(["cp", "--sparse=always", source, path], check=True)
        else:
            with open(path, "wb") as f:
                f.write(content or b"")
                f.truncate(size or len(content))
        return f"phy:/dev/disk/by-partlabel/{name}"

    def add_config(self, name, auto=True, flavour="cloud-amd64", **keys):
        """NAME.cfg with a Linux guest's usual keys; a keyword replaces or (as None) removes one."""
        kernel, ramdisk = self.add_linux(flavour)
        values = {"name": name, "type": "pvh", "memory": 192, "vcpus": 1, "kernel": kernel, "ramdisk": ramdisk,
                  "extra": "console=hvc0 quiet"}
        values.update(keys)
        text = "".join(f"{k} = {config_value(v)}\n" for k, v in values.items() if v is not None)
        where = os.path.join("auto", name + ".cfg") if auto else name + ".cfg"
        with open(os.path.join(self.path, where), "w") as f:
            f.write(text)
        return "/guests/" + where


def config_value(value):
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(map(config_value, value)) + " ]"
    if isinstance(value, int):
        return str(value)
    quote = "'" if '"' in value else '"'
    return quote + value + quote


class Machine:
    """A host in QEMU. Options are those of `make run`; extra is a list of more arguments for tools/run.

    again=M uses the disk that machine M left.
    """

    def __init__(self, build, name="machine", guests=None, smp=2, mem="2G", netfwd="", again=None, append="", icount=False,
                 qemu_args="", iso=None, usb=None, iommu="intel", extra=()):
        self.build, self.name = build, name
        self.dir = again.dir if again else os.path.join(build.top, "test", "run", name)
        if not again:
            shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir, exist_ok=True)
        os.makedirs(build.logs, exist_ok=True)
        self.disk = os.path.join(self.dir, "disk.img")
        self.log_path = os.path.join(build.logs, name + ".log")
        self.pidfile = os.path.join(self.dir, "qemu.pid")
        self.qmp_path = os.path.join(tempfile.mkdtemp(prefix="skerry-"), "qmp")  # a socket's path must be short
        qemu_args = f"{qemu_args} -qmp unix:{self.qmp_path},server=on,wait=off".strip()
        command = [os.path.join(TOP, "tools", "run"), "--dir", self.dir, "--smp", str(smp), "--mem", str(mem),
                   "--pidfile", self.pidfile, "--iommu", iommu, "--netfwd", netfwd, f"--append={append}", f"--qemu-args={qemu_args}"]
        if iso or usb:
            command += ["--iso", iso] if iso else ["--usb", usb]
        else:
            command += ["--kernel", build.kernel, "--archive", build.archive]
        if guests:
            command += ["--guests", str(getattr(guests, "path", guests))]
            command += [word for file in build.loaders if os.path.exists(file) for word in ("--add", file)]
        command += ["--keep"] * bool(again) + ["--icount"] * icount + list(extra)
        self.text = ""  # the console so far, without escape sequences and marks of console
        self.pos = 0    # where the next expect() begins
        self.changed = threading.Condition()
        self.ended = False
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        bufsize=0, start_new_session=True, preexec_fn=end_with_parent())
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        pending = ""
        with open(self.log_path, "wb") as log:
            while True:
                data = self.process.stdout.read(65536)
                if not data:
                    break
                log.write(data)
                log.flush()
                pending += data.decode("utf-8", "replace")
                # the read may have cut an escape sequence in two
                cut = pending.rfind("\x1b")
                if cut < 0 or len(pending) - cut > 16 or CONTROL.match(pending, cut):
                    cut = len(pending)
                clean, pending = CONTROL.sub("", pending[:cut]), pending[cut:]
                with self.changed:
                    self.text += clean
                    self._drop_marks(len(clean))
                    self.changed.notify_all()
        with self.changed:
            self.text += pending
            self.ended = True
            self.changed.notify_all()

    def _drop_marks(self, n):
        """Take console's marks out of the last n characters: they stand wherever the user attached."""
        start = max(self.pos, len(self.text) - n - len(LIVE_MARK))
        if LIVE_MARK in self.text[start:]:
            self.text = self.text[:start] + self.text[start:].replace(LIVE_MARK, "")

    # ---- talking

    def send(self, data):
        """Type data unchanged."""
        self.process.stdin.write(data.encode() if isinstance(data, str) else data)

    def line(self, text):
        self.send(text + "\r")

    def expect(self, pattern, limit=HANG_LIMIT):
        """Wait until pattern appears after the last match; returns the match."""
        regex = re.compile(pattern, re.M)
        with self.changed:
            while True:
                match = regex.search(self.text, self.pos)
                if match:
                    self.pos = match.end()
                    return match
                told = FAILED.search(self.text, self.pos)
                if told:
                    raise AssertionError(f"{self.name}: '{told[0]}' instead of {pattern!r}\n{self.tail()}")
                if self.ended:
                    raise Hang(f"{self.name}: the machine ended before {pattern!r}\n{self.tail()}")
                if not self.changed.wait(limit):
                    raise Hang(f"{self.name}: silence while waiting for {pattern!r}\n{self.tail()}")

    def until(self, ask, what):
        """Call ask again and again, each time after a command in the shell, until its result is true; returns the result."""
        began = time.monotonic()
        while not (answer := ask()):
            if time.monotonic() - began > HANG_LIMIT:
                raise Hang(f"{self.name}: {what} did not come\n{self.tail()}")
        return answer

    def expect_any(self, *patterns):
        """Wait for the first of several patterns; returns (its index, match)."""
        match = self.expect("|".join(f"(?P<alt{i}>{p})" for i, p in enumerate(patterns)))
        return next(i for i in range(len(patterns)) if match[f"alt{i}"] is not None), match

    def prompt(self):
        """Wait for the control shell."""
        return self.expect(PROMPT)

    def shell(self, command):
        """Run a command in the control shell, whose prompt has just come; returns its output."""
        start = self.pos
        self.line(command)
        self.expect(r"(?:^|(?<=\n))" + PROMPT)
        out = self.text[start:self.pos]
        echo, _, rest = out.partition("\n")
        return rest[: rest.rfind(PROMPT.rstrip())].rstrip("\n")

    def since(self, mark):
        """The text after a position that was read from .pos."""
        return self.text[mark:]

    def qmp(self, command, **arguments):
        """Ask QEMU itself, for example query-blockstats; returns the answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(HANG_LIMIT)
            s.connect(self.qmp_path)
            lines = s.makefile("r")
            lines.readline()  # its greeting
            for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                s.sendall(json.dumps(request).encode())
                while "event" in (answer := json.loads(lines.readline())):
                    pass
            return answer["return"]

    # ---- ending

    def wait(self, limit=HANG_LIMIT):
        """Wait for the end of the machine; returns the exit status of `make run`."""
        began = time.monotonic()
        with self.changed:
            while not self.ended:
                assert AGAIN not in self.text[self.pos:], f"{self.name}: it restarted instead of switching off\n{self.tail()}"
                if time.monotonic() - began > limit:
                    raise Hang(f"{self.name}: the machine did not end\n{self.tail()}")
                self.changed.wait(limit)
        status = self.process.wait(limit)
        self.reader.join(HANG_LIMIT)
        return status

    def poweroff(self):
        """Type poweroff in the control shell; the machine must end with status 0."""
        self.line("poweroff")
        status = self.wait()
        assert status == 0, f"status {status} at power off\n{self.tail()}"

    def close(self):
        """End the machine whatever its state, and free the disk space."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGTERM)
                self.process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()
        self.reader.join(10)
        self.process.stdin.close()
        shutil.rmtree(os.path.dirname(self.qmp_path), ignore_errors=True)
        if not os.environ.get("SKERRY_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def tail(self):
        return self.text[-TAIL_BYTES:]


def partition(disk, name):
    """(offset, size) in bytes of a GPT partition of a disk image, to check its contents from outside."""
    with open(disk, "rb") as f:
        f.seek(1024)
        table = f.read(128 * 128)
    for i in range(128):
        entry = table[i * 128:(i + 1) * 128]
        if entry[:16] != bytes(16) and entry[56:128].decode("utf-16-le").rstrip("\0") == name:
            first, last = (int.from_bytes(entry[o:o + 8], "little") for o in (32, 40))
            return first * 512, (last - first + 1) * 512
    raise KeyError(name)
