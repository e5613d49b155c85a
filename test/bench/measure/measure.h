/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.h - the parts of the measuring program
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

/* Print what failed, and end the program. */
_Noreturn void die(const char *what);
/* The line that names the row between the last two marks, of n units. */
void row_print(const char *name, uint64_t n);

/* read|write|transaction COUNT ROW */
void store_main(char **arg);
/* DEVICE read|write random|sequential BYTES DEPTH COUNT ROW */
void disk_main(char **arg);
/* what: one of the words of usage; arg: HOST PORT N ROW. */
void net_main(const char *what, char **arg);
/* Serve the other end; does not return. PORT 0: any, which is printed. */
_Noreturn void net_serve(uint16_t port);

#endif
