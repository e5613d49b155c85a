# SPDX-License-Identifier: BSD-2-Clause
libs += dma
src-dma := libs/dma/dma.c
use-dma := caps sys
