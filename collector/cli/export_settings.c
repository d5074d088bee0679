/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collector/cli/cli.h"

#define DEFAULT_ENDPOINT   "http://localhost:4318"
#define DEFAULT_TIMEOUT_MS 10000u
#define PREFIX             "OTEL_EXPORTER_OTLP_"

static const struct {
	const char *infix, *path;
} signals[SS_EXPORT_SIGNALS] = { { "TRACES_", "v1/traces" }, { "METRICS_", "v1/metrics" } };

struct setting {
	char name[64]; /* of the variable that is set */
	const char *value;
	bool specific; /* to the signal */
};

/* The signal's own variable goes before the one for all. False if neither is set; empty is unset.
 */
static bool find(enum ss_export_signal signal, const char *what, struct setting *ret_setting)
{
	unsigned specific;

	for (specific = 2; specific-- > 0;) {
		ret_setting->specific = specific;
		snprintf(ret_setting->name, sizeof(ret_setting->name), PREFIX "%s%s",
			 specific ? signals[signal].infix : "", what);
		ret_setting->value = getenv(ret_setting->name);
		if (ret_setting->value && *ret_setting->value)
			return true;
	}
	return false;
}

/* Once, though both signals may come by it. */
static bool is_news(const struct setting *setting)
{
	static char said[32][sizeof(setting->name)];
	unsigned i;

	for (i = 0; i < sizeof(said) / sizeof(said[0]) && *said[i]; i++)
		if (!strcmp(said[i], setting->name))
			return false;
	if (i < sizeof(said) / sizeof(said[0]))
		strcpy(said[i], setting->name);
	return true;
}

static void ignore(const char *command, const struct setting *setting, const char *expected)
{
	if (is_news(setting))
		ss_cli_error(command, "%s: expected %s; the default is in force", setting->name,
			     expected);
}

/* --- endpoint --- */

static const char *host_of(const char *url)
{
	if (!strncasecmp(url, "http://", 7))
		return url + 7;
	return strncasecmp(url, "https://", 8) ? NULL : url + 8;
}

bool ss_export_settings_is_loopback(const char *url)
{
	const char *host = host_of(url), *user = host ? strpbrk(host, "@/?#") : NULL;
	size_t bytes;

	if (!host)
		return false;
	if (user && *user == '@')
		host = user + 1;
	if (!strncmp(host, "[::1]", 5))
		return true;
	bytes = strcspn(host, ":/?#");
	if (bytes == strlen("localhost") && !strncasecmp(host, "localhost", bytes))
		return true;
	return !strncmp(host, "127.", 4) && strspn(host, "0123456789.") == bytes;
}

