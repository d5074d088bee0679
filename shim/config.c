/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELD(name)  offsetof(struct ss_config, name)
#define GENAI_OPT_IN "gen_ai_latest_experimental"

/* Order matters: a row that another one falls back to stands before it, and a limit of spans stands
 * after, and overwrites, the limit of all signals in the same field. */
const struct ss_env_row ss_env_table[] = {
	{ "SPANSHIM_OUT", SS_ENV_STRING, FIELD(out), "spanshim-%e-%p.jsonl", 0, 0, NULL,
	  "file to append spans to (%p pid, %e program, %n image nonce); -: stderr" },
	{ "SPANSHIM_METRICS_OUT", SS_ENV_STRING, FIELD(metrics_out), "", 0, 0, NULL,
	  "file to append metrics to (as SPANSHIM_OUT); default: no metrics" },
	{ "SPANSHIM_BINDINGS", SS_ENV_STRING, FIELD(bindings), "auto", 0, 0, NULL,
	  "built-in names or files, colon-separated; auto: all built-in ones; none" },
	{ "SPANSHIM_PLUGINS", SS_ENV_STRING, FIELD(plugins), "", 0, 0, NULL,
	  "plugins to load (shared objects, colon-separated); see spanshim/plugin.h" },
	{ "SPANSHIM_DIR", SS_ENV_STRING, FIELD(dir), "", 0, 0, NULL,
	  "directory of the ring files; default /dev/shm/spanshim-UID" },
	{ "SPANSHIM_RING_BYTES", SS_ENV_BYTES, FIELD(ring_bytes), "4M", 64 << 10, 1 << 30, NULL,
	  "memory for the events of all threads, rounded up to a power of two" },
	{ "SPANSHIM_ON_FULL", SS_ENV_CHOICE, FIELD(on_full), "drop", 0, 0, "drop|block",
	  "full ring: drop and count the event, or let the program wait" },
	{ "SPANSHIM_FLUSH_MS", SS_ENV_COUNT, FIELD(flush_ms), "200", 1, 60000, NULL,
	  "longest time a finished span waits to be written, in milliseconds" },
	{ "SPANSHIM_STACKS", SS_ENV_CHOICE, FIELD(stacks), "off", 0, 0, "off|error|all",
	  "which spans carry a stack trace of their caller" },
	{ "SPANSHIM_LOG", SS_ENV_STRING, FIELD(log), "", 0, 0, NULL,
	  "spanshim's own log: stderr or a file (as SPANSHIM_OUT); default none" },
	{ "SPANSHIM_DISABLE", SS_ENV_FLAG, FIELD(disabled), "false", 0, 0, NULL,
	  "do nothing at all" },
	{ "SPANSHIM_COMMAND_LINE", SS_ENV_FLAG, FIELD(command_line), "false", 0, 0, NULL,
	  "record the process's arguments as process.command_args" },
	{ "SPANSHIM_TRACE_ID", SS_ENV_TRACE_ID, FIELD(trace_id), "", 0, 0, NULL,
	  "trace id of spans without a parent; default a random one" },
	{ "SPANSHIM_PREVIOUS", SS_ENV_STRING, FIELD(previous), "", 0, 0, NULL,
	  "internal: ring file that an exec left behind" },
	{ "MELLEA_TRACES_CONTENT", SS_ENV_FLAG, FIELD(content), "false", 0, 0, NULL,
	  "record content: responses, tool arguments and results; of declared functions"
	  " what bindings mark (statements, ...)" },
	{ "OTEL_SEMCONV_STABILITY_OPT_IN", SS_ENV_STRING, FIELD(semconv_opt_in), "", 0, 0, NULL,
	  "with " GENAI_OPT_IN
	  " in the list, the next variable takes NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT" },
	{ "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", SS_ENV_CONTENT, FIELD(content),
	  "false", 0, 0, NULL, "record content, as MELLEA_TRACES_CONTENT" },
	{ "OTEL_SERVICE_NAME", SS_ENV_STRING, FIELD(service_name), "", 0, 0, NULL,
	  "service.name; default mellea, or unknown_service:PROGRAM where there is none" },
	{ "OTEL_RESOURCE_ATTRIBUTES", SS_ENV_STRING, FIELD(resource_attributes), "", 0, 0, NULL,
	  "key=value,... (percent-encoded) for the resource" },
	{ "OTEL_SDK_DISABLED", SS_ENV_OTEL_FLAG, FIELD(disabled), "false", 0, 0, NULL,
	  "true: as SPANSHIM_DISABLE" },
	{ "OTEL_TRACES_SAMPLER", SS_ENV_CHOICE, FIELD(sampler), "parentbased_always_on", 0, 0,
	  "always_on|always_off|traceidratio|parentbased_always_on|parentbased_always_off|"
	  "parentbased_traceidratio",
	  "which traces are written; metrics and plugins see all" },
	{ "OTEL_TRACES_SAMPLER_ARG", SS_ENV_RATIO, FIELD(sampler_ratio), "1", 0, 1, NULL,
	  "part of the traces that a traceidratio sampler writes, 0 to 1" },
	{ "OTEL_METRIC_EXPORT_INTERVAL", SS_ENV_COUNT, FIELD(metrics_ms), "60000", 1, INT32_MAX,
	  NULL, "time between two lines of metrics, in milliseconds" },
	{ "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", SS_ENV_COUNT, FIELD(attribute_value_limit), "", 0,
	  INT32_MAX, NULL, "longest string value, in characters; default unlimited" },
	{ "OTEL_ATTRIBUTE_COUNT_LIMIT", SS_ENV_COUNT, FIELD(attribute_count_limit), "128", 0,
	  INT32_MAX, NULL, "most attributes of a span or of a span event" },
	{ "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", SS_ENV_COUNT, FIELD(event_attribute_count_limit),
	  "OTEL_ATTRIBUTE_COUNT_LIMIT", 0, INT32_MAX, NULL, "most attributes of a span event" },
	{ "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", SS_ENV_COUNT, FIELD(attribute_value_limit),
	  "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", 0, INT32_MAX, NULL,
	  "longest string value, in characters" },
	{ "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", SS_ENV_COUNT, FIELD(attribute_count_limit),
	  "OTEL_ATTRIBUTE_COUNT_LIMIT", 0, INT32_MAX, NULL, "most attributes of a span" },
	{ "OTEL_SPAN_EVENT_COUNT_LIMIT", SS_ENV_COUNT, FIELD(event_count_limit), "128", 0,
	  INT32_MAX, NULL, "most events of a span" },
	{ "OTEL_SPAN_LINK_COUNT_LIMIT", SS_ENV_COUNT, FIELD(link_count_limit), "128", 0, INT32_MAX,
	  NULL, "most links of a span (spanshim makes none)" },
	{ "TRACEPARENT", SS_ENV_TRACEPARENT, FIELD(traceparent), "", 0, 0, NULL,
	  "parent of spans without one, as W3C Trace Context writes it" },
	{ "TRACESTATE", SS_ENV_STRING, FIELD(tracestate), "", 0, 0, NULL,
	  "W3C trace state that goes with TRACEPARENT" },
};
const size_t ss_env_rows = sizeof(ss_env_table) / sizeof(ss_env_table[0]);

