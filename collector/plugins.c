/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plugins.h"

#include <stdio.h>

#include "collector/clock.h"
#include "collector/plugin_call.h"
#include "collector/plugin_event.h"
#include "collector/plugin_load.h"
#include "collector/plugin_order.h"

#define ROUND_NS  2000000ull    /* between two looks at the rings, which fill meanwhile */
#define BEHIND_NS 100000000ull  /* without a look at them, because too much waits already */
#define FINISH_NS 1000000000ull /* while the host waits */
#define FULL      (8ull << 20)  /* bytes of events that wait; then the rings must */
#define MS        1000000ull

struct ss_plugins {
	struct ss_buffer memory; /* of this struct */
	const struct ss_image_view *view;
	ss_log_fn log;
	struct ss_plugin_order order;
	struct ss_plugin_event event;
	struct ss_buffer files;
	uint64_t hooks;  /* that any of them wants */
	uint64_t behind; /* times that reading had to wait for them */
	uint32_t count;
	struct ss_plugin plugins[SS_PLUGINS_MAX];
};

static void find_hooks(struct ss_plugins *plugins)
{
	uint32_t i;

	plugins->hooks = 0;
	for (i = 0; i < plugins->count; i++) {
		if (!plugins->plugins[i].over)
			plugins->hooks |= plugins->plugins[i].own->hooks;
	}
}

static void start(struct ss_plugins *plugins, const struct ss_image_view *view, ss_open_fn open,
		  ss_log_fn log)
{
	uint32_t i;

	plugins->view = view;
	plugins->log = log;
	if (ss_plugin_order_init(&plugins->order) != 0)
		return;
	ss_plugin_event_init(&plugins->event);
	ss_plugin_call_prepare();
	plugins->count = ss_plugin_load(view, open, log, &plugins->files, plugins->plugins);
	for (i = 0; i < plugins->count; i++)
		ss_plugin_call_init(&plugins->plugins[i]);
	find_hooks(plugins);
}

struct ss_plugins *ss_plugins_new(const struct ss_image_view *view, ss_open_fn open, ss_log_fn log)
{
	struct ss_buffer memory = { 0 };
	struct ss_plugins *plugins = NULL;

	if (view->image->plugins_str != 0 && ss_buffer_reserve(&memory, sizeof(*plugins)) == 0) {
		plugins = memory.base;
		plugins->memory = memory;
		start(plugins, view, open, log);
		if (plugins->hooks == 0) {
			ss_plugins_free(plugins);
			plugins = NULL;
		}
	}
	/* Partner: ss_drain_thread_settle: the loader's lock is free. */
	__atomic_store_n(&view->image->in_plugin, SS_PLUGIN_NONE, __ATOMIC_RELEASE);
	return plugins;
}

void ss_plugins_succeed(const struct ss_plugins *plugins)
{
	if (plugins != NULL)
		ss_plugin_call_prepare();
}

void ss_plugins_free(struct ss_plugins *plugins)
{
	struct ss_buffer memory;

	if (plugins == NULL)
		return;
	ss_plugin_order_deinit(&plugins->order);
	ss_buffer_free(&plugins->files);
	memory = plugins->memory;
	ss_buffer_free(&memory);
}

static void take(void *self, const struct ss_hook_event *event)
{
	struct ss_plugins *plugins = self;
	/* Without a hook of its own: its span's, which need not have been read yet. */
	bool wanted = (plugins->hooks >> event->hook & 1) || event->hook == SS_HOOK_NONE;

	if (plugins->hooks == 0)
		return;
	/* A span that opened and closed unwanted still has its id told on the events between. */
	if (wanted || (event->kind != SS_EVENT_POINT && event->kind != SS_EVENT_ATTR))
		ss_plugin_order_take(&plugins->order, event, wanted);
}

int ss_plugins_subscribe(struct ss_plugins *plugins, struct ss_dispatch *dispatch)
{
	const struct ss_subscriber subscriber = { "plugins", UINT64_MAX, take };

	return plugins != NULL ? ss_dispatch_add(dispatch, &subscriber, plugins) : 0;
}

bool ss_plugins_full(const struct ss_plugins *plugins)
{
	return plugins != NULL && plugins->order.bytes >= FULL;
}

void ss_plugins_settle(struct ss_plugins *plugins, bool whole)
{
	/* An event that nobody will finish must not hold up all others for ever. */
	if (plugins != NULL && (whole || ss_plugins_full(plugins)))
		ss_plugin_order_settle(&plugins->order);
}