static bool is_url(const char *text)
{
	const char *host = host_of(text), *at;

	if (!host || !*host || strchr("/?#:", *host))
		return false;
	for (at = text; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			return false;
	return true;
}

/* There may be secrets in it. */
static char *make_shown(const char *url)
{
	const char *host = host_of(url), *user = strpbrk(host, "@/?#");
	char *shown;
	int scheme = (int)(host - url);

	if (user && *user == '@')
		host = user + 1;
	if (asprintf(&shown, "%.*s%.*s", scheme, url, (int)strcspn(host, "?#"), host) < 0)
		return NULL;
	return shown;
}

/* A base URL gets the signal's path, one of the signal's own is taken as it is. */
static int read_endpoint(struct ss_export_target *target, enum ss_export_signal signal,
			 const struct ss_export_options *options, const char *command)
{
	struct setting setting = { .value = DEFAULT_ENDPOINT };
	const char *given = options->endpoint, *name = options->endpoint_option;
	size_t bytes;

	if (given)
		setting.value = given;
	else if (find(signal, "ENDPOINT", &setting))
		name = setting.name;
	else
		setting = (struct setting){ .value = DEFAULT_ENDPOINT };
	if (!is_url(setting.value))
		return ss_cli_usage(command, "%s %s: expected http:// or https:// and a host", name,
				    setting.value);
	bytes = strlen(setting.value);
	if (setting.specific && !given)
		target->url = strdup(setting.value);
	else if (asprintf(&target->url, "%s%s%s", setting.value,
			  setting.value[bytes - 1] == '/' ? "" : "/", signals[signal].path) < 0)
		target->url = NULL;
	target->shown = target->url ? make_shown(target->url) : NULL;
	return target->shown ? 0 : -ENOMEM;
}

/* --- headers --- */

static bool is_token(const char *text, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
			return false;
	return bytes > 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is no escape stays as it is. False for what would end the header, or begin another one. */
static bool decode(const char *text, size_t bytes, char *result)
{
	size_t i;

	for (i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '%' && i + 2 < bytes && hex_digit(text[i + 1]) >= 0 &&
		    hex_digit(text[i + 2]) >= 0) {
			c = (unsigned char)(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
			i += 2;
		}
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
		*result++ = (char)c;
	}
	*result = '\0';
	return true;
}

static void trim(const char **text, size_t *bytes)
{
	while (*bytes && (**text == ' ' || **text == '\t')) {
		++*text;
		--*bytes;
	}
	while (*bytes && ((*text)[*bytes - 1] == ' ' || (*text)[*bytes - 1] == '\t'))
		--*bytes;
}

static int add_header(struct ss_export_target *target, const char *item, size_t bytes)
{
	const char *equals = memchr(item, '=', bytes), *value;
	size_t name_bytes = equals ? (size_t)(equals - item) : 0, value_bytes;
	char *header;

	if (!equals)
		return -EINVAL;
	value = equals + 1;
	value_bytes = bytes - name_bytes - 1;
	trim(&item, &name_bytes);
	trim(&value, &value_bytes);
	if (!is_token(item, name_bytes))
		return -EINVAL;
	if (target->header_count == SS_EXPORT_HEADERS_MAX)
		return -E2BIG;
	header = malloc(name_bytes + value_bytes + 3);
	if (!header)
		return -ENOMEM;
	memcpy(header, item, name_bytes);
	memcpy(header + name_bytes, ": ", 2);
	if (!decode(value, value_bytes, header + name_bytes + 2)) {
		free(header);
		return -EINVAL;
	}
	/* Without a value curl takes "Name:" for a header to leave out, and "Name;" for this. */
	if (!value_bytes)
		strcpy(header + name_bytes, ";");
	target->headers[target->header_count++] = header;
	return 0;
}

int ss_export_settings_headers(struct ss_export_target *target, const char *list)
{
	unsigned before = target->header_count;
	const char *item = list;
	size_t bytes;
	int r = 0;

	for (; !r && *item; item += item[bytes] ? bytes + 1 : bytes) {
		const char *text = item;
		size_t inner = bytes = strcspn(item, ",");

		trim(&text, &inner);
		if (inner)
			r = add_header(target, text, inner);
	}
	while (r && target->header_count > before)
		free(target->headers[--target->header_count]);
	return r;
}

/* --- the others --- */

static int read_protocol(enum ss_export_signal signal, const char *command)
{
	struct setting setting;

	if (!find(signal, "PROTOCOL", &setting) || !strcmp(setting.value, "http/json"))
		return 0;
	if (!strcmp(setting.value, "grpc")) {
		ss_cli_error(
			command,
			"%s=grpc is not spoken here: set it to http/json, and the endpoint to the "
			"one for HTTP, most often on port 4318",
			setting.name);
		return SS_EXIT_USAGE;
	}
	if (strcmp(setting.value, "http/protobuf"))
		ignore(command, &setting, "http/json");
	else if (is_news(&setting))
		ss_cli_error(command, "%s=http/protobuf: http/json is sent instead", setting.name);
	return 0;
}

static void read_timeout(struct ss_export_target *target, enum ss_export_signal signal,
			 const char *command)
{
	struct setting setting;

	target->timeout_ms = DEFAULT_TIMEOUT_MS;
	if (find(signal, "TIMEOUT", &setting) &&
	    (ss_cli_parse_count(setting.value, INT32_MAX, &target->timeout_ms) ||
	     !target->timeout_ms)) {
		target->timeout_ms = DEFAULT_TIMEOUT_MS;
		ignore(command, &setting, "milliseconds");
	}
}

static int read_compression(struct ss_export_target *target, enum ss_export_signal signal,
			    const char *given, const char *command)
{
	struct setting setting;

	if (given) {
		target->gzip = !strcmp(given, "gzip");
		if (!target->gzip && strcmp(given, "none") != 0)
			return ss_cli_usage(command, "--compression %s: expected gzip or none",
					    given);
		return 0;
	}
	if (!find(signal, "COMPRESSION", &setting))
		return 0;
	target->gzip = !strcmp(setting.value, "gzip");
	if (!target->gzip && strcmp(setting.value, "none") != 0)
		ignore(command, &setting, "gzip or none");
	return 0;
}

static int read_headers(struct ss_export_target *target, enum ss_export_signal signal,
			const char *command)
{
	struct setting setting;
	int r;

	if (!find(signal, "HEADERS", &setting))
		return 0;
	r = ss_export_settings_headers(target, setting.value);
	if (r == -EINVAL || r == -E2BIG) {
		/* Not the value: there may be a key in it. */
		ss_cli_error(command, "%s: expected at most %d of name=value, comma-separated",
			     setting.name, SS_EXPORT_HEADERS_MAX);
		return SS_EXIT_USAGE;
	}
	return r;
}

static int read_file_name(enum ss_export_signal signal, const char *what, char **ret_path)
{
	struct setting setting;

	if (!find(signal, what, &setting))
		return 0;
	*ret_path = strdup(setting.value);
	return *ret_path ? 0 : -ENOMEM;
}

static int read_target(struct ss_export_target *target, enum ss_export_signal signal,
		       const struct ss_export_options *options, const char *command)
{
	int r = read_protocol(signal, command);

	if (!r)
		r = read_endpoint(target, signal, options, command);
	if (!r)
		r = read_compression(target, signal, options->compression, command);
	if (!r)
		r = read_headers(target, signal, command);
	if (!r)
		r = read_file_name(signal, "CERTIFICATE", &target->ca);
	if (!r)
		r = read_file_name(signal, "CLIENT_CERTIFICATE", &target->certificate);
	if (!r)
		r = read_file_name(signal, "CLIENT_KEY", &target->key);
	if (!r)
		read_timeout(target, signal, command);
	return r;
}

int ss_export_settings_read(struct ss_export_settings *settings,
			    const struct ss_export_options *options, const char *command)
{
	unsigned signal;
	int r = 0;

	for (signal = 0; !r && signal < SS_EXPORT_SIGNALS; signal++)
		r = read_target(&settings->targets[signal], signal, options, command);
	if (r >= 0)
		return r;
	ss_cli_error(command, "%s", strerror(-r));
	return SS_EXIT_USAGE;
}

void ss_export_settings_deinit(struct ss_export_settings *settings)
{
	unsigned signal;

	for (signal = 0; signal < SS_EXPORT_SIGNALS; signal++) {
		struct ss_export_target *target = &settings->targets[signal];

		while (target->header_count)
			free(target->headers[--target->header_count]);
		free(target->url);
		free(target->shown);
		free(target->ca);
		free(target->certificate);
		free(target->key);
		*target = (struct ss_export_target){ 0 };
	}
}
