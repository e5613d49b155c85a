/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svc.h - the control endpoint that every service has, and how a connection is made
 *
 * Transport   call/reply IPC on the service's endpoint. Callers are connectors (init; control
 *             for guests); the badge says which: SVC_BADGE_INIT or SVC_BADGE_CONTROL.
 * Making one  the connector makes the region (frames charged to the client), calls SVC_OPEN
 *             with the region and a capability that signals the client; the reply carries a
 *             capability that signals the service. The connector hands it and the region to the
 *             client.
 * Region      two frames, [request ring][response ring] and, if the protocol has any, [data].
 *             Their sizes are in the call and are never read from the region. There are two
 *             frames so that the data can be passed on to a disk driver and its device without
 *             the rings.
 * Own         a third frame, if the call brings one, is memory for the service's state of this
 *             client, charged to the client. The client never sees it.
 * Ending      SVC_CLOSE returns when nothing of the connection is in flight any more. The reply
 *             says whether the service's last work for the client failed (storage: the last
 *             flush). The connection is gone in any case.
 * Restart     a service that is started again loses its connections. The connector repeats
 *             SVC_OPEN with the same frames and signal, the same `number`, and `epoch` one more
 *             than the last time; 0 is the epoch in which a connection is first made. So the
 *             client keeps its region and its signal to the service, which has the same bit.
 *             The service begins the epoch in both rings (ring.h) and signals the client. That
 *             knows then that both rings are empty and that nothing of an earlier epoch is in
 *             flight, and repeats what has no answer. A client that is started again gets new
 *             connections, and its old ones are closed.
 * The end     a word in the response ring's header (ring.h `end`) says why a connection has
 *             ended for its client: enum svc_end. The service writes it, or the connector for a
 *             service that does not come back, and signals the client. It is never taken back:
 *             a connection that is opened again after its end stays dead.
 * Giving up   a connector may stop waiting for any call. It then keeps the memory that it gave
 *             to the service until it knows that the service has let go. A close can be
 *             repeated until its result was received. If the connector has given up when an
 *             open is done, the service undoes it: once SVC_PING is answered with 0, nothing of
 *             it is left.
 */
#ifndef PROTO_SVC_H
#define PROTO_SVC_H

#include <stdint.h>

/* X(name, number, version, request ring bytes, response ring bytes, default data bytes) */
#define SVC_PROTOS(X) \
	X(NONE, 0, 0, 0, 0, 0) \
	X(CONSOLE, 1, 1, 4096, 4096, 0) /* text streams: console.h */ \
	X(UART, 2, 1, 4096, 4096, 0) \
	X(XS, 3, 1, 16384, 16384, 0)      /* xenstore messages: xs.h */ \
	X(BLK, 4, 1, 8192, 8192, 1048576) /* BLK_DEPTH records fit */ \
	X(NET, 5, 3, 20480, 20480, 1048576) \
	X(FILES, 6, 1, 4096, 4096, 262144) \
	X(VMCTL, 7, 1, 4096, 4096, 0) \
	X(LOG, 8, 1, 4096, 4096, 0)       /* standard output of a domain: console.h records */ \
	X(CTL, 9, 1, 36864, 20480, 0)     /* answers of control, and requests: ctl.h */ \
	X(SCRIBE, 10, 1, 16384, 16384, 0) /* what control does with guests: scribe.h */

#define X(name, num, version, req, rsp, data) SVC_PROTO_##name = (num),
enum svc_proto { SVC_PROTOS(X) SVC_PROTO_END };
#undef X

struct svc_proto_info {
	uint32_t version, req_size, rsp_size;
	uint64_t data_size;
};
/* The row of a protocol in the list above; the row of NONE for an unknown number. */
static inline const struct svc_proto_info *svc_proto_info(uint32_t proto)
{
	static const struct svc_proto_info infos[] = {
#define X(name, num, version, req, rsp, data) [num] = { (version), (req), (rsp), (data) },
		SVC_PROTOS(X)
#undef X
	};

	return &infos[proto < SVC_PROTO_END ? proto : SVC_PROTO_NONE];
}

