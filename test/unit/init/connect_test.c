/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect_test.c - the end of static connections: init reports what a service could not write
 * any more
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "caps/caps.h"
#include "init.h"
#include "rt/program.h"
#include "svc/svc.h"

struct manifest manifest;
struct domain domains[MANIFEST_DOMAINS_MAX];
struct connection connections[MANIFEST_CHANNELS_MAX];
sk_cap_t init_endpoint;

/* ---- functions that are not called here -------------------------------------------------- */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define UNUSED(declaration) \
	declaration \
	{ \
		fail_msg("%s", __func__); \
		return 0; \
	}
UNUSED(int archive_find(const char *name, struct cpio_file *out))
UNUSED(int arg_add(struct domain *d, const char *fmt, ...))
UNUSED(int extra_slot(struct domain *d, uint32_t *slot))
UNUSED(int memory_charge(struct domain *d, uint32_t order, sk_cap_t *out))
UNUSED(int object_make(uint32_t type, uint32_t order, sk_cap_t *out))
UNUSED(int proc_channel(struct proc *p, const struct proc_channel *c, uint32_t *index))
UNUSED(int proc_connect(
	struct proc *p, const struct proc_connect *c, struct proc_connection *out))
UNUSED(int proc_connect_prepare(struct proc *p, const struct proc_connect *c,
	struct svc_open_args *a, struct proc_connection *out))
bool connection_start_refused(struct connection *c)
{
	(void)c;
	return false;
}

void connection_accepted(struct connection *c) { c->refusals = 0; }

void connection_miss(struct connection *c)
{
	(void)c;
	fail();
}
UNUSED(int proc_give(
	struct proc *p, uint32_t slot, sk_cap_t cap, uint32_t rights, uint64_t badge))
UNUSED(int svc_open_within(sk_cap_t service_ep, const struct svc_open_args *a, uint32_t ms,
	struct svc_open_result *r))
UNUSED(int cap_copy(sk_cap_t src, uint32_t rights, uint64_t badge, sk_cap_t *out))
UNUSED(int vm_map(sk_cap_t frame, uint32_t order, uint32_t rights, void **out))
UNUSED(int svc_abandon(const struct svc_open_args *a, enum svc_end end))
UNUSED(int proc_reopen_prepare(const struct proc_connect *c, const struct proc_connection *kept,
	uint32_t epoch, struct svc_open_args *a))
#pragma GCC diagnostic pop
void domain_ends(struct domain *d, enum domain_end why)
{
	(void)d;
	(void)why;
	fail();
}
void extra_name(struct domain *d, uint32_t slot, const char *text)
{
	(void)d, (void)slot, (void)text;
	fail();
}
void ends_look(void) {}
void vm_unmap(void *addr, sk_cap_t frame, uint32_t order)
{
	(void)addr, (void)frame, (void)order;
	fail();
}

void proc_connect_orders(
	uint32_t proto, uint64_t data_size, uint32_t *ring_order, uint32_t *data_order)
{
	(void)proto, (void)data_size, (void)ring_order, (void)data_order;
}

/* ---- functions that are called ----------------------------------------------------------- */
static uint32_t returned, dropped;
static bool given_up;

bool domain_runs(const struct domain *d) { return d != &domains[0] || !given_up; }

void memory_return(struct domain *d, sk_cap_t *cap)
{
	(void)d;
	returned += *cap != 0;
	*cap = 0;
}

void cap_drop(sk_cap_t cap) { dropped += cap != 0; }

/* The service answers a close after `ms` milliseconds. */
static struct {
	int rc, result;
	uint32_t takes_ms, closed;
} service;

int svc_close_within(sk_cap_t ep, uint32_t number, uint32_t ms, int *result)
{
	assert_int_equal(ep, 77);
	if (service.takes_ms > ms) {
		service.takes_ms -= ms;
		return -SK_E_TIMEOUT;
	}
	service.closed |= 1u << number;
	*result = service.result;
	return service.rc;
}

