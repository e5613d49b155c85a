# Skerry - one graph for kernel, libraries, domains, images and tests. `make help` lists targets and variables.
#
# Every component directory has a build.mk that only sets variables (see docs/building.md); the rules are here.
# All paths are relative to the top of the tree; everything that is made goes below $(O).

MAKEFLAGS += -rR --no-print-directory
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

O ?= build
B := $(patsubst %/,%,$(O))
CROSS_COMPILE ?= x86_64-linux-gnu-
SYSROOT ?= $(if $(wildcard build/sysroot/.key/e2fsprogs),build/sysroot,$(B)/sysroot)
CONFIG ?= configs/default.toml
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s%s\n' "$(1)" "$(2)";)

CC = $(CROSS_COMPILE)gcc
LD = $(CROSS_COMPILE)ld
AR = $(CROSS_COMPILE)ar
NM = $(CROSS_COMPILE)nm
OBJCOPY = $(CROSS_COMPILE)objcopy
STRIP = $(CROSS_COMPILE)strip
SIZE = $(CROSS_COMPILE)size
HOSTCC = gcc
CLANG = clang
PYTHON = /usr/bin/python3
export SOURCE_DATE_EPOCH ?= 0
export LC_ALL := C

# ---- components -------------------------------------------------------------------------------------------------

libs :=
domains :=
unit-tests :=
fuzzers :=
kernel-tests :=
src-kernel :=
include $(sort $(wildcard kernel/build.mk boot/build.mk libs/*/build.mk drivers/*/build.mk services/*/build.mk \
	test/*/build.mk test/*/*/build.mk))

obj = $(patsubst %,$(B)/obj/$(1)/%.o,$(basename $(2)))
# a component's libraries with theirs
uses = $(sort $(use-$(1)) $(foreach l,$(use-$(1)),$(call uses,$(l))))
present = $(filter $(libs),$(1))

# ---- flags ------------------------------------------------------------------------------------------------------

# asked for once, and only when something is compiled: a fresh machine has no compiler yet
gccinc = $(eval gccinc := $$(shell $(CC) -print-file-name=include))$(gccinc)
libgcc = $(eval libgcc := $$(shell $(CC) -print-libgcc-file-name))$(libgcc)

warnings := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
prefix-map = -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(B)=build -ffile-prefix-map=$(SYSROOT)=build/sysroot
deps = -MMD -MP -MF $(@:.o=.d)
include-paths = -Ikernel/include -Ilibs -Ilibs/proto $(patsubst %,-Ilibs/%,$(1))

kernel-cflags = -std=gnu11 -ffreestanding -nostdinc -isystem $(gccinc) -O2 -g -fno-pic -fno-pie -mcmodel=kernel \
	-mno-red-zone -mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-omit-frame-pointer -fno-strict-aliasing -fno-common -fcf-protection=none $(warnings) $(prefix-map) \
	-Ikernel/include -Ikernel -I. $(cflags-kernel)
kernel-ldflags = -m elf_x86_64 -static -nostdlib --build-id=none -z noexecstack -z max-page-size=4096 --fatal-warnings

user-cflags = -std=gnu11 -nostdinc -isystem $(gccinc) -isystem $(SYSROOT)/include -isystem $(SYSROOT)/xeninc \
	-isystem $(SYSROOT)/zycore -U__linux__ -U__gnu_linux__ -U__unix__ -Ulinux -Uunix -U__linux -U__unix \
	-D__skerry__=1 -D__DYNAMIC_REENT__ -O2 -g -fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -ftls-model=local-exec -fno-common \
	-ffunction-sections -fdata-sections $(warnings) $(prefix-map)
# the linker itself, not the compiler's driver, which would look into the build machine's own libraries
user-ldflags = -m elf_x86_64 -static -nostdlib -T tools/user.ld --gc-sections --build-id=none -z noexecstack \
	-z max-page-size=4096 --fatal-warnings -u _start -L$(SYSROOT)/lib

host-cflags = -std=gnu11 -O1 -g -fno-omit-frame-pointer $(warnings) $(prefix-map) -Itest $(call include-paths) \
	-isystem $(SYSROOT)/xeninc