static char store[SS_CONFIG_TEXT_BYTES]; /* the strings of the last ss_config_read */
static size_t store_used;

static void *field(struct ss_config *config, const struct ss_env_row *row)
{
	return (char *)config + row->offset;
}

static const struct ss_env_row *find_row(const char *name)
{
	for (size_t i = 0; i < ss_env_rows; i++)
		if (strcmp(ss_env_table[i].name, name) == 0)
			return &ss_env_table[i];
	return NULL;
}

/* `item` is one of the parts of `list` between the separators: its position, or -1. */
static int position_in_list(const char *list, char separator, const char *item)
{
	size_t item_bytes = strlen(item);

	for (int position = 0;; position++) {
		size_t bytes = (size_t)(strchrnul(list, separator) - list);

		if (bytes == item_bytes && memcmp(list, item, bytes) == 0)
			return position;
		if (list[bytes] == '\0')
			return -1;
		list += bytes + 1;
	}
}

static bool has_opted_in(const struct ss_config *config)
{
	return position_in_list(config->semconv_opt_in, ',', GENAI_OPT_IN) >= 0;
}

static int parse_number(const char *value, const struct ss_env_row *row, uint64_t *ret_number)
{
	static const char units[] = "KMG";
	uint64_t number = 0;
	const char *p, *unit;

	for (p = value; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*p - '0'), &number))
			return -ERANGE;
	if (p == value)
		return -EINVAL;
	unit = row->type == SS_ENV_BYTES && *p ? strchr(units, *p) : NULL;
	if (unit) {
		if (__builtin_mul_overflow(number, 1ull << 10 * (unit - units + 1), &number))
			return -ERANGE;
		p++;
	}
	if (*p)
		return -EINVAL;
	if (number < row->min || number > row->max)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

