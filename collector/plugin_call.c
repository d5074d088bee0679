/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plugin_call.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/clock.h"

#define LINES_MAX 16 /* of a plugin's own on the log, which is short */
#define ERRNO_MAX 4095
#define MS        1000000ull

/* The drain thread's as it starts. Only the drain thread touches it. */
struct float_control {
	uint32_t vector;
	uint16_t x87;
};

static struct float_control before;
static uint64_t mask_before;
static char name_before[16];

static struct float_control float_control(void)
{
	struct float_control now = { 0 };

#if defined(__x86_64__)
	now.vector = __builtin_ia32_stmxcsr() & ~0x3fu; /* without what calculations leave there */
	__asm__ volatile("fnstcw %0" : "=m"(now.x87));
#elif defined(__aarch64__)
	uint64_t fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	now.vector = (uint32_t)fpcr;
#endif
	return now;
}

static void set_float_control(const struct float_control *control)
{
#if defined(__x86_64__)
	__builtin_ia32_ldmxcsr(control->vector);
	__asm__ volatile("fldcw %0" : : "m"(control->x87));
#elif defined(__aarch64__)
	__asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)control->vector));
#endif
}

void ss_plugin_say(const struct ss_plugin *plugin, const char *format, ...)
{
	char text[900];
	va_list args;
	int used;

	used = snprintf(text, sizeof(text),
			"plugin %s: ", plugin->name[0] != '\0' ? plugin->name : plugin->file);
	if (used < 0 || (size_t)used >= sizeof(text))
		return;
	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - (size_t)used, format, args);
	va_end(args);
	plugin->log(text);
}

/* By number, as the kernel has it: libc hides two signals of its own. */
static void read_mask(uint64_t *ret_mask)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, ret_mask, sizeof(*ret_mask));
}

void ss_plugin_call_prepare(void)
{
	before = float_control();
	read_mask(&mask_before);
	prctl(PR_GET_NAME, name_before);
	/* A plugin that cancels this thread would have it end in one of our own calls. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
}

/* With signals unblocked, a handler of the host's could run on this thread. */
static bool put_back_mask(void)
{
	uint64_t now = mask_before;

	read_mask(&now);
	if (now == mask_before)
		return false;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask_before, NULL, sizeof(mask_before));
	return true;
}

static void put_back(struct ss_plugin *plugin)
{
	struct float_control now = float_control();
	bool changed = put_back_mask();
	int state, type;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
	changed |= state != PTHREAD_CANCEL_DISABLE || type != PTHREAD_CANCEL_DEFERRED;
	if (now.vector != before.vector || now.x87 != before.x87) {
		set_float_control(&before);
		changed = true;
	}
	if (!changed || plugin->told_changes)
		return;
	plugin->told_changes = true;
	ss_plugin_say(plugin, "left the thread changed (signal mask, cancellation or "
			      "floating-point mode): put back");
}

void ss_plugin_call_restore(void)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	if (strcmp(name, name_before) != 0)
		prctl(PR_SET_NAME, name_before);
}

static void jump_back(void *arg)
{
	_longjmp(*(jmp_buf *)arg, 1);
}

typedef int (*call_fn)(struct ss_plugin *plugin, const struct spanshim_event *event);

/* Calls it. False: it called pthread_exit, or had itself cancelled. libc then unwinds the stack to
 * our handler, which does not go on with that but jumps back in here; this thread lives on, and
 * libc will not heed another cancellation of it. */
