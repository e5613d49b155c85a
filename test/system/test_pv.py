# SPDX-License-Identifier: BSD-2-Clause
"""pv guests: stock kernels in Xen's shim, from the host's files and from the guest's own disk, with console, disk, network, balloon and reboot."""
import hashlib
import json
import os
import re

from guestkit import GRUB_CFG, attach, boots, free, install, leave, listed, ramdisk, run, served, wait_gone
from harness import GuestDir

BOOT = r"guest: user space[^$]*# "
CONTENT = bytes(range(256)) * 2048
SUM = hashlib.sha256(CONTENT).hexdigest()
KERNEL_SAYS = "dmesg | grep -E 'BUG:|WARNING:|Call Trace|Oops|soft lockup'"

# a shell without line editing, which asks the terminal questions while commands are typed
SHELL = """#!/bin/sh
exec </dev/console >/dev/console 2>&1
echo "shell is ready"
while read -r line; do eval "$line"; done
"""
READY = "shell is ready"
EXTRA = boots("/shell", end="halt", more="net=dhcp")


def run_in_web(m, command):
    return run(m, "web", command, prompt="")


def memory_becomes(m, name, mib):
    """Wait until the guest holds exactly this, because its balloon works at its own pace."""
    m.until(lambda: listed(m)[name][1] == mib, f"{mib} MiB of {name}")


def config_of(m, name):
    return json.loads(m.shell("list -l " + name))[0]["config"]


def test_stock_kernel(machine, build, tmp_path):
    """As in the files of most administrators, there is no type=."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_config("web", auto=False, type=None, memory=256, maxmem=320, vcpus=4, vif=["bridge=xenbr0"],
                      disk=[f"{guests.add_image('web', size=1 << 20)},xvda,w"], extra=EXTRA,
                      ramdisk=ramdisk(guests, "web-ramdisk", {"shell": SHELL}))
    with served(CONTENT) as port:
        m = machine(guests=guests)
        m.prompt()
        m.shell("create -p /guests/web.cfg")  # the first guest leaves directories in xenstore
        m.shell("destroy web")
        wait_gone(m)
        before = free(m)
        said = m.shell("create /guests/web.cfg")
        assert re.search(r"^/guests/web.cfg: key 'type' is missing, so this is a pv guest", said, re.M), said
        attach(m, "web", READY)
        said = run_in_web(m, "cat /sys/hypervisor/type /sys/hypervisor/guest_type; nproc; cat /proc/cmdline")
        assert said.split("\n")[:4] == ["xen", "PV", "4", EXTRA], said
        said = run_in_web(m, "head -c 1048576 /dev/urandom >/tmp/d; dd if=/tmp/d of=/dev/xvda conv=fsync; echo 3 >/proc/sys/vm/drop_caches; "
                          "head -c 1048576 /dev/xvda | cmp - /tmp/d && echo disk-is-good")
        assert "disk-is-good" in said, said
        assert SUM in run_in_web(m, f"wget -q -O - http://10.0.2.2:{port}/ | sha256sum")

    # what the host knows of it
    domid = listed(m)["web"][0]
    assert config_of(m, "web")["c_info"]["type"] == "pv"
    assert m.shell(f"xenstore-read /libxl/{domid}/type /local/domain/{domid}/memory/static-max") == f"pv\n{320 << 10}"
    assert m.shell("dmesg").count("(XEN)") < 6  # the shim prints only what is wrong

    # the sizes are those of the guest, without its shim's
    memory_becomes(m, "web", 256)
    for mib in (160, 320, 256):
        assert m.shell(f"mem-set web {mib}") == ""
        memory_becomes(m, "web", mib)
    assert run_in_web(m, KERNEL_SAYS) == ""

    m.line("reboot web")
    m.prompt()
    m.until(lambda: listed(m).get("web", (domid,))[0] > domid, "the guest's next life")
    attach(m, "web", READY)
    m.line("shutdown -w web")
    m.expect("has been shut down, reason code 0")
    m.prompt()
    wait_gone(m)
    assert free(m) == before

    # a guest with too little memory to unpack such a kernel has more in its shim, as long as it runs
    m.shell("create /guests/web.cfg memory=128 maxmem=128 vcpus=1")
    attach(m, "web", READY)
    assert listed(m)["web"][1] == 128
    assert before - free(m) >= 250
    m.shell("destroy web")
    wait_gone(m)
    assert free(m) == before
    m.poweroff()


def test_own_disk(machine, build, tmp_path):
    """A boot loader of another host means PV GRUB, which starts the pv kernel that the guest's grub.cfg names."""
    guests = GuestDir(tmp_path / "g", build)
    guests.add_image("debian", source=os.path.join(build.guests, "debian.img"))
    grub_cfg = tmp_path / "grub.cfg"
    grub_cfg.write_text(GRUB_CFG)
    kernel, initramfs = build.linux("amd64")  # packed by xz, which PV GRUB knows, as it does not know lz4
    install(os.path.join(guests.path, "debian.img"),
            {"/boot/vmlinuz": kernel, "/boot/initramfs": initramfs, "/boot/grub/grub.cfg": str(grub_cfg)})
    guests.add_config("own", auto=False, type=None, bootloader="pygrub", kernel=None, ramdisk=None, extra=None, memory=256,
                      disk=["phy:/dev/disk/by-partlabel/debian,xvda,w"])
    guests.add_config("narrow", auto=False, type="pv", firmware="pvgrub32", kernel=None, ramdisk=None, extra=None, memory=64,
                      disk=[f"{guests.add_image('empty', size=1 << 20)},xvda,w"])
    m = machine(guests=guests)
    m.prompt()
    m.line("create -c /guests/own.cfg")
    m.expect("grub: from the guest's own disk")
    m.expect(r"debian login: root \(automatic login\)[^$]*# ")
    m.send("cat /sys/hypervisor/guest_type; findmnt -no SOURCE,FSTYPE /; echo root-$((6*7))\r")
    m.expect("PV\n")
    m.expect("/dev/xvda +ext4")
    m.expect("root-42")
    leave(m)
    m.line("shutdown -w own")
    m.expect("has been shut down, reason code 0")
    m.prompt()

    # 32-bit code in the shim
    m.line("create -c /guests/narrow.cfg")
    m.expect("grub> ")
    m.send("echo $grub_cpu-$grub_platform\r")
    m.expect("i386-xen\n")
    m.send("ls\r")
    m.expect(r"\(xen/xvda\)")
    leave(m)
    m.shell("destroy narrow")
    wait_gone(m)
    m.poweroff()


