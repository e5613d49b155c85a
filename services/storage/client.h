/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.h - attachments of volumes
 */
#ifndef STORAGE_CLIENT_H
#define STORAGE_CLIENT_H

#include "disk.h"
#include "volume.h"

/*
 * Attach v, which lies on d, to the client behind c. The attachment owns c->priv until it ends.
 */
int client_attach(
	struct svc_conn *c, struct disk *d, struct volume *v, bool writable) must_check;
/* As svc_service.event and .close. */
int client_event(struct svc_conn *c);
int client_close(struct svc_conn *c);
/* From now on serve the events of the disk's driver. */
int client_disk_start(struct disk *d) must_check;

#endif
