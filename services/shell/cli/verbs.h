/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs.h - the commands of the shell
 *
 * One list makes the table, the help and the declarations of the handlers.
 */
#ifndef SHELL_VERBS_H
#define SHELL_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "toolstack/msg.h"
#include "table.h"

struct shell;

enum { OPTION_LETTERS = 128 };

/* Options of one command line; argv[first..argc) are the other arguments. */
struct options {
	unsigned char count[OPTION_LETTERS]; /* how often -x was given */
	const char *value[OPTION_LETTERS];   /* of the last -x VALUE */
	int argc;
	char **argv; /* arguments only */
};

/* What Tab offers for a verb's arguments. */
enum verb_complete {
	COMPLETE_NONE,
	COMPLETE_GUEST,
	COMPLETE_FILE,
	COMPLETE_VERB,
	COMPLETE_SERVICE,
};

/*
 * What a verb does to guests and to the host. The log has those that change something. STAYS:
 * it only looks, and takes the terminal, or time, or has commands of its own.
 */
enum verb_effect { EFFECT_LOOKS, EFFECT_CHANGES, EFFECT_STAYS };

/*
 * X(verb, handler, options for getopt, least and most arguments, completion, effect, arguments,
 * help, more help)
 */
#define VERBS(X) \
	X("create", create, "pcqnef:g", 0, 64, FILE, CHANGES, \
		"[-p] [-c] [-n] FILE [key=value...]", \
		"create a guest from a configuration file", \
		"  -p  leave it paused        -c  attach to its console        -q  say nothing\n" \
		"  -n  create no guest; only show mistakes, or a description of the guest\n" \
		"  -f FILE  names the file    -e  makes no difference: nothing waits for the end\n" \
		"FILE has the syntax of xl.cfg(5), and is below /guests if it has no leading /.\n" \
		"key=value overrides the file.\n") \
	X("config-update", config_update, "f:", 1, 64, GUEST, CHANGES, \
		"NAME [FILE] [key=value...]", \
		"give a guest another configuration, for its next start", \
		"FILE is as for `create`. It holds when the guest reboots; its name and UUID stay.\n" \
		"  -f FILE  names the file\n") \
	X("list", list, "lvncj", 0, 64, GUEST, LOOKS, "[-l] [-v] [-c] [--json] [NAME...]", \
		"list domains", \
		"  -l  everything about them, as JSON        -v  with UUID and shutdown reason\n" \
		"  -c  with their pool        --json  the table as JSON\n" \
		"  -n  makes no difference: this host is one node\n" \
		"State: r running, b blocked, p paused, s shut down, c crashed, d dying.\n") \
	X("console", console, "lt:n:", 1, 1, GUEST, STAYS, "[-l] [-t pv] [-n 0] NAME", \
		"attach to a guest's console", \
		"A guest has one console, which is number 0 of the type pv.\n" \
		"Output that nobody has seen yet comes first, and a mark where the rest is live.\n" \
		"Ctrl-] leaves the console.\n" \
		"  -l  only show its log: the last 64 KiB, or the last 16 KiB of a guest that has ended,\n" \
		"      which is known by its name or number; without sequences for terminals\n") \
	X("pause", pause, "", 1, 1, GUEST, CHANGES, "NAME", "stop a guest's CPUs", "") \
	X("unpause", unpause, "", 1, 1, GUEST, CHANGES, "NAME", "let a paused guest run", "") \
	X("shutdown", shutdown, "awF", 0, 1, GUEST, CHANGES, "[-w] -a|NAME", \
		"ask a guest to shut down", \
		"  -a  all guests        -w  wait until it is done; Ctrl-C stops waiting\n" \
		"  -ww  wait until it is gone, even if it is kept after the shutdown\n" \
		"  -F  makes no difference: it is for hvm guests\n") \
	X("reboot", reboot, "awF", 0, 1, GUEST, CHANGES, "[-w] -a|NAME", \
		"ask a guest to reboot", \
		"  -a  all guests        -w  wait until it has gone down\n" \
		"  -F  makes no difference: it is for hvm guests\n") \
	X("destroy", destroy, "f", 1, 1, GUEST, CHANGES, "NAME", \
		"end a guest at once, as if unplugged", "") \
	X("save", save, "cp", 2, 3, GUEST, CHANGES, "[-c] [-p] NAME PARTITION [FILE]", \
		"save a guest's state on a partition, and end it", \
		"  -c  let the guest go on afterwards        -p  leave it paused\n" \
		"PARTITION is named as in disk=, and is overwritten. FILE is the configuration that is\n" \
		"saved with it, in place of the guest's own.\n") \
	X("dump-core", dump_core, "", 2, 2, GUEST, CHANGES, "NAME PARTITION", \
		"write an ELF core of a guest to a partition", \
		"PARTITION is named as in disk=, and is overwritten. The guest is paused meanwhile; it may\n" \
		"also have crashed, if on_crash=\"preserve\" keeps it. gdb and readelf read the core.\n") \
	X("restore", restore, "pec", 1, 2, FILE, CHANGES, "[-p] [-c] [FILE] PARTITION", \
		"go on with a guest that was saved on a partition", \
		"  -p  leave it paused        -c  attach to its console\n" \
		"  -e  makes no difference: nothing waits for the end\n" \
		"FILE is its configuration, in place of the one that was saved with it.\n") \
	X("domid", domid, "", 1, 1, GUEST, LOOKS, "NAME", "the number of a domain", "") \
	X("domname", domname, "", 1, 1, NONE, LOOKS, "ID", "the name of a domain", "") \
	X("rename", rename, "", 2, 2, GUEST, CHANGES, "NAME NEW-NAME", \
		"give a guest another name", "") \
	X("sysrq", sysrq, "", 2, 2, GUEST, CHANGES, "NAME LETTER", \
		"send a SysRq key to a guest", \
		"h shows in the guest's console which letters its kernel knows.\n") \
	X("trigger", trigger, "", 2, 3, GUEST, CHANGES, "NAME nmi [VCPU]", \
		"send an NMI to a vCPU of a guest", \
		"The other triggers of xl are buttons that pvh guests do not have.\n") \
	X("vm-list", vm_list, "j", 0, 0, NONE, LOOKS, "[--json]", \
		"names, numbers and UUIDs of guests", "") \
	X("block-list", block_list, "j", 1, 64, GUEST, LOOKS, "[--json] NAME...", \
		"disks of guests", \
		"The columns are xl's: state is that of the front end, 4 when it is connected.\n") \
	X("network-list", network_list, "j", 1, 64, GUEST, LOOKS, "[--json] NAME...", \
		"vifs of guests", \
		"The columns are xl's: state is that of the front end, 4 when it is connected.\n") \
	X("vcpu-set", vcpu_set, "i", 2, 2, GUEST, CHANGES, "[-i] NAME N", \
		"set the number of vCPUs that a guest uses", \
		"N is at most what the guest's file says. Linux takes vCPUs down by itself; a new one is set\n" \
		"online by udev, or by hand in /sys/devices/system/cpu.\n" \
		"  -i  even if they are more than the host's CPUs\n") \
	X("block-attach", block_attach, "", 2, 64, GUEST, CHANGES, "NAME DISK...", \
		"give a running guest another disk", \
		"DISK is as in disk=, in one word or several.\n") \
	X("block-detach", block_detach, "f", 2, 2, GUEST, CHANGES, "[-f] NAME DISK", \
		"take a disk from a running guest", \
		"DISK is its name in the guest, or its number.\n" \
		"  -f  even if the guest still uses it\n") \
	X("cd-insert", cd_insert, "", 3, 3, GUEST, CHANGES, "NAME VDEV PARTITION", \
		"put a medium into a guest's cdrom drive", \
		"VDEV is the drive's name in the guest; PARTITION is named as in disk=. What is in the\n" \
		"drive is ejected first. The guest sees the disk change its size.\n") \
	X("cd-eject", cd_eject, "", 2, 2, GUEST, CHANGES, "NAME VDEV", \
		"take the medium out of a guest's cdrom drive", \
		"The drive stays, with the size 0.\n") \
	X("network-attach", network_attach, "", 1, 64, GUEST, CHANGES, "NAME [key=value...]", \
		"give a running guest another vif", "The keys are those of vif=.\n") \
	X("network-detach", network_detach, "", 2, 2, GUEST, CHANGES, "NAME VIF", \
		"take a vif from a running guest", "VIF is its number or its mac.\n") \
	X("mem-set", mem_set, "", 2, 2, GUEST, CHANGES, "NAME MEM", \
		"set the memory size of a guest", \
		"MEM is in MiB, or ends in b, k, m, g or t; at most what mem-max allows.\n" \
		"The guest's balloon driver changes the size, as far and as soon as it can.\n") \
	X("mem-max", mem_max, "", 2, 2, GUEST, CHANGES, "NAME MEM", \
		"set the memory size up to which mem-set may go", \
		"MEM is as for mem-set: from its size up to the maxmem of the guest's file.\n") \
	X("vcpu-pin", vcpu_pin, "fg", 3, 4, GUEST, CHANGES, \
		"[-f] NAME VCPU|all HARD|-|all [SOFT|-|all]", \
		"set the CPUs on which a guest's vCPUs run", \
		"HARD: where they may run; SOFT: where of that they run if there is room. A set is as\n" \
		"in cpus=: 2,4-6 or 0-7,^3; - leaves it as it is. It holds at once, and also after a\n" \
		"reboot of the guest.\n" \
		"  -f  makes no difference: nothing but this verb pins a vCPU\n") \
	X("sched-credit2", sched_credit2, "d:w:c:sp:j", 0, 0, GUEST, CHANGES, \
		"[-d NAME [-w WEIGHT] [-c CAP]] [-s] [-p POOL] [--json]", \
		"how guests share the CPUs: show or change it", \
		"  -d NAME  of this guest; without -w and -c, its numbers are shown\n" \
		"  -w WEIGHT  1 to 65535: its share, as compared with the others'\n" \
		"  -c CAP  percent of one CPU that it gets at most; 0: no limit\n" \
		"  -s  parameters of the scheduler        -p POOL  guests in that pool, Pool-0\n" \
		"What is set holds at once, and also after a reboot of the guest.\n") \
	X("cpupool-list", cpupool_list, "cj", 0, 1, NONE, LOOKS, "[-c] [--json] [POOL]", \
		"pools of CPUs, of which this host has one", \
		"  -c  the numbers of its CPUs\n") \
	X("top", top, "bd:i:nxvrfzs:j", 0, 0, NONE, STAYS, \
		"[-b] [-d SECONDS] [-i N] [-s ORDER] [-n] [-x] [-v] [-r] [-f] [--json]", \
		"what domains use, again and again", \
		"The columns are xentop's. The keys N, B, V and R show the parts and the header, as the\n" \
		"options; S takes the next order; Q or Ctrl-C ends it.\n" \
		"  -b  one table below the other, without keys        -d SECONDS  between them (3)\n" \
		"  -i N  ends after N tables        -f  names are not cut\n" \
		"  -s ORDER  of guests: id, name, cpu (percent), time, mem, vcpus\n" \
		"  -n  lines about vifs        -x  about disks        -v  about vCPUs\n" \
		"  --json  each table as a list, without keys\n" \
		"  -r  a header before each row        -z  makes no difference: Domain-0 comes first\n") \
	X("exits", exits, "j", 1, 1, GUEST, LOOKS, "[--json] NAME", \
		"how often a guest's vCPUs left guest mode, and why", \
		"Counted since the guest was started, over all of its vCPUs; `watch 5 exits NAME` shows\n" \
		"how they grow.\n") \
	X("info", info, "nj", 0, 1, NONE, LOOKS, "[-n] [--json] [KEY]", \
		"facts about the host", \
		"  -n  with tables of the CPUs and of the memory of each node\n" \
		"With KEY, only the value of that line.\n") \
	X("dmesg", dmesg, "c", 0, 0, NONE, LOOKS, "[-c]", "log of the host and of its guests", \
		"  -c  forget what was shown\n") \
	X("uptime", uptime, "sj", 0, 64, GUEST, LOOKS, "[-s] [--json] [NAME...]", \
		"how long domains have run", "") \
	X("vcpu-list", vcpu_list, "j", 0, 64, GUEST, LOOKS, "[--json] [NAME...]", \
		"virtual CPUs and their time", "") \
	X("list-services", list_services, "j", 0, 0, NONE, LOOKS, "[--json]", \
		"domains of the host and their restarts", \
		"Restarts: how often a domain was started again; Reason: why, the last time.\n" \
		"Epoch: goes up each time. One that is given up failed too often.\n") \
	X("restart", restart, "", 1, 1, SERVICE, CHANGES, "NAME", \
		"start a domain of the host again", \
		"Guests wait until it is there; no request of them is lost.\n") \
	X("kill", kill, "", 1, 2, SERVICE, CHANGES, "NAME [fault|hang|exit|garbage]", \
		"let a domain of the host fail, as a test", \
		"fault (the default), hang, exit: how it fails.  garbage: it writes nonsense into\n" \
		"its connections. Only on a host that was booted with init.kill=1.\n") \
	X("caps", caps, "j", 1, 1, SERVICE, LOOKS, "[--json] NAME", \
		"what a domain of the host, or a VMM, holds", \
		"NAME is a domain of the host, or a guest, whose VMM is meant. One row for each slot\n" \
		"that its builder filled; everything else that it has is counted by kind.\n" \
		"Rights: read, write, execute, give.\n") \
	X("xenstore-ls", xenstore_ls, "fpj", 0, 1, NONE, LOOKS, "[-f] [-p] [--json] [PATH]", \
		"show a subtree", "  -f  full paths        -p  with permissions\n") \
	X("xenstore-read", xenstore_read, "pj", 1, 64, NONE, LOOKS, "[-p] [--json] PATH...", \
		"read values", "  -p  with the path\n") \
	X("xenstore-write", xenstore_write, "", 2, 64, NONE, CHANGES, \
		"PATH VALUE [PATH VALUE...]", "write values", "") \
	X("xenstore-rm", xenstore_rm, "", 1, 64, NONE, CHANGES, "PATH...", "remove subtrees", \
		"") \
	X("xenstore-list", xenstore_list, "pj", 1, 64, NONE, LOOKS, "[-p] [--json] PATH...", \
		"names of children", "  -p  with the path\n") \
	X("poweroff", poweroff, "f", 0, 0, NONE, CHANGES, "[-f]", \
		"shut all guests down, power off", \
		"  -f  destroy the guests instead of asking them\n") \
	X("reboot-host", reboot_host, "f", 0, 0, NONE, CHANGES, "[-f]", \
		"shut all guests down, reboot", \
		"  -f  destroy the guests instead of asking them\n") \
	X("ls", ls, "lj", 0, 1, FILE, LOOKS, "[-l] [--json] [DIRECTORY]", "list files", \
		"  -l  with sizes\n") \
	X("cat", cat, "", 1, 1, FILE, LOOKS, "FILE", "show a text file", "") \
	X("edit", edit, "lrs", 0, 1, NONE, CHANGES, "[-l] [-r] [-s] NAME", \
		"type a guest's configuration", \
		"The text follows, up to a line with a dot. `create NAME` takes it, in place of a\n" \
		"file. It is kept until the host goes down.\n" \
		"  -l  list the names        -r  remove it        -s  show it\n") \
	X("sleep", sleep, "", 1, 1, NONE, STAYS, "SECONDS", "wait some time", \
		"Ctrl-C ends it.\n") \
	X("wait", wait, "", 1, 2, GUEST, STAYS, "NAME [STATE]", \
		"wait until a guest is in a state", \
		"STATE: running, paused, shutdown (the default; also when it is gone), or gone.\n" \
		"It may be a guest that does not exist yet. Ctrl-C stops waiting.\n") \
	X("watch", watch, "+", 0, 64, VERB, STAYS, "[-b] [-i N] SECONDS COMMAND...", \
		"run a command again and again", \
		"COMMAND is one that only looks, with its arguments and filters; Ctrl-C ends it.\n" \
		"  -b  one below the other, without clearing the screen        -i N  ends after N times\n") \
	X("source", source, "e", 1, 1, FILE, STAYS, "[-e] FILE", "run the lines of a file", \
		"FILE is below /guests if it has no leading /. A line with a mistake ends it.\n" \
		"`edit NAME` in it takes its text from the lines that follow, up to a dot.\n" \
		"  -e  a command that fails ends it, too\n" \
		"/guests/auto/start.xl is run once after the host's start, before the first prompt.\n") \
	X("echo", echo, "", 0, 64, NONE, LOOKS, "[WORD...]", "show words", \
		"`echo $?` shows the exit status of the command before, which is that of xl: 0, or\n" \
		"1 when it failed, 2 when it was typed wrongly, 130 after Ctrl-C.\n") \
	X("help", help, "", 0, 1, VERB, LOOKS, "[COMMAND]", \
		"this list, or more about one command", \
		"`xl --help` and `COMMAND -h` say the same. Before the command, `xl` takes -N, with\n" \
		"which `create`, `block-attach`, `network-attach` and `vcpu-pin` only show what they would\n" \
		"do, and -v, -f, -t and -T, which make no difference here.\n")

