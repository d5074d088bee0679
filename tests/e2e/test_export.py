# SPDX-License-Identifier: Apache-2.0
"""`spanshim export` against a server that fails in every way: each span arrives, and what does not is said."""

import contextlib
import email.utils
import os
import random
import signal
import subprocess
import time
import unittest

import sample_dump
from export_case import ExportCase, elements_of, ids_of, sample_files, state_files
from harness import COMMAND, PATIENCE, PRELOAD, main, wait_until
from local_server import refused_url
from otlp_server import Reply, otlp_server, random_faults
from tree_case import Terminal

TRACES, METRICS = "/v1/traces", "/v1/metrics"


class Sending(ExportCase):
    def test_everything_as_it_stands(self):
        dump, metrics = sample_files(self)
        with otlp_server() as server:
            result = self.exported("--endpoint", server.url, dump, metrics)
            self.assertEqual(server.data(TRACES, "resourceSpans"), elements_of(dump, "resourceSpans"))
            self.assertEqual(server.data(METRICS, "resourceMetrics"), elements_of(metrics, "resourceMetrics"))
            self.assertEqual(len(server.requests), 2)
            for request in server.requests:
                self.assertEqual(request.headers["Content-Type"], "application/json")
                self.assertIsNone(request.headers["Content-Encoding"])
                self.assertIsNone(request.headers["Expect"])
                self.assertRegex(request.headers["User-Agent"], "^spanshim/")
            self.assertEqual(result.stdout.decode(), "5 spans sent to %s/v1/traces in 1 request\n"
                             "14 data points sent to %s/v1/metrics in 1 request\n" % (server.url, server.url))

    def test_batches(self):
        """As many lines in a request as fit, and a line that is longer by itself."""
        ids = self.drive(8_000)
        with open(self.path("t.jsonl"), "rb") as file:
            lines = file.readlines()
        with otlp_server() as server:
            self.exported("--endpoint", server.url, "t.jsonl")
            self.assert_once(server, ids)
            self.assertLess(len(server.requests), len(lines))
            self.assertLessEqual(max(request.size for request in server.requests), 1 << 20)
            sizes = [request.size for request in server.requests]
            self.assertGreater(min(a + b for a, b in zip(sizes, sizes[1:])), 1 << 20)
        with otlp_server() as server:
            self.exported("--endpoint", server.url, "--batch-bytes", "1", "t.jsonl")
            self.assertEqual([request.size for request in server.requests], [len(line) - 1 for line in lines])

    def test_gzip(self):
        ids = self.drive(5_000)
        with otlp_server() as server:
            self.exported("--endpoint", server.url, "--compression", "gzip", "t.jsonl")
            self.assert_once(server, ids)
            for request in server.requests:
                self.assertEqual(request.headers["Content-Encoding"], "gzip")
                self.assertLess(len(request.body), request.size / 4)

    def test_standard_input(self):
        self.write_spans(50)
        with otlp_server() as server, open(self.path("t.jsonl"), "rb") as file:
            self.exported("--endpoint", server.url, "-", input=file.read())
            self.assert_once(server, ids_of(self.path("t.jsonl")))
        self.assertEqual(state_files(self.state), [])

    def test_unreadable_lines(self):
        """Each is named; the others arrive; they are told of once."""
        good = self.write_spans(40)
        with open(self.path("t.jsonl"), "ab") as file:
            file.write(b"{]\n\n{\"a\": 1}\n" + b"x" * (5 << 20) + b"\n")
        good += self.write_spans(20, first=1000, mode="ab")
        with open(self.path("t.jsonl"), "ab") as file:
            file.write(b'{"resourceSpans":[')
        with otlp_server() as server:
            result = self.export("--endpoint", server.url, "t.jsonl")
            self.assertEqual(result.status, 1)
            self.assertEqual(result.stderr.decode().splitlines(), ["spanshim export: t.jsonl:" + text for text in (
                "3: not JSON at byte 2", "5: neither resourceSpans nor resourceMetrics",
                "6: line too long to be read", "8: the last line is cut off")])
            self.assert_once(server, good)
            again = self.export("--endpoint", server.url, "t.jsonl")
            self.assertEqual((again.status, again.stderr), (1, b"spanshim export: t.jsonl:8: the last line is cut off\n"))
            with open(self.path("t.jsonl"), "ab") as file:  # now it is written to its end
                rest = sample_dump.text([sample_dump.line([sample_dump.span(5000, 0, "late", 1, 2)])])
                file.write(rest[len(b'{"resourceSpans": ['):])
            self.exported("--endpoint", server.url, "t.jsonl")
            self.assert_once(server, good + ["%016x" % 5000])

    def test_unusable(self):
        for arguments, text in (
                (["--endpoint", "localhost:4318", "t"], "expected http:// or https:// and a host"),
                (["--endpoint", "http://", "t"], "expected http:// or https:// and a host"),
                (["--compression", "zip", "t"], "expected gzip or none"),
                (["--wait", "soon", "t"], "--wait soon: expected a number from 0"),
                (["--format", "xml", "t"], "expected otlp, chrome or perfetto"),
                (["--format", "chrome", "--follow", "t"], "do not go with --format chrome"),
                (["--output", "x", "t"], "--output goes with --format chrome"),
                ([], "no file given"), (["no/such"], "no/such: No such file"), (["/"], "/: Is a directory")):
            with self.subTest(arguments=arguments):
                result = self.export(*arguments)
                self.assertEqual(result.status, 2)
                self.assertIn(text, result.stderr.decode())

    def test_one_bad_file_does_not_cost_the_others(self):
        ids = self.write_spans(20)
        with otlp_server() as server:
            result = self.export("--endpoint", server.url, "no/such", "t.jsonl")
            self.assertEqual(result.status, 2)
            self.assert_once(server, ids)

    def test_without_libcurl(self):
        self.write_spans(1)
        os.mkdir(self.path("lib"))
        with open(self.path("lib/libcurl.so.4"), "wb"):
            pass
        result = self.export("t.jsonl", LD_LIBRARY_PATH=self.path("lib"))
        self.assertEqual(result.status, 2)
        self.assertIn("libcurl.so.4 cannot be loaded", result.stderr.decode())
        self.assertIn("1 span not sent", result.stderr.decode())

    def test_with_the_shim_in_the_environment(self):
        """Our own libcurl is not traced."""
        ids = self.write_spans(20)
        with otlp_server() as server:
            result = self.execute([COMMAND, "export", "--endpoint", server.url, "t.jsonl"],
                                  {**self.environment("curl"), "LD_PRELOAD": PRELOAD, "XDG_STATE_HOME": self.state},
                                  cwd=self.directory)
            self.assertEqual((result.status, result.stderr), (0, b""))
            self.assert_once(server, ids)
        self.assertFalse(os.path.exists(self.out))

    def test_no_proxy_for_this_machine(self):
        ids = self.write_spans(20)
        with otlp_server() as server, otlp_server() as proxy:
            self.exported("--endpoint", server.url, "t.jsonl", http_proxy=refused_url())
            self.assert_once(server, ids)
            result = self.export("--endpoint", "http://collector.invalid:4318", "t.jsonl", http_proxy=proxy.url)
            self.assertEqual(result.status, 0, result.visible)
            self.assert_once(proxy, ids)

    def test_progress(self):
        self.write_spans(20_000)
        with otlp_server() as server, Terminal(24, 80) as terminal:
            process = self.start_on(terminal, ["--endpoint", server.url, "t.jsonl"])
            process.wait(60)
            text = terminal.finish()
        self.assertEqual(process.returncode, 0)
        self.assertRegex(text, r"\d+% .*MB")
        self.assertTrue(text.endswith("\r\033[K"), repr(text[-80:]))

    def start_on(self, terminal, arguments):
        return subprocess.Popen([COMMAND, "export", *arguments], env=self.env(TERM="xterm"), cwd=self.directory,
                                stdout=subprocess.DEVNULL, stderr=terminal.slave)


