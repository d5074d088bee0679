# SPDX-License-Identifier: Apache-2.0
"""What OpenTelemetry's variables for the OTLP exporter make of `spanshim export`, each by the specification's rules."""

import os
import shutil
import ssl
import subprocess
import tempfile
import unittest

from export_case import ExportCase, sample_files
from harness import main
from local_server import refused_url
from otlp_server import Reply, otlp_server

PREFIX = "OTEL_EXPORTER_OTLP_"


class Settings(ExportCase):
    def setUp(self):
        super().setUp()
        self.files = sample_files(self)

    def paths(self, server, *arguments, status=0, **settings):
        """Paths of the requests that an export of spans and of metrics makes."""
        before = len(server.requests)
        result = self.export("--from-start", *arguments, *self.files,
                             **{PREFIX + name: value for name, value in settings.items()})
        self.assertEqual(result.status, status, result.visible)
        return [request.path for request in server.requests[before:]]


class Endpoint(Settings):
    def test_base(self):
        """The signals' paths are added, below the path that is there."""
        with otlp_server() as server:
            for more, prefix in (("", "/"), ("/", "/"), ("/my/collector", "/my/collector/"), ("/x/", "/x/")):
                self.assertEqual(self.paths(server, ENDPOINT=server.url + more),
                                 [prefix + "v1/traces", prefix + "v1/metrics"])

    def test_of_one_signal(self):
        """As it is, without anything added."""
        with otlp_server() as server:
            url = server.url
            self.assertEqual(self.paths(server, ENDPOINT=url, TRACES_ENDPOINT=url + "/t?a=b"), ["/t?a=b", "/v1/metrics"])
            self.assertEqual(self.paths(server, ENDPOINT=url, METRICS_ENDPOINT=url), ["/v1/traces", "/"])
            self.assertEqual(self.paths(server, ENDPOINT=refused_url(), TRACES_ENDPOINT=url + "/t/",
                                        METRICS_ENDPOINT=url + "/m"), ["/t/", "/m"])
            self.assertEqual(self.paths(server, ENDPOINT=url, TRACES_ENDPOINT=""), ["/v1/traces", "/v1/metrics"])

    def test_option_goes_first(self):
        with otlp_server() as server:
            self.assertEqual(self.paths(server, "--endpoint", server.url, ENDPOINT=refused_url(),
                                        TRACES_ENDPOINT=refused_url()), ["/v1/traces", "/v1/metrics"])

    def test_secrets_in_it(self):
        """A password or key is used, and not shown."""
        with otlp_server(Reply(503, b"")) as server:
            result = self.export(*self.files, OTEL_EXPORTER_OTLP_ENDPOINT=server.url.replace("//", "//me:secret@"),
                                 OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=server.url + "/m?key=secret")
            self.assertEqual([request.path for request in server.requests], ["/v1/traces", "/v1/traces", "/m?key=secret"])
            self.assertEqual(server.requests[0].headers["Authorization"], "Basic bWU6c2VjcmV0")
            self.assertIn(b"status 503", result.stderr)
            self.assertIn(b"sent to %s/m in" % server.url.encode(), result.stdout)
            self.assertNotIn(b"secret", result.stderr + result.stdout)

    def test_unusable(self):
        result = self.export(*self.files, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="collector:4318")
        self.assertEqual(result.status, 2)
        self.assertIn(b"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT collector:4318: expected http://", result.stderr)


