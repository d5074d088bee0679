/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's own log: where SPANSHIM_LOG points (nowhere by default), one line a message, prefixed
 * "spanshim[PID]: ". Never the host's stdout; its stderr only after SPANSHIM_LOG=stderr.
 * Cold code only; low layers do not log, main.c does.
 * Must not: allocate, use stdio, keep a file descriptor open, or change errno.
 */
#ifndef SS_LOG_H
#define SS_LOG_H

/* target: "" (off), "stderr" or an absolute path (appended to, created 0600, never through a
 * symbolic link). Copied; a path longer than PATH_MAX is ignored. Any thread, before other calls.
 */
void ss_log_init(const char *target);

/* One line, without prefix or newline, cut at 900 bytes; control characters become '?'. At most 64
 * lines per process, then one that says so and silence. Any thread; signal-safe. */
void ss_log_line(const char *line);

/* printf-like, cut at 900 bytes: %s, %d, %u, %x, with l, ll or z, and %%. No widths. Any thread;
 * signal-safe. */
void ss_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