class Failing(ExportCase):
    def test_every_fault(self):
        """At random, thousands of spans: all arrive, and the exporter ends well."""
        ids = self.drive(6_000)
        for seed, gzip in ((1, "none"), (2, "gzip")):
            with self.subTest(seed=seed), otlp_server(*random_faults(seed, 24)) as server:
                result = self.export("--endpoint", server.url, "--compression", gzip, "--batch-bytes", "60000",
                                     "--from-start", "t.jsonl", OTEL_EXPORTER_OTLP_TIMEOUT="500")
                self.assertEqual(result.status, 0, result.visible)
                self.assertEqual(set(server.arrivals()), set(ids))
                self.assertRegex(result.stdout.decode(), r"^6001 spans sent .* \d+ of them again\n$")
                for request in server.requests:
                    self.assertEqual(set(request.spans) - set(ids), set())

    def test_passing_failures_one_by_one(self):
        for reply, text in (
                (Reply(429, b""), "status 429"), (Reply(502, b"x", content_type="text/plain"), "status 502: x"),
                (Reply(503, b'{"code": 14, "message": "no\\u001b[31m disk"}'), "status 503: no?[31m disk"),
                (Reply(504, b""), "status 504"), (Reply(cut="request"), ""), (Reply(cut="response"), ""),
                (Reply(cut="nothing"), ""), (Reply(delay=5), "timed out")):
            with self.subTest(vars(reply)), otlp_server(reply) as server:
                ids = self.write_spans(20)
                result = self.export("--endpoint", server.url, "t.jsonl", OTEL_EXPORTER_OTLP_TIMEOUT="400")
                self.assertEqual(result.status, 0)
                self.assertEqual(set(server.arrivals()), set(ids))
                self.assertIn(text, result.stderr.decode())
                self.assertIn("; trying again for up to 30 s\n", result.stderr.decode())
                self.assertIn("20 spans sent to %s/v1/traces in 2 requests, 1 of them again" % server.url,
                              result.stdout.decode())

    def test_retry_after(self):
        """In seconds and as a date: not sooner."""
        for value, least in (("1", 1), (email.utils.formatdate(time.time() + 3, usegmt=True), 1)):
            with self.subTest(value), otlp_server(Reply(503, b"", {"Retry-After": value})) as server:
                self.write_spans(1)
                self.assertEqual(self.export("--endpoint", server.url, "t.jsonl").status, 0)
                first, second = server.requests
                self.assertGreaterEqual(second.time - first.time, least)

    def test_retry_after_longer_than_we_wait(self):
        with otlp_server(Reply(429, b"", {"Retry-After": "3600"})) as server:
            self.write_spans(3)
            result = self.export("--endpoint", server.url, "t.jsonl")
            self.assertEqual((result.status, len(server.requests)), (2, 1))
            self.assertIn("to be tried again after 3600 s", result.stderr.decode())
            self.assertIn("t.jsonl: 3 spans not sent, from line 1 on", result.stderr.decode())

    def test_refused_lines(self):
        """Of a batch that is refused, what is good arrives all the same, and once."""
        ids = self.write_spans(400)
        bad = {ids[45], ids[46], ids[250]}  # on lines 3 and 13

        def judge(request):
            if bad & set(request.spans):
                return Reply(400, b'{"code":3,"message":"bad \\u0007id"}')
            return None
        with otlp_server(judge=judge) as server:
            result = self.export("--endpoint", server.url, "t.jsonl")
            self.assertEqual(result.status, 1)
            self.assert_once(server, set(ids) - set(ids[40:60]) - set(ids[240:260]))
            self.assertEqual(result.stderr.decode(), "".join(
                "spanshim export: t.jsonl:%d: 20 spans refused: %s/v1/traces: status 400: bad ?id\n" % (
                    number, server.url) for number in (3, 13)))
            self.assertRegex(result.stdout.decode(), "^360 spans sent .* in [0-9]+ requests; 40 refused\n$")
            sent = len(server.requests)
            self.exported("--endpoint", server.url, "t.jsonl")  # they are not tried again
            self.assertEqual(len(server.requests), sent)

    def test_too_large(self):
        """413: in smaller pieces."""
        ids = self.write_spans(400)
        with otlp_server(judge=lambda request: Reply(413, b"") if request.size > 20_000 else None) as server:
            result = self.export("--endpoint", server.url, "t.jsonl")
            self.assertEqual((result.status, result.stderr), (0, b""))
            self.assert_once(server, ids)

    def test_partial_success(self):
        for body, lost, text in (
                (b'{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}', 3, "too old"),
                (b'{"partialSuccess":{"rejectedSpans":3}}', 3, "rejected 3 of the 40 spans of lines 1 to 2"),
                (b'{"partialSuccess":{"errorMessage":"use\\nv2"}}', 0, "the server warns: use"),
                (b'{"partialSuccess":{"rejectedSpans":"1e9"}}', 0, ""), (b'{"partialSuccess":7}', 0, "")):
            with self.subTest(body), otlp_server(Reply(body=body)) as server:
                self.write_spans(40)
                result = self.export("--endpoint", server.url, "t.jsonl")
                self.assertEqual(result.status, 1 if lost else 0)
                self.assertIn(text, result.stderr.decode())
                self.assertTrue(result.stdout.startswith(b"%d spans sent" % (40 - lost)), result.visible)

    def test_answers_of_another_kind(self):
        """A collector may answer in protobuf, or nothing; a web page is no collector."""
        for reply, status in (
                (Reply(body=b""), 0), (Reply(202, b"", take=True), 0), (Reply(body=b"ok", content_type="text/plain"), 0),
                (Reply(body=b"\x0a\x00", content_type="application/x-protobuf"), 0),
                (Reply(body=b"{", content_type=None), 0),
                (Reply(body=b"<html>log in</html>", content_type="text/html; charset=utf-8", take=False), 2)):
            with self.subTest(vars(reply)), otlp_server(reply) as server:
                self.write_spans(20)
                result = self.export("--endpoint", server.url, "t.jsonl")
                self.assertEqual((result.status, len(server.requests)), (status, 1), result.visible)
                self.assertEqual(b"web page" in result.stderr, status == 2)

    def test_what_nobody_should_try_again(self):
        """Who we are, or where: nothing is given up, and it can go on later."""
        for code in 301, 401, 403, 404, 405, 415, 500, 501:
            with self.subTest(code=code), otlp_server(Reply(code, b"", {"Location": "/elsewhere"})) as server:
                ids = self.write_spans(60, name="a b.jsonl")
                result = self.export("--endpoint", server.url, "--batch-bytes", "1", "a b.jsonl")
                self.assertEqual((result.status, len(server.requests)), (2, 1))
                self.assertEqual(result.stderr.decode().splitlines(), [
                    "spanshim export: %s/v1/traces: status %d" % (server.url, code),
                    "spanshim export: a b.jsonl: 60 spans not sent, from line 1 on",
                    "spanshim export: to go on: spanshim export --endpoint %s 'a b.jsonl'" % server.url])
                self.exported("--endpoint", server.url, "a b.jsonl")
                self.assert_once(server, ids)

    def test_unreachable(self):
        self.write_spans(45)
        self.write_spans(5, name="u.jsonl")
        url = refused_url().rstrip("/")
        result = self.export("--endpoint", url, "--wait", "1", "t.jsonl", "u.jsonl")
        lines = result.stderr.decode().splitlines()
        self.assertEqual(result.status, 2)
        self.assertRegex(lines[0], r"connect.*; trying again for up to 1 s$")
        self.assertRegex(result.stdout.decode(), r"^nothing sent to %s/v1/traces; \d attempts?\n$" % url)
        self.assertEqual(lines[2:], ["spanshim export: t.jsonl: 45 spans not sent, from line 1 on",
                                     "spanshim export: u.jsonl: 5 spans not sent, from line 1 on",
                                     "spanshim export: to go on: spanshim export --endpoint %s t.jsonl u.jsonl" % url])

    def test_a_name_that_is_none(self):
        self.write_spans(1)
        result = self.export("--endpoint", "http://collector.invalid:4318", "--wait", "0", "t.jsonl")
        self.assertEqual(result.status, 2)
        self.assertRegex(result.stderr.decode(), "(?i)resolv")
        self.assertNotIn("trying again", result.stderr.decode())


