/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv.h - the part of the Xen ABI that our own guests need: hypercalls, console, event channels,
 * grants, xenstore, xenbus
 *
 * One vCPU, no interrupts, memory mapped one to one: an address is a guest-physical address.
 * All waits use SCHEDOP_poll. Callers may access the rings and tables of the ABI, because some
 * put garbage there.
 */
#ifndef GUEST_PV_H
#define GUEST_PV_H

#define __XEN_INTERFACE_VERSION__ \
	0x00040e00 /* the present numbers of hypercalls, not those of Xen 3.0 */
#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/io/console.h>
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>

enum { PAGE = 4096, GRANTS = 512, XS_TEXT = 512, XS_LEFT = 3072 };

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_ALIGNED __attribute__((aligned(4096)))
#define barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)

void guest_main(uint64_t start_info);

extern bool on_intel;

static inline long hypercall3(unsigned int op, uint64_t a1, const void *a2, uint64_t a3)
{
	long ret;

	if (on_intel)
		__asm__ volatile("vmcall"
				 : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3)
				 : "a"(op)
				 : "memory");
	else
		__asm__ volatile("vmmcall"
				 : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3)
				 : "a"(op)
				 : "memory");
	return ret;
}

static inline long hypercall(unsigned int op, uint64_t a1, const void *a2)
{
	return hypercall3(op, a1, a2, 0);
}

/* ---- start, console ---- */

/* Finds the CPU vendor and the console; say() and hypercall() need no more. */
void pv_init(void);
uint64_t pv_param(uint32_t index);
/*
 * The value of NAME=VALUE on the command line, up to the next blank, or NULL. The next call
 * overwrites it.
 */
const char *pv_option(uint64_t start_info, const char *name);
extern struct xencons_interface *pv_console;
void pv_console_notify(void);
/* %s %u (unsigned) %d (int) %x (unsigned); a newline notifies the host. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void pv_shutdown(unsigned int reason);

/* ---- event channels and grants ---- */

/* A whole page, because a page of the host replaces it. */
union pv_shared_page {
	struct shared_info info;
	uint8_t bytes[PAGE];
};
extern union pv_shared_page pv_shared_page;
#define pv_shared (pv_shared_page.info)
extern struct grant_entry_v1 pv_grant[GRANTS];

/* Maps pv_shared and pv_grant into our memory, and finds xenstore's page. */
bool pv_devices_init(void);
/* Brings pv_shared back to its state after pv_devices_init(). */
void pv_shared_reset(void);
/* A new channel whose other end domain 0 may bind, or 0. */
evtchn_port_t pv_port_new(void);
void pv_port_close(evtchn_port_t port);
void pv_notify(evtchn_port_t port);
/* Waits for an event on that port and clears it. */
void pv_wait(evtchn_port_t port);
/* The same, or until a moment; false: it has come. */
bool pv_wait_until(evtchn_port_t port, uint64_t ns);
/* Waits look again and again, and never let the CPU idle. */
extern bool pv_restless;
/* Nanoseconds since the guest started; valid after pv_devices_init(). */
uint64_t pv_now(void);
void pv_sleep_until(uint64_t ns);
/* Let domain 0 use a page; flags as in GTF_*. */
void pv_grant_set(uint32_t ref, const void *page, uint16_t flags);

/* ---- xenstore ---- */

extern struct xenstore_domain_interface *pv_store;
extern evtchn_port_t pv_store_port;
/* Watch events received so far. */
extern unsigned int pv_watch_events;

/* Puts bytes into the request ring, unchanged. */
void pv_store_send(const void *data, uint32_t len);
/*
 * Sends a request with a body of `len` bytes. pv_answer then has the answer, with a zero byte
 * at its end. Returns the length of the answer, or -1 if it is an error (pv_answer has its
 * name).
 */
int pv_store_talk(uint32_t type, const void *body, uint32_t len);
extern char pv_answer[XENSTORE_PAYLOAD_MAX + 1];
bool pv_store_write(const char *path, const char *value);
bool pv_store_write_number(const char *path, uint32_t value);
const char *pv_store_read(const char *path);
bool pv_store_watch(const char *path, const char *token);
/* Begins again after the ring was broken; all watches are lost. */
void pv_store_reconnect(void);

/* ---- xenbus ---- */

struct pv_device {
	char front[64], back_state[128];
};

bool pv_device_open(struct pv_device *d, const char *front);
void pv_device_watch(struct pv_device *d);
/* DIR/KEY of the front end = value. */
void pv_device_put(struct pv_device *d, const char *key, uint32_t value);
void pv_device_put_text(struct pv_device *d, const char *key, const char *value);
void pv_device_remove(struct pv_device *d, const char *key);
void pv_device_state(struct pv_device *d, enum xenbus_state state);
bool pv_device_is(struct pv_device *d, enum xenbus_state state);
/* Waits until the back end is in that state; false if it went to Closing or Closed instead. */
bool pv_device_wait(struct pv_device *d, enum xenbus_state state);
/*
 * Closes the device from our side and begins again: afterwards, the back end waits for our
 * rings.
 */
void pv_device_reset(struct pv_device *d);

/* ---- small things ---- */

void *memcpy(void *to, const void *from, unsigned long n);
void *memset(void *to, int c, unsigned long n);
int memcmp(const void *a, const void *b, unsigned long n);
unsigned long strlen(const char *s);
int strcmp(const char *a, const char *b);
uint32_t random32(void);
uint64_t pv_ticks(void);

#endif
