/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.c - single-producer single-consumer record rings in shared memory
 *
 * Objects     struct ring: one side's private handle. Each check reads a shared field only
 *             once.
 * Lifecycle   ring_init() on memory that is zero, or that an earlier epoch has left;
 *             ring_restart() for each later epoch.
 * Invariants  RING1 the own index and every accepted index of the peer are multiples of 8, and
 *                   at most `size` apart
 *             RING2 the peer's accepted index never goes back
 *             RING3 [cons, prod) holds whole records
 *             RING4 an index of the peer is accepted only in the own epoch
 *             RING5 no record is returned that a newer epoch may have overwritten
 * Barriers    the release store of an index pairs with the acquire load of the peer; the full
 *             fence between "index, then want" and "want, then index" pairs with the same fence
 *             of the other side. RING5: "own epoch, fence, record" of the service pairs with
 *             "record, fence, the peer's epoch" of the client.
 */
#include <string.h>
#include "ring/ring.h"

enum {
	HEADER = 4,
	ALIGN = 8,
	/* of a record that most are not longer than */
	SHORT = 64,
};
#define RING_MIN 256u
#define RING_MAX (1u << 30)

static uint32_t record_size(uint32_t len)
{
	return (HEADER + len + ALIGN - 1) & ~(uint32_t)(ALIGN - 1);
}

int ring_init(struct ring *r, void *mem, uint32_t bytes, enum ring_end end, uint32_t epoch)
{
	uint32_t room = bytes - (uint32_t)sizeof(struct ring_shared);

	if (!mem || (uintptr_t)mem % SK_PAGE_SIZE || bytes < RING_MIN || bytes > RING_MAX)
		return -SK_E_INVAL;
	*r = (struct ring){
		.sh = mem, .size = 1u << (31 - __builtin_clz(room)), .epoch = epoch, .end = end
	};
	return 0;
}

uint32_t ring_record_max(const struct ring *r) { return r->size - HEADER; }

uint32_t ring_records_max(const struct ring *r, uint32_t len)
{
	return len > ring_record_max(r) ? 0 : r->size / record_size(len);
}

/* Most records lie in one piece. */
static void copy_in(struct ring *r, uint32_t at, const void *src, uint32_t len)
{
	uint32_t pos = at & (r->size - 1), first = r->size - pos;

	if (first >= len) {
		memcpy(r->sh->data + pos, src, len);
		return;
	}
	memcpy(r->sh->data + pos, src, first);
	memcpy(r->sh->data, (const uint8_t *)src + first, len - first);
}

static void copy_out(const struct ring *r, uint32_t at, void *dst, uint32_t len)
{
	uint32_t pos = at & (r->size - 1), first = r->size - pos;

	if (first >= len) {
		memcpy(dst, r->sh->data + pos, len);
		return;
	}
	memcpy(dst, r->sh->data + pos, first);
	memcpy((uint8_t *)dst + first, r->sh->data, len - first);
}

/*
 * Most records are some whole words in one piece. They are copied without a call, which would
 * take longer than the copy.
 */
static bool short_piece(const struct ring *r, uint32_t at, uint32_t len)
{
	return len <= SHORT && len % ALIGN == 0 &&
	       (at & (r->size - 1)) + HEADER + len <= r->size;
}

static void words_copy(uint8_t *dst, const uint8_t *src, uint32_t len)
{
	uint64_t word;

	for (uint32_t at = 0; at < len; at += ALIGN) {
		memcpy(&word, src + at, ALIGN);
		memcpy(dst + at, &word, ALIGN);
	}
}

/* The length of the record at an index. It never wraps: RING1. */
static uint32_t *header(const struct ring *r, uint32_t at)
{
	return (uint32_t *)(void *)(r->sh->data + (at & (r->size - 1)));
}

/* ---- epochs ------------------------------------------------------------------------------ */
static bool client(const struct ring *r)
{
	return r->end == RING_CLIENT_PUTS || r->end == RING_CLIENT_GETS;
}

static bool producer(const struct ring *r)
{
	return r->end == RING_CLIENT_PUTS || r->end == RING_SERVICE_PUTS;
}

static uint64_t peer_word(const struct ring *r)
{
	return __atomic_load_n(producer(r) ? &r->sh->cons : &r->sh->prod, __ATOMIC_ACQUIRE);
}

/* Positive: the word's epoch is newer than the own one. Epochs wrap, as indices do. */
static int32_t ahead(const struct ring *r, uint64_t word)
{
	return (int32_t)((uint32_t)(word >> 32) - r->epoch);
}

static void publish(struct ring *r)
{
	r->flushed = r->index;
	__atomic_store_n(producer(r) ? &r->sh->prod : &r->sh->cons,
		(uint64_t)r->epoch << 32 | r->index, __ATOMIC_RELEASE);
}