class Resuming(ExportCase):
    def test_only_what_is_new(self):
        ids = self.write_spans(100)
        with otlp_server() as server:
            self.exported("--endpoint", server.url, "t.jsonl")
            result = self.exported("--endpoint", server.url, "t.jsonl")
            self.assertEqual(result.stdout, b"nothing to send that was not sent before\n")
            ids += self.write_spans(60, first=500, mode="ab")
            os.rename(self.path("t.jsonl"), self.path("renamed.jsonl"))
            self.assertRegex(self.exported("--endpoint", server.url, "renamed.jsonl").stdout, b"^60 spans")
            self.assert_once(server, ids)
            self.assertRegex(self.exported("--endpoint", server.url, "--from-start", "renamed.jsonl").stdout,
                             b"^160 spans")
        with otlp_server() as other:  # it has none of them
            self.assertRegex(self.exported("--endpoint", other.url, "renamed.jsonl").stdout, b"^160 spans")

    def test_truncated_and_written_again(self):
        self.write_spans(100)
        with otlp_server() as server:
            self.exported("--endpoint", server.url, "t.jsonl")
            for count, first in ((40, 1000), (400, 2000)):  # shorter, and longer than it was
                ids = self.write_spans(count, first=first)
                result = self.export("--endpoint", server.url, "t.jsonl")
                self.assertEqual((result.status, result.stderr), (
                    0, b"spanshim export: t.jsonl: was truncated or replaced since it was sent: from its beginning\n"))
                self.assertLessEqual(set(ids), set(server.arrivals()))

    def test_replaced(self):
        self.write_spans(100)
        with otlp_server() as server:
            self.exported("--endpoint", server.url, "t.jsonl")
            ids = self.write_spans(100, first=1000, name="new.jsonl")
            os.rename(self.path("new.jsonl"), self.path("t.jsonl"))
            self.exported("--endpoint", server.url, "t.jsonl")
            self.assertLessEqual(set(ids), set(server.arrivals()))

    def test_damaged_state(self):
        ids = self.write_spans(20)
        for text in b"", b"{", b"[1]", b'{"offset":"99999999999999999999","line":"1","before":"1"}', b"\0" * 20000:
            with self.subTest(text[:40]), otlp_server(port=0) as server:
                self.export("--endpoint", server.url, "t.jsonl")
                (name,) = state_files(self.state)
                with open(os.path.join(self.state, "spanshim", "export", name), "wb") as file:
                    file.write(text)
                result = self.export("--endpoint", server.url, "t.jsonl")
                self.assertEqual(result.status, 0)
                self.assertIn(b"what was sent of it cannot be read: from its beginning", result.stderr)
                self.assertEqual(server.arrivals(), dict.fromkeys(ids, 2))
                os.unlink(os.path.join(self.state, "spanshim", "export", name))

    def test_no_home(self):
        ids = self.write_spans(20)
        env = {name: value for name, value in self.env().items() if name not in ("HOME", "XDG_STATE_HOME")}
        for more in {}, {"XDG_STATE_HOME": "relative"}, {"HOME": "/proc/no"}:
            with otlp_server() as server:
                result = self.execute([COMMAND, "export", "--endpoint", server.url, "t.jsonl"], {**env, **more},
                                      cwd=self.directory)
                self.assertEqual(result.status, 0)
                self.assertIn(b"no place for the state", result.stderr)
                self.assert_once(server, ids)
        with otlp_server() as server:
            self.exported("--endpoint", server.url, "t.jsonl", XDG_STATE_HOME="", HOME=self.path("home"))
        self.assertEqual(len(state_files(self.path("home/.local/state"))), 1)

    def test_killed_at_any_moment(self):
        """None is lost; what arrives twice was in a request whose answer the exporter did not live to read."""
        ids = self.drive(8_000)
        chance = random.Random(7)
        with otlp_server(judge=lambda _: Reply(delay=0.01)) as server:
            kills = 0
            for _ in range(200):
                process = self.start([COMMAND, "export", "--endpoint", server.url, "--batch-bytes", "40000", "t.jsonl"],
                                     self.env(), cwd=self.directory)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(chance.uniform(0.02, 0.25) * PATIENCE)
                if process.poll() is not None:
                    break
                process.kill()
                process.wait()
                kills += 1
            self.assertEqual(process.returncode, 0)
            self.assertGreater(kills, 2)
            arrivals = server.arrivals()
            self.assertEqual(set(arrivals), set(ids))
            twice = [span for span, count in arrivals.items() if count > 1]
            per_request = max(len(request.spans) for request in server.requests)
            self.assertLessEqual(sum(arrivals[span] - 1 for span in twice), kills * per_request)


