# SPDX-License-Identifier: BSD-2-Clause
"""Drivers and services of network and console start again under a guest: its connections and its output go on, without a hole."""
import random
import re
import socket
import threading

from guestkit import boots, enter, leave, ramdisk, wait_gone
from harness import HANG_LIMIT, PROMPT, GuestDir

DOMAINS = ("net0", "network", "ip", "uart", "console")
# each ends by itself, and these at the same time
TOGETHER = [("net0", "network"), ("uart", "console"), ("network", "ip"), DOMAINS]
# how they end, round by round
ENDS = ("restart {}", "kill {} fault", "kill {} exit", "restart {}")

# sends back what comes on one connection; counts on its console until it reads a word; then says what its kernel has said
GUEST = """#!/bin/sh
(nc 10.0.2.2 PORT -e cat; echo "TEST FAILED: the stream has ended") &
(read word </dev/hvc0; echo "$word" >/tmp/word) &
before=$(dmesg | wc -l)
n=0
while [ ! -s /tmp/word ]; do
	n=$((n + 1))
	echo "line $n"
	usleep 50000
done
echo "heard $(cat /tmp/word)"
# a slow emulator makes the guest doubt its clocks
dmesg | tail -n +$((before + 1)) | grep -vE 'clocksource:|hrtimer:|rcu:|sched:|workqueue:' >/tmp/said
cat /tmp/said
echo "messages $(wc -l </tmp/said)"
"""


# no divisor of it is the size of anything, so that a piece that is lost or comes twice is noticed
NOISE = random.Random(23).randbytes(65521)
ON_THEIR_WAY = 65536  # bytes of the stream, at most


def piece(at, size):
    """Bytes of the stream from a position on."""
    at %= len(NOISE)
    return (NOISE[at:] + NOISE * (size // len(NOISE) + 1))[:size]


class Stream:
    """A TCP connection with the guest, over which random bytes go out and must come back."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(HANG_LIMIT)
        self.port = self.server.getsockname()[1]
        self.moved = threading.Condition()
        self.received, self.broken = 0, None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            with self.server.accept()[0] as s:
                s.settimeout(HANG_LIMIT)
                threading.Thread(target=self._send, args=(s,), daemon=True).start()
                while data := s.recv(65536):
                    if data != piece(self.received, len(data)):
                        raise AssertionError(f"wrong bytes near {self.received}")
                    with self.moved:
                        self.received += len(data)
                        self.moved.notify_all()
                raise AssertionError("the guest closed the connection")
        except (OSError, AssertionError) as e:
            with self.moved:
                self.broken = self.broken or e
                self.moved.notify_all()

    def _send(self, s):
        sent = 0
        try:
            while not self.broken:
                s.sendall(piece(sent, 4096))
                sent += 4096
                with self.moved:
                    self.moved.wait_for(lambda: self.broken or sent - self.received < ON_THEIR_WAY, HANG_LIMIT)
        except OSError as e:
            self.broken = self.broken or e

    def goes_on(self):
        """Wait until bytes that were not sent before this call have come back."""
        with self.moved:
            target = self.received + 2 * ON_THEIR_WAY
            ok = self.moved.wait_for(lambda: self.broken or self.received >= target, HANG_LIMIT)
        assert ok and not self.broken, f"{self.broken or 'silence'} after {self.received} bytes"


def end(m, how, names, mark):
    """Let domains end, all of them before the first has come back; then wait until the shell answers."""
    m.line("; ".join(how.format(n) for n in names))
    if "console" in names:
        m.expect(r"console was restarted")
    # what was on its way to the screen may have come twice, prompts as well, so the answer to this comes first
    m.line(f"domid {mark}")
    m.expect(rf"domain name '{mark}'(?s:.*?)\n{PROMPT}")


def visit(m):
    """Attach to the guest until it prints two lines, and leave. Right after its restart, console does not know the guest yet."""
    while True:
        m.line("console talk")
        found, _ = m.expect_any(r"^line \d+\s+^line \d+", r"there is no such console\s+" + PROMPT)
        if found == 0:
            leave(m)
            return


def lines_seen(text):
    """The numbers that the guest printed. Lines of init, which may come in the middle of a line, are left out."""
    text = re.sub(r"\[ *\d+\.\d{6}\] \(init\) [^\n]*\n", "", text)
    return [int(n) for n in re.findall(r"^line (\d+)$", text, re.M)]


def test_restart_net(machine, build, tmp_path):
    stream = Stream()
    guests = GuestDir(tmp_path / "g", build)
    image = ramdisk(guests, "talk", {"talk": GUEST.replace("PORT", str(stream.port))})
    guests.add_config("talk", auto=False, memory=128, ramdisk=image, vif=["bridge=xenbr0"],
                      extra=boots("/talk", more="net=10.0.2.17/24,10.0.2.2"))
    m = machine(guests=guests, append="init.kill=1")
    m.prompt()
    m.until(lambda: "(ip) address 10.0.2.15 " in m.shell("dmesg"), "an address by DHCP")
    began = m.pos
    m.line("create -c /guests/talk.cfg")
    m.expect(r"^line \d+")
    leave(m)
    stream.goes_on()

    rounds = [(how, names) for how in ENDS for names in [*((n,) for n in DOMAINS), *TOGETHER]]
    for i, (how, names) in enumerate(rounds):
        end(m, how, names, f"mark{i}x")
        visit(m)  # what came in the meantime, and what comes now
        stream.goes_on()

    enter(m, "talk", r"^line \d+")
    m.send("done\r")
    m.expect(r"heard done")
    messages = m.expect(r"messages (\d+)\s")[1]
    m.expect(PROMPT)
    assert messages == "0", m.tail()
    seen = lines_seen(m.since(began))
    # none is missing; one that was on its way while the UART's driver was restarted may have come twice
    assert [a for a, b in zip(seen, seen[1:]) if b not in (a, a + 1)] == [], m.tail()
    assert "bytes of this console were not kept" not in m.text
    log = m.shell("dmesg")
    assert "lost]" not in log and "did not survive" not in log, log
    assert log.count("(ip) address 10.0.2.15 ") >= 1
    assert all(log.count(f"(init) {n}: started again") >= len(rounds) / len(DOMAINS) for n in DOMAINS), log
    wait_gone(m)
    m.poweroff()
