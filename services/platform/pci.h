/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h - what platform knows about the machine's PCI functions
 */
#ifndef PLATFORM_PCI_H
#define PLATFORM_PCI_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

#define PCI_MAX_DEVICES 64u
#define PCI_BARS 6u

/* Configuration space: 32-bit accesses, off a multiple of 4 below 256. */
struct pci_config {
	uint32_t (*read)(uint16_t rid, uint16_t off);
	void (*write)(uint16_t rid, uint16_t off, uint32_t value);
};

struct pci_bar {
	/* Size 0: the function has no such BAR. */
	uint64_t base, size;
	bool io;
};

struct pci_device {
	/* bus << 8 | device << 3 | function */
	uint16_t rid;
	uint16_t vendor, device;
	/* Class, subclass, interface. */
	uint32_t class_code;
	struct pci_bar bar[PCI_BARS];
	/* Offset of the capability, 0 = none. */
	uint16_t msix;
	uint16_t msix_entries;
	uint8_t msix_bar;
	/* Of the table in that BAR. */
	uint32_t msix_offset;
	/* The capabilities, whether the table is usable or not. */
	uint16_t msix_cap, msi;
	/* Of the PCI Express, Advanced Features and power management capabilities. */
	uint16_t pcie, af, pm;
	/* Of the virtio capability that says where the common registers are. */
	uint16_t virtio;
	/* A bridge: the buses behind it, from secondary to subordinate; 0: it is none. */
	uint8_t secondary, subordinate;
	bool bridge;
	/* The BARs are known. */
	bool measured;
	bool claimed;
};

/*
 * Find all functions reachable from bus 0. Returns their number; those beyond max are left out.
 * It only reads, so devices and their drivers do not notice it.
 */
uint32_t pci_enumerate(const struct pci_config *cfg, struct pci_device *devs, uint32_t max);
/*
 * Find out the sizes of the BARs, by writing them, and turn bus mastering off: for a function
 * that no driver uses.
 */
void pci_measure(const struct pci_config *cfg, struct pci_device *d);
/* An IOMMU, which must not lose its addresses or its bus mastering. */
bool pci_is_iommu(const struct pci_device *d);
/* Memory decoding and bus mastering. */
void pci_enable(const struct pci_config *cfg, const struct pci_device *d);
/* MSI-X: enable with INTx off. The table is written by the caller before. */
void pci_msix_enable(const struct pci_config *cfg, const struct pci_device *d);
/*
 * No interrupt and no access to memory begins any more; pci_enable() and the programming of the
 * vectors undo it.
 */
void pci_quiesce(const struct pci_config *cfg, const struct pci_device *d);
void pci_msi_program(
	const struct pci_config *cfg, const struct pci_device *d, uint64_t addr, uint32_t data);

#endif
