/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything a user can set, from one table (config.c): name, type, default, meaning.
 * Read once, in the preloaded object's constructor, from the environment block it is given; strings
 * are copied, because programs overwrite their environment (setproctitle) or clear it.
 * Must not: read the environment anywhere else, allocate, or do any input or output.
 */
#ifndef SS_CONFIG_H
#define SS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler.h"

#define SS_CONFIG_TEXT_BYTES   16384 /* all string values together; a longer value is refused */
#define SS_CONFIG_UNLIMITED    UINT32_MAX
#define SS_CONFIG_PHRASE_BYTES 192 /* of what is expected of a value, in words */

enum ss_on_full { SS_ON_FULL_DROP, SS_ON_FULL_BLOCK };
enum ss_stacks { SS_STACKS_OFF, SS_STACKS_ERROR, SS_STACKS_ALL };

struct ss_config {
	/* strings are never NULL: "" when unset */
	const char *out;      /* SPANSHIM_OUT, pattern not expanded yet */
	const char *bindings; /* SPANSHIM_BINDINGS */
	const char *dir;      /* SPANSHIM_DIR, "" = default */
	const char *log;      /* SPANSHIM_LOG: "", "stderr" or a path pattern */
	const char *trace_id; /* SPANSHIM_TRACE_ID, well-formed: trace of spans without parent */
	const char *previous; /* SPANSHIM_PREVIOUS: ring file that an exec left behind */
	const char *service_name;        /* OTEL_SERVICE_NAME */
	const char *resource_attributes; /* OTEL_RESOURCE_ATTRIBUTES, percent-encoded still */
	const char *traceparent;         /* TRACEPARENT, well-formed */
	const char *tracestate;          /* TRACESTATE; "" without a traceparent */
	const char *semconv_opt_in;      /* OTEL_SEMCONV_STABILITY_OPT_IN, a comma-separated list */
	const char *metrics_out;         /* SPANSHIM_METRICS_OUT, as `out`; "": no metrics */
	const char *plugins;             /* SPANSHIM_PLUGINS, colon-separated; "" = none */
	uint64_t ring_bytes;             /* a power of two */
	uint32_t on_full;                /* enum ss_on_full */
	uint32_t flush_ms;
	uint32_t stacks;      /* enum ss_stacks */
	bool disabled;        /* SPANSHIM_DISABLE or OTEL_SDK_DISABLED */
	bool content;         /* either content gate */
	bool command_line;    /* SPANSHIM_COMMAND_LINE */
	uint32_t metrics_ms;  /* OTEL_METRIC_EXPORT_INTERVAL */
	uint32_t sampler;     /* enum ss_sampler */
	double sampler_ratio; /* OTEL_TRACES_SAMPLER_ARG */
	uint32_t attribute_count_limit, event_count_limit, link_count_limit;
	uint32_t event_attribute_count_limit;
	uint32_t attribute_value_limit; /* characters; SS_CONFIG_UNLIMITED */
};

enum ss_env_type {
	SS_ENV_STRING,
	SS_ENV_BYTES,     /* 65536, 64K, 4M, 1G; rounded up to a power of two */
	SS_ENV_COUNT,     /* decimal digits */
	SS_ENV_CHOICE,    /* one of `choices` */
	SS_ENV_RATIO,     /* 0.1, 1e-05 */
	SS_ENV_FLAG,      /* 1 / true / yes, 0 / false / no, in any case */
	SS_ENV_OTEL_FLAG, /* true / false, in any case */
	SS_ENV_CONTENT,   /* as FLAG, or, once opted in, NO_CONTENT / SPAN_ONLY / ... */
	SS_ENV_TRACE_ID,
	SS_ENV_TRACEPARENT,
};

struct ss_env_row {
	const char *name;
	uint8_t type;         /* enum ss_env_type */
	size_t offset;        /* in struct ss_config; flags that share one are or-ed */
	const char *fallback; /* default, as a user would write it, or the name of an earlier row */
	uint64_t min, max;    /* of BYTES, COUNT and RATIO */
	const char *choices;  /* "drop|block", values are their positions; else NULL */
	const char *meaning;
};

extern const struct ss_env_row ss_env_table[];
extern const size_t ss_env_rows;

/* Called for each value that does not parse: the default is in force. `expected` is a phrase. */
typedef void (*ss_config_complaint)(const char *name, const char *value, const char *expected);

/* Fills *config from envp (NULL-terminated "NAME=value" strings; NULL is an empty environment); an
 * empty value counts as unset. One thread at a time; no allocation. config's strings live in static
 * storage until the next call. complain may be NULL. Never fails. */
void ss_config_read(struct ss_config *config, char *const *envp, ss_config_complaint complain);

/* Value of `name` in envp (may be NULL), or NULL when absent. Points into envp. Any thread;
 * signal-safe. */
const char *ss_config_getenv(char *const *envp, const char *name);

/* Parses 32 lowercase hex digits, not all zero, into { high, low }. Returns 0, or -EINVAL. Any
 * thread; signal-safe. */
int ss_config_parse_trace_id(const char *text, uint64_t ret_trace[2]);

/* Parses a W3C Trace Context (level 1, section 3.2) traceparent; of versions above 00 only what 00
 * defines is read. Returns 0, or -EINVAL. Any thread; signal-safe. */
int ss_config_parse_traceparent(const char *text, uint64_t ret_trace[2], uint64_t *ret_span_id,
				uint8_t *ret_flags);

/* Which traces that makes a process write. Any thread. */
void ss_config_sampling(const struct ss_config *config, struct ss_sampling *ret_sampling);

/* Expands %p (pid), %e (program's base name), %n (nonce, 16 hex digits), %% in pattern into buf,
 * made absolute with cwd (NULL or "": left as it is). "-" and "stderr" are not special here.
 * Returns 0, or -ENAMETOOLONG with buf empty. An unknown %x stays as it is. */
int ss_config_expand(const char *pattern, const char *program, uint32_t pid, uint64_t nonce,
		     const char *cwd, char *buf, size_t bytes);

#endif
