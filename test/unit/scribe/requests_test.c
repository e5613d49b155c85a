/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * requests_test.c - requests of control, right and wrong, and what xenstore is asked for them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <xen/io/xs_wire.h>

#include "fake_store.h"
#include "scribe_tests.h"

static int setup(void **state)
{
	(void)state;
	fake_begin();
	return 0;
}

static bool was_asked(const char *text) { return strstr(fake.asked, text) != NULL; }

static const struct scribe_guest guest = { .is = { .name = "web" }, .vcpus = 1, .maxvcpus = 1 };
static const struct scribe_disk disk = { .spec = { .vdev = "xvda", .number = 51712 } };
static const struct vif_spec vif = { .bridge = "xenbr0" };
static const struct scribe_word word = { "poweroff" };

/* A guest with devices is answered once, when all of it is there. */
static void several_have_one_answer(void **state)
{
	(void)state;
	assert_int_equal(fake_send(SCRIBE_GUEST, SCRIBE_MORE, 3, &guest, sizeof(guest)), 0);
	assert_int_equal(fake_send(SCRIBE_DISK, SCRIBE_MORE, 3, &disk, sizeof(disk)), 0);
	assert_int_equal(fake_send(SCRIBE_VIF, SCRIBE_MORE, 3, &vif, sizeof(vif)), 0);
	fake_answer_all(0);
	assert_int_equal(fake.n_answers, 0);
	assert_int_equal(fake_send(SCRIBE_INTRODUCE, 0, 3, NULL, 0), 0);
	assert_true(was_asked("make") && was_asked("3,1044476,1"));
	assert_int_equal(fake.n_answers, 0);
	fake_answer_all(0);
	assert_int_equal(fake.n_answers, 1);
	assert_int_equal(fake.answer.h.op, SCRIBE_INTRODUCE);
	assert_int_equal(fake.answer.h.id, 7);
	assert_false(fake.answer.h.failed);
}

static void a_failure_of_one_is_that_of_all(void **state)
{
	(void)state;
	fake.no_memory = true;
	assert_int_equal(fake_send(SCRIBE_TARGET, SCRIBE_MORE, 3, &(uint64_t){ 1 }, 8), 0);
	fake.no_memory = false;
	assert_int_equal(fake_send(SCRIBE_INTRODUCE, 0, 3, NULL, 0), 0);
	fake_answer_all(0);
	assert_true(fake.n_answers == 1 && fake.answer.h.failed);
	/* and of no other */
	assert_int_equal(fake_send(SCRIBE_SHUTDOWN, 0, 3, &word, sizeof(word)), 0);
	assert_true(was_asked("write /local/domain/3/control/shutdown=poweroff"));
	fake_answer_all(0);
	assert_true(fake.n_answers == 2 && !fake.answer.h.failed);
	assert_int_equal(fake_send(SCRIBE_SYSRQ, 0, 3, &word, sizeof(word)), 0);
	fake_answer(ENOENT, "ENOMEM", 7);
	assert_true(fake.n_answers == 3 && fake.answer.h.failed);
}

static void one_request_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(fake_send(SCRIBE_SHUTDOWN, 0, 3, &word, sizeof(word)), 0);
	assert_int_equal(fake_send(SCRIBE_SYSRQ, 0, 3, &word, sizeof(word)), 0);
	assert_int_equal(fake.n_sent, 1);
	fake_answer_all(0);
	assert_int_equal(fake_turn(), 0);
	assert_int_equal(fake.n_sent, 0);
	fake_answer_all(0);
	assert_int_equal(fake.n_answers, 2);
}

/* JOB1 */
static void no_request_without_room_for_its_answer(void **state)
{
	(void)state;
	fake.no_room = true;
	assert_int_equal(fake_send(SCRIBE_SHUTDOWN, 0, 3, &word, sizeof(word)), 0);
	assert_int_equal(fake.n_sent, 1);
	assert_int_equal(fake.n_asked, 0);
	fake.no_room = false;
	assert_int_equal(fake_turn(), 0);
	assert_int_equal(fake.n_asked, 1);
}

static void without_memory_it_ends(void **state)
{
	(void)state;
	fake.no_memory = true;
	assert_int_equal(fake_send(SCRIBE_UNPLUG, 0, 3, &(struct scribe_device){ 1, 2 }, 8), 0);
	assert_true(fake.n_answers == 1 && fake.answer.h.failed && fake.n_lost == 1);
}

