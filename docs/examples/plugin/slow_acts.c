/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin for spanshim: one CSV line for each span that took longer than SLOW_ACTS_MS milliseconds
 * (100), appended to the file SLOW_ACTS_OUT (slow-acts.csv):
 *
 *   milliseconds,status,hook,symbol,model,input tokens,output tokens,trace,span
 *
 *   cc -shared -fPIC -o slow_acts.so slow_acts.c $(pkg-config --cflags spanshim-plugin)
 *   spanshim run --plugin slow_acts.so -- sqlite3 my.db 'select 1'
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <spanshim/plugin.h>

#define SPANS 65536 /* spans open at a time; of two in one place the older one is not reported */

static struct {
	uint64_t id, since_ns;
} opened[SPANS];
static double limit_ms;
static char path[4096];

/* A process that forks gets here again in the child, with the memory as it was. */
static int init(const struct spanshim_host *host, void **ret_state)
{
	const char *ms = getenv("SLOW_ACTS_MS"), *out = getenv("SLOW_ACTS_OUT");

	(void)host;
	(void)ret_state;
	memset(opened, 0, sizeof(opened));
	limit_ms = ms ? atof(ms) : 100;
	if (out && out[0] == '/')
		snprintf(path, sizeof(path), "%s", out);
	else if (getcwd(path, sizeof(path)))
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s",
			 out ? out : "slow-acts.csv");
	return 0;
}

/* Opened each time: a descriptor that stays open is one that the program may close and reuse. */
static int append(const char *line, int bytes)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600), error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, line, (size_t)bytes) != bytes)
		error = -errno;
	close(fd);
	return error;
}

static int report(const struct spanshim_event *event, double ms)
{
	char line[1024], hi[17], lo[17], span[17];
	int bytes;

	bytes = snprintf(
		line, sizeof(line), "%.3f,%s,%s,%.200s,%.200s,%lld,%lld,%s%s,%s\n", ms,
		event->status == SPANSHIM_OK ? "ok" : "error", event->hook_name, event->symbol,
		spanshim_string(spanshim_field(event, SPANSHIM_FIELD_MODEL), ""),
		(long long)spanshim_int(spanshim_field(event, SPANSHIM_FIELD_INPUT_TOKENS), 0),
		(long long)spanshim_int(spanshim_field(event, SPANSHIM_FIELD_OUTPUT_TOKENS), 0),
		spanshim_hex(event->trace_hi, hi), spanshim_hex(event->trace_lo, lo),
		spanshim_hex(event->span_id, span));
	return append(line, bytes);
}

static int on_event(void *state, const struct spanshim_event *event)
{
	size_t place = event->span_id % SPANS;
	double ms;

	(void)state;
	if (event->kind == SPANSHIM_OPEN) {
		opened[place].id = event->span_id;
		opened[place].since_ns = event->time_ns;
	}
	if (event->kind != SPANSHIM_CLOSE || opened[place].id != event->span_id)
		return 0;
	opened[place].id = 0;
	ms = (double)(event->time_ns - opened[place].since_ns) / 1e6;
	return ms < limit_ms ? 0 : report(event, ms);
}

const struct spanshim_plugin spanshim_plugin = {
	SPANSHIM_PLUGIN_ABI,
	sizeof(struct spanshim_plugin),
	"slow_acts",
	SPANSHIM_ALL_HOOKS,
	init,
	on_event,
	NULL,
};
