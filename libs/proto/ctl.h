/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl.h - control and the programs that people and tools use: guests and the host
 *
 * Transport   record rings; each record is a struct ctl_head, followed by len bytes. A *tool*
 *             (the shell; later perhaps a remote interface) sends requests, control answers.
 *             The tool is the service of the connection, and control is its client, because
 *             control calls init, so init must not wait for control to open a connection. So
 *             requests travel in the response ring, and answers in the request ring.
 * Rights      every operation has a class, and the manifest gives each tool classes. A request
 *             of a class that the tool has not got is answered by -SK_E_DENIED.
 * Answers     each request gets one answer: status 0 and what the operation says, or -SK_E_*
 *             and a text for a person, without a newline or terminator, which may be empty. A
 *             request that waits for something may get notes before its answer.
 * Credit      at most CTL_DEPTH requests without an answer. control takes a request when its
 *             answer has room, and drops notes that have none.
 * Hostile     control takes nothing from a tool on trust. What cannot be answered (a record of
 *             a wrong size, an id that is in use, too many requests) ends the connection.
 * Restart     when either end is started again, requests without an answer are gone. What they
 *             began goes on, or is taken back, as control decides; HELLO and LIST say how it
 *             is. The tool begins with HELLO.
 */
#ifndef PROTO_CTL_H
#define PROTO_CTL_H

#include <stdint.h>

#include "proto/guest_config.h"
#include "proto/init.h"

#define CTL_DEPTH 16u
/* Bytes that follow a head: in a request and in an answer. */
#define CTL_BODY_MAX 16352u
#define CTL_TEXT_MAX 511u /* bytes of an answer's or a note's text */
#define CTL_GUESTS_MAX 1000u
#define CTL_CPUS_MAX 64u

/* X(name, bit, word in the manifest, what) */
#define CTL_CLASSES(X) \
	X(LOOK, 0, "look", "see guests and the host") \
	X(CONSOLE, 1, "console", "find guests' consoles") \
	X(LIFE, 2, "life", "pause, stop and signal guests") \
	X(CONFIGURE, 3, "configure", "make guests, and change them") \
	X(HOST, 4, "host", "restart domains of the host, and stop the host")
#define X(name, bit, word, what) CTL_RIGHT_##name = 1 << (bit),
enum ctl_right { CTL_RIGHT_NONE = 0, CTL_CLASSES(X) };
#undef X

/*
 * X(name, number, class, enum ctl_about, request -> answer, and how). A request about a guest
 * begins with its domid, and is answered by -SK_E_NOT_FOUND if there is none.
 */