/* JOB4 */
static void answers_for_an_earlier_control_count_for_nothing(void **state)
{
	uint64_t result[2];

	(void)state;
	assert_int_equal(fake_send(SCRIBE_TARGET, SCRIBE_MORE, 3, &(uint64_t){ 4096 }, 8), 0);
	assert_int_equal(fake_send(SCRIBE_SHUTDOWN, 0, 3, &word, sizeof(word)), 0);
	assert_int_equal(fake.service->open(&fake.conn, NULL, 0, result), -SK_E_EXISTS);
	assert_int_equal(fake.service->close(&fake.conn), 0);
	assert_int_equal(fake.service->open(&fake.conn, NULL, 0, result), 0);
	assert_int_equal(fake_send(SCRIBE_SYSRQ, 0, 3, &word, sizeof(word)), 0);
	fake_answer(ENOENT, "ENOMEM", 7);
	fake_answer(0, "OK", 3);
	assert_int_equal(fake.n_answers, 0);
	fake_answer(0, "OK", 3);
	assert_true(fake.n_answers == 1 && !fake.answer.h.failed);
}

static void what_a_guest_was_refused(void **state)
{
	uint32_t n;

	(void)state;
	assert_int_equal(fake_send(SCRIBE_REFUSED, 0, 3, NULL, 0), 0);
	assert_true(was_asked("quota,3"));
	fake_answer(0, "3: 12 nodes, 3456 bytes, 77 refused", 36);
	memcpy(&n, fake.answer.data, sizeof(n));
	assert_true(fake.answer_len == sizeof(n) && n == 77);
	assert_int_equal(fake_send(SCRIBE_REFUSED, 0, 3, NULL, 0), 0);
	fake_answer(ENOENT, "ENOENT", 7);
	memcpy(&n, fake.answer.data, sizeof(n));
	assert_true(n == 0 && !fake.answer.h.failed);
	assert_int_equal(fake_send(SCRIBE_REFUSED, 0, 3, NULL, 0), 0);
	fake_answer(0, "nonsense", 9);
	memcpy(&n, fake.answer.data, sizeof(n));
	assert_int_equal(n, 0);
}

static void people_ask(void **state)
{
	struct {
		uint32_t type;
		char path[8];
	} q = { XS_READ, "/a" };

	(void)state;
	assert_int_equal(fake_send(SCRIBE_ASK, 0, 0, &q, sizeof(q)), 0);
	assert_true(was_asked("2 /a"));
	fake_answer(0, "value", 5);
	assert_true(fake.answer_len == 5 && !memcmp(fake.answer.data, "value", 5));
	q.type = XS_RELEASE;
	assert_int_equal(fake_send(SCRIBE_ASK, 0, 0, &q, sizeof(q)), -SK_E_PEER);
}

/* Removing what is not there has not failed. */
static void what_is_gone_may_be_gone_already(void **state)
{
	(void)state;
	assert_int_equal(
		fake_send(SCRIBE_REMOVE, 0, 3, &(struct scribe_name){ 0 }, sizeof(guest.is)),
		0);
	assert_true(was_asked("/local/domain/3") && was_asked("/libxl/3"));
	for (uint32_t i = 0; i < fake.n_asked; i++)
		fake_answer(ENOENT, "ENOENT", 7);
	assert_true(fake.n_answers == 1 && !fake.answer.h.failed);
}

static void ends_control(
	enum scribe_op op, uint32_t flags, uint32_t domid, const void *body, uint32_t len)
{
	fake_begin();
	assert_int_equal(fake_send(op, flags, domid, body, len), -SK_E_PEER);
	assert_int_equal(fake.n_asked, 0);
}