static bool contain(struct ss_plugin *plugin, call_fn call, const struct spanshim_event *event,
		    int *ret_result)
{
	uint32_t in_plugin = plugin->image->in_plugin;
	volatile bool returned = false;
	jmp_buf back;

	/* Tells hosts that wait for us not to wait long; partner: wait_flushed in shim/process.c.
	 */
	__atomic_store_n(&plugin->image->in_plugin, in_plugin ? in_plugin : SS_PLUGIN_RUNNING,
			 __ATOMIC_RELAXED);
	pthread_cleanup_push(jump_back, &back);
	if (_setjmp(back) == 0) {
		*ret_result = call(plugin, event);
		returned = true;
	}
	pthread_cleanup_pop(0);
	__atomic_store_n(&plugin->image->in_plugin, in_plugin, __ATOMIC_RELAXED);
	__atomic_fetch_add(&plugin->image->progress, 1, __ATOMIC_RELAXED);
	put_back(plugin);
	return returned;
}

static bool is_errno(int result)
{
	return result < 0 && result >= -ERRNO_MAX;
}

static int init(struct ss_plugin *plugin, const struct spanshim_event *none)
{
	return plugin->own->init(&plugin->host, &plugin->state);
}

static int on_event(struct ss_plugin *plugin, const struct spanshim_event *event)
{
	return plugin->own->on_event(plugin->state, event);
}

static int fini(struct ss_plugin *plugin, const struct spanshim_event *none)
{
	plugin->own->fini(plugin->state);
	return 0;
}

bool ss_plugin_call_init(struct ss_plugin *plugin)
{
	int result = 0;

	if (plugin->own->init == NULL)
		return true;
	if (!contain(plugin, init, NULL, &result))
		ss_plugin_say(plugin, "init ended its thread: not used");
	else if (is_errno(result))
		ss_plugin_say(plugin, "init failed: %s: not used", strerror(-result));
	else if (result != 0)
		ss_plugin_say(plugin, "init returned %d, expected 0 or a negative errno: not used",
			      result);
	else
		return true;
	plugin->over = true;
	return false;
}

static void judge(struct ss_plugin *plugin, bool returned, int result, uint64_t took_ns)
{
	plugin->over = !returned || (result != 0 && !is_errno(result));
	if (!returned) {
		ss_plugin_say(plugin, "on_event ended its thread: no more events for it");
	} else if (plugin->over) {
		ss_plugin_say(plugin,
			      "on_event returned %d, expected 0 or a negative errno: no "
			      "more events for it",
			      result);
	} else if (result != 0) {
		plugin->errors++;
		if (!plugin->told_errors)
			ss_plugin_say(plugin, "cannot handle an event: %s", strerror(-result));
		plugin->told_errors = true;
	}
	if (took_ns <= SS_PLUGIN_SLOW_NS || plugin->told_slow)
		return;
	plugin->told_slow = true;
	ss_plugin_say(plugin, "slow: %llu ms for one event, while no other is read",
		      (unsigned long long)(took_ns / MS));
}

void ss_plugin_call_event(struct ss_plugin *plugin, const struct spanshim_event *event,
			  uint64_t *now_ns)
{
	uint64_t start_ns = *now_ns, took_ns;
	int result = 0;
	bool returned = contain(plugin, on_event, event, &result);

	*now_ns = ss_clock_monotonic_ns();
	took_ns = *now_ns - start_ns;
	plugin->events++;
	plugin->spent_ns += took_ns;
	if (took_ns > plugin->longest_ns)
		plugin->longest_ns = took_ns;
	if (!returned || result != 0 || took_ns > SS_PLUGIN_SLOW_NS)
		judge(plugin, returned, result, took_ns);
}

void ss_plugin_call_fini(struct ss_plugin *plugin)
{
	int result;

	if (plugin->own->fini != NULL && !contain(plugin, fini, NULL, &result))
		ss_plugin_say(plugin, "fini ended its thread");
}

void ss_plugin_log(const struct spanshim_host *host, const char *line)
{
	struct ss_plugin *plugin = (struct ss_plugin *)host;

	plugin->lines++;
	if (line != NULL && plugin->lines <= LINES_MAX)
		ss_plugin_say(plugin, "%s", line);
	else if (plugin->lines == LINES_MAX + 1)
		ss_plugin_say(plugin, "no more lines of its own");
}
