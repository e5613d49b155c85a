/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domains.h - calls of init about the host's own domains, which control makes for the shell
 */
#ifndef SHELL_DOMAINS_H
#define SHELL_DOMAINS_H

#include <sk/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/ask.h"
#include "proto/ctl.h"

/* One of the host's own domains. A user of xl sees all of them as Domain-0. */
struct host_domain {
	char name[DOMAIN_NAME_MAX]; /* terminated */
	enum domain_state state;
	enum domain_end end; /* why it ended, the last time */
	uint32_t restarts;   /* how often it was started again */
	uint32_t epoch;      /* goes up each time that it is started */
	uint64_t up_ns;      /* since it was started the last time */
	uint64_t memory;     /* bytes that it was given, including its part of connections */
	uint64_t cpu_ns;
	struct ctl_resources has; /* if they were counted */
};
enum { HOST_DOMAINS_MAX = 64 };
struct host_domains {
	uint32_t n;
	struct host_domain row[HOST_DOMAINS_MAX];
};
extern struct host_domains services;

/*
 * fn(0, ""): `services` is complete; or fn(status, text): init or control does not tell, at
 * row services.n. counted: with their capabilities, which takes longer. Who asks again before
 * the answer has no answer to the first question.
 */
void host_domains_ask(bool counted, void (*fn)(int status, const char *text));
void host_domains_leave(void);

/*
 * What a domain of the host holds, from `at` on: the answer is struct ctl_words, as INIT_CAPS
 * says. Have it started again. The number of the request; 0: no memory.
 */
uint32_t host_caps_ask(const char name[DOMAIN_NAME_MAX], uint64_t at, ask_fn fn);
uint32_t host_restart_ask(const char name[DOMAIN_NAME_MAX], enum init_kill how, ask_fn fn);

#endif
