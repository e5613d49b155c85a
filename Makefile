# SPDX-License-Identifier: BSD-2-Clause
# Skerry - one graph for kernel, libraries, domains, images and tests. `make help` lists targets and variables.
#
# Every component directory has a build.mk that only sets variables (see docs/building.md); the rules are here.
# All paths are relative to the top of the tree; everything that is made goes below $(O).

MAKEFLAGS += -rR --no-print-directory -j$(shell nproc)
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
test-domains :=
unit-tests :=
unit-programs :=
# built like unit tests, and run by tests of test/tools
unit-helpers :=
fuzzers :=
host-benches :=
kernel-tests :=
src-kernel :=
include $(sort $(wildcard kernel/build.mk boot/build.mk libs/*/build.mk drivers/*/build.mk services/*/build.mk \
	test/*/build.mk test/*/*/build.mk))

obj = $(patsubst %,$(B)/obj/$(1)/%.o,$(basename $(2)))
# $(call uses,X): the libraries that X names, with those that these name. Libraries do not use each other in a circle.
uses = $(sort $(call uses-below,$(1),$(1)))
uses-below = $(foreach l,$(use-$(1)),$(if $(filter $(l),$(2)),$(error libraries use each other: $(2) $(l)))$(l) \
	$(call uses-below,$(l),$(2) $(l)))
present = $(filter $(libs),$(1))
# $(call recipe-of,NAME,TEXT): a file that changes when TEXT does, so that what a build.mk says is a prerequisite too
same = $(and $(findstring x$(1)x,x$(2)x),$(findstring x$(2)x,x$(1)x))
remember = $(if $(call same,$(strip $(file <$(1))),$(strip $(2))),,$(shell mkdir -p $(dir $(1)))$(file >$(1),$(strip $(2))))
recipe-of = $(call remember,$(B)/recipe/$(1),$(2))$(B)/recipe/$(1)

# ---- flags ------------------------------------------------------------------------------------------------------

# the compiler is asked once, and only when something is compiled, because a fresh machine has no compiler
gccinc = $(eval gccinc := $$(shell $(CC) -print-file-name=include))$(gccinc)
libgcc = $(eval libgcc := $$(shell $(CC) -print-libgcc-file-name))$(libgcc)

warnings := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
prefix-map = -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(B)=build -ffile-prefix-map=$(SYSROOT)=build/sysroot
deps = -MMD -MP -MF $(@:.o=.d)
# $(B)/include/X holds one link, X, to libs/X: a component finds the headers of the libraries that it uses, and no others
header-links := $(patsubst %,$(B)/include/%,proto $(libs))
include-paths = -Ikernel/include $(patsubst %,-I$(B)/include/%,proto $(1))
host-include-paths = -Ikernel/include -Ilibs

kernel-cflags = -std=gnu11 -ffreestanding -nostdinc -isystem $(gccinc) -O2 -g -fno-pic -fno-pie -mcmodel=kernel \
	-mno-red-zone -mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables \
	-mindirect-branch=thunk-inline -mindirect-branch-register -fno-jump-tables -mharden-sls=all \
	-fno-omit-frame-pointer -fno-strict-aliasing -fno-common -fcf-protection=none $(warnings) $(prefix-map) \
	-Ikernel/include -Ikernel -I. $(cflags-kernel)
kernel-ldflags = -m elf_x86_64 -static -nostdlib --build-id=none -z noexecstack -z max-page-size=4096 --fatal-warnings

user-cflags = -std=gnu11 -nostdinc -isystem $(gccinc) -isystem $(SYSROOT)/include -isystem $(SYSROOT)/xeninc \
	-isystem $(SYSROOT)/zycore -isystem $(SYSROOT)/uthash -U__linux__ -U__gnu_linux__ -U__unix__ -Ulinux -Uunix -U__linux -U__unix \
	-D__skerry__=1 -D__DYNAMIC_REENT__ -O2 -g -fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -ftls-model=local-exec -fno-common \
	-ffunction-sections -fdata-sections $(warnings) $(prefix-map)
# the linker itself, not the compiler's driver, which would look into the build machine's own libraries
user-ldflags = -m elf_x86_64 -static -nostdlib -T tools/user.ld --gc-sections --build-id=none -z noexecstack \
	-z max-page-size=4096 --fatal-warnings -u _start -L$(SYSROOT)/lib

host-cflags = -std=gnu11 -O1 -g -fno-omit-frame-pointer $(warnings) $(prefix-map) -Itest $(host-include-paths) \
	-isystem $(SYSROOT)/xeninc
unit-cflags = $(host-cflags) -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz-cflags = $(host-cflags) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DFUZZING=1

# Objects of C and assembly sources. $(1) directory, $(2) what to say, $(3) compiler and flags, $(4) recipe, $(5) made before
define compile-rules
$(1)/%.o: %.c $(4) | $(5)
	$$(Q)mkdir -p $$(@D)
	$$(call say,$(2),$$<)$(3) $$(deps) -c $$< -o $$@