unit-cflags = $(host-cflags) -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz-cflags = $(host-cflags) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DFUZZING=1

# ---- set-up -----------------------------------------------------------------------------------------------------

packages := $(B)/stamp/packages
sysroot := $(SYSROOT)/.stamp

$(packages): tools/setup tools/packages.txt
	$(Q)mkdir -p $(@D)
	$(Q)CROSS_COMPILE=$(CROSS_COMPILE) tools/setup packages
	$(Q)touch $@

$(sysroot): tools/setup $(wildcard tools/sysroot/*.sh tools/sysroot/*/* tools/sysroot/*/*/*) | $(packages)
	$(Q)CROSS_COMPILE=$(CROSS_COMPILE) tools/setup sysroot $(SYSROOT)
	$(Q)touch $@

.PHONY: setup
setup: $(packages) $(sysroot)

# ---- kernel -----------------------------------------------------------------------------------------------------

kernel-elf := $(B)/kernel.elf
kernel-objs := $(call obj,kernel,$(src-kernel))
kernel-link = $(LD) $(kernel-ldflags) -T $(ldscript-kernel) -o $@ $(kernel-objs) $(1)

$(B)/obj/kernel/%.o: %.c | $(packages)
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(kernel-cflags) $(cflags-$<) $(deps) -c $< -o $@
$(B)/obj/kernel/%.o: %.S | $(packages)
	$(Q)mkdir -p $(@D)
	$(call say,AS,$<)$(CC) $(kernel-cflags) -D__ASSEMBLY__ $(deps) -c $< -o $@

# The symbol table is part of the image that it describes: link with an empty one, then with one of the
# right size, then with the right addresses; the last two must agree.
$(B)/ksyms/0.S: tools/ksyms
	$(Q)mkdir -p $(@D)
	$(Q)tools/ksyms $@ </dev/null
$(B)/ksyms/%.S: $(B)/ksyms/%.elf tools/ksyms
	$(Q)$(NM) -n $< | tools/ksyms $@
$(B)/ksyms/%.o: $(B)/ksyms/%.S
	$(Q)$(CC) -I$(@D) -ffile-prefix-map=$(B)=build -c $< -o $@
$(B)/ksyms/1.elf: $(kernel-objs) $(B)/ksyms/0.o $(ldscript-kernel)
	$(Q)$(call kernel-link,$(B)/ksyms/0.o)
$(B)/ksyms/2.elf: $(B)/ksyms/1.o
	$(Q)$(call kernel-link,$<)
$(kernel-elf): $(B)/ksyms/2.o
	$(call say,LD,$@)$(call kernel-link,$<)
	$(Q)$(NM) -n $@ | tools/ksyms $(B)/ksyms/check.S && cmp $(B)/ksyms/check.bin $(B)/ksyms/2.bin
.PRECIOUS: $(B)/ksyms/%.S $(B)/ksyms/%.o $(B)/ksyms/%.elf

# ---- libraries --------------------------------------------------------------------------------------------------

define lib-rules
$(B)/obj/lib-$(1)/%.o: %.c | $(sysroot)
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(CC) $$(user-cflags) $$(call include-paths,$(1) $$(call uses,$(1))) $$(cflags-$(1)) $$(deps) -c $$< -o $$@
$(B)/obj/lib-$(1)/%.o: %.S | $(sysroot)
	$$(Q)mkdir -p $$(@D)
	$$(call say,AS,$$<)$$(CC) $$(user-cflags) -D__ASSEMBLY__ $$(call include-paths,$(1) $$(call uses,$(1))) $$(cflags-$(1)) $$(deps) -c $$< -o $$@
$(B)/lib/libsk_$(1).a: $(call obj,lib-$(1),$(src-$(1)))
	$$(Q)mkdir -p $$(@D); rm -f $$@
	$$(call say,AR,$$@)$$(AR) rcsD $$@ $$^
endef
$(foreach l,$(libs),$(eval $(call lib-rules,$(l))))

# ---- domains and kernel tests: static programs for the target ---------------------------------------------------

