/*
 * quiesce.pml - when the kernel uses memory again (docs/decisions/0004): each CPU has an epoch that is odd while it is in
 * the kernel and may hold pointers, and arch_quiesce() waits until each has been even or has changed since
 *
 * As in kernel/arch/x86_64: entry.S and svm.c count with LOCK on the way in and without on the way out; arch_quiesce(),
 * ask() and arch_serve() are those of smp.c; untyped_reset() lets the tree lock go before it waits. A CPU does a few of:
 * look an object up by its capability, without a lock, and use it; take an object's last capability away and use its
 * memory again; ask another CPU for something under the tree lock (a shoot-down) and wait. In user mode it can be
 * interrupted for a request; in the kernel interrupts are off.
 *
 * Shows: memory is never used again while another CPU holds a pointer into it (an assertion), and no CPU waits for ever
 * (an invalid end state: all that wait block here, they do not spin).
 *
 * Variants, each of which must be found wrong:
 * NO_ENTRY_FENCE NO_QUIESCE_FENCE NO_WAIT EARLY_EXIT NO_OUTSIDE NO_SERVE_QUIESCE NO_SERVE_ASK NO_SERVE_LOCK
 */
#define N_PROCS 3 /* CPUs */
#define N_OBJECTS 2 /* CPU i takes object i away */
#define N_CELLS 6
#define STORES 3
#include "tso.inc"

/* How often a CPU enters the kernel of its own accord. */
#define ENTRIES(cpu) ((cpu) < 2 -> 2 : 1)

#define EPOCH 0 /* + CPU */
#define GONE 3  /* + object: its capability is no more */
#define TREE 5  /* the tree lock */

#define ODD(epoch) ((epoch) & 1)

bool held[6]; /* CPU * N_OBJECTS + object: it has a pointer there */
bool again[N_OBJECTS]; /* the memory is something else now */
bool asked[9]; /* by * N_PROCS + whom; both struct cpu_arch.requests and request.waiting */

#define HELD(cpu, object) held[(cpu) * N_OBJECTS + (object)]
#define ASKED(by, whom) asked[(by) * N_PROCS + (whom)]

/* Epochs fit a byte here; only their parity and that they change counts. */
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

/* arch_serve(): what it does for the asker does not matter here, that the asker may go on does. */
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

inline tree_lock()
{
	do
	:: atomic { empty(buffer[me]) && !mem[TREE] -> mem[TREE] = 1 }; break
	:: SERVES_LOCK -> SERVE
	od
}

#define TREE_UNLOCK STORE(TREE, 0)

/* Waits for CPU c: it is outside, or has been since we looked first. */
inline wait_for(c)
{
	was = mem[EPOCH + c];
	do
	:: !ODD(was) || mem[EPOCH + c] != was -> break
	:: SERVES_QUIESCE -> SERVE
	od;
	was = 0
}

inline quiesce()
{
	QUIESCE_OUT;
#ifndef NO_WAIT
	other = 0;
	do
	:: other == N_PROCS -> break
	:: other == me -> other++
	:: other < N_PROCS && other != me -> wait_for(other); other++
	od;
#endif
	other = 0;
	QUIESCE_IN
}

/* An object's last capability goes, and its memory is used again. */
inline take_away()
{
	tree_lock();
	STORE(GONE + me, 1);
	TREE_UNLOCK;
	quiesce();
	tree_lock();
	atomic {
		again[me] = true;
		assert(!HELD(0, me) && !HELD(1, me) && !HELD(2, me))
	};
	TREE_UNLOCK
}

/* A lookup without a lock: what it finds it uses until it leaves the kernel. */
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
	:: true -> tree_lock(); locked = true
	:: true -> skip
	fi;
	atomic { empty(buffer[me]); ASKED(me, whom) = true };
	do
	:: !ASKED(me, whom) -> break
	:: SERVES_ASK -> SERVE
	od;
	if
	:: locked -> TREE_UNLOCK; locked = false
	:: else
	fi
}

inline leave()
{
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
	byte entries, epoch, was, other;
	bool took, locked;

end:	do
	:: WANTED -> EPOCH_IN; SERVE; leave()
	:: entries < ENTRIES(me) ->
		entries++;
		EPOCH_IN;
		if
		:: true -> look_up(0)
		:: true -> look_up(1)
		:: me < N_OBJECTS && !took -> took = true; take_away()
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
