/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.h - circular queues: the queue is its first element, NULL when empty
 */
#ifndef KERNEL_QUEUE_H
#define KERNEL_QUEUE_H

#include <stddef.h>

struct link {
	struct link *next, *prev;
};

/* Append at the end, which in a circle is just before the first element. */
static inline void queue_append(struct link **queue, struct link *l)
{
	struct link *first = *queue ? *queue : l;

	if (first == l)
		l->prev = *queue = l;
	l->next = first;
	l->prev = first->prev;
	first->prev->next = l;
	first->prev = l;
}
static inline void queue_remove(struct link **queue, struct link *l)
{
	l->next->prev = l->prev;
	l->prev->next = l->next;
	if (*queue == l)
		*queue = l->next == l ? NULL : l->next;
}

#endif
