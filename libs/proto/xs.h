/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs.h - xenstore messages on native rings
 *
 * Transport   record rings; each record is a struct xs_native followed by one whole message of
 *             the xenstored wire protocol (struct xsd_sockmsg and its payload, Xen's
 *             io/xs_wire.h).
 * Sequence    requests carry 1, 2, 3, ... per connection; the reply repeats the number. The
 *             store applies a number once: a repeated request gets the same reply again. A
 *             client keeps at most XS_UNANSWERED_MAX requests unanswered, because so many
 *             replies are remembered. Watch events carry 0.
 * Restart     when the store has been started again, the client sends all unanswered requests
 *             again, in their order and with their numbers.
 * Types       those of Xen, and XS_MAKE.
 * Authority   each record has a role: a VMM tags requests of its guest with XS_ROLE_GUEST, and
 *             those of its own back ends with XS_ROLE_BACKEND. The scribe's connection is
 *             privileged and speaks as dom0.
 */
#ifndef PROTO_XS_H
#define PROTO_XS_H

#include <stdint.h>

enum xs_role { XS_ROLE_GUEST = 1, XS_ROLE_BACKEND = 2, XS_ROLE_DOM0 = 3 };

struct xs_params {
	uint32_t domid;
	uint32_t privileged; /* 1: the scribe */
};
_Static_assert(sizeof(struct xs_params) == 8, "no padding");

struct xs_native {
	uint32_t role;
	uint32_t reserved; /* zero */
	uint64_t seq;
};
_Static_assert(sizeof(struct xs_native) == 16, "no padding");

/*
 * A request beyond Xen's protocol, of dom0 only: makes nodes, all of them or none, each with
 * a value and, unless there are none, permissions. The payload is, for each node, texts with
 * their terminators: the path, the permissions ("n0", "r5", ...), "", the value. The answer is
 * "OK".
 */
#define XS_MAKE 0x10000u

#define XS_UNANSWERED_MAX 40u
#define XS_RECORD_MAX (sizeof(struct xs_native) + 16u + 4096u)

#endif