static void call(struct ss_plugins *plugins, const struct ss_hook_event *event,
		 const struct ss_plugin_span *span, uint64_t *now_ns)
{
	uint64_t hook = 1ull << ss_plugin_event_hook(event, span);
	uint32_t i;

	if (!(plugins->hooks & hook))
		return;
	ss_plugin_event_build(&plugins->event, plugins->view, event, span);
	for (i = 0; i < plugins->count; i++) {
		struct ss_plugin *plugin = &plugins->plugins[i];

		if (!plugin->over && (plugin->own->hooks & hook))
			ss_plugin_call_event(plugin, &plugins->event.event, now_ns);
	}
}

static struct ss_plugin *slowest(struct ss_plugins *plugins)
{
	struct ss_plugin *slow = &plugins->plugins[0];
	uint32_t i;

	for (i = 1; i < plugins->count; i++) {
		if (plugins->plugins[i].spent_ns > slow->spent_ns)
			slow = &plugins->plugins[i];
	}
	return slow;
}

static void fall_behind(struct ss_plugins *plugins)
{
	if (plugins->behind++ == 0)
		ss_plugin_say(slowest(plugins),
			      "slow: %u events wait for it, the rings are not read meanwhile",
			      ss_plugin_order_waiting(&plugins->order));
}

static bool host_begins_to_wait(const struct ss_image *image)
{
	return __atomic_load_n(&image->flush_request, __ATOMIC_RELAXED) != image->flush_done;
}

/* True: there are more. */
static bool deliver(struct ss_plugins *plugins, uint64_t limit_ns, bool host_waits)
{
	uint64_t now_ns = ss_clock_monotonic_ns(), start_ns = now_ns;
	const struct ss_plugin_span *span;
	const struct ss_hook_event *event;
	bool behind = false;

	while ((event = ss_plugin_order_next(&plugins->order, &span)) != NULL) {
		call(plugins, event, span, &now_ns);
		if (!host_waits && host_begins_to_wait(plugins->view->image))
			return true;
		if (now_ns - start_ns < limit_ns)
			continue;
		if (host_waits || !ss_plugins_full(plugins))
			return true;
		if (now_ns - start_ns >= BEHIND_NS && !behind) {
			fall_behind(plugins);
			behind = true;
		}
	}
	return false;
}

enum ss_plugins_rest ss_plugins_deliver(struct ss_plugins *plugins, bool host_waits)
{
	bool more;

	if (plugins == NULL)
		return SS_PLUGINS_IDLE;
	more = deliver(plugins, host_waits ? FINISH_NS : ROUND_NS, host_waits);
	ss_plugin_call_restore();
	find_hooks(plugins);
	if (more)
		return SS_PLUGINS_BUSY;
	return ss_plugin_order_waiting(&plugins->order) > 0 ? SS_PLUGINS_HELD : SS_PLUGINS_IDLE;
}

static uint64_t count_undelivered(struct ss_plugins *plugins)
{
	const struct ss_plugin_span *span;
	const struct ss_hook_event *event;
	uint64_t count = plugins->order.lost;

	while ((event = ss_plugin_order_next(&plugins->order, &span)) != NULL)
		count += plugins->hooks >> ss_plugin_event_hook(event, span) & 1;
	return count;
}

static void tell_totals(const struct ss_plugin *plugin, uint64_t behind)
{
	if (plugin->told_slow || plugin->told_errors || behind > 0)
		ss_plugin_say(plugin,
			      "%llu events in %llu ms, the longest %llu ms; %llu not handled",
			      (unsigned long long)plugin->events,
			      (unsigned long long)(plugin->spent_ns / MS),
			      (unsigned long long)(plugin->longest_ns / MS),
			      (unsigned long long)plugin->errors);
}

void ss_plugins_finish(struct ss_plugins *plugins)
{
	uint64_t undelivered;
	char text[96];
	uint32_t i;

	if (plugins == NULL)
		return;
	ss_plugin_order_settle(&plugins->order);
	ss_plugin_order_settle(&plugins->order);
	deliver(plugins, FINISH_NS, true);
	find_hooks(plugins);
	undelivered = count_undelivered(plugins);
	if (undelivered > 0) {
		snprintf(text, sizeof(text), "plugins: %llu events not delivered",
			 (unsigned long long)undelivered);
		plugins->log(text);
	}
	for (i = 0; i < plugins->count; i++)
		tell_totals(&plugins->plugins[i], plugins->behind + undelivered);
	for (i = 0; i < plugins->count; i++) {
		if (!plugins->plugins[i].over)
			ss_plugin_call_fini(&plugins->plugins[i]);
	}
}