/* "e-05"; 0 without one. False: not an exponent. */
static bool parse_exponent(const char *p, int *ret_exponent)
{
	bool negative = p[0] && p[1] == '-';
	int exponent = 0;

	*ret_exponent = 0;
	if (!*p)
		return true;
	if ((*p != 'e' && *p != 'E') || !p[1])
		return false;
	p += p[1] == '-' || p[1] == '+' ? 2 : 1;
	if (!*p)
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		exponent = exponent < 1000 ? exponent * 10 + (*p - '0') : exponent;
	*ret_exponent = negative ? -exponent : exponent;
	return !*p;
}

/* By hand: strtod reads the host's locale. To the last bit what the SDKs of other processes of a
 * trace read: 15 digits and 10^22 are exact, and one division rounds once. */
static int parse_ratio(const char *value, const struct ss_env_row *row, double *ret_ratio)
{
	uint64_t digits = 0;
	bool point = false, any = false;
	const char *p = value;
	int scale = 0, exponent;
	double ratio, power = 1;

	for (; (*p >= '0' && *p <= '9') || (*p == '.' && !point); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		any = true;
		if (digits >= 100000000000000ull) {
			scale += !point;
			continue;
		}
		digits = digits * 10 + (uint64_t)(*p - '0');
		scale -= point;
	}
	if (!any || !parse_exponent(p, &exponent))
		return -EINVAL;
	scale += exponent;
	for (int i = 0; i < scale || i < -scale; i++)
		power *= 10;
	ratio = (double)digits;
	ratio = scale < 0 ? ratio / power : ratio * power;
	if (!(ratio >= (double)row->min && ratio <= (double)row->max))
		return -ERANGE;
	*ret_ratio = ratio;
	return 0;
}

static int parse_flag(const char *value, const struct ss_config *config, uint8_t type)
{
	static const struct {
		const char *word;
		uint8_t type;
		bool value;
	} words[] = {
		{ "1", SS_ENV_FLAG, true },
		{ "true", SS_ENV_FLAG, true },
		{ "yes", SS_ENV_FLAG, true },
		{ "0", SS_ENV_FLAG, false },
		{ "false", SS_ENV_FLAG, false },
		{ "no", SS_ENV_FLAG, false },
		{ "true", SS_ENV_OTEL_FLAG, true },
		{ "false", SS_ENV_OTEL_FLAG, false },
		/* content goes on spans and their events: the "event" upstream is a log record,
		 * which we do not write */
		{ "NO_CONTENT", SS_ENV_CONTENT, false },
		{ "SPAN_ONLY", SS_ENV_CONTENT, true },
		{ "EVENT_ONLY", SS_ENV_CONTENT, false },
		{ "SPAN_AND_EVENT", SS_ENV_CONTENT, true },
	};

	if (type == SS_ENV_CONTENT && !has_opted_in(config))
		type = SS_ENV_FLAG;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].type == type && strcasecmp(words[i].word, value) == 0)
			return words[i].value;
	return -EINVAL;
}

static int store_text(const char *value, const char **ret_text)
{
	size_t bytes = strlen(value) + 1;

	if (bytes > sizeof(store) - store_used)
		return -ENOSPC;
	*ret_text = memcpy(store + store_used, value, bytes);
	store_used += bytes;
	return 0;
}

static int parse_text(const struct ss_env_row *row, const char *value, const char **ret_text)
{
	uint64_t trace[2], span_id;
	uint8_t flags;

	if (row->type == SS_ENV_TRACE_ID && ss_config_parse_trace_id(value, trace) < 0)
		return -EINVAL;
	if (row->type == SS_ENV_TRACEPARENT &&
	    ss_config_parse_traceparent(value, trace, &span_id, &flags) < 0)
		return -EINVAL;
	return store_text(value, ret_text);
}

static int parse_value(struct ss_config *config, const struct ss_env_row *row, const char *value)
{
	uint64_t number = 0;
	int r;

	switch (row->type) {
	case SS_ENV_BYTES:
	case SS_ENV_COUNT:
		r = parse_number(value, row, &number);
		break;
	case SS_ENV_CHOICE:
		r = position_in_list(row->choices, '|', value);
		number = (uint64_t)r;
		break;
	case SS_ENV_RATIO:
		return parse_ratio(value, row, field(config, row));
	case SS_ENV_FLAG:
	case SS_ENV_OTEL_FLAG:
	case SS_ENV_CONTENT:
		r = parse_flag(value, config, row->type);
		if (r > 0)
			*(bool *)field(config, row) = true;
		return r;
	default:
		return parse_text(row, value, field(config, row));
	}
	if (r < 0)
		return r;
	if (row->type == SS_ENV_BYTES)
		*(uint64_t *)field(config, row) = 1ull << (64 - __builtin_clzll(number - 1));
	else
		*(uint32_t *)field(config, row) = (uint32_t)number;
	return 0;
}

