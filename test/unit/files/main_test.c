/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main_test.c - the whole of files, with a volume in memory: which client may read what, and
 * malformed requests
 */
#include "world/world.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/files.h"

enum { IMAGE = 4 << 20, DATA = 65536, BIG = 40000 };

static struct peer c, d;
static uint64_t id;

static void shell(const char *command) { assert_int_equal(system(command), 0); }

/* /a.cfg, /big (each byte tells its place), /dir/b, /link -> a.cfg, /out -> ../../etc */
static void volume_make(void)
{
	static uint8_t image[IMAGE];
	char dir[] = "/tmp/skerry-files-XXXXXX", line[64];
	FILE *f;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	shell("mkdir -p d/dir && printf 'name=\"a\"' > d/a.cfg && printf b > d/dir/b && ln -s a.cfg d/link");
	f = fopen("d/big", "w");
	for (unsigned int i = 0; i < BIG; i++)
		fputc((int)(i * 7 + i / 251) & 255, f);
	fclose(f);
	shell("mke2fs -q -t ext4 -d d i.img 4096k 2>/dev/null");
	f = fopen("i.img", "r");
	assert_int_equal(fread(image, 1, IMAGE, f), IMAGE);
	fclose(f);
	snprintf(line, sizeof(line), "rm -r %s", dir);
	shell(line);
	snprintf(line, sizeof(line), "image=%p", (void *)image);
	world_arg(line);
	snprintf(line, sizeof(line), "image-size=%u", IMAGE);
	world_arg(line);
}

static int open_as(struct peer *p, uint32_t kind, const char *path)
{
	struct files_params params = { .kind = kind };

	if (path)
		strncpy(params.path, path, sizeof(params.path));
	return world_open(p, SVC_PROTO_FILES, 3, &params, sizeof(params), DATA);
}

static void start(void)
{
	volume_make();
	world_start();
}

static void ask(struct peer *p, const struct files_req *q, const char *path)
{
	struct {
		struct files_req q;
		char path[FILES_PATH_MAX];
	} r = { .q = *q };

	r.q.id = ++id;
	r.q.path_len = path ? (uint32_t)strlen(path) : 0;
	if (path)
		memcpy(r.path, path, r.q.path_len);
	peer_put(p, &r, (uint32_t)sizeof(r.q) + r.q.path_len);
	peer_flush(p);
}

static struct files_rsp answer(struct peer *p)
{
	struct files_rsp r = { .status = -99 };

	assert_true(peer_take(p, &r, sizeof(r)));
	assert_int_equal(r.id, id);
	return r;
}

static int status_of(struct peer *p, const struct files_req *q, const char *path)
{
	ask(p, q, path);
	return answer(p).status;
}

/* ---- cases ---- */
static void any_file_for_control(void)
{
	const struct files_req read = { .op = FILES_READ, .offset = 100, .length = 1000 };
	const struct files_req stat = { .op = FILES_STAT };
	const struct files_req list = { .op = FILES_READDIR, .length = 4096 };
	const struct files_dirent *e;
	struct files_rsp r;
	bool found = false;

	start();
	assert_int_equal(open_as(&c, FILES_BROWSE, NULL), 0);
	ask(&c, &read, "/guests/a.cfg");
	r = answer(&c);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.result, 8);
	assert_memory_equal(c.data + 100, "name=\"a\"", 8);
	assert_int_equal(c.data[99] | c.data[108], 0);
	ask(&c, &stat, "/guests/big");
	r = answer(&c);
	assert_int_equal(r.result, BIG);
	assert_int_equal(r.type, FILES_REGULAR);
	assert_true(r.mtime > 1500000000);
	ask(&c, &stat, "/guests/dir");
	assert_int_equal(answer(&c).type, FILES_DIRECTORY);
	ask(&c, &list, "/guests/dir");
	r = answer(&c);
	assert_int_equal(r.result, 1);
	e = (const struct files_dirent *)c.data;
	assert_int_equal(e->size, 1);
	assert_string_equal(e->name, "b");
	ask(&c, &list, "/guests");
	r = answer(&c);
	for (uint64_t i = 0, at = 0; i < r.result; i++) {
		e = (const struct files_dirent *)(c.data + at);
		found = found || (strcmp(e->name, "big") == 0 && e->size == BIG);
		at += e->record_len;
	}
	assert_true(found);
	assert_int_equal(status_of(&c, &read, "/guests/none"), -SK_E_NOT_FOUND);
	assert_int_equal(status_of(&c, &read, "/guests/../a.cfg"), -SK_E_INVAL);
	assert_int_equal(status_of(&c, &read, "/guests/dir"), -SK_E_INVAL);
	assert_int_equal(status_of(&c, &read, "a.cfg"), -SK_E_INVAL);
	assert_int_equal(status_of(&c, &read, NULL), -SK_E_INVAL);
	assert_int_equal(status_of(&c, &list, "/guests/a.cfg"), -SK_E_INVAL);
	assert_false(peer_dead(&c));
}