/*
 * X(name, number, meaning). Why a connection has ended, in the client's view; a number that is
 * not listed means CLOSED.
 */
#define SVC_ENDS(X) \
	X(ALIVE, 0, "it is alive") \
	X(BREACH, 1, "the service says that its client broke the protocol") \
	X(CLOSED, 2, "it was closed") \
	X(GIVEN_UP, 3, "the service failed too often and is not started again") \
	X(LIMIT, 4, "the client reached a limit of the service")

#define X(name, num, text) SVC_END_##name = (num),
enum svc_end { SVC_ENDS(X) SVC_END_END };
#undef X

#define SVC_BADGE_INIT 1u
#define SVC_BADGE_CONTROL 2u
/*
 * A client that the manifest allows to call the service's own labels, but never OPEN or CLOSE.
 */
#define SVC_BADGE_CLIENT 3u

/* Labels of calls. Replies: label 0 with mr0 = 0 or -SK_E_*, then results. */
enum svc_call {
	/*
	 * struct svc_open_msg, then the parameters (the struct of the protocol's header).
	 * Capabilities: ring frame; the client's signal, with a badge; the data frame unless
	 * data_size is 0; the own frame unless own_size is 0. Reply: mr0 status, mr1 connection
	 * number, mr2, mr3 of the protocol; capability: signal to the service. -SK_E_EXISTS:
	 * the number that the call names is in use.
	 */
	SVC_OPEN = 1,
	/*
	 * mr0 connection number. Reply: mr0 status: 0 = the connection is gone, else it is as
	 * it was, and the call can be repeated; mr1 (with mr0 = 0) the result: 0, or the
	 * -SK_E_* of the last flush, whose data may be lost. A repeated call replaces the
	 * earlier one if it is from the same connector; from another it gets -SK_E_BUSY.
	 */
	SVC_CLOSE = 2,
	/* -SK_E_BUSY: memory from an SVC_OPEN whose caller gave up is still in use. */
	SVC_PING = 3,
	/* mr0 connection number or 0; reply: words of the protocol. */
	SVC_STATS = 4,
	/*
	 * mr0 client. Reply: mr1 = the number of one of the connections that this connector has
	 * opened for the client, or 0 if there is none. A connection whose close was not
	 * answered counts.
	 */
	SVC_FIND = 5,
	/*
	 * mr0 how many of its connections to pass over, 0 at first. Reply: mr1 = mr0 of the
	 * next call, 0: that was all; then up to SVC_USAGE_MAX times struct svc_usage, for the
	 * connections that this connector has made. If connections come and go meanwhile, some
	 * of them are there twice, or not this time.
	 */
	SVC_USAGE = 6,
	/* From here: the service's own calls, which its protocol's header lists. */
	SVC_FIRST = 16
};
/*
 * The first words of SVC_OPEN. Clients are domids of guests, or numbers of static domains with
 * SVC_STATIC.
 */
struct svc_open_msg {
	uint32_t proto, version;
	uint64_t data_size;
	uint32_t req_size, rsp_size;
	uint32_t client;
	/*
	 * The connection's number if an earlier life of the service had it; 0: the service
	 * chooses one that no earlier life has chosen.
	 */
	uint32_t number;
	uint32_t epoch, reserved1;
	uint64_t params_len;
	/* Bytes of the frame for the service's state of the client. */
	uint64_t own_size;
};
_Static_assert(sizeof(struct svc_open_msg) == 56, "no padding");
#define SVC_STATIC 0x80000000u
/*
 * The CPU time, in TSC ticks, that the service has spent for a client of it since its start or,
 * if that was later, since the connection was opened (again).
 */
struct svc_usage {
	uint32_t number, client;
	uint64_t ticks;
};
_Static_assert(sizeof(struct svc_usage) == 16, "no padding");
#define SVC_USAGE_WORD 2u
#define SVC_USAGE_MAX 31u
#define SVC_PARAMS_WORD (sizeof(struct svc_open_msg) / 8u)
#define SVC_PARAMS_MAX (64u * 8u - sizeof(struct svc_open_msg))

#endif
