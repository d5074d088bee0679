# SPDX-License-Identifier: Apache-2.0
"""Debian's sqlite3 shell, unmodified: 10,000 statements, each one action with the right content."""

import itertools
import os

from harness import ERROR, EVENT_LIMIT, OK, Case, main

SESSION, ACTION, STREAM = "session sqlite3", "action sqlite3", "stream sqlite3"
TEXT, TEXT_LENGTH = "db.query.text", "db.query.text_length"
CODE = "db.response.status_code"
STATEMENTS = 10_000


class Statement:
    """One statement of the script and what its action must say."""

    def __init__(self, text, rows=0, code=0, name="", message=""):
        self.text = text
        self.rows = rows
        self.code = code
        self.name = name
        self.message = message


def numbers(count):
    return Statement("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT %d) "
                     "SELECT i FROM n;" % count, rows=count)


def statements(count):
    """The statements, in the order in which the shell prepares them."""
    key = itertools.count(1)
    made = [Statement("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL);")]
    kinds = [
        lambda: Statement("INSERT INTO t VALUES(%d, 'zwölf %d');" % (next(key), len(made))),
        lambda: Statement("INSERT INTO t VALUES(1, 'again');", code=19, name="SQLITE_CONSTRAINT",
                          message="UNIQUE constraint failed: t.a"),
        lambda: Statement("SELECT * FROM nowhere_%d;" % len(made), code=1, name="SQLITE_ERROR",
                          message="no such table: nowhere_%d" % len(made)),
        lambda: Statement("INSERT INTO t VALUES(-1, NULL);", code=19, name="SQLITE_CONSTRAINT",
                          message="NOT NULL constraint failed: t.b"),
        lambda: Statement("SELEKT %d;" % len(made), code=1, name="SQLITE_ERROR",
                          message='near "SELEKT": syntax error'),
        lambda: Statement("UPDATE t SET b = 'new' WHERE a = 1;"),
        lambda: Statement("SELECT 'one', %d;" % len(made), rows=1),
        lambda: Statement("SELECT a FROM t WHERE a < 0;"),
        lambda: numbers(len(made) % 11 + 2),
    ]
    for kind in itertools.cycle(kinds):
        if len(made) % 500 == 250:
            made += [numbers(EVENT_LIMIT), numbers(EVENT_LIMIT + 1), numbers(1000)]
        made.append(kind())
        if len(made) >= count:
            return made[:count]


def script(made):
    """What the shell reads: one statement a line, and between them lines that prepare nothing."""
    lines = []
    for number, statement in enumerate(made):
        lines.append(statement.text)
        if number % 97 == 0:
            lines.append("-- a comment; no statement")
        if number % 101 == 0:
            lines.append("/* nor this */ ;")
    return "\n".join(lines).encode() + b"\n"


