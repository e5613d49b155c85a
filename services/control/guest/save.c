/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * save.c - saving a guest on a partition
 *
 * Objects     struct guest_save, in struct guest.
 * Lifecycle   SAVE_OPEN (storage opens the volume for the VMM) -> SAVE_COPY (its VMM writes the
 *             memory while the guest runs) -> SAVE_SUSPEND (the guest is asked by xenstore to
 *             stop) -> SAVE_WRITE (its VMM writes what has changed since) -> SAVE_CLOSE (the
 *             volume is closed, with a flush) -> IDLE: the guest is destroyed, or goes on. What
 *             fails leads to SAVE_CLOSE, and the guest goes on. For a core, the guest is not
 *             asked to stop: its VMM pauses it meanwhile.
 * Invariants  SAVE1 a guest is destroyed only when storage has closed the volume without an
 *                   error
 *             SAVE2 a guest that has stopped for this goes on, whatever fails, and so does one
 *                   that stops when nobody saves it (any more); if control ends meanwhile, its
 *                   next life sees to that, when the volume is closed (save_undone)
 */
#include "guest/save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/creation.h"
#include "guest/life.h"
#include "guest/plug.h"
#include "guest/store.h"
#include "guest/vmctl.h"

/* As long as libxl waits for a guest to answer. */
enum { SUSPEND_MS = 60000 };

/* ---- the end ---- */

static void guest_go_on(struct guest *g, bool paused)
{
	if (!dom_suspended(g->dom))
		return;
	if (paused)
		(void)vmctl_send(g, VMCTL_PAUSE, 0);
	if (vmctl_send(g, VMCTL_RESUME, 0) == 0)
		dom_unsuspended(g->dom, paused);
}

static void save_finish(struct guest *g)
{
	save_done_fn fn = g->save.fn;
	uint32_t after = g->save.after;
	struct msg why = g->save.why;
	bool failed = why.text[0];

	svc_timer_set(&g->save.late, SK_NO_DEADLINE);
	free(g->save.text);
	g->save = (struct guest_save){ .state = SAVE_IDLE };
	if (failed || after != CTL_SAVE_DESTROY)
		guest_go_on(g, after == CTL_SAVE_PAUSE && !failed); /* SAVE2 */
	else
		dom_destroy(&guests, g->dom); /* SAVE1 */
	if (fn)
		fn(g->dom->domid, failed ? why.text : NULL);
}

/* The volume is closed, or was never open, or the guest ends. */
static void image_closed(uint32_t domid, const char *why)
{
	struct guest *g = guest_get(domid);

	if (!g || g->save.state == SAVE_IDLE)
		return;
	if (why && !g->save.why.text[0])
		msg_fail(&g->save.why, "%s", why);
	save_finish(g);
}

void save_undone(uint32_t domid, const char *why)
{
	struct guest *g = guest_get(domid);

	(void)why;
	if (g)
		guest_go_on(g, false);
}

static void restored_closed(uint32_t domid, const char *why)
{
	struct guest *g = guest_get(domid);

	(void)why; /* nothing was written */
	if (g)
		creation_passed(g, CREATION_BOOT);
}

void save_restored(struct guest *g) { guest_unplug_image(g, restored_closed); }

static void save_close(struct guest *g, const char *why)
{
	svc_timer_set(&g->save.late, SK_NO_DEADLINE);
	if (g->save.state == SAVE_SUSPEND && g->dom->state == DOM_LIVE)
		guest_store_shutdown(g->dom, ""); /* it need not stop any more */
	if (why && !g->save.why.text[0])
		msg_fail(&g->save.why, "%s", why);
	g->save.state = SAVE_CLOSE;
	guest_unplug_image(g, image_closed);
}

/* ---- its VMM writes while the guest runs ---- */

void save_opened(struct guest *g)
{
	bool core = g->save.after == CTL_SAVE_CORE;
	struct vmctl_save s = { .kind = core ? VMCTL_SAVE_CORE : VMCTL_SAVE_STREAM,
		.channel = g->plug.channel };

	if (!core && g->dom->state != DOM_LIVE) {
		save_close(g, "the guest has shut down");
		return;
	}
	g->save.state = core ? SAVE_WRITE : SAVE_COPY;
	if (vmctl_send_body(g, VMCTL_SAVE, 0, &s, sizeof(s)))
		save_close(g, "the VMM does not listen");
}