#define CTL_OPS(X) \
	X(HELLO, 1, NONE, HOST, "-> struct ctl_hello") \
	X(CANCEL, 2, NONE, HOST, \
		"uint32_t id: that request gets no answer any more; what it began goes on") \
	X(LIST, 3, LOOK, HOST, "uint32_t domid -> struct ctl_list: guests with higher domids") \
	X(REFRESH, 4, LOOK, HOST, "VMMs are asked for new figures of guests -> nothing") \
	X(NEWS, 5, LOOK, HOST, \
		"uint64_t sum of a LIST: wait until it is another one -> nothing") \
	X(DESCRIBE, 6, LOOK, GUEST, "uint32_t domid -> struct ctl_guest") \
	X(SYSTEM, 7, LOOK, HOST, "-> struct ctl_system") \
	X(HOST_LOOK, 8, LOOK, HOST, \
		"struct ctl_call: DOMAIN_STATS or CAPS of init.h -> struct ctl_words") \
	X(CAPS, 9, LOOK, GUEST, \
		"struct ctl_caps_of -> struct ctl_caps, of its VMM; STATE: it has none now") \
	X(STORE_LOOK, 10, LOOK, HOST, \
		"struct ctl_store: READ, DIRECTORY or GET_PERMS in xenstore -> struct ctl_stored") \
	X(STORE_CHANGE, 11, CONFIGURE, HOST, \
		"struct ctl_store: WRITE or RM -> struct ctl_stored") \
	X(CONSOLE, 12, CONSOLE, GUEST, \
		"uint32_t domid: wait until its console is there -> nothing") \
	X(ATTACHED, 13, CONSOLE, HOST, \
		"uint32_t domid: the user is in its console; 0: in none -> nothing") \
	X(CREATE, 14, CONFIGURE, HOST, \
		"struct ctl_create: also a guest that was saved -> uint32_t domid, when the guest runs or is paused") \
	X(AUTO, 15, CONFIGURE, HOST, \
		"struct ctl_auto: how far the guests are that start with the host -> nothing") \
	X(PAUSE, 16, LIFE, LIVE, "uint32_t domid -> nothing") \
	X(UNPAUSE, 17, LIFE, LIVE, "uint32_t domid -> nothing") \
	X(SHUTDOWN, 18, LIFE, LIVE, "uint32_t domid: the guest is asked -> nothing") \
	X(REBOOT, 19, LIFE, LIVE, "uint32_t domid: the guest is asked -> nothing") \
	X(DESTROY, 20, LIFE, GUEST, "uint32_t domid: its end has begun -> nothing") \
	X(WAIT, 21, LOOK, HOST, \
		"struct ctl_wait: notes DOWN, GONE and TEXT about these guests, until none is left -> nothing") \
	X(SYSRQ, 22, LIFE, LIVE, "struct ctl_number: a letter -> nothing") \
	X(NMI, 23, LIFE, LIVE, "struct ctl_number: a vCPU -> nothing") \
	X(RENAME, 24, CONFIGURE, GUEST, "struct ctl_rename -> nothing") \
	X(MEM_SET, 25, CONFIGURE, LIVE, "struct ctl_number: KiB -> nothing") \
	X(VCPU_SET, 26, CONFIGURE, LIVE, \
		"struct ctl_number: vCPUs; flag 1: more than the host's CPUs, too -> nothing") \
	X(ATTACH_DISK, 27, CONFIGURE, LIVE, \
		"uint32_t domid, struct guest_disk -> nothing, when the guest has it") \
	X(ATTACH_VIF, 28, CONFIGURE, LIVE, \
		"uint32_t domid, struct vif_spec -> nothing, when the guest has it") \
	X(DETACH, 29, CONFIGURE, LIVE, \
		"struct ctl_number: a seat; flag 1: by force -> nothing, when it is gone") \
	X(HOST_CHANGE, 30, HOST, HOST, \
		"struct ctl_call: RESTART of init.h, but not as BREACH -> struct ctl_words") \
	X(POWER, 31, HOST, HOST, \
		"struct ctl_power: notes TEXT; answered only if the host stays, or if another POWER waits") \
	X(SAVE, 32, CONFIGURE, GUEST, \
		"struct ctl_save, a text of 1 to VMCTL_CONFIG_MAX bytes: its configuration, or for a core none -> nothing, when the volume has the guest; IO: it has failed, and the guest goes on unless it has ended") \
	X(SAVED_CONFIG, 33, CONFIGURE, HOST, \
		"struct ctl_image: a saved guest -> the text of its configuration, which is hostile") \
	X(SCHED, 34, CONFIGURE, LIVE, \
		"struct ctl_sched: weight and cap of a guest -> nothing") \
	X(PIN, 35, CONFIGURE, LIVE, "struct ctl_pin: the CPUs of a guest's vCPUs -> nothing") \
	X(INSERT, 36, CONFIGURE, LIVE, \
		"uint32_t domid, struct guest_disk: a medium for the empty drive in its seat -> nothing, when the guest has it") \
	X(EJECT, 37, CONFIGURE, LIVE, \
		"struct ctl_number: the seat of a drive -> nothing, when its medium is out") \
	X(MEM_MAX, 38, CONFIGURE, LIVE, "struct ctl_number: KiB -> nothing") \
	X(UPDATE, 39, CONFIGURE, GUEST, \
		"struct ctl_update: the configuration with which a guest is started again -> nothing") \
	X(QUOTA, 40, LOOK, GUEST, \
		"uint32_t domid -> struct ctl_stored, uint32_t: how often xenstore refused it something for a quota")

#define X(name, num, class, about, what) CTL_##name = (num),
enum ctl_op { CTL_OPS(X) CTL_OP_END };
#undef X

enum ctl_about {
	CTL_ABOUT_HOST,
	CTL_ABOUT_GUEST,
	CTL_ABOUT_LIVE /* a guest that runs or is paused; else -SK_E_STATE */
};

