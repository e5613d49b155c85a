/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main_test.c - the service's main program: real rings and the real store, with a fake event
 * loop
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

int xenstore_main(void);
#define main xenstore_main
#include "main.c"
#undef main

enum { RING = 16384, N_CONNS = 4 };

static struct svc_conn conns[N_CONNS];
static struct ring client_req[N_CONNS], client_rsp[N_CONNS];
static unsigned n_conns, raised, signals[N_CONNS], order[64], n_order;
static const struct svc_service *served;
static bool put_wakes; /* the service has slept, and wants to be signalled */
static svc_handler_fn handler;
/* How often the service said that it works for a client. */
static unsigned works[N_CONNS];

/* ---- the event loop's side --------------------------------------------------------------- */

int svc_serve(const struct svc_service *s)
{
	served = s;
	return 0;
}

/* The manifest's argument; NULL: it has none. */
static const char *guests_arg;

bool svc_arg(const char *key, char *buf, size_t size)
{
	assert_string_equal(key, "guests");
	if (guests_arg)
		snprintf(buf, size, "%s", guests_arg);
	return guests_arg;
}

int svc_on_bit(uint32_t bit, svc_handler_fn fn, void *ctx, const char *name)
{
	assert_int_equal(bit, WORK_BIT);
	assert_null(ctx);
	assert_non_null(name);
	handler = fn;
	return 0;
}

int svc_raise(uint32_t bit)
{
	assert_int_equal(bit, WORK_BIT);
	raised++;
	return 0;
}

struct svc_conn *svc_conn_next(struct svc_conn *after)
{
	size_t i = after ? (size_t)(after - conns) + 1 : 0;

	while (i < n_conns && (conns[i].dead || !conns[i].priv))
		i++;
	return i < n_conns ? &conns[i] : NULL;
}

void svc_work_for(struct svc_conn *c) { works[c - conns]++; }

void svc_signal(struct svc_conn *c)
{
	signals[c - conns]++;
	order[n_order++ % 64] = (unsigned)(c - conns);
}

void svc_conn_kill(struct svc_conn *c, const char *why)
{
	assert_non_null(why);
	c->dead = true;
}

int svc_run(void) { return 0; }

/* ---- the clients' side ------------------------------------------------------------------- */

static void *page(void)
{
	void *mem = aligned_alloc(4096, RING);

	memset(mem, 0, RING);
	return mem;
}

static int open_conn(uint32_t badge, uint32_t client, uint32_t domid, uint32_t privileged)
{
	struct svc_conn *c = &conns[n_conns];
	struct xs_params p = { .domid = domid, .privileged = privileged };
	uint64_t result[2];
	void *req = page(), *rsp = page();
	int rc;

	*c = (struct svc_conn){ .badge = badge, .client = client };
	assert_int_equal(ring_init(&c->req, req, RING, RING_SERVICE_GETS, 0), 0);
	assert_int_equal(ring_init(&c->rsp, rsp, RING, RING_SERVICE_PUTS, 0), 0);
	assert_int_equal(ring_init(&client_req[n_conns], req, RING, RING_CLIENT_PUTS, 0), 0);
	assert_int_equal(ring_init(&client_rsp[n_conns], rsp, RING, RING_CLIENT_GETS, 0), 0);
	rc = served->open(c, &p, sizeof(p), result);
	if (rc) {
		free(req);
		free(rsp);
		return rc;
	}
	n_conns++;
	return 0;
}

static int put(
	unsigned i, uint32_t role, uint64_t seq, uint32_t type, const char *body, size_t len)
{
	struct record rec = { .native = { .role = role, .seq = seq } };
	struct xsd_sockmsg hdr = {
		.type = type, .req_id = (uint32_t)seq, .len = (uint32_t)len
	};
	int rc;

	memcpy(rec.msg, &hdr, sizeof(hdr));
	memcpy(rec.msg + sizeof(hdr), body, len);
	rc = ring_put(&client_req[i], &rec, (uint32_t)(sizeof(rec.native) + sizeof(hdr) + len));
	put_wakes = ring_put_flush(&client_req[i]);
	return rc;
}

#define PUT(i, role, seq, type, body) \
	assert_int_equal(put(i, role, seq, type, body, sizeof(body) - 1), 0)

