/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_test.c - compiled manifests with one thing wrong each
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "policy.h"
#include "proto/svc.h"

/* Two domains, a channel between them, kept memory, and one capability. */
struct sample {
	struct manifest_header h;
	struct manifest_domain d[2];
	struct manifest_channel c[2];
	struct manifest_cap cap[1];
};

static struct sample sample(void)
{
	struct sample s = {
		.h = { MANIFEST_MAGIC, MANIFEST_VERSION, sizeof(s), 2, 2, 1, "bin/vmm" },
		.d = { { .name = "console",
			       .binary = "bin/console",
			       .serves = SVC_PROTO_CONSOLE },
			{ .name = "files",
				.binary = "bin/files",
				.n_channels = 2,
				.services = 1 } },
		.c = { { .name = "log", .proto = SVC_PROTO_LOG, .data_size = UINT64_MAX },
			{ .name = "journal", .service = MANIFEST_NONE, .data_size = 65536 } },
		.cap = { { .name = "ports",
			.kind = MANIFEST_CAP_PORTS,
			.a = 0x60,
			.b = 0x64 } },
	};

	for (unsigned int i = 0; i < 2; i++) {
		s.d[i].priority = 20;
		s.d[i].weight = 256;
		s.d[i].cnode_order = 15;
		s.d[i].stack_order = 16;
		s.d[i].n_untyped = 1;
		s.d[i].untyped_order[0] = 20;
	}
	s.d[0].n_caps = 1;
	s.d[1].serves = SVC_PROTO_FILES;
	s.d[0].dev = (struct manifest_device){
		.kind = MANIFEST_PORTS, .name = "uart", .port = 0x3f8, .n_ports = 8, .n_irqs = 1
	};
	return s;
}

static void good(void **state)
{
	struct sample s = sample();
	struct manifest m;
	const char *why;

	(void)state;
	assert_int_equal(manifest_decode(&s, sizeof(s), &m, &why), 0);
	assert_ptr_equal(m.domain, s.d);
	assert_ptr_equal(m.channel, s.c);
	assert_ptr_equal(m.cap, s.cap);
}

static void refused(const struct sample *s, uint64_t size)
{
	struct manifest m;
	const char *why = NULL;

	assert_int_equal(manifest_decode(s, size, &m, &why), -SK_E_INVAL);
	assert_non_null(why);
}

/* Setting this one field to the value makes the manifest bad. */
#define BAD(field, value) \
	do { \
		struct sample s_ = sample(); \
		s_.field = (value); \
		refused(&s_, sizeof(s_)); \
	} while (0)
#define FULL(field) \
	do { \
		struct sample s_ = sample(); \
		memset(s_.field, 'x', sizeof(s_.field)); \
		refused(&s_, sizeof(s_)); \
	} while (0)

static void bad_layout(void **state)
{
	struct sample s = sample();

	(void)state;
	refused(&s, 0);
	refused(&s, sizeof(s.h) - 1);
	refused(&s, sizeof(s) - 1);
	BAD(h.magic, 1);
	BAD(h.version, 2);
	BAD(h.size, sizeof(struct sample) - 8);
	BAD(h.n_domains, 0);
	BAD(h.n_domains, MANIFEST_DOMAINS_MAX + 1);
	BAD(h.n_domains, 3);
	BAD(h.n_channels, 0x10000002);
	BAD(h.n_caps, 2);
	BAD(h.guest_image[0], 0);
	FULL(h.guest_image);
}

static void bad_domains(void **state)
{
	(void)state;
	FULL(d[0].name);
	BAD(d[0].name[0], 0);
	FULL(d[1].binary);
	FULL(d[1].args);
	FULL(d[1].archive_file);
	FULL(d[1].replaces);
	BAD(d[0].flags, 8);
	BAD(d[0].serves, SVC_PROTO_END);
	BAD(d[0].priority, 32);
	BAD(d[0].weight, 0);
	BAD(d[0].cpu, 64);
	BAD(d[0].budget_us, 1);
	BAD(d[0].cnode_order, 14);
	BAD(d[0].cnode_order, 22);
	BAD(d[0].stack_order, 40);
	BAD(d[0].n_untyped, 0);
	BAD(d[0].n_untyped, MANIFEST_UNTYPED_MAX + 1);
	BAD(d[0].untyped_order[0], 11);
	BAD(d[0].untyped_order[0], 63);
	BAD(d[1].n_channels, 3);
	BAD(d[1].first_channel, 3);
	BAD(d[1].first_channel, UINT32_MAX);
	BAD(d[0].n_caps, 2);
	BAD(d[0].first_cap, 2);
	BAD(d[1].services, 4);
}

