# SPDX-License-Identifier: BSD-2-Clause
# what requests to the store cost, on this machine
host-benches += xs_cost
src-hbench-xs_cost := test/bench/xenstore/xs_cost.c $(xenstore-logic)
inc-hbench-xs_cost := services/xenstore
