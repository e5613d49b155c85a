/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - files: read-only files for control (any path) and for VMMs (one file each)
 *
 * Objects     struct client in svc_conn.priv: the files that the client may read.
 * Lifecycle   the volume is mounted once, at start; without a volume every path is NOT_FOUND.
 * Trust       a file system made by others is parsed here, apart from storage and control. A
 *             malicious one could only gain read access to this volume and the data regions of
 *             its readers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/files.h"
#include "svc/svc.h"
#include "tree.h"
#include "volume.h"

struct client {
	bool browse;
	/* The file of a FILE connection. */
	struct tree_file file;
};

/* A request as it comes out of the ring. */
struct record {
	struct files_req q;
	char path[FILES_PATH_MAX];
};

static int request_file(const struct client *cl, const struct record *r, struct tree_file *f)
{
	if (!cl->browse) {
		*f = cl->file;
		return r->q.path_len == 0 ? 0 : -SK_E_DENIED;
	}
	return tree_find(r->path, r->q.path_len, f);
}

static int request_execute(struct svc_conn *c, const struct record *r, struct files_rsp *rsp)
{
	struct tree_file f;
	int rc = request_file(c->priv, r, &f);

	if (rc)
		return rc;
	if (r->q.offset > c->data_size || r->q.length > c->data_size - r->q.offset)
		return -SK_E_RANGE;
	svc_charge(c, r->q.length);
	switch (r->q.op) {
	case FILES_READ:
		return tree_read(
			&f, r->q.position, c->data + r->q.offset, r->q.length, &rsp->result);
	case FILES_STAT:
		rsp->result = f.size;
		rsp->type = f.type;
		rsp->mtime = f.mtime;
		return 0;
	case FILES_READDIR:
		return tree_list(
			&f, r->q.position, c->data + r->q.offset, r->q.length, &rsp->result);
	default:
		return -SK_E_INVAL;
	}
}

static int request_serve(struct svc_conn *c, const struct record *r, uint32_t len)
{
	struct files_rsp rsp = { .id = r->q.id };

	if (len < sizeof(r->q) || len - sizeof(r->q) != r->q.path_len)
		return -SK_E_PEER;
	rsp.status = request_execute(c, r, &rsp);
	return svc_respond(c, &rsp, sizeof(rsp));
}

static int client_event(struct svc_conn *c)
{
	struct record r;
	int rc;

	while (svc_room(c, sizeof(struct files_rsp), 1)) {
		rc = svc_get(c, &r, sizeof(r));
		if (rc == -SK_E_AGAIN)
			return 0;
		if (rc < 0 || request_serve(c, &r, (uint32_t)rc))
			return -SK_E_PEER;
	}
	return 0;
}

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	const struct files_params *p = params;
	struct client *cl;
	int rc = 0;

	if (params_len != sizeof(*p) || p->reserved ||
		(p->kind != FILES_BROWSE && p->kind != FILES_FILE))
		return -SK_E_INVAL;
	cl = calloc(1, sizeof(*cl));
	if (!cl)
		return -SK_E_NO_MEM;
	cl->browse = p->kind == FILES_BROWSE;
	if (!cl->browse) {
		rc = tree_find(p->path, (uint32_t)strnlen(p->path, FILES_PATH_MAX), &cl->file);
		if (rc == 0 && cl->file.type != FILES_REGULAR)
			rc = -SK_E_INVAL;
		result[0] = cl->file.size;
		result[1] = cl->file.ino;
	}
	if (rc) {
		free(cl);
		return rc;
	}
	c->priv = cl;
	return 0;
}

static int client_close(struct svc_conn *c)
{
	free(c->priv);
	c->priv = NULL;
	return 0;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_FILES,
	.min_data = 4096,
	.open = client_open,
	.event = client_event,
	.close = client_close,
};

/*
 * The volume is the channel "blk", or an archive member, which the args image=ADDRESS and
 * image-size=BYTES name.
 */
static int volume_set_up(void)
{
	struct svc_conn *storage = svc_channel("blk");
	char address[24], size[24];

	if (storage)
		return volume_use_channel(storage);
	if (!svc_arg("image", address, sizeof(address)) ||
		!svc_arg("image-size", size, sizeof(size)))
		return -SK_E_NOT_FOUND;
	volume_use_memory((const void *)strtoull(address, NULL, 0), strtoull(size, NULL, 0));
	return 0;
}

int main(void)
{
	const char *why = "no volume is connected";
	int rc = volume_set_up();

	if (rc == 0)
		rc = tree_mount(&volume_io, &why);
	if (rc)
		printf("%s is empty: %s\n", TREE_MOUNT, why);
	else
		printf("%s mounted\n", TREE_MOUNT);
	rc = svc_serve(&service);
	return rc ? rc : svc_run();
}
