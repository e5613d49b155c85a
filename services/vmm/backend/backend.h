/*
 * backend.h - what the back ends share: guest rings, the xenstore connection, devices on xenbus
 *
 * All of it runs on the I/O thread. A back end is domain 0 to the guest and an unprivileged client to the
 * service behind it.
 */
#ifndef VMM_BACKEND_H
#define VMM_BACKEND_H

#include "xen/xen_domain.h"

#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>

#include "proto/vmctl.h"
#include "svc/svc.h"

#define NO_BACKEND UINT32_MAX

/* ---- gring.c: request/response rings in granted pages (xen/io/ring.h), the back end's side ---- */
enum { GRING_PAGES = 16 };
struct gring {
	uint8_t *page[GRING_PAGES];
	uint32_t ref[GRING_PAGES];
	uint32_t n_pages; /* 0 = not mapped */
	uint32_t entry_size;
	uint32_t n_entries;          /* power of two */
	uint32_t req_cons, rsp_prod; /* ours; the shared ones are only written, or checked */
	uint32_t rsp_pushed;
};
/* entry_size <= 128. 0 or -SK_E_*. Goes on where the ring's responses stand. */
int gring_map(struct gring *r, const uint32_t *refs, uint32_t n_pages,
	uint32_t entry_size) must_check;
void gring_unmap(struct gring *r);
/* Requests that wait, or -SK_E_PEER: an impossible index. */
int gring_requests(struct gring *r) must_check;
/* About to stop: ask for an event with the next request; true = one came meanwhile. */
bool gring_final_check(struct gring *r);
/* Copy of the request at `index` (req_cons and up); req_cons is the caller's to advance. */
void gring_get(const struct gring *r, uint32_t index, void *entry, uint32_t len);
/* The same for rings whose requests are buffers: event for request number `index` + 1. */
void gring_want_request(struct gring *r, uint32_t index);
void gring_put(struct gring *r, const void *response, uint32_t len);
/* Publish; true: the guest wants an event. */
bool gring_push(struct gring *r);

/* ---- xs_link.c: the VMM's xenstore connection ------------------------------------- */
/* type: of the reply (XS_ERROR: body is the error's name). */
typedef void xs_reply_fn(void *ctx, uint32_t type, const char *body, uint32_t len);
int xs_link_init(void) must_check;
/* As a back end: one request with its payload. Queued; -SK_E_NO_MEM when too much waits. */
int xs_link_request(
	uint32_t type, const void *body, uint32_t len, xs_reply_fn *fn, void *ctx) must_check;
/* What the guest wrote, whole: 0, or -SK_E_AGAIN: later (xs_ring_run() is called then). */
int xs_link_guest_request(const struct xsd_sockmsg *m) must_check;
void xs_link_guest_reset(
	void); /* the guest starts anew: its watches, transactions and replies go */
void xs_link_run(void);

/* ---- xs_ring.c: the guest's xenstore page ----------------------------------------- */
int xs_ring_init(void) must_check;
void xs_ring_run(void);  /* move what can be moved */
bool xs_ring_room(void); /* for one more message of any size */
void xs_ring_message(
	const void *msg, uint32_t len); /* reply or event for the guest: xs_ring_room() held */

/* ---- cons_ring.c ------------------------------------------------------------------ */
int cons_ring_init(void) must_check;
void cons_ring_run(void);

/* ---- xenbus.c --------------------------------------------------------------------- */
enum { XB_DEVICES = VM_DISKS_MAX + VM_VIFS_MAX, XB_TEXT = 24, XB_PATH = 80 };
struct xb_dev;

/* A value read from the front end's directory. */
struct xb_value {
	struct xb_dev *dev;
	bool present;
	char text[XB_TEXT];
};
struct xb_driver {
	const char *type;                   /* "vbd", "vif" */
	void (*features)(struct xb_dev *d); /* write what the back end can do */
	/* Front end is ready: read values (phase 0, 1, ...): 1 = more was asked for, call again when read;
	 * 0 = connected; -SK_E_*. */
	int (*connect)(struct xb_dev *d, unsigned int phase);
	void (*disconnect)(struct xb_dev *d); /* also when half connected */
	bool (*busy)(struct xb_dev *d); /* requests of this connection are still in flight */
};
struct xb_dev {
	const struct xb_driver *drv;
	uint32_t id; /* vdev or devid */
	uint32_t index;
	char fe[XB_PATH], be[XB_PATH];
	uint32_t state; /* ours, XenbusState*; 0 = not started */
	uint32_t fe_state;
	uint32_t after; /* state to enter when no longer busy; 0 = none */
	uint32_t reads; /* outstanding in connect */
	unsigned int phase;
	bool connecting, open;
	uint32_t writes;      /* of our state, */
	uint32_t writes_seen; /* and how many there were when the read of it was sent */
	bool be_reading, be_again;
};
int xb_add(struct xb_dev *d, const struct xb_driver *drv, uint32_t id) must_check;
void xb_read(struct xb_dev *d, struct xb_value *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void xb_write(struct xb_dev *d, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void xb_fail(struct xb_dev *d, const char *why); /* the front end broke the rules: close it */
void xb_idle(struct xb_dev *d);                  /* a busy device has become idle */
void xb_quiesce(void);
/* Decimal, up to `max`. */
bool xb_number(const struct xb_value *v, uint32_t max, uint32_t *out);
void xb_watch_event(const char *body, uint32_t len);

/* ---- devices ---------------------------------------------------------------------- */
int blkback_add(const struct vm_disk *disk) must_check;
int netback_add(const struct vm_vif *vif) must_check;

/* After using a client connection's rings outside its handler: publish, give back, wake. */
void svc_settle(struct svc_conn *c);

#endif