/* Do what serve.c does on a signal, and what the loop does with the bits that were raised. */
static void signal_service(unsigned i)
{
	if (!conns[i].dead && served->event(&conns[i]))
		svc_conn_kill(&conns[i], "event");
}

static void run(void)
{
	unsigned turns_left;

	for (turns_left = 10000; raised && turns_left; turns_left--) {
		raised = 0;
		handler(NULL);
	}
	assert_true(turns_left);
}

static struct record got;

/* Take the next record of a client. Returns its type, or 0xffff if there is none. */
static uint32_t take(unsigned i)
{
	int len = ring_get(&client_rsp[i], &got, sizeof(got));
	struct xsd_sockmsg hdr;

	if (len == -SK_E_AGAIN)
		return XS_INVALID;
	assert_true(len >= (int)(sizeof(got.native) + sizeof(hdr)));
	if (ring_get_flush(&client_rsp[i]))
		signal_service(i);
	memcpy(&hdr, got.msg, sizeof(hdr));
	assert_int_equal(hdr.len, (size_t)len - sizeof(got.native) - sizeof(hdr));
	return hdr.type;
}

static const char *text(void) { return (const char *)got.msg + sizeof(struct xsd_sockmsg); }

static int setup(void **state)
{
	(void)state;
	n_conns = raised = n_order = 0;
	memset(signals, 0, sizeof(signals));
	assert_int_equal(store_init(&store, &quota_default), 0);
	served = &service;
	handler = work;
	assert_int_equal(open_conn(SVC_BADGE_INIT, 3 | SVC_STATIC, 0, 1), 0);
	assert_int_equal(open_conn(SVC_BADGE_CONTROL, 5, 5, 0), 0);
	assert_int_equal(open_conn(SVC_BADGE_CONTROL, 6, 6, 0), 0);
	run();
	return 0;
}

static int teardown(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < n_conns; i++) {
		if (conns[i].priv)
			assert_int_equal(served->close(&conns[i]), 0);
		free(conns[i].req.sh);
		free(conns[i].rsp.sh);
	}
	assert_true(TAILQ_EMPTY(&turns));
	store_fini(&store);
	assert_int_equal(mem_used(), 0);
	return 0;
}

/* ---- cases ------------------------------------------------------------------------------- */

static void only_connectors_may_open(void **state)
{
	struct xs_params p = { .domid = 7 };
	struct svc_conn c = conns[0];
	uint64_t result[2];

	(void)state;
	assert_int_equal(open_conn(SVC_BADGE_CONTROL, 7, 0, 1), -SK_E_DENIED);
	assert_int_equal(open_conn(SVC_BADGE_INIT, 7, 5, 1), -SK_E_DENIED);
	assert_int_equal(open_conn(SVC_BADGE_INIT, 7, 0, 2), -SK_E_DENIED);
	assert_int_equal(open_conn(SVC_BADGE_CONTROL, 7, 0, 0), -SK_E_INVAL);
	assert_int_equal(open_conn(SVC_BADGE_CONTROL, 7, 0x7ff0, 0), -SK_E_INVAL);
	assert_int_equal(open_conn(SVC_BADGE_CONTROL, 5, 5, 0), -SK_E_EXISTS);
	c.client = 7;
	assert_int_equal(served->open(&c, &p, sizeof(p) - 1, result), -SK_E_INVAL);
	assert_int_equal(ring_init(&c.rsp, conns[0].rsp.sh, 4096, RING_SERVICE_PUTS, 0), 0);
	assert_int_equal(served->open(&c, &p, sizeof(p), result), -SK_E_INVAL);
}

static void answers_with_role_and_number(void **state)
{
	(void)state;
	PUT(0, XS_ROLE_DOM0, 1, XS_WRITE, "/a\0x");
	PUT(0, XS_ROLE_DOM0, 2, XS_READ, "/a\0");
	signal_service(0);
	run();
	assert_int_equal(take(0), XS_WRITE);
	assert_int_equal(got.native.role, XS_ROLE_DOM0);
	assert_int_equal(got.native.seq, 1);
	assert_int_equal(take(0), XS_READ);
	assert_int_equal(got.native.seq, 2);
	assert_int_equal(text()[0], 'x');
	assert_int_equal(take(0), XS_INVALID);
	PUT(1, XS_ROLE_BACKEND, 1, XS_READ, "/a\0");
	signal_service(1);
	run();
	assert_int_equal(take(1), XS_ERROR);
	assert_int_equal(got.native.role, XS_ROLE_BACKEND);
	assert_string_equal(text(), "EACCES");
}

