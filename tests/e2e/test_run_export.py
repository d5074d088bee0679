# SPDX-License-Identifier: Apache-2.0
"""`spanshim run --export`: whatever a run writes arrives, and the run itself is as without."""

import os
import signal
import subprocess
import time

import sanitizer
from export_case import ExportCase, ids_of
from harness import BUILD, COMMAND, SHIM, Dump, main, unfit, wait_until
from local_server import refused_url
from otlp_server import Reply, otlp_server

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 2000000) SELECT count(*) FROM n;"


class RunExport(ExportCase):
    def run_command(self, url, argv, out="out-%p.jsonl", options=(), **changes):
        argv = [COMMAND, "run", "--dir", self.rings, "--out", self.path(out), "--export", url, *options, "--", *argv]
        return argv, {**sanitizer.environment(BUILD, SHIM), **self.env(**changes)}

    def run_exported(self, url, argv, status=0, errors=b"", **options):
        argv, env = self.run_command(url, argv, **options)
        result = self.execute(argv, env)
        self.assertEqual((result.status, result.stderr), (status, errors), result.visible)
        return result

    def ids(self):
        """Of all spans in all dumps."""
        return [span for name in sorted(os.listdir(self.directory)) if name.startswith("out")
                for span in ids_of(self.path(name))]

    def test_sqlite3(self):
        with otlp_server() as server:
            result = self.run_exported(server.url, ["sqlite3", ":memory:", "SELECT 1;", "SELECT 2;"])
            self.assertEqual(result.stdout, b"1\n2\n")
            self.assertEqual(len(self.ids()), 5)
            self.assert_once(server, self.ids())

    def start_and_wait(self, server, statements):
        """A shell with its input open, once the first of the statements has arrived."""
        argv, env = self.run_command(server.url, ["sqlite3", ":memory:"])
        process = self.start(argv, env, stdin=subprocess.PIPE)
        process.stdin.write(statements)
        process.stdin.flush()
        wait_until(lambda: len(server.arrivals()) >= 2, what="an action and its stream")
        return process

    def test_while_it_runs(self):
        """What has ended arrives before the program does."""
        with otlp_server() as server:
            process = self.start_and_wait(server, b"SELECT 1;\n")
            self.assertIsNone(process.poll())
            stdout, stderr = process.communicate(b".quit\n", timeout=60)
            self.assertEqual((process.returncode, stdout, stderr), (0, b"1\n", b""))
            self.assert_once(server, self.ids())

    def test_many_processes_and_metrics(self):
        """Each has files of its own, found as they come; what was there before is nobody's."""
        self.write_spans(20, name="out-1.jsonl")
        os.utime(self.path("out-1.jsonl"), (1, 1))
        script = "for i in 1 2 3 4 5 6 7 8; do sqlite3 :memory: 'SELECT '$i & done; wait"
        with otlp_server() as server:
            self.run_exported(server.url, ["sh", "-c", script],
                              options=["--metrics", self.path("metrics-%p.jsonl")])
            os.unlink(self.path("out-1.jsonl"))
            self.assertEqual(len(self.ids()), 24)
            self.assert_once(server, self.ids())
            points = [metric["name"] for resource in server.data("/v1/metrics", "resourceMetrics")
                      for scope in resource["scopeMetrics"] for metric in scope["metrics"]]
            self.assertGreaterEqual(points.count("spanshim.entry.duration"), 8)

    def test_killed(self):
        """What is recovered arrives as well, and the status is the program's."""
        with otlp_server() as server:
            self.run_exported(server.url, ["sqlite3", ":memory:", "SELECT 1;", ".system kill -9 $PPID"], status=137)
            dump = Dump(*[self.path(name) for name in os.listdir(self.directory) if name.startswith("out")])
            self.assertTrue(dump.one("session sqlite3").unfinished)
            self.assert_once(server, self.ids())

    def test_ended_by_the_terminal(self):
        """SIGINT goes to the program, and not to the exporter."""
        with otlp_server() as server:
            process = self.start_and_wait(server, b"SELECT 1;\n" + SLOW.encode() * 50 + b"\n")
            for _ in range(3):  # sqlite3 gives up at the third
                os.killpg(process.pid, signal.SIGINT)
                time.sleep(0.1)
            process.communicate(timeout=60)
            self.assertNotEqual(process.returncode, 0)
            self.assert_once(server, self.ids())

    def test_the_launcher_killed(self):
        """Its exporter ends by itself, and what stands in the files then has arrived."""
        with otlp_server() as server:
            process = self.start_and_wait(server, b"SELECT 1;\n")
            process.kill()
            process.communicate(timeout=60)
            wait_until(lambda: not exporters(self.state), what="the end of the exporter")

    def test_nothing_there(self):
        with otlp_server() as server:
            self.run_exported(server.url, ["true"])
            self.run_exported(server.url, ["sh", "-c", "exit 7"], status=7)
            self.assertEqual(server.requests, [])

    def test_not_found(self):
        with otlp_server() as server:
            argv, env = self.run_command(server.url, ["no-such-program"])
            self.assertEqual(self.execute(argv, env).status, 127)

    def test_descriptors(self):
        """The exporter holds none of the program's: a reader sees their end when the program ends."""
        read, write = os.pipe()
        os.set_inheritable(write, True)
        argv, env = self.run_command(refused_url(), ["sqlite3", ":memory:", "SELECT 1"])
        with subprocess.Popen(argv, env=env, cwd=self.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              pass_fds=[write]) as process:
            os.close(write)
            self.addCleanup(os.close, read)
            process.send_signal(0)
            wait_until(lambda: exporters(self.state), what="the exporter")
            (exporter,) = exporters(self.state)
            self.assertNotIn("pipe:", " ".join(os.readlink("/proc/%d/fd/%s" % (exporter, fd))
                                               for fd in os.listdir("/proc/%d/fd" % exporter) if int(fd) > 2))
            os.kill(exporter, signal.SIGKILL)
            self.assertEqual(process.wait(60), 0)

    @unfit("it holds signals back", "thread")
    def test_unreachable(self):
        """The status is the program's; what is left is said, and how to go on; that works."""
        url = refused_url().rstrip("/")
        argv, env = self.run_command(url, ["sqlite3", ":memory:", "SELECT 1"], out="out.jsonl")
        process = self.start(argv, env)
        # the program has ended; the user has waited enough
        self.assertEqual(process.stderr.readline().decode(), "spanshim run: waiting up to 10 s for an answer of "
                         "%s/v1/traces; Ctrl-C ends it\n" % url)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        self.assertEqual((process.returncode, stdout), (0, b"1\n"))
        first, *rest = stderr.decode().splitlines()
        self.assertIn("connect", first)
        command = "spanshim export --endpoint %s %s" % (url, self.out)
        self.assertEqual(rest, ["spanshim export: %s: 3 spans not sent, from line 1 on" % self.out,
                                "spanshim export: to go on: " + command])
        with otlp_server(port=int(url.rsplit(":", 1)[1])) as server:
            self.assertEqual(self.export(*command.split()[2:]).status, 0)
            self.assert_once(server, self.ids())

    def interactive(self, server):
        """Runs sqlite3 until the server has had a request, then to its end; what was said on stderr."""
        argv, env = self.run_command(server.url, ["sqlite3", ":memory:"], out="out.jsonl")
        process = self.start(argv, env, stdin=subprocess.PIPE)
        process.stdin.write(b"SELECT 1;\n")
        process.stdin.flush()
        wait_until(lambda: server.requests, what="a request")
        stdout, stderr = process.communicate(b"SELECT 2;\n.quit\n", timeout=60)
        self.assertEqual((process.returncode, stdout), (0, b"1\n2\n"))
        return stderr.decode()

    def test_a_server_that_is_broken_for_a_while(self):
        with otlp_server(Reply(500, b"")) as server:
            self.assertEqual(self.interactive(server), "")
            self.assert_once(server, self.ids())

    def test_a_server_that_wants_nothing(self):
        """Said once, at the end, with all that there is then."""
        with otlp_server(judge=lambda _: Reply(404, b"")) as server:
            said = self.interactive(server)
            self.assertEqual(said.splitlines()[:2], [
                "spanshim export: %s/v1/traces: status 404" % server.url,
                "spanshim export: %s: %d spans not sent, from line 1 on" % (self.out, len(self.ids()))])
            self.assertEqual((len(self.ids()), len(server.requests)), (5, 2))

    def test_as_the_environment_says(self):
        with otlp_server() as server:
            self.run_exported("env", ["sqlite3", ":memory:", "SELECT 1"], OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=server.url + "/x",
                              OTEL_EXPORTER_OTLP_HEADERS="key=1")
            self.assertEqual({(request.path, request.headers["key"]) for request in server.requests}, {("/x", "1")})
            self.assert_once(server, self.ids())

    def test_told_before_it_starts(self):
        for url, options, text in (("collector", (), b"--export collector: expected http://"), ("env", ("--out", "-"), b"--export needs files")):
            argv, env = self.run_command(url, ["touch", self.path("ran")], options=options)
            result = self.execute(argv, env)
            self.assertEqual(result.status, 2)
            self.assertIn(text, result.stderr)
            self.assertFalse(os.path.exists(self.path("ran")))

    def test_in_a_traced_shell(self):
        """Run by a run: the exporter's own libcurl is not traced."""
        with otlp_server() as server:
            argv, env = self.run_command(server.url, ["sqlite3", ":memory:", "SELECT 1"])
            outer = [COMMAND, "run", "--dir", self.rings, "--out", self.path("outer.jsonl"), "--", *argv]
            result = self.execute(outer, env)
            self.assertEqual((result.status, result.stderr), (0, b""))
            self.assert_once(server, self.ids())
        self.assertFalse(os.path.exists(self.path("outer.jsonl")))


def exporters(state):
    """Pids of the exporters whose state is there."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                command = file.read().split(b"\0")
            with open("/proc/%s/environ" % pid, "rb") as file:
                ours = b"XDG_STATE_HOME=" + state.encode() in file.read().split(b"\0")
        except OSError:
            continue
        if ours and command[:2] == [b"spanshim", b"export"]:
            found.append(int(pid))
    return found


if __name__ == "__main__":
    main()