$(1)/%.o: %.S $(4) | $(5)
	$$(Q)mkdir -p $$(@D)
	$$(call say,AS,$$<)$(3) -D__ASSEMBLY__ $$(deps) -c $$< -o $$@
endef

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

# A second build of the same sources for `make CHECKED=1`, and for kernel tests that ask for it: it checks invariants that the
# ordinary kernel relies on (kernel/check.h), with src-kernel-checked on top.
plain-elf := $(B)/kernel.elf
checked-elf := $(B)/checked/kernel.elf
export SKERRY_KERNEL = $(if $(filter 1,$(CHECKED)),$(abspath $(checked-elf)))
kernel-elf := $(if $(filter 1,$(CHECKED)),$(checked-elf),$(plain-elf))
kernel-link = $(LD) $(kernel-ldflags) -T $(ldscript-kernel) -o $@ $(filter %.o,$^)

# The symbol table is part of the image that it describes: link with an empty one, then with one of the
# right size, then with the right addresses; the last two must agree.
# $(1) directory, $(2) sources, $(3) further flags, $(4) name of the recipe
define kernel-rules
$(call compile-rules,$(1)/obj/kernel,CC,$$(CC) $$(kernel-cflags) $(3) $$(cflags-$$<),$(B)/recipe/$(4),$(packages))
$(1)/ksyms/0.S: tools/ksyms | $(packages)
	$$(Q)mkdir -p $$(@D)
	$$(Q)tools/ksyms $$@ </dev/null
$(1)/ksyms/%.S: $(1)/ksyms/%.elf tools/ksyms
	$$(Q)$$(NM) -n $$< | tools/ksyms $$@
$(1)/ksyms/%.o: $(1)/ksyms/%.S
	$$(Q)$$(CC) -I$$(@D) -ffile-prefix-map=$(B)=build -c $$< -o $$@
$(1)/ksyms/1.elf: $(patsubst %,$(1)/obj/kernel/%.o,$(basename $(2))) $(1)/ksyms/0.o $(ldscript-kernel)
	$$(Q)$$(kernel-link)
$(1)/ksyms/2.elf: $(patsubst %,$(1)/obj/kernel/%.o,$(basename $(2))) $(1)/ksyms/1.o $(ldscript-kernel)
	$$(Q)$$(kernel-link)
$(1)/kernel.elf: $(patsubst %,$(1)/obj/kernel/%.o,$(basename $(2))) $(1)/ksyms/2.o $(ldscript-kernel) \
		$(call recipe-of,$(4),$(2) $(ldscript-kernel) $(cflags-kernel) $(3))
	$$(call say,LD,$$@)$$(kernel-link)
	$$(Q)$$(NM) -n $$@ | tools/ksyms $(1)/ksyms/check.S && cmp $(1)/ksyms/check.bin $(1)/ksyms/2.bin
.PRECIOUS: $(1)/ksyms/%.S $(1)/ksyms/%.o $(1)/ksyms/%.elf
endef
$(eval $(call kernel-rules,$(B),$(src-kernel),,kernel))
$(eval $(call kernel-rules,$(B)/checked,$(src-kernel) $(src-kernel-checked),-DCHECKED,kernel-checked))

# ---- libraries --------------------------------------------------------------------------------------------------

$(header-links):
	$(Q)mkdir -p $@ && ln -srfn libs/$(@F) $@/$(@F)

define lib-rules
$(call compile-rules,$(B)/obj/lib-$(1),CC,$$(CC) $$(user-cflags) $$(call include-paths,$(1) $$(call uses,$(1))) $$(cflags-$(1)),$(B)/recipe/lib-$(1),$(sysroot) $(header-links))
$(B)/lib/libsk_$(1).a: $(call obj,lib-$(1),$(src-$(1))) $(call recipe-of,lib-$(1),$(src-$(1)) $(call uses,$(1)) $(cflags-$(1)))
	$$(Q)mkdir -p $$(@D); rm -f $$@
	$$(call say,AR,$$@)$$(AR) rcsD $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(libs),$(eval $(call lib-rules,$(l))))

# libraries once more, for tests: with failures at a chosen step of a domain (libs/svc/inject.c), and devices that go astray
# (libs/virtio/stray.c)
inject-src-svc := libs/svc/inject.c
inject-src-virtio := libs/virtio/stray.c
inject-of-libs := svc virtio
define inject-rules
$(call compile-rules,$(B)/obj/inject-$(1),CC,$$(CC) $$(user-cflags) $$(call include-paths,$(1) $$(call uses,$(1))) $$(cflags-$(1)) -DSVC_INJECT,$(B)/recipe/inject-$(1),$(sysroot) $(header-links))
$(B)/inject/libsk_$(1).a: $(call obj,inject-$(1),$(src-$(1)) $(inject-src-$(1))) $(call recipe-of,inject-$(1),$(src-$(1)) $(inject-src-$(1)) $(cflags-$(1)))
	$$(Q)mkdir -p $$(@D); rm -f $$@
	$$(call say,AR,$$@)$$(AR) rcsD $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(inject-of-libs),$(eval $(call inject-rules,$(l))))

# ---- domains and kernel tests: static programs for the target ---------------------------------------------------

