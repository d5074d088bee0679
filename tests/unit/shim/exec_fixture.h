/* SPDX-License-Identifier: Apache-2.0
 *
 * For the tests of exec.c: what it needs of the rest of the shim, as stubs that a test sets; and
 * running a function in a child, to look at its output, status and errno. compare() runs libc's own
 * function and our wrapper of it, with a span in force or not, and wants no difference.
 */
#ifndef EXEC_FIXTURE_H
#define EXEC_FIXTURE_H

#include <dlfcn.h>
#include <stdbool.h>
#include <sys/types.h>

#define FIXTURE_SPAN        "00-000000000000001b000000000000002c-00000000000000ff"
#define FIXTURE_TRACEPARENT FIXTURE_SPAN "-01"
#define PARENT              "TRACEPARENT=" FIXTURE_TRACEPARENT
#define PARENT_UNSAMPLED    "TRACEPARENT=" FIXTURE_SPAN "-00"

/* What ss_process_active, ss_context_current, ss_process_sampled, ss_intercept_real and
 * ss_process_before_exec say. */
extern bool active, has_span, sampled, hide_real;
extern const char *ring_file;
/* How often the two halves of an exec's announcement were called. */
extern int before_count, after_count;

struct outcome {
	int status;
	char output[65536];
};
/* Of the last output_of or, ours first, compare. */
extern struct outcome outcomes[2];

/* While `libc` is set, libc's own function; else the wrapper. */
extern bool libc;
#define CALL(function) \
	(libc ? (typeof(&function))dlsym(RTLD_NEXT, #function) : (typeof(&function))function)

/* Runs fn in a child and returns what that wrote to stdout and stderr; when fn returns, "errno=N"
 * is added. */
const char *output_of(void (*fn)(void));

/* Runs fn twice, `libc` unset and set; asserts the same output and status. */
void compare(void (*fn)(void));

int count_in(const char *haystack, const char *needle);

/* Waits and prints "status=X "; errno is 0 afterwards. */
void wait_for(pid_t pid);

#endif
