/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.c - writing an ELF core of the guest
 *
 * Objects     struct core_out: what is known from the beginning (head and meta), and how far
 *             the pages are.
 * Lifecycle   core_begin(); core_fill() until it returns 0.
 * Invariants  CORE1 .xen_pfn has one number for each page of .xen_pages, in the same order, and
 *                   the runs say where each page stands
 */
#include "save/core.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <xen/elfnote.h>
#include <xen/version.h>
#include <xen/xen.h>

#include "base/array.h"

enum { PAGE = 4096, N_SECTIONS = 6 };

/* ---- the notes of Xen: tools/include/xenguest.h of Xen 4.17 ---- */

#define XC_CORE_MAGIC_HVM 0xf00febeeu
struct xen_core_header {
	uint64_t magic, n_vcpus, n_pages, page_size;
};
struct xen_core_version {
	uint64_t major, minor;
	xen_extraversion_t extra;
	xen_compile_info_t compile;
	xen_capabilities_info_t capabilities;
	xen_changeset_info_t changeset;
	xen_platform_parameters_t parameters;
	uint64_t page_size;
};
enum { CORE_FORMAT_VERSION = 1 }; /* 0.1 */

/* ---- the note of a thread: struct elf_prstatus of Linux, x86-64 ---- */

struct core_prstatus {
	uint32_t info[3];
	uint16_t signal, pad;
	uint64_t pending, held;
	uint32_t pid, ppid, pgrp, sid;
	uint64_t times[8];
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax, rip, cs, rflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
	uint32_t fp_valid, pad2;
};
_Static_assert(sizeof(struct core_prstatus) == 336, "the ABI's size");
_Static_assert(offsetof(struct core_prstatus, r15) == 112, "the ABI's place");

static uint32_t note_size(uint32_t name, uint32_t body)
{
	return (uint32_t)sizeof(Elf64_Nhdr) + ((name + 3) & ~3u) + ((body + 3) & ~3u);
}

static uint32_t xen_notes_size(void)
{
	return note_size(4, 0) + note_size(4, sizeof(struct xen_core_header)) +
	       note_size(4, sizeof(struct xen_core_version)) + note_size(4, sizeof(uint64_t));
}

uint32_t core_out_size(uint32_t n_vcpus)
{
	uint32_t per_vcpu = note_size(5, sizeof(struct core_prstatus)) +
			    (uint32_t)sizeof(struct vcpu_guest_context);

	return (uint32_t)sizeof(struct core_out) + n_vcpus * per_vcpu + xen_notes_size() +
	       2 * PAGE; /* names and headers of sections; the rest of the last page */
}

/* ---- composing what is known from the beginning ---- */

static void *meta_add(struct core_out *c, const void *from, uint32_t size, uint32_t align)
{
	uint8_t *to;

	c->meta_size = (c->meta_size + align - 1) / align * align;
	to = c->meta + c->meta_size;
	if (from)
		memcpy(to, from, size);
	c->meta_size += size;
	return to;
}

static void note_add(
	struct core_out *c, const char *name, uint32_t type, const void *body, uint32_t size)
{
	const Elf64_Nhdr n = {
		.n_namesz = (uint32_t)strlen(name) + 1, .n_descsz = size, .n_type = type
	};

	meta_add(c, &n, sizeof(n), 4);
	meta_add(c, name, n.n_namesz, 4);
	meta_add(c, body, size, 4);
}

static struct core_prstatus thread_of(const struct hvm_hw_cpu *r, uint32_t id)
{
	return (struct core_prstatus){ .pid = id + 1,
		.r15 = r->r15,
		.r14 = r->r14,
		.r13 = r->r13,
		.r12 = r->r12,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.r11 = r->r11,
		.r10 = r->r10,
		.r9 = r->r9,
		.r8 = r->r8,
		.rax = r->rax,
		.rcx = r->rcx,
		.rdx = r->rdx,
		.rsi = r->rsi,
		.rdi = r->rdi,
		.orig_rax = UINT64_MAX,
		.rip = r->rip,
		.cs = r->cs_sel,
		.rflags = r->rflags,
		.rsp = r->rsp,
		.ss = r->ss_sel,
		.fs_base = r->fs_base,
		.gs_base = r->gs_base,
		.ds = r->ds_sel,
		.es = r->es_sel,
		.fs = r->fs_sel,
		.gs = r->gs_sel };
}

