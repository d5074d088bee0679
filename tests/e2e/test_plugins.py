# SPDX-License-Identifier: Apache-2.0
"""Users' plugins: built from what is installed alone, told every event in order, and contained.

The plugins are in victims/plugins/; `record` writes down all it is told, `count` keeps account of
10^6 events, `behave` does what no plugin should.
"""

import collections
import json
import os
import re
import shutil

import installed
from harness import (BUILD, DRIVE, LOAD_BINDING, PROCESS_BINDING, SANITIZERS, SOURCE, VICTIMS, Case, Dump, main, tallies,
                     unfit, victim)
from local_server import http_server
from mellea_env import NEWEST, OLDER, model_server, needs, program_environment, python

PLUGINS = os.path.join(VICTIMS, "plugins")
HERE = os.path.dirname(os.path.abspath(__file__))
PARITY = os.path.join(os.path.dirname(HERE), "parity", "programs")
with open(os.path.join(HERE, "mellea", "content.py"), encoding="utf-8") as file:
    MARKS = dict(re.findall(r'"([a-z ]+)": "(mark_of_\w+)"', file.read()))
GUIDE = os.path.join(SOURCE, "docs", "PLUGINS.md")
HEADER = os.path.join(SOURCE, "collector", "include", "spanshim", "event.h")

OPEN, CLOSE, POINT, ATTRIBUTES, DISCARD = range(1, 6)
STATUS_ONLY, OBSERVED, STRAY = 2, 8, 256
SQL = ["sqlite3", ":memory:", "create table t(x); insert into t values (1), (2); select x from t;"]
SQL_SPANS = 5  # a session, three statements, a stream of rows

# Together they come by every hook that a version has.
FAMILIES = {
    NEWEST: ["cost", "chat", "instruct", "repair_exhausted", "tool_calls", "raw_batch", "raw_stream",
             "stream_failed_check_08", "stream_exception_08", "backend_500", "structured",
             "adapter_functions_08"],
    OLDER: ["chat", "instruct", "repair_exhausted", "tool_calls", "raw_batch",
            "stream_failed_check_07", "backend_500"],
}
NOT_IN = {
    NEWEST: {"none", "streaming_orchestration_start", "streaming_orchestration_end"},
    OLDER: {"none", "generation_event", "adapter_function_phase_complete",
            "adapter_function_invocation_complete"},
}


def plugin(name):
    return os.path.join(PLUGINS, name + ".so")


def public_names(macro):
    """The lower-case names of SPANSHIM_HOOKS or SPANSHIM_FIELDS."""
    with open(HEADER, encoding="utf-8") as file:
        body = re.search(r"#define %s\(X\)(.*?)\n\n" % macro, file.read().replace("\n/*", "\n\n/*"), re.S)[1]
    return [name.lower() for name in re.findall(r"X\((\w+)\)", body)]


HOOKS = public_names("SPANSHIM_HOOKS")
FIELDS = public_names("SPANSHIM_FIELDS")


class Told:
    """What the plugin `record` was told."""

    def __init__(self, path):
        self.events, self.inits, self.finis = [], [], 0
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as file:
            for line in file:
                event = json.loads(line)
                if "init" in event:
                    self.inits.append(event)
                elif "fini" in event:
                    self.finis += 1
                else:
                    event["values"] = {name: value for _, name, _, _, value in event["attributes"]}
                    self.events.append(event)

    def of(self, *kinds):
        return [event for event in self.events if event["kind"] in kinds]

    def hooks(self):
        return {event["hook_name"] for event in self.events}

    def spans(self, kind):
        return collections.Counter(event["span"] for event in self.of(kind))


