/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostlog.c - the log of the host
 *
 * Lifecycle   the log lies in kept memory, so that a restart of this domain loses none of it,
 *             and the kernel's log is read on where the last life stopped.
 */
#include "hostlog.h"

#include <stdlib.h>
#include <string.h>

#include "bootlog.h"
#include "caps/caps.h"
#include "kept.h"
#include "svc/svc.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	HOST_LOG_SIZE = 128 << 10,
	URGENT_LOG_SIZE = 4 << 10,
};

struct textlog host_log, urgent_log;

static const volatile struct sk_klog *klog;
static uint64_t klog_pos;
static struct bootlog_line klog_line;

void hostlog_kernel(void)
{
	bootlog_kernel(&host_log, &klog_line, klog, &klog_pos, clock_ns());
	kept_kernel_note(klog_pos - klog_line.raw); /* KEPT1 */
}

static int klog_map(void)
{
	struct sk_cap_info info;
	char slot[16];
	void *p = NULL;
	sk_cap_t frame;
	int rc;

	if (!svc_arg("cap.klog", slot, sizeof(slot)))
		return -SK_E_NOT_FOUND;
	frame = (sk_cap_t)strtoul(slot, NULL, 0);
	rc = (int)sk_cap_info(SK_CAP_CNODE, frame, &info);
	if (rc == 0)
		rc = vm_map(frame, info.order, SK_R, &p);
	klog = p;
	/* a position beyond the end would be the end of a wild life */
	if (!rc && kept_kernel_pos() <= klog->head)
		klog_pos = kept_kernel_pos();
	return rc;
}

static int host_log_place(void)
{
	size_t size;
	void *mem = kept_host_log(&size);

	if (!mem)
		return textlog_init(&host_log, HOST_LOG_SIZE);
	if (!kept_resumed())
		return textlog_init_at(&host_log, mem, size);
	if (!textlog_resume(&host_log, mem, size))
		hostlog_say("the log of the host did not survive");
	return 0;
}

void hostlog_say(const char *line)
{
	struct bootlog_line l = { 0 };

	bootlog_text(&host_log, &l, "console", clock_ns(), line, strlen(line));
	bootlog_finish(&host_log, &l, "console", clock_ns());
}

int hostlog_init(void)
{
	int rc = host_log_place();

	if (!rc)
		rc = textlog_init(&urgent_log, URGENT_LOG_SIZE);
	return rc ? rc : klog_map();
}