class Together(ExportCase):
    """Several exporters of the same file take turns: nothing is lost, and nothing arrives twice."""

    def test_at_once(self):
        ids = self.drive(8_000)
        with otlp_server(judge=lambda _: Reply(delay=0.01)) as server:
            processes = [self.start([COMMAND, "export", "--endpoint", server.url, "--batch-bytes", "60000", "t.jsonl"],
                                    self.env(), cwd=self.directory) for _ in range(4)]
            for process in processes:
                _, stderr = process.communicate(timeout=60)
                self.assertEqual((process.returncode, stderr), (0, b""))
            self.assert_once(server, ids)

    def test_following(self):
        with otlp_server() as server:
            processes = [self.follow("--endpoint", server.url, "*.jsonl") for _ in range(3)]
            ids = []
            for number in range(30):
                ids += self.write_spans(20, first=1 + 20 * number, mode="ab")
                time.sleep(0.03)
            ids += self.write_spans(20, first=5000, name="late.jsonl")
            for process in processes:
                self.finish(process)
            self.assert_once(server, ids)

    def test_one_that_does_not_end(self):
        self.write_spans(20)
        with otlp_server(Reply(delay=20)) as server:
            first = self.start([COMMAND, "export", "--endpoint", server.url, "t.jsonl"],
                               self.env(OTEL_EXPORTER_OTLP_TIMEOUT="20000"), cwd=self.directory)
            wait_until(lambda: server.requests, what="its request")
            result = self.export("--endpoint", server.url, "--wait", "1", "t.jsonl")
            self.assertEqual(result.status, 2)
            self.assertEqual(result.stderr.decode().splitlines()[:2], [
                "spanshim export: another export of the same file is going on",
                "spanshim export: t.jsonl: 20 spans not sent, from line 1 on"])
            first.kill()