/* Of a record from control. */
enum ctl_kind {
	CTL_ANSWER = 0,
	CTL_NOTE_TEXT, /* a text for a person, like that of an answer */
	CTL_NOTE_DOWN, /* struct ctl_news: the guest has shut down */
	CTL_NOTE_GONE, /* struct ctl_news: nothing is left of it */
	CTL_KIND_END
};

struct ctl_head {
	/* The tool chooses it: not 0, and not that of another request without an answer. */
	uint32_t id;
	uint16_t op;    /* enum ctl_op; the same in the answer */
	uint16_t kind;  /* enum ctl_kind; 0 in a request */
	int32_t status; /* of an answer: 0 or -SK_E_*; else 0 */
	uint32_t len;
};
_Static_assert(sizeof(struct ctl_head) == 16, "no padding");

struct ctl_hello {
	uint32_t rights; /* enum ctl_right */
	/* control has taken over this many guests of an earlier life, which ended like this. */
	uint32_t resumed, adopted;
	uint32_t end; /* enum domain_end */
	/* The guests that start with the host: this many files are dealt with; all of them. */
	uint32_t n_auto, auto_over;
	uint32_t attached; /* as ATTACHED said last */
	uint32_t reserved;
};
_Static_assert(sizeof(struct ctl_hello) == 32, "no padding");

/*
 * FREE      no guest
 * BUILDING  it is being made
 * LIVE      runs, or is paused
 * DOWN      the guest has shut down; its memory is kept
 * DYING     its VMM is being stopped
 * LEAVING   its connections are being closed
 * RESTING   gone, and created again later; only the entry is left
 */
#define DOM_STATES(X) X(FREE) X(BUILDING) X(LIVE) X(DOWN) X(DYING) X(LEAVING) X(RESTING)
#define X(s) DOM_##s,
enum dom_state { DOM_STATES(X) DOM_STATE_COUNT };
#undef X

struct ctl_vcpu {
	uint32_t state; /* 0 runs, 1 is blocked, 2 is offline, as its VMM said last */
	uint32_t cpu;
	uint64_t ran_ns;
};
_Static_assert(sizeof(struct ctl_vcpu) == 16, "no padding");

/* A life below this many seconds is a short one. */
#define CTL_SHORT_LIFE_S 60u

enum ctl_dom_flag {
	CTL_DOM_PAUSED = 1,
	CTL_DOM_THERE = 2 /* it has a VMM, or is getting one or losing it */
};

/* One guest. */
struct ctl_dom {
	uint32_t domid;
	uint32_t state;  /* enum dom_state */
	uint32_t flags;  /* enum ctl_dom_flag */
	uint32_t reason; /* DOWN: SHUTDOWN_* of xen/sched.h */
	uint32_t vcpus, maxvcpus;
	uint32_t n_vcpus;     /* that its VMM reported; 0: it has not done so yet */
	uint32_t short_lives; /* in a row */
	uint32_t weight, cap; /* as in struct guest_config */
	uint64_t memory;      /* bytes that it holds */
	uint64_t up_ns;       /* since it was created */
	uint64_t rest_ns;     /* RESTING: until it is created again */
	char name[GUEST_NAME_MAX + 1];
	uint8_t uuid[UUID_SIZE];
	struct ctl_vcpu vcpu[GUEST_VCPUS_MAX];
	uint64_t cpus[GUEST_VCPUS_MAX],
		cpus_soft[GUEST_VCPUS_MAX]; /* as in struct guest_config */
};
_Static_assert(sizeof(struct ctl_dom) == 400, "no padding");

#define CTL_LIST_MAX 40u
struct ctl_list {
	uint64_t sum;  /* of what NEWS watches: names, states, who is paused */
	uint32_t n;    /* rows that follow */
	uint32_t more; /* 1: there are further guests */
	struct ctl_dom dom[CTL_LIST_MAX];
};
_Static_assert(sizeof(struct ctl_list) == 16 + CTL_LIST_MAX * sizeof(struct ctl_dom) &&
		       sizeof(struct ctl_list) <= CTL_BODY_MAX,
	"it fits an answer");

/* Capabilities in a domain's CNode, for finding leaks. */
struct ctl_resources {
	uint32_t slots;   /* all of the CNode */
	uint32_t used;    /* slots that are not empty */
	uint32_t frames;  /* capabilities to memory that can be mapped */
	uint32_t objects; /* threads, notifications, tables and all else except untypeds */
};
_Static_assert(sizeof(struct ctl_resources) == 16, "no padding");

