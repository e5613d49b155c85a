/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.pml - the wake-up protocol of libs/ring: "set the wish, look again, then sleep" against "publish, then look for
 * the wish", in both directions: for a consumer that waits for records, and a producer that waits for room
 *
 * Both sides are as in ring.c: ring_put_flush(), ring_get_flush() (both end in take_wish()), ring_room_idle() and
 * ring_get_idle(). Indices count records here; what they carry is not in the model. A side sleeps in WAIT on a
 * notification, one bit that SIGNAL sets; both are system calls, and the kernel takes a lock in them, so stores have
 * arrived by then. The model has everything that a peer may do under the rules; one that breaks them can only hurt
 * itself.
 *
 * A consumer takes what it sees, then looks once more before it sleeps (turn_goes_on() of libs/svc).
 *
 * Records are quiet or not (ring_put_quiet()), and a consumer goes to sleep patiently or not (ring_get_idle_patient()), as
 * they like.
 *
 * Shows: no lost wake-up. A run ends with all records consumed, or with a patient consumer asleep beside quiet ones; a run
 * in which a side sleeps for good otherwise is reported as an invalid end state, or by the assertion.
 *
 * Variants, each of which must be found wrong:
 * NO_PUBLISH_FENCE_DATA NO_PUBLISH_FENCE_ROOM NO_WISH_FENCE_DATA NO_WISH_FENCE_ROOM NO_LOOK_DATA NO_LOOK_ROOM NO_WISH_DATA
 * NO_SIGNAL_ROOM QUIET_WHEN_FULL QUIET_FOR_ALL STOP_WITHOUT_PROGRESS
 */
#define N_PROCS 2
#define N_CELLS 4
#define STORES 2
#include "tso.inc"

#define RECORDS 5
#define PLACES 2 /* in the ring */

#define PROD 0
#define WANT_ROOM 1
#define CONS 2
#define WANT_DATA 3

#define PRODUCER 0
#define CONSUMER 1

/* enum ring_want */
#define ALL 1
#define NO_QUIET 2

bool signalled[N_PROCS];
/* Seen by nobody: how many records were consumed, and up to the last one that is not quiet. */
byte consumed, loud;

/* The notification. */
#define SIGNAL(whom) atomic { empty(buffer[me]); signalled[whom] = true }
#define WAIT atomic { empty(buffer[me]) && signalled[me]; signalled[me] = false }

#ifdef NO_PUBLISH_FENCE_DATA
#define PUBLISH_FENCE_DATA skip
#else
#define PUBLISH_FENCE_DATA FENCE
#endif
#ifdef NO_PUBLISH_FENCE_ROOM
#define PUBLISH_FENCE_ROOM skip
#else
#define PUBLISH_FENCE_ROOM FENCE
#endif
#ifdef NO_WISH_FENCE_DATA
#define WISH_FENCE_DATA skip
#else
#define WISH_FENCE_DATA FENCE
#endif
#ifdef NO_WISH_FENCE_ROOM
#define WISH_FENCE_ROOM skip
#else
#define WISH_FENCE_ROOM FENCE
#endif
#ifdef NO_LOOK_DATA
#define LOOK_DATA skip
#else
#define LOOK_DATA peer = mem[PROD]
#endif
#ifdef NO_LOOK_ROOM
#define LOOK_ROOM skip
#else
#define LOOK_ROOM peer = mem[CONS]
#endif
#ifdef NO_WISH_DATA
#define WISH_DATA(want) skip
#else
#define WISH_DATA(want) STORE(WANT_DATA, want)
#endif
#ifdef QUIET_FOR_ALL
#define WAKES(wish, urgent) (wish && urgent)
#else
#define WAKES(wish, urgent) (wish == ALL || (wish == NO_QUIET && urgent))
#endif
#ifdef QUIET_WHEN_FULL
#define QUIET true
#else
#define QUIET (index - peer <= PLACES / 2)
#endif

/* take_wish(): the publishing side only stores 0 there, so a waiting store of its own is a 0. */
inline take_wish(want, whom, signals, urgent)
{
	if
	:: PENDING(want, 0) -> skip
	:: else ->
		wish = mem[want];
		if
		:: WAKES(wish, urgent) ->
			wish = 0;
			STORE(want, 0);
			if
			:: signals -> SIGNAL(whom)
			:: else
			fi
		:: else
		fi
	fi
}

inline put_flush()
{
	if
	:: flushed != index ->
		flushed = index;
		STORE(PROD, index);
		PUBLISH_FENCE_DATA;
		take_wish(WANT_DATA, CONSUMER, true, urgent);
		urgent = false
	:: else
	fi
}

inline get_flush()
{
	if
	:: flushed != index ->
		flushed = index;
		STORE(CONS, index);
		PUBLISH_FENCE_ROOM;
#ifdef NO_SIGNAL_ROOM
		take_wish(WANT_ROOM, PRODUCER, false, true)
#else
		take_wish(WANT_ROOM, PRODUCER, true, true)
#endif
	:: else
	fi
}

proctype producer(byte me)
{
	byte index, peer, flushed, wish;
	bool urgent;

	do
	:: index == RECORDS -> break
	:: index < RECORDS ->
		/* ring_put() */
		if
		:: index - peer == PLACES -> peer = mem[CONS]
		:: else
		fi;
		if
		:: index - peer < PLACES ->
			index++;
			if
			:: urgent = true;
			   loud = index
			:: true -> /* ring_put_quiet() */
				if
				:: QUIET
				:: else -> peer = mem[CONS];
					if
					:: QUIET
					:: else ->
						urgent = true;
						loud = index
					fi
				fi
			fi;
			if
			:: put_flush() /* at once, */
			:: skip        /* or after several records: a batch */
			fi
		:: else ->
			put_flush();
			STORE(WANT_ROOM, 1); /* ring_room_idle() */
			WISH_FENCE_ROOM;
			LOOK_ROOM;
			if
			:: index - peer == PLACES -> WAIT
			:: else
			fi
		fi
	od;
	put_flush()
}

proctype consumer(byte me)
{
	byte index, peer, flushed, wish, want;
#ifdef STOP_WITHOUT_PROGRESS
	bool took;
#endif

	do
	:: index == RECORDS -> break
	:: index < RECORDS ->
		/* ring_get() */
		if
		:: peer == index -> peer = mem[PROD]
		:: else
		fi;
		if
		:: peer != index ->
			index++;
			consumed = index;
#ifdef STOP_WITHOUT_PROGRESS
			took = true;
#endif
			if
			:: get_flush()
			:: skip
			fi
		:: else ->
			get_flush();
			if
			:: want = ALL      /* ring_get_idle(), */
			:: want = NO_QUIET /* or patiently */
			fi;
			WISH_DATA(want);
			WISH_FENCE_DATA;
			LOOK_DATA;
			if
			:: peer == index && want == ALL -> WAIT
			:: peer == index && want == NO_QUIET ->
end_patient:			WAIT
#ifdef STOP_WITHOUT_PROGRESS
			:: peer != index && !took -> WAIT
#endif
			:: else
			fi;
#ifdef STOP_WITHOUT_PROGRESS
			took = false
#endif
		fi
	od;
	get_flush()
}

init {
	atomic {
		run drain(PRODUCER);
		run drain(CONSUMER);
		run producer(PRODUCER);
		run consumer(CONSUMER)
	}
	timeout -> assert(consumed >= loud)
}
