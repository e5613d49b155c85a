/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.h - single-producer single-consumer record rings in shared memory
 *
 * A ring is a header and a byte area in memory that two domains both write without trusting
 * each other. Records are a 32-bit length and that many bytes, padded to 8. ring_put() copies a
 * record in, ring_get() copies one out before it is examined, so a record cannot change under
 * the reader. Each side keeps its own index privately; the peer's is range-checked on every
 * use. If the peer breaks the rules, the functions return -SK_E_PEER, and the user closes the
 * connection.
 *
 * Epochs: an index word holds the epoch of the connection's life (proto/svc.h) besides the
 * index. A word of an older epoch says nothing, because the peer has not arrived in this one: a
 * consumer sees an empty ring, and for a producer nothing was consumed since index 0. Only the
 * service begins a new epoch. Its client finds the ring empty, or full, and wishes to sleep,
 * until it follows by ring_restart(); the service signals it. A client that is ahead of its
 * service has broken the rules (-SK_E_PEER).
 *
 * Suppression: a consumer that is about to sleep sets `want` through ring_get_idle() and looks
 * again; a producer signals only when it finds `want` set (ring_put_flush()). A producer that
 * waits for room does the same in the other direction (ring_room_idle(), ring_get_flush()).
 *
 * Patience: some records only give back what the consumer has enough of. They are put by
 * ring_put_quiet(), and a consumer that goes to sleep by ring_get_idle_patient() is not woken
 * for them: it finds them when it looks for another reason. A consumer that runs short sleeps
 * by ring_get_idle(), which looks at all records. In a ring that is more than half full no
 * record is quiet, so that a producer does not wait for room behind quiet ones.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

/*
 * The shared header. An index word is epoch << 32 | index; indices count bytes and wrap at
 * 2^32.
 */
struct ring_shared {
	/* Written by the producer. */
	uint64_t prod;
	/* Set by the producer, cleared by the consumer. */
	uint32_t want_room;
	/*
	 * In a connection's response ring: enum svc_end, written by the service, or by the
	 * connector in its place. In the request ring: one more than the epoch in which the
	 * client says that its service broke the protocol. The ring itself does not look at it.
	 */
	uint32_t end;
	uint32_t pad0[12];
	/* Written by the consumer. */
	uint64_t cons;
	/* enum ring_want. Set by the consumer, cleared by the producer. */
	uint32_t want_data;
	uint32_t pad1;
	/*
	 * Up to here earlier lives of the service had consumed: their last word, with its
	 * epoch.
	 */
	uint64_t done;
	uint32_t pad2[10];
	/* The rest, rounded down to a power of two. */
	uint8_t data[];
};
_Static_assert(sizeof(struct ring_shared) == 128, "two cache lines");

/* What a sleeping consumer wants to be woken for. Any other value means all records. */
enum ring_want { RING_WANT_NOTHING, RING_WANT_ALL, RING_WANT_NO_QUIET };

/* Whose handle it is. A ring has two ends, one at the client and one at the service. */
enum ring_end { RING_CLIENT_PUTS, RING_CLIENT_GETS, RING_SERVICE_PUTS, RING_SERVICE_GETS };

/* One side's private handle: a producer or a consumer, never both. */
struct ring {
	struct ring_shared *sh;
	/* Bytes of data[], a power of two. */
	uint32_t size;
	/* Own index: prod for a producer, cons for a consumer. */
	uint32_t index;
	/* Last checked index of the peer. */
	uint32_t peer;
	/* Own index as last published; if nothing is new, no signal is needed. */
	uint32_t flushed;
	uint32_t epoch;
	enum ring_end end;
	/* Producer: a record that is not published yet is not a quiet one. */
	bool urgent;
	/* Producer: it has asked for room, and ring_woken() has not seen that there is some. */
	bool wishes;
};

/*
 * bytes: all memory of the ring, header included, at mem (page-aligned); from 256 to 2^30. 0 or
 * -SK_E_INVAL. The shared memory stays as it is, so in an epoch other than 0 the peer sees this
 * end only after ring_restart().
 */
int ring_init(struct ring *r, void *mem, uint32_t bytes, enum ring_end end,
	uint32_t epoch) must_check;
/* The epoch that the peer published last; it may be any number. */
uint32_t ring_peer_epoch(const struct ring *r);
/* Has the service gone on to a newer epoch than the one of this client's end? */
bool ring_behind(const struct ring *r);
/*
 * Begin the epoch at index 0 and publish that. Records that were not published are dropped, and
 * those of the peer that were not taken.
 */
void ring_restart(struct ring *r, uint32_t epoch);
/*
 * The same for a client that produces a stream: the records that the service had not consumed
 * are at the beginning of the new epoch. One that it was consuming when it died comes again.
 * True: the service sleeps and must be signalled.
 */
bool ring_carry(struct ring *r, uint32_t epoch);
/* Largest record that can ever fit. */
uint32_t ring_record_max(const struct ring *r);

/* Records of len bytes that fit an empty ring. */
uint32_t ring_records_max(const struct ring *r, uint32_t len);

/* Producer: 0, -SK_E_AGAIN (no room now), -SK_E_INVAL (never fits), -SK_E_PEER. */
int ring_put(struct ring *r, const void *rec, uint32_t len) must_check;
/* The same in two pieces (a header and its text). */
int ring_put2(struct ring *r, const void *a, uint32_t a_len, const void *b,
	uint32_t b_len) must_check;
/* The same as ring_put() for a record that need not wake a patient consumer. */
int ring_put_quiet(struct ring *r, const void *rec, uint32_t len) must_check;
/*
 * Publish; true: the consumer sleeps and must be signalled. Call once after a batch of puts;
 * without a new record it does nothing, so that two sides that flush at every event do not keep
 * waking each other.
 */
bool ring_put_flush(struct ring *r);
/* Do n records of len bytes fit now? True also when ring_put() would return an error. */
bool ring_room(struct ring *r, uint32_t len, uint32_t n);
/*
 * About to wait until `len` bytes fit: true = room appeared meanwhile, do not sleep. False also
 * when ring_put() would return an error other than -SK_E_AGAIN, so that a caller that tries
 * again while this is true does not loop endlessly.
 */
bool ring_room_idle(struct ring *r, uint32_t len);

/*
 * Consumer: length of the record copied to buf, -SK_E_AGAIN (empty), -SK_E_RANGE (longer than
 * max: a breach where the protocol bounds records), -SK_E_PEER.
 */
int ring_get(struct ring *r, void *buf, uint32_t max) must_check;
/*
 * Give the space back; true: the producer waits for room and must be signalled. False if
 * nothing was taken.
 */
bool ring_get_flush(struct ring *r);
/* About to sleep: true = something arrived meanwhile, do not sleep. */
bool ring_get_idle(struct ring *r);
/* The same for a consumer that need not be woken for quiet records. */
bool ring_get_idle_patient(struct ring *r);
/*
 * Has the peer published anything that this end has not taken? Producer: has it made the room
 * that this end asked for; that is told once. The peer does so before it signals, so who
 * gets one signal for several rings looks no further at those for which it is not.
 */
bool ring_woken(struct ring *r);
/* The consumer has taken all records of which it knows; it looks at nothing new. */
static inline bool ring_drained(const struct ring *r) { return r->peer == r->index; }

#endif
