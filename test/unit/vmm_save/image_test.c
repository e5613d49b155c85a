/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_test.c - the volume of a saved guest: written in the right order, refused when it is
 * not whole
 *
 * Objects     a volume in memory; storage, which answers when the test wants it to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "sample.h"
#include "save/image.h"

enum { VOLUME = 4 << 20, CALLS = 64 };
#define CONFIG "name = \"g\"\n"

static uint8_t *volume, *good;
static uint64_t volume_size;
static uint32_t volume_flags;
static struct svc_conn conn;
static struct image_out out;
static struct image_in in;
static struct load_error e;

/* What storage was asked and has not answered; answers on their way. */
static struct blk_req asked[CALLS];
static uint32_t n_asked, n_writes, n_flushes, fail_write;
static struct blk_rsp answers[CALLS];
static uint32_t n_answers;
static enum svc_end ended;
static uint32_t breaches;
/* In the order in which storage carried them out. */
static char order[4096];

/* ---- storage ---- */

static void carry_out(const struct blk_req *q, struct blk_rsp *r)
{
	*r = (struct blk_rsp){ .id = q->id };
	switch (q->op) {
	case BLK_INFO:
		r->result = volume_size / BLK_SECTOR;
		r->flags = volume_flags;
		break;
	case BLK_WRITE:
		n_writes++;
		r->status = n_writes == fail_write ? -SK_E_IO : 0;
		assert_true(q->sector * BLK_SECTOR + q->length <= volume_size);
		if (!r->status)
			memcpy(volume + q->sector * BLK_SECTOR, conn.data + q->offset,
				q->length);
		strcat(order, q->sector ? "d" : volume[0] ? "h" : "w");
		break;
	case BLK_READ:
		assert_true(q->sector * BLK_SECTOR + q->length <= volume_size);
		memcpy(conn.data, volume + q->sector * BLK_SECTOR, q->length);
		break;
	default:
		n_flushes++;
		strcat(order, "f");
		break;
	}
}

int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	assert_true(c == &conn && len == sizeof(asked[0]) && n_asked < CALLS);
	memcpy(&asked[n_asked++], rec, len);
	return 0;
}

static bool storage_answers(void)
{
	if (!n_asked)
		return false;
	carry_out(&asked[0], &answers[n_answers++]);
	memmove(asked, asked + 1, --n_asked * sizeof(asked[0]));
	return true;
}

int ring_get(struct ring *r, void *buf, uint32_t max)
{
	assert_true(r == &conn.rsp && max == sizeof(answers[0]));
	if (!n_answers)
		return -SK_E_AGAIN;
	memcpy(buf, &answers[0], max);
	memmove(answers, answers + 1, --n_answers * sizeof(answers[0]));
	return (int)max;
}

static uint32_t restarts;

int svc_wait_record(struct svc_conn *c, void *buf, uint32_t max, sk_time_t deadline)
{
	(void)deadline;
	if (restarts) { /* storage has started again, and does not know the request */
		restarts--;
		n_asked = 0;
		return -SK_E_RESTARTED;
	}
	assert_true(storage_answers());
	return ring_get(&c->rsp, buf, max);
}

int svc_checked(struct svc_conn *c, int rc)
{
	(void)c;
	return rc;
}

enum svc_end svc_end(const struct svc_conn *c)
{
	(void)c;
	return ended;
}

const char *svc_end_text(enum svc_end why)
{
	(void)why;
	return "it has ended";
}

void svc_settle(struct svc_conn *c) { (void)c; }

void svc_breach(struct svc_conn *c, const char *how)
{
	(void)c;
	(void)how;
	breaches++;
}

/* ---- writing ---- */

static int setup(void **state)
{
	(void)state;
	volume = volume ? volume : malloc(VOLUME);
	good = good ? good : malloc(VOLUME);
	conn.data = conn.data ? conn.data : malloc(IMAGE_BUFFERS * IMAGE_BUFFER);
	conn.data_size = IMAGE_BUFFERS * IMAGE_BUFFER;
	memset(volume, 0xee, VOLUME);
	volume_size = VOLUME;
	volume_flags = BLK_HAS_FLUSH;
	n_asked = n_answers = n_writes = n_flushes = fail_write = breaches = restarts = 0;
	ended = (enum svc_end)0;
	order[0] = '\0';
	e.text[0] = '\0';
	sample_any = false;
	sample_pages = SAMPLE_PAGES_MAX;
	return 0;
}

