# SPDX-License-Identifier: BSD-2-Clause
unit-tests += base
src-unit-base := test/unit/base/base_test.c libs/base/error.c
