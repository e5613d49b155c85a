/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial.c - the connection with the UART's driver
 *
 * Objects     text_out: the text that was put into the ring last.
 * Invariants  SERIAL1 the driver may have sent the text before `sent`, and not that from
 *                     text_out.end on
 */
#include "serial.h"

#include "base/tail.h"
#include "proto/console.h"
#include "terminal.h"

enum { PIECE = 256 };

struct serial_record {
	struct console_msg m;
	char text[CONSOLE_CHUNK_MAX];
};

static struct svc_conn *uart;
static struct tail text_out;
/* Positions in `text_out`: where the driver's present epoch began, and what it has sent. */
static uint32_t begin, sent;

bool record_put(struct svc_conn *c, uint16_t type, uint32_t arg, const char *text, size_t len)
{
	const struct console_msg m = { .type = type, .len = (uint16_t)len, .arg = arg };
	struct ring *r = conn_out(c);
	int rc = ring_put2(r, &m, sizeof(m), text, (uint32_t)len);

	if (rc == -SK_E_AGAIN && !ring_room_idle(r, (uint32_t)(sizeof(m) + len)))
		return false;
	if (rc == -SK_E_AGAIN)
		rc = ring_put2(r, &m, sizeof(m), text, (uint32_t)len);
	svc_settle(c);
	return svc_checked(c, rc) == 0;
}

/* Send again what was lost with the driver. False: no room now. */
static bool again(void)
{
	char text[CONSOLE_CHUNK_MAX];
	uint32_t n;

	while ((n = tail_peek(&text_out, text, sizeof(text))) != 0) {
		if (!record_put(uart, CONSOLE_DATA, 0, text, n))
			return false;
		tail_take(&text_out, n);
	}
	return true;
}

bool serial_put(const char *text, size_t len)
{
	if (!uart || uart->dead || !len)
		return true; /* without a driver, text is in the logs only */
	if (!again() || !record_put(uart, CONSOLE_DATA, 0, text, len))
		return false;
	tail_add(&text_out, text, (uint32_t)len);
	return true;
}

static size_t returns_add(const char *text, size_t n, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			to[len++] = '\r';
		to[len++] = text[i];
	}
	return len;
}

bool serial_lines(const struct textlog *l, uint64_t *pos)
{
	char text[PIECE], with_returns[2 * PIECE];

	for (;;) {
		uint64_t at = *pos;
		size_t n = textlog_read(l, &at, text, sizeof(text));

		if (n == 0)
			return true;
		if (!serial_put(with_returns, returns_add(text, n, with_returns)))
			return false;
		*pos = at;
	}
}

bool serial_text(const struct textlog *l, uint64_t *pos, uint64_t end, bool *changes)
{
	char text[PIECE];

	while (*pos < end) {
		uint64_t at = *pos, left = end - *pos;
		size_t n = textlog_read(
			l, &at, text, left < sizeof(text) ? (size_t)left : sizeof(text));

		if (n == 0)
			return true;
		if (!serial_put(text, n))
			return false;
		*pos = at;
		*changes = *changes || terminal_changes(text, n);
	}
	return true;
}

/* The driver counts from the beginning of its epoch. False: it cannot have sent so much. */
static bool sent_up_to(uint32_t n)
{
	if (begin + n - sent > text_out.next - sent) /* SERIAL1 */
		return false;
	sent = begin + n;
	return true;
}

static bool record_take(struct input *in, const struct serial_record *r, uint32_t len)
{
	if (len < sizeof(r->m) || r->m.len != len - sizeof(r->m))
		return false;
	if (r->m.type == CONSOLE_DATA)
		input_add(in, r->text, r->m.len);
	return r->m.type == CONSOLE_DATA || (r->m.type == CONSOLE_SENT && sent_up_to(r->m.arg));
}

static void driver_restarted(void *ctx)
{
	(void)ctx;
	(void)tail_back(&text_out, sent);
	begin = text_out.next;
	sent = text_out.next;
}

bool serial_take(struct input *in)
{
	struct serial_record r;
	bool any = false;
	int rc;

	(void)again();
	while (input_room(in) >= CONSOLE_CHUNK_MAX) {
		rc = svc_next_record(uart, &r, sizeof(r));
		if (rc == -SK_E_RESTARTED) {
			driver_restarted(NULL);
			(void)again();
			continue;
		}
		if (rc < 0)
			break;
		if (!record_take(in, &r, (uint32_t)rc))
			svc_breach(uart, "what is no text, or a report of more than there was");
		any = true;
	}
	svc_settle(uart);
	return any;
}

int serial_init(svc_handler_fn fn)
{
	int rc;

	uart = svc_channel("uart");
	if (!uart)
		return -SK_E_NOT_FOUND;
	rc = svc_on_epoch(uart, driver_restarted, NULL);
	return rc ? rc : svc_on_channel(uart, fn, NULL);
}
