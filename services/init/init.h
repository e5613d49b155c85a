/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.h - what the parts of init share
 *
 * init is the root task: it makes every static domain from the manifest, keeps the objects on
 * their boundaries, and then answers calls. It is single-threaded; there is no lock anywhere.
 */
#ifndef INIT_H
#define INIT_H

#include <stdbool.h>
#include <stddef.h>
#include "cpio.h"
#include "policy.h"
#include "proc/proc.h"
#include "proto/init.h"
#include <sk/boot.h>

/*
 * A static domain. ntfn, service and parent outlive a restart; everything made from `memory`
 * does not.
 */
struct domain {
	const struct manifest_domain *m;
	struct proc proc;
	enum domain_state state;
	/* Why it ended last. */
	enum domain_end end;
	uint32_t restarts;
	/* When it was started last. */
	sk_time_t started_at;
	/* Index in the manifest; badge - 1. */
	uint32_t number;
	uint32_t epoch;
	/* Its notification and control endpoint, unbadged. */
	sk_cap_t ntfn, service;
	/* init's endpoint, badged for it. */
	sk_cap_t parent;
	/* Its control endpoint with SVC_BADGE_INIT. */
	sk_cap_t connector;
	/* The untyped that proc takes memory from. */
	sk_cap_t memory;
	/* Untypeds that the domain may retype itself. */
	sk_cap_t own[MANIFEST_UNTYPED_MAX];
	/* Next free DOMAIN_CAP_EXTRA slot. */
	uint32_t next_extra;
	/* In bytes, including the regions of its connections. */
	uint64_t charged;
};

/* A connection between two static domains, with everything on the boundary. */
struct connection {
	bool open;
	/* Indices of domains. */
	uint32_t client, service;
	/* Memory of the region: for the rings, and for the data if there is any. */
	sk_cap_t memory, data_memory;
	struct proc_connection c;
};

extern struct manifest manifest;
extern struct domain domains[MANIFEST_DOMAINS_MAX];
/* As in the manifest. */
extern struct connection connections[MANIFEST_CHANNELS_MAX];
extern sk_cap_t init_endpoint;
extern uint64_t wall_boot_ns;

static inline const struct sk_bootinfo *boot_info(void)
{
	return (const struct sk_bootinfo *)SK_BOOTINFO_VADDR;
}

/* archive.c */
int archive_open(void) must_check;
int archive_find(const char *name, struct cpio_file *out) must_check;
int archive_image(const char *name, struct proc_image *im, const char **why) must_check;
/* Map a file read-only into a domain, at *vaddr. */
int archive_map(struct proc *p, const struct cpio_file *f, uint64_t *vaddr) must_check;

/* domain.c */
int domain_start(struct domain *d) must_check;
int arg_add(struct domain *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))) must_check;
int extra_slot(struct domain *d, uint32_t *slot) must_check;
/* Memory for a domain, charged to it. */
int memory_charge(struct domain *d, uint32_t order, sk_cap_t *out) must_check;
void memory_return(struct domain *d, sk_cap_t *cap); /* *cap may be 0 */

/* grant.c: capabilities that the manifest names */
int grant_caps(struct domain *d) must_check;
uint64_t guest_pool_bytes(void); /* that control was given */

/* connect.c */
int connect_channels(struct domain *d) must_check;
void connect_log(void); /* init's own lines, once console runs */
void connection_drop(struct domain *d, struct connection *c); /* of d as client */
void connections_close(uint32_t service);
struct domain *domain_of_role(enum manifest_flag role); /* NULL if none runs */

/* device.c */
struct device_claim {
	uint64_t handle;
	uint16_t vendor, device, rid;
	uint32_t n_irqs;
	uint64_t bar_size[6];
	uint8_t config[256];
};
int device_claim(const struct manifest_device *dev, struct device_claim *claim) must_check;
int device_give(struct domain *d, const struct device_claim *claim) must_check;
void device_wallclock(void);
int device_power(bool reboot);

/* serve.c */
void serve(void) __attribute__((noreturn));

#endif