static char said[1024];

/* Collects what fn() prints. */
static void hear(void (*fn)(void))
{
	FILE *f = tmpfile();
	int out = dup(1);
	size_t n;

	assert_non_null(f);
	fflush(stdout);
	dup2(fileno(f), 1);
	fn();
	fflush(stdout);
	dup2(out, 1);
	close(out);
	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	fclose(f);
}

static struct manifest_header header = { .n_domains = 3, .n_channels = 4 };
static const struct manifest_domain names[] = { { .name = "storage" }, { .name = "files" },
	{ .name = "other" } };

static int setup(void **state)
{
	(void)state;
	manifest.header = &header;
	for (uint32_t i = 0; i < 3; i++)
		domains[i] = (struct domain){ .m = &names[i], .connector = 77 };
	for (uint32_t i = 0; i < 4; i++)
		connections[i] = (struct connection){ .open = i != 1,
			.client = 1,
			.service = i == 2 ? 2 : 0,
			.memory = 5,
			.data_memory = 6,
			.c = { .number = i, .rings = 8, .data = 9 } };
	memset(&service, 0, sizeof(service));
	returned = dropped = 0;
	given_up = false;
	return 0;
}

static void storage_closes(void) { connections_close(0); }
static int end_rc;
static void files_ends(void)
{
	end_rc = connection_end(&connections[3]);
	connection_drop(&domains[1], &connections[3]);
}

static void closes_all_of_a_service(void **state)
{
	(void)state;
	hear(storage_closes);
	assert_int_equal(service.closed, 1 << 0 | 1 << 3);
	assert_string_equal(said, "");
	assert_false(connections[0].open);
	assert_true(connections[2].open);
	service.closed = 0;
	hear(storage_closes); /* a second end closes nothing */
	assert_int_equal(service.closed, 0);
}

static void a_failed_flush_is_told(void **state)
{
	(void)state;
	service.result = -SK_E_IO;
	connections[0].open = false;
	hear(storage_closes);
	assert_string_equal(said,
		"storage could not write all for files: the device or medium reported an error; data may be lost\n");
	connections[3].open = true;
	hear(files_ends);
	assert_string_equal(said,
		"storage could not write all for files: the device or medium reported an error; data may be lost\n");
	assert_int_equal(returned, 2); /* the connections are gone nevertheless */
	assert_int_equal(dropped, 2);
}

static void a_slow_close_is_reported(void **state)
{
	(void)state;
	service.takes_ms = 60000;
	connections[0].open = false;
	hear(storage_closes);
	assert_string_equal(said,
		"storage has not closed its connection with files yet; it has 110 s more\n");
	assert_int_equal(service.closed, 1 << 3);
}

static void memory_of_an_open_end_is_lost(void **state)
{
	(void)state;
	service.takes_ms = 10001;
	hear(files_ends);
	assert_int_equal(end_rc, -SK_E_TIMEOUT);
	assert_non_null(strstr(said, "the region that storage may use is lost\n"));
	assert_int_equal(returned, 0);
	assert_int_equal(connections[3].memory, 0);
}

/* Its device may still use the region, and it answers no calls. */
static void a_service_that_was_given_up_is_not_asked(void **state)
{
	(void)state;
	given_up = true;
	hear(files_ends);
	assert_int_equal(end_rc, -SK_E_TIMEOUT);
	assert_int_equal(service.closed, 0);
	assert_int_equal(returned, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(
						    closes_all_of_a_service, setup),
		cmocka_unit_test_setup(a_failed_flush_is_told, setup),
		cmocka_unit_test_setup(a_slow_close_is_reported, setup),
		cmocka_unit_test_setup(memory_of_an_open_end_is_lost, setup),
		cmocka_unit_test_setup(a_service_that_was_given_up_is_not_asked, setup) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
