# SPDX-License-Identifier: BSD-2-Clause
domains += platform
src-platform := services/platform/main.c services/platform/acpi.c services/platform/pci.c \
	services/platform/reset.c services/platform/rtc.c services/platform/devmem.c
use-platform := svc caps sys base rt