/* A guest in full. */
struct ctl_guest {
	uint32_t there; /* 1: it has a VMM, and what follows is known */
	uint32_t connections;
	uint64_t memory; /* bytes of the host that it takes, with all that belongs to it */
	struct ctl_resources has; /* of its VMM */
	uint64_t unknown[VMCTL_UNKNOWN_KINDS];
	uint64_t served_ns; /* CPU time of services that worked for it */
	struct vmctl_disk_stats disk[GUEST_DISKS_MAX]; /* by their seats */
	struct vmctl_vif_stats vif[GUEST_VIFS_MAX];
	uint64_t exits[VMCTL_EXITS];
	struct guest_config config;
};
_Static_assert(sizeof(struct ctl_guest) <= CTL_BODY_MAX, "it fits an answer");

/* X(name, name of the domain): the services that guests' VMMs are connected with. */
#define CTL_GUEST_SERVICES(X) \
	X(CONSOLE, "console") \
	X(XENSTORE, "xenstore") \
	X(STORAGE, "storage") \
	X(NETWORK, "network") \
	X(FILES, "files")
#define X(sym, name) SERVICE_##sym,
enum service { CTL_GUEST_SERVICES(X) SERVICE_COUNT };
#undef X

/* The host. */
struct ctl_system {
	uint64_t up_ns;        /* since the kernel started */
	uint64_t on_ns;        /* since power-on */
	uint64_t wall_seconds; /* since 1970, or since power-on if the machine does not know */
	/* Bytes: of the host's own domains, of all guests, and of these what is free. */
	uint64_t host_memory, guest_memory, free_memory;
	uint64_t image_memory; /* bytes in which unpacked kernels are kept, free or not */
	uint64_t cpu_ns;       /* of the host's own domains */
	uint32_t n_cpus;
	uint32_t cpu;      /* that control runs on */
	uint32_t given_up; /* bit s: the enum service s does not run any more */
	uint32_t reserved;
	uint64_t idle_ns[CTL_CPUS_MAX]; /* how much of on_ns a CPU had nothing to run */
	uint64_t ran_ns[CTL_CPUS_MAX];  /* by the host's own domains */
};
_Static_assert(sizeof(struct ctl_system) == 80 + 2 * 8 * CTL_CPUS_MAX, "no padding");

/*
 * A call of init that control makes for the tool, and what init answers: the words from mr0 on,
 * as many as there are. What init refuses, control refuses.
 */
struct ctl_call {
	uint64_t label; /* enum init_call */
	uint64_t mr[5];
};
_Static_assert(sizeof(struct ctl_call) == 48, "no padding");
#define CTL_WORDS_MAX 64u
struct ctl_words {
	uint64_t mr[CTL_WORDS_MAX];
};
_Static_assert(sizeof(struct ctl_words) == 8 * CTL_WORDS_MAX, "no padding");

/* What the VMM of a guest holds. */
struct ctl_caps_of {
	uint32_t domid, reserved;
	uint64_t at; /* 0 first, then what the answer said */
};
_Static_assert(sizeof(struct ctl_caps_of) == 16, "no padding");

#define CTL_CAPS_MAX 64u
struct ctl_caps {
	uint64_t next; /* where to go on; 0: that was all */
	uint32_t n, reserved;
	struct init_cap cap[CTL_CAPS_MAX];
};
_Static_assert(sizeof(struct ctl_caps) <= CTL_BODY_MAX, "it fits an answer");

/*
 * A request to xenstore, as dom0: type of xen/io/xs_wire.h, and its payload behind. The answer
 * has xenstore's payload behind it; if it failed, that is the name of an error ("ENOENT").
 */
#define CTL_STORE_MAX 4096u
struct ctl_store {
	uint32_t type;
};
_Static_assert(sizeof(struct ctl_store) == 4, "no padding");
struct ctl_stored {
	uint32_t failed; /* 0 or 1 */
};
_Static_assert(sizeof(struct ctl_stored) == 4, "no padding");

/* A partition, by the label that it has in the GPT. */
struct ctl_image {
	char label[DISK_LABEL_SIZE];
	uint8_t reserved;
};
_Static_assert(sizeof(struct ctl_image) == 52, "no padding");