class Sqlite3Shell(Case):
    def setUp(self):
        super().setUp()
        self.database = self.path("test.db")
        self.argv = ["sqlite3", self.database]

    def remove_database(self):
        os.unlink(self.database)

    def trace_script(self, source, **options):
        """Runs the shell on the script, traced and untraced, and compares what a user sees.

        Under `block`: a machine busy with other tests must not turn into dropped events.
        """
        result = self.trace(self.argv, bindings="sqlite3", input=source,
                            env={"SPANSHIM_ON_FULL": "block"}, **options)
        self.assert_same_as_untraced(self.argv, result, source, before=self.remove_database)
        return result

    def assert_actions(self, dump, made, content):
        session = dump.one(SESSION)
        self.assertEqual((session.parent_id, session.status), ("", OK))
        actions = dump.children(session)
        self.assertEqual({action.name for action in actions}, {ACTION})
        self.assertEqual(len(actions), len(made))
        streams = {stream.parent_id: stream for stream in dump.named(STREAM)}
        self.assertEqual(len(streams), dump.count(STREAM), "two streams under one action")
        self.assertEqual(len(dump.spans), 1 + len(actions) + len(streams))
        for action, statement in zip(actions, made):
            self.assert_action(action, statement, content)
            self.assert_rows(streams.pop(action.span_id, None), statement)
        self.assertEqual(streams, {})

    def assert_action(self, action, statement, content):
        attributes = action.attributes
        self.assertEqual(attributes[TEXT_LENGTH], len(statement.text.encode()), statement.text)
        self.assertEqual(attributes.get(TEXT), statement.text if content else None)
        if statement.code:
            self.assertEqual((action.status, action.message), (ERROR, statement.message))
            self.assertEqual((attributes[CODE], attributes["error.type"]),
                             (statement.code, statement.name))
        else:
            self.assertEqual((action.status, action.message), (OK, ""), statement.text)
            self.assertNotIn("error.type", attributes)

    def assert_rows(self, stream, statement):
        if not statement.rows:
            self.assertIsNone(stream, statement.text)
            return
        self.assertIsNotNone(stream, statement.text)
        self.assertEqual(stream.status, OK)
        self.assertEqual(len(stream.events), min(statement.rows, EVENT_LIMIT))
        self.assertEqual(len(stream.events) + stream.dropped_events, statement.rows)
        times = [event.time for event in stream.events]
        self.assertEqual(times, sorted(times))
        self.assertTrue(stream.start <= times[0] and times[-1] <= stream.end)

    def test_ten_thousand_statements(self):
        made = statements(STATEMENTS)
        self.assertEqual(len(made), STATEMENTS)
        result = self.trace_script(script(made))
        self.assertEqual(result.status, 1)
        self.assertEqual(result.dump.losses, {})
        self.assert_actions(result.dump, made, content=False)
        with open(self.out, "rb") as file:
            self.assertNotIn(b"SELECT", file.read())
        self.assert_checks()

    def test_ten_thousand_statements_with_content(self):
        made = statements(STATEMENTS)
        result = self.trace_script(script(made), content=True)
        self.assertEqual(result.dump.losses, {})
        self.assert_actions(result.dump, made, content=True)

    def test_either_gate_opens(self):
        for gate, value in (("MELLEA_TRACES_CONTENT", "1"),
                            ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")):
            with self.subTest(gate=gate):
                self.out = self.path(gate)
                result = self.trace(self.argv, bindings="sqlite3", input=b"SELECT 1;\n",
                                    env={gate: value})
                action = result.dump.one(ACTION)
                self.assertEqual(action.attributes[TEXT], "SELECT 1;")

    def test_no_gate_by_other_values(self):
        for value in ("", "0", "false", "no", "perhaps"):
            with self.subTest(value=value):
                self.out = self.path("out-" + value)
                result = self.trace(self.argv, bindings="sqlite3", input=b"SELECT 1;\n", quiet=False,
                                    env={"MELLEA_TRACES_CONTENT": value})
                self.assertNotIn(TEXT, result.dump.one(ACTION).attributes)

    def test_statements_on_one_line(self):
        source = b"SELECT 1; SELECT 2, 3 ;SELECT 4; -- the end\n"
        result = self.trace_script(source, content=True)
        actions = result.dump.named(ACTION)
        self.assertEqual([action.attributes[TEXT] for action in actions],
                         ["SELECT 1;", "SELECT 2, 3 ;", "SELECT 4;"])

    def test_long_statement_is_whole(self):
        text = "SELECT length('%s');" % ("x" * 100_000)
        result = self.trace_script(text.encode() + b"\n", content=True)
        action = result.dump.one(ACTION)
        self.assertEqual(action.attributes[TEXT_LENGTH], len(text))
        self.assertEqual(action.attributes[TEXT], text)

    def test_text_that_is_not_utf8(self):
        source = b"SELECT 'a\xffb\xe2\x82';\n"
        result = self.trace(self.argv, bindings="sqlite3", input=source, content=True)
        self.assertEqual(result.stdout, b"a\xffb\xe2\x82\n")
        text = result.dump.one(ACTION).attributes[TEXT]
        self.assertRegex(text, "^SELECT 'a\ufffdb\ufffd+';$")
        self.assert_checks()

    def test_limits(self):
        result = self.trace(self.argv, bindings="sqlite3", input=numbers(20).text.encode() + b"\n",
                            content=True, env={"OTEL_SPAN_EVENT_COUNT_LIMIT": "5",
                                               "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4"})
        stream = result.dump.one(STREAM)
        self.assertEqual((len(stream.events), stream.dropped_events), (5, 15))
        action = result.dump.one(ACTION)
        self.assertEqual(action.attributes[TEXT], "WITH")
        self.assertEqual(action.attributes[TEXT_LENGTH], len(numbers(20).text))

    def test_empty_input_is_no_action(self):
        result = self.trace(self.argv, bindings="sqlite3", input=b"-- nothing\n")
        self.assertEqual(result.status, 0)
        self.assertEqual(result.dump.count(ACTION), 0)

    def test_bare_preload(self):
        made = statements(60)
        result = self.trace_script(script(made), via="preload")
        self.assert_actions(result.dump, made, content=False)

    def test_default_bindings_include_it(self):
        result = self.trace(self.argv, input=b"SELECT 1;\n")
        self.assertEqual(result.dump.names(), {SESSION: 1, ACTION: 1, STREAM: 1})

    def test_bindings_none_traces_nothing(self):
        result = self.trace(self.argv, bindings="none", input=b"SELECT 1;\n")
        self.assertEqual((result.stdout, result.dump.spans), (b"1\n", []))

    def test_disabled_traces_nothing(self):
        for name in ("SPANSHIM_DISABLE", "OTEL_SDK_DISABLED"):
            result = self.trace(self.argv, bindings="sqlite3", input=b"SELECT 1;\n", env={name: "true"})
            self.assertEqual((result.stdout, result.dump.spans), (b"1\n", []))

    def test_cannot_open(self):
        self.argv = ["sqlite3", self.path("no/such/directory/test.db")]
        result = self.trace(self.argv, bindings="sqlite3", input=b"SELECT 1;\n")
        self.assert_same_as_untraced(self.argv, result, b"SELECT 1;\n")
        session = result.dump.named(SESSION)[0]
        self.assertEqual((session.status, session.attributes[CODE]), (ERROR, 14))
        self.assertEqual(session.attributes["error.type"], "SQLITE_CANTOPEN")
        self.assertEqual(session.message, "unable to open database file")

    def test_resource(self):
        result = self.trace(self.argv, bindings="sqlite3", input=b"SELECT 1;\n", env={
            "OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "a=b%20c,service.name=lost"})
        session = result.dump.one(SESSION)
        self.assertEqual(session.resource["service.name"], "shop")
        self.assertEqual(session.resource["a"], "b c")
        self.assertEqual(session.scope["name"], "spanshim.native")
        self.assertTrue(session.scope["version"])

    def test_unnamed_service(self):
        result = self.trace(self.argv, bindings="sqlite3", input=b"SELECT 1;\n")
        self.assertEqual(result.dump.one(SESSION).resource["service.name"], "unknown_service:sqlite3")

    def test_traceparent(self):
        trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
        result = self.trace(self.argv, bindings="sqlite3", input=b"SELECT 1;\n",
                            env={"TRACEPARENT": "00-%s-%s-01" % (trace, parent)},
                            remote_parents=[parent])
        session = result.dump.one(SESSION)
        self.assertEqual((session.trace_id, session.parent_id), (trace, parent))
        self.assertEqual(result.dump.traces(), {trace})

    def test_bad_traceparent_is_ignored(self):
        result = self.trace(self.argv, bindings="sqlite3", input=b"SELECT 1;\n", quiet=False,
                            env={"TRACEPARENT": "00-xyz-00f067aa0ba902b7-01"})
        self.assertEqual(result.dump.one(SESSION).parent_id, "")


if __name__ == "__main__":
    main()
