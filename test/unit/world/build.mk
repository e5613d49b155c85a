# SPDX-License-Identifier: BSD-2-Clause
# The parts of a test of a whole domain, whose main() is called domain_main(), and exit() domain_exit(): see world.h.
world = test/unit/world/world.c $(filter-out libs/svc/edge.c,$(src-svc)) libs/ring/ring.c libs/base/error.c
world-cflags := -iquote test/unit/world/fake -Dmain=domain_main -Dexit=domain_exit -Wno-missing-prototypes