/* Handlers run to completion; whatever takes time becomes a state of the shell. */
typedef void (*verb_fn)(struct shell *sh, const struct options *o);

struct verb {
	const char *name;
	verb_fn run;
	const char *letters;
	int least, most;
	enum verb_complete complete;
	enum verb_effect effect;
	const char *args, *summary, *detail;
};

#define X(name, fn, letters, least, most, complete, effect, args, summary, detail) \
	void verb_##fn(struct shell *sh, const struct options *o);
VERBS(X)
#undef X

/* As the user wants to see a table: --json has the letter j. */
enum table_form verb_form(const struct options *o);
/* NULL: no such verb. */
const struct verb *verb_find(const char *name);
/* Why this host does not have a verb that xl has; NULL: xl has no such verb either. */
const char *verb_refused(const char *name);
/* A verb whose letters are VERB_WORDS reads its options itself: they are among its words. */
#define VERB_WORDS "+"
/* Does it look at the table of guests? */
bool verb_needs_guests(const struct verb *v);
/* Does `xl -N` work with it? */
bool verb_has_dry_run(const struct verb *v);
/*
 * A leading `xl` and its options: the number of these words, or -1 with *m. x says what the
 * options ask for.
 */
struct xl_options {
	bool help, dry_run;
};
int verb_skip_xl(int argc, char **argv, struct xl_options *x, struct msg *m);
/* The table, for completion; NULL after the last one. */
const struct verb *verb_at(size_t i);
/* The list of all, or with a name the long text of one: 0, or -1 when there is none. */
int verb_print_help(const struct out *o, const char *name);

/*
 * The options and arguments of a split line, without a leading `xl`. 0, or -1 with *m. The
 * order of the words in argv may change.
 */
int verb_options(const struct verb *v, int argc, char **argv, struct options *o, struct msg *m);

#endif