static void breaches(void **state)
{
	struct record rec = { .native = { .role = XS_ROLE_GUEST, .seq = 1 } };
	struct xsd_sockmsg hdr = { .type = XS_READ, .len = 5 };

	(void)state;
	/* a guest's VMM that claims to be dom0 */
	PUT(1, XS_ROLE_DOM0, 1, XS_READ, "/a\0");
	signal_service(1);
	run();
	assert_true(conns[1].dead);
	assert_int_equal(take(1), XS_INVALID);
	/* lengths that do not agree */
	memcpy(rec.msg, &hdr, sizeof(hdr));
	assert_int_equal(
		ring_put(&client_req[2], &rec, sizeof(rec.native) + sizeof(hdr) + 4), 0);
	ring_put_flush(&client_req[2]);
	signal_service(2);
	run();
	assert_true(conns[2].dead);
	/* an invalid role, a reserved field, a truncated record: each on a fresh connection */
	assert_int_equal(open_conn(SVC_BADGE_CONTROL, 8, 8, 0), 0);
	PUT(3, XS_ROLE_DOM0 + 1, 1, XS_READ, "/a\0");
	signal_service(3);
	run();
	assert_true(conns[3].dead);
	assert_false(conns[0].dead);
}

static void more_breaches(void **state)
{
	struct record rec = { .native = { .role = XS_ROLE_GUEST, .reserved = 1 } };

	(void)state;
	assert_int_equal(ring_put(&client_req[1], &rec, sizeof(rec.native) + 16), 0);
	ring_put_flush(&client_req[1]);
	assert_int_equal(ring_put(&client_req[2], &rec, sizeof(rec.native) - 1), 0);
	ring_put_flush(&client_req[2]);
	signal_service(1);
	signal_service(2);
	run();
	assert_true(conns[1].dead);
	assert_true(conns[2].dead);
}

static void news_reach_others(void **state)
{
	(void)state;
	PUT(0, XS_ROLE_DOM0, 1, XS_MKDIR, "/open\0");
	PUT(0, XS_ROLE_DOM0, 2, XS_SET_PERMS, "/open\0b0\0");
	PUT(1, XS_ROLE_BACKEND, 1, XS_WATCH, "/open\0t\0");
	signal_service(0);
	signal_service(1);
	run();
	assert_int_equal(take(1), XS_WATCH);
	assert_int_equal(take(1), XS_WATCH_EVENT);
	while (take(1) == XS_WATCH_EVENT)
		continue;
	ring_get_idle(&client_rsp[1]);
	signals[1] = 0;
	PUT(2, XS_ROLE_GUEST, 1, XS_WRITE, "/open/x\0y");
	signal_service(2);
	run();
	assert_int_equal(signals[1], 1);
	assert_int_equal(take(1), XS_WATCH_EVENT);
	assert_int_equal(got.native.role, XS_ROLE_BACKEND);
	assert_int_equal(got.native.seq, 0);
	assert_string_equal(text(), "/open/x");
	assert_int_equal(take(2), XS_WRITE);
}

/*
 * A client sends requests and does not read: its requests stay in its ring, other clients are
 * served, and nothing is lost.
 */