class Following(ExportCase):
    def test_files_that_grow_and_files_that_come(self):
        with otlp_server() as server:
            process = self.follow("--endpoint", server.url, "t.jsonl", "more-*.jsonl")
            ids = self.write_spans(40)
            self.wait_for(server, ids)
            ids += self.write_spans(40, first=100, mode="ab")
            ids += self.write_spans(40, first=200, name="more-1.jsonl")
            self.wait_for(server, ids)
            ids += self.write_spans(20, first=300, name="more-2.jsonl")
            stdout, stderr = self.finish(process)  # what is there is sent
            self.assert_once(server, ids)
            self.assertEqual(stderr, "")
            self.assertRegex(stdout, r"^140 spans sent")

    def test_a_program_that_writes(self):
        with otlp_server() as server:
            process = self.follow("--endpoint", server.url, "--quiet", "*.jsonl")
            ids = [span for number in range(3) for span in self.drive(3_000, name="p%d.jsonl" % number)]
            self.assertEqual(self.finish(process), ("", ""))
            self.assert_once(server, ids)

    def test_half_a_line_waits(self):
        text = sample_dump.text([sample_dump.line([sample_dump.span(5000, 0, "x", 0, 1)])])
        ids = self.write_spans(20)
        with otlp_server() as server:
            process = self.follow("--endpoint", server.url, "t.jsonl")
            with open(self.path("t.jsonl"), "ab", buffering=0) as file:
                file.write(text[:100])
                self.wait_for(server, ids)
                file.write(text[100:])
                self.wait_for(server, ["%016x" % 5000])
                file.write(text[:50])
            _, stderr = self.finish(process, status=1)
            self.assertEqual(stderr, "spanshim export: t.jsonl: the last line is cut off\n")
            self.assert_once(server, ids + ["%016x" % 5000])

    def test_truncated_and_replaced(self):
        with otlp_server() as server:
            process = self.follow("--endpoint", server.url, "t.jsonl")
            ids = self.write_spans(100)
            self.wait_for(server, ids)
            ids += self.write_spans(20, first=1000)
            self.wait_for(server, ids)
            ids += self.write_spans(200, first=2000, name="new.jsonl")
            os.rename(self.path("new.jsonl"), self.path("t.jsonl"))
            self.wait_for(server, ids)
            _, stderr = self.finish(process)
            self.assertIn("t.jsonl: was truncated\n", stderr)
            self.assertIn("t.jsonl: was replaced\n", stderr)
            self.assert_once(server, ids)

    def test_a_server_that_comes_late(self):
        """As long as it follows, it tries; nothing is lost meanwhile."""
        with otlp_server() as server:
            port = server.server_address[1]
        ids = self.write_spans(40)
        process = self.follow("--endpoint", "http://127.0.0.1:%d" % port, "--wait", "10", "t.jsonl")
        line = process.stderr.readline().decode()
        self.assertRegex(line, "; trying again$")
        with otlp_server(port=port) as server:
            self.wait_for(server, ids)
            self.finish(process)
            self.assert_once(server, ids)

    def test_no_server_at_all(self):
        """After the signal it waits so long and no longer, a second signal ends it at once."""
        self.write_spans(40)
        for wait, signals in (("1", 1), ("3000", 2)):
            process = self.follow("--endpoint", refused_url(), "--wait", wait, "t.jsonl")
            self.assertRegex(process.stderr.readline().decode(), "; trying again$")
            for _ in range(signals):
                process.send_signal(signal.SIGINT)
                time.sleep(0.2)
            _, stderr = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 2)
            self.assertIn("t.jsonl: 40 spans not sent, from line 1 on", stderr.decode())


if __name__ == "__main__":
    main()
