/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_text.c - names of values, and names of guests */
#include "toolstack/guest_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define X(sym, name) name,
static const char *const action_names[] = { GUEST_ACTIONS(X) };
static const char *const type_names[] = { GUEST_TYPES(X) };
#undef X

const char *guest_action_name(uint32_t a) { return a < ACTION_COUNT ? action_names[a] : "?"; }

const char *guest_type_name(uint32_t t) { return t < GUEST_TYPE_COUNT ? type_names[t] : "?"; }

int guest_name_check(const char *name, struct msg *m)
{
	bool digits = true;

	if (!*name)
		return msg_fail(m, "a guest's name cannot be empty; give it one");
	if (strlen(name) > GUEST_NAME_MAX)
		return msg_fail(
			m, "a guest's name has at most %d bytes; shorten it", GUEST_NAME_MAX);
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 127 || *p == '/')
			return msg_fail(m,
				"a guest's name cannot contain '/', spaces or control characters; "
				"use letters, digits, - _ .");
		digits = digits && *p >= '0' && *p <= '9';
	}
	if (digits)
		return msg_fail(
			m, "the name '%s' would be taken for a domain id; add a letter", name);
	if (strcmp(name, "Domain-0") == 0)
		return msg_fail(m, "the name Domain-0 is the host's own; choose another");
	return 0;
}

void vif_mac_format(const uint8_t mac[VIF_MAC_SIZE], char text[VIF_MAC_TEXT])
{
	snprintf(text, VIF_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
}