static void nonsense_ends_the_connection(void **state)
{
	struct scribe_guest g = guest;
	struct scribe_disk d = disk;
	struct vif_spec v = vif;
	struct scribe_word w;
	struct scribe_medium m = { 0 };
	struct scribe_cpus c = { 1, GUEST_VCPUS_MAX + 1 };

	(void)state;
	ends_control(0, 0, 3, NULL, 0);
	ends_control(SCRIBE_OP_END, 0, 3, NULL, 0);
	ends_control(SCRIBE_INTRODUCE, 2, 3, NULL, 0);
	ends_control(SCRIBE_INTRODUCE, 0, 0, NULL, 0);
	ends_control(SCRIBE_INTRODUCE, 0, 0x7ff0, NULL, 0);
	ends_control(SCRIBE_INTRODUCE, 0, 3, &g, 4);
	ends_control(SCRIBE_GUEST, 0, 3, &g, sizeof(g) - 1);
	ends_control(SCRIBE_ASK, 0, 3, &c, 4);
	ends_control(SCRIBE_ASK, 0, 0, &c, 3);
	g.maxvcpus = GUEST_VCPUS_MAX + 1;
	ends_control(SCRIBE_GUEST, 0, 3, &g, sizeof(g));
	memset(&g, 'x', sizeof(g));
	g.maxvcpus = 1;
	ends_control(SCRIBE_GUEST, 0, 3, &g, sizeof(g));
	ends_control(SCRIBE_RENAME, 0, 3, &g, sizeof(g.is));
	ends_control(SCRIBE_KEEP, 0, 3, &g, sizeof(g.is));
	ends_control(SCRIBE_REMOVE, 0, 3, &g, sizeof(g.is));
	memset(d.spec.target, 'x', sizeof(d.spec.target));
	ends_control(SCRIBE_DISK, 0, 3, &d, sizeof(d));
	d = disk;
	memset(d.spec.vdev, 'x', sizeof(d.spec.vdev));
	ends_control(SCRIBE_DISK, 0, 3, &d, sizeof(d));
	memset(v.bridge, 'x', sizeof(v.bridge));
	ends_control(SCRIBE_VIF, 0, 3, &v, sizeof(v));
	v = vif;
	memset(v.vifname, 'x', sizeof(v.vifname));
	ends_control(SCRIBE_VIF, 0, 3, &v, sizeof(v));
	v = vif;
	memset(v.gatewaydev, 'x', sizeof(v.gatewaydev));
	ends_control(SCRIBE_VIF, 0, 3, &v, sizeof(v));
	v = vif;
	memset(v.ip, 'x', sizeof(v.ip));
	ends_control(SCRIBE_VIF, 0, 3, &v, sizeof(v));
	memset(m.target, 'x', sizeof(m.target));
	ends_control(SCRIBE_MEDIUM, 0, 3, &m, sizeof(m));
	ends_control(SCRIBE_CPUS, 0, 3, &c, sizeof(c));
	memset(&w, 'x', sizeof(w));
	ends_control(SCRIBE_SHUTDOWN, 0, 3, &w, sizeof(w));
	ends_control(SCRIBE_SYSRQ, 0, 3, &w, sizeof(w));
	fake_begin();
	fake.sent[0].len = 3;
	fake.n_sent = 1;
	assert_int_equal(fake_turn(), -SK_E_PEER);
}

static void only_init_connects_control(void **state)
{
	struct svc_conn other = { .badge = SVC_BADGE_CONTROL };
	uint64_t result[2];

	(void)state;
	assert_int_equal(fake.service->close(&fake.conn), 0);
	assert_int_equal(fake.service->open(&other, NULL, 0, result), -SK_E_INVAL);
	assert_int_equal(fake.service->open(&fake.conn, "x", 1, result), -SK_E_INVAL);
	assert_int_equal(fake.service->open(&fake.conn, NULL, 0, result), 0);
}

int requests_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(several_have_one_answer, setup),
		cmocka_unit_test_setup(a_failure_of_one_is_that_of_all, setup),
		cmocka_unit_test_setup(one_request_at_a_time, setup),
		cmocka_unit_test_setup(no_request_without_room_for_its_answer, setup),
		cmocka_unit_test_setup(without_memory_it_ends, setup),
		cmocka_unit_test_setup(answers_for_an_earlier_control_count_for_nothing, setup),
		cmocka_unit_test_setup(what_a_guest_was_refused, setup),
		cmocka_unit_test_setup(people_ask, setup),
		cmocka_unit_test_setup(what_is_gone_may_be_gone_already, setup),
		cmocka_unit_test_setup(nonsense_ends_the_connection, setup),
		cmocka_unit_test_setup(only_init_connects_control, setup),
	};

	return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