static void one_file_for_a_guest(void)
{
	const struct files_req read = { .op = FILES_READ, .position = 1000, .length = 30000 };
	const struct files_req tail = { .op = FILES_READ, .position = BIG - 5, .length = 100 };
	struct files_rsp r;

	start();
	assert_int_equal(open_as(&c, FILES_FILE, "/guests/big"), 0);
	assert_int_equal(c.word[0], BIG);
	ask(&c, &read, NULL);
	r = answer(&c);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.result, 30000);
	for (unsigned int i = 0; i < 30000; i++) {
		unsigned int at = 1000 + i;

		assert_int_equal(c.data[i], (at * 7 + at / 251) & 255);
	}
	ask(&c, &tail, NULL);
	assert_int_equal(answer(&c).result, 5);
	/* requests on this connection may not name a path, not even of its own file */
	assert_int_equal(status_of(&c, &read, "/guests/a.cfg"), -SK_E_DENIED);
	assert_int_equal(status_of(&c, &read, "/guests/big"), -SK_E_DENIED);
	/* another connection has another file at the same time */
	assert_int_equal(open_as(&d, FILES_FILE, "/guests/link"), 0);
	assert_int_equal(d.word[0], 8);
	ask(&d, &(struct files_req){ .op = FILES_READ, .length = 8 }, NULL);
	assert_int_equal(answer(&d).result, 8);
	assert_memory_equal(d.data, "name=\"a\"", 8);
	ask(&c, &tail, NULL);
	assert_int_equal(answer(&c).result, 5);
	assert_int_equal(world_close(&d), 0);
	ask(&c, &tail, NULL);
	assert_int_equal(answer(&c).result, 5);
}

static void opens_that_are_refused(void)
{
	struct files_params params = { .kind = FILES_FILE };

	start();
	assert_int_equal(open_as(&c, 0, "/guests/big"), -SK_E_INVAL);
	assert_int_equal(open_as(&c, 3, "/guests/big"), -SK_E_INVAL);
	assert_int_equal(open_as(&c, FILES_FILE, "/guests/dir"), -SK_E_INVAL);
	assert_int_equal(open_as(&c, FILES_FILE, "/guests/none"), -SK_E_NOT_FOUND);
	assert_int_equal(open_as(&c, FILES_FILE, "/etc/passwd"), -SK_E_NOT_FOUND);
	assert_int_equal(open_as(&c, FILES_FILE, ""), -SK_E_INVAL);
	strcpy(params.path, "/guests/big");
	assert_int_equal(world_open(&c, SVC_PROTO_FILES, 3, &params, sizeof(params) - 8, DATA),
		-SK_E_INVAL);
	params.reserved = 1;
	assert_int_equal(
		world_open(&c, SVC_PROTO_FILES, 3, &params, sizeof(params), DATA), -SK_E_INVAL);
	/* a path that is not terminated */
	params.reserved = 0;
	memset(params.path, '/', sizeof(params.path));
	assert_int_equal(
		world_open(&c, SVC_PROTO_FILES, 3, &params, sizeof(params), DATA), -SK_E_INVAL);
	assert_null(svc_conn_next(NULL));
}

