# SPDX-License-Identifier: BSD-2-Clause
unit-tests += svc
src-unit-svc = $(addprefix test/unit/svc/,svc_test.c harness.c fake.c open_test.c events_test.c close_test.c loop_test.c \
	channel_test.c restart_test.c connect_test.c account_test.c) $(filter-out libs/svc/edge.c,$(src-svc)) libs/ring/ring.c
inc-unit-svc := kernel/include libs
