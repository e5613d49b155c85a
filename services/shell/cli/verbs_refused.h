/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_refused.h - the verbs and options of xl 4.17 that this host does not have, and why
 *
 * With those of verbs.h they are all that xl has (test/tools/test_xl_verbs.py).
 */
#ifndef SHELL_VERBS_REFUSED_H
#define SHELL_VERBS_REFUSED_H

#define REFUSED_HVM "this host has no emulated hardware, which only hvm guests have"
#define REFUSED_PCI "no device can be given to a guest; drivers of the host use them all"
#define REFUSED_USB "this host has no USB controllers"
#define REFUSED_POOL \
	"all CPUs of this host are one pool, Pool-0; cpus= and `vcpu-pin` keep guests apart"
#define REFUSED_FLASK \
	"this host has no security policy to switch: what a domain may do is what it holds (`caps NAME`)"
#define REFUSED_PSR "this host does not measure or divide caches and memory bandwidth"
#define REFUSED_FRONT "this host has no back end for it; guests have disks, vifs and a console"
#define REFUSED_MOVE "a guest cannot be moved to another host; `save` keeps it on a partition"

/* X(verb, why, and what to do) */
#define VERBS_REFUSED(X) \
	X("pci-attach", REFUSED_PCI) \
	X("pci-detach", REFUSED_PCI) \
	X("pci-list", REFUSED_PCI) \
	X("pci-assignable-add", REFUSED_PCI) \
	X("pci-assignable-remove", REFUSED_PCI) \
	X("pci-assignable-list", REFUSED_PCI) \
	X("vncviewer", REFUSED_HVM "; use `console`") \
	X("migrate", REFUSED_MOVE) \
	X("migrate-receive", REFUSED_MOVE) \
	X("remus", REFUSED_MOVE) \
	X("button-press", REFUSED_HVM "; use `shutdown`") \
	X("sharing", "guests never share pages") \
	X("sched-credit", "guests have the parameters of credit2; use `sched-credit2`") \
	X("sched-rtds", "this host has no real-time scheduler; use `sched-credit2`") \
	X("debug-keys", \
		"the kernel takes no keys; `list -l Domain-0`, `caps` and `dmesg` show its state") \
	X("set-parameters", \
		"the kernel's options are fixed at boot: make run APPEND=, or the boot menu") \
	X("channel-list", REFUSED_FRONT) \
	X("vtpm-attach", REFUSED_FRONT) \
	X("vtpm-list", REFUSED_FRONT) \
	X("vtpm-detach", REFUSED_FRONT) \
	X("vkb-attach", REFUSED_FRONT) \
	X("vkb-list", REFUSED_FRONT) \
	X("vkb-detach", REFUSED_FRONT) \
	X("vdispl-attach", REFUSED_FRONT) \
	X("vdispl-list", REFUSED_FRONT) \
	X("vdispl-detach", REFUSED_FRONT) \
	X("vsnd-attach", REFUSED_FRONT) \
	X("vsnd-list", REFUSED_FRONT) \
	X("vsnd-detach", REFUSED_FRONT) \
	X("claims", "memory is taken when a guest is created, so there are no claims") \
	X("cpupool-create", REFUSED_POOL) \
	X("cpupool-destroy", REFUSED_POOL) \
	X("cpupool-rename", REFUSED_POOL) \
	X("cpupool-cpu-add", REFUSED_POOL) \
	X("cpupool-cpu-remove", REFUSED_POOL) \
	X("cpupool-migrate", REFUSED_POOL) \
	X("cpupool-numa-split", REFUSED_POOL) \
	X("getenforce", REFUSED_FLASK) \
	X("setenforce", REFUSED_FLASK) \
	X("loadpolicy", REFUSED_FLASK) \
	X("devd", "back ends are part of each guest's VMM, so they need no daemon") \
	X("psr-hwinfo", REFUSED_PSR) \
	X("psr-cmt-attach", REFUSED_PSR) \
	X("psr-cmt-detach", REFUSED_PSR) \
	X("psr-cmt-show", REFUSED_PSR) \
	X("psr-cat-set", REFUSED_PSR) \
	X("psr-cat-show", REFUSED_PSR) \
	X("psr-mba-set", REFUSED_PSR) \
	X("psr-mba-show", REFUSED_PSR) \
	X("usbctrl-attach", REFUSED_USB) \
	X("usbctrl-detach", REFUSED_USB) \
	X("usbdev-attach", REFUSED_USB) \
	X("usbdev-detach", REFUSED_USB) \
	X("usb-list", REFUSED_USB) \
	X("qemu-monitor-command", REFUSED_HVM)

/* Of verbs that this host has: X(verb, letter, long name, why, and what to do) */
#define OPTIONS_REFUSED(X) \
	X("create", 'd', "debug", "`create -n` shows the guest without creating it") \
	X("create", 'F', "foreground", "create the guest, then `shutdown -w` or `console`") \
	X("create", 'V', "vncviewer", REFUSED_HVM "; -c shows the console") \
	X("create", 'A', "vncviewer-autopass", REFUSED_HVM "; -c shows the console") \
	X("config-update", 'd', "debug", "`create -n` shows what a file means") \
	X("save", 'D', "domid", "a restored guest gets a number of its own") \
	X("restore", 'd', "debug", "`list -l` shows the guest when it is there") \
	X("restore", 'V', "vncviewer", REFUSED_HVM "; -c shows the console") \
	X("restore", 'A', "vncviewer-autopass", REFUSED_HVM "; -c shows the console") \
	X("sched-credit2", 'r', "ratelimit_us", \
		"a vCPU that wakes up waits for its turn, so there is no rate to limit") \
	X("list", 'Z', "context", REFUSED_FLASK)

#endif
