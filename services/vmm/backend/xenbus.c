/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus.c - devices of the guest on xenbus: the back ends' side of the state machine
 *
 * Objects     struct xb_dev: one disk or network interface.
 * Locks       none: I/O thread. Every step is a request to xenstore and its reply.
 * Lifecycle   The states of a back end are XenbusState*:
 *               1 Initialising   control wrote the back end's directory
 *               2 InitWait       the back end has added its features, and waits for a front end
 *               4 Connected      the front end has published its rings, and they are mapped
 *               5, 6 Closing, Closed    the front end closes
 *             From 6 a back end goes to 2 again when another front end starts (kexec, driver
 *             reloaded). When control writes state 5 into the directory, the device closes from
 *             our side.
 * Invariants  XENBUS1 rings are mapped only while connecting, in state 4, and in state 5 until
 *                     the front end has closed and what is in flight has its answers; not any
 *                     more when it broke the rules, is gone, or is another one, which may have
 *                     the old one's memory
 *             XENBUS2 6 and 2 are entered only when no request of the old connection is in
 *                     flight, so that an old write cannot land behind a new one
 */
#include "backend/xenbus.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backend/xs_link.h"
#include "edge.h"
#include "xen/xen_domain.h"

enum {
	VALUE_MAX = 128,
	/* For a front end to close a device that is taken away by force. */
	FORCED_MS = 2000,
	/* After it has closed. */
	LAST_LOOKS = 5,
	LAST_LOOK_MS = 20,
};
static struct xb_dev *devices[XB_DEVICES];
static uint32_t n_devices;

static void frontend_state_apply(struct xb_dev *d);

/* ---- xenstore --------------------------------------------------------------------- */

static void removal_look(struct xb_dev *d);

/* Each request of a device: the device stays until its answer has come. */
static bool dev_request(struct xb_dev *d, uint32_t type, const void *body, uint32_t len,
	xs_reply_fn *fn, void *ctx)
{
	if (xs_link_request(type, body, len, fn, ctx))
		return false;
	d->asked++;
	return true;
}

static void dev_answered(struct xb_dev *d)
{
	d->asked--;
	removal_look(d);
}

static void write_answered(void *ctx, uint32_t type, const char *body, uint32_t len)
{
	struct xb_dev *d = ctx;

	if (type == XS_ERROR && !d->removing)
		vm_log("%s: xenstore write: %.*s", d->be, (int)len, body);
	dev_answered(d);
}

void xb_write(struct xb_dev *d, const char *key, const char *fmt, ...)
{
	char buf[XB_PATH + 64 + VALUE_MAX];
	va_list ap;
	int n, m;

	n = snprintf(buf, XB_PATH + 64, "%s/%s", d->be, key);
	va_start(ap, fmt);
	m = vsnprintf(buf + n + 1, VALUE_MAX, fmt, ap);
	va_end(ap);
	if (n >= XB_PATH + 64 || m >= VALUE_MAX ||
		!dev_request(d, XS_WRITE, buf, (uint32_t)(n + 1 + m), write_answered, d))
		vm_log("%s: %s not written", d->be, key);
}

static bool request_path(
	struct xb_dev *d, const char *dir, const char *key, xs_reply_fn *fn, void *ctx)
{
	char path[XB_PATH + 64];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, key);

	return n < (int)sizeof(path) && dev_request(d, XS_READ, path, (uint32_t)n + 1, fn, ctx);
}

static bool decimal_parse(const char *s, uint32_t len, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (!len || len > 10)
		return false;
	for (uint32_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(s[i] - '0');
	}
	*out = (uint32_t)v;
	return v <= max;
}

bool xb_number(const struct xb_value *v, uint32_t max, uint32_t *out)
{
	return v->present && decimal_parse(v->text, (uint32_t)strlen(v->text), max, out);
}

static void connect_continue(struct xb_dev *d);

static void value_answered(void *ctx, uint32_t type, const char *body, uint32_t len)
{
	struct xb_value *v = ctx;

	v->present = type == XS_READ && len < sizeof(v->text);
	if (v->present) {
		memcpy(v->text, body, len);
		v->text[len] = 0;
	}
	if (--v->dev->reads == 0)
		connect_continue(v->dev);
	dev_answered(v->dev);
}

