/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quiesce.pml - when the kernel uses memory again (docs/decisions/0004): each CPU has an epoch that is odd while it is
 * in the kernel and may hold pointers, and arch_quiesce() waits until each has been even or has changed
 *
 * As in kernel/: entry.S and svm.c count with LOCK on the way in and without on the way out; arch_quiesce(), ask() and
 * arch_serve() are those of smp.c; tree_lock() and tree_unlock() are those of cap.c, which hand the lock to a CPU that
 * has said that it waits; untyped_reset() releases the tree lock before it waits. A CPU does some of these: look an
 * object up by its capability, without a lock, and use it; delete an object's last capability and use its memory again;
 * ask another CPU for something under the tree lock (a shoot-down) and wait. In user mode it can be interrupted for a
 * request. In the kernel interrupts are off; a pending one ends a wait for epochs or for the lock early: the CPU leaves
 * the kernel, and an unfinished call is made again. The number of such interrupts is limited, so a wait may also find
 * none.
 *
 * Shows: memory is never used again while another CPU holds a pointer into it, and the lock has one holder
 * (assertions); no CPU waits endlessly (this would be an invalid end state, because waiting CPUs block here instead of
 * spinning).
 *
 * Variants, each of which must be found wrong:
 * NO_ENTRY_FENCE NO_QUIESCE_FENCE NO_WAIT EARLY_EXIT NO_OUTSIDE NO_SERVE_QUIESCE NO_SERVE_ASK NO_SERVE_LOCK
 * EARLY_END_COUNTS NO_COUNT_AFTER_EARLY_END NO_LOOK_AT_WISH NO_WISH_BACK NO_WISH_TAKEN
 */
#define N_PROCS 3 /* CPUs */
#define N_OBJECTS 2 /* CPU i takes object i away */
#define N_CELLS 6
#define STORES 3
#include "tso.inc"

/* How often a CPU enters the kernel of its own accord, and how many interrupts wait for it while it waits. */
#define ENTRIES(cpu) ((cpu) < 2 -> 2 : 1)
#define INTERRUPTS(cpu) ((cpu) < 1 -> 1 : 0)

#define EPOCH 0 /* + CPU */
#define GONE 3  /* + object: its capability is no more */
#define TREE 5  /* the tree lock: 0 or its holder + 1 */

#define ODD(epoch) ((epoch) & 1)

bool held[6]; /* CPU * N_OBJECTS + object: it has a pointer there */
bool again[N_OBJECTS]; /* the memory has been used again */
bool asked[9]; /* by * N_PROCS + whom; both struct cpu_arch.requests and request.waiting */
bool wanted[N_PROCS]; /* tree.wanted, which is only changed by locked instructions */
byte inside; /* how many CPUs believe that they have the tree lock */

#define HELD(cpu, object) held[(cpu) * N_OBJECTS + (object)]
#define ASKED(by, whom) asked[(by) * N_PROCS + (whom)]

/* Epochs fit a byte here, because only their parity and the fact that they change matter. */
#ifdef NO_ENTRY_FENCE
#define EPOCH_IN epoch++; STORE(EPOCH + me, epoch)
#else
#define EPOCH_IN epoch++; LOCKED(EPOCH + me, epoch)
#endif
#define EPOCH_OUT epoch++; STORE(EPOCH + me, epoch)

#ifdef NO_QUIESCE_FENCE
#define QUIESCE_OUT EPOCH_OUT
#else
#ifdef NO_OUTSIDE
#define QUIESCE_OUT FENCE
#else
#define QUIESCE_OUT epoch++; LOCKED(EPOCH + me, epoch)
#endif
#endif
#ifdef NO_OUTSIDE
#define QUIESCE_IN skip
#else
#define QUIESCE_IN EPOCH_IN
#endif

/* arch_serve(): it only matters here that the asking CPU may go on, not what is done for it. */
#define WANTED (ASKED(0, me) || ASKED(1, me) || ASKED(2, me))
#define SERVE atomic { empty(buffer[me]); ASKED(0, me) = false; ASKED(1, me) = false; ASKED(2, me) = false }

#ifdef NO_SERVE_QUIESCE
#define SERVES_QUIESCE false
#else
#define SERVES_QUIESCE WANTED
#endif
#ifdef NO_SERVE_ASK
#define SERVES_ASK false
#else
#define SERVES_ASK WANTED
#endif
#ifdef NO_SERVE_LOCK
#define SERVES_LOCK false
#else
#define SERVES_LOCK WANTED
#endif

/* --- the tree lock ------------------------------------------------------------------------------------------------ */

#define TREE_FREE (empty(buffer[me]) && !mem[TREE])
#define TAKEN inside++; assert(inside == 1)
/* wish_take(): the wish is withdrawn if it is still there. */
#ifdef NO_LOOK_AT_WISH
#define WITHDRAW(cpu) atomic { interrupts > 0 && empty(buffer[cpu]) -> wanted[cpu] = false; interrupts--; out = true }
#else
#define WITHDRAW(cpu) \
	atomic { interrupts > 0 && empty(buffer[cpu]) && wanted[cpu] -> wanted[cpu] = false; interrupts--; out = true }
