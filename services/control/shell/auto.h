/* auto.h - the guests that start with the host */
#ifndef CONTROL_AUTO_H
#define CONTROL_AUTO_H

/* Start the guests of /guests/auto, then call fn; earlier, and then again, when one of them takes very long. */
void auto_start(void (*fn)(void));

#endif