# $(1) object directory, $(2) program, $(3) suffix of the variables, $(4) sources, $(5) libraries of ours
define link-rules
$(2).elf: $(call obj,$(1),$(4)) $(5) tools/user.ld \
		$(call recipe-of,$(1),$(4) $(call present,$(call uses,$(3))) $(cflags-$(3)) $(ldflags-$(3)) $(extlibs-$(3)))
	$$(Q)mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(LD) $$(user-ldflags) $$(ldflags-$(3)) -Map $(2).map -o $$@ $$(filter %.o,$$^) --start-group $$(filter %.a,$$^) \
		$$(patsubst %,-l%,$$(sort $$(extlibs-$(3)) $$(foreach l,$$(call uses,$(3)),$$(extlibs-$$(l))))) -lc -lm $$(libgcc) --end-group
$(2): $(2).elf
	$$(Q)$$(STRIP) --strip-all -R .comment -o $$@ $$<
endef
own-libs = $(patsubst %,$(B)/lib/libsk_%.a,$(call present,$(call uses,$(1))))
define program-rules
$(call compile-rules,$(B)/obj/$(1),CC,$$(CC) $$(user-cflags) $$(call include-paths,$$(call uses,$(3))) $$(cflags-$(3)),$(B)/recipe/$(1),$(sysroot) $(header-links))
$(call link-rules,$(1),$(2),$(3),$(4),$(call own-libs,$(3)))
endef
$(foreach d,$(domains),$(eval $(call program-rules,dom-$(d),$(B)/bin/$(d),$(d),$(src-$(d)))))
inject-libs = $(foreach a,$(call own-libs,$(1)),$(if $(filter $(patsubst %,$(B)/lib/libsk_%.a,$(inject-of-libs)),$(a)),$(a:$(B)/lib/%=$(B)/inject/%),$(a)))
inject-domains := $(filter-out init vmm,$(domains))
$(foreach d,$(inject-domains),$(eval $(call link-rules,dom-$(d),$(B)/inject/bin/$(d),$(d),$(src-$(d)),$(call inject-libs,$(d)))))
# domains that only test images have
test-domain-bins := $(patsubst %,$(B)/test-domain/%,$(test-domains))
$(foreach d,$(test-domains),$(eval $(call program-rules,test-domain-$(d),$(B)/test-domain/$(d),$(d),$(src-$(d)))))
$(foreach t,$(kernel-tests),$(eval $(call program-rules,ktest-$(t),$(B)/ktest/$(t),ktest-$(t),$(src-ktest-$(t)))))

domain-bins := $(patsubst %,$(B)/bin/%,$(domains))
ktest-archives := $(patsubst %,$(B)/ktest/%.img,$(kernel-tests))

$(B)/ktest/%.img: $(B)/ktest/% tools/mkarchive
	$(Q)tools/mkarchive -o $@ --init $<

# ---- host tests -------------------------------------------------------------------------------------------------

say-cc-unit := HOSTCC
say-link-unit := HOSTLD
cc-unit = $(HOSTCC) $(unit-cflags)
link-unit = $(HOSTCC) -fsanitize=address,undefined
ldlibs-unit := -lcmocka
say-cc-fuzz := CLANG
say-link-fuzz := CLANGLD
cc-fuzz = $(CLANG) $(fuzz-cflags)
link-fuzz = $(CLANG) -fsanitize=fuzzer,address,undefined
# Tests whose sources are compiled with the same flags share the objects, in a directory that has the name of the first of them.
# $(1) unit or fuzz, $(2) all names
define host-test-rules
$(foreach t,$(2),$(eval flags-$(1)-$(t) := $(patsubst %,-I%,$(inc-$(1)-$(t))) $(cflags-$(1)-$(t))))
$(foreach t,$(2),$(eval objs-$(1)-$(t) := $(1)-$(firstword $(foreach u,$(2),$(if $(call same,$(flags-$(1)-$(u)),$(flags-$(1)-$(t))),$(u))))))
$(foreach o,$(sort $(foreach t,$(2),$(objs-$(1)-$(t)))),$(eval $(call host-object-rules,$(1),$(o))))
$(foreach t,$(2),$(eval $(call host-link-rules,$(1),$(t))))
endef
# $(1) unit or fuzz, $(2) directory of objects
define host-object-rules
$(call compile-rules,$(B)/obj/$(2),$(say-cc-$(1)),$$(cc-$(1)) $$(flags-$(2)),$(call recipe-of,objs-$(2),$(1) $(flags-$(2))),$(packages) $(sysroot))
endef
# $(1) unit or fuzz, $(2) name
define host-link-rules
$(B)/$(1)/$(2): $(call obj,$(objs-$(1)-$(2)),$(src-$(1)-$(2))) $(call recipe-of,$(1)-$(2),$(src-$(1)-$(2)) $(ldlibs-$(1)-$(2)))
	$$(Q)mkdir -p $$(@D)
	$$(call say,$(say-link-$(1)),$$@)$$(link-$(1)) -o $$@ $$(filter %.o,$$^) $$(ldlibs-$(1)) $$(ldlibs-$(1)-$(2))