/* What becomes of a guest that was saved. */
/* CORE: nothing; it is not saved, but an ELF core of it is written. It may have shut down. */
enum ctl_save_after {
	CTL_SAVE_DESTROY,
	CTL_SAVE_CONTINUE,
	CTL_SAVE_PAUSE,
	CTL_SAVE_CORE,
	CTL_SAVE_END
};
struct ctl_save {
	uint32_t domid;
	uint32_t after;         /* enum ctl_save_after */
	struct ctl_image image; /* it is overwritten */
};
_Static_assert(sizeof(struct ctl_save) == 60 &&
		       sizeof(struct ctl_save) + VMCTL_CONFIG_MAX <= CTL_BODY_MAX,
	"no padding, and it fits a request");

enum ctl_create_flag {
	CTL_CREATE_PAUSED = 1,
	/*
	 * It is the file n_auto of those that start with the host: if control is restarted
	 * meanwhile, the guest is made all the same.
	 */
	CTL_CREATE_AUTO = 2
};
struct ctl_create {
	uint32_t flags; /* enum ctl_create_flag */
	uint32_t n_auto;
	/* The guest that was saved there; empty: it boots. Not with CTL_CREATE_AUTO. */
	struct ctl_image image;
	uint32_t reserved;
	struct guest_config config;
};
_Static_assert(sizeof(struct ctl_create) == 64 + sizeof(struct guest_config) &&
		       sizeof(struct ctl_create) <= CTL_BODY_MAX,
	"it fits a request");

/* Name and UUID of the configuration are those of the guest. */
struct ctl_update {
	uint32_t domid, reserved;
	struct guest_config config;
};
_Static_assert(sizeof(struct ctl_update) == 8 + sizeof(struct guest_config) &&
		       sizeof(struct ctl_update) <= CTL_BODY_MAX,
	"it fits a request");

struct ctl_auto {
	uint32_t n, over;
};
_Static_assert(sizeof(struct ctl_auto) == 8, "no padding");

struct ctl_wait {
	uint32_t n;
	uint32_t gone_only; /* 1: shutting down is not enough */
	uint32_t domid[CTL_GUESTS_MAX];
};
_Static_assert(sizeof(struct ctl_wait) == 8 + 4 * CTL_GUESTS_MAX, "no padding");
struct ctl_news {
	uint32_t domid, reason;
};
_Static_assert(sizeof(struct ctl_news) == 8, "no padding");

struct ctl_number {
	uint32_t domid, flags;
	uint64_t value;
};
_Static_assert(sizeof(struct ctl_number) == 16, "no padding");

enum ctl_sched_flag { CTL_SCHED_WEIGHT = 1, CTL_SCHED_CAP = 2 };
struct ctl_sched {
	uint32_t domid;
	uint32_t flags; /* enum ctl_sched_flag: what changes */
	uint32_t weight, cap;
};
_Static_assert(sizeof(struct ctl_sched) == 16, "no padding");

enum ctl_pin_flag { CTL_PIN_HARD = 1, CTL_PIN_SOFT = 2 };
#define CTL_PIN_ALL UINT32_MAX
struct ctl_pin {
	uint32_t domid;
	uint32_t vcpu;  /* or CTL_PIN_ALL */
	uint32_t flags; /* enum ctl_pin_flag: what changes */
	uint32_t reserved;
	uint64_t hard, soft; /* as cpus and cpus_soft of struct guest_config */
};
_Static_assert(sizeof(struct ctl_pin) == 32, "no padding");

struct ctl_rename {
	uint32_t domid;
	char name[GUEST_NAME_MAX + 1];
};
_Static_assert(sizeof(struct ctl_rename) == 68, "no padding");

struct ctl_disk {
	uint32_t domid;
	struct guest_disk disk;
};
_Static_assert(sizeof(struct ctl_disk) == 4 + sizeof(struct guest_disk), "no padding");
struct ctl_vif {
	uint32_t domid, reserved;
	struct vif_spec vif;
};
_Static_assert(sizeof(struct ctl_vif) == 8 + sizeof(struct vif_spec), "no padding");

/*
 * GENTLY: guests are asked, and destroyed if they take long. NOW: they are destroyed. AT_ONCE:
 * those that are not gone yet are not waited for.
 */
