/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_text.h - the values of a guest's configuration as people write them */
#ifndef TOOLSTACK_GUEST_TEXT_H
#define TOOLSTACK_GUEST_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/guest_config.h"
#include "toolstack/msg.h"

enum { UUID_TEXT = 37, VIF_MAC_TEXT = 18, VIF_MTU = 1500 };

/* Fill `size` bytes with random ones. */
typedef void (*guest_random_fn)(void *buf, size_t size);

const char *guest_action_name(uint32_t a);
const char *guest_type_name(uint32_t t);

/* Is it a name that a guest may have? 0, or -1 with *m. */
int guest_name_check(const char *name, struct msg *m);

void uuid_format(const uint8_t uuid[UUID_SIZE], char text[UUID_TEXT]);
int uuid_parse_text(const char *text, uint8_t uuid[UUID_SIZE]);
/* Mark random bytes as a version 4 UUID. */
void uuid_make_random(uint8_t uuid[UUID_SIZE], guest_random_fn random);

/* "00:16:3e:xx:xx:xx", VIF_MAC_TEXT bytes with the terminator. */
void vif_mac_format(const uint8_t mac[VIF_MAC_SIZE], char text[VIF_MAC_TEXT]);

#endif
