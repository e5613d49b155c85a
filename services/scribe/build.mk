# SPDX-License-Identifier: BSD-2-Clause
# scribe: what control does with guests, as nodes in xenstore
domains += scribe
src-scribe := $(wildcard services/scribe/*.c)
use-scribe := toolstack svc base
