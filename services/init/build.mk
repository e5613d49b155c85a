# SPDX-License-Identifier: BSD-2-Clause
domains += init
src-init := services/init/main.c services/init/archive.c services/init/breach.c services/init/caps.c services/init/connect.c services/init/cpio.c \
	services/init/device.c services/init/dma.c services/init/domain.c services/init/grant.c services/init/kill.c \
	services/init/log.c services/init/option.c services/init/policy.c services/init/post.c services/init/reopen.c \
	services/init/serve.c services/init/supervise.c
use-init := proc svc ring rt caps sys base
