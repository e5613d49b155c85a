# SPDX-License-Identifier: BSD-2-Clause
domains += uart
src-uart := drivers/uart/main.c drivers/uart/ns16550.c
use-uart := svc sys base
