/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins for spanshim: functions that are called with every event of the programs it watches. A
 * plugin is a shared object that defines `const struct spanshim_plugin spanshim_plugin` and that
 * SPANSHIM_PLUGINS names. All calls come from one thread, spanshim's own. docs/PLUGINS.md tells the
 * rest: which hook carries which fields, and what a plugin may do. For compilers like GCC and
 * Clang: C from C89 on (with stdint.h), and C++.
 */
#ifndef SPANSHIM_PLUGIN_H
#define SPANSHIM_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "event.h" /* beside this file */

#define SPANSHIM_PLUGIN_ABI 1u

#define SPANSHIM_INLINE static __inline__
#define SPANSHIM_EXPORT __attribute__((visibility("default")))

#if defined(__cplusplus)
extern "C" {
#endif

/* What init is given; valid as long as the process. */
struct spanshim_host {
	uint32_t size; /* of this struct; later versions append */
	uint32_t pid;
	uint32_t content; /* 1: a content gate is open */
	uint32_t reserved;
	const char *program; /* base name */
	const char *version; /* of spanshim */
	/* One line on spanshim's own log. Only while a function of the plugin's runs. */
	void (*log)(const struct spanshim_host *host, const char *line);
};

/* init (or NULL): 0, or a negative errno, and then the plugin is not used. on_event: 0, or a
 * negative errno where the event could not be handled; anything else ends the plugin's use. fini
 * (or NULL): the process is about to end. None of them may be left by an exception or longjmp. */
struct spanshim_plugin {
	uint32_t abi;  /* SPANSHIM_PLUGIN_ABI */
	uint32_t size; /* sizeof(struct spanshim_plugin) */
	const char *name;
	uint64_t hooks; /* SPANSHIM_HOOK_BIT(...) | ..., or SPANSHIM_ALL_HOOKS */
	int (*init)(const struct spanshim_host *host, void **ret_state);
	int (*on_event)(void *state, const struct spanshim_event *event);
	void (*fini)(void *state);
};
extern SPANSHIM_EXPORT const struct spanshim_plugin spanshim_plugin;

/* Attribute `index`, below event->attribute_count. */
SPANSHIM_INLINE const struct spanshim_attribute *
spanshim_attribute_at(const struct spanshim_event *event, uint32_t index)
{
	size_t offset = (size_t)index * event->attribute_size;

	return (const struct spanshim_attribute *)(const void *)((const char *)event->attributes +
								 offset);
}

/* The attribute of a field (enum spanshim_field), or of a name; NULL: the event has none. */
SPANSHIM_INLINE const struct spanshim_attribute *spanshim_field(const struct spanshim_event *event,
								uint32_t field)
{
	uint32_t i;

	for (i = 0; i < event->attribute_count; i++)
		if (spanshim_attribute_at(event, i)->field == field)
			return spanshim_attribute_at(event, i);
	return NULL;
}

SPANSHIM_INLINE const struct spanshim_attribute *spanshim_named(const struct spanshim_event *event,
								const char *name)
{
	uint32_t i;

	for (i = 0; i < event->attribute_count; i++)
		if (strcmp(spanshim_attribute_at(event, i)->name, name) == 0)
			return spanshim_attribute_at(event, i);
	return NULL;
}

/* The value of an attribute, which may be NULL; `fallback` where it has another type or is none:
 * spanshim_int(spanshim_field(event, SPANSHIM_FIELD_INPUT_TOKENS), 0). A double may be an int. */
SPANSHIM_INLINE int64_t spanshim_int(const struct spanshim_attribute *attribute, int64_t fallback)
{
	return attribute && attribute->type == SPANSHIM_INT ? attribute->value.integer : fallback;
}

SPANSHIM_INLINE double spanshim_double(const struct spanshim_attribute *attribute, double fallback)
{
	if (attribute && attribute->type == SPANSHIM_INT)
		return (double)attribute->value.integer;
	return attribute && attribute->type == SPANSHIM_DOUBLE ? attribute->value.real : fallback;
}

SPANSHIM_INLINE int spanshim_bool(const struct spanshim_attribute *attribute, int fallback)
{
	return attribute && attribute->type == SPANSHIM_BOOL ? attribute->value.integer != 0
							     : fallback;
}

SPANSHIM_INLINE const char *spanshim_string(const struct spanshim_attribute *attribute,
					    const char *fallback)
{
	return attribute && attribute->type == SPANSHIM_STRING ? attribute->value.text.bytes
							       : fallback;
}

/* Walks a SPANSHIM_STRINGS value: *at starts as 0. The next string (no NUL behind it) and its size,
 * or NULL at the end. */
SPANSHIM_INLINE const char *spanshim_next_string(const struct spanshim_attribute *attribute,
						 uint32_t *at, uint32_t *ret_size)
{
	const struct spanshim_text *text = &attribute->value.text;
	uint32_t size;

	if (attribute->type != SPANSHIM_STRINGS || text->size - *at < sizeof(size))
		return NULL;
	memcpy(&size, text->bytes + *at, sizeof(size));
	if (size > text->size - *at - sizeof(size))
		return NULL;
	*ret_size = size;
	*at += (uint32_t)sizeof(size) + size;
	return text->bytes + *at - size;
}

/* An id as traces have it: 16 hex digits and a NUL. A trace's is two of them, high half first. */
SPANSHIM_INLINE const char *spanshim_hex(uint64_t id, char text[17])
{
	int i;

	for (i = 0; i < 16; i++)
		text[i] = "0123456789abcdef"[id >> (60 - 4 * i) & 15];
	text[16] = '\0';
	return text;
}

#if defined(__cplusplus)
}
#endif
#endif
