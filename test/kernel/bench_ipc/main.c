/*
 * bench_ipc - what system calls and IPC cost, in instructions
 *
 * Under -icount one instruction is one nanosecond, so time stamps count instructions; a loop of known length
 * turns ticks into them whatever the rate of the TSC. Without -icount the figures mean little, and the
 * verdict does not depend on them. `make bench` prints the lines BENCH.
 */
#include "../lib/ktest.h"

enum { N = 5000, CALIBRATION = 5000000 };

static sk_cap_t ep, reply, ping, pong, ping_bit, pong_bit;
static uint64_t per_calibration;

static uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void calibrate(void)
{
	uint64_t start = ticks(), n = CALIBRATION;

	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(n));
	per_calibration = ticks() - start;
}

static void report(const char *name, uint64_t spent)
{
	print("BENCH %s %lu\n", name,
		(unsigned long)(spent * 2 * CALIBRATION / N / per_calibration));
}

static void server(void *arg)
{
	struct sk_msg m = { 0 };
	long rc;

	(void)arg;
	sk_utcb()->reply = reply;
	rc = sk_recv(ep, &m);
	while (rc == 0)
		rc = sk_reply_recv(ep, &m);
}

static void echo(void *arg)
{
	uint64_t bits;

	(void)arg;
	while (sk_wait(ping, SK_NO_DEADLINE, &bits) == 0)
		sk_signal(pong_bit);
}

static void bench_call(const char *name, unsigned int words)
{
	struct sk_msg m;
	uint64_t start;
	unsigned int i;

	m = (struct sk_msg){ .mi = SK_MI(1, words, 0) };
	CHECK_EQ(sk_call(ep, &m), 0);
	start = ticks();
	for (i = 0; i < N; i++) {
		m = (struct sk_msg){ .mi = SK_MI(1, words, 0) };
		if (sk_call(ep, &m))
			break;
	}
	report(name, ticks() - start);
	CHECK_EQ(i, N);
}

static void bench_signal(void)
{
	uint64_t start = ticks(), bits;
	unsigned int i;

	for (i = 0; i < N; i++)
		sk_signal(pong_bit);
	report("signal-nobody-waits", ticks() - start);
	CHECK_EQ(sk_wait(pong, SK_NO_DEADLINE, &bits), 0);
	start = ticks();
	for (i = 0; i < N; i++) {
		sk_signal(ping_bit);
		if (sk_wait(pong, SK_NO_DEADLINE, &bits))
			break;
	}
	report("notification-round-trip", ticks() - start);
	CHECK_EQ(i, N);
}

void test_main(void)
{
	ep = object_new(SK_OBJ_ENDPOINT, 0);
	reply = object_new(SK_OBJ_REPLY, 0);
	ping = object_new(SK_OBJ_NOTIFICATION, 0);
	pong = object_new(SK_OBJ_NOTIFICATION, 0);
	ping_bit = mint_new(ping, SK_W, 1);
	pong_bit = mint_new(pong, SK_W, 1);
	calibrate();
	kthread_start(server, NULL, 0, 25);
	kthread_start(echo, NULL, 0, 25);
	bench_call("ipc-round-trip", 4);
	bench_call("ipc-round-trip-32-words", 32);
	bench_signal();
}
