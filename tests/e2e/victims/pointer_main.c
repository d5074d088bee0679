/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls with pointers of all kinds: to nothing, to where there was something, to the end of what
 * can be read. 10 po_text, 5 po_sized, 7 po_cell. Waits for its standard input to end before it
 * does.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096

int po_text(const char *text);
int po_sized(const char *text, uint64_t bytes);
int po_cell(const int64_t *cell);

/* A page full of `letter`s, with one of that kind behind it: its address. */
static char *make_gap(char letter, char kind)
{
	char *page =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *gap = page + PAGE;
	int fd;

	memset(page, letter, 2 * PAGE);
	if (kind == 'p') {
		mprotect(gap, PAGE, PROT_NONE);
	} else if (kind == 'u') {
		munmap(gap, PAGE);
	} else { /* behind the end of its file: SIGBUS */
		fd = memfd_create("short", MFD_CLOEXEC);
		mmap(gap, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
		close(fd);
	}
	return gap;
}

int main(void)
{
	static const char kinds[] = "pub";
	const char *invalid[] = { NULL, (char *)1, (char *)-1, (char *)0xffff800000000000 };
	char text[] = "shown-part"
		      "hidden-part",
	     byte;

	for (int i = 0; i < 4; i++) {
		CHECK(po_text(invalid[i]) == (i > 0));
		CHECK(po_cell((const int64_t *)invalid[i]) == (i > 0));
	}
	for (int i = 0; i < 3; i++) {
		char *gap = make_gap((char)('a' + i), kinds[i]);

		CHECK(po_text(gap) == 1);                        /* nothing can be read */
		CHECK(po_text(gap - 3) == 1);                    /* three letters, no NUL */
		CHECK(po_sized(gap - 5, 64) == 1);               /* five, of 64 */
		CHECK(po_cell((const int64_t *)(gap - 4)) == 1); /* half of it */
	}
	CHECK(po_sized(text, 10) == 1);
	CHECK(po_sized((char *)-8, 16) == 1);
	CHECK(read(STDIN_FILENO, &byte, 1) == 0);
	return check_report("pointers");
}
