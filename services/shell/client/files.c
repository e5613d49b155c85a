/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.c - files and directories, one request at a time
 *
 * Objects     struct job: a file to read, a piece of one, or a directory to list. The service
 *             works on the first job of the queue, which has the whole data region.
 * Lifecycle   queued -> sent, perhaps several times for a directory -> answered and freed.
 *             A request that is under way when files starts again is sent again.
 * Invariants  FILES1 at most one request is under way
 */
#include "client/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "proto/files.h"
#include "svc/svc.h"

enum { ENTRIES_MAX = 4096 };

struct job {
	STAILQ_ENTRY(job) link;
	enum files_op op;
	bool whole; /* READ: the file must not be longer than FILES_TEXT_MAX */
	file_done_fn file_done;
	dir_done_fn dir_done;
	void *ctx;
	uint64_t position;
	struct file_entry *list; /* READDIR */
	size_t n;
	char path[FILES_PATH_MAX];
};

static STAILQ_HEAD(, job) jobs = STAILQ_HEAD_INITIALIZER(jobs);
static struct svc_conn *chan;
static bool under_way;
static uint64_t last_id;

const char *files_error_text(int status)
{
	switch (-status) {
	case SK_E_NOT_FOUND:
		return "no such file or directory";
	case SK_E_LIMIT:
		return "too large";
	case SK_E_STATE:
		return "not a file of this kind";
	case SK_E_INVAL:
		return "not a valid path";
	case SK_E_NO_MEM:
		return "out of memory";
	default:
		return "cannot be read";
	}
}

static void job_free(struct job *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->list[i].name);
	free(j->list);
	free(j);
}

static void job_finish(struct job *j, int status, const char *text, size_t len)
{
	STAILQ_REMOVE_HEAD(&jobs, link);
	if (j->op == FILES_READDIR)
		j->dir_done(j->ctx, status, j->list, status ? 0 : j->n);
	else
		j->file_done(j->ctx, status, text, len);
	job_free(j);
}

static bool send_job(struct job *j)
{
	struct {
		struct files_req q;
		char path[FILES_PATH_MAX];
	} rec = { .q = { .op = j->op,
			  .path_len = (uint32_t)strlen(j->path),
			  .id = ++last_id,
			  .position = j->position } };

	rec.q.length = chan->data_size;
	if (j->op == FILES_READ && rec.q.length > FILES_TEXT_MAX + 1)
		rec.q.length = FILES_TEXT_MAX + 1;
	memcpy(rec.path, j->path, rec.q.path_len);
	return svc_request(chan, &rec, (uint32_t)sizeof(rec.q) + rec.q.path_len) == 0;
}

static void jobs_pump(void)
{
	while (!under_way && !STAILQ_EMPTY(&jobs)) {
		under_way = send_job(STAILQ_FIRST(&jobs)); /* FILES1 */
		if (!under_way)
			job_finish(STAILQ_FIRST(&jobs), -SK_E_IO, NULL, 0);
	}
}

static bool entry_add(struct job *j, const struct files_dirent *e, const char *name)
{
	struct file_entry *bigger;

	if ((e->name_len == 1 && name[0] == '.') ||
		(e->name_len == 2 && name[0] == '.' && name[1] == '.'))
		return true;
	if (j->n % 64 == 0) {
		bigger = realloc(j->list, (j->n + 64) * sizeof(*bigger));
		if (!bigger)
			return false;
		j->list = bigger;
	}
	j->list[j->n].name = strndup(name, e->name_len);
	j->list[j->n].size = e->size;
	j->list[j->n].directory = e->type == FILES_DIRECTORY;
	if (!j->list[j->n].name)
		return false;
	j->n++;
	return true;
}

