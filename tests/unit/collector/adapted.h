/* SPDX-License-Identifier: Apache-2.0
 *
 * A drain fed with an adapter's events: what the tests of spans in a dialect share. One fixture at
 * a time; spans are put into `ring`.
 */
#ifndef SS_TEST_ADAPTED_H
#define SS_TEST_ADAPTED_H

#include "collector/drain.h"
#include "collector/vocabulary.h"
#include "fixture.h"
#include "output.h"

#define OLD ((uint32_t)SS_DIALECT_MELLEA_0_7)
#define NEW ((uint32_t)SS_DIALECT_MELLEA_0_8)

extern struct fixture fixture;
extern struct ss_drain drain;
extern struct output output;
extern uint32_t ring; /* 0 after begin */

void begin(uint32_t rings);
/* Drains what is left, and reads the output; end frees that. */
void finish(void);
void end(void);
/* finish, compare one span (see output_text), end. */
void expect(uint64_t id, const char *expected);

void text(struct payload *payload, uint32_t key, const char *value);

/* Payloads may be NULL. */
void open_span(uint32_t entry, uint8_t hook, uint64_t id, const struct payload *payload);
void close_span(uint32_t entry, uint8_t hook, uint64_t id, uint8_t status,
		const struct payload *payload);
void annotate(uint32_t entry, uint8_t hook, uint64_t id, const struct payload *payload);
void point(uint32_t entry, uint8_t hook, uint64_t id, uint8_t flags, const struct payload *payload);

#endif
