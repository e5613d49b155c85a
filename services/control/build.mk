# control: the toolstack and its shell.
domains += control
src-control := $(wildcard services/control/*.c)
use-control := proc svc ring caps sys
