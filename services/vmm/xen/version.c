/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * version.c - xen_version, console_io and vm_assist
 *
 * Objects     the line that the guest is writing by console_io.
 * Locks       line_lock: that line; leaf.
 */
#include "xen/hypercall.h"
#include "xen/xen_domain.h"

#include <xen/features.h>
#include <xen/version.h>

#define VERSION_MAJOR 4u
#define VERSION_MINOR 17u

static struct mutex line_lock;
static char line[128];
static unsigned int line_len;

static int64_t features_get(struct hcall *c)
{
	struct xen_feature_info fi;

	if (!hc_in(c, &fi, c->arg[1], sizeof(fi)))
		return -XEN_EFAULT;
	if (fi.submap_idx)
		return -XEN_EINVAL;
	fi.submap = 1u << XENFEAT_writable_page_tables | 1u << XENFEAT_auto_translated_physmap |
		    1u << XENFEAT_hvm_callback_vector | 1u << XENFEAT_hvm_safe_pvclock |
		    1u << XENFEAT_not_direct_mapped;
	return hc_out(c, c->arg[1], &fi, sizeof(fi)) ? 0 : -XEN_EFAULT;
}

static int64_t compile_info_get(struct hcall *c)
{
	static const struct xen_compile_info info = {
		.compiler = "gcc",
		.compile_by = "skerry",
		.compile_domain = "",
		.compile_date = "",
	};

	return hc_out(c, c->arg[1], &info, sizeof(info)) ? 0 : -XEN_EFAULT;
}

/* Write a string to the guest, padded with zeros to `size` bytes. */
static int64_t string_put(struct hcall *c, const char *s, uint32_t size)
{
	static const char zero[64];
	uint32_t len = (uint32_t)strlen(s), n;

	if (!hc_out(c, c->arg[1], s, len))
		return -XEN_EFAULT;
	for (; len < size; len += n) {
		n = size - len < sizeof(zero) ? size - len : sizeof(zero);
		if (!hc_out(c, c->arg[1] + len, zero, n))
			return -XEN_EFAULT;
	}
	return 0;
}

int64_t hc_xen_version(struct hcall *c)
{
	struct xen_platform_parameters pp = { .virt_start = 0 };

	switch ((uint32_t)c->arg[0]) {
	case XENVER_version:
		return VERSION_MAJOR << 16 | VERSION_MINOR;
	case XENVER_extraversion:
		return string_put(c, "-skerry", XEN_EXTRAVERSION_LEN);
	case XENVER_compile_info:
		return compile_info_get(c);
	case XENVER_capabilities:
		return string_put(c,
			"xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ",
			XEN_CAPABILITIES_INFO_LEN);
	case XENVER_changeset:
		return string_put(c, "unavailable", XEN_CHANGESET_INFO_LEN);
	case XENVER_platform_parameters:
		return hc_out(c, c->arg[1], &pp, c->wide ? 8 : 4) ? 0 : -XEN_EFAULT;
	case XENVER_get_features:
		return features_get(c);
	case XENVER_pagesize:
		return SK_PAGE_SIZE;
	case XENVER_guest_handle:
		return hc_out(c, c->arg[1], xen_dom.p.uuid, sizeof(xen_dom.p.uuid))
			       ? 0
			       : -XEN_EFAULT;
	case XENVER_commandline:
		return string_put(c, "", sizeof(xen_commandline_t));
	case XENVER_build_id:
		return -XEN_ENODATA;
	default:
		return -XEN_ENOSYS;
	}
}

/* ---- console_io ------------------------------------------------------------------- */

static void line_end(void)
{
	line[line_len] = 0;
	if (line_len)
		vm_log("guest: %s", line);
	line_len = 0;
}

static void line_put(const char *s, uint32_t n)
{
	mutex_lock(&line_lock);
	for (uint32_t i = 0; i < n; i++) {
		char ch = s[i];

		if (ch == '\n' || ch == 0 || line_len == sizeof(line) - 1)
			line_end();
		if (ch >= ' ' && ch <= '~')
			line[line_len++] = ch;
		else if (ch == '\t')
			line[line_len++] = ' ';
	}
	mutex_unlock(&line_lock);
}

/*
 * Arguments: command, bytes, buffer. Text that comes too fast or is too long is cut; this is
 * not an error.
 */
int64_t hc_console_io(struct hcall *c)
{
	char buf[128];
	uint32_t left, n;
	uint64_t at = c->arg[2];

	if ((uint32_t)c->arg[0] != CONSOLEIO_write)
		return (uint32_t)c->arg[0] == CONSOLEIO_read ? -XEN_EPERM : -XEN_ENOSYS;
	left = (uint32_t)c->arg[1];
	if (left > SK_PAGE_SIZE)
		left = SK_PAGE_SIZE;
	for (; left; left -= n, at += n) {
		n = left < sizeof(buf) ? left : sizeof(buf);
		if (!hc_in(c, buf, at, n))
			return -XEN_EFAULT;
		line_put(buf, n);
	}
	return 0;
}

/* Arguments: command, type. */
int64_t hc_vm_assist(struct hcall *c)
{
	uint32_t cmd = (uint32_t)c->arg[0];

	if (cmd != VMASST_CMD_enable && cmd != VMASST_CMD_disable)
		return -XEN_ENOSYS;
	if ((uint32_t)c->arg[1] != VMASST_TYPE_runstate_update_flag)
		return -XEN_EINVAL;
	__atomic_store_n(&xen_dom.runstate_flag, cmd == VMASST_CMD_enable, __ATOMIC_RELEASE);
	return 0;
}