endef
# programs whose instructions `make bench` counts: as they are in the product, without sanitizers
define host-bench-rules
$(call compile-rules,$(B)/obj/hbench-$(1),HOSTCC,$$(HOSTCC) $$(host-cflags) -O2 $$(patsubst %,-I%,$$(inc-hbench-$(1))),$(B)/recipe/hbench-$(1),$(packages) $(sysroot))
$(B)/hbench/$(1): $(call obj,hbench-$(1),$(src-hbench-$(1))) \
		$(call recipe-of,hbench-$(1),$(src-hbench-$(1)) $(inc-hbench-$(1)))
	$$(Q)mkdir -p $$(@D)
	$$(call say,HOSTLD,$$@)$$(HOSTCC) -o $$@ $$(filter %.o,$$^)
endef
$(foreach t,$(host-benches),$(eval $(call host-bench-rules,$(t))))
$(call host-test-rules,unit,$(unit-tests) $(unit-helpers))
$(call host-test-rules,fuzz,$(fuzzers))

unit-bins := $(patsubst %,$(B)/unit/%,$(unit-tests) $(unit-programs) $(unit-helpers))
fuzz-bins := $(patsubst %,$(B)/fuzz/%,$(fuzzers))

.PHONY: all kernel kernel-elf-checked domains
all: $(if $(src-kernel),$(kernel-elf)) $(domain-bins)
kernel: $(kernel-elf)
kernel-elf-checked: $(checked-elf)
domains: $(domain-bins)



# ---- boot archive -----------------------------------------------------------------------------------------------

config-file := $(firstword $(wildcard $(CONFIG) configs/$(CONFIG).toml) $(CONFIG))
config-name := $(basename $(notdir $(config-file)))
manifest-bin := $(B)/boot/$(config-name).manifest
boot-img := $(B)/boot/$(config-name).img
boot-members = manifest.bin=$(manifest-bin) $(foreach d,$(filter-out init,$(domains)),bin/$(d)=$(B)/bin/$(d))