class Variables(Settings):
    def requests(self, replies=(), **settings):
        """Requests of an export, and what it said."""
        with otlp_server(*replies) as server:
            result = self.export("--from-start", "--endpoint", server.url, "--wait", "0", *self.files,
                                 **{PREFIX + name: value for name, value in settings.items()})
            return server.requests, result

    def test_headers(self):
        """Percent-decoded, spaces around left out; those of a signal are in the place of the others."""
        (traces, metrics), _ = self.requests(
            HEADERS=" api-key = a%20b%2Cc=%25 ,x-empty=,,X-Plus=1+1", METRICS_HEADERS="x-metrics=zw%C3%B6lf")
        self.assertEqual([traces.headers[name] for name in ("api-key", "x-empty", "x-plus", "x-metrics")],
                         ["a b,c=%", "", "1+1", None])
        self.assertEqual([metrics.headers[name] for name in ("api-key", "x-metrics")], [None, "zw\xc3\xb6lf"])
        (traces, metrics), _ = self.requests(HEADERS="a=1", TRACES_HEADERS="content-type=text/plain,b=2")
        self.assertEqual(traces.headers.get_all("Content-Type"), ["application/json"])
        self.assertEqual((traces.headers["a"], traces.headers["b"], metrics.headers["a"]), (None, "2", "1"))

    def test_headers_that_are_none(self):
        """Nothing is sent, and no secret is printed."""
        for value in "novalue", "a=secret%0d%0aX: y", "na me=secret", "=secret", "a=1,b:=secret":
            requests, result = self.requests(TRACES_HEADERS=value)
            self.assertEqual((requests, result.status), ([], 2))
            self.assertIn(b"OTEL_EXPORTER_OTLP_TRACES_HEADERS: expected", result.stderr)
            self.assertNotIn(b"secret", result.stderr)

    def test_timeout(self):
        for settings, sent in (({"TIMEOUT": "300"}, 0), ({"TRACES_TIMEOUT": "300"}, 0),
                               ({"TIMEOUT": "300", "TRACES_TIMEOUT": "20000"}, 5), ({"METRICS_TIMEOUT": "300"}, 5)):
            with self.subTest(settings):
                _, result = self.requests([Reply(delay=1.5)], **settings)
                self.assertEqual(result.status, 0 if sent else 2)
                self.assertTrue(result.stdout.startswith(b"5 spans sent" if sent else b"nothing sent"), result.visible)
                self.assertEqual(b"timed out after " in result.stderr, not sent)

    def test_compression(self):
        for settings, kinds in (({"COMPRESSION": "gzip"}, ["gzip", "gzip"]), ({"TRACES_COMPRESSION": "gzip"}, ["gzip", None]),
                                ({"COMPRESSION": "gzip", "METRICS_COMPRESSION": "none"}, ["gzip", None])):
            requests, result = self.requests(**settings)
            self.assertEqual(result.stderr, b"")
            self.assertEqual([request.headers["Content-Encoding"] for request in requests], kinds)
        with otlp_server() as server:
            self.export("--compression", "none", *self.files, OTEL_EXPORTER_OTLP_ENDPOINT=server.url,
                        OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
            self.assertEqual([request.headers["Content-Encoding"] for request in server.requests], [None, None])

    def test_unreadable_values(self):
        """Named once, and the default is in force."""
        requests, result = self.requests(COMPRESSION="zstd", TIMEOUT="10s", METRICS_TIMEOUT="0", PROTOCOL="udp")
        self.assertEqual((len(requests), result.status), (2, 0))
        self.assertEqual(sorted(result.stderr.decode().splitlines()), [
            "spanshim export: OTEL_EXPORTER_OTLP_%s; the default is in force" % text for text in (
                "COMPRESSION: expected gzip or none", "METRICS_TIMEOUT: expected milliseconds",
                "PROTOCOL: expected http/json", "TIMEOUT: expected milliseconds")])

    def test_protocol(self):
        for name in "PROTOCOL", "TRACES_PROTOCOL", "METRICS_PROTOCOL":
            requests, result = self.requests(**{name: "grpc"})
            self.assertEqual((requests, result.status), ([], 2))
            self.assertIn(b"%s=grpc is not spoken here" % (PREFIX + name).encode(), result.stderr)
        requests, result = self.requests(PROTOCOL="grpc", TRACES_PROTOCOL="http/json", METRICS_PROTOCOL="http/json")
        self.assertEqual((len(requests), result.status, result.stderr), (2, 0, b""))
        requests, result = self.requests(PROTOCOL="http/protobuf")
        self.assertEqual((len(requests), result.stderr), (
            2, b"spanshim export: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf: http/json is sent instead\n"))


@unittest.skipUnless(shutil.which("openssl"), "no openssl: scripts/setup --tests installs it")
class Certificates(Settings):
    @classmethod
    def setUpClass(cls):
        cls.holder = cls.enterClassContext(tempfile.TemporaryDirectory())
        for name, *more in (("server", "-addext", "subjectAltName=IP:127.0.0.1"), ("client",), ("other",)):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-days", "2", "-subj", "/CN=" + name, *more, "-keyout", cls.file(name + ".key"),
                            "-out", cls.file(name + ".pem")], check=True, stderr=subprocess.DEVNULL)

    @classmethod
    def file(cls, name):
        return os.path.join(cls.holder, name)

    def context(self, client=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file("server.pem"), self.file("server.key"))
        if client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file(client))
        return context

    def send(self, server, **settings):
        result = self.export("--from-start", "--endpoint", server.url, "--wait", "0", *self.files,
                             **{PREFIX + name: value for name, value in settings.items()})
        return result.status, result.stderr.decode()

    def test_trust(self):
        with otlp_server(context=self.context()) as server:
            for settings in {"CERTIFICATE": "server.pem"}, {"TRACES_CERTIFICATE": "server.pem",
                                                            "METRICS_CERTIFICATE": "server.pem"}:
                self.assertEqual(self.send(server, **{name: self.file(file) for name, file in settings.items()}), (0, ""))
            self.assertEqual(len(server.requests), 4)
            for settings in {}, {"CERTIFICATE": self.file("other.pem")}, {
                    "CERTIFICATE": self.file("server.pem"), "TRACES_CERTIFICATE": self.file("other.pem")}:
                status, said = self.send(server, **settings)
                self.assertEqual(status, 2)
                self.assertRegex(said, "(?i)certificate")
            self.assertEqual(self.send(server, CERTIFICATE=self.file("no/such"))[0], 2)
            self.assertEqual(len(server.requests), 4)

    def test_our_own(self):
        with otlp_server(context=self.context("client.pem")) as server:
            trust = {"CERTIFICATE": self.file("server.pem")}
            own = {"CLIENT_CERTIFICATE": self.file("client.pem"), "CLIENT_KEY": self.file("client.key")}
            other = {"CLIENT_CERTIFICATE": self.file("other.pem"), "CLIENT_KEY": self.file("other.key")}
            self.assertEqual(self.send(server, **trust, **own), (0, ""))
            self.assertEqual(self.send(server, **trust, **other, **{
                kind + name: value for kind in ("TRACES_", "METRICS_") for name, value in own.items()}), (0, ""))
            self.assertEqual(len(server.requests), 4)
            self.assertEqual(self.send(server, **trust)[0], 2)
            self.assertEqual(self.send(server, **trust, **other)[0], 2)
            self.assertEqual(len(server.requests), 4)


if __name__ == "__main__":
    main()
