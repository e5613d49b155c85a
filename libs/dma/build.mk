libs += dma
src-dma := libs/dma/dma.c
use-dma := caps sys