/* ---- the guest stops ---- */

static void suspend_late(void *ctx)
{
	save_close(guest_of_ctx(ctx), "guest didn't acknowledge suspend, cancelling request");
	guests_run();
}

void save_copied(struct guest *g)
{
	if (g->save.state != SAVE_COPY)
		return; /* it is given up */
	g->save.state = SAVE_SUSPEND;
	g->save.late.fn = suspend_late;
	g->save.late.ctx = g;
	svc_timer_set(&g->save.late, svc_in_ms(SUSPEND_MS));
	guest_ask(g->dom, "suspend");
}

static bool saving(const struct guest *g)
{
	return g->save.state == SAVE_COPY || g->save.state == SAVE_SUSPEND ||
	       g->save.state == SAVE_WRITE;
}

void save_down(struct guest *g)
{
	if (saving(g) && !g->dom->has_vmm) {
		save_close(g, "its VMM died; `dmesg` may say why");
	} else if (g->save.state == SAVE_SUSPEND && dom_suspended(g->dom)) {
		svc_timer_set(&g->save.late, SK_NO_DEADLINE);
		g->save.state = SAVE_WRITE;
	} else if (g->save.state == SAVE_COPY || g->save.state == SAVE_SUSPEND) {
		save_close(g, "the guest shut down instead of being suspended");
	} else if (g->save.state == SAVE_IDLE && !g->image[0]) {
		guest_go_on(g, false); /* SAVE2: it stops too late, or for nobody */
	}
}

/* ---- what its VMM says ---- */

int save_text_wanted(struct guest *g, uint32_t at)
{
	uint32_t n;

	if (g->save.state != SAVE_COPY)
		return 0; /* it is given up */
	if (at > g->save.text_size)
		return -SK_E_PEER;
	n = g->save.text_size - at;
	(void)vmctl_send_body(
		g, VMCTL_TEXT, at, g->save.text + at, n < VMCTL_TEXT_MAX ? n : VMCTL_TEXT_MAX);
	return 0;
}

void save_heard(struct guest *g, const char *why, uint32_t len)
{
	char line[VMCTL_TEXT_MAX];

	if (!saving(g))
		return;
	if (g->save.state != SAVE_WRITE && !why)
		why = "";
	if (why)
		vmctl_line(line, why, len, "the VMM could not save the guest");
	save_close(g, why ? line : NULL);
}

/* ---- the beginning ---- */

static int save_check(const struct guest *g, uint32_t after, struct msg *m)
{
	if (g->save.state != SAVE_IDLE)
		return msg_fail(m, "domain %u is being saved already", g->dom->domid);
	if (after == CTL_SAVE_CORE)
		return 0;
	if (g->dom->paused)
		return msg_fail(
			m, "domain %u is paused, so it cannot stop; unpause it", g->dom->domid);
	if (guest_in_shim(g->dom->config))
		return msg_fail(m,
			"domain %u runs in Xen's shim, whose guest does not go on when it is restored; shut it down instead",
			g->dom->domid);
	for (uint32_t i = 0; i < g->dom->config->n_vifs; i++)
		if (g->dom->config->vifs[i].devid != (int)i)
			return msg_fail(m,
				"domain %u has vif %d but not vif %u, which no configuration can say; attach a vif",
				g->dom->domid, g->dom->config->vifs[i].devid, i);
	return 0;
}

int guest_save(struct guest *g, const char *label, const struct guest_save *save, struct msg *m)
{
	if (save_check(g, save->after, m))
		return -1;
	g->save = *save;
	g->save.state = SAVE_OPEN;
	g->save.fn = NULL; /* it is not told what *m says */
	if (guest_plug_image(g, label, image_closed, m)) {
		g->save = (struct guest_save){ .state = SAVE_IDLE };
		return -1;
	}
	g->save.fn = save->fn;
	return 0;
}
