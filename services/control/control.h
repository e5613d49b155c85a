/*
 * control.h - what the files of the control domain share
 *
 * One thread runs everything (but what vmm_guard.c and caller.c have threads for): handlers run to
 * completion, and what takes time is a state of an object. Nothing waits for a service. Pure logic
 * is in the files that have a header of their own.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/balance.h"
#include "client/calls.h"
#include "guest/domtab.h"
#include "shell/format.h"
#include "guest/pool.h"
#include "proc/proc.h"
#include "proto/vmctl.h"
#include "svc/svc.h"
#include "shell/verbs.h"
#include "guest/xs_layout.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The domain's own notification bits, above those of its channels. */
enum { BIT_VMCTL = 20, BIT_DEATH = 21, BIT_CALLS = 22 };

extern struct domtab guests;
extern struct pool guest_pool;
/* Text for the log of the host, which `dmesg` shows. */
extern const struct out log_out;
/* A line about a guest, for the part of that log which is the guest's own. */
void guest_log(uint32_t domid, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- host.c: init, the machine ---- */

int host_init(void) must_check;
/* Its control endpoint; 0: there is none now. */
sk_cap_t host_service(enum service s);
const char *host_service_name(enum service s);
/* What a -SK_E_* means. */
const char *error_text(int rc);
sk_cap_t host_ctl_sched(void);
/* A scheduling context for a further thread of this domain: above all guests. percent: of a CPU; 0: no limit. */
int host_thread_sched(uint32_t percent, sk_cap_t *sched) must_check;
/* As the manifest says, higher first: guests' vCPUs, their VMMs' I/O threads, this domain. */
enum host_priority { PRIORITY_VCPU, PRIORITY_VMM, PRIORITY_SELF, PRIORITY_COUNT };
uint32_t host_priority(enum host_priority of);
const struct proc_image *host_vmm_image(void);
/* Memory and CPU time of all static domains together. */
void host_usage(uint64_t *memory, uint64_t *cpu_ns);
/* The host's own domain number i; false: there are not so many. */
bool host_domain(uint32_t i, struct host_row *r);
/* The same, with what it has, which takes longer. */
bool host_domain_counted(uint32_t i, struct host_row *r);
void host_info(struct host_info *h);
void host_random(void *buf, size_t size);
/* Seconds since 1970; since boot if the machine does not know. */
uint64_t host_wall_seconds(void);
/* Absolute time in TSC ticks, for timers. */
sk_time_t deadline_in_ms(uint32_t ms);
/* Power off or reboot; returns only when init refuses. */
int host_power(bool reboot);

/* ---- chan.c: client ends of connections ---- */

/* Hand every record that came in to fn; returns when none is left and the peer knows it. */
void chan_drain(struct svc_conn *c, void *buf, uint32_t size,
	void (*fn)(const void *rec, uint32_t len));

/* ---- term.c: the connection to console ---- */

int term_init(void) must_check;
/*
 * To the terminal; newlines become CR LF. term_out: what a verb was asked for, which goes through the filters
 * behind it; term_messages: what is to be seen in any case.
 */
extern const struct out term_out, term_messages;
/* Where text for term_out goes; NULL: to the terminal. */
void term_through(const struct out *o);
/*
 * Bytes that wait for room. Above TERM_HIGH producers should pause: shell_drained() tells when
 * to go on.
 */
enum { TERM_HIGH = 16384 };
size_t term_pending(void);
/*
 * Ask for the next line; with drop, what was typed up to the ^C that shell_interrupt() told of is
 * void. After each key that gave work.
 */
void term_ready(bool drop);
/* Give the terminal to a guest's console; shell_detached() tells when it is back. */
void term_attach(uint32_t domid);
/* Print the log of the host; shell_log_done() at its end. */
void term_dmesg(void);

/* ---- shell.c: the person at the console ---- */

void shell_init(void);
/* Prompt, when the machine is ready to be talked to. */
void shell_open(void);
void shell_key(uint8_t byte);
/* ^C was typed since the last term_ready(). */
void shell_interrupt(void);
void shell_detached(const char *why);
void shell_log_done(void);
void shell_drained(void);

struct shell;
extern struct shell *const the_shell;
/*
 * A verb goes on after its handler returned; on ^C `cancel` is called (NULL: nothing to undo).
 */
void shell_busy(struct shell *sh, void (*cancel)(void));
/* It has ended: the prompt comes back. */
void shell_done(struct shell *sh);
bool shell_is_busy(const struct shell *sh);
void shell_print(struct shell *sh, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Somebody may wait for this guest. */
void shell_on_note(const struct dom_action *a);
/* Its console is there. */
void shell_on_console(uint32_t domid);
/* Who waits for this guest has to know this. */
void shell_on_trouble(uint32_t domid, const char *text);
/* The host goes down now: nothing is waited for any more. */
void shell_stopped(void);
/* More of a long output wanted: called when the terminal has room again. */
void shell_on_room(void (*fn)(void));
/* A guest by what was typed, with the message printed when there is none: NULL. */
struct dom *guest_by_name(struct shell *sh, const char *who);
/* The terminal goes to a guest's console until the user leaves it. */
void shell_attach(struct shell *sh, uint32_t domid);
/* ---- xenstore.c: xenstore, as dom0 ---- */

/*
 * err: 0 or a positive errno of the wire's; data is terminated, and valid during the call only.
 */
typedef void (*xs_done_fn)(void *ctx, int err, const char *data, uint32_t len);
int xs_client_init(void) must_check;
/*
 * type: enum xsd_sockmsg_type. payload is copied. fn may be NULL. 0 or -1 when there is no
 * memory.
 */
int xs_request(uint32_t type, const void *payload, uint32_t len, xs_done_fn fn, void *ctx);
/* Text arguments, each with its terminator: up to NULL. */
int xs_request_texts(uint32_t type, xs_done_fn fn, void *ctx, ...);
/* The same for what ends without one: `tail` of n bytes (a value). */
int xs_write_value(const char *path, const char *value, uint32_t n, xs_done_fn fn, void *ctx);
/* Emit functions for xs_layout.h; ctx is a struct xs_batch, where n counts the requests. */
struct xs_batch {
	xs_done_fn fn;
	void *ctx;
	uint32_t n;
};
int xs_emit(void *ctx, const struct xs_entry *e);
int xs_emit_remove(void *ctx, const struct xs_entry *e);
const char *xs_error_text(int err);

/* ---- files.c: the file system ---- */

enum { FILES_TEXT_MAX = 64 * 1024, FILES_CANDIDATE = 256 };
int files_client_init(void) must_check;
/*
 * A whole small file; status 0 or -SK_E_* (LIMIT: too large). The text is valid during the call
 * only.
 */
typedef void (*file_done_fn)(void *ctx, int status, const char *text, size_t len);
int files_read(const char *path, file_done_fn fn, void *ctx) must_check;
/* A piece of a file at `position`; len 0 at its end. */
int files_read_at(const char *path, uint64_t position, file_done_fn fn, void *ctx) must_check;
struct file_entry {
	char *name; /* owned by the list */
	uint64_t size;
	bool directory;
};
/* Entries in name order, valid during the call only. */
typedef void (*dir_done_fn)(void *ctx, int status, const struct file_entry *list, size_t n);
int files_list(const char *path, dir_done_fn fn, void *ctx) must_check;
const char *files_error_text(int status);

/* ---- life.c, build.c: guests ---- */

struct guest_conn {
	enum service service;
	uint32_t number;
	uint32_t step; /* connect.c: which of the VMM's connections */
};
/* The connection that is being made or closed. */
struct guest_link {
	struct call call;
	bool under_way;
	struct proc_connect c;
	struct proc_connection made;
	char name[16];
	uint64_t params[SVC_PARAMS_MAX / 8];
};
enum {
	GUEST_CONNS_MAX = 4 + GUEST_MODULES_MAX + GUEST_DISKS_MAX + GUEST_VIFS_MAX,
	GUEST_DEVICE_ORDER =
		21, /* data part of a disk's or a vif's region; the rings come out of base */
};

/* The end of a creation: text NULL when the guest is there, else why not. */
typedef void (*created_fn)(void *ctx, uint32_t domid, const char *text);

struct guest {
	struct dom *dom;
	/* build.c */
	struct pool_set ram;  /* in the order of guest physical addresses */
	struct pool_set heap; /* what the VMM retypes itself */
	pool_piece_t base;    /* charged by proc_create() */
	pool_piece_t *more;   /* pieces that the VMM got later: up to n_more_max */
	uint32_t n_ram;       /* pieces of RAM at start */
	uint32_t n_more, n_more_max;
	pool_piece_t device[GUEST_DISKS_MAX + GUEST_VIFS_MAX]; /* data of disks, then vifs */
	struct proc proc;
	bool proc_made;
	/* connect.c */
	struct guest_conn conn[GUEST_CONNS_MAX]; /* in the order in which they were made */
	uint32_t n_conns;
	uint32_t doubt; /* 1 << service: it may have a connection that it was not heard of */
	struct guest_link link;
	uint32_t step; /* of the connection that is being made */
	bool leaving;  /* they are being closed */
	struct svc_timer late_timer;
	/* sched.c */
	sk_cap_t sched[VM_VCPUS_MAX];
	uint64_t ran[VM_VCPUS_MAX], waited[VM_VCPUS_MAX]; /* at its last look */
	uint64_t io_ran;
	bool io_shares; /* the I/O thread takes its turn among vCPUs */
	bool io_capped; /* its budget is set */
	struct balance_cap cap;
	uint64_t used; /* ticks that the vCPUs ran, at the last look */
	sk_cap_t fault_ep;
	/* vmctl.c: the vmctl connection, control being its service */
	sk_cap_t ctl_frame, ctl_signal, ctl_wake;
	void *ctl_region;
	struct ring from_vmm, to_vmm;
	bool was_ready, broken; /* READY came; it broke the protocol */
	struct vmctl_stats stats;
	bool stats_asked;
	uint32_t refused; /* what xenstore refused it for a quota: verbs_info.c */
	struct svc_timer quiesce_timer;
	/* life.c */
	uint64_t start_ns; /* clock_ns() */
	created_fn created;
	void *created_ctx;
	bool start_paused;
	uint32_t layout_left; /* xenstore requests to come before the VMM starts */
	bool layout_failed;
	struct msg failure;
};

static inline struct guest *guest_of(const struct dom *d) { return d->priv; }
/*
 * Take a configuration over and make a guest of it. 0: `fn` will be called; -1 with *m: config
 * not taken.
 */
int guest_create(
	struct guest_config *config, bool paused, created_fn fn, void *ctx, struct msg *m);
/* Carry out what the table of guests has queued. At the end of every event. */
void guests_run(void);
void guest_ready(struct guest *g);
void guest_pause(struct dom *d, bool pause);
/* xenstore: control/shutdown = how. */
void guest_ask(struct dom *d, const char *how);
/* Events from outside. */
void guest_vmm_died(uint32_t domid, uint64_t rip, uint64_t address, bool fault);

/* Memory and the VMM, without connections. 0, or -1 with *m and everything undone. */
int guest_build(struct guest *g, struct msg *m);
/* With its connections it is complete: its configuration, and it runs. */
int guest_start(struct guest *g, struct msg *m);
/* Give the VMM of a guest that runs up to n pieces of RAM more; returns how many. */
uint32_t guest_grow(struct guest *g, uint32_t n);
/* MiB of RAM that its VMM has, whether the guest holds it or not. */
uint32_t guest_has(const struct guest *g);
void guest_facts(const struct guest *g, struct guest_facts *f);
/* Disks and vifs. */
uint32_t guest_devices(const struct guest *g);
/* The VMM runs no more; all that it has stays. */
void guest_halt(struct guest *g);
/* The VMM runs no more, and what no service can reach is back in the pool. */
void guest_stop(struct guest *g);
/* After guest_stop(), and without connections: VMM gone, memory back in the pool. */
void guest_unbuild(struct guest *g);

/* ---- connect.c: the VMM's connections with services ---- */

/* Make them all; guest_connected() or guest_failed() at the end, perhaps before this returns. */
void guest_connect(struct guest *g);
/* Close them all, those too that are being made; guest_disconnected() at the end, which may be far. */
void guest_disconnect(struct guest *g);
/* Is its console there to be looked at, or was it? */
bool guest_has_console(const struct guest *g);
/* In life.c. */
void guest_connected(struct guest *g);
void guest_failed(struct guest *g, const char *text);
void guest_disconnected(struct guest *g);
/* It takes long. */
void guest_late(struct guest *g, const char *text);
/* Something that who ends this guest has to know. */
void guest_trouble(const struct dom *d, const char *text);

/* ---- sched.c: where guests run, and what goes first ---- */

/* Where a context is to be made: on the CPU with the fewest vCPUs, of those that may be in guest mode if it is one. */
uint32_t guest_sched_place(bool guest_mode);
/* Before the first of its contexts is made. */
void guest_sched_init(struct guest *g);
/* What the context of one of its vCPUs is configured to. */
struct proc_sched guest_sched(const struct guest *g, uint32_t cpu);
/* The same for the I/O thread of its VMM. */
struct proc_sched guest_sched_io(const struct guest *g, uint32_t cpu);
/* A guest runs: look once a second whether one of the vCPUs had better run elsewhere, and whose I/O is too much. */
void guest_sched_start(void);

/* ---- vmctl.c: messages from and to VMMs ---- */

int guest_ctl_init(void) must_check;
int guest_ctl_connect(struct guest *g) must_check;
void guest_ctl_disconnect(struct guest *g);
/* 0 or -1: the VMM does not take messages any more. */
int guest_ctl_send(struct guest *g, uint32_t type, uint32_t arg);
/* Ask all live guests for their statistics; fn when they answered, or did not in time. */
void guest_ctl_stats(void (*fn)(void));
/* Nobody waits for that any more. */
void guest_ctl_stats_cancel(void);

/* ---- vmm_guard.c: VMMs that fault or exit ---- */

int death_init(void) must_check;
/* The endpoint that VMMs know as their parent and fault handler, badged with the domid. */
int death_endpoint(uint32_t domid, sk_cap_t *out) must_check;

/* ---- auto.c ---- */

/* Start the guests of /guests/auto, then call fn; earlier, and then again, when one of them takes very long. */
void auto_start(void (*fn)(void));
/* What becomes of a configuration that is right: a guest, or only its description on the terminal. */
enum create_how { CREATE_RUN, CREATE_PAUSED, CREATE_TRY };

/*
 * Read, override, check and create: `create` and auto.c. A name without a leading / is below GUESTS_DIR; n
 * overrides. Mistakes go to the terminal, all of them; remarks to `remarks`. 0: fn will be called; -1 with *m.
 */
int create_from_file(const char *name, char *const *overrides, int n, enum create_how how,
	const struct out *remarks, created_fn fn, void *ctx, struct msg *m) must_check;

#endif