static void apply_fallback(struct ss_config *config, const struct ss_env_row *row)
{
	const struct ss_env_row *other = find_row(row->fallback);

	if (other)
		*(uint32_t *)field(config, row) = *(uint32_t *)field(config, other);
	else if (row->type == SS_ENV_COUNT && !*row->fallback)
		*(uint32_t *)field(config, row) = SS_CONFIG_UNLIMITED;
	else if (row->type == SS_ENV_STRING || row->type >= SS_ENV_TRACE_ID)
		*(const char **)field(config, row) = row->fallback;
	else
		parse_value(config, row, row->fallback);
}

static void complain_about(const struct ss_config *config, const struct ss_env_row *row,
			   const char *value, ss_config_complaint complain)
{
	char phrase[SS_CONFIG_PHRASE_BYTES];
	const char *expected = phrase;
	uint8_t type = row->type;

	if (type == SS_ENV_CONTENT && !has_opted_in(config))
		type = SS_ENV_FLAG;
	if (type == SS_ENV_STRING)
		snprintf(phrase, sizeof(phrase), "at most %u bytes in all values together",
			 SS_CONFIG_TEXT_BYTES);
	else if (type == SS_ENV_BYTES)
		snprintf(phrase, sizeof(phrase), "a size from %lluK to %lluM, such as 512K or 4M",
			 (unsigned long long)row->min >> 10, (unsigned long long)row->max >> 20);
	else if (type == SS_ENV_COUNT)
		snprintf(phrase, sizeof(phrase), "a whole number from %llu to %llu",
			 (unsigned long long)row->min, (unsigned long long)row->max);
	else if (type == SS_ENV_CHOICE)
		snprintf(phrase, sizeof(phrase), "one of %s", row->choices);
	else if (type == SS_ENV_RATIO)
		snprintf(phrase, sizeof(phrase), "a number from %llu to %llu, such as 0.1",
			 (unsigned long long)row->min, (unsigned long long)row->max);
	else if (type == SS_ENV_FLAG)
		expected = "1, true, yes, 0, false or no";
	else if (type == SS_ENV_OTEL_FLAG)
		expected = "true or false";
	else if (type == SS_ENV_CONTENT)
		expected = "NO_CONTENT, SPAN_ONLY, EVENT_ONLY or SPAN_AND_EVENT";
	else if (type == SS_ENV_TRACE_ID)
		expected = "32 lowercase hex digits, not all zero";
	else
		expected = "00-TRACE_ID-PARENT_ID-FLAGS as W3C Trace Context has it";
	complain(row->name, value, expected);
}

void ss_config_read(struct ss_config *config, char *const *envp, ss_config_complaint complain)
{
	memset(config, 0, sizeof(*config));
	store_used = 0;
	for (size_t i = 0; i < ss_env_rows; i++) {
		const struct ss_env_row *row = &ss_env_table[i];
		const char *value = ss_config_getenv(envp, row->name);

		apply_fallback(config, row);
		if (!value || !*value || parse_value(config, row, value) >= 0)
			continue;
		if (complain)
			complain_about(config, row, value, complain);
	}
	/* W3C Trace Context 3.3.1.1: no tracestate without a valid traceparent */
	if (!*config->traceparent)
		config->tracestate = "";
}

const char *ss_config_getenv(char *const *envp, const char *name)
{
	size_t bytes = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, bytes) == 0 && (*envp)[bytes] == '=')
			return *envp + bytes + 1;
	return NULL;
}