static void a_client_that_does_not_read(void **state)
{
	static char body[3000] = "/big";
	unsigned asked, answered = 0, i;

	(void)state;
	body[1500] = 'v';
	assert_int_equal(put(0, XS_ROLE_DOM0, 1, XS_WRITE, body, sizeof(body)), 0);
	PUT(0, XS_ROLE_DOM0, 2, XS_SET_PERMS, "/big\0r0\0");
	signal_service(0);
	run();
	assert_int_equal(take(0), XS_WRITE);
	assert_int_equal(take(0), XS_SET_PERMS);
	for (asked = 0; !put(1, XS_ROLE_GUEST, asked + 1, XS_READ, "/big\0", 5); asked++)
		continue;
	signal_service(1);
	run();
	/* the service has stopped after the answers that fit, and holds one more */
	assert_true(((struct client *)conns[1].priv)->unsent);
	PUT(2, XS_ROLE_GUEST, 1, XS_READ, "/big\0");
	signal_service(2);
	run();
	assert_int_equal(take(2), XS_READ);
	for (i = 0; i < asked; i++) {
		while (take(1) != XS_READ)
			run();
		answered++;
		assert_int_equal(got.native.seq, answered);
	}
	assert_int_equal(take(1), XS_INVALID);
	assert_int_equal(answered, asked);
}

/*
 * One request per turn: a client that sends many requests waits for those that send few, not
 * the reverse.
 */
static void turns_go_round(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 50; i++)
		PUT(1, XS_ROLE_GUEST, i + 1, XS_IS_DOMAIN_INTRODUCED, "5\0");
	PUT(2, XS_ROLE_GUEST, 1, XS_IS_DOMAIN_INTRODUCED, "6\0");
	signal_service(1);
	signal_service(2);
	raised = 0;
	memset(works, 0, sizeof(works));
	handler(NULL);
	assert_true(
		!works[0] && works[1] == 1 && works[2] == 1); /* each turn is its client's */
	assert_int_equal(take(2), XS_IS_DOMAIN_INTRODUCED);
	assert_int_equal(take(1), XS_IS_DOMAIN_INTRODUCED);
	assert_int_equal(take(1), XS_INVALID);
	run();
	for (i = 1; i < 50; i++)
		assert_int_equal(take(1), XS_IS_DOMAIN_INTRODUCED);
}

static void closing_ends_the_domain(void **state)
{
	(void)state;
	PUT(0, XS_ROLE_DOM0, 1, XS_INTRODUCE,
		"5\0"
		"1\0"
		"1\0");
	PUT(0, XS_ROLE_DOM0, 2, XS_WATCH, "@releaseDomain\0r\0");
	PUT(0, XS_ROLE_DOM0, 3, XS_MKDIR, "/local/domain/5/data\0");
	PUT(0, XS_ROLE_DOM0, 4, XS_SET_PERMS, "/local/domain/5/data\0n5\0");
	signal_service(0);
	run();
	while (take(0) != XS_SET_PERMS)
		continue;
	PUT(1, XS_ROLE_GUEST, 1, XS_WRITE, "data/x\0y");
	signal_service(1);
	run();
	assert_int_equal(take(1), XS_WRITE);
	signal_service(1);
	assert_int_equal(served->close(&conns[1]), 0);
	run();
	assert_int_equal(take(0), XS_WATCH_EVENT);
	assert_string_equal(text(), "@releaseDomain");
	PUT(0, XS_ROLE_DOM0, 5, XS_READ, "/local/domain/5/data\0");
	signal_service(0);
	run();
	assert_int_equal(take(0), XS_ERROR);
	assert_null(domain_find(&store, 5));
}

/*
 * Each sleeping side is woken: a client that waits for room in its ring, and this service when
 * there is work.
 */
static void wishes_are_kept(void **state)
{
	unsigned asked;

	(void)state;
	for (asked = 0; !put(1, XS_ROLE_GUEST, asked + 1, XS_IS_DOMAIN_INTRODUCED, "5\0", 2);
		asked++)
		continue;
	ring_get_idle(&client_rsp[1]);
	assert_false(ring_room_idle(&client_req[1], 4000));
	signals[1] = 0;
	signal_service(1);
	raised = 0;
	handler(NULL);
	assert_true(signals[1] > 0);
	while (asked--)
		while (take(1) != XS_IS_DOMAIN_INTRODUCED)
			run();
	run();
	assert_int_equal(take(1), XS_INVALID);
	put(1, XS_ROLE_GUEST, 1000, XS_IS_DOMAIN_INTRODUCED, "5\0", 2);
	assert_true(put_wakes);
}

