# SPDX-License-Identifier: BSD-2-Clause
"""tools/run: exit statuses, reboot, end of input. A small program stands in for the kernel, so these tests need no build."""
import json
import os
import pty
import select
import socket
import subprocess
import sys

import pytest

from harness import Build, GuestDir, Machine, partition

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(os.path.dirname(os.path.dirname(HERE)), "tools", "run")


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    top = tmp_path_factory.mktemp("run")
    objects, program = str(top / "machine.o"), str(top / "machine")
    subprocess.run(["as", "--32", "-o", objects, os.path.join(HERE, "machine.S")], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-N", "-Ttext=0x100000", "--section-start=.multiboot=0xff000", "-o", program, objects],
                   check=True)
    (top / "archive").write_bytes(b"archive")
    build = Build(str(top))
    build.kernel, build.archive = program, str(top / "archive")
    return build


@pytest.fixture
def started(stand_in):
    machines = []

    def start(**options):
        machines.append(Machine(stand_in, name=f"m{len(machines)}", **options))
        machines[-1].prompt()
        return machines[-1]

    yield start
    for m in machines:
        m.close()


@pytest.mark.parametrize("key, status", [("p", 0), ("x", 33), ("f", 3)])
def test_status(started, key, status):
    m = started()
    m.send(key)
    assert m.wait() == status


def test_reset_starts_again(started):
    m = started()
    m.send("r")
    m.prompt()
    m.send("p")
    assert m.wait() == 0


def test_input_is_passed_on_as_it_is(started):
    m = started()
    m.send("\x03\x1cab")
    m.expect("\x03\x1cab")
    m.send("p")
    assert m.wait() == 0


def test_end_of_input_leaves_the_machine_running(started, tmp_path):
    path = str(tmp_path / "monitor")
    m = started(qemu_args=f"-qmp unix:{path},server=on,wait=off", netfwd="tcp::0-10.0.2.16:80 udp::0-10.0.2.16:53")
    m.process.stdin.close()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        stream = sock.makefile("rw")
        stream.write('{"execute": "qmp_capabilities"}\n{"execute": "query-status"}\n')
        stream.flush()
        answers = [json.loads(stream.readline()) for _ in range(3)]
    assert answers[2]["return"]["running"]
    assert m.process.poll() is None
    m.process.stdin = open(os.devnull, "wb")


def test_disk_has_images_and_keeps_them(started, stand_in, tmp_path):
    guests = GuestDir(tmp_path / "g", stand_in)
    guests.add_image("data", content=b"first" * 1000)
    m = started(guests=guests)
    offset, size = partition(m.disk, "data")
    assert size == 5120
    with open(m.disk, "r+b") as f:
        f.seek(offset)
        assert f.read(5) == b"first"
        f.seek(offset)
        f.write(b"again")
    m.send("p")
    assert m.wait() == 0
    m = started(guests=guests, again=m)
    with open(m.disk, "rb") as f:
        f.seek(offset)
        assert f.read(5) == b"again"


def test_bad_directory_is_an_error(stand_in, tmp_path):
    m = Machine(stand_in, guests=tmp_path / "none")
    assert m.wait() == 4
    m.close()


def test_disk_is_made_anew(stand_in, tmp_path):
    disk = tmp_path / "disk.img"
    disk.write_bytes(b"old")
    done = subprocess.run([RUN, "--dir", tmp_path, "--kernel", stand_in.kernel, "--archive", stand_in.archive],
                          input=b"p", capture_output=True)
    assert done.returncode == 0 and disk.stat().st_size > 1 << 20


def test_control_c_goes_to_the_console(stand_in, tmp_path):
    try:
        pid, terminal = pty.fork()
    except OSError:
        pytest.skip("no terminals here")
    if pid == 0:
        os.execv(RUN, [RUN, "--dir", str(tmp_path), "--no-disk", "--kernel", stand_in.kernel, "--archive", stand_in.archive])
    seen = b""
    for wait_for, answer in ((b"skerry# ", b"\x03\x1cab"), (b"\x03\x1cab", b"p")):
        while wait_for not in seen:
            seen += os.read(terminal, 1000)
        os.write(terminal, answer)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


HARNESS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from harness import Build, Machine
build = Build(sys.argv[2])
build.kernel, build.archive = sys.argv[3:5]
m = Machine(build, name="orphan")
m.prompt()
print(open(m.pidfile).read(), flush=True)
sys.stdin.read()
"""


def test_no_machine_outlives_its_harness(stand_in):
    system = os.path.join(os.path.dirname(HERE), "system")
    harness = subprocess.Popen([sys.executable, "-c", HARNESS, system, stand_in.top, stand_in.kernel, stand_in.archive],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    qemu = os.pidfd_open(int(harness.stdout.readline()))
    harness.kill()
    harness.wait()
    assert select.select([qemu], [], [], 60)[0], "QEMU runs on without its harness"
    os.close(qemu)
    harness.stdin.close()
    harness.stdout.close()
