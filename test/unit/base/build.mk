unit-tests += base
src-unit-base := test/unit/base/base_test.c libs/base/error.c
