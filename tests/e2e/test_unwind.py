# SPDX-License-Identifier: Apache-2.0
"""Calls of every shape, left in every way: results intact, each counted, ended as what it was."""

import json
import os
import re
import struct

from harness import BUILD, ERROR, LOAD_BINDING, MACHINE, OK, PRELOAD, SOURCE, Case, main, unfit, victim

VICTIM_BINDING = os.path.join(SOURCE, "tests", "e2e", "load", "victim.json")

ACTION = "action load"


def bits(number):
    """A double's, as an integer."""
    return struct.unpack("<q", struct.pack("<d", number))[0]


class Unwind(Case):
    program = "unwind"

    def unwind(self, mode):
        """The acts left (outermost first) and the one made afterwards, from a traced run."""
        argv = [os.path.join(BUILD, "tests", "e2e", "load", self.program), mode]
        result = self.trace(argv, bindings=LOAD_BINDING)
        self.assert_same_as_untraced(argv, result)
        self.assertEqual(result.status, 0, result.stderr)
        dump = result.dump
        self.assertEqual(set(dump.names()), {ACTION})
        left = sorted((act for act in dump.spans if "load.level" in act.attributes),
                      key=lambda act: act.attributes["load.level"])
        after, = [act for act in dump.spans if "load.sequence" in act.attributes]
        # else it would still be inside the act that was left
        self.assertEqual((after.parent_id, after.status), ("", OK))
        self.assertEqual(len(left) + 1, len(dump.spans))
        for outer, inner in zip(left, left[1:]):
            self.assertEqual(inner.parent_id, outer.span_id)
        for act in left:
            self.assertFalse(act.unfinished)
            self.assertLessEqual(act.end, after.end)
        return left

    def assert_exception(self, act, kind):
        self.assertEqual((act.status, act.attributes["error.type"]), (ERROR, kind))
        event, = act.events
        self.assertEqual((event.name, event.attributes["exception.type"]), ("exception", kind))

    def assert_ended(self, act, kind):
        self.assertEqual((act.status, act.attributes["error.type"]), (ERROR, kind))
        self.assertTrue(act.message)

    def test_standard_exception(self):
        act, = self.unwind("standard")
        self.assert_exception(act, "std::runtime_error")

    def test_own_exception(self):
        act, = self.unwind("own")
        self.assert_exception(act, "shop::refused")

    def test_int(self):
        act, = self.unwind("int")
        self.assert_exception(act, "int")

    def test_exception_through_two_acts(self):
        outer, inner = self.unwind("two")
        self.assert_exception(outer, "shop::refused")
        self.assert_exception(inner, "shop::refused")

    def test_rethrown(self):
        outer, inner = self.unwind("rethrow")
        self.assert_exception(outer, "shop::refused")
        self.assert_exception(inner, "shop::refused")

    def test_caught_inside_is_no_error(self):
        act, = self.unwind("inside")
        self.assertEqual((act.status, act.events), (OK, []))

    def test_longjmp(self):
        act, = self.unwind("longjmp")
        self.assert_ended(act, "longjmp")

    def test_longjmp_through_two_acts(self):
        for act in self.unwind("longjmp-two"):
            self.assert_ended(act, "longjmp")

    def test_pthread_exit(self):
        act, = self.unwind("pthread_exit")
        self.assertIn(act.attributes["error.type"], ("cancelled", "thread_exit"))
        self.assertEqual(act.status, ERROR)

    def test_cancel(self):
        act, = self.unwind("cancel")
        self.assert_ended(act, "cancelled")


class UnwindWithStaticRuntime(Unwind):
    """libgcc and libstdc++ linked statically: not the copies that anyone could interpose."""

    program = "unwind-static"
    # a forced unwind by the shared libgcc meets a runtime of another copy, and aborts, traced or not
    test_pthread_exit = test_cancel = None


