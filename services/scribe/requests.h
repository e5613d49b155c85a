/* SPDX-License-Identifier: BSD-2-Clause */
/* requests.h - the requests of control: proto/scribe.h */
#ifndef SCRIBE_REQUESTS_H
#define SCRIBE_REQUESTS_H

#include <sk/types.h>

/*
 * Serve control. xenstore.h is ready. lost: called when there is no memory for a job; if it
 * returns, the job has failed.
 */
int requests_init(void (*lost)(void)) must_check;

#endif
