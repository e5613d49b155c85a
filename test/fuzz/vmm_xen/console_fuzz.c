/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_fuzz.c - arbitrary indices in the console page, text, and records from the service
 */
#include "device.h"
#include "fuzz.h"

#include <xen/io/console.h>

#include "proto/console.h"

static struct fake_conn *con;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_quiet = true;
	fake_guest();
	con = fake_channel("console", 4096, 0);
	MUST(cons_ring_init() == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xencons_interface *intf = at(3 * SK_PAGE_SIZE);
	struct feed f = { data, size };
	uint8_t rec[600];
	int n;

	while (f.left) {
		uint8_t what = feed8(&f);

		if (what & 1)
			intf->out_prod = what & 2 ? feed32(&f)
						  : intf->out_prod + feed16(&f) % 3000;
		if (what & 4)
			intf->in_cons = what & 8 ? feed32(&f) : intf->in_prod;
		if (what & 16) {
			struct console_msg m = { .type = what & 32 ? feed8(&f) : CONSOLE_DATA,
				.len = feed16(&f) };
			uint32_t len = what & 64 ? feed16(&f) % 512 : m.len % 512u;

			if (!(what & 64))
				m.len = (uint16_t)len;
			memset(rec, 'x', sizeof(rec));
			memcpy(rec, &m, sizeof(m));
			if (ring_put(&con->rsp, rec, sizeof(m) + len) == 0)
				ring_put_flush(&con->rsp);
		}
		guest_send((uint32_t)xen_dom.hvm_param[HVM_PARAM_CONSOLE_EVTCHN]);
		fake_event(con);
		while (!(what & 128) && (n = ring_get(&con->req, rec, sizeof(rec))) > 0) {
			struct console_msg m;

			memcpy(&m, rec, sizeof(m));
			MUST(m.type == CONSOLE_DATA && m.len == (uint32_t)n - sizeof(m) &&
				m.len <= CONSOLE_CHUNK_MAX);
		}
		ring_get_flush(&con->req);
	}
	return 0;
}