/* All or nothing: a client has no session if memory runs out while it is being made. */
static void a_client_without_memory(void **state)
{
	size_t room, sessions = 0;
	struct session *sess;
	unsigned refused_opens = 0;

	(void)state;
	TAILQ_FOREACH(sess, &store.sessions, link)
		sessions++;
	for (room = 0;; room += 64) {
		mem_set_limit(mem_used() + room);
		if (!open_conn(SVC_BADGE_CONTROL, 9, 9, 0))
			break;
		mem_set_limit(SIZE_MAX);
		refused_opens++;
		TAILQ_FOREACH(sess, &store.sessions, link)
			assert_int_not_equal(sess->domid, 9);
		assert_null(domain_find(&store, 9));
	}
	mem_set_limit(SIZE_MAX);
	assert_true(refused_opens > 30);
	TAILQ_FOREACH(sess, &store.sessions, link)
		sessions -= sess->domid != 9;
	assert_int_equal(sessions, 0);
}

static void statistics_count_refusals_of_a_guest(void **state)
{
	uint64_t mr[8] = { 0 };

	(void)state;
	store.quota.watches = 0;
	PUT(1, XS_ROLE_GUEST, 1, XS_WATCH, "a\0t\0");
	signal_service(1);
	run();
	assert_int_equal(take(1), XS_ERROR);
	assert_int_equal(served->stats(&conns[1], mr), 4);
	assert_int_equal(mr[1], mem_used());
	assert_int_equal(mr[2], 3);
	assert_int_equal(mr[3], 2 * session_size());
	assert_int_equal(mr[4], 1);
	assert_int_equal(served->stats(&conns[0], mr), 4);
	assert_int_equal(mr[3] + mr[4], 0);
	assert_int_equal(served->stats(NULL, mr), 4);
}

/* ---- restart ----------------------------------------------------------------------------- */

enum { MANIFEST_ORDER = 24, MANIFEST_JOURNAL = 16 << 20 }; /* as in configs/many.toml */

/* The service is started again with what is in its journal; no client has come back yet. */
static void die(void)
{
	struct journal_report report;
	unsigned i;

	store_fini(&store);
	TAILQ_INIT(&turns);
	for (i = 0; i < n_conns; i++) {
		free(conns[i].priv);
		conns[i].priv = NULL;
	}
	assert_int_equal(store_init(&store, &quota_default), 0);
	assert_int_equal(journal_attach(&journal, journal.head, journal.head->size), 0);
	persist_replay(&store, &journal, &report);
	assert_int_equal(report.quarantined, 0);
}

static void open_again(unsigned i, uint32_t epoch)
{
	struct svc_conn *c = &conns[i];
	struct xs_params p = { .domid = i ? c->client : 0, .privileged = !i };
	uint64_t result[2];

	c->epoch = epoch;
	assert_int_equal(served->open(c, &p, sizeof(p), result), 0);
	ring_restart(&c->req, epoch);
	ring_restart(&c->rsp, epoch);
	ring_restart(&client_req[i], epoch);
	ring_restart(&client_rsp[i], epoch);
}

static void keep_journal(void)
{
	assert_int_equal(
		journal_format(&journal, calloc(1, MANIFEST_JOURNAL), MANIFEST_JOURNAL), 0);
	store.journal = &journal;
	assert_int_equal(persist_compact(&store), 0);
	PUT(0, XS_ROLE_DOM0, 1, XS_MKDIR, "/local/domain/5/data\0");
	PUT(0, XS_ROLE_DOM0, 2, XS_SET_PERMS, "/local/domain/5/data\0n5\0");
	PUT(1, XS_ROLE_GUEST, 1, XS_WATCH, "data/x\0t\0");
	signal_service(0);
	signal_service(1);
	run();
	assert_int_equal(take(1), XS_WATCH);
	assert_int_equal(take(1), XS_WATCH_EVENT);
}

static void lose_journal(void)
{
	store.journal = NULL;
	free(journal.head);
}

/*
 * A client that comes back is the one that it was: its watch is there and tells it something
 * without being asked, and a request whose answer was lost is not carried out again.
 */
