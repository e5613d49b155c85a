# SPDX-License-Identifier: BSD-2-Clause
"""The network: from host to guest and back through the uplink, from guest to guest through the switch, and the host's own address."""
import hashlib
import random
import re
import socket
import time
import urllib.request

import pytest

from guestkit import boots, leave, listed, ramdisk, served, wait_gone
from harness import GuestDir

SIZE = 64 << 20
SENT = 2 << 20
MAC = "00:16:3e:12:34:56"
HOST_MAC = "02:73:6b:00:00:01"  # the address of the domain ip in the manifest

# serves a file of 64 MiB, which it first downloads from the host
SERVER = """#!/bin/sh
echo "mac $(cat /sys/class/net/eth0/address)"
mkdir /tmp/w; mount -t tmpfs tmpfs /tmp/w
wget -q -O /tmp/w/file http://10.0.2.2:PORT/file && echo "sum $(sha256sum </tmp/w/file)" || echo "TEST FAILED: download from the host"
ping -c 3 -W 30 10.0.2.15 && echo "host answers" || echo "TEST FAILED: ping to the host"
httpd -p 80 -h /tmp/w && echo "serving"
"""

PEER = """#!/bin/sh
echo "mac $(cat /sys/class/net/eth0/address)"
ping -c 3 -W 30 10.0.2.16 && echo "peer answers" || echo "TEST FAILED: ping to the other guest"
wget -q -O - http://10.0.2.16/file | sha256sum | sed 's/^/sum /'
ifconfig eth0 10.0.2.18; ping -c 2 -W 3 10.0.2.16 || echo "another address reaches nobody"
ifconfig eth0 10.0.2.17; ping -c 1 -W 30 10.0.2.16 && echo "its own does"
mkdir /tmp/w; head -c SENT /dev/urandom >/tmp/w/file; httpd -p 80 -h /tmp/w; echo "serving"; while [ -e /tmp/w/file ]; do read -r _; rm /tmp/w/file; done
ifconfig eth0 down; ifconfig eth0 hw ether MAC up; echo "now $(cat /sys/class/net/eth0/address)"
ping -c 2 -W 3 10.0.2.16 || echo "the thief hears nothing"
"""


@pytest.fixture
def file_server():
    """(port, content) of an HTTP server on this computer; guests reach it at 10.0.2.2."""
    content = random.Random(10).randbytes(SIZE)
    with served(content) as port:
        yield port, content


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_net(machine, build, tmp_path, file_server):
    port, content = file_server
    digest = hashlib.sha256(content).hexdigest()
    guests = GuestDir(tmp_path / "g", build)
    image = ramdisk(guests, "net", {"server": SERVER.replace("PORT", str(port)), "peer": PEER.replace("MAC", MAC).replace("SENT", str(SENT))})
    guests.add_config("server", auto=False, memory=256, ramdisk=image, vif=[f"mac={MAC},bridge=xenbr0"],
                      extra=boots("/server", end="halt", more="net=10.0.2.16/24,10.0.2.2"))
    guests.add_config("peer", auto=False, memory=128, ramdisk=image, vif=["bridge=xenbr0,ip=10.0.2.17,rate=8Mb/s"],
                      extra=boots("/peer", more="net=10.0.2.17/24"))
    forward, forward_peer = free_port(), free_port()
    m = machine(guests=guests, netfwd=f"tcp:127.0.0.1:{forward}-10.0.2.16:80,hostfwd=tcp:127.0.0.1:{forward_peer}-10.0.2.17:80")
    m.prompt()
    m.until(lambda: "(ip) address 10.0.2.15 " in m.shell("dmesg"), "an address by DHCP")

    m.line("create -c /guests/server.cfg")
    m.expect("mac " + MAC)
    assert m.expect(r"^sum (\w+)  -")[1] == digest
    m.expect("host answers")
    m.expect("serving")
    leave(m)
    with urllib.request.urlopen(f"http://127.0.0.1:{forward}/file", timeout=600) as answer:
        assert hashlib.sha256(answer.read()).hexdigest() == digest

    m.line("create -c /guests/peer.cfg")
    assert re.fullmatch(r"00:16:3e(:[0-9a-f]{2}){3}", m.expect(r"mac (\S+)\r?\n")[1]) and MAC not in m.text[-40:]
    m.expect("peer answers")
    assert m.expect(r"^sum (\w+)  -")[1] == digest
    m.expect("another address reaches nobody")
    m.expect("its own does")
    m.expect("serving")
    began = time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{forward_peer}/file", timeout=600) as answer:
        assert len(answer.read()) == SENT
    assert time.monotonic() - began > 0.9 * SENT / 1e6  # 8 Mb/s
    m.send("go on\r")
    # with the server's address it reaches no machine, and the server is not disturbed
    m.expect("now " + MAC)
    m.expect("the thief hears nothing")
    m.prompt()
    log = m.shell("dmesg")
    for which in ("is another's", "its ip= does not name"):
        assert f"(network) vif2.0 sends from an address that {which}" in log
    with urllib.request.urlopen(f"http://127.0.0.1:{forward}/file", timeout=600) as answer:
        assert hashlib.sha256(answer.read()).hexdigest() == digest
    for taken, holder in ((MAC, "domain 1 (server) has mac=" + MAC), (HOST_MAC, "the host has this mac itself")):
        said = m.shell(f"create /guests/peer.cfg \"vif=['mac={taken}']\"")
        assert holder in said, said
    assert list(listed(m)) == ["server"]
    m.shell("destroy server")
    wait_gone(m)
    m.poweroff()
