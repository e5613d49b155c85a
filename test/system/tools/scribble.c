/*
 * scribble - a Linux guest that misbehaves towards its host, as far as its user space can
 *
 * Through the kernel's xenbus device: nodes of its own devices get values that make no sense, in every order, and
 * requests of every type carry garbage. Then, through /dev/mem, random words go over the special pages below
 * 4 GiB, where the rings of console and xenstore are, again and again. It never ends.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TYPES = 24, ROUNDS = 300, XS_WRITE = 11, HANG_MS = 120000 };
#define SPECIAL_FIRST 0xfeff8000u
#define SPECIAL_LAST 0xff000000u

struct header {
	uint32_t type, req_id, tx_id, len;
};

static void drain(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char answer[8192];

	while (poll(&p, 1, 0) > 0 && read(fd, answer, sizeof(answer)) > 0)
		;
}

static void request(int fd, uint32_t type, const char *data, uint32_t len)
{
	char text[sizeof(struct header) + 4096];
	struct header h = { .type = type, .req_id = (uint32_t)random(), .len = len };

	memcpy(text, &h, sizeof(h));
	memcpy(text + sizeof(h), data, len);
	if (write(fd, text, sizeof(h) + len) < 0)
		lseek(fd, 0,
			SEEK_SET); /* refused by the kernel or by xenstore: that is what is asked for */
	drain(fd);
}

static void nodes(int fd)
{
	static const char *const names[] = { "device/vbd/51712/ring-ref",
		"device/vbd/51712/event-channel", "device/vbd/51712/state",
		"device/vbd/51712/ring-page-order", "device/vbd/51712/protocol",
		"device/vif/0/tx-ring-ref", "device/vif/0/rx-ring-ref",
		"device/vif/0/event-channel", "device/vif/0/state",
		"device/vif/0/multi-queue-num-queues", "control/shutdown", "memory/target",
		"/local/domain/0/name" };
	static const char *const values[] = { "-1", "0", "1", "4", "5", "6", "3",
		"99999999999999999999", "4294967295", "x", "", "0x10", "crash" };
	char data[256];

	for (int i = 0; i < ROUNDS; i++) {
		const char *name = names[random() % 13], *value = values[random() % 13];
		size_t n = strlen(name) + 1;

		memcpy(data, name, n);
		memcpy(data + n, value, strlen(value));
		request(fd, XS_WRITE, data, (uint32_t)(n + strlen(value)));
	}
}

static void garbage(int fd)
{
	char data[512];

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t len = (uint32_t)random() % sizeof(data);

		for (uint32_t j = 0; j < len; j++)
			data[j] = (char)(random() % 4 ? 'a' + random() % 26 : random());
		request(fd, (uint32_t)random() % TYPES, data, len);
	}
}

static unsigned int pages(int fd)
{
	unsigned int n = 0;

	for (uint64_t at = SPECIAL_FIRST; at < SPECIAL_LAST; at += 4096) {
		volatile uint32_t *page = mmap(
			NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);

		if (page == MAP_FAILED)
			continue;
		for (unsigned int i = 0; i < 1024; i++)
			page[i] = (uint32_t)random() << 1 ^ (uint32_t)random();
		munmap((void *)page, 4096);
		n++;
	}
	return n;
}

int main(void)
{
	int bus = open("/dev/xen/xenbus", O_RDWR | O_NONBLOCK),
	    mem = open("/dev/mem", O_RDWR | O_SYNC);
	struct pollfd round = { .events = POLLIN };
	int told[2];

	if (bus < 0 || mem < 0 || pipe(told)) {
		printf("scribble: no devices\n");
		return 1;
	}
	if (fork() == 0) {
		nodes(bus);
		garbage(bus);
		close(told[1]);
		for (;;) {
			nodes(bus);
			garbage(bus);
		}
	}
	/* One round of that comes before xenstore's ring breaks as well; a round that hangs is not waited for. */
	close(told[1]);
	round.fd = told[0];
	(void)poll(&round, 1, HANG_MS);
	printf("scribbling\n");
	fflush(stdout);
	while (pages(mem))
		;
	printf("scribble: no page can be mapped\n");
	return 1;
}