static void clients_come_back(void **state)
{
	(void)state;
	keep_journal();
	PUT(1, XS_ROLE_GUEST, 2, XS_WRITE, "data/x\0mine");
	signal_service(1);
	run();
	PUT(0, XS_ROLE_DOM0, 3, XS_WRITE, "/local/domain/5/data/x\0later");
	signal_service(0);
	run();
	die();
	open_again(0, 1);
	open_again(1, 1);
	run();
	assert_int_equal(take(1), XS_WATCH_EVENT);
	assert_string_equal(text(), "data/x");
	assert_int_equal(take(1), XS_INVALID);
	PUT(1, XS_ROLE_GUEST, 2, XS_WRITE, "data/x\0mine");
	PUT(1, XS_ROLE_GUEST, 3, XS_READ, "data/x\0");
	signal_service(1);
	run();
	assert_int_equal(take(1), XS_WRITE);
	assert_int_equal(take(1), XS_READ);
	assert_memory_equal(text(), "later", 5);
	assert_int_equal(take(1), XS_INVALID);
	open_again(2, 1);
	lose_journal();
}

/* A domain that is new gets nothing from one that had its number, not even the answers. */
static void a_new_client_is_not_an_old_one(void **state)
{
	const struct session *sess;

	(void)state;
	keep_journal();
	die();
	open_again(0, 1);
	open_again(1, 0);
	sess = ((struct client *)conns[1].priv)->session[XS_ROLE_GUEST];
	assert_int_equal(sess->n_watches, 0);
	PUT(1, XS_ROLE_GUEST, 1, XS_WATCH, "data/x\0t\0");
	PUT(0, XS_ROLE_DOM0, 3, XS_READ, "/local/domain/5/data\0");
	signal_service(0);
	signal_service(1);
	run();
	assert_int_equal(take(1), XS_WATCH);
	assert_int_equal(take(1), XS_WATCH_EVENT);
	assert_int_equal(sess->n_watches, 1);
	assert_int_equal(take(0), XS_ERROR);
	/* and one that does not come back is gone with its domain, introduced or not */
	PUT(0, XS_ROLE_DOM0, 4, XS_RELEASE, "6\0");
	signal_service(0);
	run();
	assert_int_equal(take(0), XS_RELEASE);
	assert_null(domain_find(&store, 6));
	PUT(0, XS_ROLE_DOM0, 5, XS_RELEASE, "6\0");
	signal_service(0);
	run();
	assert_int_equal(take(0), XS_ERROR);
	lose_journal();
}

/* ---- start ------------------------------------------------------------------------------- */