# $(1) object directory, $(2) program, $(3) suffix of the variables, $(4) sources
define program-rules
$(B)/obj/$(1)/%.o: %.c | $(sysroot)
	$$(Q)mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(CC) $$(user-cflags) $$(call include-paths,$$(call uses,$(3))) $$(cflags-$(3)) $$(deps) -c $$< -o $$@
$(B)/obj/$(1)/%.o: %.S | $(sysroot)
	$$(Q)mkdir -p $$(@D)
	$$(call say,AS,$$<)$$(CC) $$(user-cflags) -D__ASSEMBLY__ $$(call include-paths,$$(call uses,$(3))) $$(cflags-$(3)) $$(deps) -c $$< -o $$@
$(2).elf: $(call obj,$(1),$(4)) $(patsubst %,$(B)/lib/libsk_%.a,$(call present,$(call uses,$(3)))) tools/user.ld
	$$(Q)mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(LD) $$(user-ldflags) -Map $(2).map -o $$@ $$(filter %.o,$$^) --start-group $$(filter %.a,$$^) \
		$$(patsubst %,-l%,$$(extlibs-$(3)) $$(foreach l,$$(call uses,$(3)),$$(extlibs-$$(l)))) -lc -lm $$(libgcc) --end-group
$(2): $(2).elf
	$$(Q)$$(STRIP) --strip-all -R .comment -o $$@ $$<
endef
$(foreach d,$(domains),$(eval $(call program-rules,dom-$(d),$(B)/bin/$(d),$(d),$(src-$(d)))))
$(foreach t,$(kernel-tests),$(eval $(call program-rules,ktest-$(t),$(B)/ktest/$(t),ktest-$(t),$(src-ktest-$(t)))))

domain-bins := $(patsubst %,$(B)/bin/%,$(domains))
ktest-archives := $(patsubst %,$(B)/ktest/%.img,$(kernel-tests))

$(B)/ktest/%.img: $(B)/ktest/% tools/mkarchive
	$(Q)tools/mkarchive -o $@ --init $<

# ---- host tests -------------------------------------------------------------------------------------------------

define unit-rules
$(B)/obj/unit-$(1)/%.o: %.c | $(packages) $(sysroot)
	$$(Q)mkdir -p $$(@D)
	$$(call say,HOSTCC,$$<)$$(HOSTCC) $$(unit-cflags) $$(patsubst %,-I%,$$(inc-unit-$(1))) $$(cflags-unit-$(1)) $$(deps) -c $$< -o $$@
$(B)/unit/$(1): $(call obj,unit-$(1),$(src-unit-$(1)))
	$$(Q)mkdir -p $$(@D)
	$$(call say,HOSTLD,$$@)$$(HOSTCC) -fsanitize=address,undefined -o $$@ $$^ -lcmocka $$(ldlibs-unit-$(1))
endef
define fuzz-rules
$(B)/obj/fuzz-$(1)/%.o: %.c | $(packages) $(sysroot)
	$$(Q)mkdir -p $$(@D)
	$$(call say,CLANG,$$<)$$(CLANG) $$(fuzz-cflags) $$(patsubst %,-I%,$$(inc-fuzz-$(1))) $$(cflags-fuzz-$(1)) $$(deps) -c $$< -o $$@
$(B)/fuzz/$(1): $(call obj,fuzz-$(1),$(src-fuzz-$(1)))
	$$(Q)mkdir -p $$(@D)
	$$(call say,CLANGLD,$$@)$$(CLANG) -fsanitize=fuzzer,address,undefined -o $$@ $$^ $$(ldlibs-fuzz-$(1))
endef
$(foreach t,$(unit-tests),$(eval $(call unit-rules,$(t))))
$(foreach t,$(fuzzers),$(eval $(call fuzz-rules,$(t))))

unit-bins := $(patsubst %,$(B)/unit/%,$(unit-tests))
fuzz-bins := $(patsubst %,$(B)/fuzz/%,$(fuzzers))

.PHONY: all kernel domains
all: $(if $(src-kernel),$(kernel-elf)) $(domain-bins)
kernel: $(kernel-elf)
domains: $(domain-bins)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
