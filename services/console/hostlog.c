/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostlog.c - the log of the host
 */
#include "hostlog.h"

#include <stdlib.h>

#include "bootlog.h"
#include "caps/caps.h"
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
	return rc;
}

int hostlog_init(void)
{
	int rc = textlog_init(&host_log, HOST_LOG_SIZE);

	if (!rc)
		rc = textlog_init(&urgent_log, URGENT_LOG_SIZE);
	return rc ? rc : klog_map();
}