static struct stream_out *writer;

static void begin(void)
{
	writer = sample_writer();
	assert_int_equal(
		image_out_begin(&out, &conn, CONFIG, sizeof(CONFIG) - 1, sample_fill, writer),
		0);
	image_out_run(&out);
}

/* Storage answers, or the guest stops, or the writer has its next turn. */
static void write_step(void)
{
	if (!storage_answers() && image_out_wants(&out) && writer->phase == STREAM_WAIT)
		sample_stop(writer);
	image_out_run(&out);
}

static void writer_runs(void)
{
	while (out.step < IMAGE_DONE && (n_asked || image_out_wants(&out)))
		write_step();
}

static void write_all(void)
{
	begin();
	writer_runs();
}

static void written(void)
{
	(void)setup(NULL);
	write_all();
	assert_int_equal(out.step, IMAGE_DONE);
	memcpy(good, volume, VOLUME);
}

static int reading(void)
{
	const struct stream_sink sink = { .read = image_in_read,
		.page = sample_put,
		.ctx = &in,
		.state = sample_state_read() };
	int rc;

	e.text[0] = '\0';
	sample_seen = 0;
	rc = image_in_open(&in, &conn, &e);
	if (!rc)
		rc = stream_read(sample_reader(), &sink, &e);
	return rc ? rc : image_in_check(&in);
}

static void read_fails(const char *why)
{
	assert_int_not_equal(reading(), 0);
	if (!strstr(e.text, why))
		fail_msg("refused because '%s'", e.text);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	written();
	assert_string_equal(order, "wfddfhf");
	assert_int_equal(reading(), 0);
	assert_string_equal(in.config, CONFIG);
	assert_int_equal(sample_seen, sample_pages + SAMPLE_REST);
}

static void blocks_may_be_large(void **state)
{
	(void)state;
	volume_flags |= blk_block_info(4096);
	write_all();
	assert_int_equal(out.step, IMAGE_DONE);
	assert_int_equal(reading(), 0);
	(void)setup(state);
	volume_flags |= blk_block_info(65536);
	write_all();
	assert_int_equal(out.step, IMAGE_FAILED);
	assert_non_null(strstr(out.e.text, "blocks of the volume are too large"));
}

/* After each answer that storage gave, the volume as it is then has no saved guest. */
static void a_volume_that_was_not_written_to_its_end(void **state)
{
	(void)state;
	written();
	memcpy(volume, good, VOLUME); /* an older guest is there */
	n_asked = n_answers = 0;
	begin();
	while (n_writes < 4 + 3) {
		uint32_t asked_now = n_asked, answers_now = n_answers;

		if (n_writes > 4) { /* the wipe of this save is done */
			memcpy(good, conn.data, IMAGE_BUFFER);
			n_asked = n_answers = 0;
			read_fails("no saved guest");
			n_asked = asked_now;
			n_answers = answers_now;
			begin();
			return;
		}
		write_step();
	}
}

static void writing_fails(const char *why)
{
	write_all();
	assert_int_equal(out.step, IMAGE_FAILED);
	if (!strstr(out.e.text, why))
		fail_msg("failed because '%s'", out.e.text);
	assert_int_equal(n_asked + n_answers, 0);
	read_fails("no saved guest");
}

static void writing_may_fail(void **state)
{
	for (uint32_t n = 1; n <= 4; n++) {
		(void)setup(state);
		fail_write = n;
		writing_fails("error");
	}
	(void)setup(state);
	volume_size = 1 << 20;
	writing_fails("the volume is too small: it has 1 MiB");
	(void)setup(state);
	volume_size = 2048;
	write_all();
	assert_non_null(strstr(out.e.text, "too small for anything"));
	(void)setup(state);
	volume_flags |= BLK_READ_ONLY;
	writing_fails("read-only");
	(void)setup(state);
	begin();
	ended = SVC_END_CLOSED;
	image_out_run(&out);
	assert_int_equal(out.step, IMAGE_FAILED);
	assert_int_equal(
		image_out_begin(&out, &conn, CONFIG, VMCTL_CONFIG_MAX + 1, sample_fill, NULL),
		-SK_E_LIMIT);
}

