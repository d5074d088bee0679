/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alone.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STAT_BYTES   1024 /* more than there ever is */
#define STATUS_FIELD 52   /* proc(5): exit_code */

/* What proc(5) says of a thread from its field 3 on, in `text`; "" when it is gone. */
static const char *state_of(const char *tid, char *text, size_t bytes)
{
	char path[64], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return "";
	n = read(fd, text, bytes - 1);
	close(fd);
	if (n <= 0)
		return "";
	text[n] = '\0';
	end = strrchr(text, ')'); /* the name before it may contain anything */
	return end && end[1] == ' ' ? end + 2 : "";
}

bool ss_alone(uint64_t own_tid)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	char text[STAT_BYTES], state;
	bool alone = true;

	if (tasks == NULL)
		return false;
	while (alone && (task = readdir(tasks)) != NULL) {
		if (task->d_name[0] == '.' || strtoull(task->d_name, NULL, 10) == own_tid)
			continue;
		state = *state_of(task->d_name, text, sizeof(text));
		alone = state == 0 || state == 'Z' || state == 'X';
	}
	closedir(tasks);
	return alone;
}

int ss_alone_status(void)
{
	char tid[24], text[STAT_BYTES];
	const char *at;

	snprintf(tid, sizeof(tid), "%ld", (long)syscall(SYS_getpid));
	at = state_of(tid, text, sizeof(text));
	/* The last field, but for what newer kernels may add: the 52nd. */
	for (int field = 3; at && field < STATUS_FIELD; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? (int)strtol(at, NULL, 10) : 0;
}
