# SPDX-License-Identifier: BSD-2-Clause
"""Every verb of xl(1) 4.17, and every option of it, is here or is refused by name.

The list below is xl's. Where `make guests` has fetched Debian's xl, the list is compared with what that xl says.
"""
import os
import re
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("SKERRY_BUILD", "build"))
XL = os.path.join(os.environ.get("SKERRY_GUESTS", os.path.join(BUILD, "guests")), "xl")
SHELL = os.path.join(TOP, "services/shell/cli")

# the verbs without options
VERBS = dict.fromkeys("""
pci-attach pci-detach pci-list pause unpause migrate-receive dump-core cd-insert cd-eject mem-max mem-set button-press vcpu-list vm-list
sharing domid domname rename trigger sysrq debug-keys set-parameters top network-attach network-list network-detach channel-list
block-attach block-list vtpm-attach vtpm-list vtpm-detach vkb-attach vkb-list vkb-detach vdispl-attach vdispl-list vdispl-detach vsnd-attach
vsnd-list vsnd-detach claims cpupool-destroy cpupool-rename cpupool-cpu-add cpupool-cpu-remove cpupool-migrate cpupool-numa-split getenforce
setenforce loadpolicy psr-cmt-attach psr-cmt-detach psr-cmt-show psr-mba-show usbctrl-attach usbctrl-detach usbdev-attach usbdev-detach
usb-list qemu-monitor-command
""".split(), "")
# the others
VERBS.update(line.split(": ") for line in """
create: -c -d -e -F -f --defconfig -h -n --dryrun -p -q --quiet -V --vncviewer -A --vncviewer-autopass --ignore-global-affinity-masks
config-update: -h -f --defconfig -d
list: -l --long -v --verbose -Z --context -c --cpupool -n --numa
destroy: -f
shutdown: -a --all -h -F -w --wait
reboot: -a --all -h -F -w --wait
pci-assignable-add: -n --name -h
pci-assignable-remove: -h -r
pci-assignable-list: -h -n --show-names
console: -t -n
vncviewer: --autopass --vncviewer-autopass
save: -h -c -p -D
migrate: -h -C -s -e --debug -p -D
restore: -h -p -e -d -V --vncviewer -A --vncviewer-autopass
vcpu-pin: -f --force --ignore-global-affinity-masks
vcpu-set: -i --ignore-host
info: -n --numa
sched-credit: -d --domain -w --weight -c --cap -s --schedparam -t --tslice_ms -r --ratelimit_us -m --migration_delay_us -p --cpupool
sched-credit2: -d --domain -w --weight -c --cap -s --schedparam -r --ratelimit_us -p --cpupool
sched-rtds: -d --domain -v --vcpuid -p --period -b --budget -e --extratime
dmesg: -c
block-detach: -f --force
uptime: -s
cpupool-create: -h --help -f --defconfig -n --dryrun
cpupool-list: -c --cpus
remus: -i -u -s -e -N -F -b -n -d -c -p
devd: -F -p --pidfile
psr-hwinfo: -m --cmt -a --cat -b --mba
psr-cat-set: -s -l -c -d
psr-cat-show: -l
psr-mba-set: -s
""".split("\n") if line)


def read(name):
    with open(os.path.join(SHELL, name), encoding="utf-8") as f:
        return re.sub(r"\s*\\\n\s*", " ", f.read())


def ours():
    """{verb: its letters}, {verb: why it is refused}, {verb: refused options}, {long name: letter}"""
    refused = read("verbs_refused.h")
    options = {}
    for verb, letter, name, why in re.findall(r'X\("([a-z0-9-]+)", \'(.)\', "([a-z_-]+)", ([^\n]*?)\)(?= X\(|\n)', refused):
        assert why.strip()
        options.setdefault(verb, set()).update({"-" + letter, "--" + name})
    verbs = dict(re.findall(r'X\("([a-z0-9-]+)", \w+, "([A-Za-z:]*)"', read("verbs.h")))
    texts = dict(re.findall(r'X\("([a-z0-9-]+)", ((?:REFUSED_|")[^\n]*?)\)(?= X\(|\n)', refused))
    names = {}
    for name, arity, letter in re.findall(r'\{ "([a-z_-]+)", (\w+)_argument, NULL, \'(.)\' \}', read("verbs.c")):
        names.setdefault(name, set()).add(letter + ":" * (arity == "required"))
    return verbs, texts, options, names


def test_each_verb_is_here_or_refused():
    verbs, refused, _, _ = ours()
    assert not set(verbs) & set(refused), "both here and refused"
    assert set(refused) <= set(VERBS), "refused, but xl has no such verb"
    assert set(VERBS) - set(verbs) - set(refused) == set(), "neither here nor refused"
    assert all(why.strip() for why in refused.values())


def test_each_option_is_here_or_refused():
    verbs, _, refused, names = ours()
    for verb, options in VERBS.items():
        for option in options.split() if verb in verbs else []:
            letters = names.get(option[2:], set()) if option.startswith("--") else {option[1], option[1] + ":"}
            assert letters & {"h", *re.findall("[A-Za-z]:?", verbs[verb])} or option in refused.get(verb, ()), f"{verb} {option}"
    for verb, options in refused.items():
        assert options <= set(VERBS[verb].split()) | {"--debug", "--foreground", "--domid"}, verb


def test_the_list_is_that_of_xl(tmp_path):
    if not os.path.exists(os.path.join(XL, "version")):
        pytest.skip("there is no xl; run: make guests")
    fake = tmp_path / "fake.so"
    subprocess.run([os.environ.get("HOSTCC", "gcc"), "-shared", "-fPIC", "-O1", "-o", fake, os.path.join(TOP, "test/tools/xl/fake.c")],
                   check=True)

    def help_of(*verb):
        env = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": os.path.join(XL, "lib"), "LD_PRELOAD": str(fake)}
        return subprocess.run([os.path.join(XL, "bin/xl"), "help", *verb], env=env, text=True, capture_output=True, timeout=60,
                              check=False).stdout

    assert set(re.findall(r"^ ([a-z][a-z0-9-]*)(?: .*)?$", help_of(), re.M)) == set(VERBS)
    for verb, options in VERBS.items():
        said = set()
        for line in help_of(verb).splitlines():
            m = re.match(r"(?:Usage: xl \[-\w+\] info )? *(-\w\b|--[\w-]+)(?:[ =]\w+)?(?:,\s+(--[\w-]+))?", line)
            said.update(option for option in (m.groups() if m else ()) if option)
        assert said <= set(options.split()), verb
