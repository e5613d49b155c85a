/* SPDX-License-Identifier: BSD-2-Clause */
/* vif_spec.c - parser for one network interface specification */
#include "config/vif_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/ip_range.h"

enum { MTU_LEAST = 68 /* RFC 791 */, RATE_US_DEFAULT = 50000 };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The value of one or two hexadecimal digits; moves *p. -1: there is none. */
static int hex_octet(const char **p)
{
	int high = hex_digit(**p), low;

	if (high < 0)
		return -1;
	low = hex_digit(*++*p);
	if (low < 0)
		return high;
	++*p;
	return high << 4 | low;
}

static int set_mac(struct vif_spec *v, const char *word, struct msg *m)
{
	static const uint8_t zero[VIF_MAC_SIZE];
	const char *p = word;
	int value;

	for (int i = 0; i < VIF_MAC_SIZE; i++) {
		if (i && *p != ':' && *p != '-')
			goto bad;
		p += i != 0;
		value = hex_octet(&p);
		if (value < 0)
			goto bad;
		v->mac[i] = (uint8_t)value;
	}
	if (*p)
		goto bad;
	if (v->mac[0] & 1)
		return msg_fail(
			m, "mac %s is a multicast address; make its first byte even", word);
	if (memcmp(v->mac, zero, sizeof(zero)) == 0)
		return msg_fail(m,
			"mac %s is not a valid address; remove mac= to get a random one", word);
	v->mac_given = true;
	return 0;
bad:
	return msg_fail(m,
		"mac '%.40s' is not six pairs of hexadecimal digits; write 00:16:3e:00:00:01",
		word);
}

static int word_set(char *to, size_t size, const char *key, const char *word, struct msg *m)
{
	if (!*word)
		return msg_fail(m, "%s= is empty; give a name or remove it", key);
	if (strlen(word) >= size)
		return msg_fail(
			m, "%s '%.40s...' is too long; at most %zu bytes", key, word, size - 1);
	strcpy(to, word);
	return 0;
}

static int set_bridge(struct vif_spec *v, const char *word, struct msg *m)
{
	return word_set(v->bridge, sizeof(v->bridge), "bridge", word, m);
}

static int set_model(struct vif_spec *v, const char *word, struct msg *m)
{
	return word_set(v->model, sizeof(v->model), "model", word, m);
}

static int set_vifname(struct vif_spec *v, const char *word, struct msg *m)
{
	return word_set(v->vifname, sizeof(v->vifname), "vifname", word, m);
}

static int set_ip(struct vif_spec *v, const char *word, struct msg *m)
{
	int n = ip_ranges_parse(word, v->source, m);

	if (n < 0)
		return -1;
	v->n_sources = (uint32_t)n;
	return word_set(v->ip, sizeof(v->ip), "ip", word, m);
}

/* Only scripts for routing use it, which are refused. It is kept for tools, as by xl. */
static int set_gatewaydev(struct vif_spec *v, const char *word, struct msg *m)
{
	return word_set(v->gatewaydev, sizeof(v->gatewaydev), "gatewaydev", word, m);
}

static int set_devid(struct vif_spec *v, const char *word, struct msg *m)
{
	size_t n = strspn(word, "0123456789");

	if (!n || n > 4 || word[n])
		return msg_fail(m, "devid=%.20s is not a number; remove it", word);
	v->devid = atoi(word);
	return 0;
}

static int set_backend(struct vif_spec *v, const char *word, struct msg *m)
{
	(void)v;
	if (strcmp(word, "0") == 0 || strcmp(word, "Domain-0") == 0)
		return 0;
	return msg_fail(m, "backend=%.60s: driver domains are not supported; remove it", word);
}

static int set_mtu(struct vif_spec *v, const char *word, struct msg *m)
{
	size_t digits = strspn(word, "0123456789");
	unsigned long mtu = strtoul(word, NULL, 10);

	if (!digits || digits > 4 || word[digits] || mtu < MTU_LEAST || mtu > VIF_MTU)
		return msg_fail(m, "mtu=%.20s is not supported; %d to %d are", word, MTU_LEAST,
			VIF_MTU);
	v->mtu = (uint32_t)mtu;
	return 0;
}

static int set_script(struct vif_spec *v, const char *word, struct msg *m)
{
	const char *name = strrchr(word, '/');

	(void)v;
	if (strcmp(name ? name + 1 : word, "vif-bridge") == 0)
		return 0;
	return msg_fail(m,
		"script=%.60s: network scripts are not supported, except for the default, vif-bridge",
		word);
}

static int rate_wrong(const char *word, struct msg *m)
{
	return msg_fail(m,
		"rate=%.40s is not a rate; write bits or bytes per second, as in 100Mb/s or 1MB/s, perhaps with an interval, as in 100Mb/s@20ms",
		word);
}