static struct domain_info *start_page(void *journal_memory, size_t size)
{
	struct domain_info *info = mmap((void *)DOMAIN_INFO_VADDR, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	assert_ptr_equal(info, (void *)DOMAIN_INFO_VADDR);
	info->n_untyped = 1;
	info->untyped_order[0] = MANIFEST_ORDER;
	info->n_channels = journal_memory ? 2 : 1;
	strcpy(info->channel[0].name, "log");
	strcpy(info->channel[1].name, "journal");
	info->channel[1].data_vaddr = (uintptr_t)journal_memory;
	info->channel[1].data_size = size;
	return info;
}

static void stop(struct domain_info *info)
{
	store_fini(&store);
	assert_int_equal(mem_used(), 0);
	mem_set_limit(SIZE_MAX);
	mem_set_reserve(0);
	munmap(info, 4096);
}

static bool node_is_there(void) { return tree_find(store.root, "/kept") != NULL; }

static void make_node(void)
{
	static const struct perm none = { 0, 0 };
	struct data *d = data_new("kept", NULL, 0, &none, 1, 0);
	struct node *root;

	assert_int_equal(tree_put(store.root, "/kept", d, ++store.gen, &root), 0);
	data_unref(d);
	assert_int_equal(store_commit(&store, NULL, root, NULL), 0);
}

/* With the memory of configs/default.toml, for as many guests as it names. */
static void guests_of_the_default_manifest(void **state)
{
	void *memory = calloc(1, 4 << 20);
	struct domain_info *info = start_page(memory, 4 << 20);
	const struct shares *sh;

	(void)state;
	guests_arg = "100";
	info->n_untyped = 2;
	info->untyped_order[0] = 22;
	info->untyped_order[1] = 21;
	assert_int_equal(xenstore_main(), 0);
	sh = quota_shares(&store);
	assert_true(sh->sure >= 7 * KIB);
	/* what dom0 writes for a guest with two disks and an interface, or without devices */
	assert_true(sh->pool + sh->reserve >= 55 * 17 * KIB);
	assert_true(sh->pool + sh->reserve >= 100 * 7 * KIB);
	assert_true(store.room >= sh->sure * 100 + sh->pool + sh->reserve);
	mem_set_priority(MEM_RESERVED);
	assert_null(mem_alloc(
		(6 << 20) - 100 * 8 * KIB)); /* what clients need is not for the store */
	stop(info);
	guests_arg = NULL;
	free(memory);
}

/* With the memory of configs/many.toml, for as many guests as it names. */
static void as_many_guests_as_the_manifest_says(void **state)
{
	void *memory = calloc(1, MANIFEST_JOURNAL);
	struct domain_info *info = start_page(memory, MANIFEST_JOURNAL);
	const struct shares *sh;

	(void)state;
	guests_arg = "350";
	assert_int_equal(xenstore_main(), 0);
	sh = quota_shares(&store);
	assert_int_equal(store.quota.domains, 350);
	assert_int_equal(store.quota.event_bytes, (16 << 10) * 64 / 350);
	assert_true(sh->sure >= 7 * KIB);
	assert_true(store.room >= sh->sure * 350 + sh->pool + sh->reserve);
	stop(info);
	info = start_page(memory, MANIFEST_JOURNAL);
	guests_arg = "none";
	assert_int_equal(xenstore_main(), 1);
	munmap(info, 4096);
	guests_arg = NULL;
	free(memory);
}

/*
 * Each of 64 guests gets what one with many devices needs, and all of this memory exists.
 */
static void starting(void **state)
{
	uint64_t *memory = calloc(1, MANIFEST_JOURNAL);
	struct domain_info *info = start_page(memory, MANIFEST_JOURNAL);
	const struct shares *sh;

	(void)state;
	assert_int_equal(xenstore_main(), 0);
	sh = quota_shares(&store);
	assert_ptr_equal(sh->of, &journal);
	assert_true(sh->sure >= 45 * KIB);
	assert_true(sh->reserve >= 512 * KIB);
	assert_true(store.room >= sh->sure * 64 + sh->pool + sh->reserve);
	assert_non_null(store.refused);
	mem_set_priority(MEM_ORDINARY);
	assert_null(mem_alloc((15 << 20) - 4096));
	mem_set_priority(MEM_RESERVED);
	mem_free(mem_alloc((14 << 20)));
	assert_null(mem_alloc((15 << 20) + 512 * KIB));
	make_node();
	stop(info);

	info = start_page(memory, MANIFEST_JOURNAL);
	assert_int_equal(xenstore_main(), 0);
	assert_true(node_is_there());
	stop(info);

	memory[0] ^= 1; /* with a damaged head the journal cannot be used */
	info = start_page(memory, MANIFEST_JOURNAL);
	assert_int_equal(xenstore_main(), 0);
	assert_false(node_is_there());
	make_node();
	stop(info);

	/* too little memory for everything that the journal could hold */
	info = start_page(memory, MANIFEST_JOURNAL);
	info->untyped_order[0] = 22;
	assert_int_equal(xenstore_main(), 0);
	assert_true(node_is_there());
	sh = quota_shares(&store);
	assert_true(sh->sure * 64 + sh->pool + sh->reserve <= 3 << 20);
	stop(info);

	info = start_page(memory, 4000);
	assert_int_equal(xenstore_main(), 1);
	stop(info);
	info = start_page(NULL, 0);
	assert_int_equal(xenstore_main(), 0);
	assert_null(store.journal);
	stop(info);
	free(memory);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(only_connectors_may_open),
		CASE(answers_with_role_and_number),
		CASE(breaches),
		CASE(more_breaches),
		CASE(news_reach_others),
		CASE(a_client_that_does_not_read),
		CASE(turns_go_round),
		CASE(closing_ends_the_domain),
		CASE(wishes_are_kept),
		CASE(a_client_without_memory),
		CASE(statistics_count_refusals_of_a_guest),
		CASE(clients_come_back),
		CASE(a_new_client_is_not_an_old_one),
		cmocka_unit_test(starting),
		cmocka_unit_test(guests_of_the_default_manifest),
		cmocka_unit_test(as_many_guests_as_the_manifest_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
