/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shim/hot.h"
#include "shim/planted.h"

#define LINES_MAX     64
#define MESSAGE_BYTES 900

static char target[PATH_MAX];

/* Process id in the high half, lines written by it in the low one: a forked child counts anew. */
static uint64_t lines;

struct text {
	char *buf;
	size_t used, bytes;
};

static void append(struct text *text, const char *start, size_t bytes)
{
	size_t room = text->bytes - text->used;

	if (bytes > room)
		bytes = room;
	memcpy(text->buf + text->used, start, bytes);
	text->used += bytes;
}

static void append_number(struct text *text, unsigned long long number, unsigned int base)
{
	char digits[24];
	size_t i = sizeof(digits);

	do {
		digits[--i] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	append(text, digits + i, sizeof(digits) - i);
}

/* vsnprintf may allocate and takes locks, so not it. Returns what follows the conversion at `p`. */
static const char *append_conversion(struct text *text, const char *p, va_list *args)
{
	const char *start = p++;
	unsigned long long number;
	int longs = 0;

	for (; *p == 'l' || *p == 'z'; p++)
		longs++;
	switch (*p) {
	case 's': {
		const char *string = va_arg(*args, const char *);

		append(text, string ? string : "(null)", string ? strlen(string) : 6);
		return p + 1;
	}
	case 'd': {
		long long value = longs ? va_arg(*args, long long) : va_arg(*args, int);

		if (value < 0)
			append(text, "-", 1);
		append_number(text,
			      value < 0 ? -(unsigned long long)value : (unsigned long long)value,
			      10);
		return p + 1;
	}
	case 'u':
	case 'x':
		number = longs ? va_arg(*args, unsigned long long) : va_arg(*args, unsigned int);
		append_number(text, number, *p == 'x' ? 16 : 10);
		return p + 1;
	case '%':
		append(text, "%", 1);
		return p + 1;
	default:
		append(text, start, (size_t)(p - start));
		return p;
	}
}

void ss_log_init(const char *path)
{
	size_t bytes = strlen(path) + 1;

	if (bytes > sizeof(target))
		return;
	memcpy(target, path, bytes);
}

/* 1 .. LINES_MAX: the line's number; LINES_MAX + 1: time to say that this was it; 0: silence. */
static unsigned int count_line(uint32_t pid)
{
	uint64_t old = __atomic_load_n(&lines, __ATOMIC_RELAXED), next;

	/* publishes nothing but itself */
	do {
		next = old >> 32 == pid ? old + 1 : (uint64_t)pid << 32 | 1;
		if ((uint32_t)next > LINES_MAX + 1)
			return 0;
	} while (!__atomic_compare_exchange_n(&lines, &old, next, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return (uint32_t)next;
}

/* A SIGPIPE or SIGXFSZ of ours is taken back before the host can see it. */
static void write_quietly(int fd, const struct text *line)
{
	const struct timespec now = { 0, 0 };
	sigset_t ours, old, pending;
	int number;

	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	sigaddset(&ours, SIGXFSZ);
	sigpending(&pending);
	if (pthread_sigmask(SIG_BLOCK, &ours, &old) != 0)
		return;
	if (syscall(SYS_write, fd, line->buf, line->used) < 0) {
		number = errno == EPIPE ? SIGPIPE : errno == EFBIG ? SIGXFSZ : 0;
		sigemptyset(&ours);
		if (number && !sigismember(&pending, number)) {
			sigaddset(&ours, number);
			syscall(SYS_rt_sigtimedwait, &ours, NULL, &now, _NSIG / 8);
		}
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* System calls by number: open and write are cancellation points, and may be somebody's wrapper. */
static int open_target(void)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd;

	if (strcmp(target, "stderr") == 0 || strcmp(target, "/dev/stderr") == 0)
		return STDERR_FILENO;
	if (!ss_planted_before(target, &flags))
		return -1;
	fd = (int)syscall(SYS_openat, AT_FDCWD, target, flags, 0600);
	if (fd < 0 || ss_planted_after(target, flags, fd))
		return fd;
	syscall(SYS_close, fd);
	return -1;
}

static void write_line(uint32_t pid, const char *message)
{
	char buf[MESSAGE_BYTES + 32];
	struct text line = { buf, 0, sizeof(buf) - 1 };
	size_t start, bytes = strnlen(message, MESSAGE_BYTES);
	int fd;

	append(&line, "spanshim[", 9);
	append_number(&line, pid, 10);
	append(&line, "]: ", 3);
	start = line.used;
	append(&line, message, bytes);
	for (size_t i = start; i < line.used; i++)
		if ((unsigned char)buf[i] < ' ' || buf[i] == 0x7f)
			buf[i] = '?';
	buf[line.used++] = '\n';
	fd = open_target();
	if (fd < 0)
		return;
	write_quietly(fd, &line);
	if (fd != STDERR_FILENO)
		syscall(SYS_close, fd);
}

void ss_log_line(const char *line)
{
	int saved_errno = errno;
	uint32_t pid;
	unsigned int number;

	if (!target[0] || ss_retired)
		return;
	pid = (uint32_t)syscall(SYS_getpid);
	number = count_line(pid);
	if (number > LINES_MAX)
		write_line(pid, "no more messages from this process");
	else if (number)
		write_line(pid, line);
	errno = saved_errno;
}

void ss_log(const char *format, ...)
{
	char buf[MESSAGE_BYTES + 1];
	struct text text = { buf, 0, MESSAGE_BYTES };
	va_list args;

	va_start(args, format);
	for (const char *p = format; *p;) {
		size_t plain = (size_t)(strchrnul(p, '%') - p);

		append(&text, p, plain);
		p += plain;
		if (*p)
			p = append_conversion(&text, p, &args);
	}
	va_end(args);
	buf[text.used] = '\0';
	ss_log_line(buf);
}
