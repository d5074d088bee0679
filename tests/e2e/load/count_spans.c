/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts the spans of a dump that is too long to be kept: reads it from standard input, usually a
 * FIFO, as fast as the drain writes. Of acts (drive.c) it notes each thread's sequence numbers, a
 * bit each: which are there, and whether one is there twice. Tells its findings as a line of JSON.
 * Knows the spelling of a dump, not JSON: what it does not find where it looks for it is "strange".
 * Usage: count_spans THREADS ACTS LOSSES; lines that tell losses are copied to the file LOSSES.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX (1u << 20)
#define IDS_MAX        (1u << 22) /* of more spans than that, every so many-th id is kept */
#define PARENTS_MAX    8
#define ID_DIGITS      16
#define TIME_DIGITS    19 /* of nanoseconds from 2001 to 2286: their order is that of their digits */

#define AFTER(from, end, text) after(from, end, text, sizeof(text) - 1)

struct findings {
	uint64_t lines, bytes, spans, acts, others;
	uint64_t twice;     /* acts of a thread and sequence number that were there before */
	uint64_t strange;   /* lines and spans that are not what they should be */
	uint64_t backwards; /* spans that end before they start */
	uint64_t ids, ids_twice;
	uint32_t parents;
};

static struct findings found;
static uint64_t threads, acts;
static uint64_t *seen; /* a bit for each thread's sequence numbers */
static uint64_t *ids, ids_mask, ids_skip;
static char parents[PARENTS_MAX][ID_DIGITS];

/* Behind the text's first occurrence before `end`; NULL: there is none, or nothing follows it. */
static const char *after(const char *from, const char *end, const char *text, size_t bytes)
{
	const char *at = from ? memmem(from, (size_t)(end - from), text, bytes) : NULL;

	return at && at + bytes < end ? at + bytes : NULL;
}

/* A quoted number of at most 18 digits; -1: none. */
static int64_t number(const char *at, const char *end)
{
	const char *from = at;
	int64_t value = 0;

	for (; at && at < end && at - from < 18 && *at >= '0' && *at <= '9'; at++)
		value = value * 10 + *at - '0';
	return at && at > from && at < end && *at == '"' ? value : -1;
}

