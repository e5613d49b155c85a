fuzzers += console
src-fuzz-console := test/fuzz/console/console_fuzz.c services/console/input.c services/console/textlog.c services/console/bootlog.c libs/ring/ring.c
inc-fuzz-console := kernel/include libs services/console
seeds-fuzz-console := test/fuzz/console/seeds-console
