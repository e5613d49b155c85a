# SPDX-License-Identifier: BSD-2-Clause
domains += console
src-console := $(wildcard services/console/*.c)
use-console := svc caps sys base
