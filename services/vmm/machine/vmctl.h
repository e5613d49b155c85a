/*
 * vmctl.h - the guest as a whole: pause, stop, and what control is told
 */
#ifndef VMM_VMCTL_H
#define VMM_VMCTL_H

#include "machine/vm.h"

/* The channel to control and the kick of the I/O thread. 0 or -SK_E_*. */
int control_init(void) must_check;
/* All is built: vCPU threads run from now on. */
void control_ready(void);
/* It cannot be built: the text goes to control; returns. */
void control_failed(const char *text);

#endif
