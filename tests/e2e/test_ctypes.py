# SPDX-License-Identifier: Apache-2.0
"""Entry points found with dlsym: ctypes calling libsqlite3 and libcurl."""

import sys

from harness import ERROR, OK, Case, main
from local_server import chunk_body, http_server, refused_url

TEXT = "db.query.text"

SQLITE = """\
import ctypes, sys
lib = ctypes.CDLL("libsqlite3.so.0")
db, statement = ctypes.c_void_p(), ctypes.c_void_p()
assert lib.sqlite3_open(sys.argv[1].encode(), ctypes.byref(db)) == 0
def run(text):
    code = lib.sqlite3_prepare_v2(db, text, -1, ctypes.byref(statement), None)
    if code:
        return code, 0
    rows = 0
    code = lib.sqlite3_step(statement)
    while code == 100:
        rows += 1
        code = lib.sqlite3_step(statement)
    lib.sqlite3_finalize(statement)
    return code, rows
print(run(b"CREATE TABLE t(a UNIQUE)"))
print(run(b"INSERT INTO t VALUES(1), (2), (3)"))
print(run(b"SELECT a FROM t"))
print(run(b"INSERT INTO t VALUES(1)"))
print(run(b"-- nothing"))
print(lib.sqlite3_exec(db, b"INSERT INTO t VALUES(4); INSERT INTO t VALUES(5)", None, None, None))
print(lib.sqlite3_exec(db, b"INSERT INTO t VALUES(4)", None, None, None))
lib.sqlite3_close(db)
"""

CURL = """\
import ctypes, sys
lib = ctypes.CDLL("libcurl.so.4")
lib.curl_easy_init.restype = ctypes.c_void_p
handle = ctypes.c_void_p(lib.curl_easy_init())
URL, WRITEFUNCTION = 10002, 20011
got = []
@ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
def write(data, size, count, user):
    got.append(ctypes.string_at(data, size * count))
    return size * count
lib.curl_easy_setopt(handle, WRITEFUNCTION, write)
for url in sys.argv[1:]:
    lib.curl_easy_setopt(handle, URL, ctypes.c_char_p(url.encode()))
    print(lib.curl_easy_perform(handle), len(got), sum(map(len, got)))
lib.curl_easy_cleanup(handle)
"""


class Ctypes(Case):
    def trace_program(self, source, *arguments, **options):
        program = self.write("program.py", source)
        argv = [sys.executable, "-I", "-B", program, *arguments]
        return self.trace(argv, **options)

    def test_sqlite(self):
        result = self.trace_program(SQLITE, ":memory:", bindings="sqlite3", content=True)
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual(result.stdout.decode().split("\n"), [
            "(101, 0)", "(101, 0)", "(101, 3)", "(19, 0)", "(21, 0)", "0", "19", ""])
        dump = result.dump
        session = dump.one("session sqlite3")
        actions = dump.children(session)
        self.assertEqual([(a.attributes[TEXT], a.status) for a in actions], [
            ("CREATE TABLE t(a UNIQUE)", OK),
            ("INSERT INTO t VALUES(1), (2), (3)", OK),
            ("SELECT a FROM t", OK),
            ("INSERT INTO t VALUES(1)", ERROR),
            ("INSERT INTO t VALUES(4); INSERT INTO t VALUES(5)", OK),
            ("INSERT INTO t VALUES(4)", ERROR),
        ])
        stream = dump.one("stream sqlite3")
        self.assertEqual((stream.parent_id, len(stream.events)), (actions[2].span_id, 3))
        self.assertEqual(dump.names(),
                         {"session sqlite3": 1, "action sqlite3": 6, "stream sqlite3": 1})
        for failed in (actions[3], actions[5]):
            self.assertEqual(failed.message, "UNIQUE constraint failed: t.a")
            self.assertEqual(failed.attributes["db.response.status_code"], 19)

    def test_two_transfers_on_one_handle(self):
        with http_server() as server:
            urls = [server.url + "/chunks?n=4&bytes=30", server.url + "/chunks?n=2&bytes=30"]
            result = self.trace_program(CURL, *urls, bindings="curl", content=True)
        self.assertEqual(result.stdout, b"0 4 120\n0 6 180\n", result.stderr)
        dump = result.dump
        session = dump.one("session curl")
        actions = dump.children(session)
        self.assertEqual([(a.name, a.status) for a in actions], [("action curl", OK)] * 2)
        streams = [dump.children(action) for action in actions]
        self.assertEqual([[(s.name, len(s.events)) for s in each] for each in streams],
                         [[("stream curl", 4)], [("stream curl", 2)]])
        self.assertEqual(len(dump.spans), 5)
        text = chunk_body(3, 30).decode()
        self.assertIn(text, streams[0][0].events[3].attributes.values())

    def test_transfer_after_a_failed_one(self):
        with http_server() as server:
            result = self.trace_program(CURL, refused_url(), server.url + "/hello", bindings="curl")
        self.assertEqual(result.stdout, b"7 0 0\n0 1 6\n", result.stderr)
        first, second = result.dump.children(result.dump.one("session curl"))
        self.assertEqual((first.status, first.attributes["curl.code"]), (ERROR, 7))
        self.assertEqual((first.attributes["error.type"], second.status),
                         ("CURLE_COULDNT_CONNECT", OK))
        stream = result.dump.one("stream curl")
        self.assertEqual((stream.parent_id, len(stream.events)), (second.span_id, 1))


if __name__ == "__main__":
    main()
