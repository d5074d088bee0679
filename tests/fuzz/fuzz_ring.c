/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: `spanshim recover` on a ring file that was torn or forged. Whatever the file says,
 * what comes out is lines of JSON, of a bounded length, in the output file. With clang's
 * -fsanitize=fuzzer it searches; with replay.c it runs the corpus as an ordinary test.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/cli/tree_valid.h"
#include "collector/otlp.h"
#include "collector/recover.h"
#include "ring_file.h"

#define LINE_BYTES_MAX SS_LINE_MAX
#define OUT_BYTES_MAX  (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t max, unsigned int seed);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

static char ring_path[64];
static int out = -1; /* stands for every file that the ring names */
static unsigned int opened;

/* A forged ring names any path: nothing but these two is ever written. */
int __wrap_open64(const char *path, int flags, ...)
{
	char name[40];
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	if (out < 0 || strcmp(path, ring_path) == 0 || (flags & O_ACCMODE) == O_RDONLY)
		return __real_open64(path, flags, mode);
	opened++;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", out);
	/* readable, whatever the path was: what stands there must be seen to be ended */
	return __real_open64(name, (flags & ~(O_NOFOLLOW | O_CREAT | O_ACCMODE)) | O_RDWR);
}

/* The line that stood there cut off: if it was none of ours, it was ended by whoever wrote next. */
static bool is_partial(const struct ring_file *file, const char *line, size_t bytes)
{
	return bytes <= file->out_bytes &&
	       memcmp(file->out + file->out_bytes - bytes, line, bytes) == 0;
}

static void check_output(const struct ring_file *file)
{
	const char *newline = memrchr(file->out, '\n', file->out_bytes);
	size_t at = newline ? (size_t)(newline + 1 - file->out) : 0, byte;
	struct stat status;
	char *text, *line, *end;

	if (fstat(out, &status) || status.st_size > OUT_BYTES_MAX)
		abort();
	text = malloc((size_t)status.st_size + 1);
	if (!text || pread(out, text, (size_t)status.st_size, 0) != status.st_size)
		abort();
	for (line = text + at; line < text + status.st_size; line = end + 1) {
		size_t bytes;

		end = memchr(line, '\n', (size_t)(text + status.st_size - line));
		bytes = end ? (size_t)(end - line) : (size_t)(text + status.st_size - line);
		if (line == text + at && is_partial(file, line, bytes)) {
			if (!end)
				break;
			continue;
		}
		if (!end || bytes > LINE_BYTES_MAX || !ss_tree_valid(line, bytes, &byte))
			abort();
	}
	free(text);
}

static void write_ring(const struct ring_file *file)
{
	int fd = __real_open64(ring_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, file->image, file->bytes) != (ssize_t)file->bytes)
		abort();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct ring_file file;
	struct ss_recover_stats stats;
	int rc;

	if (!file.image) {
		file.image = calloc(1, RING_FILE_BYTES_MAX);
		snprintf(ring_path, sizeof(ring_path), "/dev/shm/spanshim-fuzz-%d.ring", getpid());
	}
	ring_file_expand(&file, data, bytes);
	out = memfd_create("out", MFD_CLOEXEC);
	if (out < 0 || write(out, file.out, file.out_bytes) != (ssize_t)file.out_bytes)
		abort();
	write_ring(&file);
	rc = ss_recover_file(ring_path, &stats);
	if ((rc < 0 && !stats.reason) || (rc == 0 && stats.spans > 0 && opened == 0))
		abort();
	unlink(ring_path);
	check_output(&file);
	close(out);
	out = -1;
	return 0;
}

#ifdef SS_FUZZER
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t max, unsigned int seed)
{
	return ring_file_mutate(data, bytes, max, seed, LLVMFuzzerMutate);
}
#endif