$(manifest-bin): $(config-file) $(wildcard configs/*.toml tools/manifest tools/manifest.py tools/manifest/* libs/proto/*.h) | $(packages)
	$(Q)mkdir -p $(@D)
	$(call say,MANIFEST,$<)tools/manifest compile $< -o $@
$(boot-img): $(manifest-bin) $(domain-bins) tools/mkarchive $(call recipe-of,archive,$(domains))
	$(Q)mkdir -p $(@D)
	$(call say,ARCHIVE,$@)tools/mkarchive -o $@ --init $(B)/bin/init $(boot-members)
# the same, with domains that fail at a chosen step
inject-img := $(B)/boot/inject.img
inject-bin = $(B)/$(if $(filter $(inject-domains),$(1)),inject/)bin/$(1)
$(inject-img): $(manifest-bin) $(foreach d,$(domains),$(call inject-bin,$(d))) tools/mkarchive $(call recipe-of,archive,$(domains))
	$(Q)mkdir -p $(@D)
	$(call say,ARCHIVE,$@)tools/mkarchive -o $@ --init $(B)/bin/init manifest.bin=$(manifest-bin) \
		$(foreach d,$(filter-out init,$(domains)),bin/$(d)=$(call inject-bin,$(d)))

.PHONY: image
image: $(kernel-elf) $(boot-img)

# ---- guests -----------------------------------------------------------------------------------------------------

GUESTCACHE ?= $(if $(wildcard build/guests/debian.img),build/guests,$(B)/guests)
export SKERRY_GUESTS = $(abspath $(GUESTCACHE))
sample := $(B)/sample
guest-flavours := cloud-amd64 amd64 686-pae
# what is among the files of every host: GRUB for guests that boot from their own disks, and the shim in which pv guests run
guest-loaders := $(addprefix $(GUESTCACHE)/,grub-xen/grub-i386-xen_pvh.bin xen-pv/xen-shim xen-pv/grub-x86_64-xen.bin xen-pv/grub-i386-xen.bin)
guest-loaders-there := $(GUESTCACHE)/grub-xen/version $(GUESTCACHE)/xen-pv/version
guest-kernels := $(patsubst %,$(GUESTCACHE)/kernel-%/version,$(guest-flavours)) $(guest-loaders-there)
# Debian's xl, the judge of what a guest's configuration means, and Xen's judge of saved guests
xl := $(GUESTCACHE)/xl/version
xen-migration := $(GUESTCACHE)/xen-migration/version
# Xen with its tools, which `make bench` measures
xen-host := $(GUESTCACHE)/xen-host/version
guest-ramdisks := $(patsubst %,$(GUESTCACHE)/initramfs-%,$(guest-flavours))

$(GUESTCACHE)/kernel-%/version: | $(packages)
	$(Q)tools/fetch-guest $(GUESTCACHE) $*
$(guest-loaders-there) $(xl) $(xen-migration) $(xen-host): $(GUESTCACHE)/%/version: | $(packages)
	$(Q)tools/fetch-guest $(GUESTCACHE) $*
$(GUESTCACHE)/initramfs-%: $(GUESTCACHE)/kernel-%/version tools/mkinitramfs tools/guest-init
	$(call say,INITRD,$@)tools/mkinitramfs --kernel $(<D) -o $@
$(GUESTCACHE)/debian.img: tools/mkrootfs | $(packages)
	$(Q)tools/mkrootfs $@
.PRECIOUS: $(GUESTCACHE)/kernel-%/version $(GUESTCACHE)/initramfs-%

# what a directory of guests of `make run GUESTS=DIR` looks like; the big files are links
$(B)/stamp/sample: $(GUESTCACHE)/initramfs-cloud-amd64 $(GUESTCACHE)/debian.img configs/debian.cfg
	$(Q)mkdir -p $(sample)/auto $(@D)
	$(Q)ln -sf $(abspath $(GUESTCACHE))/kernel-cloud-amd64/vmlinuz $(sample)/vmlinuz
	$(Q)ln -sf $(abspath $(GUESTCACHE))/initramfs-cloud-amd64 $(sample)/initramfs
	$(Q)ln -sf $(abspath $(GUESTCACHE))/debian.img $(sample)/debian.img
	$(Q)cp configs/debian.cfg $(sample)/auto/debian.cfg
	$(Q)touch $@

.PHONY: guests
guests: $(guest-kernels) $(guest-ramdisks) $(B)/stamp/sample $(xl) $(xen-migration)

# ---- run --------------------------------------------------------------------------------------------------------

SMP ?= 2
MEM ?= 2G
CPU ?= max,-smap,-monitor
IOMMU ?= intel
NETFWD ?=
QEMU_ARGS ?=
APPEND ?=
GUESTS ?=
run-guests = $(or $(GUESTS),$(sample))
run-machine = tools/run --dir $(B)/run --smp $(SMP) --mem $(MEM) --cpu '$(CPU)' --iommu $(IOMMU) --netfwd '$(NETFWD)' --append '$(APPEND)' \
	--qemu-args '$(QEMU_ARGS)' $(if $(filter 1,$(KEEP)),--keep) $(if $(filter 1,$(ICOUNT)),--icount) \
	$(if $(filter 1,$(V)),--verbose)

.PHONY: run run-iso iso
run: $(kernel-elf) $(boot-img) $(if $(GUESTS),,$(B)/stamp/sample) $(guest-loaders-there)
	@exec $(run-machine) $(addprefix --add ,$(guest-loaders)) --kernel $(kernel-elf) --archive $(boot-img) --guests '$(run-guests)'

# ---- bootable image ---------------------------------------------------------------------------------------------

iso := $(B)/skerry.iso
live := $(B)/live
grub-platform = $(or $(wildcard /usr/lib/grub/i386-pc),/usr/lib/grub/i386-pc)

$(live)/guests.img: $(GUESTCACHE)/initramfs-cloud-amd64 $(guest-loaders-there) configs/live.cfg tools/mkdisk
	$(Q)rm -rf $(live)/tree && mkdir -p $(live)/tree/auto
	$(Q)ln -sf $(abspath $(GUESTCACHE))/kernel-cloud-amd64/vmlinuz $(live)/tree/vmlinuz
	$(Q)ln -sf $(abspath $(GUESTCACHE))/initramfs-cloud-amd64 $(live)/tree/initramfs
	$(Q)cp configs/live.cfg $(live)/tree/auto/live.cfg
	$(call say,FS,$@)tools/mkdisk --files-only $(addprefix --add ,$(guest-loaders)) -o $@ $(live)/tree
$(live)/boot.img: $(manifest-bin) $(domain-bins) $(live)/guests.img tools/mkarchive
	$(call say,ARCHIVE,$@)tools/mkarchive -o $@ --init $(B)/bin/init $(boot-members) guests.img=$(live)/guests.img
# faketime: GRUB's image carries dates that SOURCE_DATE_EPOCH alone does not fix
$(iso): $(kernel-elf) $(live)/boot.img boot/grub/grub.cfg
	$(Q)rm -rf $(B)/iso && mkdir -p $(B)/iso/boot/grub
	$(Q)$(STRIP) -g -o $(B)/iso/boot/kernel.elf $(kernel-elf)
	$(Q)cp $(live)/boot.img $(B)/iso/boot/boot.img
	$(Q)cp boot/grub/grub.cfg $(B)/iso/boot/grub/grub.cfg
	$(call say,ISO,$@)faketime -f '1980-01-01 00:00:00' grub-mkrescue -d $(grub-platform) -o $@ $(B)/iso \
		-- -volid SKERRY >$(B)/iso.log 2>&1 || { tail -n 20 $(B)/iso.log; exit 1; }
iso: $(iso)
run-iso: $(iso)
	@exec $(run-machine) --no-disk --iso $(iso)

# ---- guests of our own ------------------------------------------------------------------------------------------------

# small PVH guests: bench counts hypercalls and exits, odd does what kernels rarely do, rogue misbehaves towards its host
src-guest-bench := bench.c pv.c
src-guest-odd := odd.c pv.c
src-guest-rogue := rogue.c probe.c rogue_blk.c rogue_net.c rogue_store.c pv.c
own-guests := $(patsubst %,$(B)/guest/%,bench odd rogue)
guest-cflags = -std=gnu11 -ffreestanding -nostdinc -isystem $(gccinc) -isystem $(SYSROOT)/xeninc -O2 -fno-pic -fno-pie \
	-mno-red-zone -mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	$(warnings) $(prefix-map)
$(eval $(call compile-rules,$(B)/obj/guest,CC,$$(CC) $$(guest-cflags),,$(sysroot)))
define guest-rules
$(B)/guest/$(1): $(call obj,guest,$(patsubst %,test/guest/%,entry.S $(src-guest-$(1)))) test/guest/guest.ld
	$$(Q)mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(LD) -m elf_x86_64 -static -nostdlib --build-id=none -z noexecstack --no-warn-rwx-segments \
		-T test/guest/guest.ld -o $$@ $$(filter %.o,$$^)
endef
$(foreach g,bench odd rogue,$(eval $(call guest-rules,$(g))))

# ---- tests ------------------------------------------------------------------------------------------------------

FUZZ_SECS ?= 3
ktest-cpu := max,-smap,-monitor
checks := lint abi models mutants authority \
	$(if $(src-kernel),loc) $(if $(and $(src-kernel),$(filter init,$(domains))),reproducible $(if $(filter 1,$(CHECKED)),,counts))
check-lint := tools/lint --build $(B) --sysroot $(SYSROOT)
check-abi := tools/check-abi
check-models := test/model/run --build $(B)
check-mutants := tools/mutants --check
check-authority := tools/authority --check $(wildcard configs/*.toml)
check-loc := tools/loc $(B)
check-counts := test/bench/bench --build $(B) --only check bench
check-reproducible := tools/check-reproducible $(B) $(SYSROOT) $(config-file)
tool-tests := $(sort $(wildcard test/tools/test_*.py))
system-tests := $(sort $(wildcard test/system/test_*.py test/system/*/test_*.py))
# a kernel test runs on the checked kernel when its build.mk says checked-ktest-NAME := 1, or with CHECKED=1
ktest-kernel = $(if $(checked-ktest-$(1)),$(checked-elf),$(kernel-elf))
ktest-kernels := $(sort $(kernel-elf) $(foreach t,$(kernel-tests),$(call ktest-kernel,$(t))))
tab := $(shell printf '\t')
define newline


