/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fakes.h - the world around the control domain: services, init, VMMs, kernel
 *
 * The test types at a console and reads its screen; world_run() lets all parties act until none
 * has work left.
 */
#ifndef CONTROL_FAKES_H
#define CONTROL_FAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/host.h"
#include "guest/guest_pool.h"
#include "guest/life.h"

struct world_state {
	char screen[65536];
	size_t n_screen;
	uint32_t n_texts;   /* records in which that came */
	char log[65536];    /* lines about guests */
	uint32_t log_about; /* domid of the last line */
	uint32_t attached;  /* domid of the last ATTACH */
	bool attached_new;  /* it was ATTACH_NEW */
	uint32_t recalled;  /* the guest of the last RECALL */
	char recalled_name[64];
	uint32_t opened, closed; /* connections of VMMs at services */
	uint32_t vmms, started;
	uint32_t introduced, released;
	uint32_t powered;           /* 1 off, 2 reboot */
	uint32_t slots;             /* capability slots in use */
	uint32_t regions;           /* vm_alloc less vm_unmap */
	uint64_t later_ns;          /* ns that have passed since the start */
	uint64_t ran_ns, waited_ns; /* of every vCPU, in addition to the values at the start */
	sk_cap_t waits;             /* the only vCPU for which waited_ns is true; 0: all */
	uint32_t moves;             /* configurations of vCPUs */
	struct proc_sched moved;    /* the last of these configurations */
	sk_cap_t io_sched;          /* of the I/O thread of the last VMM */
	uint64_t io_ran_ns;         /* what it has run */
	/* what a service says that it has worked for each connection; 0: it does not answer */
	uint64_t worked_ns[SERVICE_COUNT];
	bool worked_endless;  /* it always has more to say */
	uint32_t usages;      /* how often services were asked for that */
	struct proc_sched io; /* its last configuration */
	uint32_t files_ends;  /* the request at which files starts again; 0: none */
	bool files_gone;      /* files ends for good at the next request */
	int fail_service;     /* enum service that refuses opens with fail_rc */
	int fail_rc;
	bool hang; /* fail_service answers neither closes nor pings */
	/* fail_service is still busy: its thread has not returned from the call */
	bool hold;
	int result;       /* result of its closes */
	uint32_t unheard; /* closes and pings without an answer */
	uint32_t pings;   /* pings with an answer */
	uint32_t refused; /* requests of a guest that xenstore refused for a quota */
	bool no_quota;    /* xenstore does not know the guest */
	uint64_t own_used, own_added; /* of control's own memory; what it took from the pool */
	bool refuse_introduce;        /* xenstore's answer to INTRODUCE is an error */
	sk_cap_t made_in;       /* slot of the last object that was made in a VMM's CNode */
	bool slot_taken;        /* that slot is in use */
	bool no_channel;        /* the channel that fail_service opened is unusable */
	uint32_t unplugged;     /* channels that VMMs have lost */
	uint64_t keys_at_start; /* xenstore nodes when the last VMM started */

	/* xenstore refuses to write a node with this end of its path; NULL: none */
	const char *refuse_node;

	bool late; /* its thread has an answer, which control has not seen so far */

	/* lives of services */
	uint16_t life[SERVICE_COUNT];
	bool given_up[SERVICE_COUNT];
	bool starting[SERVICE_COUNT]; /* they do not run so far */
	int dying;            /* enum service that dies with a call that it receives... */
	uint32_t dies_in;     /* ...the first, the second...; 0: it lives */
	bool no_news;         /* init has not signalled the news so far */
	bool init_silent;     /* init does not answer */
	uint32_t last_client; /* of the last open */
	uint32_t flushes;     /* closes of disks */
	uint32_t abandoned;   /* connections whose clients were told their end */
	int end;              /* enum svc_end of the last of them */
	char restarted[33];   /* what init was asked to start again */
	int fault, restart_rc;
	/*
	 * xenstore dies at each request whose number is a multiple of this, after it has
	 * carried the request out and before it has answered it; 0: never
	 */
	uint32_t store_dies;
	uint32_t store_deaths;
	uint64_t store_died_at;
	/* the scribe dies with every second answer, which nobody has seen */
	bool scribe_dies;
	uint32_t scribe_deaths;
	bool store_gone;  /* xenstore ends for good at the next request */
	bool store_raves; /* xenstore answers the next request with nonsense */

