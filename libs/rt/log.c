/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c - standard output of a domain: records on its "log" channel, or lines of the kernel log
 * in the root task
 *
 * Objects     one producer ring to console.
 * Locks       log_lock guards it, because all threads of a VMM write.
 * Invariants  RT_LOG1 no thread waits here: text that does not fit is dropped and counted, and
 *                     the count is reported as soon as there is room again. The newest text is
 *                     lost, so that the cause of a flood can be read.
 *             RT_LOG2 before each text the ring follows a console that has started again, with
 *                     the text that the console had not taken
 */
#include <string.h>
#include "proto/console.h"
#include "proto/domain.h"
#include "ring/ring.h"
#include "rt/internal.h"
#include "rt/program.h"
#include "sys/self.h"
#include "sys/sk.h"

static struct mutex log_lock;
static struct ring ring;
static sk_cap_t log_signal;
static bool attached;
static uint64_t lost;
/* The guest that output is about; 0: none. */
static uint32_t about;

int rt_log_attach(void *region, uint32_t req_size, sk_cap_t signal)
{
	int rc = ring.sh == region ? 0
				   : ring_init(&ring, region, req_size, RING_CLIENT_PUTS, 0);

	if (rc)
		return rc;
	log_signal = signal;
	attached = true;
	rt_log_resume(); /* what console had not taken before the ring was detached */
	return 0;
}

void rt_log_detach(void) { attached = false; }

void log_init(void)
{
	const struct domain_info *info = (const struct domain_info *)DOMAIN_INFO_VADDR;

	if (sys_root())
		return;
	for (uint32_t i = 0; i < info->n_channels && i < DOMAIN_CHANNELS_MAX; i++) {
		const struct domain_channel *c = &info->channel[i];

		if (strcmp(c->name, "log") == 0 &&
			rt_log_attach((void *)c->vaddr, c->req_size, c->signal) == 0)
			return;
	}
}

static void kernel_log(const char *text, size_t len)
{
	while (len) {
		uint64_t w[4] = { 0 };
		uint32_t n = len < sizeof(w) ? (uint32_t)len : (uint32_t)sizeof(w);

		memcpy(w, text, n);
		(void)sk_log(SK_CAP_CTL_LOG, n, w);
		text += n;
		len -= n;
	}
}

static bool log_put(const char *text, size_t len)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = (uint16_t)len, .arg = about };

	return ring_put2(&ring, &m, sizeof(m), text, (uint32_t)len) == 0;
}

static char *put_number(char *end, uint64_t n)
{
	do
		*--end = (char)('0' + n % 10);
	while (n /= 10);
	return end;
}

static void report_lost(void)
{
	static const char tail[] = " bytes of output lost]\n";
	char buf[64], *p = buf + sizeof(buf) - (sizeof(tail) - 1);

	memcpy(p, tail, sizeof(tail) - 1);
	p = put_number(p, lost);
	*--p = '[';
	if (log_put(p, (size_t)(buf + sizeof(buf) - p)))
		lost = 0;
}

/* RT_LOG2. True: console has to be woken. */
static bool console_follow(void)
{
	return ring_behind(&ring) && ring_carry(&ring, ring_peer_epoch(&ring));
}

static void channel_log(const char *text, size_t len)
{
	bool wake;

	mutex_lock(&log_lock);
	wake = console_follow();
	if (lost)
		report_lost();
	while (len) {
		size_t n = len < CONSOLE_CHUNK_MAX ? len : CONSOLE_CHUNK_MAX;

		if (lost || !log_put(text, n)) /* RT_LOG1 */
			lost += n;
		text += n;
		len -= n;
	}
	wake |= ring_put_flush(&ring);
	if (wake)
		(void)sk_signal(log_signal);
	mutex_unlock(&log_lock);
}

void rt_log_resume(void)
{
	if (!attached)
		return;
	mutex_lock(&log_lock);
	if (console_follow())
		(void)sk_signal(log_signal);
	mutex_unlock(&log_lock);
}

void rt_log_about(uint32_t domid)
{
	mutex_lock(&log_lock);
	about = domid;
	mutex_unlock(&log_lock);
}

void log_write(const char *text, size_t len)
{
	if (attached)
		channel_log(text, len);
	else if (sys_root())
		kernel_log(text, len);
}
