# Parts of the kernel that can be tried alone on this machine.
unit-tests += kernel_tree_lock
src-unit-kernel_tree_lock := test/unit/kernel/tree_lock_test.c kernel/cap.c
inc-unit-kernel_tree_lock := kernel/include kernel
