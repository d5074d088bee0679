/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/aside.h"
#include "collector/clock.h"
#include "shim/planted.h"

#define STEP_MS     50
#define TRIES       20
#define LOCK_TRIES  2000 /* a millisecond each */
#define TAIL_BYTES  4096
#define PARTIAL_MAX (1 << 20)
#define HELD_MAX \
	1024 /* held descriptors are in the last HELD_ROOM below that, or below the limit */
#define HELD_ROOM 16

/* How lines of ours begin: of spans, of metrics. */
static const char *const starts[] = { "{\"resourceSpans\":[", "{\"resourceMetrics\":[" };
#define START_BYTES 20

void ss_sink_init(struct ss_sink *sink, const char *path, struct ss_image *image)
{
	*sink = (struct ss_sink){ .path = path, .image = image, .fd = -1 };
}

void ss_sink_end(struct ss_sink *sink)
{
	if (sink->regular && !sink->held)
		ss_sink_deinit(sink);
}

void ss_sink_deinit(struct ss_sink *sink)
{
	struct stat status;

	/* The host may have closed it and got the number for a file of its own. */
	if (sink->fd > STDERR_FILENO && fstat(sink->fd, &status) == 0 &&
	    status.st_dev == sink->device && status.st_ino == sink->inode)
		close(sink->fd);
	sink->fd = -1;
	sink->regular = false;
	sink->held = false;
}

/* -errno; -EPERM: it may be somebody's trap. */
static int open_own(const char *path, int flags)
{
	int fd;

	flags |= O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
	if (!ss_planted_before(path, &flags))
		return -EPERM;
	fd = ss_aside(open(path, flags, 0600));
	if (fd < 0)
		return -errno;
	if (ss_planted_after(path, flags, fd))
		return fd;
	close(fd);
	return -EPERM;
}

/* Read access too, to look at the last line; a file (or FIFO) that only lets us write has to do. */
static int open_path(const char *path)
{
	struct stat status;
	int fd;

	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return open_own(path, O_WRONLY);
	fd = open_own(path, O_RDWR | O_CREAT);
	return fd == -EACCES ? open_own(path, O_WRONLY | O_CREAT) : fd;
}

/* Opening /dev/stderr anew would give a file's beginning, and no socket. */
static bool is_stderr(const char *path)
{
	return strcmp(path, "-") == 0 || strcmp(path, "/dev/stderr") == 0;
}

static int ensure_open(struct ss_sink *sink)
{
	struct stat status;

	if (sink->fd >= 0) {
		if (fstat(sink->fd, &status) == 0 && status.st_dev == sink->device &&
		    status.st_ino == sink->inode)
			return 0;
		sink->fd = -1;
	}
	sink->fd = is_stderr(sink->path) ? STDERR_FILENO : open_path(sink->path);
	if (sink->fd < 0)
		return sink->fd;
	if (fstat(sink->fd, &status) != 0) {
		sink->fd = -1;
		return -EBADF;
	}
	sink->device = status.st_dev;
	sink->inode = status.st_ino;
	/* stderr may be a file that others write to without our manners: it is only appended to. */
	sink->regular = S_ISREG(status.st_mode) && sink->fd != STDERR_FILENO;
	return 0;
}

void ss_sink_hold(struct ss_sink *sink)
{
	struct rlimit limit;
	struct stat status;
	int high;

	/* Opening a FIFO that nobody reads would not come back, and the host waits for us. */
	if (sink->fd < 0 && stat(sink->path, &status) == 0 && !S_ISREG(status.st_mode))
		return;
	if (sink->held || ensure_open(sink) != 0 || !sink->regular)
		return;
	sink->held = true;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	high = limit.rlim_cur < HELD_MAX ? (int)limit.rlim_cur : HELD_MAX;
	high = fcntl(sink->fd, F_DUPFD_CLOEXEC, high - HELD_ROOM);
	if (high < 0)
		return;
	close(sink->fd);
	sink->fd = high;
}

/* Bounded: a child forked while we held the lock holds it too, and may live long; a holder may be
 * stopped. False: not had. O_APPEND alone still keeps writes apart, but nothing may be cut off. */
static bool lock(int fd)
{
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		ss_clock_sleep_ms(1);
	}
	return false;
}

