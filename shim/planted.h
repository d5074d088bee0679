/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are appended to by name: whether somebody else may have put there what has the name.
 * In a directory that everybody may write to (/tmp), a file or FIFO of another user's would be
 * given what we write, and a link, hard or symbolic, would have it spoil a file of ours. Elsewhere,
 * and if it is ours or the directory owner's, it is what the user wants. As Linux's own
 * protected_regular, protected_fifos and protected_symlinks, which containers tend to be without.
 * Any thread; signal-safe; needs about 1.5 KiB of stack.
 */
#ifndef SS_PLANTED_H
#define SS_PLANTED_H

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SS_PLANTED_PATH_BYTES 1024

/* `item` is what lstat says of the absolute `path`, which is written to and put back. */
static inline bool ss_is_planted(char *path, const struct stat *item)
{
	char *slash = strrchr(path, '/');
	struct stat above;
	bool known;

	if (slash == NULL)
		return true;
	*slash = '\0';
	known = stat(slash == path ? "/" : path, &above) == 0;
	*slash = '/';
	if (!known)
		return true;
	if (!(above.st_mode & S_IWOTH))
		return false;
	if (S_ISREG(item->st_mode) && item->st_nlink != 1)
		return true;
	return item->st_uid != geteuid() && item->st_uid != above.st_uid;
}

/* Before the file is opened with *flags, O_NOFOLLOW among them: that goes if there is a symbolic
 * link to be followed. False: not to be opened. */
static inline bool ss_planted_before(const char *path, int *flags)
{
	char copy[SS_PLANTED_PATH_BYTES];
	struct stat item;

	if (strlen(path) >= sizeof(copy) || lstat(path, &item) != 0)
		return true;
	if (ss_is_planted(strcpy(copy, path), &item))
		return false;
	if (S_ISLNK(item.st_mode))
		*flags &= ~O_NOFOLLOW;
	return true;
}

/* Where a link has led to; `path` if there is no /proc to tell. By hand: snprintf may allocate. */
static inline void ss_planted_follow(const char *path, int fd, char buf[SS_PLANTED_PATH_BYTES])
{
	char name[] = "/proc/self/fd/0000000000", *digit = name + sizeof(name) - 1;
	ssize_t bytes;

	for (; digit[-1] != '/'; fd /= 10)
		*--digit = (char)('0' + fd % 10);
	bytes = readlink(name, buf, SS_PLANTED_PATH_BYTES - 1);
	if (bytes > 0)
		buf[bytes] = '\0';
	else
		strcpy(buf, path);
}

/* Of the descriptor that came of it, opened with these flags: of what was found behind a link, or
 * came between. False: close it. */
static inline bool ss_planted_after(const char *path, int flags, int fd)
{
	char buf[SS_PLANTED_PATH_BYTES];
	struct stat item;

	if (strlen(path) >= sizeof(buf) || fstat(fd, &item) != 0)
		return false;
	if ((!S_ISREG(item.st_mode) && !S_ISFIFO(item.st_mode)) || item.st_nlink == 0)
		return true;
	if (flags & O_NOFOLLOW)
		strcpy(buf, path);
	else
		ss_planted_follow(path, fd, buf);
	return buf[0] != '/' || !ss_is_planted(buf, &item); /* a pipe has no path */
}

#endif
