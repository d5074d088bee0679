# SPDX-License-Identifier: Apache-2.0
"""Many threads: every act counted, under the right parent, whoever opens and closes its session."""

from harness import DRIVE, ERROR, LOAD_BINDING, OK, PROCESS_BINDING, SANITIZERS, Case, main, tallies, unfit, victim

SESSION, ACTION = "session load", "action load"
THREADS, ACTS = 32, 10_000
DEPTH_MAX = 256  # calls in progress that a thread keeps account of

KINDS = ("pthread",) if "thread" in SANITIZERS else ("pthread", "c11")  # it does not know of the others


class Threads(Case):
    def drive(self, *arguments, **options):
        result = self.trace([DRIVE, *map(str, arguments)], bindings=LOAD_BINDING, **options)
        self.assertEqual((result.status, result.stderr), (0, b""))
        return result

    def assert_each_once(self, acts, threads, count):
        """Each (thread, sequence) stands there exactly once."""
        seen = {(act.attributes["load.thread"], act.attributes["load.sequence"]) for act in acts}
        self.assertEqual(len(seen), len(acts))
        self.assertEqual(seen, {(t, s) for t in range(threads) for s in range(count)})

    @unfit("it takes minutes", "thread")
    def test_block_loses_nothing(self):
        result = self.drive("threads", THREADS, ACTS, env={"SPANSHIM_ON_FULL": "block"}, timeout=600)
        dump = result.dump
        self.assertEqual(dump.losses, {})
        self.assertEqual(dump.names(), {SESSION: 1, ACTION: THREADS * ACTS + 1})
        session = dump.one(SESSION)
        outer, = [act for act in dump.named(ACTION) if "load.level" in act.attributes]
        acts = [act for act in dump.named(ACTION) if act is not outer]
        self.assert_each_once(acts, THREADS, ACTS)
        for act in acts:
            # odd threads name no session: they are children of what their creator was doing
            parent = outer if act.attributes["load.thread"] % 2 else session
            self.assertEqual(act.parent_id, parent.span_id)
            self.assertEqual(act.status, OK)
            self.assertTrue(parent.start <= act.start <= act.end <= parent.end)
        self.assertEqual(len({act.attributes["thread.id"] for act in acts}), THREADS)
        self.assert_checks()

    def test_drop_counts_every_loss(self):
        """With rings so small that the drain cannot keep up: written + dropped = made, exactly."""
        result = self.drive("threads", THREADS, ACTS, timeout=600, quiet=False,
                            env={"SPANSHIM_ON_FULL": "drop", "SPANSHIM_RING_BYTES": "64K"})
        dump = result.dump
        written = dump.count(ACTION) - 1
        lost = dump.lost("open")
        print("made %d, written %d, dropped %d" % (THREADS * ACTS, written, lost))
        self.assertEqual(written + lost, THREADS * ACTS)
        self.assertGreater(lost, 0)
        self.assertEqual({reason.split(".")[1] for reason in dump.losses}, {"open"},
                         "a span that was let in lost its end")
        self.assertFalse(any(span.unfinished for span in dump.spans))
        seen = {(act.attributes.get("load.thread"), act.attributes.get("load.sequence"))
                for act in dump.named(ACTION)}
        self.assertEqual(len(seen), written + 1)

    def test_session_handed_over(self):
        """Opened on one thread, used on a second, closed on a third."""
        result = self.drive("handover", 100)
        self.assertEqual(result.dump.names(), {SESSION: 100, ACTION: 100})
        for session in result.dump.named(SESSION):
            act, = result.dump.children(session)
            self.assertEqual((session.status, act.status), (OK, OK))
            self.assertNotEqual(session.attributes["thread.id"], act.attributes["thread.id"])
            self.assertLessEqual(act.end, session.end)

    def test_nested(self):
        result = self.drive("nested", 100)
        dump = result.dump
        self.assertEqual(dump.names(), {ACTION: 200})
        levels = {act.attributes["load.level"]: act for act in dump.spans
                  if "load.level" in act.attributes}
        self.assertEqual(set(levels), set(range(1, 101)))
        for number, level in levels.items():
            parent = levels[number - 1].span_id if number > 1 else ""
            self.assertEqual(level.parent_id, parent, number)
        for act in dump.spans:
            if "load.thread" in act.attributes:
                above = act.attributes["load.thread"] - 1
                self.assertEqual(act.parent_id, levels[above].span_id if above else "")
        self.assert_children_within(dump, {ACTION})

    def test_nested_deeper_than_kept(self):
        """The innermost calls are lost, and counted; the program notices nothing."""
        depth = DEPTH_MAX + 50
        result = self.drive("nested", depth, quiet=False)
        dump = result.dump
        self.assertGreater(dump.lost("open"), 0)
        self.assertEqual({reason.split(".")[0] for reason in dump.losses}, {"depth"})
        self.assertEqual(len(dump.spans) + dump.lost("open"), 2 * depth)
        self.assertEqual(sum("load.level" in act.attributes for act in dump.spans), DEPTH_MAX)

    def test_inheritance_is_one_way(self):
        result = self.drive("inheritance")
        dump = result.dump
        around, = [act for act in dump.spans if "load.level" in act.attributes]
        inside = sorted(act.attributes["load.thread"] for act in dump.children(around))
        self.assertEqual(inside, [1, 2], "the child's act and the grandchild's")
        roots = sorted(act.attributes["load.thread"] for act in dump.roots() if act is not around)
        self.assertEqual(roots, [0, 2], "started after the act: not its children")
        self.assertEqual(len(dump.spans), 5)


