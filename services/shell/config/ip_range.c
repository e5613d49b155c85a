/* SPDX-License-Identifier: BSD-2-Clause */
/* ip_range.c - parser for addresses of IPv4 and IPv6 */
#include "config/ip_range.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 63, GROUPS = 8, V4_BITS = 32, V6_BITS = 128 };

/* Reads a number without a sign; moves *p behind it. -1: there is none, or it is above max. */
static int number(const char **p, int base, unsigned long max)
{
	size_t digits = strspn(*p, base == 16 ? "0123456789abcdefABCDEF" : "0123456789");
	unsigned long value = strtoul(*p, NULL, base);

	if (!digits || digits > 4 || value > max)
		return -1;
	*p += digits;
	return (int)value;
}

/* Four numbers with dots between; moves *p behind them. */
static bool v4_parse(const char **p, uint8_t to[4])
{
	for (int i = 0; i < 4; i++) {
		int byte;

		if (i && *(*p)++ != '.')
			return false;
		byte = number(p, 10, 255);
		if (byte < 0)
			return false;
		to[i] = (uint8_t)byte;
	}
	return true;
}

/*
 * RFC 4291, section 2.2: up to eight groups of 16 bits, "::" once for zeros, and perhaps an
 * address of IPv4 at the end. Moves *p behind it.
 */
static bool v6_parse(const char **p, uint8_t to[16])
{
	uint8_t bytes[16] = { 0 };
	size_t n = 0, gap = SIZE_MAX;

	if (strncmp(*p, "::", 2) == 0) {
		gap = 0;
		*p += 2;
	}
	while (n < sizeof(bytes) && **p && **p != '/') {
		const char *word = *p;
		int group = number(p, 16, 0xffff);

		if (group >= 0 && **p == '.' && n <= sizeof(bytes) - 4) {
			*p = word;
			if (!v4_parse(p, bytes + n))
				return false;
			n += 4;
			break;
		}
		if (group < 0)
			return false;
		bytes[n++] = (uint8_t)(group >> 8);
		bytes[n++] = (uint8_t)group;
		if (strncmp(*p, "::", 2) == 0 && gap == SIZE_MAX) {
			gap = n;
			*p += 2;
		} else if (**p == ':' && (*p)[1] && (*p)[1] != '/') {
			++*p;
		} else {
			break;
		}
	}
	if (gap == SIZE_MAX && n == sizeof(bytes))
		gap = n; /* all groups were given */
	else if (gap == SIZE_MAX || n == sizeof(bytes))
		return false;
	memcpy(to, bytes, gap);
	memset(to + gap, 0, sizeof(bytes) - n);
	memcpy(to + gap + sizeof(bytes) - n, bytes + gap, n - gap);
	return true;
}

/* The first bits of an address that count; the others are cleared. */
static void range_cut(struct net_range *r)
{
	for (uint32_t i = 0; i < 16; i++)
		if (i * 8 >= r->bits)
			r->address[i] = 0;
		else if (r->bits - i * 8 < 8)
			r->address[i] &= (uint8_t)(0xff00u >> (r->bits - i * 8));
}

static bool range_parse(const char *p, struct net_range *r)
{
	bool v6 = strchr(p, ':');
	uint32_t all = v6 ? V6_BITS : V4_BITS;
	int bits = (int)all;

	*r = (struct net_range){ .bits = 0 };
	if (!v6)
		r->address[10] = r->address[11] = 0xff;
	if (!(v6 ? v6_parse(&p, r->address) : v4_parse(&p, r->address + 12)))
		return false;
	if (*p == '/') {
		p++;
		bits = number(&p, 10, all);
	}
	if (*p || bits < 0)
		return false;
	r->bits = V6_BITS - all + (uint32_t)bits;
	range_cut(r);
	return true;
}

int ip_ranges_parse(const char *text, struct net_range to[NET_RANGES], struct msg *m)
{
	unsigned int n = 0;

	for (;;) {
		char word[WORD_MAX + 1];
		size_t len;

		text += strspn(text, " \t");
		len = strcspn(text, " \t");
		if (!len)
			return (int)n;
		if (n == NET_RANGES)
			return msg_fail(m, "ip= has more than %u addresses", NET_RANGES);
		if (len <= WORD_MAX) {
			memcpy(word, text, len);
			word[len] = '\0';
		}
		if (len > WORD_MAX || !range_parse(word, &to[n]))
			return msg_fail(m,
				"ip='%.40s' is not an address; write ip=10.0.0.5, or ip=10.0.0.0/24 for a network",
				text);
		text += len;
		n++;
	}
}
