/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_store.h - what requests.c talks with: control, which sends records, and xenstore, which
 * answers when it is told to
 */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/scribe.h"
#include "svc/svc.h"

struct fake {
	const struct svc_service *service;
	struct svc_conn conn;
	/* The records that control has sent and the scribe has not taken. */
	struct {
		uint8_t data[SCRIBE_RECORD_MAX + 8];
		uint32_t len;
	} sent[8];
	uint32_t n_sent;
	bool no_room; /* for an answer */
	/* The last answer. */
	struct {
		struct scribe_head h;
		char data[SCRIBE_PAYLOAD_MAX];
	} answer;
	uint32_t n_answers, answer_len;
	uint32_t n_asked; /* of xenstore */
	char asked[8192]; /* one line for each: its type and its first texts */
	bool no_memory;   /* for requests to xenstore */
	uint32_t n_lost;  /* how often it had no memory */
};
extern struct fake fake;

/* All is as at the start, and control is connected. */
void fake_begin(void);
/* One record of control. The result is that of the scribe's event. */
int fake_send(
	enum scribe_op op, uint32_t flags, uint32_t domid, const void *body, uint32_t len);
int fake_turn(void);
/* xenstore answers the oldest request that it has not answered. */
void fake_answer(int err, const char *data, uint32_t len);
/* And all others. */
void fake_answer_all(int err);

#endif