class Plugins(Case):
    def setUp(self):
        super().setUp()
        self.told_path = self.path("told.jsonl")
        self.count_path = self.path("count.jsonl")

    def plugged(self, argv, plugins, env=None, quiet=True, **options):
        """Traces argv with these plugins (names, or paths); what they were told is result.told."""
        for path in self.told_path, self.out, self.log:
            if os.path.exists(path):
                os.remove(path)
        listed = ":".join(name if "/" in name or "." in name else plugin(name) for name in plugins)
        full = {"SPANSHIM_PLUGINS": listed, "RECORD_OUT": self.told_path,
                "COUNT_OUT": self.count_path, **(env or {})}
        options.setdefault("via", "preload")
        result = self.trace(argv, env=full, quiet=quiet, **options)
        result.told = Told(self.told_path)
        result.lines = [line.split("]: ", 1)[1] for line in result.log.splitlines()]
        return result

    def counted(self):
        with open(self.count_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def assert_ordered(self, told):
        """Of each span the opening event comes first and the closing one last, once; what is told of
        the span is the same on each."""
        known, ended = {}, set()
        for event in told.events:
            span, kind = event["span"], event["kind"]
            self.assertEqual(event["state"], "kept")
            if int(span, 16) == 0:
                self.assertEqual((kind, event["flags"] & OBSERVED), (POINT, OBSERVED))
                continue
            facts = event["trace"], event["parent"], event["correlation"], event["pid"]
            if kind == OPEN:
                self.assertNotIn(span, known)
                known[span] = facts
            self.assertFalse(event["flags"] & STRAY, event)
            self.assertIn(span, known, event)
            self.assertEqual(known[span], facts)
            self.assertNotIn(span, ended, event)
            if kind in (CLOSE, DISCARD):
                ended.add(span)
        return known, ended

    def assert_told(self, result, unfinished=0, told=None):
        """The plugin was told what became the dump: every span and every span event."""
        told = told or result.told
        known, ended = self.assert_ordered(told)
        discarded = set(told.spans(DISCARD))
        self.assertEqual(set(known) - discarded, set(result.dump.by_id))
        self.assertEqual(len(known) - len(ended), unfinished)
        points = collections.Counter(
            event["span"] for event in told.of(POINT)
            if not event["flags"] & (OBSERVED | STATUS_ONLY) and event["span"] not in discarded)
        for span in result.dump.spans:
            self.assertEqual(known[span.span_id][:2], (span.trace_id, span.parent_id or "0" * 16))
            events = [event for event in span.events if event.name != "exception"]
            self.assertEqual(points[span.span_id], len(events) + span.dropped_events, span)
        for event in told.of(OPEN):
            if event["span"] in result.dump.by_id:
                span = result.dump.by_id[event["span"]]
                self.assertLessEqual(abs(span.start - event["time"]), 1000)


class Native(Plugins):
    def test_sqlite3(self):
        result = self.plugged(SQL, ["record"])
        self.assert_same_as_untraced(SQL, result)
        self.assert_told(result)
        self.assertEqual((len(result.told.inits), result.told.finis), (1, 1))
        self.assertEqual(result.told.inits[0]["program"], "sqlite3")
        self.assertEqual({event["binding"] for event in result.told.events}, {"sqlite3"})
        self.assertIn("sqlite3_prepare_v2", {event["symbol"] for event in result.told.events})
        self.assertEqual({event["role"] for event in result.told.of(OPEN)},
                         {"session", "action", "stream"})
        self.assertEqual({event["event"] for event in result.told.of(POINT)}, {"row"})
        self.assertEqual({event["correlation"] for event in result.told.events}, {""})
        session, = (event for event in result.told.of(OPEN) if event["role"] == "session")
        self.assertEqual(session["values"]["db.namespace"], ":memory:")
        self.assertLessEqual(result.told.hooks(), set(HOOKS))

    def test_attributes(self):
        """What the dump has as attributes, plugins are told as such, of the same type and value."""
        argv = [DRIVE, "results", "0", "5", "0"]
        result = self.plugged(argv, ["record"], bindings=LOAD_BINDING)
        self.assert_told(result)
        told = collections.defaultdict(dict)
        for event in result.told.events:
            told[event["span"]].update(event["values"])
        for span in result.dump.spans:
            for key, value in span.attributes.items():
                if key.startswith("load.") and key != "load.code":
                    self.assertEqual(told[span.span_id][key], value)
        self.assertEqual([event["result"] for event in result.told.of(CLOSE)
                          if event["symbol"] == "load_act_in"], [0, 5, 0])
        self.assertEqual([event["status"] for event in result.told.of(CLOSE)
                          if event["symbol"] == "load_act_in"], [0, 1, 0])

    def test_curl(self):
        with http_server() as server:
            argv = ["curl", "-s", server.url + "/chunks?n=5"]
            result = self.plugged(argv, ["record"])
        self.assertEqual(result.status, 0)
        self.assert_told(result)

    def test_long_values(self):
        """A statement of 5000 bytes comes in pieces, in order, each a C string."""
        statement = "select '%s'" % ("x" * 5000)
        result = self.plugged(["sqlite3", ":memory:", statement], ["record"], content=True)
        self.assert_told(result)
        pieces = [(flags, value) for event in result.told.events
                  for _, name, _, flags, value in event["attributes"] if name == "db.query.text"]
        self.assertEqual("".join(value for _, value in pieces), statement)
        self.assertEqual({flags & 1 for flags, _ in pieces[1:]}, {1})
        self.assertEqual(pieces[0][0] & 1, 0)

    def test_some_hooks(self):
        """A plugin that wants but one hook is told its span all the same."""
        result = self.plugged(SQL, ["record_ends", "count"])
        told = result.told
        self.assertEqual({event["hook_name"] for event in told.events}, {"component_post_success"})
        ends = {event["span"] for event in told.of(CLOSE)}
        self.assertEqual(ends, {span.span_id for span in result.dump.spans
                                if span.name == "action sqlite3"})
        for event in told.events:
            self.assertEqual(event["flags"] & STRAY, 0)
            self.assertEqual(event["trace"], result.dump.by_id[event["span"]].trace_id)
        self.assertEqual(self.counted()[0]["opens"], self.counted()[0]["closes"])

    def test_unsampled(self):
        """What the sampler leaves out, plugins see."""
        result = self.plugged(SQL, ["count"], env={"OTEL_TRACES_SAMPLER": "always_off"})
        self.assertEqual(result.dump.spans, [])
        whole = self.plugged(SQL, ["count"])
        first, second = self.counted()
        self.assertEqual(first, second)
        self.assertEqual(first["opens"], len(whole.dump.spans))

    @unfit("it takes minutes")
    def test_a_million(self):
        """Four threads; block: nothing is lost."""
        acts = 125000
        argv = [DRIVE, "threads", "4", str(acts)]
        result = self.plugged(argv, ["count"], bindings=LOAD_BINDING,
                              env={"SPANSHIM_ON_FULL": "block", "OTEL_TRACES_SAMPLER": "always_off"})
        self.assertEqual(result.stdout, b"acts %d\n" % (4 * acts))
        counted, = self.counted()
        self.assertEqual((counted["opens"], counted["closes"], counted["strays"]),
                         (4 * acts + 2, 4 * acts + 2, 0))
        self.assertEqual(counted["sum"], 4 * (acts * (acts - 1) // 2))

    def test_drops(self):
        """As ever: what does not fit is counted, all else is delivered."""
        acts = 200000
        argv = [DRIVE, "threads", "2", str(acts)]
        result = self.plugged(argv, ["count"], bindings=LOAD_BINDING, quiet=False,
                              env={"SPANSHIM_RING_BYTES": "64K", "OTEL_TRACES_SAMPLER": "always_off"})
        counted, = self.counted()
        self.assertEqual(counted["opens"] + result.dump.lost("open"), 2 * acts + 2)
        self.assertEqual((counted["opens"], counted["strays"]), (counted["closes"], 0))


# See docs/SAFETY.md: their rings wait.
FORKED = unfit("forked children have no drain", "thread")


class Processes(Plugins):
    @FORKED
    def test_fork(self):
        for how in "_exit", "exit":
            argv = [victim("process/proc_fork"), "twice", how]
            result = self.plugged(argv, ["record", "count"], bindings=PROCESS_BINDING)
            self.assert_told(result)
            self.assert_tally(result.dump, tallies(result.stdout))
            pids = {line["pid"] for line in tallies(result.stdout)}
            self.assertEqual({init["init"] for init in result.told.inits}, pids)
            self.assertEqual((len(result.told.inits), result.told.finis, len(self.counted())), (3, 3, 3))
            os.remove(self.count_path)

    @FORKED
    def test_fork_among_threads(self):
        argv = [DRIVE, "forks", "3", "20000", "20"]
        result = self.plugged(argv, ["count"], bindings=LOAD_BINDING,
                              env={"SPANSHIM_ON_FULL": "block", "OTEL_TRACES_SAMPLER": "always_off"})
        self.assertEqual(result.status, 0)
        counts = self.counted()
        self.assertEqual(len(counts), 21)
        # a child's memory is its parent's: its counters went on from where they were
        self.assertEqual(max(count["strays"] for count in counts), 0)
        self.assertEqual(counts[-1]["opens"], 3 * 20000)

    @FORKED
    def test_fork_while_loading(self):
        """The child of a fork during a slow init runs, and its plugin is initialised."""
        argv = [DRIVE, "forks", "1", "10", "3"]
        result = self.plugged(argv, ["behave", "record"], bindings=LOAD_BINDING,
                              env={"BEHAVE": "init sleeps", "BEHAVE_MS": "300"})
        self.assertEqual(result.status, 0)
        self.assert_told(result)
        self.assertEqual(len(result.told.inits), 4)

    def test_exec(self):
        """Every image tells its plugin all, before it is replaced."""
        argv = [victim("process/proc_exec"), "idle", "3"]
        result = self.plugged(argv, ["record"], bindings=PROCESS_BINDING)
        self.assertEqual(result.status, 0)
        self.assert_told(result)
        self.assertEqual((len(result.told.inits), result.told.finis), (4, 1))

    def test_failing_exec(self):
        argv = [victim("process/proc_exec"), "failing", "3"]
        result = self.plugged(argv, ["record"], bindings=PROCESS_BINDING)
        self.assert_told(result)
        self.assertEqual((len(result.told.inits), result.told.finis), (1, 1))

    def test_exec_in_a_call(self):
        argv = [victim("process/proc_exec"), "inside", "3"]
        result = self.plugged(argv, ["record"], bindings=PROCESS_BINDING, via="run")
        self.assert_told(result, unfinished=sum(span.unfinished for span in result.dump.spans))


class Loading(Plugins):
    def test_not_usable(self):
        """One clear line each; the others work."""
        text = self.write("text.so", "no object\n")
        missing = self.path("missing.so")
        expected = {
            missing: "cannot be loaded: %s: cannot open shared object file: No such file or directory"
                     % missing,
            text: "cannot be loaded: %s: file too short" % text,
            plugin("no_struct"): "has no symbol spanshim_plugin: not used",
            plugin("no_struct_function"): "spanshim_plugin is no struct spanshim_plugin: not used",
            plugin("no_struct_number"): "spanshim_plugin is no struct spanshim_plugin: not used",
            plugin("shape_abi"): "made for ABI version 7, expected 1: not used",
            plugin("shape_size"): "spanshim_plugin has 24 bytes, expected at least 48: not used",
            plugin("shape_name"): "its name is missing: not used",
            plugin("shape_on_event"): "its on_event is NULL: not used",
            plugin("shape_hooks"): "its hooks are 0, expected at least one: not used",
        }
        for path, line in expected.items():
            with self.subTest(path):
                result = self.plugged(SQL, [path, "count"], quiet=False)
                self.assert_same_as_untraced(SQL, result)
                self.assertEqual(result.lines, ["plugin %s: %s" % (path, line)])
        self.assertEqual({(count["opens"], count["closes"]) for count in self.counted()}, {(SQL_SPANS, SQL_SPANS)})
        self.assertEqual(len(self.counted()), len(expected))
        result = self.plugged(SQL, [*expected, "count"], quiet=False)
        self.assertEqual(result.lines, ["plugin %s: %s" % pair for pair in expected.items()])

    def test_twice(self):
        path = plugin("count")
        link = self.path("link.so")
        os.symlink(path, link)
        result = self.plugged(SQL, [path, path, link], quiet=False)
        self.assertEqual(result.lines, ["plugin %s: is loaded already, as %s: not used again"
                                        % (again, path) for again in (path, link)])
        self.assertEqual(len(self.counted()), 1)

    def test_too_many(self):
        paths = []
        for number in range(18):
            paths.append(shutil.copy(plugin("count"), self.path("count%d.so" % number)))
        result = self.plugged(SQL, paths, quiet=False)
        self.assertEqual(result.lines, ["plugins: only the first 16 are used"])
        self.assertEqual(len(self.counted()), 16)

    def test_names(self):
        """A path is relative to where the process starts, a name is looked for where dlopen looks."""
        shutil.copy(plugin("count"), os.path.join(self.cwd, "mine.so"))
        source = "import os, sqlite3; os.chdir('/'); sqlite3.connect(':memory:').execute('select 1')"
        argv = ["/usr/bin/python3", "-c", source]
        self.plugged(argv, ["./mine.so"], bindings="sqlite3")
        self.assertEqual(len(self.counted()), 1)
        self.plugged(argv, ["mine.so"], bindings="sqlite3", env={"LD_LIBRARY_PATH": self.cwd})
        self.assertEqual(len(self.counted()), 2)
        result = self.plugged(argv, ["mine.so"], bindings="sqlite3", quiet=False)
        self.assertEqual(len(result.lines), 1)
        self.assertTrue(result.lines[0].startswith("plugin mine.so: cannot be loaded: "), result.lines)

    def test_run(self):
        """--plugin: more than one, as absolute paths; what cannot be read is an error of usage."""
        shutil.copy(plugin("count"), os.path.join(self.cwd, "mine.so"))
        argv = ["sh", "-c", "cd / && sqlite3 :memory: 'select 1'"]
        env = self.environment(env={"COUNT_OUT": self.count_path, "RECORD_OUT": self.told_path,
                                    "SPANSHIM_PLUGINS": "/none/of/these.so"})
        command = [os.path.join(BUILD, "spanshim"), "run"]
        result = self.execute([*command, "--plugin", "mine.so", "-p", plugin("record"), "--", *argv], env)
        self.assertEqual(result.visible, (b"1\n", b"", 0))
        self.assertEqual((len(self.counted()), len(Told(self.told_path).inits)), (1, 1))
        env["SPANSHIM_PLUGINS"] = "./mine.so"
        result = self.execute([*command, "--", *argv], env)
        self.assertEqual(result.visible, (b"1\n", b"", 0))
        self.assertEqual(len(self.counted()), 2)
        for path, reason in ("no.so", "No such file or directory"), \
                ("a:b.so", "a name with ':' cannot stand in SPANSHIM_PLUGINS"):
            result = self.execute([*command, "--plugin", path, "--", *argv], env)
            self.assertEqual((result.stdout, result.status), (b"", 2))
            self.assertEqual(result.stderr.decode().splitlines()[0],
                             "spanshim run: --plugin %s: %s" % (path, reason))

    def test_its_own_calls(self):
        """What a plugin calls is none of the host's doing."""
        source = self.write("calls.c", """
#include <spanshim/plugin.h>
#include <sqlite3.h>
static int on_event(void *state, const struct spanshim_event *event)
{
	sqlite3 *db;
	(void)state; (void)event;
	return sqlite3_open(":memory:", &db) || sqlite3_exec(db, "select 1", 0, 0, 0) || sqlite3_close(db);
}
const struct spanshim_plugin spanshim_plugin = {
	SPANSHIM_PLUGIN_ABI, sizeof(struct spanshim_plugin), "calls", SPANSHIM_ALL_HOOKS, 0, on_event, 0
};
""")
        path = self.path("calls.so")
        compiled = self.execute(["cc", "-shared", "-fPIC", "-o", path, source, "-l:libsqlite3.so.0",
                                 "-I", os.path.join(SOURCE, "collector/include"),
                                 "-I", self.declare_sqlite3()])
        self.assertEqual(compiled.visible, (b"", b"", 0))
        result = self.plugged(SQL, [path, "count"])
        self.assertEqual(len(result.dump.spans), SQL_SPANS)
        self.assertEqual(self.counted()[0]["opens"], SQL_SPANS)

    def declare_sqlite3(self):
        """A directory with as much of sqlite3.h as is needed here."""
        directory = self.make_directory("include")
        with open(os.path.join(directory, "sqlite3.h"), "w", encoding="utf-8") as file:
            file.write("typedef struct sqlite3 sqlite3; int sqlite3_open(const char *, sqlite3 **);"
                       "int sqlite3_exec(sqlite3 *, const char *, void *, void *, void *);"
                       "int sqlite3_close(sqlite3 *);")
        return directory


ENDED = "plugin behave: on_event ended its thread: no more events for it"
CHANGED = "plugin behave: left the thread changed (signal mask, cancellation or floating-point mode): " \
          "put back"


class Behaviour(Plugins):
    def behaves(self, way, argv=None, plugins=("behave", "count"), ms=None, **options):
        env = {"BEHAVE": way, **options.pop("env", {})}
        if ms:
            env["BEHAVE_MS"] = str(ms)
        return self.plugged(argv or SQL, plugins, env=env, quiet=False, **options)

    def test_breaches(self):
        for way, lines in {
                "init fails": ["plugin behave: init failed: Transport endpoint is not connected: "
                               "not used"],
                "init returns garbage": ["plugin behave: init returned 42, expected 0 or a negative "
                                         "errno: not used"],
                "init exits": ["plugin behave: init ended its thread: not used"],
                "garbage": ["plugin behave: on_event returned 7, expected 0 or a negative errno: no "
                            "more events for it"],
                "big garbage": ["plugin behave: on_event returned -2000000000, expected 0 or a "
                                "negative errno: no more events for it"],
                "exits": [ENDED],
                "cancels": [CHANGED, ENDED],
                "cancels later": [],
                "changes": [CHANGED],
                "fini exits": ["plugin behave: fini ended its thread"],
                "talks": ["plugin behave: line?of mine"] * 16
                         + ["plugin behave: no more lines of its own"]}.items():
            with self.subTest(way):
                result = self.behaves(way)
                self.assert_same_as_untraced(SQL, result)
                self.assertEqual(result.lines, lines)
                self.assertEqual(len(result.dump.spans), SQL_SPANS)
                if "thread" in SANITIZERS:  # forked children have no drain
                    continue
                # Then in a process whose threads go on, fork, and end without the plugin.
                result = self.behaves(way, [DRIVE, "forks", "2", "2000", "2"], bindings=LOAD_BINDING,
                                      env={"SPANSHIM_ON_FULL": "block"})
                self.assertEqual(result.status, 0)
                self.assertEqual(sorted(result.lines), sorted(lines * 3))  # the children work side by side
                self.assertEqual(len(result.dump.spans), 4000 + 4)

    def test_another_thread(self):
        """A change of user ends the thread that plugins are called on; of its successor, too, nothing is
        said that the plugin has not done."""
        script = ("import os, sqlite3\n"
                  "base = sqlite3.connect(':memory:')\n"
                  "for number in range(4):\n"
                  "    base.execute('select %d' % number).fetchall()\n"
                  "    os.setuid(os.getuid())\n")
        result = self.plugged(["/usr/bin/python3", "-c", script], ["count", "record"], bindings="sqlite3")
        self.assertEqual((result.visible, result.dump.count("action sqlite3")), ((b"", b"", 0), 4))
        self.assert_told(result)

    def test_errors(self):
        result = self.behaves("error")
        self.assert_same_as_untraced(SQL, result)
        self.assertEqual(result.lines[0], "plugin behave: cannot handle an event: No space left on device")
        events, unhandled = re.fullmatch(r"plugin behave: (\d+) events in \d+ ms, the longest \d+ ms; "
                                         r"(\d+) not handled", result.lines[1]).groups()
        self.assertEqual(events, unhandled)
        self.assertEqual((len(result.lines), self.counted()[0]["closes"]), (2, SQL_SPANS))

    def compiled(self, name, source):
        """A program that calls tests/e2e/load."""
        program, load = self.path(name), os.path.join(BUILD, "tests", "e2e", "load")
        done = self.execute(["cc", "-o", program, self.write(name + ".c", source), "-L" + load, "-lload",
                             "-Wl,-rpath," + load, "-pthread"])
        self.assertEqual(done.visible, (b"", b"", 0))
        return [program]

    @unfit("the linker warns of what it brings", "address")
    def test_signals(self):
        """A plugin unblocks all signals; once it has returned, none is taken on spanshim's thread."""
        argv = self.compiled("signals", """
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int load_act(int, long);
static volatile int taken;
static void take(int number) { taken = number; }
int main(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, 0);
	signal(SIGUSR1, take);
	load_act(1, 1);
	sleep(1);
	kill(getpid(), SIGUSR1);
	usleep(300000);
	printf("%d\\n", taken);
	return 0;
}
""")
        result = self.behaves("changes", argv, bindings=LOAD_BINDING)
        self.assertEqual((result.visible, result.lines), ((b"0\n", b"", 0), [CHANGED]))

    def test_one_call_that_hangs(self):
        """The host makes all its calls and ends; what the drain had not read is recovered."""
        argv = [DRIVE, "threads", "2", "1000"]
        env = self.environment(LOAD_BINDING, env={"BEHAVE": "sleeps", "BEHAVE_MS": "60000",
                                                  "SPANSHIM_PLUGINS": plugin("behave")})
        result = self.execute(self.traced_command(argv, "preload", LOAD_BINDING, env), env)
        self.assertEqual((result.visible), (b"acts 2000\n", b"", 0))
        self.assertLess(result.seconds, 30)
        self.assertIn("a plugin takes long: not waited for any longer", self.read_log())
        self.command("recover", self.rings)
        self.assertEqual(self.left_rings(), [])
        dump = Dump(self.out)
        self.assertEqual((len(dump.spans), dump.losses, dump.inconsistencies()), (2002, {}, []))

    def test_ends_that_hang(self):
        """At the end everything is written before a plugin gets the rest: nothing is left behind."""
        for way in "fini sleeps", "sleeps":
            result = self.behaves(way, ms=60000, plugins=["behave"])
            self.assert_same_as_untraced(SQL, result)
            self.assertLess(result.seconds, 30)
            self.assertEqual(result.lines, ["a plugin takes long: not waited for any longer"])
            self.assertEqual(len(result.dump.spans), SQL_SPANS)

    def test_hangs_with_fork_and_exec(self):
        """Each process waits its little while, and goes on."""
        for name, mode, spans in ("proc_fork", ["twice", "_exit"], 0), ("proc_exec", ["idle", "2"], 1):
            argv = [victim("process/" + name), *mode]
            env = self.environment(PROCESS_BINDING, env={
                "BEHAVE": "sleeps", "BEHAVE_MS": "60000", "SPANSHIM_PLUGINS": plugin("behave")})
            result = self.execute(self.traced_command(argv, "preload", PROCESS_BINDING, env), env)
            self.assertEqual(result.status, 0, result.visible)
            self.assertLess(result.seconds, 60)
            self.command("recover", self.rings)
            self.collect(result)
            self.assertEqual(result.dump.inconsistencies(), [])
            self.assert_tally(result.dump, tallies(result.stdout), images=name == "proc_exec")
            self.assertIn("a plugin takes long: not waited for any longer", result.log)
            self.assertEqual(self.left_rings(), [])
            os.remove(self.out)
            os.remove(self.log)

    def test_falls_behind(self):
        """The rings drop and count; the host makes all its calls; it is told, with totals."""
        acts = 200000
        argv = [DRIVE, "threads", "2", str(acts)]
        result = self.behaves("sleeps", argv, ms=3, plugins=["behave"], bindings=LOAD_BINDING,
                              env={"OTEL_TRACES_SAMPLER": "always_off"})
        self.assertEqual(result.visible, (b"acts %d\n" % (2 * acts), b"", 0))
        self.assertLess(result.seconds, 60)
        undelivered = re.search(r"plugins: (\d+) events not delivered", result.log)
        told = re.search(r"plugin behave: (\d+) events in \d+ ms, the longest \d+ ms; 0 not handled",
                         result.log)
        events = int(undelivered[1]) + int(told[1])
        self.assertEqual(events + 2 * result.dump.lost("open"), 2 * (2 * acts + 2))

    def test_slow(self):
        """A call that takes long is told once, and the totals."""
        source = ("import sqlite3, time; db = sqlite3.connect(':memory:'); db.execute('select 1').fetchall();"
                  "db.close(); time.sleep(3)")
        result = self.behaves("sleeps", ["/usr/bin/python3", "-c", source], ms=150, plugins=["behave"],
                              bindings="sqlite3")
        self.assertEqual((result.status, len(result.dump.spans)), (0, 3))
        self.assertRegex(result.lines[0],
                         r"^plugin behave: slow: \d{3,} ms for one event, while no other is read$")
        self.assertRegex(result.lines[-1], r"^plugin behave: \d+ events in \d{3,} ms, the longest \d{3,} ms; "
                                           r"0 not handled$")
        self.assertEqual(result.log.count("while no other is read"), 1)

    @unfit("the linker warns of what it brings", "address")
    def test_first_thread_leaves(self):
        """The process ends with its last thread, though the plugin has not had all events."""
        argv = self.compiled("leaves", """
#include <pthread.h>
int load_act(int, long);
static void *act(void *arg)
{
	for (int i = 0; i < 500; i++)
		load_act(1, i);
	return arg;
}
int main(void)
{
	pthread_t thread;
	pthread_create(&thread, 0, act, 0);
	pthread_exit(0);
}
""")
        result = self.behaves("sleeps", argv, ms=20, plugins=["behave"], bindings=LOAD_BINDING)
        self.assertEqual((result.status, len(result.dump.spans)), (0, 500))
        self.assertIn("events not delivered", result.log)


class Mellea(Plugins):
    def families(self, version, url, **env):
        programs = [os.path.join(PARITY, name + ".py") for name in FAMILIES[version]]
        argv = [python(version), "-B", os.path.join(VICTIMS_SOURCE, "families.py"), *programs]
        env = {**program_environment(url), "MELLEA_GENERATION_CHUNK_EVENTS": "1", **env}
        result = self.plugged(argv, ["record"], env=env, content=True, timeout=240)
        self.assertEqual(result.status, 0, result.stderr)
        return result

    def documented(self):
        """Of PLUGINS.md's table: the fields of each hook."""
        with open(GUIDE, encoding="utf-8") as file:
            rows = re.findall(r"^\| ((?:`\w+`,? ?)+) \| [^|]* \| ([^|]*) \|$", file.read(), re.M)
        table = {}
        for hooks, fields in rows:
            for hook in re.findall(r"`(\w+)`", hooks):
                table[hook] = set(re.findall(r"`(\w+)`", fields))
        return table

    def check_hooks(self, version):
        with model_server() as url:
            told = self.families(version, url)
        self.assert_told(told, unfinished=sum(span.unfinished for span in told.dump.spans))
        told = told.told
        self.assertEqual(told.hooks(), set(HOOKS) - NOT_IN[version])
        self.assertEqual({event["binding"] for event in told.events}, {"mellea"})
        for event in told.of(OPEN):
            self.assertNotEqual(event["correlation"], "", event)
            self.assertEqual(event["values"]["correlation_id"], event["correlation"])
            if "session_id" in event["values"]:
                self.assertEqual(event["correlation"].partition(":")[0], event["values"]["session_id"])
        table = self.documented()
        self.assertEqual(set(table), set(HOOKS))
        for event in told.events:
            names = {name for field, name, _, _, _ in event["attributes"] if field >= 8}
            self.assertLessEqual(names - table[event["hook_name"]], ANYWHERE, event["hook_name"])
        return told, table

    @needs(NEWEST)
    def test_every_hook(self):
        """One process that drives all families: every hook is seen, with the fields that PLUGINS.md
        says, and no others."""
        told, table = self.check_hooks(NEWEST)
        seen = collections.defaultdict(set)
        for event in told.events:
            seen[event["hook_name"]].update(event["values"])
        for hook in sorted(set(HOOKS) - NOT_IN[NEWEST]):
            with self.subTest(hook):
                self.assertLessEqual(table[hook] - seen[hook], RARE)

    @needs(OLDER)
    def test_every_hook_of_the_older(self):
        self.check_hooks(OLDER)

    @needs(NEWEST)
    def test_content(self):
        """With the gate closed none of it reaches a plugin."""
        told = {NEWEST: {"response", "tool argument", "tool result", "reason", "line", "text"},
                OLDER: {"response", "tool result", "reason", "line", "text"}}
        for version in filter(python, (NEWEST, OLDER)):
            for content in False, True:
                argv = [python(version), "-B", os.path.join(HERE, "mellea", "content.py"), "end"]
                result = self.plugged(argv, ["record"], content=content,
                                      env={"MELLEA_LOGS_LEVEL": "CRITICAL"})
                self.assertEqual(result.told.inits[0]["content"], content)
                with open(self.told_path, encoding="utf-8") as file:
                    text = file.read()
                marks = {what for what, mark in MARKS.items() if mark in text}
                self.assertEqual(marks, told[version] if content else {"text"}, version)


# Fields that may be on any event of a hook that ends something, and what this program's model server
# and functions have no cause to tell.
ANYWHERE = {"correlation_id", "scope_version", "event_name", "error_type", "exception_name",
            "exception_stacktrace", "error_class"}
RARE = {"cache_creation_tokens"}
VICTIMS_SOURCE = os.path.join(HERE, "victims", "plugins")


class Installed(Plugins):
    def setUp(self):
        super().setUp()
        self.tree = installed.install(self.path("root"))

    def compile(self, source, out, *options, compiler="cc"):
        flags = self.tree.pkg_config("--cflags", "spanshim-plugin", root=self.path("root"))
        done = self.execute([compiler, "-shared", "-fPIC", *options, "-o", out, source, *flags])
        self.assertEqual(done.visible, (b"", b"", 0))

    def csv(self):
        with open(self.path("acts.csv"), encoding="utf-8") as file:
            return [line.rstrip("\n").split(",") for line in file]

    def run_installed(self, argv, path, env=None):
        full = self.environment(env={"SLOW_ACTS_MS": "0", "SLOW_ACTS_OUT": self.path("acts.csv"),
                                     **(env or {})})
        result = self.execute([self.tree.command, "run", "--out", self.out, "--plugin", path, "--", *argv],
                              full, timeout=120)
        self.collect(result)
        return result

    def test_example_on_sqlite3(self):
        path = self.path("slow_acts.so")
        self.compile(self.tree.example, path, "-Wall", "-Wextra", "-Werror", "-O2")
        result = self.run_installed(SQL, path)
        self.assert_same_as_untraced(SQL, result)
        rows = self.csv()
        self.assertEqual({row[8]: row[7] for row in rows},
                         {span.span_id: span.trace_id for span in result.dump.spans})
        self.assertEqual({row[1] for row in rows}, {"ok"})
        for row in rows:
            span = result.dump.by_id[row[8]]
            self.assertLess(abs(float(row[0]) - (span.end - span.start) / 1e6), 0.01)
        os.remove(self.path("acts.csv"))
        self.run_installed(SQL, path, env={"SLOW_ACTS_MS": "60000"})
        self.assertFalse(os.path.exists(self.path("acts.csv")))

    @needs(NEWEST)
    def test_example_on_mellea(self):
        path = self.path("slow_acts.so")
        self.compile(self.tree.example, path)
        with model_server() as url:
            result = self.run_installed([python(NEWEST), "-B", os.path.join(PARITY, "instruct.py")], path,
                                        env=program_environment(url))
        self.assertEqual(result.status, 0, result.stderr)
        chats = [row for row in self.csv() if row[2] == "generation_post_call"]
        spans = {span.span_id: span for span in result.dump.spans if span.name.startswith("chat")}
        self.assertEqual({row[8] for row in chats}, set(spans))
        for row in chats:
            attributes = spans[row[8]].attributes
            self.assertEqual((row[4], int(row[5]), int(row[6])),
                             (attributes["gen_ai.request.model"],
                              attributes["gen_ai.usage.input_tokens"],
                              attributes["gen_ai.usage.output_tokens"]))

    def test_languages(self):
        """The headers are C89 but for stdint.h, and C++; a plugin may be written in either."""
        source = self.write("one.c", """
#include <spanshim/plugin.h>
static int on_event(void *state, const struct spanshim_event *event)
{
	(void)state;
	return event->size < sizeof(*event);
}
const struct spanshim_plugin spanshim_plugin = {
	SPANSHIM_PLUGIN_ABI, sizeof(struct spanshim_plugin), "one", SPANSHIM_ALL_HOOKS, 0, on_event, 0
};
""")
        strict = ["-pedantic", "-Wall", "-Wextra", "-Wundef", "-Werror", "-fvisibility=hidden"]
        for number, how in enumerate((["-std=c89"], ["-std=c11"], ["-x", "c++", "-std=c++98"],
                                      ["-x", "c++", "-std=c++17"])):
            path = self.path("one%d.so" % number)
            self.compile(source, path, *how, *strict, compiler="c++" if "c++" in how else "cc")
            self.plugged(SQL, [path])  # nothing on the log


if __name__ == "__main__":
    main()
