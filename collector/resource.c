/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/resource.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/vocabulary.h"

#define PAIRS_MAX  128
#define TEXT_BYTES 16384
/* The shim has no more; a damaged ring file may say anything. */
#define ARGUMENTS_MAX   256
#define ARGUMENTS_BYTES 8192

struct pair {
	const char *key, *value;
};

/* OTEL_RESOURCE_ATTRIBUTES, decoded. */
struct given {
	uint32_t count;
	struct pair pairs[PAIRS_MAX];
	char text[TEXT_BYTES];
};

static void write_key(struct ss_json *json, const char *key)
{
	ss_json_raw(json, "{\"key\":");
	ss_json_string(json, key, strlen(key), UINT32_MAX);
}

void ss_resource_string(struct ss_json *json, const char *key, const char *value)
{
	write_key(json, key);
	ss_json_raw(json, ",\"value\":{\"stringValue\":");
	ss_json_string(json, value, strlen(value), UINT32_MAX);
	ss_json_raw(json, "}}");
}

void ss_resource_int(struct ss_json *json, const char *key, int64_t value)
{
	write_key(json, key);
	ss_json_raw(json, ",\"value\":{\"intValue\":\"");
	ss_json_int(json, value);
	ss_json_raw(json, "\"}}");
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. False: a bad escape, or one that ends the string early. */
static bool decode(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		int high, low;

		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		high = hex_value(text[1]);
		low = high < 0 ? -1 : hex_value(text[2]);
		if (low < 0 || high * 16 + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		text[--length] = '\0';
	return text;
}

/* key=value,key=value; both percent-decoded. A later value of the same key wins. */
static bool parse(struct given *given, const char *text)
{
	char *item, *rest = given->text;
	uint32_t i;

	given->count = 0;
	if (strlen(text) >= sizeof(given->text))
		return false;
	strcpy(given->text, text);
	while ((item = strsep(&rest, ",")) != NULL) {
		char *value = strchr(item, '=');
		char *key = trim(item);

		if (value == NULL && *key == '\0')
			continue;
		if (value == NULL || given->count == PAIRS_MAX)
			return false;
		*value++ = '\0';
		key = trim(item);
		value = trim(value);
		if (*key == '\0' || !decode(key) || !decode(value))
			return false;
		for (i = 0; i < given->count && strcmp(given->pairs[i].key, key) != 0; i++)
			;
		given->pairs[i] = (struct pair){ key, value };
		given->count += i == given->count;
	}
	return true;
}

static const char *lookup(const struct given *given, const char *key)
{
	uint32_t i;

	for (i = 0; i < given->count; i++) {
		if (strcmp(given->pairs[i].key, key) == 0)
			return given->pairs[i].value;
	}
	return NULL;
}

/* Only if the user has not said otherwise, or may not. */
static void write_own(struct ss_json *json, const struct given *given, const char *key,
		      const char *value)
{
	if (*value == '\0' || lookup(given, key) != NULL)
		return;
	ss_json_raw(json, ",");
	ss_resource_string(json, key, value);
}

/* Nothing if the user has said otherwise. */
static void write_arguments(struct ss_json *json, const struct ss_image_view *view,
			    const struct given *given)
{
	static const char key[] = "process.command_args";
	uint64_t at = view->image->arguments_str, end = at + ARGUMENTS_BYTES;
	uint32_t i;

	if (view->image->argument_count == 0 || lookup(given, key) != NULL)
		return;
	ss_json_raw(json, ",");
	write_key(json, key);
	ss_json_raw(json, ",\"value\":{\"arrayValue\":{\"values\":[");
	for (i = 0; i < view->image->argument_count && i < ARGUMENTS_MAX && at < end; i++) {
		const char *argument = ss_image_string(view, at);
		size_t bytes = strlen(argument);

		ss_json_raw(json, i > 0 ? ",{\"stringValue\":" : "{\"stringValue\":");
		ss_json_string(json, argument, bytes, UINT32_MAX);
		ss_json_raw(json, "}");
		at += bytes + 1;
	}
	ss_json_raw(json, "]}}}");
}

/* As OpenTelemetry's own detectors for Python have it. */
static void write_runtime(struct ss_json *json, const struct ss_image_view *view,
			  const struct given *given)
{
	const char *python = ss_image_string(view, view->image->python_str);
	char version[64];

	if (*python == '\0')
		return;
	snprintf(version, sizeof(version), "%.*s", (int)strcspn(python, " "), python);
	write_own(json, given, "process.runtime.name", "cpython");
	write_own(json, given, "process.runtime.version", version);
	write_own(json, given, "process.runtime.description", python);
}

static void write_service(struct ss_json *json, const struct ss_image_view *view,
			  const struct given *given)
{
	const char *name = ss_image_string(view, view->image->service_str);
	const char *given_name = lookup(given, "service.name");
	char unknown[256];

	if (*name == '\0' && given_name != NULL)
		name = given_name;
	if (*name == '\0' && ss_vocabulary_service(view->image->dialect) != NULL)
		name = ss_vocabulary_service(view->image->dialect);
	if (*name == '\0') {
		snprintf(unknown, sizeof(unknown), "unknown_service:%s",
			 ss_image_string(view, view->image->program_str));
		name = unknown;
	}
	ss_resource_string(json, "service.name", name);
}

void ss_resource_write(struct ss_json *json, const struct ss_image_view *view, bool *ret_ignored)
{
	static const char *const reserved[] = { "service.name",          "process.pid",
						"telemetry.sdk.name",    "telemetry.sdk.language",
						"telemetry.sdk.version", "spanshim.image" };
	const struct ss_image *image = view->image;
	char host[256] = "", nonce[17];
	static struct given given; /* too long for a host's small drain stack; drain thread only */
	uint32_t i, k;
	bool ok = parse(&given, ss_image_string(view, image->resource_str));

	if (!ok)
		given.count = 0;
	*ret_ignored = !ok;
	write_service(json, view, &given);
	ss_json_raw(json, ",");
	ss_resource_int(json, "process.pid", image->pid);
	write_own(json, &given, "process.executable.name",
		  ss_image_string(view, image->program_str));
	write_own(json, &given, "process.executable.path",
		  ss_image_string(view, image->executable_str));
	write_arguments(json, view, &given);
	write_runtime(json, view, &given);
	gethostname(host, sizeof(host) - 1);
	write_own(json, &given, "host.name", host);
	for (i = 0; i < given.count; i++) {
		for (k = 0; k < sizeof(reserved) / sizeof(*reserved); k++) {
			if (strcmp(given.pairs[i].key, reserved[k]) == 0)
				break;
		}
		if (k < sizeof(reserved) / sizeof(*reserved))
			continue;
		ss_json_raw(json, ",");
		ss_resource_string(json, given.pairs[i].key, given.pairs[i].value);
	}
	given.count = 0;
	write_own(json, &given, "telemetry.sdk.name", "spanshim");
	write_own(json, &given, "telemetry.sdk.language", "c");
	write_own(json, &given, "telemetry.sdk.version", SS_VERSION);
	snprintf(nonce, sizeof(nonce), "%016llx", (unsigned long long)image->nonce);
	write_own(json, &given, "spanshim.image", nonce);
}
