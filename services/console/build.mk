domains += console
src-console := $(wildcard services/console/*.c)
use-console := svc caps sys
