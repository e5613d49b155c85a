/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scribe.h - what control does with guests, for the nodes that xenstore has of them
 *
 * Transport   record rings. A request is a struct scribe_head and the body of its operation; an
 *             answer is the head of its request with `failed`, and whatever the operation
 *             gives.
 * Order       requests are carried out one after the other, and answered in this order.
 * Together    a request with SCRIBE_MORE has no answer. The first one behind it without that
 *             flag is answered when all of them are carried out, and says if any has failed.
 * Failure     xenstore refused the request, or does not run any more.
 * Restart     when the scribe has been started again, control sends what has no answer once
 *             more, so an operation may be carried out twice. DISK and VIF of a guest that runs
 *             have failed then, because the guest may have changed the nodes meanwhile.
 * Authority   the scribe speaks to xenstore as dom0. Nobody else does, and nobody but control
 *             speaks to the scribe.
 */
#ifndef PROTO_SCRIBE_H
#define PROTO_SCRIBE_H

#include <stdint.h>

#include "proto/guest_config.h"

/* X(name, number, body -> what the answer has) */
#define SCRIBE_OPS(X) \
	X(GUEST, 1, "struct scribe_guest: nodes of a guest that is created, without devices") \
	X(DISK, 2, "struct scribe_disk: nodes of a disk of the guest") \
	X(VIF, 3, "struct vif_spec: nodes of an interface") \
	X(INTRODUCE, 4, "nothing: xenstore knows the guest from now on") \
	X(REMOVE, 5, "struct scribe_name: the guest is gone, and so are its nodes") \
	X(RENAME, 6, "struct scribe_name: it has another name") \
	X(KEEP, 7, "struct scribe_name: it is kept under another name and UUID") \
	X(MEDIUM, 8, "struct scribe_medium: what is in a drive") \
	X(OFFLINE, 9, "struct scribe_device: the guest is to let go of the device") \
	X(UNPLUG, 10, "struct scribe_device: its nodes go") \
	X(TARGET, 11, "uint64_t KiB: so much memory is the guest to have") \
	X(CPUS, 12, "struct scribe_cpus: so many vCPUs is it to use") \
	X(SHUTDOWN, 13, "struct scribe_word: what it is asked to do; empty: nothing any more") \
	X(SYSRQ, 14, "struct scribe_word: a key") \
	X(REFUSED, 15, \
		"nothing -> uint32_t: requests of the guest that were refused for a quota") \
	X(ASK, 16, "uint32_t, a type of xen/io/xs_wire.h, and its payload -> payload")

#define X(name, num, what) SCRIBE_##name = (num),
enum scribe_op { SCRIBE_OPS(X) SCRIBE_OP_END };
#undef X

enum scribe_flag { SCRIBE_MORE = 1 };

struct scribe_head {
	uint32_t id;
	uint16_t op;     /* enum scribe_op */
	uint16_t flags;  /* enum scribe_flag */
	uint32_t domid;  /* of the guest; 0: none, for ASK */
	uint32_t failed; /* 0 or 1, in an answer */
};
_Static_assert(sizeof(struct scribe_head) == 16, "no padding");

#define SCRIBE_PAYLOAD_MAX 4096u
#define SCRIBE_RECORD_MAX (sizeof(struct scribe_head) + sizeof(uint32_t) + SCRIBE_PAYLOAD_MAX)

struct scribe_name {
	char name[GUEST_NAME_MAX + 1];
	uint8_t uuid[UUID_SIZE];
	uint64_t start_seconds; /* since 1970; GUEST and KEEP */
};
_Static_assert(sizeof(struct scribe_name) % 8 == 0, "no padding");

struct scribe_guest {
	struct scribe_name is;
	uint32_t type; /* enum guest_type */
	uint32_t vcpus, maxvcpus;
	uint32_t memory;      /* MiB that it is to have */
	uint32_t boot_memory; /* MiB that it sees when it starts */
	uint32_t reserved;
};
_Static_assert(sizeof(struct scribe_guest) == sizeof(struct scribe_name) + 24, "no padding");

struct scribe_disk {
	uint32_t in_shim; /* 0 or 1: the guest runs in Xen's shim */
	struct disk_spec spec;
};
_Static_assert(sizeof(struct scribe_disk) == sizeof(struct disk_spec) + 4, "no padding");

struct scribe_medium {
	uint32_t vdev;
	char target[DISK_TARGET_MAX + 1]; /* empty: there is none */
};

struct scribe_device {
	uint32_t disk; /* 0 or 1: it is an interface */
	uint32_t id;   /* vdev or devid */
};
_Static_assert(sizeof(struct scribe_device) == 8, "no padding");

struct scribe_cpus {
	uint32_t vcpus, maxvcpus;
};
_Static_assert(sizeof(struct scribe_cpus) == 8, "no padding");

struct scribe_word {
	char text[16];
};
_Static_assert(sizeof(struct scribe_word) == 16, "no padding");

#endif
