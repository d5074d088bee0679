/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_http.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define LIBRARY "libcurl.so.4"

/* Typed by curl's own header: a function that changed would not compile. */
static struct {
	typeof(&curl_global_init) global_init;
	typeof(&curl_easy_init) easy_init;
	typeof(&curl_easy_reset) easy_reset;
	typeof(&curl_easy_setopt) easy_setopt;
	typeof(&curl_easy_perform) easy_perform;
	typeof(&curl_easy_getinfo) easy_getinfo;
	typeof(&curl_easy_cleanup) easy_cleanup;
	typeof(&curl_easy_strerror) easy_strerror;
	typeof(&curl_slist_append) slist_append;
	typeof(&curl_slist_free_all) slist_free_all;
} lib;

struct ss_export_http {
	CURL *curl;
	const struct ss_export_settings *settings;
	struct curl_slist *headers[SS_EXPORT_SIGNALS];
	bool (*stop)(void *data);
	void *data;
	char error[CURL_ERROR_SIZE];
	size_t bytes;
	char body[SS_EXPORT_HTTP_BODY_MAX];
};

static int load(const char **ret_error)
{
	static const struct {
		const char *name;
		void *slot;
	} symbols[] = {
		{ "curl_global_init", &lib.global_init },
		{ "curl_easy_init", &lib.easy_init },
		{ "curl_easy_reset", &lib.easy_reset },
		{ "curl_easy_setopt", &lib.easy_setopt },
		{ "curl_easy_perform", &lib.easy_perform },
		{ "curl_easy_getinfo", &lib.easy_getinfo },
		{ "curl_easy_cleanup", &lib.easy_cleanup },
		{ "curl_easy_strerror", &lib.easy_strerror },
		{ "curl_slist_append", &lib.slist_append },
		{ "curl_slist_free_all", &lib.slist_free_all },
	};
	void *handle, *symbol;
	unsigned i;

	if (lib.slist_free_all)
		return 0;
	*ret_error = LIBRARY " cannot be loaded; Debian has it in the package libcurl4";
	handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	for (i = 0; handle && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		symbol = dlsym(handle, symbols[i].name);
		if (!symbol)
			return -ENOSYS;
		memcpy(symbols[i].slot, &symbol, sizeof(symbol));
	}
	if (!handle || lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOENT;
	return 0;
}

static size_t on_body(char *text, size_t size, size_t count, void *data)
{
	struct ss_export_http *http = data;
	size_t room = sizeof(http->body) - http->bytes, bytes = size * count;

	memcpy(http->body + http->bytes, text, bytes < room ? bytes : room);
	http->bytes += bytes < room ? bytes : room;
	return bytes;
}

static int on_progress(void *data, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
		       curl_off_t up)
{
	const struct ss_export_http *http = data;

	return http->stop(http->data);
}

static bool add(struct curl_slist **list, const char *header)
{
	struct curl_slist *longer = lib.slist_append(*list, header);

	if (longer)
		*list = longer;
	return longer != NULL;
}

/* Of users' headers, those that say what is in the body are not theirs to say. */
static bool make_headers(const struct ss_export_target *target, struct curl_slist **list)
{
	unsigned i;
	bool ok = true;

	for (i = 0; i < target->header_count; i++) {
		const char *header = target->headers[i];

		if (strncasecmp(header, "Content-Type:", 13) != 0 &&
		    strncasecmp(header, "Content-Encoding:", 17) != 0 &&
		    strncasecmp(header, "Content-Length:", 15) != 0)
			ok = ok && add(list, header);
	}
	/* Without "Expect:" curl asks first, and waits, before it sends what is large. */
	ok = ok && add(list, "Content-Type: application/json") && add(list, "Expect:");
	return ok && (!target->gzip || add(list, "Content-Encoding: gzip"));
}

/* Both signals share what curl keeps of a connection. */
static void set_options(struct ss_export_http *http, enum ss_export_signal signal)
{
	const struct ss_export_target *target = &http->settings->targets[signal];
	CURL *curl = http->curl;

	lib.easy_reset(curl);
	lib.easy_setopt(curl, CURLOPT_URL, target->url);
	lib.easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers[signal]);
	lib.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	lib.easy_setopt(curl, CURLOPT_POST, 1L);
	lib.easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)target->timeout_ms);
	lib.easy_setopt(curl, CURLOPT_USERAGENT, "spanshim/" SS_VERSION);
	lib.easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error);
	lib.easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	lib.easy_setopt(curl, CURLOPT_WRITEDATA, http);
	lib.easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	lib.easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	lib.easy_setopt(curl, CURLOPT_XFERINFODATA, http);
	if (ss_export_settings_is_loopback(target->url))
		lib.easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (target->ca)
		lib.easy_setopt(curl, CURLOPT_CAINFO, target->ca);
	if (target->certificate)
		lib.easy_setopt(curl, CURLOPT_SSLCERT, target->certificate);
	if (target->key)
		lib.easy_setopt(curl, CURLOPT_SSLKEY, target->key);
}

int ss_export_http_new(const struct ss_export_settings *settings, bool (*stop)(void *data),
		       void *data, struct ss_export_http **ret_http, const char **ret_error)
{
	struct ss_export_http *http;
	int r = load(ret_error);
	unsigned signal;
	bool ok;

	if (r)
		return r;
	*ret_error = strerror(ENOMEM);
	http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	http->stop = stop;
	http->data = data;
	http->settings = settings;
	http->curl = lib.easy_init();
	ok = http->curl != NULL;
	for (signal = 0; signal < SS_EXPORT_SIGNALS; signal++)
		ok = ok && make_headers(&settings->targets[signal], &http->headers[signal]);
	if (!ok) {
		ss_export_http_free(http);
		return -ENOMEM;
	}
	*ret_http = http;
	return 0;
}

void ss_export_http_free(struct ss_export_http *http)
{
	unsigned signal;

	if (!http)
		return;
	for (signal = 0; signal < SS_EXPORT_SIGNALS; signal++)
		lib.slist_free_all(http->headers[signal]);
	if (http->curl)
		lib.easy_cleanup(http->curl);
	free(http);
}

/* What has to do with the way to the server may pass; what has to do with us will not. */
static bool may_pass(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_ABORTED_BY_CALLBACK:
		return true;
	default:
		return false;
	}
}

void ss_export_http_post(struct ss_export_http *http, enum ss_export_signal signal,
			 const char *body, size_t bytes, struct ss_export_answer *ret_answer)
{
	struct ss_export_answer answer = { 0 };
	curl_off_t retry_after = 0;
	char *type = NULL;
	CURLcode code;

	http->bytes = 0;
	http->error[0] = '\0';
	set_options(http, signal);
	lib.easy_setopt(http->curl, CURLOPT_POSTFIELDS, body);
	lib.easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
	code = lib.easy_perform(http->curl);
	if (code == CURLE_OK) {
		lib.easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer.status);
		lib.easy_getinfo(http->curl, CURLINFO_CONTENT_TYPE, &type);
		lib.easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &retry_after);
	}
	if (!answer.status) {
		answer.error = *http->error ? http->error : lib.easy_strerror(code);
		if (code == CURLE_ABORTED_BY_CALLBACK)
			answer.error = "no answer, and no time to wait for it";
		answer.again = may_pass(code);
	}
	answer.content_type = type;
	answer.body = http->body;
	answer.bytes = http->bytes;
	answer.retry_after_s = retry_after > 0 ? (uint64_t)retry_after : 0;
	*ret_answer = answer;
}