static void context_fill(struct vcpu_guest_context *x, const struct vcpu_state *v)
{
	const struct hvm_hw_cpu *r = &v->cpu;

	memset(x, 0, sizeof(*x));
	if (!v->up)
		return;
	x->flags = VGCF_online | VGCF_i387_valid;
	memcpy(&x->fpu_ctxt, v->xsave_size ? v->xsave : r->fpu_regs, sizeof(x->fpu_ctxt));
	x->user_regs = (struct cpu_user_regs){ .r15 = r->r15,
		.r14 = r->r14,
		.r13 = r->r13,
		.r12 = r->r12,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.r11 = r->r11,
		.r10 = r->r10,
		.r9 = r->r9,
		.r8 = r->r8,
		.rax = r->rax,
		.rcx = r->rcx,
		.rdx = r->rdx,
		.rsi = r->rsi,
		.rdi = r->rdi,
		.rip = r->rip,
		.cs = (uint16_t)r->cs_sel,
		.rflags = r->rflags,
		.rsp = r->rsp,
		.ss = (uint16_t)r->ss_sel,
		.es = (uint16_t)r->es_sel,
		.ds = (uint16_t)r->ds_sel,
		.fs = (uint16_t)r->fs_sel,
		.gs = (uint16_t)r->gs_sel };
	x->ctrlreg[0] = r->cr0;
	x->ctrlreg[2] = r->cr2;
	x->ctrlreg[3] = r->cr3;
	x->ctrlreg[4] = r->cr4;
	x->debugreg[6] = r->dr6;
	x->debugreg[7] = r->dr7;
	x->fs_base = r->fs_base;
	x->gs_base_kernel = r->gs_base;
	x->gs_base_user = r->shadow_gs;
}

static void xen_notes_add(struct core_out *c)
{
	const struct xen_core_header head = { .magic = XC_CORE_MAGIC_HVM,
		.n_vcpus = c->src.state->n_vcpus,
		.n_pages = c->n_pages,
		.page_size = PAGE };
	const struct xen_core_version version = {
		.major = 4, .minor = 17, .extra = "-skerry", .page_size = PAGE
	};
	const uint64_t format = CORE_FORMAT_VERSION;

	note_add(c, "Xen", XEN_ELFNOTE_DUMPCORE_NONE, "", 0);
	note_add(c, "Xen", XEN_ELFNOTE_DUMPCORE_HEADER, &head, sizeof(head));
	note_add(c, "Xen", XEN_ELFNOTE_DUMPCORE_XEN_VERSION, &version, sizeof(version));
	note_add(c, "Xen", XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, &format, sizeof(format));
}

/* A section that stands in the file from `at` on. */
static void section_add(Elf64_Shdr *s, const char *names, const char *name, uint32_t type,
	uint64_t at, uint64_t size, uint64_t entry)
{
	*s = (Elf64_Shdr){ .sh_name = (uint32_t)(name - names),
		.sh_type = type,
		.sh_offset = at,
		.sh_size = size,
		.sh_addralign = 8,
		.sh_entsize = entry };
}

static uint64_t page_round(uint64_t n) { return (n + PAGE - 1) / PAGE * PAGE; }

/* Returns where the section headers are. */
static uint64_t meta_compose(struct core_out *c, uint32_t *threads_size)
{
	static const char names[] =
		"\0.shstrtab\0.note.Xen\0.xen_prstatus\0.xen_pfn\0.xen_pages";
	const struct guest_state *g = c->src.state;
	uint32_t xen_at, xen_size, contexts_at, names_at, headers_at;
	Elf64_Shdr section[N_SECTIONS] = { 0 };

	for (uint32_t i = 0; i < g->n_vcpus; i++) {
		const struct core_prstatus t = thread_of(&g->vcpu[i].cpu, i);

		if (g->vcpu[i].up)
			note_add(c, "CORE", NT_PRSTATUS, &t, sizeof(t));
	}
	*threads_size = xen_at = c->meta_size;
	xen_notes_add(c);
	xen_size = c->meta_size - xen_at;
	contexts_at = c->meta_size = (c->meta_size + 7) & ~7u;
	for (uint32_t i = 0; i < g->n_vcpus; i++)
		context_fill(
			meta_add(c, NULL, sizeof(struct vcpu_guest_context), 8), &g->vcpu[i]);
	names_at = c->meta_size;
	meta_add(c, names, sizeof(names), 1);
	headers_at = c->meta_size = (c->meta_size + 7) & ~7u;
	c->pfn_at = page_round(CORE_HEAD + headers_at + sizeof(section));
	c->pages_at = page_round(c->pfn_at + c->n_pages * sizeof(uint64_t));
	c->size = c->pages_at + c->n_pages * PAGE;
	section_add(&section[1], names, names + 1, SHT_STRTAB, CORE_HEAD + names_at,
		sizeof(names), 0);
	section_add(&section[2], names, names + 11, SHT_NOTE, CORE_HEAD + xen_at, xen_size, 0);
	section_add(&section[3], names, names + 21, SHT_PROGBITS, CORE_HEAD + contexts_at,
		g->n_vcpus * sizeof(struct vcpu_guest_context),
		sizeof(struct vcpu_guest_context));
	section_add(&section[4], names, names + 35, SHT_PROGBITS, c->pfn_at,
		c->n_pages * sizeof(uint64_t), sizeof(uint64_t));
	section_add(&section[5], names, names + 44, SHT_PROGBITS, c->pages_at,
		c->n_pages * PAGE, PAGE);
	meta_add(c, section, sizeof(section), 8);
	return CORE_HEAD + headers_at;
}

