/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/aside.h"

#include <fcntl.h>
#include <unistd.h>

#define FIRST 40 /* shells take 10 and up, or 63 and down; the table first grows at 64 */

int ss_aside(int fd)
{
	int moved;

	if (fd < 0 || fd >= FIRST)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST);
	if (moved < 0)
		return fd;
	close(fd);
	return moved;
}
