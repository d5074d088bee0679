/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/run_setup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "collector/cli/cli.h"
#include "collector/cli/preload.h"
#include "collector/cli/run_directory.h"
#include "collector/collector.h"
#include "shim/config.h"

static int fail(const char *what, int error)
{
	ss_cli_error("run", "%s: %s", what, strerror(error));
	return SS_EXIT_USAGE;
}

static const struct ss_env_row *find_row(const char *name)
{
	size_t i;

	for (i = 0; i < ss_env_rows; i++)
		if (!strcmp(ss_env_table[i].name, name))
			return &ss_env_table[i];
	return NULL;
}

static bool is_choice(const char *choices, const char *value)
{
	size_t length = strlen(value), bytes;

	for (;; choices += bytes + 1) {
		bytes = strchrnul(choices, '|') - choices;
		if (bytes == length && !memcmp(choices, value, bytes))
			return true;
		if (!choices[bytes])
			return false;
	}
}

static int check_choice(const char *option, const char *variable, const char *value)
{
	const struct ss_env_row *row = find_row(variable);

	if (!value || !row || is_choice(row->choices, value))
		return 0;
	return ss_cli_usage("run", "%s %s: expected %s", option, value, row->choices);
}

static const char *setting(const char *given, const char *variable)
{
	const char *value = given ? given : getenv(variable);

	return value && *value ? value : NULL;
}

static bool is_binding_file(const char *item)
{
	size_t length = strlen(item);

	return strchr(item, '/') || (length > 5 && !strcmp(item + length - 5, ".json"));
}

static bool is_path(const char *item)
{
	return strchr(item, '/') != NULL;
}

/* A file in the list means the same wherever the program changes its directory to. */
static char *absolute_list(const char *list, bool (*is_file)(const char *item))
{
	char *copy = strdup(list), *rest = copy, *item, *result = calloc(1, 1), *longer, *file;

	while (result && (item = strsep(&rest, ":"))) {
		file = is_file(item) ? ss_cli_absolute(item) : strdup(item);
		longer = NULL;
		if (file && asprintf(&longer, "%s%s%s", result, item == copy ? "" : ":", file) < 0)
			longer = NULL;
		free(file);
		free(result);
		result = longer;
	}
	free(copy);
	return result;
}

static int check_bindings(struct ss_run_setup *run)
{
	const char *list = setting(run->bindings, "SPANSHIM_BINDINGS");
	char error[1024] = "";
	void *table = NULL;

	if (!list)
		return 0;
	if (ss_collector_compile(SS_COLLECTOR_ABI, list, &table, error, sizeof(error))) {
		ss_cli_error("run", "%s", error);
		return SS_EXIT_USAGE;
	}
	free(table);
	run->binding_list = absolute_list(list, is_binding_file);
	return run->binding_list ? 0 : fail("bindings", ENOMEM);
}

int ss_run_setup_add_plugin(struct ss_run_setup *run, const char *file)
{
	const char *before = run->plugin_list ? run->plugin_list : "";
	char *path, *list = NULL;

	if (strchr(file, ':') || access(file, R_OK)) {
		ss_cli_error("run", "--plugin %s: %s", file,
			     strchr(file, ':') ? "a name with ':' cannot stand in SPANSHIM_PLUGINS"
					       : strerror(errno));
		return SS_EXIT_USAGE;
	}
	path = ss_cli_absolute(file);
	if (!path || asprintf(&list, "%s%s%s", before, *before ? ":" : "", path) < 0)
		list = NULL;
	free(path);
	if (!list)
		return fail("--plugin", ENOMEM);
	free(run->plugin_list);
	run->plugin_list = list;
	return 0;
}

static int prepare_plugins(struct ss_run_setup *run)
{
	const char *list = setting(NULL, "SPANSHIM_PLUGINS");

	if (run->plugin_list || !list)
		return 0;
	run->plugin_list = absolute_list(list, is_path);
	return run->plugin_list ? 0 : fail("plugins", ENOMEM);
}

/* SPANSHIM_OUT, SPANSHIM_METRICS_OUT and SPANSHIM_LOG are patterns: a '%' in the current directory
 * is none. */
static char *absolute_pattern(const char *pattern)
{
	char *directory, *escaped, *end, *from, *result = NULL;

	if (*pattern == '/')
		return strdup(pattern);
	directory = getcwd(NULL, 0);
	escaped = directory ? malloc(2 * strlen(directory) + 1) : NULL;
	if (escaped) {
		for (from = directory, end = escaped; *from; from++) {
			if (*from == '%')
				*end++ = '%';
			*end++ = *from;
		}
		*end = '\0';
		if (asprintf(&result, "%s/%s", escaped, pattern) < 0)
			result = NULL;
	}
	free(escaped);
	free(directory);
	return result;
}