def test_keys_and_failures(machine, build, tmp_path):
    guests = GuestDir(tmp_path / "g", build)
    guests.add_config("keys", auto=False, memory=256, pvshim=1, pvshim_path="/usr/lib/xen-4.17/boot/xen-shim", pvshim_extra="loglvl=all")
    # a kernel that has PVH, and no PV
    guests.add_config("other", auto=False, flavour="686-pae", type="pv", memory=256, on_crash="preserve")
    m = machine(guests=guests)
    m.prompt()
    before = free(m)
    m.line("create -c /guests/keys.cfg")
    m.expect(r"\(XEN\) Command line: shim_mem=28M loglvl=error pv-shim console=xen,pv loglvl=all\n")
    m.expect(BOOT)
    m.send("cat /sys/hypervisor/guest_type\r")
    m.expect("PV\n")
    leave(m)
    assert config_of(m, "keys")["b_info"]["type.pvh"]["pvshim"] == "True"
    m.shell("destroy keys")

    m.shell("create /guests/other.cfg")
    m.until(lambda: "c" in listed(m)["other"][3], "the crash")
    assert "(XEN) Could not construct domain 0" in m.shell("dmesg")
    m.shell("destroy other")
    wait_gone(m)
    said = m.shell('create /guests/keys.cfg pvshim_path="none"')
    assert "shim '/guests/none' does not exist" in said, said
    wait_gone(m)
    assert before - free(m) <= 1
    m.poweroff()
