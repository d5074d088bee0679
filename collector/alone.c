/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alone.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* State letter of a thread; 0 when it is gone. */
static char state_of(const char *tid)
{
	char path[64], text[512];
	const char *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	end = strrchr(text, ')'); /* the name before it may contain anything */
	return end && end[1] == ' ' ? end[2] : 0;
}

bool ss_alone(uint64_t own_tid)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	bool alone = true;
	char state;

	if (tasks == NULL)
		return false;
	while (alone && (task = readdir(tasks)) != NULL) {
		if (task->d_name[0] == '.' || strtoull(task->d_name, NULL, 10) == own_tid)
			continue;
		state = state_of(task->d_name);
		alone = state == 0 || state == 'Z' || state == 'X';
	}
	closedir(tasks);
	return alone;
}
