/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the environment, from "NAME=value" strings (each ended by a NUL) to a configuration,
 * to paths, and to the resource that OTEL_RESOURCE_ATTRIBUTES makes. Whatever they are, each value
 * is one the table allows. With clang's -fsanitize=fuzzer it searches; with replay.c it runs the
 * corpus as an ordinary test.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/tree_valid.h"
#include "collector/resource.h"
#include "shim/config.h"

#define VARIABLES_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void on_complaint(const char *name, const char *value, const char *expected)
{
	if (!*name || !*value || !*expected)
		abort();
}

static void check_numbers(const struct ss_config *config)
{
	for (size_t i = 0; i < ss_env_rows; i++) {
		const struct ss_env_row *row = &ss_env_table[i];
		const char *field = (const char *)config + row->offset;
		uint32_t count;

		if (row->type != SS_ENV_COUNT)
			continue;
		memcpy(&count, field, sizeof(count));
		if (count != SS_CONFIG_UNLIMITED && (count < row->min || count > row->max))
			abort();
	}
	if (config->ring_bytes < 65536 || config->ring_bytes > 1u << 30 ||
	    (config->ring_bytes & (config->ring_bytes - 1)) != 0)
		abort();
	if (!(config->sampler_ratio >= 0 && config->sampler_ratio <= 1) ||
	    config->on_full > SS_ON_FULL_BLOCK || config->stacks > SS_STACKS_ALL)
		abort();
}

/* All texts together keep within what the ring file has for them. */
static void check_texts(const struct ss_config *config)
{
	size_t total = 0;

	for (size_t i = 0; i < ss_env_rows; i++) {
		const struct ss_env_row *row = &ss_env_table[i];
		const char *text;

		if (row->type != SS_ENV_STRING && row->type < SS_ENV_TRACE_ID)
			continue;
		memcpy(&text, (const char *)config + row->offset, sizeof(text));
		if (text != row->fallback)
			total += strlen(text) + 1;
	}
	if (total > SS_CONFIG_TEXT_BYTES)
		abort();
}

static void expand(const char *pattern, const char *program)
{
	char path[512];

	memset(path, 0xee, sizeof(path));
	if (ss_config_expand(pattern, program, 4194304, ~0ull, "/tmp", path, sizeof(path)) == 0 &&
	    !memchr(path, 0, sizeof(path)))
		abort();
	ss_config_expand(pattern, program, 1, 0, NULL, path, 7);
}

/* The resource as the drain writes it, of an image that says no more than the configuration. */
static void write_resource(const struct ss_config *config)
{
	static struct ss_image image;
	char strings[SS_KEY_RESERVED + 2 * SS_CONFIG_TEXT_BYTES] = "";
	struct ss_image_view view = { .image = &image,
				      .strings = strings,
				      .strings_bytes = sizeof(strings) };
	struct ss_json json = { 0 };
	bool ignored;
	size_t byte;

	image.resource_str = SS_KEY_RESERVED;
	strcpy(strings + SS_KEY_RESERVED, config->resource_attributes);
	image.service_str = SS_KEY_RESERVED + SS_CONFIG_TEXT_BYTES;
	strcpy(strings + image.service_str, config->service_name);
	if (ss_json_init(&json, 0))
		abort();
	ss_json_raw(&json, "[");
	ss_resource_write(&json, &view, &ignored);
	ss_json_raw(&json, "]");
	if (!json.failed && !ss_tree_valid(ss_json_text(&json), ss_json_length(&json), &byte))
		abort();
	ss_json_deinit(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *envp[VARIABLES_MAX + 1] = { NULL }, *text = malloc(bytes + 1), *at;
	struct ss_sampling sampling;
	struct ss_config config;
	int count = 0;

	if (!text)
		return 0;
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	for (at = text; at < text + bytes && count < VARIABLES_MAX; at += strlen(at) + 1)
		envp[count++] = at;
	ss_config_read(&config, envp, on_complaint);
	memset(text, 0xee, bytes); /* programs overwrite it */
	check_numbers(&config);
	check_texts(&config);
	ss_config_sampling(&config, &sampling);
	expand(config.out, config.service_name);
	expand(config.metrics_out, config.tracestate);
	write_resource(&config);
	free(text);
	return 0;
}