static void head_compose(struct core_out *c, uint64_t sections_at, uint32_t threads_size)
{
	const Elf64_Ehdr e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
				       ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(e),
		.e_shoff = sections_at,
		.e_ehsize = sizeof(e),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)(c->n_runs + 1),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = N_SECTIONS,
		.e_shstrndx = 1 };
	Elf64_Phdr p = {
		.p_type = PT_NOTE, .p_offset = CORE_HEAD, .p_filesz = threads_size, .p_align = 4
	};
	uint8_t *at = c->head + sizeof(e);
	uint64_t offset = c->pages_at;

	_Static_assert(sizeof(e) + (CORE_RUNS + 1) * sizeof(p) <= CORE_HEAD, "they fit");
	memcpy(c->head, &e, sizeof(e));
	memcpy(at, &p, sizeof(p));
	for (uint32_t i = 0; i < c->n_runs; i++) {
		p = (Elf64_Phdr){ .p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X,
			.p_offset = offset,
			.p_vaddr = c->run[i].gfn * PAGE,
			.p_paddr = c->run[i].gfn * PAGE,
			.p_filesz = c->run[i].pages * PAGE,
			.p_memsz = c->run[i].pages * PAGE,
			.p_align = PAGE };
		offset += p.p_filesz;
		memcpy(at += sizeof(p), &p, sizeof(p));
	}
}

/* ---- the runs of pages ---- */

/* CORE1 */
static int runs_find(struct core_out *c)
{
	struct stream_page p;
	uint64_t gfn = 0;

	while (c->src.next(c->src.ctx, STREAM_PAGE, gfn, &p)) {
		struct core_run *last = c->n_runs ? &c->run[c->n_runs - 1] : NULL;

		gfn = p.gfn + 1;
		if (last && p.gfn - (last->gfn + last->pages) < CORE_GAP) {
			c->n_pages += gfn - (last->gfn + last->pages);
			last->pages = gfn - last->gfn;
			continue;
		}
		if (c->n_runs == CORE_RUNS)
			return -SK_E_LIMIT;
		c->run[c->n_runs++] = (struct core_run){ p.gfn, 1 };
		c->n_pages++;
	}
	return 0;
}

/* The next page of all runs; *data NULL: the guest does not have it. */
static uint64_t page_next(struct core_out *c, const uint8_t **data)
{
	const struct core_run *r = &c->run[c->next_run];
	uint64_t gfn = r->gfn + c->next_page;
	struct stream_page p;

	if (++c->next_page == r->pages) {
		c->next_run++;
		c->next_page = 0;
	}
	*data = c->src.next(c->src.ctx, STREAM_PAGE, gfn, &p) && p.gfn == gfn ? p.data : NULL;
	return gfn;
}

/* ---- copying out ---- */

int core_begin(struct core_out *c, const struct stream_source *src)
{
	uint32_t threads_size;
	uint64_t sections_at;
	int rc;

	memset(c, 0, sizeof(*c));
	c->src = *src;
	rc = runs_find(c);
	if (rc)
		return rc;
	memset(c->meta, 0, core_out_size(src->state->n_vcpus) - sizeof(*c));
	sections_at = meta_compose(c, &threads_size);
	head_compose(c, sections_at, threads_size);
	c->at = CORE_HEAD;
	return 0;
}

static uint32_t meta_copy(struct core_out *c, uint8_t *buf, uint32_t size)
{
	uint64_t left = c->pfn_at - c->at;
	uint32_t n = left < size ? (uint32_t)left : size;

	memcpy(buf, c->meta + (c->at - CORE_HEAD), n);
	return n;
}

static uint32_t number_copy(struct core_out *c, uint8_t *buf)
{
	const uint8_t *data = NULL;
	uint64_t gfn = 0;

	if (c->next_run < c->n_runs)
		gfn = page_next(c, &data);
	if (c->at + sizeof(gfn) == c->pages_at) /* once more, for the pages */
		c->next_run = 0;
	if (c->at >= c->pfn_at + c->n_pages * sizeof(gfn))
		gfn = 0; /* up to the next page */
	else if (!data)
		gfn = CORE_NO_PFN;
	memcpy(buf, &gfn, sizeof(gfn));
	return sizeof(gfn);
}

static uint32_t page_copy(struct core_out *c, uint8_t *buf)
{
	const uint8_t *data;

	(void)page_next(c, &data);
	if (data)
		memcpy(buf, data, PAGE);
	else
		memset(buf, 0, PAGE);
	return PAGE;
}

/* Buffers have whole pages, and so have the parts of the file. */
uint32_t core_fill(struct core_out *c, uint8_t *buf, uint32_t size)
{
	uint32_t done = 0, n;

	while (done < size && c->at < c->size) {
		if (c->at < c->pfn_at)
			n = meta_copy(c, buf + done, size - done);
		else if (c->at < c->pages_at)
			n = number_copy(c, buf + done);
		else
			n = page_copy(c, buf + done);
		done += n;
		c->at += n;
	}
	return done;
}
