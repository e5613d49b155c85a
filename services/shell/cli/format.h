/* SPDX-License-Identifier: BSD-2-Clause */
/* format.h - the output of the verbs, column by column as in xl 4.17 */
#ifndef SHELL_FORMAT_H
#define SHELL_FORMAT_H

#include "config/guest_cfg.h"
#include "out.h"
#include "client/domains.h"
#include "proto/ctl.h"
#include "table.h"

struct sk_info;

struct list_row {
	const char *name;
	uint32_t domid;
	uint64_t memory; /* bytes */
	uint32_t vcpus;  /* online */
	bool running, blocked, paused, shutdown, dying;
	uint32_t reason; /* SHUTDOWN_* of xen/sched.h, when shutdown */
	uint64_t cpu_ns;
	const uint8_t *uuid;
	uint64_t rest_seconds; /* it is started again in so many; 0: it does not rest */
};
/* Until it is started again; 0: it does not rest. */
uint64_t rest_seconds(const struct ctl_dom *d);
/* False: the guest has no row. */
bool list_row_guest(const struct ctl_dom *d, struct list_row *r);
void list_row_host(const struct ctl_system *s, struct list_row *r);
/* Columns beyond the usual ones. */
struct list_more {
	bool verbose, pool;
};
void format_list_head(struct table *t, struct list_more more);
void format_list_row(struct table *t, const struct list_row *r, struct list_more more);
/* A line that explains why a guest of the list does not run: it ended too soon, too often. */
void format_resting(struct table *t, const char *name, uint32_t short_lives,
	uint32_t life_seconds, uint64_t left_seconds);

void format_service_head(struct table *t);
void format_service_row(struct table *t, const struct host_domain *r);
/* Why a domain of the host ended. */
const char *format_end(uint32_t end);
/* A line below a list of guests: this service does not run any more. */
void format_given_up(struct table *t, const char *service);

struct vcpu_row {
	const char *name;
	uint32_t domid, vcpu, cpu;
	bool online, running, blocked;
	uint64_t cpu_ns;
	uint64_t hard, soft; /* CPUs, as bits; 0: any */
};
void format_vcpu_head(struct table *t);
/* n_cpus: of the host. */
void format_vcpu_row(struct table *t, const struct vcpu_row *r, uint32_t n_cpus);

/* All CPUs of the host are one pool. Guests have the parameters of this scheduler of Xen's. */
#define POOL_NAME "Pool-0"
#define POOL_SCHEDULER "credit2"
/* n_domains: with Domain-0. cpus: their numbers, in place of the other columns. */
void format_pool(struct table *t, uint32_t n_cpus, uint32_t n_domains, bool cpus);
void format_credit2_pool(struct table *t);
void format_credit2_head(struct table *t);
void format_credit2_row(struct table *t, const struct ctl_dom *d);

/* Capabilities of a domain that its builder put there, and others of one kind, counted. */
struct cap_group {
	struct init_cap cap; /* one of them */
	uint32_t n;
	uint64_t bytes;
};
/* Memory that its object takes; a frame or untyped: that it is. */
uint64_t cap_bytes(const struct init_cap *c);
void format_cap_head(struct table *t);
void format_cap_row(struct table *t, const struct init_cap *c);
void format_cap_group(struct table *t, const struct cap_group *g);

/* A disk or a vif of a guest. -1: xenstore does not say. */
struct device_row {
	uint32_t domid, devid;
	const uint8_t *mac;
	int state, port, ring[2];
};
void format_device_head(struct table *t, bool vifs);
void format_disk_row(struct table *t, const struct device_row *r);
void format_vif_row(struct table *t, const struct device_row *r);

void format_vm_head(struct table *t);
void format_vm_row(struct table *t, const uint8_t *uuid, uint32_t domid, const char *name);

void format_uptime_head(struct table *t);
/* wall_seconds: seconds since 1970, for the time of day in the short form. */
void format_uptime_row(struct table *t, const char *name, uint32_t domid, uint64_t seconds,
	bool brief, uint64_t wall_seconds);

/* INFO_NODES: with the tables of CPUs and memory by node, of which the host has one. */
enum info_parts { INFO_LINES, INFO_NODES };
/*
 * key: only the values of lines whose names start with it; NULL: all lines. In JSON, one
 * object, with the names, and without tables.
 */
void format_info(const struct out *o, const struct ctl_system *s, const struct sk_info *k,
	enum info_parts parts, const char *key, enum table_form form);

/* One element of the array that `list -l` prints. */
void format_config_json(const struct out *o, const struct ctl_dom *d, const struct ctl_guest *g,
	uint32_t refused);
/* Domain-0's element of that array: the n domains that it consists of. */
void format_host_json(const struct out *o, const struct host_domain *r, uint32_t n);

/*
 * A value of xenstore for the terminal: quotes, backslashes and bytes that cannot be printed
 * are escaped.
 */
void format_escaped(const struct out *o, const char *text, size_t len);

#endif
