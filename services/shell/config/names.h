/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.h - the host's table of names: what disks and bridges that guests' files name are here
 *
 * Files that were written for another host name its volumes, images and bridges. Each line of
 * the table says what one of them is on this host:
 *
 *   disk   /dev/vg/web       web      the partition with that name
 *   disk   /srv/images/STAR  STAR     STAR is a star, for any text, the same in both
 *   bridge br1               xenbr0   the switch with that name
 *
 * The first line that fits counts. A # begins a comment.
 */
#ifndef SHELL_NAMES_H
#define SHELL_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "config/path.h"
#include "config/report.h"

#define NAMES_FILE GUESTS_DIR "/names.map"

enum { NAMES_WORD_MAX = 255 };

#define NAMES_KINDS(X) X(DISK, "disk") X(BRIDGE, "bridge")
#define X(sym, name) NAMES_##sym,
enum names_kind { NAMES_KINDS(X) NAMES_KIND_COUNT };
#undef X

struct names {
	char *text; /* of the table; NULL: there is none */
};

/* Keep a copy of the table. 0, or -1: no memory. */
int names_init(struct names *n, const char *text, size_t len);
void names_fini(struct names *n);

/* A remark about each line that says nothing. */
void names_check(const struct names *n, struct report *r);

/*
 * What `name` is here, in to[size]. False: the table does not say, or the answer is too long. n
 * may be NULL.
 */
bool names_find(
	const struct names *n, enum names_kind kind, const char *name, char *to, size_t size);

#endif