static void bad_devices(void **state)
{
	struct sample s = sample();
	struct manifest m;
	const char *why;

	(void)state;
	s.d[0].dev.kind = MANIFEST_PCI;
	s.d[0].dev.n_irqs = 8;
	assert_int_equal(manifest_decode(&s, sizeof(s), &m, &why), 0);
	s.d[0].dev.n_irqs = 9;
	refused(&s, sizeof(s));
	BAD(d[0].dev.kind, 3);
	BAD(d[0].dev.flags, 4);
	BAD(d[0].dev.name[0], 0);
	BAD(d[0].dev.n_irqs, 9);
	BAD(d[0].dev.n_irqs, 0);
	BAD(d[0].dev.n_ports, 0);
	BAD(d[0].dev.port, 0xfffc);
}

static void bad_channels(void **state)
{
	(void)state;
	BAD(c[0].name[0], 0);
	BAD(c[0].service, 1); /* the domain itself */
	BAD(c[0].service, 7);
	BAD(c[0].proto, 0);
	BAD(c[0].proto, SVC_PROTO_END);
	BAD(c[0].proto, SVC_PROTO_BLK);
	BAD(d[0].serves, 0);
	BAD(c[0].flags, 4);
	BAD(c[0].params_len, MANIFEST_PARAMS_MAX + 1);
	BAD(c[0].data_size, 1ull << 40);
	BAD(c[1].data_size, 2048);
	BAD(c[1].data_size, 65536 + 4096);
	BAD(c[1].data_size, UINT64_MAX);
	BAD(c[1].proto, SVC_PROTO_BLK);
	BAD(c[1].params_len, 1);
}

static void bad_caps(void **state)
{
	(void)state;
	BAD(cap[0].name[0], 0);
	BAD(cap[0].kind, 0);
	BAD(cap[0].kind, MANIFEST_CAP_END);
	BAD(cap[0].b, 0x10000);
	BAD(cap[0].a, 0x65);
	BAD(cap[0].reserved, 1);
}

/* Nothing lies behind the last channel: an index beyond it would leave the block. */
static void channels_at_the_end(void **state)
{
	struct sample s = sample();
	uint64_t size = sizeof(s) - sizeof(s.cap);
	struct sample *copy;

	(void)state;
	s.h.n_caps = s.d[0].n_caps = 0;
	s.h.size = (uint32_t)size;
	s.d[1].n_channels = 3;
	copy = malloc(size);
	memcpy(copy, &s, size);
	refused(copy, size);
	free(copy);
}

/* Records that all fit the block, but exceed init's tables. */
static void records_without_room(void **state)
{
	static const uint32_t most[3] = { MANIFEST_DOMAINS_MAX, MANIFEST_CHANNELS_MAX,
		MANIFEST_CAPS_MAX };

	(void)state;
	for (unsigned int which = 0; which < 3; which++)
		for (unsigned int beyond = 0; beyond < 2; beyond++) {
			struct sample s = sample();
			uint32_t n[3] = { 1, 0, 0 };
			struct manifest_header *h;
			struct manifest_domain *d;
			struct manifest m;
			const char *why;
			size_t size;

			n[which] = most[which] + beyond;
			size = sizeof(*h) + n[0] * sizeof(s.d[0]) + n[1] * sizeof(s.c[0]) +
			       n[2] * sizeof(s.cap[0]);
			h = calloc(1, size);
			*h = s.h;
			h->size = (uint32_t)size;
			h->n_domains = n[0];
			h->n_channels = n[1];
			h->n_caps = n[2];
			d = (struct manifest_domain *)(h + 1);
			for (uint32_t i = 0; i < n[0]; i++) {
				d[i] = s.d[1];
				d[i].n_channels = d[i].services = 0;
			}
			for (uint32_t i = 0; i < n[2]; i++)
				((struct manifest_cap *)(d + n[0]))[i] = s.cap[0];
			assert_int_equal(
				manifest_decode(h, size, &m, &why), beyond ? -SK_E_INVAL : 0);
			free(h);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad_layout),
		cmocka_unit_test(bad_domains),
		cmocka_unit_test(bad_devices),
		cmocka_unit_test(bad_channels),
		cmocka_unit_test(bad_caps),
		cmocka_unit_test(channels_at_the_end),
		cmocka_unit_test(records_without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
