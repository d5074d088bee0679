/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that writes down all it is told: one JSON line per call, appended to the file that
 * RECORD_OUT names. What else the header offers is used here, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <spanshim/plugin.h>

#ifndef HOOKS
#define HOOKS SPANSHIM_ALL_HOOKS
#endif

static char line[1 << 18];
static size_t used;

static void put(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line + used, sizeof(line) - used, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(line) - used)
		used += (size_t)n;
}

static void put_text(const char *bytes, uint32_t size)
{
	uint32_t i;

	put("\"");
	for (i = 0; i < size; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c < ' ' || c == '"' || c == '\\' || c >= 127)
			put("\\u%04x", c);
		else
			put("%c", c);
	}
	put("\"");
}

static int write_line(void)
{
	const char *path = getenv("RECORD_OUT");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
	int error = 0;

	put("}\n");
	if (fd < 0)
		return -ENOENT;
	if (write(fd, line, used) != (ssize_t)used)
		error = -EIO;
	close(fd);
	return error;
}

static void put_value(const struct spanshim_attribute *attribute)
{
	const struct spanshim_text *text = &attribute->value.text;
	const char *bytes;
	uint32_t at = 0, size;

	switch (attribute->type) {
	case SPANSHIM_INT:
		put("%" PRId64, spanshim_int(attribute, -1));
		break;
	case SPANSHIM_BOOL:
		put(spanshim_bool(attribute, 0) ? "true" : "false");
		break;
	case SPANSHIM_DOUBLE:
		put("%.17g", spanshim_double(attribute, -1));
		break;
	case SPANSHIM_STRING:
		if (text->bytes[text->size] != '\0')
			abort();
		put_text(text->bytes, text->size);
		break;
	case SPANSHIM_STRINGS:
		put("[");
		while ((bytes = spanshim_next_string(attribute, &at, &size)) != NULL) {
			put(at > size + 4 ? "," : "");
			put_text(bytes, size);
		}
		put("]");
		break;
	default:
		put("null");
	}
}

static void put_attributes(const struct spanshim_event *event)
{
	uint32_t i;

	put(",\"attributes\":[");
	for (i = 0; i < event->attribute_count; i++) {
		const struct spanshim_attribute *attribute = spanshim_attribute_at(event, i);

		put("%s[%u,\"%s\",%u,%u,", i ? "," : "", attribute->field, attribute->name,
		    attribute->type, attribute->flags);
		put_value(attribute);
		put("]");
		if (attribute->field && !spanshim_field(event, attribute->field))
			abort();
		if (!spanshim_named(event, attribute->name))
			abort();
	}
	put("]");
}

static int on_event(void *state, const struct spanshim_event *event)
{
	char hi[17], lo[17], id[17], parent[17];

	used = 0;
	put("{\"state\":\"%s\",\"hook\":%u,\"hook_name\":\"%s\",\"kind\":%u,\"status\":%u,\"flags\":%u",
	    (const char *)state, event->hook, event->hook_name, event->kind, event->status,
	    event->flags);
	put(",\"pid\":%u,\"tid\":%u,\"time\":%" PRIu64 ",\"result\":%" PRId64, event->pid,
	    event->tid, event->time_ns, event->result);
	put(",\"trace\":\"%s%s\",\"span\":\"%s\",\"parent\":\"%s\",\"correlation\":",
	    spanshim_hex(event->trace_hi, hi), spanshim_hex(event->trace_lo, lo),
	    spanshim_hex(event->span_id, id), spanshim_hex(event->parent_id, parent));
	put_text(event->correlation_id, (uint32_t)strlen(event->correlation_id));
	put(",\"event\":\"%s\",\"binding\":\"%s\",\"symbol\":\"%s\",\"role\":\"%s\"",
	    event->event_name, event->binding, event->symbol, event->role);
	put_attributes(event);
	return write_line();
}

static int init(const struct spanshim_host *host, void **ret_state)
{
	if (getenv("RECORD_HELLO"))
		host->log(host, "hello");
	used = 0;
	put("{\"init\":%u,\"content\":%u,\"program\":\"%s\",\"version\":\"%s\"", host->pid,
	    host->content, host->program, host->version);
	*ret_state = (void *)"kept";
	return write_line();
}

static void fini(void *state)
{
	used = 0;
	put("{\"fini\":\"%s\"", (const char *)state);
	write_line();
}

const struct spanshim_plugin spanshim_plugin = {
	SPANSHIM_PLUGIN_ABI, sizeof(struct spanshim_plugin), "record", HOOKS, init, on_event, fini,
};
