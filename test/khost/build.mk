# The kernel's core as a program of this machine: random calls against a model (khost_fuzz), all orders of accesses of two or
# three CPUs (khost_explore), and whether these two still find faults that the kernel once had (khost_old).
khost-core := $(patsubst %,kernel/%.c,cap check cnode endpoint heap irq log notification sched space syscall thread untyped vcpu)
khost-cflags := -DCHECKED -DWINDOW_BASE=0x200000000000ull -Dmemcpy=khost_memcpy -Dmemset=khost_memset -fno-strict-aliasing \
	-fno-builtin -O2
khost-link := -no-pie -Wl,-T,test/khost/state.ld

# khost_fuzz: with the sanitizers; the same sources as a target of libFuzzer
khost-fuzz-src := $(khost-core) $(patsubst %,test/khost/%.c,calls choice fake_arch fake_cpu fake_tlb fuzz model model_calls model_ipc model_space world)
unit-tests += khost_fuzz
src-unit-khost_fuzz := $(khost-fuzz-src)
inc-unit-khost_fuzz := kernel . test/khost
cflags-unit-khost_fuzz := $(khost-cflags)
ldlibs-unit-khost_fuzz := $(khost-link)
fuzzers += khost
src-fuzz-khost := $(khost-fuzz-src)
inc-fuzz-khost := kernel . test/khost
cflags-fuzz-khost := $(khost-cflags)
ldlibs-fuzz-khost := $(khost-link)
seeds-fuzz-khost := test/khost/seeds
