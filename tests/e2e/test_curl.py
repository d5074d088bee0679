# SPDX-License-Identifier: Apache-2.0
"""Debian's curl command, unmodified, against a local server: transfers, chunks and errors."""

import re

from harness import ERROR, OK, Case, main
from local_server import chunk_body, http_server, refused_url

SESSION, ACTION, STREAM = "session curl", "action curl", "stream curl"
CODE = "curl.code"


def without_numbers(text):
    """curl's messages tell elapsed milliseconds."""
    return re.sub(rb"\d+ ms", b"N ms", text)


class Curl(Case):
    def trace_curl(self, *arguments, **options):
        return self.trace(["curl", "-sS", *arguments], bindings="curl", **options)

    def assert_transfers(self, dump, count):
        """`count` actions, each the only one in a session of its own; every session closed."""
        actions = dump.named(ACTION)
        self.assertEqual(len(actions), count)
        self.assertEqual(len({action.parent_id for action in actions}), count)
        for action in actions:
            self.assertEqual(dump.by_id[action.parent_id].name, SESSION)
        for session in dump.named(SESSION):
            self.assertEqual((session.status, session.parent_id), (OK, ""))
        return actions

    def test_chunks(self):
        with http_server() as server:
            url = server.url + "/chunks?n=5&bytes=100"
            result = self.trace_curl(url)
            self.assert_same_as_untraced(["curl", "-sS", url], result)
        self.assertEqual(result.stdout, b"".join(chunk_body(n, 100) for n in range(5)))
        action, = self.assert_transfers(result.dump, 1)
        self.assertEqual((action.status, action.message), (OK, ""))
        stream = result.dump.one(STREAM)
        self.assertEqual((stream.parent_id, stream.status), (action.span_id, OK))
        self.assertEqual(len(stream.events), 5)
        self.assert_children_within(result.dump, {ACTION, STREAM})
        self.assert_checks()

    def test_empty_body_is_no_stream(self):
        with http_server() as server:
            result = self.trace_curl("-I", server.url + "/none", "-o", "/dev/null")
        self.assert_transfers(result.dump, 1)

    def test_many_chunks_over_the_event_limit(self):
        with http_server() as server:
            result = self.trace_curl(server.url + "/chunks?n=300&bytes=10")
        stream = result.dump.one(STREAM)
        self.assertEqual(len(stream.events), 128)
        self.assertEqual(stream.dropped_events, 300 - 128)

    def test_two_urls(self):
        with http_server() as server:
            urls = [server.url + "/chunks?n=2", server.url + "/chunks?n=3"]
            result = self.trace_curl(*urls)
            self.assert_same_as_untraced(["curl", "-sS", *urls], result)
        actions = self.assert_transfers(result.dump, 2)
        chunks = [[len(stream.events) for stream in result.dump.children(action, STREAM)]
                  for action in sorted(actions, key=lambda a: a.start)]
        self.assertEqual(chunks, [[2], [3]])
        self.assertEqual(len(result.dump.traces()), 1, "the launcher's run is one trace")

    def test_refused_connection(self):
        url = refused_url()
        result = self.trace_curl(url)
        untraced = self.execute(["curl", "-sS", url])
        self.assertEqual(result.status, 7)
        self.assertEqual(untraced.status, 7)
        self.assertEqual(without_numbers(result.stderr), without_numbers(untraced.stderr))
        self.assertEqual(result.stdout, b"")
        action, = self.assert_transfers(result.dump, 1)
        self.assertEqual(action.status, ERROR)
        self.assertEqual(action.attributes[CODE], 7)
        self.assertEqual(action.attributes["error.type"], "CURLE_COULDNT_CONNECT")
        self.assertEqual(action.message, "Couldn't connect to server")
        self.assertEqual(result.dump.count(STREAM), 0)

    def test_http_error(self):
        with http_server() as server:
            result = self.trace_curl("-f", server.url + "/status/500")
        self.assertEqual(result.status, 22)
        action, = self.assert_transfers(result.dump, 1)
        self.assertEqual((action.status, action.attributes[CODE]), (ERROR, 22))
        self.assertEqual(action.attributes["http.response.status_code"], 500)
        self.assertEqual(action.attributes["error.type"], "CURLE_HTTP_RETURNED_ERROR")

    def test_http_error_without_fail_is_curl_success(self):
        with http_server() as server:
            result = self.trace_curl(server.url + "/status/500")
        self.assertEqual((result.status, result.stdout), (0, b"status\n"))
        action, = self.assert_transfers(result.dump, 1)
        self.assertEqual(action.status, OK)

    def test_timeout(self):
        with http_server() as server:
            result = self.trace_curl("-m", "0.3", server.url + "/slow?ms=1500")
        self.assertEqual(result.status, 28)
        action, = self.assert_transfers(result.dump, 1)
        self.assertEqual((action.status, action.attributes[CODE]), (ERROR, 28))
        self.assertEqual(action.attributes["error.type"], "CURLE_OPERATION_TIMEDOUT")
        self.assertGreaterEqual(action.end - action.start, 250_000_000)

    def test_content_only_with_the_gate(self):
        with http_server() as server:
            url = server.url + "/chunks?n=3&bytes=50"
            closed = self.trace_curl(url)
            with open(self.out, encoding="utf-8") as file:
                self.assertNotIn("chunk 1", file.read())
            self.out = self.path("content.jsonl")
            opened = self.trace_curl(url, content=True)
        bodies = [chunk_body(n, 50).decode() for n in range(3)]
        for result, texts, urls in ((closed, [None] * 3, None), (opened, bodies, url)):
            events = result.dump.one(STREAM).events
            self.assertEqual([event.name for event in events], ["chunk"] * 3)
            self.assertEqual([event.attributes.get("chunk.content") for event in events], texts)
            self.assertEqual([event.attributes["chunk.content_length"] for event in events], [50] * 3)
            self.assertEqual([event.attributes["chunk.size"] for event in events], [50] * 3)
            attributes = result.dump.one(ACTION).attributes
            self.assertEqual(attributes.get("url.full"), urls)
            self.assertEqual(attributes["url.full_length"], len(url))
            self.assertEqual(attributes["http.response.status_code"], 200)


if __name__ == "__main__":
    main()
