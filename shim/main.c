/* SPDX-License-Identifier: Apache-2.0
 *
 * Composition root of the preloaded object: environment -> configuration -> bindings ->
 * interception. Runs in the constructor, or earlier, when the first constructor of any object runs
 * (__gmon_start__). Must not: fail outward. Whatever is wrong becomes one line on the shim's log,
 * and the process goes on as if we were not there.
 */
#include "shim/main.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/bindings/builtin.h"
#include "shim/clocks.h"
#include "shim/config.h"
#include "shim/drain_thread.h"
#include "shim/exit.h"
#include "shim/hot.h"
#include "shim/intercept/elf.h"
#include "shim/intercept/intercept.h"
#include "shim/intercept/objects.h"
#include "shim/log.h"
#include "shim/probe.h"
#include "shim/process.h"
#include "shim/python/python.h"
#include "shim/ring_file.h"
#include "shim/sandbox.h"
#include "shim/sanitizer.h"
#include "shim/shadow.h"
#include "shim/value.h"

#define ARGUMENTS_BYTES   8192 /* of a command line; what comes behind is left out */
#define ARGUMENTS_MAX     256
#define VALUE_SHOWN_BYTES 200 /* of one that is not understood */

extern int __cxa_atexit(void (*)(void *), void *, void *);
#if defined(__GLIBC__)
/* Weak: a libc that lacks them may load us all the same (see is_other_libc). */
extern int __cxa_at_quick_exit(void (*)(void *), void *) __attribute__((weak));
extern const char *gnu_get_libc_version(void) __attribute__((weak));
#endif
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static struct ss_config config;
static char cwd[PATH_MAX], executable[PATH_MAX];
static char arguments[ARGUMENTS_BYTES + 1];

static void complain(const char *name, const char *value, const char *expected)
{
	char shown[VALUE_SHOWN_BYTES + 1];
	size_t bytes = strnlen(value, VALUE_SHOWN_BYTES);

	memcpy(shown, value, bytes);
	shown[bytes] = '\0';
	ss_log("%s=%s%s: expected %s; the default is used", name, shown, value[bytes] ? "..." : "",
	       expected);
}

static const char *program(void)
{
	const char *slash = strrchr(executable, '/');

	return slash ? slash + 1 : executable;
}

static void find_process_names(void)
{
	ssize_t n = readlink("/proc/self/exe", executable, sizeof(executable) - 1);

	if (n < 0) /* no /proc: what the kernel was asked to run */
		snprintf(executable, sizeof(executable), "%s",
			 getauxval(AT_EXECFN) ? (const char *)getauxval(AT_EXECFN) : "unknown");
	if (!getcwd(cwd, sizeof(cwd)))
		snprintf(cwd, sizeof(cwd), "/");
}

static void open_log(void)
{
	char target[PATH_MAX];

	if (!config.log[0] || !strcmp(config.log, "stderr")) {
		ss_log_init(config.log);
		return;
	}
	if (!ss_config_expand(config.log, program(), (uint32_t)syscall(SYS_getpid), 0, cwd, target,
			      sizeof(target)))
		ss_log_init(target);
}

static bool is_self(const struct dl_phdr_info *info)
{
	return info->dlpi_addr == (uintptr_t)&__ehdr_start;
}

static int find_self(struct dl_phdr_info *info, size_t size, void *arg)
{
	char *path = arg;

	if (!is_self(info))
		return 0;
	if (info->dlpi_name[0] == '/')
		snprintf(path, PATH_MAX, "%s", info->dlpi_name);
	else if (strchr(info->dlpi_name, '/'))
		snprintf(path, PATH_MAX, "%.*s/%s", PATH_MAX / 2, cwd, info->dlpi_name);
	return 1;
}

/* Another spanshim before this one among the loaded objects: two installations in one LD_PRELOAD.
 * It goes by their order, which both see alike, not by whose constructor runs first. */
static int find_other(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct ss_elf elf;

	if (is_self(info))
		return 1;
	if (ss_elf_read(&elf, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum) || !elf.soname ||
	    strcmp(elf.soname, "libspanshim.so") != 0)
		return 0;
	*(const char **)arg = info->dlpi_name;
	return 1;
}

/* The binding table for SPANSHIM_BINDINGS: built in at compile time, or compiled now by the
 * collector. NULL: nothing to trace, or an error that has been logged. */
static const struct ss_binding_table *choose_table(uint64_t *ret_enabled)
{
	char self[PATH_MAX] = "", error[1024] = "";
	void *compiled = NULL;

	ss_objects_iterate(find_self, self);
	ss_drain_thread_locate(self);
	if (!ss_builtin_select(config.bindings, ret_enabled))
		return *ret_enabled
			       ? (const struct ss_binding_table *)(const void *)ss_builtin_table
			       : NULL;
	*ret_enabled = UINT64_MAX;
	if (ss_drain_thread_compile(config.bindings, &compiled, error, sizeof(error))) {
		ss_log("nothing is traced: %s", error);
		return NULL;
	}
	return compiled;
}

static void find_remote_parent(void)
{
	uint64_t trace[2] = { 0, 0 }, span_id = 0;
	uint8_t flags;

	if (ss_config_parse_traceparent(config.traceparent, trace, &span_id, &flags))
		ss_config_parse_trace_id(config.trace_id, trace);
	ss_remote_parent.trace_hi = trace[0];
	ss_remote_parent.trace_lo = trace[1];
	ss_remote_parent.span_id = span_id;
}

