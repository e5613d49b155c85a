/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront.c - a front end for one disk
 */
#include "blkfront.h"
#include "case.h"

struct front front;
uint8_t answered_op;

uint8_t *front_slot(void) { return ring_entry(RING_PAGE, front.req_prod++, 112, 32); }

void front_push(void)
{
	ring_word(RING_PAGE, 0, front.req_prod);
	guest_send(front.port);
}

void request(uint8_t op, uint64_t id, uint64_t sector, uint8_t n, uint32_t ref, uint8_t first,
	uint8_t last)
{
	struct blkif_request r = {
		.operation = op, .nr_segments = n, .id = id, .sector_number = sector
	};
	unsigned int i;

	for (i = 0; i < n && i < 11; i++)
		r.seg[i] = (struct blkif_request_segment){
			.gref = ref + i, .first_sect = first, .last_sect = last
		};
	memcpy(front_slot(), &r, sizeof(r));
	front_push();
}

int answer(uint64_t *id)
{
	struct blkif_response r;

	if (ring_word_get(RING_PAGE, 8) == front.rsp_cons)
		return 99;
	memcpy(&r, ring_entry(RING_PAGE, front.rsp_cons++, 112, 32), sizeof(r));
	*id = r.id;
	answered_op = r.operation;
	return r.status;
}

int one_answer(void)
{
	uint64_t id;

	return answer(&id);
}

void disk(bool read_only, uint32_t flags)
{
	fake_guest();
	log_quiet = true;
	disk_make(SECTORS, flags, read_only);
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "2") == 0);
	disk_connect(&front, "x86_64-abi");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "4") == 0);
}