enum ctl_power_how { CTL_POWER_GENTLY, CTL_POWER_NOW, CTL_POWER_AT_ONCE, CTL_POWER_END };
struct ctl_power {
	uint32_t reboot;
	uint32_t how; /* enum ctl_power_how */
};
_Static_assert(sizeof(struct ctl_power) == 8, "no padding");

/*
 * X(name, bytes of a request, and at most so many more, bytes of an answer with status 0, and
 * at most so many more)
 */
#define CTL_SIZES(X) \
	X(HELLO, 0, 0, sizeof(struct ctl_hello), 0) \
	X(CANCEL, sizeof(uint32_t), 0, 0, 0) \
	X(LIST, sizeof(uint32_t), 0, 16, CTL_LIST_MAX * sizeof(struct ctl_dom)) \
	X(REFRESH, 0, 0, 0, 0) \
	X(NEWS, sizeof(uint64_t), 0, 0, 0) \
	X(DESCRIBE, sizeof(uint32_t), 0, sizeof(struct ctl_guest), 0) \
	X(SYSTEM, 0, 0, sizeof(struct ctl_system), 0) \
	X(HOST_LOOK, sizeof(struct ctl_call), 0, sizeof(uint64_t), \
		sizeof(struct ctl_words) - 8) \
	X(CAPS, sizeof(struct ctl_caps_of), 0, 16, CTL_CAPS_MAX * sizeof(struct init_cap)) \
	X(STORE_LOOK, sizeof(struct ctl_store), CTL_STORE_MAX, sizeof(struct ctl_stored), \
		CTL_STORE_MAX) \
	X(STORE_CHANGE, sizeof(struct ctl_store), CTL_STORE_MAX, sizeof(struct ctl_stored), \
		CTL_STORE_MAX) \
	X(CONSOLE, sizeof(uint32_t), 0, 0, 0) \
	X(ATTACHED, sizeof(uint32_t), 0, 0, 0) \
	X(CREATE, sizeof(struct ctl_create), 0, sizeof(uint32_t), 0) \
	X(AUTO, sizeof(struct ctl_auto), 0, 0, 0) \
	X(PAUSE, sizeof(uint32_t), 0, 0, 0) \
	X(UNPAUSE, sizeof(uint32_t), 0, 0, 0) \
	X(SHUTDOWN, sizeof(uint32_t), 0, 0, 0) \
	X(REBOOT, sizeof(uint32_t), 0, 0, 0) \
	X(DESTROY, sizeof(uint32_t), 0, 0, 0) \
	X(WAIT, sizeof(struct ctl_wait), 0, 0, 0) \
	X(SYSRQ, sizeof(struct ctl_number), 0, 0, 0) \
	X(NMI, sizeof(struct ctl_number), 0, 0, 0) \
	X(RENAME, sizeof(struct ctl_rename), 0, 0, 0) \
	X(MEM_SET, sizeof(struct ctl_number), 0, 0, 0) \
	X(VCPU_SET, sizeof(struct ctl_number), 0, 0, 0) \
	X(ATTACH_DISK, sizeof(struct ctl_disk), 0, 0, 0) \
	X(ATTACH_VIF, sizeof(struct ctl_vif), 0, 0, 0) \
	X(DETACH, sizeof(struct ctl_number), 0, 0, 0) \
	X(HOST_CHANGE, sizeof(struct ctl_call), 0, sizeof(uint64_t), \
		sizeof(struct ctl_words) - 8) \
	X(POWER, sizeof(struct ctl_power), 0, 0, 0) \
	X(SAVE, sizeof(struct ctl_save), VMCTL_CONFIG_MAX, 0, 0) \
	X(SAVED_CONFIG, sizeof(struct ctl_image), 0, 0, VMCTL_CONFIG_MAX) \
	X(SCHED, sizeof(struct ctl_sched), 0, 0, 0) \
	X(PIN, sizeof(struct ctl_pin), 0, 0, 0) \
	X(INSERT, sizeof(struct ctl_disk), 0, 0, 0) \
	X(EJECT, sizeof(struct ctl_number), 0, 0, 0) \
	X(MEM_MAX, sizeof(struct ctl_number), 0, 0, 0) \
	X(UPDATE, sizeof(struct ctl_update), 0, 0, 0) \
	X(QUOTA, sizeof(uint32_t), 0, sizeof(struct ctl_stored), CTL_STORE_MAX)

#endif