class Victims(Case):
    """Native programs that count their own calls; the dump must agree, call by call."""

    def victim(self, name, *arguments, **options):
        result = self.trace([victim("process/" + name), *map(str, arguments)],
                            bindings=PROCESS_BINDING, env={"SPANSHIM_ON_FULL": "block"}, **options)
        self.assertEqual((result.status, result.stderr), (0, b""))
        self.assertEqual(result.dump.losses, {})
        self.assert_tally(result.dump, tallies(result.stdout))
        return result.dump

    @staticmethod
    def of(dump, function):
        return [span for span in dump.spans if span.attributes["code.function.name"] == function]

    def test_started_in_an_act(self):
        for kind in KINDS:
            self.out = self.path(kind)
            dump = self.victim("thread_acts", "under-act", kind, 8, 500)
            call, = self.of(dump, "vict_call")
            self.assertEqual(len(dump.children(call)), 4000)

    def test_started_in_a_session(self):
        for kind in KINDS:
            self.out = self.path(kind)
            dump = self.victim("thread_acts", "under-session", kind, 8, 500)
            session, = self.of(dump, "vict_session_open")
            self.assertEqual(len(dump.children(session)), 4000)

    def test_started_alone(self):
        dump = self.victim("thread_acts", "alone", "pthread", 8, 500)
        self.assertEqual(len(dump.roots()), 4000)

    def test_chain_of_threads(self):
        """Each started in an act of the one before."""
        for kind in KINDS:
            self.out = self.path(kind)
            dump = self.victim("thread_acts", "chain", kind, 6, 10)
            link, = dump.roots()
            for number in range(6):
                inside = dump.children(link)
                acts = [act for act in inside if act.attributes["code.function.name"] == "vict_act"]
                links = [act for act in inside if act not in acts]
                self.assertEqual((len(acts), len(links)), (10, number < 5))
                link = links[0] if links else None

    def test_more_threads_than_rings(self):
        """One after another: rings are used again."""
        dump = self.victim("thread_acts", "chain", "pthread", 200, 2)
        self.assertEqual(len(dump.spans), 200 * 3)

    def test_many_threads_at_once(self):
        dump = self.victim("thread_acts", "alone", "pthread", 500, 20)
        self.assertEqual(len(dump.spans), 10_000)

    def test_sessions_handed_over(self):
        dump = self.victim("thread_session", 50, 20)
        for session in self.of(dump, "vict_session_open"):
            self.assertEqual((session.parent_id, session.status), ("", OK))
            self.assertEqual(sorted(act.attributes["vict.n"] for act in dump.children(session)),
                             list(range(20)))

    def test_nested(self):
        dump = self.victim("thread_nesting", "nested", 30)
        session, = self.of(dump, "vict_session_open")
        call, = self.of(dump, "vict_call")
        self.assertEqual(call.parent_id, session.span_id)
        self.assertEqual({act.parent_id for act in self.of(dump, "vict_act")}, {call.span_id})
        # the declared parent is the session; it is also where the call itself belongs
        self.assertEqual(len({act.parent_id for act in self.of(dump, "vict_session_act")}), 1)

    def test_recursive(self):
        dump = self.victim("thread_nesting", "recursive", 100)
        calls = self.of(dump, "vict_call")
        innermost, = [span for span in dump.roots() if span in calls]
        for _ in calls[1:]:  # not by start: two calls may begin within one tick of a coarse counter
            innermost, = [span for span in dump.children(innermost) if span in calls]
        deepest, after = sorted(self.of(dump, "vict_act"), key=lambda span: span.start)
        self.assertEqual((deepest.parent_id, after.parent_id), (innermost.span_id, ""))

    def test_acts_in_signal_handlers(self):
        dump = self.victim("thread_nesting", "reentrant", 200)
        call, = self.of(dump, "vict_call")
        self.assertEqual(len(dump.children(call)), 200)

    def test_failing(self):
        argv = [victim("process/thread_nesting"), "failing", "50"]
        result = self.trace(argv, bindings=PROCESS_BINDING)
        for act in result.dump.spans:
            self.assertEqual(act.status, ERROR if act.attributes["vict.n"] < 0 else OK)
        self.assertEqual(len(result.dump.spans), 100)


if __name__ == "__main__":
    main()
