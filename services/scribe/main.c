/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - scribe: writes into xenstore what control does with guests
 *
 * control holds all memory of guests. So that it parses nothing of xenstore, which all guests
 * can write to, and knows none of its paths, this domain speaks to xenstore for it.
 *
 * layout.c says which nodes there are, xenstore.c asks for them, and requests.c takes requests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "requests.h"
#include "svc/svc.h"
#include "xenstore.h"

/*
 * Jobs are small, and there is one at a time. So memory has leaked; the next life has all of
 * it, and control asks once more.
 */
static void memory_lost(void)
{
	printf("the scribe has lost its memory, so it ends\n");
	exit(1);
}

int main(void)
{
	int rc;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	rc = xs_client_init();
	if (!rc)
		rc = requests_init(memory_lost);
	if (rc) {
		printf("scribe: %s\n", sk_error_text(rc));
		return 1;
	}
	return svc_run();
}