/* Take the entries that fill the data region. 0 or -SK_E_*. */
static int entries_take(struct job *j, uint64_t count)
{
	struct files_dirent e;
	uint64_t at = 0;

	while (count--) {
		if (chan->data_size - at < sizeof(e))
			return -SK_E_PEER;
		memcpy(&e, chan->data + at, sizeof(e));
		if (e.record_len < sizeof(e) || e.record_len > chan->data_size - at ||
			e.name_len > e.record_len - sizeof(e))
			return -SK_E_PEER;
		if (j->n == ENTRIES_MAX)
			return -SK_E_LIMIT;
		if (!entry_add(j, &e, (const char *)chan->data + at + sizeof(e)))
			return -SK_E_NO_MEM;
		at += e.record_len;
		j->position++;
	}
	return 0;
}

static int entry_compare(const void *a, const void *b)
{
	return strcmp(
		((const struct file_entry *)a)->name, ((const struct file_entry *)b)->name);
}

static void dir_answered(struct job *j, const struct files_rsp *r)
{
	int rc = r->status;

	if (!rc && r->result) {
		rc = entries_take(j, r->result);
		if (!rc)
			return; /* jobs_pump() asks for the next ones */
	}
	if (!rc && j->n)
		qsort(j->list, j->n, sizeof(*j->list), entry_compare);
	job_finish(j, rc, NULL, 0);
}

static void file_answered(struct job *j, const struct files_rsp *r)
{
	uint64_t len = r->result;

	if (r->status) {
		job_finish(j, r->status, NULL, 0);
		return;
	}
	if (len > chan->data_size)
		job_finish(j, -SK_E_PEER, NULL, 0);
	else if (j->whole && len > FILES_TEXT_MAX)
		job_finish(j, -SK_E_LIMIT, NULL, 0);
	else
		job_finish(j, 0, (const char *)chan->data,
			len < FILES_TEXT_MAX ? len : FILES_TEXT_MAX);
}

static void record_received(const void *rec, uint32_t len)
{
	struct job *j = STAILQ_FIRST(&jobs);
	struct files_rsp r;

	if (len != sizeof(r))
		return;
	memcpy(&r, rec, sizeof(r));
	if (!j || !under_way || r.id != last_id)
		return;
	under_way = false;
	if (j->op == FILES_READDIR)
		dir_answered(j, &r);
	else
		file_answered(j, &r);
	jobs_pump();
}

static void files_event(void *ctx)
{
	static struct files_rsp rec;

	(void)ctx;
	svc_drain(chan, &rec, sizeof(rec), record_received);
}

/*
 * Files has started again, or has ended for good. A job has its path and its position, so it
 * goes on; if nothing can be sent, jobs_pump() ends it and all others.
 */
static void files_again(void *ctx)
{
	(void)ctx;
	under_way = false;
	jobs_pump();
}

static int job_start(struct job *j, const char *path)
{
	if (!chan || strlen(path) >= sizeof(j->path)) {
		job_free(j);
		return chan ? -SK_E_INVAL : -SK_E_NOT_FOUND;
	}
	strcpy(j->path, path);
	STAILQ_INSERT_TAIL(&jobs, j, link);
	jobs_pump();
	return 0;
}

int files_read_at(const char *path, uint64_t position, file_done_fn fn, void *ctx)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return -SK_E_NO_MEM;
	j->op = FILES_READ;
	j->file_done = fn;
	j->ctx = ctx;
	j->position = position;
	return job_start(j, path);
}

int files_read(const char *path, file_done_fn fn, void *ctx)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return -SK_E_NO_MEM;
	j->op = FILES_READ;
	j->whole = true;
	j->file_done = fn;
	j->ctx = ctx;
	return job_start(j, path);
}

int files_list(const char *path, dir_done_fn fn, void *ctx)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return -SK_E_NO_MEM;
	j->op = FILES_READDIR;
	j->dir_done = fn;
	j->ctx = ctx;
	return job_start(j, path);
}

int files_client_init(void)
{
	int rc;

	chan = svc_channel("files");
	if (!chan)
		return -SK_E_NOT_FOUND;
	rc = svc_on_epoch(chan, files_again, NULL);
	if (!rc)
		rc = svc_on_end(chan, files_again, NULL);
	return rc ? rc : svc_on_channel(chan, files_event, NULL);
}