uint32_t ring_peer_epoch(const struct ring *r) { return (uint32_t)(peer_word(r) >> 32); }

static inline bool behind(const struct ring *r)
{
	return client(r) && ahead(r, peer_word(r)) > 0;
}

bool ring_behind(const struct ring *r) { return behind(r); }

/* A life that consumed nothing has no word to leave, so that of the life before counts. */
static void leave_done(struct ring *r)
{
	uint64_t last = __atomic_load_n(&r->sh->cons, __ATOMIC_RELAXED);

	if ((uint32_t)last && ahead(r, last) < 0)
		__atomic_store_n(&r->sh->done, last, __ATOMIC_RELAXED);
}

void ring_restart(struct ring *r, uint32_t epoch)
{
	r->epoch = epoch;
	r->index = 0;
	r->peer = 0;
	if (r->end == RING_SERVICE_GETS)
		leave_done(r);
	publish(r);
	/* RING5: records come after the epoch. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * RING4. *index is the peer's index, or the one that is known if the peer has said nothing in
 * this epoch. -SK_E_PEER: it claims an epoch that this service has not begun.
 */
static int peer_index(const struct ring *r, uint32_t *index)
{
	uint64_t word = peer_word(r);
	int32_t newer = ahead(r, word);

	*index = newer ? r->peer : (uint32_t)word;
	return newer > 0 && !client(r) ? -SK_E_PEER : 0;
}

/* ---- producer ---------------------------------------------------------------------------- */
static uint32_t room(const struct ring *r) { return r->size - (r->index - r->peer); }

static int load_cons(struct ring *r)
{
	uint32_t cons;
	int rc = peer_index(r, &cons);

	if (rc || cons % ALIGN ||
		r->index - cons >
			r->index - r->peer) /* RING1, RING2: between the last one and ours */
		return -SK_E_PEER;
	r->peer = cons;
	return 0;
}

int ring_put2(struct ring *r, const void *a, uint32_t a_len, const void *b, uint32_t b_len)
{
	uint32_t max = ring_record_max(r), len, need;
	int rc;

	if (a_len > max || b_len > max - a_len)
		return -SK_E_INVAL;
	len = a_len + b_len;
	need = record_size(len);
	if (room(r) < need) {
		rc = load_cons(r);
		if (rc)
			return rc;
		if (room(r) < need)
			return -SK_E_AGAIN;
	}
	__atomic_store_n(header(r, r->index), len, __ATOMIC_RELAXED);
	if (a_len)
		copy_in(r, r->index + HEADER, a, a_len);
	if (b_len)
		copy_in(r, r->index + HEADER + a_len, b, b_len);
	r->index += need;
	r->urgent = true;
	return 0;
}

int ring_put(struct ring *r, const void *rec, uint32_t len)
{
	uint32_t *to = header(r, r->index);

	if (room(r) < record_size(len) || !short_piece(r, r->index, len))
		return ring_put2(r, rec, len, NULL, 0);
	__atomic_store_n(to, len, __ATOMIC_RELAXED);
	words_copy((uint8_t *)to + HEADER, rec, len);
	r->index += record_size(len);
	r->urgent = true;
	return 0;
}

static bool half_free(struct ring *r)
{
	return room(r) >= r->size / 2 || (load_cons(r) == 0 && room(r) >= r->size / 2);
}

int ring_put_quiet(struct ring *r, const void *rec, uint32_t len)
{
	bool urgent = r->urgent;
	int rc = ring_put(r, rec, len);

	r->urgent = urgent || !half_free(r);
	return rc;
}

/*
 * Does the peer want a signal? Clears `want`, unless only quiet records came and it can wait.
 * The fence comes after the index was published.
 */
static bool take_wish(uint32_t *want, bool urgent)
{
	uint32_t wish;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wish = __atomic_load_n(want, __ATOMIC_RELAXED);
	if (wish == RING_WANT_NOTHING || (wish == RING_WANT_NO_QUIET && !urgent))
		return false;
	__atomic_store_n(want, 0, __ATOMIC_RELAXED);
	return true;
}

bool ring_woken(struct ring *r)
{
	if (!producer(r))
		return peer_word(r) != ((uint64_t)r->epoch << 32 | r->index);
	if (!r->wishes || __atomic_load_n(&r->sh->want_room, __ATOMIC_RELAXED))
		return false;
	r->wishes = false;
	return true;
}

bool ring_put_flush(struct ring *r)
{
	bool urgent;

	if (r->flushed == r->index)
		return false;
	publish(r);
	urgent = r->urgent;
	r->urgent = false;
	return take_wish(&r->sh->want_data, urgent);
}

static void reverse(uint8_t *bytes, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		uint8_t byte = bytes[i];

		bytes[i] = bytes[n - 1 - i];
		bytes[n - 1 - i] = byte;
	}
}

