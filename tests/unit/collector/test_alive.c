/* SPDX-License-Identifier: Apache-2.0
 *
 * Which processes are alive, though they do not look like it: their ring files are not recovered.
 */
#include "collector/recover.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static void *stay(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* The first thread of a process may leave it to the others: /proc/PID/maps is empty from then on.
 */
Test(alive, whose_first_thread_left)
{
	struct ss_recover_stats stats;
	struct fixture fixture;
	char path[64], letter = 0;
	pthread_t thread;
	pid_t child;
	FILE *stat;

	fixture_make(&fixture, 1, 65536);
	fixture_open(&fixture, 0, FIX_CALL, 1, 0, NULL);
	child = fork();
	if (child == 0) {
		pthread_create(&thread, NULL, stay, NULL);
		pthread_exit(NULL);
	}
	fixture.image->pid = (uint32_t)child;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
	while (letter != 'Z') {
		stat = fopen(path, "re");
		cr_assert_eq(fscanf(stat, "%*d %*s %c", &letter), 1);
		fclose(stat);
	}
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), -EBUSY);
	cr_expect_eq(access(fixture.ring_path, F_OK), 0);
	kill(child, SIGKILL);
	/* Dead, all of it, but not waited for. */
	cr_assert_eq(waitid(P_PID, (id_t)child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	cr_expect_eq(ss_recover_file(fixture.ring_path, &stats), 0);
	cr_expect_eq(stats.spans, 1);
	waitpid(child, NULL, 0);
	fixture_remove(&fixture);
}