	/*
	 * The table of guests is: a service whose memory control takes away faults, and is
	 * started again. Otherwise control takes none away.
	 */
	bool damaged;

	/* malloc() gives control and the shell no piece of this size or more; 0: any */
	size_t no_piece;
	bool no_slots; /* control has no slot that is free */

	/* lives of control */
	uint32_t control_lives;
	const char *rights;      /* of the shell; NULL: all */
	bool vmms_act;           /* VMMs say what control waits for */
	bool eager;              /* services answer at once, before control goes on */
	struct domain_info info; /* of control's next life, except for its epoch */
};
extern struct world_state *the_world;
#define world (*the_world)
/*
 * What is not control's is in memory that outlives it, if it runs in a process of its own
 * (restart_test.c). Zero at first.
 */
void *shared_alloc(size_t size);
/* All of it is zero again. */
void shared_clear(void);
/* What control and the shell call instead of malloc(). */
void *world_malloc(size_t size);
/* All of it is as it was at shared_save(). */
void shared_save(void);
void shared_restore(void);

void world_init(void);
void world_run(void);
/* Clears the screen, types, and lets the world act. */
void type(const char *keys);
bool screen_has(const char *text);

/* The user leaves the guest's console. */
void console_detaches(void);
/*
 * console starts again. The last `lost` bytes on the screen were on their way, and did not get
 * there.
 */
void console_restarts(uint32_t lost);
/* console is gone for good. Then, for the next case, it is as if it had been restarted. */
void console_ends(void);
void console_returns(void);
/* It will be restarted in the middle of the next log that it prints. */
void console_dies_in_the_log(void);

/* As the shell sees it, control begins a new life: requests are gone. */
void control_restarts(void);

void file_add(const char *path, const char *text);

/*
 * console gives out `n` more keys, each in a record of its own, and control has one turn. True:
 * it has left some in the ring.
 */
bool console_floods(uint32_t n);

/* xenstore */
const char *node_value(const char *path);
const char *node_perms(const char *path);
void node_set(const char *path, const char *value);
size_t node_count(void);
/* For the cases after one in which xenstore has ended. */
void store_revive(void);
void store_restart(void);
/* The scribe says something by itself. */
void scribe_says(const void *rec, uint32_t len);
/* The next answer is one of those with which it dies. */
void scribe_loses_the_next(void);
/* The scribe is started again. */
void scribe_restart(void);

/* VMMs by domid: what they are told and say. */
bool vmm_heard(uint32_t domid, uint16_t type);
/* The argument of the last message that it was told. */
uint32_t vmm_heard_arg(uint32_t domid);
/* The last PLUG and UNPLUG that it was told. */
const struct vmctl_plug *vmm_plugged(uint32_t domid);
const struct vmctl_unplug *vmm_to_go(uint32_t domid);
/* The last SAVE. */
const struct vmctl_save *vmm_to_save(uint32_t domid);
/* It asks for the configuration, piece by piece: all of the text. */
const char *vmm_asks_text(uint32_t domid);
void vmm_says(uint32_t domid, uint16_t type, uint32_t arg, const void *body, uint16_t len);
/*
 * The VMM sends n meaningless messages, and control runs once. Returns whether control left
 * some for its next turn.
 */
bool vmm_babbles(uint32_t domid, uint32_t n);
void vmm_garbage(uint32_t domid);
const struct vm_config *vmm_config(uint32_t domid);
/* Bytes of an image that are mapped in it, and how. */
uint64_t vmm_image(uint32_t domid, uint32_t *rights);

/* The service forgets its connections and begins a new life; init tells control. */
void service_dies(enum service s);
/* It begins no further life. */
void service_given_up_by_init(enum service s);
/* init signals its news once more. */
void init_tells(void);
uint32_t connections_open(enum service s);
/* The guest for which the service is to open a connection now, which it has not so far. */
uint32_t asked_for(enum service s);
/* Those of one guest, at all services. */
uint32_t connections_of(uint32_t domid);
/* storage has it open for this client */
bool volume_is_open(uint32_t domid, const char *volume);
/* VMMs that are there, whether control knows of them or not. */
uint32_t vmms_there(void);
bool vmm_paused(uint32_t domid);

/* VMMs see that control was restarted, and do what it asks. True: one did something. */
bool vmms_serve(void);

/* Lets all timers that are set expire. */
void timers_expire(void);
bool timers_set(void);

#endif
