/* SPDX-License-Identifier: BSD-2-Clause */
/* verbs_script.h - a verb that waits for a guest's state */
#ifndef CONTROL_VERBS_SCRIPT_H
#define CONTROL_VERBS_SCRIPT_H

/* Some guest may have changed: if it is in the state that `wait` names, the verb ends. */
void script_look(void);

#endif
