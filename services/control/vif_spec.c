/*
 * vif_spec.c - parser for one network interface specification
 *
 * Objects     none.
 * Locks       none.
 * Lifecycle   pure functions.
 */
#include <stdio.h>
#include <string.h>

#include "vif_spec.h"

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int set_mac(struct vif_spec *v, const char *word, struct msg *m)
{
	static const uint8_t zero[VIF_MAC_SIZE];
	const char *p = word;
	int i, high, low;

	for (i = 0; i < VIF_MAC_SIZE; i++) {
		if (i && *p++ != ':')
			goto bad;
		high = nibble(*p);
		low = high < 0 ? -1 : nibble(p[1]);
		if (low < 0)
			goto bad;
		v->mac[i] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	if (*p)
		goto bad;
	if (v->mac[0] & 1)
		return msg_fail(
			m, "mac %s is a multicast address; make its first byte even", word);
	if (memcmp(v->mac, zero, sizeof(zero)) == 0)
		return msg_fail(
			m, "mac %s is no address; remove mac= to get a random one", word);
	v->mac_given = true;
	return 0;
bad:
	return msg_fail(m,
		"mac '%.40s' is not six pairs of hexadecimal digits; write 00:16:3e:00:00:01",
		word);
}

static int keep(char *to, const char *key, const char *word, struct msg *m)
{
	if (!*word)
		return msg_fail(m, "%s= is empty; give a name or remove it", key);
	if (strlen(word) > VIF_NAME_MAX)
		return msg_fail(m, "%s '%.40s...' is too long; at most %d bytes", key, word,
			VIF_NAME_MAX);
	strcpy(to, word);
	return 0;
}

static int set_bridge(struct vif_spec *v, const char *word, struct msg *m)
{
	return keep(v->bridge, "bridge", word, m);
}

static int set_model(struct vif_spec *v, const char *word, struct msg *m)
{
	return keep(v->model, "model", word, m);
}

static int set_vifname(struct vif_spec *v, const char *word, struct msg *m)
{
	return keep(v->vifname, "vifname", word, m);
}

static int set_type(struct vif_spec *v, const char *word, struct msg *m)
{
	(void)v;
	if (strcmp(word, "vif") == 0)
		return 0;
	if (strcmp(word, "ioemu") == 0)
		return msg_fail(m,
			"type=ioemu needs an emulated card, which a pvh guest has not; use type=vif");
	return msg_fail(m, "unknown type '%.40s'; use type=vif", word);
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
	(void)v;
	if (strcmp(word, "1500") == 0)
		return 0;
	return msg_fail(m, "mtu=%.20s is not supported; only 1500 is", word);
}

static int set_script(struct vif_spec *v, const char *word, struct msg *m)
{
	const char *name = strrchr(word, '/');

	(void)v;
	if (strcmp(name ? name + 1 : word, "vif-bridge") == 0)
		return 0;
	return msg_fail(m,
		"script=%.60s: network scripts are not supported; only vif-bridge, the default",
		word);
}

/* Keys of the manual that have no function here: what to do instead. */
static const struct {
	const char *key, *advice;
} refused[] = {
	{ "ip", "addresses are not filtered here; remove it" },
	{ "rate", "there is no rate limit here; remove it" },
	{ "gatewaydev", "there is no routed mode here; use bridge=xenbr0" },
	{ "netdev", "there is no routed mode here; use bridge=xenbr0" },
	{ "devid", "interfaces are numbered in the order of the list; remove it" },
	{ "vlan", "there are no VLANs here; remove it" },
	{ "accel", "there is no such accelerator here; remove it" },
};

static const struct {
	const char *key;
	int (*set)(struct vif_spec *, const char *, struct msg *);
} keys[] = {
	{ "mac", set_mac },
	{ "bridge", set_bridge },
	{ "model", set_model },
	{ "vifname", set_vifname },
	{ "type", set_type },
	{ "backend", set_backend },
	{ "mtu", set_mtu },
	{ "script", set_script },
};

static int set_key(struct vif_spec *v, const char *key, const char *word, struct msg *m)
{
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i].key) == 0)
			return keys[i].set(v, word, m);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strcmp(key, refused[i].key) == 0)
			return msg_fail(m, "%s= is not supported: %s", key, refused[i].advice);
	return msg_fail(m, "unknown parameter '%.60s'; see xl-network-configuration(5)", key);
}

static int parse_word(struct vif_spec *v, char *word, struct msg *m)
{
	char *equals = strchr(word, '=');

	if (!*word)
		return 0;
	if (!equals) {
		if (strcmp(word, "trusted") != 0 && strcmp(word, "untrusted") != 0)
			return msg_fail(m,
				"'%.60s' is not key=value; write it like bridge=xenbr0", word);
		v->trusted = word[0] == 't';
		return 0;
	}
	*equals = '\0';
	return set_key(v, word, equals + 1, m);
}

int vif_spec_parse(struct vif_spec *v, const char *text, struct msg *m)
{
	char word[128];
	size_t len;
	int rc;

	*v = (struct vif_spec){ .trusted = true, .bridge = "" };
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
		rc = parse_word(v, word, m);
		if (rc)
			return rc;
	}
	if (!v->bridge[0])
		strcpy(v->bridge, "xenbr0");
	return 0;
}

void vif_spec_random_mac(struct vif_spec *v, const uint8_t random[3])
{
	const uint8_t mac[VIF_MAC_SIZE] = { 0x00, 0x16, 0x3e, random[0] & 0x7f, random[1],
		random[2] };

	memcpy(v->mac, mac, sizeof(mac));
}

void vif_mac_format(const uint8_t mac[VIF_MAC_SIZE], char text[VIF_MAC_TEXT])
{
	snprintf(text, VIF_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
}