class Victims(Case):
    """Programs that check their own results; how many calls they make is in their head comments."""

    def setUp(self):
        super().setUp()
        self.binding = VICTIM_BINDING
        if MACHINE == "aarch64":
            self.binding = self.write("victim.json", json.dumps(self.for_aarch64()))

    @staticmethod
    def for_aarch64():
        """The declarations without x86's vectors, and with a small structure where ARM passes it."""
        with open(VICTIM_BINDING, encoding="utf-8") as file:
            document = json.load(file)
        document["entries"] = [entry for entry in document["entries"]
                               if not entry["symbol"].startswith("vi_avx")]
        mixed, = [entry for entry in document["entries"] if entry["symbol"] == "vi_mixed"]
        mixed["args"] = ["int64", "int64"]
        return document

    def victim(self, name, *arguments, plain=True, env=None, via="run"):
        """Runs a victim; {function: its spans in order of their start}."""
        argv = [victim("victim_" + name), *map(str, arguments)]
        result = self.trace(argv, bindings=self.binding, via=via,
                            env=dict({"SPANSHIM_ON_FULL": "block"}, **(env or {})))
        self.assertEqual(result.status, 0, result.visible)
        if plain:
            self.assert_same_as_untraced(argv, result)
        self.assertEqual(result.dump.losses, {})
        self.told = result.stdout + result.stderr
        by_function = {}
        for span in sorted(result.dump.spans, key=lambda span: span.start):
            by_function.setdefault(span.attributes["code.function.name"], []).append(span)
        return by_function

    def assert_calls(self, by_function, **expected):
        self.assertEqual({name: len(spans) for name, spans in by_function.items()}, expected)

    def assert_all_ok(self, by_function):
        for spans in by_function.values():
            self.assertEqual({span.status for span in spans}, {OK})

    @staticmethod
    def types(spans):
        return [span.attributes.get("error.type") for span in spans]

    def test_calling_conventions(self):
        expected = {"vi_none": 1, "vi_one": 4, "vi_ten": 1, "vi_big": 1, "vi_aligned": 1,
                    "vi_mixed": 1, "vi_long_double": 1, "vi_complex": 1, "vi_variadic": 1,
                    "vi_floats": 1, "vi_quads": 1}
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            flags = file.read().split() if MACHINE == "x86_64" else []
        if "avx2" in flags:
            expected.update(vi_avx=1, vi_avx_stack=1)
        if "avx512f" in flags:
            expected.update(vi_avx512=1)
        print("with", ", ".join(flag for flag in ("avx2", "avx512f") if flag in flags) or "no more")
        for variant in ("default", "now", "lazy", "lazy_relro", "nopie", "noplt"):
            with self.subTest(variant=variant):
                self.out = self.path(variant)
                calls = self.victim("abi_" + variant)
                self.assert_calls(calls, **expected)
                self.assert_all_ok(calls)
                self.assert_values(calls)

    def assert_values(self, calls):
        """Arguments and results read from where each of them is."""
        def values(function):
            return {key: value for key, value in calls[function][0].attributes.items()
                    if key.startswith("vi.")}
        self.assertEqual([call.attributes["vi.a"] for call in calls["vi_one"]], [4, 9, -1, 1])
        self.assertEqual([call.attributes["vi.result"] for call in calls["vi_one"]], [5, 10, 0, 2])
        self.assertEqual(values("vi_ten"), {"vi.f": 6, "vi.g": 7, "vi.j": 10})
        self.assertEqual(values("vi_big"), {"vi.factor": 3})
        self.assertEqual(values("vi_aligned"), {"vi.a": 1})
        if MACHINE == "x86_64":
            self.assertEqual(values("vi_mixed"), {"vi.x": 1.5, "vi.y": 4, "vi.result": 12})
        else:
            self.assertEqual(values("vi_mixed"),
                             {"vi.x": bits(1.5), "vi.y": 4, "vi.result": bits(3.0)})
        self.assertEqual(values("vi_variadic"), {"vi.count": 12, "vi.result": 90})

    def test_stacks_on_every_call_change_nothing(self):
        calls = self.victim("abi_default", env={"SPANSHIM_STACKS": "all"})
        self.assert_all_ok(calls)
        self.assertTrue(all("code.stacktrace" in span.attributes
                            for spans in calls.values() for span in spans))

    def test_throw(self):
        calls = self.victim("throw")
        self.assert_calls(calls, vi_throw=5, vi_call=4, vi_one=3)
        self.assertEqual({span.status for span in calls["vi_one"]}, {OK})
        types = self.types(calls["vi_throw"])
        self.assertRegex(types.pop(2), r"^std::(__cxx11::)?basic_string<char\b|^std::string$")
        self.assertEqual(types, ["my_error", "int", "std::out_of_range", "std::domain_error"])
        self.assertEqual(self.types(calls["vi_call"]),
                         ["std::logic_error"] * 3 + ["std::runtime_error"])

    @unfit("it cannot be in such a program", "thread")
    def test_throw_with_a_static_runtime(self):
        calls = self.victim("throw_static")
        self.assert_calls(calls, vi_call=4, vi_one=3)
        self.assertEqual(self.types(calls["vi_call"]),
                         ["std::logic_error"] * 3 + ["std::runtime_error"])

    def test_leave(self):
        calls = self.victim("leave")
        self.assert_calls(calls, vi_block=1, vi_call=4, vi_jump=2, vi_one=2)
        self.assertEqual(self.types(calls["vi_block"]), ["cancelled"])
        self.assertEqual(self.types(calls["vi_call"]), [None, None, "cancelled", "longjmp"])
        self.assertEqual(self.types(calls["vi_jump"]), ["longjmp"] * 2)
        self.assertEqual(self.types(calls["vi_one"]), [None] * 2)

    def test_cancellation_that_is_pending(self):
        """A wrapped function that is no cancellation point does not become one, not even where its
        call is the process's first, for which files are opened and a thread is started."""
        calls = self.victim("edge", "pending")
        self.assert_calls(calls, vi_one=4)
        self.assert_all_ok(calls)

    def test_cancellation_at_any_instruction(self):
        calls = self.victim("edge", "asynchronous")
        self.assert_calls(calls, vi_call=1, vi_one=1)
        self.assertEqual(self.types(calls["vi_call"] + calls["vi_one"]), ["cancelled", None])

    @unfit("frames are larger", "address", "thread")
    def test_smallest_stack(self):
        """Of a thread that makes the first call, loads, looks up and leaves by pthread_exit."""
        calls = self.victim("edge", "small")
        self.assert_calls(calls, vi_one=3, vi_none=1, vi_plugged=1)
        self.assert_all_ok(calls)

    @unfit("frames are larger", "address", "thread")
    def test_first_call_on_an_alternate_stack(self):
        calls = self.victim("edge", "alternate")
        self.assert_calls(calls, vi_one=4, vi_jump=600)
        self.assertEqual(set(self.types(calls["vi_jump"])), {"longjmp"})

    def test_last_destructor(self):
        calls = self.victim("edge", "late")
        self.assert_calls(calls, vi_one=2)
        self.assert_all_ok(calls)

    @unfit("it holds signals back", "thread")
    def test_profiler(self):
        """Every SIGPROF backtrace finds main, at whichever instruction of ours it comes."""
        calls = self.victim("profile", 40, plain=False)
        self.assertRegex(self.told, rb"\b\d+ samples, 0 without main\n")
        self.assert_calls(calls, vi_one=int(re.search(rb"calls (\d+)", self.told).group(1)))

    @unfit("it does not know of makecontext", "address")
    def test_coroutines(self):
        calls = self.victim("coroutine")
        self.assert_calls(calls, vi_one=11, vi_call=3)
        self.assert_all_ok(calls)

    def test_threads_and_signals(self):
        threads, rounds = 16, 1000
        calls = self.victim("thread", threads, rounds, plain=False)
        signals = int(re.search(rb"signals (\d+)", self.told).group(1))
        total = threads * rounds
        self.assert_calls(calls, vi_one=2 * total + signals, vi_ten=total + signals, vi_call=total,
                          vi_jump=total)
        self.assertEqual(set(self.types(calls["vi_jump"])), {"longjmp"})
        self.assertEqual({span.status for span in calls["vi_call"]}, {OK})

    @unfit("its run time calls dlopen in the program's stead, whose RUNPATH then does not count", "address", "thread")
    def test_dl(self):
        for name in ("dl", "dl_nopie"):
            with self.subTest(name=name):
                self.out = self.path(name)
                calls = self.victim(name)
                self.assert_calls(calls, vi_one=6, vi_none=2, vi_versioned=3, vi_plugged=1)

    @unfit("its run time calls dlopen in the program's stead, whose RUNPATH then does not count", "address", "thread")
    def test_dl_beside_another_interposer(self):
        """Each call is recorded once, though it goes through two wrappers."""
        env = self.environment(self.binding)
        env["LD_PRELOAD"] = PRELOAD + ":" + victim("libvictim_interpose.so")
        result = self.collect(self.execute([victim("victim_dl"), "interposed"], env))
        self.assertEqual(result.visible, (b"dl ok\n", b"", 0))
        counts = {}
        for span in result.dump.spans:
            function = span.attributes["code.function.name"]
            counts[function] = counts.get(function, 0) + 1
        self.assertEqual(counts, {"vi_one": 6, "vi_none": 2, "vi_versioned": 3, "vi_plugged": 1})
        self.assertEqual((result.log, self.left_rings()), ("", []))

    def test_dl_reload(self):
        calls = self.victim("dl_reload", 700)
        self.assert_calls(calls, vi_one=1401, vi_none=700, vi_plugged=700)


if __name__ == "__main__":
    main()
