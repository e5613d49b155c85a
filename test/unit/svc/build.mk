# SPDX-License-Identifier: BSD-2-Clause
unit-tests += svc
src-unit-svc := test/unit/svc/svc_test.c test/unit/svc/fake.c libs/svc/args.c libs/svc/channel.c libs/svc/client.c \
	libs/svc/loop.c libs/svc/rings.c libs/svc/serve.c libs/svc/turn.c libs/ring/ring.c
inc-unit-svc := kernel/include libs