static void requests_beyond_the_region(void)
{
	static const struct {
		uint64_t offset, length;
		int status;
	} tries[] = {
		{ 0, DATA, 0 },
		{ DATA, 0, 0 },
		{ 0, DATA + 1, -SK_E_RANGE },
		{ 1, DATA, -SK_E_RANGE },
		{ DATA + 1, 0, -SK_E_RANGE },
		{ UINT64_MAX, 2, -SK_E_RANGE },
		{ 2, UINT64_MAX, -SK_E_RANGE },
	};

	start();
	assert_int_equal(open_as(&c, FILES_BROWSE, NULL), 0);
	for (unsigned int i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		for (uint32_t op = FILES_READ; op < FILES_OP_END; op++) {
			struct files_req q = {
				.op = op, .offset = tries[i].offset, .length = tries[i].length
			};

			assert_int_equal(
				status_of(&c, &q,
					op == FILES_READDIR ? "/guests" : "/guests/big"),
				tries[i].status);
		}
	assert_int_equal(
		status_of(&c, &(struct files_req){ .op = FILES_OP_END }, "/guests/big"),
		-SK_E_INVAL);
	assert_int_equal(
		status_of(&c, &(struct files_req){ .op = 0 }, "/guests/big"), -SK_E_INVAL);
	assert_int_equal(
		status_of(&c,
			&(struct files_req){
				.op = FILES_READ, .position = UINT64_MAX, .length = 10 },
			"/guests/big"),
		0);
}

/* A record whose length disagrees with path_len ends only that client's connection. */
static void illegal_records(void)
{
	struct {
		struct files_req q;
		char path[16];
	} r = { .q = { .op = FILES_STAT, .path_len = 11 }, .path = "/guests/big" };
	static const uint32_t bad[] = { sizeof(struct files_req) - 1, sizeof(struct files_req),
		sizeof(struct files_req) + 10, sizeof(struct files_req) + 12 };

	start();
	assert_int_equal(open_as(&d, FILES_BROWSE, NULL), 0);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(open_as(&c, FILES_BROWSE, NULL), 0);
		peer_put(&c, &r, bad[i]);
		peer_flush(&c);
		assert_true(peer_dead(&c));
		assert_int_equal(world_close(&c), 0);
	}
	assert_int_equal(
		status_of(&d, &(struct files_req){ .op = FILES_STAT }, "/guests/big"), 0);
	assert_false(peer_dead(&d));
}

/* The requests of a client that takes no answers wait, and none is lost. */
static void answers_that_are_not_taken(void)
{
	struct files_req q = { .op = FILES_STAT };
	struct files_rsp r;
	unsigned int put = 0, taken = 0;

	start();
	assert_int_equal(open_as(&c, FILES_FILE, "/guests/big"), 0);
	for (unsigned int round = 0; round < 6; round++) {
		for (unsigned int i = 0; i < 40; i++) {
			q.id = put + 1;
			if (ring_put(&c.out, &q, sizeof(q)))
				break;
			put++;
		}
		peer_signal(&c);
		assert_false(peer_dead(&c));
	}
	assert_true(put > 85); /* more requests than answers fit */
	while (taken < put) {
		bool any = false;

		while (peer_take(&c, &r, sizeof(r))) {
			assert_int_equal(r.id, ++taken);
			assert_int_equal(r.status, 0);
			any = true;
		}
		assert_true(any);
		peer_flush(&c);
	}
	assert_false(peer_dead(&c));
}

static void without_a_volume(void)
{
	world_start();
	assert_int_equal(open_as(&c, FILES_FILE, "/guests/big"), -SK_E_NOT_FOUND);
	assert_int_equal(open_as(&c, FILES_BROWSE, NULL), 0);
	assert_int_equal(status_of(&c, &(struct files_req){ .op = FILES_STAT }, "/guests/big"),
		-SK_E_NOT_FOUND);
	assert_int_equal(
		status_of(&c, &(struct files_req){ .op = FILES_STAT }, "/"), -SK_E_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(any_file_for_control),
		CASE(one_file_for_a_guest),
		CASE(opens_that_are_refused),
		CASE(requests_beyond_the_region),
		CASE(illegal_records),
		CASE(answers_that_are_not_taken),
		CASE(without_a_volume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
