/* SPDX-License-Identifier: Apache-2.0
 *
 * One binding file's text and JSON tree, typed access to its members, and what is wrong with it.
 * The first complaint sticks: accessors go on with harmless values after one, so that callers need
 * to look at `failed` only where they would otherwise act on nonsense.
 * Any thread (cold): collector's compile, the command, the build-time compiler.
 */
#ifndef SS_DOCUMENT_H
#define SS_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#define SS_DOCUMENT_BYTES_MAX (1u << 20)
#define SS_DOCUMENT_DEPTH_MAX 16

struct ss_document {
	const char *name; /* as it shall appear in messages */
	const char *text;
	size_t bytes;
	cJSON *root;
	char *error; /* the first complaint, "FILE:LINE: KEY: what was expected" */
	size_t error_bytes;
	bool failed;
};

/* Parses text[bytes], with text[bytes] == '\0' (kept by reference), and checks what holds for any
 * file: UTF-8, one value, depth, no key twice. Always returns a document that can be deinit'ed;
 * 0 or -EINVAL with the complaint in error[error_bytes], which is kept by reference too. */
int ss_document_init(struct ss_document *doc, const char *name, const char *text, size_t bytes,
		     char *error, size_t error_bytes);
void ss_document_deinit(struct ss_document *doc);

/* Complains about member `key` of `node` (there or missing), or about `node` if key is NULL. */
void ss_document_complain(struct ss_document *doc, const cJSON *node, const char *key,
			  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Complains unless `object` is an object whose keys are all in known[] (NULL-terminated). */
bool ss_document_check_keys(struct ss_document *doc, const cJSON *object, const char *const *known);

/* Member of `object`, NULL if it is not there (or `object` is no object). */
const cJSON *ss_document_member(const cJSON *object, const char *key);

/* The following return `fallback` when the member is missing, and complain when it is of another
 * type or out of bounds. Strings: 1 to `max` bytes, owned by the document. */
const char *ss_document_string(struct ss_document *doc, const cJSON *object, const char *key,
			       size_t max, const char *fallback);
bool ss_document_bool(struct ss_document *doc, const cJSON *object, const char *key, bool fallback);
/* Index of the member's string in names[count]. */
uint32_t ss_document_choice(struct ss_document *doc, const cJSON *object, const char *key,
			    const char *const *names, uint32_t count, uint32_t fallback);

/* An array (or object) of at most `max` elements; NULL when missing, wrong or too long. */
const cJSON *ss_document_array(struct ss_document *doc, const cJSON *object, const char *key,
			       int max);
const cJSON *ss_document_object(struct ss_document *doc, const cJSON *object, const char *key,
				int max);

/* Whether `node` is a whole number that a double holds exactly. */
bool ss_document_integer(const cJSON *node, int64_t *ret_value);

/* "a string", "an object", ... for messages. */
const char *ss_document_kind(const cJSON *node);

#endif