static int parse_hex(const char *digits, int count, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (int i = 0; i < count; i++) {
		if (digits[i] >= '0' && digits[i] <= '9')
			number = number << 4 | (uint64_t)(digits[i] - '0');
		else if (digits[i] >= 'a' && digits[i] <= 'f')
			number = number << 4 | (uint64_t)(digits[i] - 'a' + 10);
		else
			return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

static int parse_trace(const char *digits, uint64_t ret_trace[2])
{
	uint64_t high, low;

	if (parse_hex(digits, 16, &high) < 0 || parse_hex(digits + 16, 16, &low) < 0 ||
	    (high | low) == 0)
		return -EINVAL;
	ret_trace[0] = high;
	ret_trace[1] = low;
	return 0;
}

int ss_config_parse_trace_id(const char *text, uint64_t ret_trace[2])
{
	return strlen(text) == 32 ? parse_trace(text, ret_trace) : -EINVAL;
}

int ss_config_parse_traceparent(const char *text, uint64_t ret_trace[2], uint64_t *ret_span_id,
				uint8_t *ret_flags)
{
	enum { VERSION = 0, TRACE = 3, SPAN = 36, FLAGS = 53, END = 55 };
	uint64_t version, trace[2], span_id, flags;
	size_t bytes = strlen(text);

	if (bytes < END || text[TRACE - 1] != '-' || text[SPAN - 1] != '-' ||
	    text[FLAGS - 1] != '-')
		return -EINVAL;
	if (parse_hex(text + VERSION, 2, &version) < 0 || version == 0xff)
		return -EINVAL;
	if (bytes > END && (version == 0 || text[END] != '-'))
		return -EINVAL;
	if (parse_trace(text + TRACE, trace) < 0 || parse_hex(text + SPAN, 16, &span_id) < 0 ||
	    span_id == 0 || parse_hex(text + FLAGS, 2, &flags) < 0)
		return -EINVAL;
	ret_trace[0] = trace[0];
	ret_trace[1] = trace[1];
	*ret_span_id = span_id;
	*ret_flags = (uint8_t)flags;
	return 0;
}

void ss_config_sampling(const struct ss_config *config, struct ss_sampling *ret_sampling)
{
	struct ss_sampling sampling = { .sampler = config->sampler };
	uint64_t trace[2] = { 0, 0 }, span_id;
	uint8_t flags = 0;

	if (!ss_config_parse_traceparent(config->traceparent, trace, &span_id, &flags)) {
		sampling.parent_hi = trace[0];
		sampling.parent_lo = trace[1];
		sampling.parent_sampled = flags & 1;
	}
	if (config->sampler_ratio < 1)
		sampling.threshold = ss_sampler_threshold(config->sampler_ratio);
	else if (config->sampler == SS_SAMPLER_RATIO)
		sampling.sampler = SS_SAMPLER_ALWAYS_ON;
	else if (config->sampler == SS_SAMPLER_PARENT_RATIO)
		sampling.sampler = SS_SAMPLER_PARENT_ALWAYS_ON;
	/* What nearly all processes do: the drain need not look for each span's trace. */
	if (sampling.sampler == SS_SAMPLER_PARENT_ALWAYS_ON &&
	    (sampling.parent_sampled || !(sampling.parent_hi | sampling.parent_lo)))
		sampling.sampler = SS_SAMPLER_ALWAYS_ON;
	*ret_sampling = sampling;
}

struct piece {
	const char *start;
	size_t bytes;
};

/* What the two characters at `p` stand for; number is room for digits. */
static struct piece expand_letter(const char *p, const char *program, uint32_t pid, uint64_t nonce,
				  char number[32])
{
	const char *slash = strrchr(program, '/');

	switch (p[1]) {
	case 'p':
		return (struct piece){ number, (size_t)snprintf(number, 32, "%u", pid) };
	case 'n':
		return (struct piece){ number, (size_t)snprintf(number, 32, "%016llx",
								(unsigned long long)nonce) };
	case 'e':
		program = slash ? slash + 1 : program;
		return (struct piece){ program, strlen(program) };
	case '%':
		return (struct piece){ p, 1 };
	default:
		return (struct piece){ p, 2 };
	}
}

int ss_config_expand(const char *pattern, const char *program, uint32_t pid, uint64_t nonce,
		     const char *cwd, char *buf, size_t bytes)
{
	size_t used = 0;
	char number[32];

	if (bytes == 0)
		return -ENAMETOOLONG;
	if (pattern[0] != '/' && cwd && *cwd) {
		used = strlen(cwd);
		if (used + 1 >= bytes)
			goto too_long;
		memcpy(buf, cwd, used);
		if (buf[used - 1] != '/')
			buf[used++] = '/';
	}
	for (const char *p = pattern; *p;) {
		struct piece piece = { p, 1 };

		if (p[0] == '%' && p[1])
			piece = expand_letter(p, program, pid, nonce, number);
		if (piece.bytes >= bytes - used)
			goto too_long;
		memcpy(buf + used, piece.start, piece.bytes);
		used += piece.bytes;
		p += p[0] == '%' && p[1] ? 2 : 1;
	}
	buf[used] = '\0';
	return 0;
too_long:
	buf[0] = '\0';
	return -ENAMETOOLONG;
}
