/* SPDX-License-Identifier: BSD-2-Clause */
/* calls.c - calls on init, and on the drivers below, for which it has no right */
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "rogue.h"
#include "proto/blk.h"
#include "proto/init.h"
#include "proto/platform.h"
#include "sys/sk.h"

enum { CALL_MS = 2000, LABELS = 80 };

/* The answer's status; a call that is not answered is refused, too. */
static long call_words(sk_cap_t ep, uint64_t label, const uint64_t *words, uint32_t n)
{
	uint64_t mr[SK_MR_MAX] = { 0 };
	struct svc_caps caps = { .n_out = 0 };
	int rc;

	memcpy(mr, words, n * 8);
	rc = svc_call_timed(ep, (uint32_t)label, mr, &n, &caps, CALL_MS);
	for (uint32_t i = 0; i < caps.n_in; i++)
		(void)sk_delete(SK_CAP_CNODE, caps.in[i]);
	return caps.n_in ? 0 : rc;
}

static void named(uint64_t *words, const char *name)
{
	memset(words, 0, 32);
	memcpy(words, name, strlen(name));
}

/* ---- init -------------------------------------------------------------------------------- */
static const char *const victims[] = { "init", "platform", "control", "console", "storage",
	"blk0", "net0", "network", "xenstore", "files", "ip", "uart" };

static void init_try(void)
{
	struct score s = { .what = "calls on init" };
	uint64_t w[SK_MR_MAX] = { 0 };

	for (uint64_t how = 0; how < 4; how++) {
		w[0] = how;
		score_add(&s, call_words(DOMAIN_CAP_PARENT, INIT_POWER, w, 1), INIT_POWER, how);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(victims); i++) {
		named(w, victims[i]);
		for (uint64_t how = 0; how <= INIT_KILL_END; how++) {
			w[4] = how;
			score_add(&s, call_words(DOMAIN_CAP_PARENT, INIT_RESTART, w, 5),
				INIT_RESTART, i);
		}
		score_add(
			&s, call_words(DOMAIN_CAP_PARENT, INIT_SERVICE, w, 4), INIT_SERVICE, i);
	}
	for (uint64_t i = 0; i < 40; i++) {
		w[0] = i;
		w[1] = 1;
		score_add(&s, call_words(DOMAIN_CAP_PARENT, INIT_IMAGE, w, 1), INIT_IMAGE, i);
		score_add(&s, call_words(DOMAIN_CAP_PARENT, INIT_DOMAIN_STATS, w, 2),
			INIT_DOMAIN_STATS, i);
	}
	score_say(&s);
}

/* Labels that init does not know, each with as many words as there can be. */
static void labels_try(void)
{
	static const uint64_t odd[] = { 1u << 16, INT32_MAX, UINT32_MAX };
	struct score s = { .what = "labels" };
	uint64_t w[SK_MR_MAX];

	memset(w, 0xff, sizeof(w));
	for (uint64_t label = INIT_CALL_END; label < LABELS; label++)
		score_add(&s, call_words(DOMAIN_CAP_PARENT, label, w, SK_MR_MAX), label, 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(odd); i++)
		score_add(&s, call_words(DOMAIN_CAP_PARENT, odd[i], w, SK_MR_MAX), odd[i], 0);
	score_say(&s);
}

/* What only the kernel says: that a domain has faulted, that a signal has come. */
static void kernel_labels_try(void)
{
	static const uint64_t labels[] = { SK_LABEL_KERNEL, SK_LABEL_SIGNAL, SK_LABEL_FAULT };
	struct score s = { .what = "labels of the kernel" };

	for (uint32_t i = 0; i < ARRAY_SIZE(labels); i++) {
		struct sk_msg m = { .mi = SK_MI(labels[i], 4, 0) };

		sk_utcb()->deadline = SK_POLL;
		score_add(&s, sk_send(DOMAIN_CAP_PARENT, &m), labels[i], 0);
	}
	score_say(&s);
}

/* ---- a service's control endpoint that it has as a client -------------------------------- */
static sk_cap_t endpoint_of(const char *channel)
{
	char text[16];

	return svc_arg(channel, text, sizeof(text)) ? (sk_cap_t)strtoul(text, NULL, 10) : 0;
}

static void connectors_try(void)
{
	const struct domain_info *info = svc_info();
	struct score s = { .what = "calls on services" };
	uint64_t w[SK_MR_MAX] = { 0 };

	for (uint32_t i = 0; i < info->n_channels; i++) {
		sk_cap_t ep = endpoint_of(info->channel[i].name);

		for (uint64_t number = 0; ep && number < 64; number++) {
			w[0] = number;
			score_add(&s, call_words(ep, SVC_CLOSE, w, 1), SVC_CLOSE, number);
		}
		for (uint64_t proto = 0; ep && proto < 12; proto++) {
			const struct svc_open_msg m = { .proto = (uint32_t)proto,
				.version = 1,
				.req_size = 4096,
				.rsp_size = 4096 };

			memcpy(w, &m, sizeof(m));
			score_add(&s, call_words(ep, SVC_OPEN, w, SVC_PARAMS_WORD), SVC_OPEN,
				proto);
		}
		/*
		 * the driver's own calls, and platform's: a region without a frame, a number
		 * too high
		 */
		for (uint64_t label = SVC_FIRST; ep && label < SVC_FIRST + 16; label++) {
			w[0] = UINT64_MAX;
			w[1] = UINT64_MAX;
			score_add(&s, call_words(ep, label, w, 8), label, i);
		}
	}
	score_say(&s);
}

void calls_try(void)
{
	init_try();
	labels_try();
	kernel_labels_try();
	connectors_try();
}