void xb_read(struct xb_dev *d, struct xb_value *v, const char *fmt, ...)
{
	char key[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(key, sizeof(key), fmt, ap);
	va_end(ap);
	*v = (struct xb_value){ .dev = d };
	if (request_path(d, d->fe, key, value_answered, v))
		d->reads++;
}

/* ---- states ----------------------------------------------------------------------- */

static void state_write(struct xb_dev *d, uint32_t state)
{
	d->state = state;
	d->next_state = 0;
	d->writes++;
	xb_write(d, "state", "%u", state);
}

void xb_look_again(struct xb_dev *d)
{
	if (d->state == XenbusStateConnected && !d->next_state)
		state_write(d, d->state);
}

/* XENBUS1 */
static void rings_drop(struct xb_dev *d)
{
	if (d->open || d->connecting)
		d->drv->disconnect(d);
	d->open = false;
	d->connecting = false;
}

/* XENBUS1, XENBUS2 */
static void state_enter(struct xb_dev *d, uint32_t state)
{
	if (d->connecting || state == XenbusStateInitWait)
		rings_drop(d);
	if (d->state == state) {
		d->next_state = 0;
		return;
	}
	if (state != XenbusStateClosing && d->drv->busy(d)) {
		d->next_state = state;
		return;
	}
	if (state != XenbusStateClosing)
		rings_drop(d);
	if (state == XenbusStateInitWait)
		d->drv->features_write(d);
	state_write(d, state);
}

void xb_idle(struct xb_dev *d)
{
	if (d->next_state && !d->drv->busy(d))
		state_enter(d, d->next_state);
	removal_look(d);
}

void xb_fail(struct xb_dev *d, const char *why)
{
	vm_log("%s: closed: %s", d->fe, why);
	rings_drop(d);
	if (!d->next_state)
		state_enter(d, XenbusStateClosing);
}

static void connect_continue(struct xb_dev *d)
{
	int rc;

	if (!d->connecting) { /* closed in the meantime: apply the present state */
		frontend_state_apply(d);
		return;
	}
	do
		rc = d->drv->connect(d, d->step++);
	while (rc == 1 && !d->reads);
	if (rc == 1)
		return;
	if (rc) {
		xb_fail(d, "its rings or the values in its directory are unusable");
		return;
	}
	d->connecting = false;
	d->open = true;
	state_write(d, XenbusStateConnected);
	frontend_state_apply(d);
}

static void connect_begin(struct xb_dev *d)
{
	d->connecting = true;
	d->step = 0;
	connect_continue(d);
}

static void last_look(struct xb_dev *d)
{
	d->looks--;
	d->drv->refuse(d);
	svc_timer_set(&d->late, svc_in_ms(LAST_LOOK_MS));
}

/*
 * Linux (6.1) stops its queue and closes, with requests in the queue that it sends after the
 * next event, and waits for their answers when it drops the device. So a device that is taken
 * away by force goes on to answer for a while, and sends events. True: it does.
 */
static bool answers_on(struct xb_dev *d)
{
	if (!d->forced || !d->open || !d->drv->refuse)
		return false;
	if (!d->looked) {
		d->looked = true;
		d->looks = LAST_LOOKS;
		last_look(d);
	}
	return d->looks != 0;
}

/* Called when the front end's state has changed, or when what this waited for has ended. */
static void frontend_state_apply(struct xb_dev *d)
{
	if (!d->state || d->reads)
		return;
	if (d->removing && d->fe_state != XenbusStateClosed &&
		d->fe_state != XenbusStateUnknown)
		return; /* it was asked to close */
	switch (d->fe_state) {
	case XenbusStateInitialising:
	case XenbusStateInitWait:
		if (d->state != XenbusStateInitWait)
			state_enter(d, XenbusStateInitWait);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		if (d->state == XenbusStateInitWait && !d->connecting)
			connect_begin(d);
		break;
	case XenbusStateClosing:
		if (d->state != XenbusStateClosed)
			state_enter(d, XenbusStateClosing);
		break;
	case XenbusStateClosed:
	case XenbusStateUnknown:
		if (d->fe_state == XenbusStateClosed && answers_on(d))
			break;
		if (d->state != XenbusStateInitWait || d->connecting ||
			d->fe_state == XenbusStateClosed)
			state_enter(d, XenbusStateClosed);
		if (d->fe_state == XenbusStateUnknown)
			rings_drop(d);
		break;
	default:
		break;
	}
}

static void frontend_state_answered(void *ctx, uint32_t type, const char *body, uint32_t len)
{
	struct xb_dev *d = ctx;
	uint32_t state = XenbusStateUnknown;

	/* a malformed value is ignored */
	if (type != XS_READ || decimal_parse(body, len, XenbusStateReconfigured, &state)) {
		d->fe_state = state;
		frontend_state_apply(d);
	}
	dev_answered(d);
}

/* The back end's state was written: by control to start (1) or to end (5), or by us. */
static void backend_state_changed(struct xb_dev *d, uint32_t state)
{
	if (!d->state && state == XenbusStateInitialising && !d->removing) {
		state_enter(d, XenbusStateInitWait);
		frontend_state_apply(d);
	} else if (d->state && d->state != XenbusStateClosed && state == XenbusStateClosing) {
		state_enter(d, XenbusStateClosing);
	}
}

static void backend_state_ask(struct xb_dev *d);

static void backend_state_read(struct xb_dev *d, uint32_t type, const char *body, uint32_t len)
{
	uint32_t state;

	d->be_reading = false;
	/* the value may be older than what we have written since */
	if (d->be_again || d->writes != d->writes_seen) {
		backend_state_ask(d);
		return;
	}
	if (type != XS_READ) { /* not made yet, or removed */
		if (d->state)
			rings_drop(d);
		d->state = 0;
		return;
	}
	if (decimal_parse(body, len, XenbusStateReconfigured, &state) && state != d->state)
		backend_state_changed(d, state);
}

static void backend_state_answered(void *ctx, uint32_t type, const char *body, uint32_t len)
{
	struct xb_dev *d = ctx;

	backend_state_read(d, type, body, len);
	dev_answered(d);
}

static void backend_state_ask(struct xb_dev *d)
{
	d->be_again = d->be_reading;
	if (d->be_reading)
		return;
	d->writes_seen = d->writes;
	d->be_reading = request_path(d, d->be, "state", backend_state_answered, d);
}

/* ---- watches ---------------------------------------------------------------------- */

/* The token is "b" or "f" and the number of the device. */
void xb_watch_event(const char *body, uint32_t len)
{
	const char *token = memchr(body, 0, len);
	uint32_t i, n;

	if (!token)
		return;
	token++;
	n = len - (uint32_t)(token - body);
	if (n && token[n - 1] == 0)
		n--;
	if (n < 2 || !decimal_parse(token + 1, n - 1, n_devices - 1, &i) || i >= n_devices ||
		!devices[i] || devices[i]->unwatched)
		return; /* the device may be gone */
	if (token[0] == 'f')
		request_path(devices[i], devices[i]->fe, "state", frontend_state_answered,
			devices[i]);
	else if (token[0] == 'b')
		backend_state_ask(devices[i]);
}

/* type: XS_WATCH or XS_UNWATCH */
static bool state_watch(struct xb_dev *d, uint32_t type, char kind, const char *dir)
{
	char buf[XB_PATH + 32];
	int n = snprintf(buf, sizeof(buf), "%s/state%c%c%u", dir, 0, kind, d->index);

	return dev_request(d, type, buf, (uint32_t)n + 1, write_answered, d);
}

int xb_add(struct xb_dev *d, const struct xb_driver *drv, uint32_t id)
{
	uint32_t i = 0;

	while (i < n_devices && devices[i])
		i++;
	if (i == XB_DEVICES)
		return -SK_E_LIMIT;
	if (i == n_devices)
		n_devices++;
	d->drv = drv;
	d->id = id;
	d->index = i;
	snprintf(d->fe, sizeof(d->fe), "/local/domain/%u/device/%s/%u", xen_dom.p.domid,
		drv->type, id);
	snprintf(d->be, sizeof(d->be), "/local/domain/0/backend/%s/%u/%u", drv->type,
		xen_dom.p.domid, id);
	if (!state_watch(d, XS_WATCH, 'b', d->be) || !state_watch(d, XS_WATCH, 'f', d->fe))
		return -SK_E_NO_MEM;
	devices[i] = d;
	d->added = true;
	return 0;
}

/* ---- taking a device out ----------------------------------------------------------- */

static bool closed(const struct xb_dev *d)
{
	return !d->state || d->state == XenbusStateClosed;
}

/* The watches go when the device is closed; when they are gone, nothing new is asked. */
static void removal_look(struct xb_dev *d)
{
	if (!d->removing || !closed(d))
		return;
	if (d->added && !d->unwatched) {
		d->unwatched = true;
		(void)state_watch(d, XS_UNWATCH, 'b', d->be);
		(void)state_watch(d, XS_UNWATCH, 'f', d->fe);
	}
	if (!d->asked && !d->drv->busy(d))
		edge_devices_changed();
}

static void removal_late(void *ctx)
{
	struct xb_dev *d = ctx;

	if (d->looks && d->open) {
		last_look(d);
		return;
	}
	if (!closed(d))
		state_enter(d, XenbusStateClosed);
	removal_look(d);
}

static void removal_force(struct xb_dev *d)
{
	d->forced = true;
	d->late = (struct svc_timer){ .fn = removal_late, .ctx = d };
	svc_timer_set(&d->late, svc_in_ms(FORCED_MS));
	if (d->drv->refuse)
		d->drv->refuse(d);
}

void xb_remove(struct xb_dev *d, bool forced)
{
	d->removing = true;
	if (forced && !d->forced)
		removal_force(d);
	if (!closed(d) && d->state != XenbusStateClosing)
		state_enter(d, XenbusStateClosing);
	frontend_state_apply(d);
	if (d->forced && !d->open && !closed(d))
		state_enter(d, XenbusStateClosed);
	removal_look(d);
}

bool xb_gone(struct xb_dev *d)
{
	return d->removing && closed(d) && (d->unwatched || !d->added) && !d->asked &&
	       !d->drv->busy(d);
}

void xb_drop(struct xb_dev *d)
{
	if (d->added)
		devices[d->index] = NULL;
	if (d->forced)
		svc_timer_set(&d->late, SK_NO_DEADLINE);
	d->drv->free(d);
}

void xb_quiesce(void)
{
	for (uint32_t i = 0; i < n_devices; i++) {
		if (!devices[i])
			continue;
		rings_drop(devices[i]);
		devices[i]->state = 0;
	}
}