/* The first index that the service has not consumed in the epoch that ends. */
static uint32_t first_kept(const struct ring *r)
{
	uint64_t done = __atomic_load_n(&r->sh->done, __ATOMIC_RELAXED);
	uint32_t index = ahead(r, done) ? r->peer : (uint32_t)done;

	return index % ALIGN || r->index - index > r->index - r->peer ? r->peer : index;
}

bool ring_carry(struct ring *r, uint32_t epoch)
{
	uint32_t from = first_kept(r), at = from & (r->size - 1);

	/*
	 * Turn the ring, so that the record at `at` comes to 0. The service does not look yet.
	 */
	reverse(r->sh->data, at);
	reverse(r->sh->data + at, r->size - at);
	reverse(r->sh->data, r->size);
	r->epoch = epoch;
	r->index -= from;
	r->peer = 0;
	publish(r);
	return r->index && take_wish(&r->sh->want_data, true);
}

bool ring_room(struct ring *r, uint32_t len, uint32_t n)
{
	uint64_t need;

	if (len > ring_record_max(r))
		return true;
	need = (uint64_t)record_size(len) * n;
	return room(r) >= need || load_cons(r) || room(r) >= need;
}

bool ring_room_idle(struct ring *r, uint32_t len)
{
	if (len > ring_record_max(r))
		return false;
	r->wishes = true;
	__atomic_store_n(&r->sh->want_room, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (load_cons(r))
		return false;
	return room(r) >= record_size(len);
}

/* ---- consumer ---------------------------------------------------------------------------- */
static int load_prod(struct ring *r)
{
	uint32_t prod;
	int rc = peer_index(r, &prod);

	if (rc || prod % ALIGN || prod - r->index > r->size ||
		prod - r->index < r->peer - r->index) /* RING1, RING2 */
		return -SK_E_PEER;
	r->peer = prod;
	return 0;
}

/*
 * RING5. A new life of the service begins the epoch before it writes a record; so if the epoch
 * is still the own one, the bytes that were just copied are those of the own one.
 */
static inline bool overtaken(const struct ring *r)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return behind(r);
}

/* Any record; there is one, or a part of one. Apart, so that a short one saves no registers. */
static __attribute__((noinline)) int record_get(struct ring *r, void *buf, uint32_t max)
{
	uint32_t len;
	bool whole;

	len = __atomic_load_n(header(r, r->index), __ATOMIC_RELAXED); /* read only once */
	whole = len <= ring_record_max(r) && record_size(len) <= r->peer - r->index;
	if (whole && len && len <= max)
		copy_out(r, r->index + HEADER, buf, len);
	if (overtaken(r))
		return -SK_E_AGAIN;
	if (!whole)
		return -SK_E_PEER; /* RING3 */
	if (len > max)
		return -SK_E_RANGE;
	r->index += record_size(len);
	return (int)len;
}

/* The same, without a call if it is short. */
static int first_get(struct ring *r, void *buf, uint32_t max)
{
	const uint32_t *from = header(r, r->index);
	uint32_t left = r->peer - r->index;
	uint32_t len = __atomic_load_n(from, __ATOMIC_RELAXED); /* read again in record_get() */

	if (!len || len > max || !short_piece(r, r->index, len) || record_size(len) > left)
		return record_get(r, buf, max);
	words_copy(buf, (const uint8_t *)from + HEADER, len);
	if (overtaken(r))
		return -SK_E_AGAIN;
	r->index += record_size(len);
	return (int)len;
}

int ring_get(struct ring *r, void *buf, uint32_t max)
{
	int rc;

	if (r->peer != r->index)
		return first_get(r, buf, max);
	rc = load_prod(r);
	if (rc)
		return rc;
	return r->peer != r->index ? first_get(r, buf, max) : -SK_E_AGAIN;
}

bool ring_get_flush(struct ring *r)
{
	if (r->flushed == r->index)
		return false;
	publish(r);
	return take_wish(&r->sh->want_room, true);
}

static bool get_idle(struct ring *r, enum ring_want want)
{
	__atomic_store_n(&r->sh->want_data, want, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring_behind(r))
		return false; /* what is left is of an epoch that has ended */
	if (load_prod(r))
		return true; /* ring_get() finds the breach again */
	return r->peer != r->index;
}

bool ring_get_idle(struct ring *r) { return get_idle(r, RING_WANT_ALL); }

bool ring_get_idle_patient(struct ring *r) { return get_idle(r, RING_WANT_NO_QUIET); }
