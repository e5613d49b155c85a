/* connect.h - the connections of a guest's VMM with services */
#ifndef CONTROL_CONNECT_H
#define CONTROL_CONNECT_H

#include "guest/guest.h"

/* Make them all; guest_connected() or guest_failed() at the end, perhaps before this returns. */
void guest_connect(struct guest *g);
/* Close them all, those too that are being made; guest_disconnected() at the end, which may take long. */
void guest_disconnect(struct guest *g);
/* Is its console there to be looked at, or was it? */
bool guest_has_console(const struct guest *g);

#endif
