# SPDX-License-Identifier: BSD-2-Clause
unit-tests += ring ring_epoch ring_interleave
src-unit-ring := test/unit/ring/ring_test.c libs/ring/ring.c
inc-unit-ring := kernel/include libs
src-unit-ring_epoch := test/unit/ring/epoch_test.c libs/ring/ring.c
inc-unit-ring_epoch := kernel/include libs
src-unit-ring_interleave := test/unit/ring/interleave_test.c
inc-unit-ring_interleave := kernel/include libs
