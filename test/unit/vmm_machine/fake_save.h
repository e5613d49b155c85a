/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_save.h - save.c and restore.c as vmctl.c sees them, and the wait for a record */
#ifndef FAKE_SAVE_H
#define FAKE_SAVE_H

static bool saving;
static uint32_t abandons, resumes, text_left;

void save_begin(const void *body, uint32_t len)
{
	(void)body;
	saving = len == sizeof(struct vmctl_save);
}

void save_text(uint32_t at, const void *body, uint32_t len)
{
	(void)body;
	assert_int_equal(at + len, 9);
}

void save_abandon(void)
{
	abandons++;
	saving = false;
}

bool save_busy(void) { return saving; }

void save_resume(void) { resumes++; }

void save_advance(void) {}

void restore_advance(void) {}

uint32_t save_message(uint32_t type, uint32_t *arg, char *text)
{
	*arg = type == VMCTL_SAVED;
	memcpy(text, "why", 4);
	return *arg ? 4 : 0;
}

uint32_t restore_message(uint32_t *arg, char *text)
{
	*arg = 3 - text_left;
	memset(text, 'x', VMCTL_TEXT_MAX);
	return text_left ? VMCTL_TEXT_MAX : 0;
}

bool restore_more(void) { return text_left && text_left--; }

int svc_wait_record(struct svc_conn *c, void *buf, uint32_t max, sk_time_t deadline)
{
	(void)deadline;
	return ring_get(&c->rsp, buf, max);
}

#endif