static int prepare_out(struct ss_run_setup *run)
{
	const char *out = setting(run->out, "SPANSHIM_OUT");
	const struct ss_env_row *row = find_row("SPANSHIM_OUT");

	if (!out && row)
		out = row->fallback;
	if (!strcmp(out, "-")) {
		if (run->tree)
			return ss_cli_usage("run", "--tree needs a file, --out is -");
		run->out_pattern = strdup(out);
	} else {
		run->out_pattern = absolute_pattern(out);
	}
	return run->out_pattern ? 0 : fail("current directory", errno);
}

static int prepare_metrics(struct ss_run_setup *run)
{
	const char *metrics = setting(run->metrics, "SPANSHIM_METRICS_OUT");

	if (!metrics)
		return 0;
	run->metrics_pattern = strcmp(metrics, "-") ? absolute_pattern(metrics) : strdup(metrics);
	return run->metrics_pattern ? 0 : fail("current directory", errno);
}

static int prepare_directory(struct ss_run_setup *run)
{
	char *base = ss_run_directory_base(run->directory);
	int r;

	if (!base)
		return fail("directory", ENOMEM);
	r = ss_run_directory_make(base, &run->run_directory, &run->directory_fd);
	if (r == -EPERM) {
		ss_cli_error("run", "%s: it is another user's, or others may write to it", base);
		r = SS_EXIT_USAGE;
	} else if (r) {
		r = fail(base, -r);
	}
	free(base);
	return r;
}

static int prepare_log(struct ss_run_setup *run)
{
	const char *log = setting(run->log, "SPANSHIM_LOG");

	if (!log) {
		run->log_ours = true;
		if (asprintf(&run->log_pattern, "%s/" SS_RUN_DIRECTORY_LOG, run->run_directory) < 0)
			run->log_pattern = NULL;
	} else if (!strcmp(log, "stderr")) {
		run->log_pattern = strdup(log);
	} else {
		run->log_pattern = absolute_pattern(log);
	}
	return run->log_pattern ? 0 : fail("log", ENOMEM);
}

/* An outer run, or the user, may have given the trace already. */
static int prepare_trace(struct ss_run_setup *run)
{
	const char *parent = getenv("TRACEPARENT"), *id = getenv("SPANSHIM_TRACE_ID");
	uint64_t span;
	uint8_t flags;

	if (parent && !ss_config_parse_traceparent(parent, run->trace, &span, &flags))
		return 0;
	if (run->separate_traces)
		return 0;
	if (!id || ss_config_parse_trace_id(id, run->trace)) {
		do
			if (getrandom(run->trace, sizeof(run->trace), 0) < 0)
				return fail("random numbers", errno);
		while (!(run->trace[0] | run->trace[1]));
	}
	snprintf(run->trace_id, sizeof(run->trace_id), "%016" PRIx64 "%016" PRIx64, run->trace[0],
		 run->trace[1]);
	return 0;
}

static int prepare_preload(struct ss_run_setup *run)
{
	char *object = NULL;
	int r = ss_preload_find(&object);

	if (r) {
		ss_cli_error("run", "%s: %s", object ? object : "libspanshim.so",
			     ss_preload_error(r));
	} else {
		run->preload = ss_preload_value(object, getenv("LD_PRELOAD"));
		if (!run->preload)
			r = fail("LD_PRELOAD", ENOMEM);
	}
	free(object);
	return r ? SS_EXIT_USAGE : 0;
}

int ss_run_setup_prepare(struct ss_run_setup *run)
{
	struct timespec now;
	int r;

	r = check_choice("--stacks", "SPANSHIM_STACKS", run->stacks);
	if (!r)
		r = check_choice("--on-full", "SPANSHIM_ON_FULL", run->on_full);
	if (!r)
		r = check_bindings(run);
	if (!r)
		r = prepare_plugins(run);
	if (!r)
		r = prepare_out(run);
	if (!r)
		r = prepare_metrics(run);
	if (!r)
		r = prepare_preload(run);
	if (!r)
		r = prepare_trace(run);
	/* Last: from here on there is something to take away. */
	if (!r)
		r = prepare_directory(run);
	if (!r)
		r = prepare_log(run);
	/* The clock of files' times. */
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	run->started_ns = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return r;
}

void ss_run_setup_deinit(struct ss_run_setup *run)
{
	if (run->run_directory) {
		ss_run_directory_remove(run->run_directory, run->directory_fd);
		close(run->directory_fd);
	}
	free(run->out_pattern);
	free(run->metrics_pattern);
	free(run->log_pattern);
	free(run->binding_list);
	free(run->plugin_list);
	free(run->export_shown);
	free(run->preload);
	free(run->run_directory);
}
