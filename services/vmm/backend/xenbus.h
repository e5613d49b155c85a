/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus.h - devices of the guest on xenbus; on the I/O thread
 */
#ifndef VMM_XENBUS_H
#define VMM_XENBUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

#include <xen/io/xenbus.h>

#include "proto/vmctl.h"
#include "svc/svc.h"

enum {
	XB_DEVICES = VM_DISKS_MAX + VM_VIFS_MAX,
	XB_TEXT = 24,
	XB_PATH = 80,
};

struct xb_dev;

/* A value from the front end's directory. */
struct xb_value {
	struct xb_dev *dev;
	bool present;
	char text[XB_TEXT];
};

struct xb_driver {
	/* "vbd", "vif" */
	const char *type;
	/* Write what the back end can do into its directory. */
	void (*features_write)(struct xb_dev *d);
	/*
	 * The front end is ready: read its values and connect, in steps that are numbered from
	 * 0. 1: values were asked for, call again when they are read; 0: connected; -SK_E_*.
	 */
	int (*connect)(struct xb_dev *d, unsigned int step);
	/* Also called when the device is half connected. */
	void (*disconnect)(struct xb_dev *d);
	/* Are requests of this connection still in flight? */
	bool (*busy)(struct xb_dev *d);
	/*
	 * Taken away by force: answer everything with errors from now on, also what is in
	 * flight, and send the front end an event. NULL: nothing is.
	 */
	void (*refuse)(struct xb_dev *d);
	/* Free it, and its connection to the service: nothing refers to it any more. */
	void (*free)(struct xb_dev *d);
};

struct xb_dev {
	const struct xb_driver *drv;
	/* vdev or devid */
	uint32_t id;
	uint32_t index;
	/* The directories of the front end and of the back end. */
	char fe[XB_PATH], be[XB_PATH];
	/* XenbusState* of the back end; 0: not started. */
	uint32_t state;
	uint32_t fe_state;
	/* The state to enter once no request is in flight; 0: none. */
	uint32_t next_state;
	/* Values that connect() asked for and that have not arrived. */
	uint32_t reads;
	unsigned int step;
	bool connecting, open;
	/*
	 * How often our state was written: so far, and when the read in flight was sent.
	 */
	uint32_t writes, writes_seen;
	/* Our state is being read; it must be read again afterwards. */
	bool be_reading, be_again;
	/* Requests to xenstore without an answer. */
	uint32_t asked;
	/* xb_add() was called. */
	bool added;
	/* It is being taken out, even if the guest still uses it, and its watches are gone. */
	bool removing, forced, unwatched;
	/* Forced: the front end has until then to close; or the time of the next last look. */
	struct svc_timer late;
	/* Forced: last looks that are left, and whether they have begun. */
	uint32_t looks;
	bool looked;
};

int xb_add(struct xb_dev *d, const struct xb_driver *drv, uint32_t id) must_check;
void xb_read(struct xb_dev *d, struct xb_value *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void xb_write(struct xb_dev *d, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A decimal number, at most `max`. */
bool xb_number(const struct xb_value *v, uint32_t max, uint32_t *out);
/* The front end broke the rules: close the device. */
void xb_fail(struct xb_dev *d, const char *why);
/* What it can do has changed: a front end that is connected looks again. */
void xb_look_again(struct xb_dev *d);
/* A busy device has become idle. */
void xb_idle(struct xb_dev *d);
/*
 * Take a device out, which was added or is to be added: its front end is asked to close, and it
 * goes when that has happened; forced: or after a short while, in which it answers errors. It
 * may be called again.
 */
void xb_remove(struct xb_dev *d, bool forced);
/* It is closed, and nothing is in flight. */
bool xb_gone(struct xb_dev *d);
/* Forget and free a device that is gone. */
void xb_drop(struct xb_dev *d);
void xb_watch_event(const char *body, uint32_t len);
/* No device touches guest memory or rings any more. */
void xb_quiesce(void);

#endif
