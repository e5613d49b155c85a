qemu-ktest-bench_deadlines := -icount shift=0,sleep=off