endef
test-lines = $(foreach c,$(checks),check$(tab)$(c)$(tab)$(check-$(c))$(newline)) \
	$(foreach t,$(tool-tests),tools$(tab)$(patsubst test_%.py,%,$(notdir $(t)))$(tab)$(t)$(newline)) \
	$(foreach t,$(unit-tests) $(unit-programs),unit$(tab)$(t)$(tab)$(B)/unit/$(t)$(newline)) \
	$(foreach t,$(fuzzers),fuzz$(tab)$(t)$(tab)$(B)/fuzz/$(t)$(tab)$(seeds-fuzz-$(t))$(newline)) \
	$(foreach t,$(kernel-tests),kernel$(tab)$(t)$(tab)$(B)/ktest/$(t).img$(tab)$(or $(smp-ktest-$(t)),1)$(tab)$(or \
		$(cpu-ktest-$(t)),$(ktest-cpu))$(tab)$(call ktest-kernel,$(t))$(tab)$(append-ktest-$(t))$(tab)$(panic-ktest-$(t))$(tab)$(qemu-ktest-$(t))$(newline)) \
	$(foreach t,$(system-tests),system$(tab)$(patsubst test_%.py,%,$(notdir $(t)))$(tab)$(t)$(newline))
test-list = $(shell mkdir -p $(B)/test)$(file >$(B)/test/list,$(subst $(newline) ,$(newline),$(test-lines)))$(B)/test/list
runtests = tools/runtests --build $(B) --list $(test-list)
# only what a wanted test needs, when one is named
wanted = $(if $(T),$(or $(filter %/$(T) %/$(T).img,$(1)),$(1)),$(1))
test-machine := $(if $(src-kernel),$(kernel-elf) $(ktest-kernels)) $(if $(filter init,$(domains)),$(boot-img) $(inject-img) $(test-domain-bins))

# what `make bench` needs: a program that guests and this computer run, their ramdisk, and plugins of QEMU
measure := $(B)/measure
measure-cflags = -std=gnu11 -O2 -g $(warnings) $(prefix-map)
$(eval $(call compile-rules,$(B)/obj/measure,HOSTCC,$$(HOSTCC) $$(measure-cflags) -fPIC,,$(packages)))
$(measure)/measure: $(call obj,measure,$(patsubst %,test/bench/measure/%.c,measure store disk net))
	$(Q)mkdir -p $(@D)
	$(call say,HOSTLD,$@)$(HOSTCC) -static -o $@ $^
measure-plugins := $(measure)/count.so $(measure)/stretch.so
$(measure-plugins): $(measure)/%.so: $(B)/obj/measure/test/bench/count/%.o
	$(Q)mkdir -p $(@D)
	$(call say,HOSTLD,$@)$(HOSTCC) -shared -o $@ $^
