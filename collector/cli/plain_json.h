/* SPDX-License-Identifier: Apache-2.0
 *
 * OTLP's attributes as plain JSON, written to a file: {"key": "k", "value": {"intValue": "1"}} is
 * "k": 1. Controls that a terminal might obey are escaped. One thread.
 */
#ifndef SS_PLAIN_JSON_H
#define SS_PLAIN_JSON_H

#include <stdbool.h>
#include <stdio.h>

struct cJSON;

/* With its quotes. */
void ss_plain_string(FILE *file, const char *text);

/* The members of an object, without its braces; false: there are none. Of a key that stands twice
 * the first one counts. list may be NULL. */
bool ss_plain_members(FILE *file, const struct cJSON *list);

void ss_plain_object(FILE *file, const struct cJSON *list);

#endif