/* "[GMK]b/s" or "[GMK]B/s": bytes per second of n of it; moves *p. 0: another unit. */
static uint64_t rate_unit(const char **p, uint64_t n)
{
	static const char prefixes[] = "KMG";
	const char *prefix = **p ? strchr(prefixes, **p) : NULL;

	if (prefix) {
		++*p;
		for (const char *q = prefixes; q <= prefix; q++)
			n *= 1000;
	}
	if ((**p != 'b' && **p != 'B') || strncmp(*p + 1, "/s", 2) != 0)
		return 0;
	n /= **p == 'b' ? 8 : 1;
	*p += 3;
	return n;
}

/* "ms", "us", "s", or their first letters; nothing means seconds. 0: wrong, or too long. */
static uint64_t interval_us(const char *p, uint64_t n)
{
	uint64_t us = *p == 'm' ? n * 1000 : *p == 'u' ? n : n * 1000000;

	p += *p == 'm' || *p == 'u';
	p += *p == 's';
	return *p || us > UINT32_MAX ? 0 : us;
}

/* As libxl, in numbers that xl reads the same: up to 2^32 - 1 of a unit. */
static int set_rate(struct vif_spec *v, const char *word, struct msg *m)
{
	uint64_t per_second, us = RATE_US_DEFAULT, n;
	const char *p = word;
	char *end;

	n = strtoull(p, &end, 10);
	if (strspn(p, "0123456789") == 0 || n > UINT32_MAX)
		return rate_wrong(word, m);
	p = end;
	per_second = rate_unit(&p, n);
	if (*p == '@') {
		n = strtoull(++p, &end, 10);
		us = strspn(p, "0123456789") && n <= UINT32_MAX ? interval_us(end, n) : 0;
		p = end + strlen(end);
	}
	if (!per_second || *p || !us || per_second > UINT64_MAX / us)
		return rate_wrong(word, m);
	v->rate_bytes = per_second * us / 1000000;
	v->rate_us = (uint32_t)us;
	if (!v->rate_bytes)
		return msg_fail(m, "rate=%.40s is less than a byte in an interval", word);
	return 0;
}

static const struct {
	const char *key;
	int (*set)(struct vif_spec *, const char *, struct msg *);
} keys[] = {
	{ "mac", set_mac },
	{ "bridge", set_bridge },
	{ "model", set_model },
	{ "vifname", set_vifname },
	{ "ip", set_ip },
	{ "gatewaydev", set_gatewaydev },
	{ "netdev", set_gatewaydev },
	{ "devid", set_devid },
	{ "backend", set_backend },
	{ "mtu", set_mtu },
	{ "script", set_script },
	{ "rate", set_rate },
};

static void word_ignore(const char *key, struct msg *ignored)
{
	size_t n = strlen(ignored->text);

	snprintf(ignored->text + n, sizeof(ignored->text) - n, "%s'%.60s'",
		n ? ", " : "unknown, ignored as by xl: ", key);
}

static int set_key(struct vif_spec *v, const char *key, const char *word, struct msg *ignored,
	struct msg *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(key, keys[i].key) == 0)
			return keys[i].set(v, word, m);
	if (strcmp(key, "type") == 0 && strcmp(word, "vif") == 0)
		return 0;
	if (strcmp(key, "type") == 0 && strcmp(word, "ioemu") == 0)
		return msg_fail(m,
			"type=ioemu needs an emulated card, which a pvh guest does not have; use type=vif");
	word_ignore(key, ignored);
	return 0;
}

static int parse_word(struct vif_spec *v, char *word, struct msg *ignored, struct msg *m)
{
	char *equals = strchr(word, '=');

	if (!*word)
		return 0;
	if (strcmp(word, "trusted") == 0 || strcmp(word, "untrusted") == 0) {
		v->trusted = word[0] == 't';
		return 0;
	}
	if (!equals) {
		word_ignore(word, ignored);
		return 0;
	}
	*equals = '\0';
	return set_key(v, word, equals + 1, ignored, m);
}

int vif_spec_parse(struct vif_spec *v, const char *text, struct msg *ignored, struct msg *m)
{
	char word[192];
	size_t len;
	int rc;

	ignored->text[0] = '\0';
	*v = (struct vif_spec){ .trusted = true, .devid = -1 };
	while (*text) {
		text += strspn(text, " \t\n");
		len = strcspn(text, ",");
		if (len >= sizeof(word))
			return msg_fail(m, "'%.40s...' is too long", text);
		memcpy(word, text, len);
		text += text[len] ? len + 1 : len;
		while (len && strchr(" \t\n", word[len - 1]))
			len--;
		word[len] = '\0';
		rc = parse_word(v, word, ignored, m);
		if (rc)
			return rc;
	}
	if (!v->bridge[0])
		strcpy(v->bridge, VIF_BRIDGE_DEFAULT);
	strcpy(v->network, v->bridge);
	return 0;
}

void vif_spec_random_mac(struct vif_spec *v, const uint8_t random[3])
{
	const uint8_t mac[VIF_MAC_SIZE] = { 0x00, 0x16, 0x3e, random[0] & 0x7f, random[1],
		random[2] };

	memcpy(v->mac, mac, sizeof(mac));
}
