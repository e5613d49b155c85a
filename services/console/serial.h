/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial.h - the connection with the UART's driver: text out, typed bytes in
 *
 * The driver says how much text has left it (SENT). If it is restarted, the text goes on from
 * there, so that at most a piece that was just on its way appears twice.
 */
#ifndef CONSOLE_SERIAL_H
#define CONSOLE_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"
#include "svc/svc.h"
#include "textlog.h"

/* fn is called when there may be room for more text, or input. */
int serial_init(svc_handler_fn fn) must_check;
/* False: no room now. */
bool serial_put(const char *text, size_t len);
/*
 * Sends a log from *pos on, up to its end or `end`; true if all of that was sent. The lines of
 * a log of this domain have bare newlines. A guest's terminal driver sends its own carriage
 * returns; its text may change the state of the user's terminal, and *changes says so.
 */
bool serial_lines(const struct textlog *l, uint64_t *pos);
bool serial_text(const struct textlog *l, uint64_t *pos, uint64_t end, bool *changes);
/*
 * Takes as much from the UART as there is room for; the rest stays in the ring, which stalls
 * the user's typing. True: there was some.
 */
bool serial_take(struct input *in);

/* One record to a service or a client. False: no room now. */
bool record_put(struct svc_conn *c, uint16_t type, uint32_t arg, const char *text, size_t len);

#endif
