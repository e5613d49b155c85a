# SPDX-License-Identifier: BSD-2-Clause
libs += svc
use-svc := rt caps ring sys base
cflags-svc := -mgeneral-regs-only
src-svc := libs/svc/account.c libs/svc/args.c libs/svc/channel.c libs/svc/client.c libs/svc/edge.c libs/svc/loop.c libs/svc/rings.c libs/svc/serve.c libs/svc/turn.c libs/svc/wait.c
