/* SPDX-License-Identifier: BSD-2-Clause */
/* save.c - requests about guests that are saved, and configurations of saved guests */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "guest/config_check.h"
#include "guest/life.h"
#include "guest/save.h"
#include "guest/saved_config.h"

/* ---- save ---- */

/* A guest is saved by one request at a time. */
static void saved(uint32_t domid, const char *why)
{
	ctl_end_all(CTL_SAVE, domid, -SK_E_IO, why);
}

static void save_begin(struct request *q, const struct ctl_save *s)
{
	const uint32_t len = q->len - (uint32_t)sizeof(*s);
	struct guest_save save = { .after = s->after, .text_size = len, .fn = saved };
	struct msg m;

	save.text = malloc(len + 1); /* a core has no text */
	if (!save.text) {
		ctl_refuse(q, -SK_E_NO_MEM, "control has no memory for the configuration");
		return;
	}
	memcpy(save.text, s + 1, len);
	q->number = s->domid;
	if (guest_save(guest_of(q->dom), s->image.label, &save, &m) == 0)
		return;
	free(save.text);
	ctl_refuse(q, -SK_E_BUSY, "%s", m.text);
}

void ctl_do_SAVE(struct request *q)
{
	const struct ctl_save *s = q->body;
	const struct dom *d = q->dom;
	bool core = s->after == CTL_SAVE_CORE;

	if (s->after >= CTL_SAVE_END || core != (q->len == sizeof(*s)) ||
		!guest_label_ok(s->image.label)) {
		ctl_refuse(q, -SK_E_INVAL, "the %s is not valid",
			s->after >= CTL_SAVE_END         ? "end of the save"
			: guest_label_ok(s->image.label) ? "length of the configuration"
							 : "name of the partition");
		return;
	}
	if (!guest_of(d) || (!core && d->state != DOM_LIVE))
		ctl_refuse(q, -SK_E_STATE, "domain %u does not run", s->domid);
	else
		save_begin(q, s);
}

/* ---- the configuration of a saved guest ---- */

static void config_read(void *ctx, const char *text, uint32_t len, const char *why)
{
	struct request *q = ctl_waits(ctx);

	if (q && why)
		ctl_refuse(q, -SK_E_STATE, "%s", why);
	else if (q)
		ctl_answer(q, text, len);
}

void ctl_do_SAVED_CONFIG(struct request *q)
{
	const struct ctl_image *image = q->body;
	struct msg m;

	if (!guest_label_ok(image->label))
		ctl_refuse(q, -SK_E_INVAL, "the name of the partition is not valid");
	else if (saved_config_read(image->label, config_read, ctl_ticket(q), &m))
		ctl_refuse(q, -SK_E_STATE, "%s", m.text);
}