static uint64_t id_number(const char *digits)
{
	uint64_t id = 0;

	for (int i = 0; i < ID_DIGITS; i++) {
		char c = digits[i];

		id = id << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return id;
}

/* Ids are random: their low digits choose which are kept, the others where. */
static void note_id(uint64_t id)
{
	uint64_t at = id >> 20;

	if (id & ids_skip)
		return;
	while (ids[at & ids_mask] && ids[at & ids_mask] != id)
		at++;
	found.ids_twice += ids[at & ids_mask] == id;
	found.ids += ids[at & ids_mask] != id;
	ids[at & ids_mask] = id;
}

static void note_parent(const char *digits)
{
	for (uint32_t i = 0; i < found.parents; i++)
		if (!memcmp(parents[i], digits, ID_DIGITS))
			return;
	if (found.parents < PARENTS_MAX)
		memcpy(parents[found.parents++], digits, ID_DIGITS);
	else
		found.strange++;
}

static void note_act(const char *at, const char *end)
{
	int64_t thread = number(at, end), sequence;
	uint64_t bit;

	sequence = number(AFTER(at, end, "\"load.sequence\",\"value\":{\"intValue\":\""), end);
	if (thread < 0 || sequence < 0 || (uint64_t)thread >= threads ||
	    (uint64_t)sequence >= acts) {
		found.strange++;
		return;
	}
	bit = (uint64_t)thread * acts + (uint64_t)sequence;
	found.acts++;
	found.twice += seen[bit / 64] >> bit % 64 & 1;
	seen[bit / 64] |= 1ull << bit % 64;
}

/* From behind `"spanId":"` on. */
static void note_span(const char *at, const char *end)
{
	const char *parent = NULL, *start, *stop, *act;

	found.spans++;
	if (end - at < ID_DIGITS + 64) {
		found.strange++;
		return;
	}
	note_id(id_number(at));
	start = AFTER(at, end, "\"startTimeUnixNano\":\"");
	if (start)
		parent = AFTER(at, start, "\"parentSpanId\":\"");
	if (parent)
		note_parent(parent);
	stop = AFTER(start, end, "\"endTimeUnixNano\":\"");
	if (!stop || stop - start < TIME_DIGITS || end - stop < TIME_DIGITS ||
	    start[TIME_DIGITS] != '"' || stop[TIME_DIGITS] != '"')
		found.strange++;
	else
		found.backwards += memcmp(start, stop, TIME_DIGITS) > 0;
	act = AFTER(stop, end, "\"load.thread\",\"value\":{\"intValue\":\"");
	if (act)
		note_act(act, end);
	else
		found.others++;
}

static void note_line(const char *line, const char *end, FILE *losses)
{
	static const char head[] = "{\"resourceSpans\":[";
	const char *spans, *span, *next;

	found.lines++;
	if ((size_t)(end - line) < sizeof(head) + 2 || memcmp(line, head, sizeof(head) - 1) ||
	    memcmp(end - 2, "]}", 2)) {
		found.strange++;
		return;
	}
	spans = AFTER(line, end, "\"scopeSpans\":[");
	if (AFTER(line, spans ? spans : end, "\"spanshim.dropped.")) {
		fwrite(line, 1, (size_t)(end - line), losses);
		fputc('\n', losses);
	}
	for (span = AFTER(spans, end, "\"spanId\":\""); span; span = next) {
		next = AFTER(span, end, "\"spanId\":\"");
		note_span(span, next ? next : end);
	}
}

/* Whole lines; what is left of the last one stays at the buffer's beginning. False: too long. */
static bool note_all(FILE *losses)
{
	static char buffer[2 * LINE_BYTES_MAX];
	size_t used = 0, from;
	ssize_t bytes;
	char *newline;

	while ((bytes = read(STDIN_FILENO, buffer + used, LINE_BYTES_MAX)) != 0) {
		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0 || used > LINE_BYTES_MAX)
			return false;
		found.bytes += (uint64_t)bytes;
		newline = memchr(buffer + used, '\n', (size_t)bytes);
		used += (size_t)bytes;
		for (from = 0; newline; newline = memchr(buffer + from, '\n', used - from)) {
			note_line(buffer + from, newline, losses);
			from = (size_t)(newline - buffer) + 1;
		}
		used -= from;
		memmove(buffer, buffer + from, used);
	}
	found.strange += used > 0;
	return true;
}

/* Twice as many places as ids are kept, so that there is always one free. */
static bool prepare(void)
{
	uint64_t kept = threads * acts + 64;

	for (; kept >> 1 > IDS_MAX; kept >>= 1)
		ids_skip = ids_skip << 1 | 1;
	for (ids_mask = 1; ids_mask < 2 * kept; ids_mask <<= 1)
		;
	ids = calloc(ids_mask--, sizeof(*ids));
	seen = calloc(threads * acts / 64 + 1, sizeof(*seen));
	return ids && seen;
}

int main(int argc, char **argv)
{
	FILE *losses = argc == 4 ? fopen(argv[3], "w") : NULL;

	if (!losses) {
		fprintf(stderr, "usage: count_spans THREADS ACTS LOSSES\n");
		return 2;
	}
	threads = strtoull(argv[1], NULL, 10);
	acts = strtoull(argv[2], NULL, 10);
	fcntl(STDIN_FILENO, F_SETPIPE_SZ, LINE_BYTES_MAX); /* if it may */
	if (!prepare() || !note_all(losses) || fclose(losses))
		return 1;
	printf("{\"lines\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"spans\": %" PRIu64
	       ", \"acts\": %" PRIu64 ", \"others\": %" PRIu64 ", \"twice\": %" PRIu64
	       ", \"strange\": %" PRIu64 ", \"backwards\": %" PRIu64 ", \"ids\": %" PRIu64
	       ", \"ids_twice\": %" PRIu64 ", \"parents\": %" PRIu32 "}\n",
	       found.lines, found.bytes, found.spans, found.acts, found.others, found.twice,
	       found.strange, found.backwards, found.ids, found.ids_twice, found.parents);
	return 0;
}
