/* SPDX-License-Identifier: Apache-2.0
 *
 * What the native metrics of an image should be, added up from its spans, and what they are: two
 * readings of two files, by cJSON, to be compared.
 */
#ifndef SS_TEST_TOTALS_H
#define SS_TEST_TOTALS_H

#include <stdint.h>

#define TOTALS_MAX 16

struct total {
	char key[128]; /* "calc_run", or "calc_run BUSY" of an error */
	uint64_t count;
	double seconds; /* 0 of errors */
};

struct totals {
	struct total list[TOTALS_MAX]; /* by key */
	uint32_t count;
};

/* From a file of spans: finished ones by function, those with an error.type by that too. */
void totals_of_spans(struct totals *totals, const char *path);

/* From the last line of a file of metrics; none without a file. Checks that no line is less than
 * the one before, or of an earlier time. */
void totals_of_metrics(struct totals *totals, const char *path);

/* Fails the test, naming `what`, unless both are the same. */
void totals_expect_same(const struct totals *spans, const struct totals *metrics, const char *what);

#endif