/* Bytes of the whole arguments in the first `bytes` of the process's. */
static uint32_t whole_arguments(ssize_t bytes)
{
	uint32_t whole = 0, count = 0;

	for (ssize_t i = 0; i < bytes && i < ARGUMENTS_BYTES && count < ARGUMENTS_MAX; i++) {
		if (arguments[i])
			continue;
		whole = (uint32_t)i + 1;
		count++;
	}
	return whole;
}

/* Now, because programs write over them (setproctitle). */
static uint32_t read_arguments(void)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	uint32_t whole;
	ssize_t bytes;

	if (fd < 0)
		return 0;
	bytes = read(fd, arguments, sizeof(arguments));
	close(fd);
	whole = whole_arguments(bytes);
	if (bytes > 0 && whole < (size_t)bytes)
		ss_log("SPANSHIM_COMMAND_LINE: only the first %d arguments and %d bytes are "
		       "recorded",
		       ARGUMENTS_MAX, ARGUMENTS_BYTES);
	return whole;
}

/* Whether everything in the rings had been written out: other threads went on after the flush
 * before the exec. */
static bool is_drained(int fd, const struct ss_image *image)
{
	struct ss_ring ring;

	for (uint32_t i = 0; i < image->rings_used && i < image->ring_count; i++) {
		off_t at = (off_t)(image->rings_off + i * sizeof(ring));

		if (pread(fd, &ring, sizeof(ring), at) != sizeof(ring) || ring.head != ring.tail)
			return false;
	}
	return true;
}

/* The image before this one ended by exec. If it left nothing to recover, its file can go. */
static void clean_up_previous(void)
{
	struct ss_image image;
	struct stat st;
	int fd;

	if (!config.previous[0])
		return;
	fd = open(config.previous, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    pread(fd, &image, sizeof(image), 0) == sizeof(image) && image.magic == SS_IMAGE_MAGIC &&
	    image.version == SS_IMAGE_VERSION && image.pid == (uint32_t)syscall(SYS_getpid) &&
	    image.exec_pending && !image.unsaid && image.flush_done == image.flush_request &&
	    is_drained(fd, &image))
		unlink(config.previous);
	close(fd);
}

static void at_exit(void *unused)
{
	ss_process_finish();
}

/* valgrind(1) preloads its own. */
static bool is_on_valgrind(char *const *envp)
{
	const char *preload = ss_config_getenv(envp, "LD_PRELOAD");

	return preload && strstr(preload, "/vgpreload_");
}

static void start(char *const *envp)
{
	struct ss_ring_file_facts facts = { .config = &config };
	const char *other = NULL;

	ss_config_read(&config, envp, NULL);
	if (config.disabled)
		return;
	find_process_names();
	open_log();
	if (config.log[0])
		ss_config_read(&config, envp, complain);
	ss_objects_iterate(find_other, &other);
	if (other) {
		ss_log("nothing is traced by this libspanshim.so: %s is preloaded as well, and first",
		       other);
		return;
	}
	clean_up_previous();
	facts.table = choose_table(&facts.enabled);
	if (!facts.table)
		return;
	ss_clocks_find();
	find_remote_parent();
	ss_config_sampling(&config, &facts.sampling);
	ss_content = config.content;
	ss_probe_valgrind = is_on_valgrind(envp);
	ss_stacks = config.stacks;
	ss_python_wanted = (config.metrics_out[0] ? SS_PYTHON_METRICS : 0) |
			   (config.plugins[0] ? SS_PYTHON_PLUGINS : 0);
	facts.cwd = cwd;
	facts.program = program();
	facts.executable = executable;
	facts.arguments = arguments;
	facts.arguments_bytes = config.command_line ? read_arguments() : 0;
	facts.python_version = ss_python_version();
	if (ss_process_init(&facts)) {
		ss_log("nothing is traced: the kernel lacks MADV_WIPEONFORK");
		return;
	}
	/* Registered before the loader's own: runs after every destructor, as the last thing. */
	__cxa_atexit(at_exit, NULL, NULL);
#if defined(__GLIBC__)
	__cxa_at_quick_exit(at_exit, NULL);
#else
	at_quick_exit(ss_process_finish);
#endif
	ss_python_start(facts.table, facts.enabled);
	ss_intercept_start(facts.table, facts.enabled);
}

/* musl's loader takes a glibc for itself. Its processes are only told why nothing is traced: what
 * is ours passes calls on, and the collector's libraries could not be loaded. */
static bool is_other_libc(void)
{
#if defined(__GLIBC__)
	return !gnu_get_libc_version;
#else
	return false;
#endif
}

static void refuse(void)
{
	ss_config_read(&config, environ, NULL);
	find_process_names();
	open_log();
	ss_log("nothing is traced: the program's libc is not glibc, for which spanshim was built");
}

SS_BEFORE_SANITIZER void ss_main_start(char *const *envp)
{
	static bool started;
	int saved_errno = errno;

	if (started || !envp)
		return;
	started = true;
	ss_sanitizer_start();
	ss_guard_enter();
	ss_intercept_resolve();
	ss_exit_resolve();
	ss_sandbox_resolve();
	if (is_other_libc())
		refuse();
	else
		start(envp);
	ss_guard_leave();
	errno = saved_errno;
}

__attribute__((constructor(101))) static void construct(int argc, char **argv, char **envp)
{
#if defined(__GLIBC__)
	ss_main_start(envp ? envp : environ);
#else /* musl's loader passes nothing, but has set the variable */
	ss_main_start(environ);
#endif
}