/* Storage dies at each request, before or after it has carried it out. */
static void storage_starts_again(void **state)
{
	for (uint32_t n = 0; n < 14; n++) {
		uint32_t i = 0;

		(void)setup(state);
		begin();
		while (out.step < IMAGE_DONE) {
			if (i++ == n / 2) {
				if (n % 2 && n_asked)
					(void)storage_answers();
				n_asked = n_answers = 0;
				image_out_restarted(&out);
			}
			write_step();
		}
		assert_int_equal(out.step, IMAGE_DONE);
		restarts = 2;
		assert_int_equal(reading(), 0);
	}
}

static void storage_answers_nonsense(void **state)
{
	(void)state;
	begin();
	answers[n_answers++] = (struct blk_rsp){ .id = 77 };
	image_out_run(&out);
	assert_int_equal(breaches, 1);
	while (out.step < IMAGE_DONE)
		write_step();
	assert_int_equal(out.step, IMAGE_DONE);
}

static void an_altered_volume_is_refused(void **state)
{
	struct save_tail t;

	(void)state;
	written();
	sample_any = true;
	for (uint64_t n = 0; n < out.length; n += n < 4096 ? 5 : 4099) {
		volume[n] ^= 4;
		if (reading() == 0)
			fail_msg("byte %u was altered", (unsigned int)n);
		volume[n] ^= 4;
	}
	/* cut off, and longer than the volume */
	volume_size = 1 << 20;
	read_fails("but the volume has");
	volume_size = VOLUME;
	memcpy(&t, volume + 4096 - sizeof(t), sizeof(t));
	t.length += 8;
	memcpy(volume + 4096 - sizeof(t), &t, sizeof(t));
	read_fails("the stream ends at byte");
}

/* What Xen writes has no tail, and its stream begins at any byte. */
static void a_header_of_xen(void **state)
{
	struct xl_header h = {
		.byteorder = XL_BYTEORDER, .mandatory = 3, .optional_size = 4 + 11
	};
	uint32_t n = 11;

	(void)state;
	memcpy(h.magic, XL_MAGIC, sizeof(h.magic));
	memcpy(volume, &h, sizeof(h));
	memcpy(volume + 48, &n, 4);
	memcpy(volume + 52, "{\"c_info\":}", 11);
	(void)sample_write(volume + 63, 65536);
	assert_int_equal(reading(), 0);
	assert_string_equal(in.config, "{\"c_info\":}");
	assert_true(in.header.mandatory & XL_CONFIG_IS_JSON);
	volume[32] = 0;
	read_fails("byte order");
	volume[32] = 4;
	volume[36] = 7;
	read_fails("unknown mandatory flags 0x4");
	volume[36] = 1;
	read_fails("Xen 4.5");
	volume[36] = 3;
	volume[48] = 10;
	read_fails("unknown behind the configuration");
	volume[48] = 200;
	read_fails("the configuration in the stream has 200 bytes");
	volume[46] = 1;
	read_fails("of optional data");
}

static void other_is_written(const uint8_t *head)
{
	writer = sample_writer();
	image_out_begin_other(&out, &conn, head, 4096, sample_fill, writer);
	image_out_run(&out);
	writer_runs();
}

/* Its head comes last, too, and nothing of ours is in it. */
static void a_file_of_another_format(void **state)
{
	static uint8_t head[4096];

	memset(head, 'H', sizeof(head));
	volume_flags |= blk_block_info(4096);
	other_is_written(head);
	assert_int_equal(out.step, IMAGE_DONE);
	assert_string_equal(order, "wfddfhf");
	assert_memory_equal(volume, head, sizeof(head));
	/* it says where its parts are, so larger blocks cannot move them */
	(void)setup(state);
	volume_flags |= blk_block_info(8192);
	other_is_written(head);
	assert_int_equal(out.step, IMAGE_FAILED);
	assert_non_null(strstr(out.e.text, "blocks of the volume are too large"));
}

#define CASE(name) cmocka_unit_test_setup(name, setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_written_is_read),
		CASE(blocks_may_be_large),
		CASE(a_volume_that_was_not_written_to_its_end),
		CASE(writing_may_fail),
		CASE(storage_starts_again),
		CASE(storage_answers_nonsense),
		CASE(an_altered_volume_is_refused),
		CASE(a_header_of_xen),
		CASE(a_file_of_another_format),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