$(measure)/initramfs: $(measure)/measure $(GUESTCACHE)/kernel-cloud-amd64/version tools/mkinitramfs tools/guest-init
	$(call say,INITRD,$@)tools/mkinitramfs --kernel $(GUESTCACHE)/kernel-cloud-amd64 -o $@ --program $< \
		--module virtio_pci --module virtio_blk --module virtio_net
$(measure)/dom0-ramdisk: $(measure)/measure $(GUESTCACHE)/kernel-amd64/version $(xen-host) tools/mkinitramfs $(wildcard test/bench/xen/*)
	$(call say,INITRD,$@)test/bench/xen/mkdom0 $(GUESTCACHE) $< -o $@
# counts that repeat, compared with test/bench/baseline.json, or stored there
bench-check-needs := $(kernel-elf) $(boot-img) $(B)/ktest/bench.img $(own-guests) $(guest-loaders-there) \
	$(GUESTCACHE)/initramfs-cloud-amd64 $(measure)/initramfs $(measure)/count.so

.PHONY: check test ktest fuzz khost system soak bench bench-check bench-baseline mutants
check: $(call wanted,$(unit-bins)) $(if $(filter-out xl_oracle,$(T)),,$(xl))
	@$(runtests) --tier tools,unit $(T)
ktest: $(ktest-kernels) $(call wanted,$(ktest-archives))
	@$(runtests) --tier kernel $(T)
khost: $(call wanted,$(filter %/khost_rules %/khost_fuzz %/khost_explore %/khost_old,$(unit-bins)))
	@$(runtests) --tier unit $(or $(T),khost)
system: $(test-machine) $(own-guests) guests iso
	@$(runtests) --tier system $(T)
fuzz: $(call wanted,$(fuzz-bins))
	@$(runtests) --tier fuzz --fuzz-secs $(or $(SECS),300) $(T)
test: setup $(test-machine) $(domain-bins) $(call wanted,$(unit-bins) $(fuzz-bins) $(ktest-archives)) $(own-guests) guests iso $(bench-check-needs)
	@$(runtests) --fuzz-secs $(FUZZ_SECS) $(T)
ROUNDS ?= 20
KHOST_RUNS ?= 20000
KHOST_BOUND ?= 3
inject-report = $(B)/test/inject.txt
inject-ways := crash hang exit leak late index taken length record
soak: $(test-machine) $(unit-bins) $(own-guests) guests iso
	$(B)/unit/khost_fuzz 1000 $(KHOST_RUNS)
	$(B)/unit/khost_explore $(KHOST_BOUND)
	$(check-lint) --nodes 225000
	$(if $(filter-out inject,$(T)),,@rm -f $(inject-report); for way in $(inject-ways); do echo "inject: $$way"; \
		SKERRY_INJECT=$$way SKERRY_REPORT=$(abspath $(inject-report)) $(runtests) --tier system inject || exit; done; $(PYTHON) test/system/inject_report.py $(inject-report))
	@for i in $$(seq $(ROUNDS)); do echo "round $$i of $(ROUNDS)"; SKERRY_CREATE_ROUNDS=100 SKERRY_RESTARTS=400 SKERRY_PLUGS=1000 SKERRY_SAVES=100 SKERRY_SAVE_BOOTS=20 SKERRY_SEED=$$i SKERRY_REPORT=$(abspath $(B))/test/soak.txt \
		$(runtests) --tier system $(T) || exit; done
mutants: setup
	@tools/mutants --build $(B) $(if $(GENERATE),--generate $(GENERATE) --seed $(or $(SEED),1)) $(T)
# by name: only the first % of a pattern of filter is a wildcard, so %/bench_%.img would match no path
benches := $(filter bench bench_%,$(kernel-tests))
bench-needs := $(test-machine) $(patsubst %,$(B)/ktest/%.img,$(benches)) $(own-guests) $(patsubst %,$(B)/hbench/%,$(host-benches)) \
	$(guest-loaders-there) $(GUESTCACHE)/initramfs-cloud-amd64 $(addprefix $(measure)/,initramfs dom0-ramdisk) $(measure-plugins)
bench: $(bench-needs)
	@SKERRY_ROWS='$(ROWS)' SKERRY_SIDES='$(SIDES)' SKERRY_PROFILE='$(PROFILE)' SKERRY_QUICK='$(filter 1,$(QUICK))' \
		test/bench/bench --build $(B) --only "$(T)" $(patsubst %,--host $(B)/hbench/%,$(host-benches)) $(benches)
bench-check bench-baseline: $(bench-check-needs)
	@test/bench/bench --build $(B) --only $(@:bench-%=%) bench

# ---- looking at the result --------------------------------------------------------------------------------------

.PHONY: loc size lint format gdb graph check-authority clean help
loc: $(kernel-elf) $(B)/bin/control.elf
	@tools/loc $(B)
size: $(kernel-elf) $(domain-bins) $(if $(filter init,$(domains)),$(boot-img))
	@tools/size --size $(SIZE) --kernel $(kernel-elf) $(if $(filter init,$(domains)),--archive $(boot-img)) \
		$(patsubst %,$(B)/bin/%,$(domains))
graph: $(B)/graph/$(basename $(notdir $(config-file))).svg
	@tools/authority --text $(config-file)
	@echo "drawing: $<"
$(B)/graph/%.svg: configs/%.toml tools/authority.py tools/manifest.py
	$(Q)mkdir -p $(@D)
	$(Q)tools/authority --svg $< -o $@
check-authority:
	@tools/authority --check $(sort $(config-file) $(wildcard configs/*.toml))
lint: $(packages) $(sysroot)
	@tools/lint --build $(B) --sysroot $(SYSROOT)
format: $(packages)
	-tools/comments --fix
	clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h')
$(B)/gdbinit: tools/gdbinit $(kernel-elf)
	$(Q)sed 's|@B@|$(abspath $(B))|g' $< >$@
gdb: $(B)/gdbinit
	@exec gdb -q -x $(B)/gdbinit
clean:
	rm -rf $(B)/obj $(B)/recipe $(B)/include $(B)/lib $(B)/bin $(B)/boot $(B)/ksyms $(B)/unit $(B)/fuzz $(B)/hbench $(B)/ktest $(B)/test $(B)/run $(B)/iso \
		$(B)/live $(B)/checked $(B)/sample $(B)/stamp/sample $(B)/repro $(B)/kernel.elf $(B)/skerry.iso
help:
	@sed -n 's/^## \{0,1\}//p' Makefile

## Skerry: targets
##   make                 build the kernel and all domains
##   make run             boot in QEMU with a Debian guest, console on stdin and stdout
##   make test            set-up, build and every test; the last line is `N passed, N failed`
##   make setup           install Debian packages, build the user-mode libraries (run, test and make do this when necessary)
##   make kernel          the kernel only                      make domains    the domains only
##   make image           kernel and boot archive              make guests     download and make the sample guests
##   make iso             build/skerry.iso, boots by GRUB from CD and USB stick
##   make run-iso         boot that image in QEMU
##   make check           unit tests on this machine           make ktest      kernel tests, each in QEMU
##   make khost           the kernel's core on this machine: calls against a model, all orders of accesses of CPUs
##   make fuzz            every fuzzer for SECS each           make system     whole-machine tests
##   make soak            long runs: khost and system tests    make bench      counts and times, under -icount; QUICK=1: fewer
##                                                          T=rows: beside Xen and bare QEMU; ROWS=WORD,...: some of them,
##                                                          SIDES=skerry: not the others again, PROFILE=WORD,...: by function
##                                                          T=toolstack: guests; T=restart, T=bullies: how long guests wait;
##                                                          T=shares: weights and caps
##   make bench-check     compare counts that repeat with      make bench-baseline   store them
##                        test/bench/baseline.json
##   make mutants         put small faults in, one at a time: do tests notice? (T=area, GENERATE=20 SEED=1)
##   make lint            formatting, thread safety, cppcheck  make loc        lines of kernel and control
##   make size            image sizes and memory               make gdb        debugger (see docs/building.md)
##   make graph           draw a manifest: domains, devices, rings, shared memory, capabilities (CONFIG=)
##   make check-authority does a manifest give what the design forbids?
##   make format          wrap comments, and let clang-format rewrite all C files
##   make clean           remove what was built, keep the set-up
##   make help            this list
##
## Variables
##   T=name               one test only: make check|ktest|fuzz|system|test T=name
##   V=1                  show commands
##   O=build              directory for everything that the build makes
##   SYSROOT=, GUESTCACHE= directories for libraries and guests (default: shared by all O=)
##   CROSS_COMPILE=x86_64-linux-gnu-   target tool chain
##   CHECKED=1            use the checked kernel for run, ktest and system: it stops where an invariant is broken, and is slower
##   CONFIG=configs/default.toml       manifest (a path, or a name in configs/)
##   SMP=2  MEM=2G        CPUs and memory of the machine       CPU=          its QEMU model
##   IOMMU=intel          what limits the memory that devices reach: intel, amd or none
##   GUESTS=DIR           guests to run: DIR/auto/*.cfg start at boot, DIR/*.img become partitions, all other files are below /guests
##   KEEP=1               keep the disk of the last run (build/run/disk.img)
##   NETFWD="tcp::8080-10.0.2.16:80"   QEMU hostfwd rules, separated by spaces
##   QEMU_ARGS=           more arguments for QEMU              APPEND=       kernel command line
##   ICOUNT=1             run with one instruction per nanosecond
##   SECS=300             seconds per fuzzer (make fuzz)       FUZZ_SECS=3   the same in make test
##   ROUNDS=20            rounds of make soak, after khost with KHOST_RUNS=20000 runs and KHOST_BOUND=3 preemptions
##   PYTHON=/usr/bin/python3, HOSTCC=gcc, CLANG=clang          tools of this machine

ifneq ($(MAKECMDGOALS),clean)
-include $(shell find $(B)/obj $(B)/checked/obj -name '*.d' 2>/dev/null)
endif
