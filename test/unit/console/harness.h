/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.h - the console domain among parties that the tests play: the UART's driver, the
 * shell, guests and their VMMs
 *
 * Objects     struct peer: the other end of a connection. `screen` holds what the UART got,
 *             `told` what the shell got.
 * Lifecycle   the domain's state is static, so each case runs in a process of its own. What
 *             outlives console is in *all.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/console.h"
#include "svc/svc.h"
#include "sys/sk.h"
#include "terminal.h"

int console_main(void);

enum { RING = 4096, SCREEN = 1 << 20, KEPT = 2 << 20 };
/* The text that a log of CONSOLE_LOG_SIZE bytes holds. */
enum { CONSOLE_LOG_TEXT = CONSOLE_LOG_SIZE - 64 };

struct peer {
	struct svc_conn c; /* console's end */
	struct ring req, rsp;
	_Alignas(4096) uint8_t rings[2 * RING];
	uint32_t number, epoch;
	bool resumed;      /* console asked for a turn when it was opened */
	uint64_t own_size; /* 0: as it should be */
	_Alignas(8) char own[CONSOLE_LOG_SIZE];
};

/* In memory that outlives console. */
struct played {
	struct peer uart, shell, guest[3], vmm[3];
	_Alignas(8) uint8_t kept[KEPT];
};
extern struct played *all;
extern const struct svc_service *console;
extern svc_handler_fn uart_fn, uart_epoch_fn;
/* For whom the console said last that it works. */
extern struct svc_conn *worked_for;
extern struct sk_klog *klog;
/* The last one that was set. */
extern struct svc_timer *timer;
extern uint64_t now; /* ns */
extern char screen[SCREEN], told[SCREEN];
extern size_t n_screen, n_told;
/* The UART's driver takes nothing. */
extern bool screen_stopped;
/* How often the shell heard DONE, DETACHED and FAILED, and connections were killed. */
extern uint32_t done, detached, failed, killed;
/* What the shell was told by RESUME; UINT32_MAX: nothing. */
extern uint32_t shell_resumed;
extern uint32_t last_number;

/* ---- steps of the others ---- */

/* Both ends of a new connection. */
void peer_init(struct peer *p);
int peer_connect(
	struct peer *p, uint32_t kind, uint32_t badge, const char *name, uint32_t domid);
void leave(struct peer *p);
/* False: the UART had nothing to take. */
bool uart_takes(void);
/* The UART and the shell take all that there is. */
void settle(void);
/* Forget what they got. */
void clear(void);
/* console hears of p. */
void event(struct peer *p);
void say(struct peer *p, uint16_t type, uint32_t arg, const char *text, size_t len);
void prints(struct peer *p, const char *text);
void typed(const char *keys);
/* The connections of a guest's console and of its VMM's log. */
void vmm_starts(struct peer *g, struct peer *l, const char *name, uint32_t domid);
void attach(uint32_t domid);
void dmesg(void);
void dmesg_clear(void);
void memory_make(void);
/* console runs, and the shell shows its prompt. */
void begin(void);

/* ---- cases ---- */

void in_a_process(void **state);
#define CASE(f) \
	{ \
#f, in_a_process, NULL, NULL, (void *)(uintptr_t)(f) \
	}
int conlog_tests(void);
int guest_tests(void);
int log_tests(void);
int restart_tests(void);
int uart_restart_tests(void);

#endif