static int write_all(int fd, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ssize_t done = write(fd, text, bytes);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			text += done;
			bytes -= (size_t)done;
		}
	}
	return 0;
}

/* Offset behind the last newline before `size`; -1: none within reach. */
static off_t last_line(int fd, off_t size)
{
	char text[TAIL_BYTES];
	off_t end = size;

	while (end > 0 && size - end < PARTIAL_MAX) {
		size_t part = end < TAIL_BYTES ? (size_t)end : TAIL_BYTES;
		const char *newline;

		if (pread(fd, text, part, end - (off_t)part) != (ssize_t)part)
			return -1;
		newline = memrchr(text, '\n', part);
		if (newline != NULL)
			return end - (off_t)part + (newline - text) + 1;
		end -= (off_t)part;
	}
	return end == 0 ? 0 : -1;
}

/* The first bytes of a line, as far as it was written. */
static bool is_ours(const char *line, size_t bytes)
{
	uint32_t i;

	for (i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		size_t length = strlen(starts[i]);

		if (memcmp(line, starts[i], bytes < length ? bytes : length) == 0)
			return true;
	}
	return false;
}

/* Makes the file end in a newline: cuts off an unfinished line of ours, if nobody can be about to
 * finish it. *size is its length before and after. */
static int mend(int fd, bool locked, off_t *size)
{
	char start[START_BYTES], last = '\n';
	ssize_t bytes;
	off_t line;

	/* Not readable: nothing can be told. */
	if (*size == 0 || pread(fd, &last, 1, *size - 1) != 1 || last == '\n')
		return 0;
	line = last_line(fd, *size);
	bytes = line < 0 ? -1 : pread(fd, start, sizeof(start), line);
	if (locked && bytes > 0 && is_ours(start, (size_t)bytes)) {
		if (ftruncate(fd, line) != 0)
			return -errno;
		*size = line;
		return 0;
	}
	*size += 1;
	return write_all(fd, "\n", 1);
}

static int write_regular(struct ss_sink *sink, const char *line, size_t bytes, uint64_t epoch)
{
	struct stat status;
	bool locked = lock(sink->fd);
	int rc;

	if (fstat(sink->fd, &status) != 0) {
		rc = -errno;
		goto out;
	}
	rc = mend(sink->fd, locked, &status.st_size);
	if (rc != 0)
		goto out;
	if (sink->image != NULL && sink->image->out_batch != epoch) {
		sink->image->out_offset = (uint64_t)status.st_size;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		sink->image->out_batch = epoch;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	}
	rc = write_all(sink->fd, line, bytes);
	/* Take back the part that fitted; if even that fails, the next writer mends. */
	if (rc != 0 && locked && ftruncate(sink->fd, status.st_size) != 0)
		rc = -EIO;
out:
	flock(sink->fd, LOCK_UN);
	return rc;
}

static int write_once(struct ss_sink *sink, const char *line, size_t bytes, uint64_t epoch)
{
	int rc = ensure_open(sink);

	if (rc == 0)
		rc = sink->regular ? write_regular(sink, line, bytes, epoch)
				   : write_all(sink->fd, line, bytes);
	if (rc != 0 && !sink->held)
		ss_sink_deinit(sink);
	return rc;
}

/* Time can cure these; others it cannot. */
static bool curable(int rc)
{
	return rc == -ENOSPC || rc == -EIO || rc == -EDQUOT || rc == -EAGAIN || rc == -ENOMEM ||
	       rc == -EMFILE || rc == -ENFILE || rc == -EBADF;
}

int ss_sink_write(struct ss_sink *sink, const char *line, size_t bytes, uint64_t epoch)
{
	int rc = write_once(sink, line, bytes, epoch), i;

	for (i = 0; i < TRIES && !sink->failing && curable(rc); i++) {
		ss_clock_sleep_ms(STEP_MS);
		rc = write_once(sink, line, bytes, epoch);
	}
	sink->failing = rc != 0;
	return rc;
}

int ss_sink_reread(const char *path)
{
	int fd = open_own(path, O_RDWR | O_NONBLOCK), rc;
	struct stat status;

	if (fd < 0)
		return fd;
	rc = fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ? -EINVAL : 0;
	if (rc == 0) {
		bool locked = lock(fd);

		if (fstat(fd, &status) == 0)
			rc = mend(fd, locked, &status.st_size);
		flock(fd, LOCK_UN);
	}
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}
