# SPDX-License-Identifier: Apache-2.0
"""Servers under load, with and without: nginx, which forks workers that change their user, and PostgreSQL.

Clients are never traced here; what they got, and what the servers logged, is compared.
"""

import glob
import http.client
import os
import re
import shutil
import signal
import socket
import threading
import time
import unittest

import packages
from transparency import PRELOAD, Transparency, clean_environment, main

NGINX = """
%(user)s
worker_processes 2; daemon off; pid %(dir)s/pid; error_log %(dir)s/error.log warn;
events { worker_connections 256; }
http {
  client_body_temp_path %(dir)s/t1; proxy_temp_path %(dir)s/t2; fastcgi_temp_path %(dir)s/t3;
  uwsgi_temp_path %(dir)s/t4; scgi_temp_path %(dir)s/t5;
  log_format plain '$request $status $body_bytes_sent'; access_log %(dir)s/access.log plain;
  gzip on; gzip_min_length 1; gzip_types *; sendfile on;
  server { listen 127.0.0.1:%(port)d; root %(dir)s/www;
    location /again/ { proxy_pass http://127.0.0.1:%(port)d/; }
    location = /fixed { return 200 "fixed\\n"; } } }
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Servers(Transparency):
    def wait_for(self, port, process):
        for _ in range(300):
            if process.poll() is not None:
                self.fail("the server ended: %r" % (process.communicate(),))
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.fail("the server does not answer")

    def load(self, port, clients=8, requests=60):
        """What clients got, in an order that does not depend on time."""
        got = []

        def client(number):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            mine = []
            for n in range(requests):
                path = ["/small", "/large", "/fixed", "/again/small", "/nothing"][(n + number) % 5]
                connection.request("GET", path, headers={"Accept-Encoding": "gzip"} if n % 2 else {})
                answer = connection.getresponse()
                mine.append((path, answer.status, answer.getheader("Content-Encoding"), answer.read()))
            connection.close()
            got.append((number, mine))
        threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(got)

    def open_environment(self):
        """Spans go where any user may write them."""
        os.mkdir(self.path("spans"))
        os.chmod(self.path("spans"), 0o777)
        return self.traced_environment(SPANSHIM_OUT=self.path("spans") + "/%p.jsonl", SPANSHIM_LOG=self.path("spans") + "/log")

    def assert_spans(self, least):
        spans = 0
        for name in os.listdir(self.path("spans")):
            with open(os.path.join(self.path("spans"), name), "rb") as file:
                content = file.read()
            spans += content.count(b'"spanId":')
            if name == "log":  # a full ring is no offence here
                self.assertEqual([line for line in content.splitlines() if b"events lost" not in line], [])
        print("%d spans of %d processes" % (spans, len(os.listdir(self.path("spans")))))
        self.assertGreater(spans, least)

    def test_nginx(self):
        root = packages.unpack("nginx", "nginx")
        if not root:
            self.skipTest("the package nginx cannot be had")
        port, outcomes = free_port(), []
        os.chmod(self.directory, 0o755)
        for traced in False, True:
            shutil.rmtree(self.cwd)
            os.makedirs(os.path.join(self.cwd, "www"))
            os.chmod(self.cwd, 0o777)
            for name, size in (("small", 100), ("large", 300000)):
                with open(os.path.join(self.cwd, "www", name), "w", encoding="utf-8") as file:
                    file.write("0123456789" * (size // 10))
            config = os.path.join(self.cwd, "conf")
            with open(config, "w", encoding="utf-8") as file:
                file.write(NGINX % {"dir": self.cwd, "port": port, "user": "user nobody nogroup;" if os.geteuid() == 0 else ""})
            env = self.open_environment() if traced else clean_environment()
            process = self.start([root + "/usr/sbin/nginx", "-p", self.cwd, "-c", config], env)
            self.wait_for(port, process)
            got = self.load(port)
            process.send_signal(signal.SIGHUP)  # new workers, old ones end
            time.sleep(0.3)
            got += self.load(port, clients=3)
            process.send_signal(signal.SIGQUIT)
            out, err = process.communicate(timeout=60)
            with open(os.path.join(self.cwd, "access.log"), encoding="utf-8") as file:
                access = sorted(file.readlines())
            with open(os.path.join(self.cwd, "error.log"), encoding="utf-8") as file:
                errors = sorted(re.sub(r"^.*?: (\*\d+ )?|client.*", "", line) for line in file)
            outcomes.append((process.returncode, out, err, got, access, errors))
        self.assertEqual(outcomes[1], outcomes[0])
        self.assertEqual(outcomes[0][0], 0)
        self.assertEqual(len(outcomes[0][4]), 660 + 660 // 5)
        # master and workers
        self.assertGreaterEqual(len(os.listdir(self.path("spans"))), 5)
        self.assert_spans(1000)

    def test_postgresql(self):
        where = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not where or not os.path.exists(where[-1] + "/initdb"):
            self.skipTest("not installed: postgresql")
        if os.geteuid() == 0 and not shutil.which("setpriv"):
            self.skipTest("root, and no setpriv")
        bin_directory, port, outcomes = where[-1], free_port(), []
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        script = self.write("script.sql", SQL)
        os.chmod(self.directory, 0o755)
        for traced in False, True:
            shutil.rmtree(self.cwd)
            os.mkdir(self.cwd)
            os.chmod(self.cwd, 0o777)
            env = clean_environment()
            if traced:
                env = self.open_environment()
                os.chown(self.rings, 65534 if drop else os.geteuid(), -1)
                # not setpriv, which is root's
                del env["LD_PRELOAD"]
                drop = [*drop, "/usr/bin/env", "LD_PRELOAD=" + PRELOAD]
            data = os.path.join(self.cwd, "data")
            made = self.execute([*drop, bin_directory + "/initdb", "-D", data, "-U", "u", "-A", "trust", "--no-sync",
                                 "--locale=C", "-E", "UTF8"], env)
            self.assertEqual(made.status, 0, made.visible)
            server = self.start([*drop, bin_directory + "/postgres", "-D", data, "-p", str(port), "-k", self.cwd,
                                 "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"], env)
            self.wait_for(port, server)
            at = ["-h", "127.0.0.1", "-p", str(port), "-U", "u"]
            results = []
            for _ in range(100):
                ready = self.execute([bin_directory + "/pg_isready", *at])
                if ready.status == 0:
                    break
                time.sleep(0.1)
            for step in [[bin_directory + "/createdb", *at, "d"], [bin_directory + "/psql", *at, "-X", "-d", "d", "-f", script],
                         [bin_directory + "/pgbench", *at, "-i", "-q", "-s", "1", "d"],
                         [bin_directory + "/pgbench", *at, "-c", "4", "-j", "2", "-t", "50", "--random-seed=1", "d"],
                         [bin_directory + "/psql", *at, "-X", "-d", "d", "-c", "SELECT count(*), sum(delta) FROM pgbench_history"],
                         [bin_directory + "/pg_dump", *at, "-s", "d"]]:
                done = self.execute(step)
                self.assertEqual(done.status, 0, done.visible)
                if "pgbench" not in step[0]:
                    # a token of pg_dump's that is another one each time
                    results.append((re.sub(rb"(?m)^.(un)?restrict .*$", b"", done.stdout), done.stderr))
            server.send_signal(signal.SIGINT)
            out, err = server.communicate(timeout=60)
            told = [re.sub(r"^.*?UTC \[\d+\] ", "", line) for line in err.decode().splitlines()]
            outcomes.append((server.returncode, out, results, [t for t in told if "ERROR" in t or "PANIC" in t]))
        self.assertEqual(outcomes[1], outcomes[0])
        self.assertEqual(outcomes[0][0], 0)
        self.assert_spans(1000)


SQL = """
CREATE TABLE t(a int PRIMARY KEY, b text, c double precision);
INSERT INTO t SELECT n, repeat('x', n % 50), sqrt(n) FROM generate_series(1, 5000) n;
SELECT count(*), sum(length(b)), round(sum(c)::numeric, 6) FROM t;
EXPLAIN (COSTS OFF) SELECT * FROM t WHERE a = 7;
BEGIN; DELETE FROM t WHERE a % 3 = 0; SELECT count(*) FROM t; ROLLBACK;
SELECT 1 / 0;
CREATE FUNCTION f(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF n < 2 THEN RETURN n; END IF; RETURN f(n - 1) + f(n - 2); END $$;
SELECT f(15);
DO $$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN RAISE NOTICE 'caught'; END $$;
COPY (SELECT a, b FROM t WHERE a < 5) TO STDOUT;
CREATE INDEX ON t(b); VACUUM ANALYZE t; SELECT b, count(*) FROM t GROUP BY b ORDER BY 2 DESC, 1 LIMIT 3;
SELECT md5(string_agg(a::text, ',' ORDER BY a)) FROM t; SELECT to_json(t) FROM t WHERE a = 4;
SET statement_timeout = 100; SELECT pg_sleep(5);
"""

if __name__ == "__main__":
    main()