#endif

/* If `out` is false, this CPU has the lock; else an interrupt came first. */
inline tree_lock()
{
	if
	:: atomic { TREE_FREE -> mem[TREE] = me + 1; TAKEN }
	:: atomic { empty(buffer[me]) && mem[TREE] -> wanted[me] = true };
		do
		:: atomic { mem[TREE] == me + 1 -> TAKEN }; break
#ifdef NO_WISH_BACK
		:: atomic { TREE_FREE -> mem[TREE] = me + 1; TAKEN }; break
#else
		:: atomic { TREE_FREE -> mem[TREE] = me + 1; TAKEN }; atomic { empty(buffer[me]); wanted[me] = false }; break
#endif
		:: SERVES_LOCK -> SERVE
		:: WITHDRAW(me); break
		od
	fi
}

#ifdef NO_WISH_TAKEN
#define PASS(cpu) atomic { wanted[cpu] -> inside--; STORE(TREE, cpu + 1) }
#else
#define PASS(cpu) atomic { empty(buffer[me]) && wanted[cpu] -> wanted[cpu] = false; inside--; STORE(TREE, cpu + 1) }
#endif

/*
 * The lock goes to one of the waiting CPUs; it does not matter here to which. Other CPUs see the store later, so a wish
 * may come in between.
 */
inline tree_unlock()
{
	if
	:: atomic { !wanted[0] && !wanted[1] && !wanted[2] -> inside--; STORE(TREE, 0) }
	:: PASS(0)
	:: PASS(1)
	:: PASS(2)
	fi
}

/* --- waiting for epochs ----------------------------------------------------------------------------------------- */

/* Waits until CPU c is outside, or has been since the first look, or there is an interrupt. */
inline wait_for(c)
{
	was = mem[EPOCH + c];
	do
	:: !ODD(was) || mem[EPOCH + c] != was -> break
	:: SERVES_QUIESCE -> SERVE
	:: interrupts > 0 -> interrupts--; out = true; break
	od;
	was = 0
}

inline quiesce()
{
	QUIESCE_OUT;
#ifndef NO_WAIT
	other = 0;
	do
	:: other == N_PROCS || out -> break
	:: other == me && !out -> other++
	:: other < N_PROCS && other != me && !out -> wait_for(other); other++
	od;
#endif
	other = 0;
#ifdef NO_COUNT_AFTER_EARLY_END
	if
	:: !out -> QUIESCE_IN
	:: else
	fi
#else
	QUIESCE_IN
#endif
#ifdef EARLY_END_COUNTS
	; out = false
#endif
}

/* --- calls ---------------------------------------------------------------------------------------------------------- */

/* Delete an object's last capability and use its memory again: DELETE, then RETYPE, which may be made twice. */
inline take_away()
{
	tree_lock();
	if
	:: !out -> STORE(GONE + me, 1); tree_unlock(); quiesce()
	:: else
	fi;
	if
	:: !out -> tree_lock()
	:: else
	fi;
	if
	:: !out ->
		atomic {
			again[me] = true;
			assert(!HELD(0, me) && !HELD(1, me) && !HELD(2, me))
		};
		tree_unlock();
		todo = false
	:: else
	fi
}

/* A lookup without a lock: the CPU uses the object that it finds until it leaves the kernel. */
inline look_up(object)
{
	if
	:: mem[GONE + object] == 0 ->
		HELD(me, object) = true;
		assert(!again[object])
	:: else
	fi
}

/* A shoot-down has the tree lock, so one waits at a time; but smp.c says that any number may. */
inline ask(whom)
{
	if
	:: true -> tree_lock(); locked = !out
	:: true -> skip
	fi;
	if
	:: !out ->
		atomic { empty(buffer[me]); ASKED(me, whom) = true };
		do
		:: !ASKED(me, whom) -> break
		:: SERVES_ASK -> SERVE
		od
	:: else
	fi;
	if
	:: locked -> locked = false; tree_unlock()
	:: else
	fi
}

inline leave()
{
	out = false;
#ifdef EARLY_EXIT
	EPOCH_OUT;
	atomic { HELD(me, 0) = false; HELD(me, 1) = false }
#else
	atomic { HELD(me, 0) = false; HELD(me, 1) = false };
	EPOCH_OUT
#endif
}

proctype cpu(byte me)
{
	byte entries, epoch, was, other, interrupts = INTERRUPTS(me);
	bool took, todo, locked, out;

end:	do
	:: WANTED -> EPOCH_IN; SERVE; leave()
	:: todo -> EPOCH_IN; take_away(); leave()
	:: entries < ENTRIES(me) && !todo ->
		entries++;
		EPOCH_IN;
		if
		:: true -> look_up(0)
		:: true -> look_up(1)
		:: me < N_OBJECTS && !took -> took = true; todo = true; take_away()
		:: true -> ask((me + 1) % N_PROCS)
		fi;
		leave()
	od
}

init {
	atomic {
		run drain(0);
		run drain(1);
		run drain(2);
		run cpu(0);
		run cpu(1);
		run cpu(2)
	}
}
