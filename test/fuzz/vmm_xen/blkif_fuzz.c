/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkif_fuzz.c - arbitrary ring contents, grants and answers of storage: requests stay inside
 * the data region and the disk
 */
#include "device.h"
#include "fuzz.h"

#include <stdio.h>

enum { SECTORS = 4096 };
static struct front front;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_quiet = true;
	fake_guest();
	disk_make(SECTORS, BLK_HAS_FLUSH, false);
	disk_connect(&front, "x86_64-abi");
	return 0;
}

/* A new front end with the protocol that the input chooses. */
static void reconnect(const char *protocol)
{
	fake_xs_set(VBD_FE "/state", "6");
	fake_xs_set(VBD_FE "/state", "1");
	MUST(strcmp(fake_xs_get(VBD_BE "/state"), "2") == 0);
	memset(at(RING_PAGE * SK_PAGE_SIZE), 0, 4096);
	ring_word(RING_PAGE, 4, 1);
	ring_word(RING_PAGE, 12, 1);
	fake_xs_set(VBD_FE "/protocol", protocol);
	fake_xs_set(VBD_FE "/state", "3");
	MUST(strcmp(fake_xs_get(VBD_BE "/state"), "4") == 0);
}

/* Answers the requests that have come; false: there were none. */
static bool storage_run(struct feed *f)
{
	static uint8_t busy[256];
	struct blk_req q[64];
	uint32_t n = 0, i;
	uint64_t pg;

	memset(busy, 0, sizeof(busy));
	while (n < 64 && storage_take(&q[n])) {
		MUST(q[n].op == BLK_READ || q[n].op == BLK_WRITE || q[n].op == BLK_FLUSH);
		if (q[n].op == BLK_READ || q[n].op == BLK_WRITE) {
			MUST(q[n].length && q[n].length % 512 == 0);
			MUST(q[n].offset <= 1048576 && q[n].length <= 1048576 - q[n].offset);
			MUST(q[n].sector <= SECTORS &&
				q[n].length / 512 <= SECTORS - q[n].sector);
			for (pg = q[n].offset / SK_PAGE_SIZE;
				pg <= (q[n].offset + q[n].length - 1) / SK_PAGE_SIZE; pg++) {
				MUST(!busy[pg]);
				busy[pg] = 1;
			}
		}
		n++;
	}
	for (i = 0; i < n; i++)
		storage_answer(&q[i], feed8(f) & 7 ? 0 : -SK_E_IO);
	return n != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = { data, size };
	uint8_t mode = feed8(&f);
	uint32_t prod, i;

	if ((mode & 15) == 0 || strcmp(fake_xs_get(VBD_BE "/state"), "4"))
		reconnect(mode & 16 ? "x86_32-abi" : "x86_64-abi");
	grants_make();
	for (i = mode >> 6; i; i--)
		grant_give(DATA_PAGE + feed8(&f) % 16, feed16(&f), feed8(&f), feed8(&f) & 1);
	prod = ring_word_get(RING_PAGE, 8) + feed8(&f) % 40;
	ring_word(RING_PAGE, 12, ring_word_get(RING_PAGE, 8) + 1);
	feed_copy(&f, at(DATA_PAGE * SK_PAGE_SIZE), 256); /* segments of indirect requests */
	for (i = ring_word_get(RING_PAGE, 8); i != prod && f.left; i++)
		feed_copy(&f, ring_entry(RING_PAGE, i, mode & 32 ? 108 : 112, 32), 60);
	ring_word(RING_PAGE, 0, prod);
	guest_send(front.port);
	while (storage_run(
		&f)) /* leaves nothing in flight, so the next front end need not wait */
		continue;
	return 0;
}
