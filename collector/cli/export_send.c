/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_send.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "collector/cli/export_gzip.h"
#include "collector/cli/export_reply.h"
#include "collector/cli/export_retry.h"
#include "collector/clock.h"

#define NANOSECONDS_MS 1000000u

static const char *const item_names[SS_EXPORT_SIGNALS] = { "span", "data point" };
static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	signals++;
}

void ss_export_sender_catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;
	sigset_t set;
	unsigned i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		/* nohup's wish is kept. */
		if (!sigaction(numbers[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
		sigaddset(&set, numbers[i]);
	}
	/* `run` starts us with them blocked: one that came before now is delivered here. */
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

unsigned ss_export_sender_signals(void)
{
	return (unsigned)signals;
}

static void __attribute__((format(printf, 2, 3)))
say(struct ss_export_sender *sender, const char *format, ...)
{
	char text[768];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sender->say(sender->data, text);
}

/* --- how long --- */

/* Nobody's patience ends while a program is followed; after the signal to stop it begins to count.
 */
static bool is_over(const struct ss_export_sender *sender, uint64_t in_ns)
{
	uint64_t since = sender->follow ? sender->stopped_ns : sender->failing_ns;

	return since && ss_clock_monotonic_ns() + in_ns > since + sender->wait_ns;
}

static void notice_signal(struct ss_export_sender *sender)
{
	if (signals && !sender->stopped_ns)
		sender->stopped_ns = ss_clock_monotonic_ns();
}

static bool break_off(void *data)
{
	struct ss_export_sender *sender = data;

	notice_signal(sender);
	return signals > 1 || (sender->follow && is_over(sender, 0));
}

static void tell_of_trying(struct ss_export_sender *sender)
{
	if (sender->trying_again || sender->quiet)
		return;
	sender->trying_again = true;
	if (sender->follow)
		say(sender, "%s; trying again", sender->trouble);
	else
		say(sender, "%s; trying again for up to %" PRIu64 " s", sender->trouble,
		    sender->wait_ns / 1000000000);
}

/* False when there is no point in it. A signal cuts the wait short: what counts is different then.
 */
static bool wait_until_again(struct ss_export_sender *sender, struct ss_export_retry *retry,
			     uint64_t retry_after_s)
{
	uint64_t until, now = ss_clock_monotonic_ns(), wait_ns;
	unsigned before = ss_export_sender_signals();
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)now;
	wait_ns = ss_export_retry_next(retry, retry_after_s, random) * NANOSECONDS_MS;
	if (signals > 1 || is_over(sender, wait_ns))
		return false;
	tell_of_trying(sender);
	for (until = now + wait_ns; now < until && before == ss_export_sender_signals();
	     now = ss_clock_monotonic_ns())
		poll(NULL, 0, (int)((until - now) / NANOSECONDS_MS + 1));
	notice_signal(sender);
	return signals < 2;
}

/* --- one request --- */

static int connect_once(struct ss_export_sender *sender)
{
	const char *error = NULL;
	int r = 0;

	if (!sender->http)
		r = ss_export_http_new(&sender->settings, break_off, sender, &sender->http, &error);
	if (r)
		snprintf(sender->trouble, sizeof(sender->trouble), "%s", error);
	return r;
}

/* In words, into `trouble`. */
static void describe(struct ss_export_sender *sender, const char *url,
		     const struct ss_export_answer *answer, const struct ss_export_reply *reply)
{
	if (!answer->status)
		snprintf(sender->trouble, sizeof(sender->trouble), "%s: %s", url, answer->error);
	else if (answer->retry_after_s)
		snprintf(sender->trouble, sizeof(sender->trouble),
			 "%s: status %ld, to be tried again after %" PRIu64 " s", url,
			 answer->status, answer->retry_after_s);
	else
		snprintf(sender->trouble, sizeof(sender->trouble), "%s: status %ld%s%s", url,
			 answer->status, *reply->text ? ": " : "", reply->text);
}

/* Until there is an answer that says what became of the data. */
static int request(struct ss_export_sender *sender, enum ss_export_signal signal, const char *body,
		   size_t bytes, struct ss_export_reply *ret_reply)
{
	const struct ss_export_target *target = &sender->settings.targets[signal];
	struct ss_export_retry retry = { 0 };
	struct ss_export_answer answer;
	int r = connect_once(sender);

	if (r)
		return r;
	for (sender->failing_ns = 0;; sender->counts[signal].retries++) {
		ss_export_http_post(sender->http, signal, body, bytes, &answer);
		sender->counts[signal].requests++;
		*ret_reply = (struct ss_export_reply){ .verdict = answer.again ? SS_EXPORT_AGAIN
									       : SS_EXPORT_STOP };
		if (answer.status)
			ss_export_reply_read(answer.status, answer.content_type, answer.body,
					     answer.bytes, ret_reply);
		describe(sender, target->shown, &answer, ret_reply);
		if (ret_reply->verdict == SS_EXPORT_STOP)
			return -EPROTO;
		if (ret_reply->verdict != SS_EXPORT_AGAIN)
			break;
		if (!sender->failing_ns)
			sender->failing_ns = ss_clock_monotonic_ns();
		notice_signal(sender);
		if (!wait_until_again(sender, &retry, answer.retry_after_s))
			return -EAGAIN;
	}
	sender->trying_again = false;
	if (sender->stopped_ns)
		sender->stopped_ns = ss_clock_monotonic_ns();
	return 0;
}

/* --- a batch --- */

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void accept_range(struct ss_export_sender *sender, struct ss_export_batch *batch,
			 uint32_t first, uint32_t end, const struct ss_export_reply *reply,
			 const char *file)
{
	uint64_t items = ss_export_batch_items(batch, first, end);
	uint64_t rejected = reply->rejected < items ? reply->rejected : items;
	const char *name = item_names[batch->signal];

	sender->counts[batch->signal].sent += items - rejected;
	sender->counts[batch->signal].refused += rejected;
	if (rejected)
		say(sender,
		    "%s: the server rejected %" PRIu64 " of the %" PRIu64 " %s%s of lines %" PRIu64
		    " to %" PRIu64 "%s%s",
		    file, rejected, items, name, plural(items), batch->pieces[first].line,
		    batch->pieces[end - 1].line, *reply->text ? ": " : "", reply->text);
	else if (*reply->text)
		say(sender, "the server warns: %s", reply->text);
	sender->done(sender->data, &batch->pieces[end - 1]);
}

static void refuse_piece(struct ss_export_sender *sender, const struct ss_export_batch *batch,
			 const struct ss_export_piece *piece, const char *file)
{
	sender->counts[batch->signal].refused += piece->items;
	say(sender, "%s:%" PRIu64 ": %" PRIu64 " %s%s refused: %s", file, piece->line, piece->items,
	    item_names[batch->signal], plural(piece->items), sender->trouble);
	sender->done(sender->data, piece);
}

static int post_range(struct ss_export_sender *sender, struct ss_export_batch *batch,
		      uint32_t first, uint32_t end, struct ss_export_reply *ret_reply)
{
	const char *body;
	char *packed = NULL;
	size_t bytes;
	int r = ss_export_batch_body(batch, first, end, &body, &bytes);

	if (!r && sender->settings.targets[batch->signal].gzip)
		r = ss_export_gzip(body, bytes, &packed, &bytes);
	if (r)
		snprintf(sender->trouble, sizeof(sender->trouble), "%s", strerror(-r));
	else
		r = request(sender, batch->signal, packed ? packed : body, bytes, ret_reply);
	free(packed);
	return r;
}

static int send_range(struct ss_export_sender *sender, struct ss_export_batch *batch,
		      uint32_t first, uint32_t end, const char *file)
{
	uint32_t middle = first + (end - first) / 2;
	struct ss_export_reply reply;
	int r = post_range(sender, batch, first, end, &reply);

	if (r)
		return r;
	if (reply.verdict == SS_EXPORT_ACCEPTED) {
		accept_range(sender, batch, first, end, &reply, file);
		return 0;
	}
	if (end - first == 1) {
		refuse_piece(sender, batch, &batch->pieces[first], file);
		return 0;
	}
	r = send_range(sender, batch, first, middle, file);
	return r ? r : send_range(sender, batch, middle, end, file);
}

int ss_export_send(struct ss_export_sender *sender, struct ss_export_batch *batch, const char *file)
{
	int r = batch->count ? send_range(sender, batch, 0, batch->count, file) : 0;

	ss_export_batch_empty(batch);
	if (!r)
		sender->trouble[0] = '\0';
	return r;
}

void ss_export_sender_deinit(struct ss_export_sender *sender)
{
	ss_export_http_free(sender->http);
	ss_export_settings_deinit(&sender->settings);
}
