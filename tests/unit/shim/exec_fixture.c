/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/shim/exec_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/context.h"
#include "shim/intercept/intercept.h"
#include "shim/process.h"

bool ss_retired; /* shim/hot.h */

#define RETURNED 77 /* exit status of a child whose exec came back */

bool active = true, has_span = true, sampled = true, hide_real, libc;
const char *ring_file = "";
int before_count, after_count;
struct outcome outcomes[2];

bool ss_process_active(void)
{
	return active;
}

bool ss_context_current(struct ss_span_ref *ret_span)
{
	if (!has_span)
		return false;
	*ret_span = (struct ss_span_ref){ .span_id = 0xff, .trace_hi = 0x1b, .trace_lo = 0x2c };
	return true;
}

bool ss_process_sampled(const struct ss_span_ref *span)
{
	cr_assert_eq(span->span_id, 0xff);
	return sampled;
}

void ss_process_before_exec(const char **ret_ring_file)
{
	before_count++;
	*ret_ring_file = ring_file;
	errno = EDOM;
}

void ss_process_after_exec(void)
{
	after_count++;
	errno = EDOM;
}

void *ss_intercept_real(const char *name)
{
	return hide_real ? NULL : dlsym(RTLD_NEXT, name);
}

static void run(void (*fn)(void), struct outcome *ret_outcome)
{
	size_t used = 0;
	ssize_t n;
	int ends[2];
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		errno = 0;
		fn();
		dprintf(STDOUT_FILENO, "errno=%d", errno);
		_exit(RETURNED);
	}
	close(ends[1]);
	while ((n = read(ends[0], ret_outcome->output + used,
			 sizeof(ret_outcome->output) - 1 - used)) > 0)
		used += (size_t)n;
	ret_outcome->output[used] = '\0';
	close(ends[0]);
	cr_assert_eq(waitpid(pid, &ret_outcome->status, 0), pid);
}

const char *output_of(void (*fn)(void))
{
	run(fn, &outcomes[0]);
	return outcomes[0].output;
}

int count_in(const char *haystack, const char *needle)
{
	int count = 0;

	for (const char *p = haystack; (p = strstr(p, needle)); p++)
		count++;
	return count;
}

void compare(void (*fn)(void))
{
	libc = false;
	run(fn, &outcomes[0]);
	libc = true;
	run(fn, &outcomes[1]);
	libc = false;
	cr_assert_str_eq(outcomes[0].output, outcomes[1].output);
	cr_assert_eq(outcomes[0].status, outcomes[1].status);
}

void wait_for(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	dprintf(1, "status=%x ", status);
	errno = 0; /* posix_spawnp may leave anything there when it succeeds */
}
