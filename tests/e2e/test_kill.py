# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the middle of work: all that was committed is in the dump, exactly once."""

import glob
import os
import random
import re
import signal
import struct
import subprocess
import time

from harness import COMMAND, DRIVE, ERROR, LOAD_BINDING, OK, SIGKILL_STATUS, Case, Result, main, wait_until

SESSION, ACTION = "session load", "action load"
THREADS = 8
KILLS = int(os.environ.get("SPANSHIM_TEST_KILLS", 20))
ENDS = KILLS if "SPANSHIM_TEST_KILLS" in os.environ else 2  # of each other kind
PAUSES_US = 1000, 4000, 4000, 4000  # after every 100 acts, one of these: what is made must be read here
COUNTERS_BYTES = 64  # of a thread: begun, ended, ended before the process began to end


class Kill(Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(os.environ.get("SPANSHIM_TEST_SEED"))
        self.counters = self.path("counters")

    def begun_and_ended(self):
        """What the victim had done, per thread, from its shared memory."""
        with open(self.counters, "rb") as file:
            data = file.read()
        return [struct.unpack_from("qq", data, t * COUNTERS_BYTES) for t in range(THREADS)]

    def start_victim(self, via, env=None, end=()):
        """Starts the victim and waits until it works; or, if it ends by itself, does not."""
        for path in (self.counters, self.out, self.log):
            if os.path.exists(path):
                os.unlink(path)
        full = self.environment(LOAD_BINDING, env=dict({"SPANSHIM_ON_FULL": "block"}, **(env or {})))
        argv = [DRIVE, "kill", str(THREADS), self.counters, str(self.random.choice(PAUSES_US)), *end]
        argv = self.traced_command(argv, via, LOAD_BINDING, full)
        process = self.start(argv, full)
        if end:
            return process
        size = THREADS * COUNTERS_BYTES
        wait_until(lambda: os.path.exists(self.counters) and os.path.getsize(self.counters) >= size
                   and all(ended > 0 for _, ended in self.begun_and_ended()), what="the victim works")
        return process

    @staticmethod
    def child_of(pid):
        """The launcher's only child."""
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="utf-8") as file:
            child, = file.read().split()
        return int(child)

    def promised(self):
        """Of a victim that ended by itself: acts that ended before, per thread."""
        with open(self.counters, "rb") as file:
            data = file.read()
        return [struct.unpack_from("q", data, t * COUNTERS_BYTES + 16)[0] for t in range(THREADS)]

    def assert_all_there(self, dump, by_itself=False):
        """Every act that ended is there, finished; of those that only began, each at most once."""
        work = self.begun_and_ended()
        if by_itself:
            work = [(begun, ended) for (begun, _), ended in zip(work, self.promised())]
        session = dump.one(SESSION)
        self.assertTrue(session.unfinished)
        self.assertEqual(session.status, ERROR)
        acts = {}
        for act in dump.named(ACTION):
            key = act.attributes["load.thread"], act.attributes["load.sequence"]
            self.assertNotIn(key, acts, "twice")
            self.assertEqual(act.parent_id, session.span_id)
            acts[key] = act
        if not by_itself:
            self.assertEqual(dump.losses, {})
        for thread, (begun, ended) in enumerate(work):
            missing = [s for s in range(ended) if (thread, s) not in acts]
            self.assertEqual(missing, [], "thread %d, %d ended" % (thread, ended))
            unfinished = [s for s in range(ended) if acts[thread, s].unfinished]
            self.assertEqual(unfinished, [])
            beyond = [s for (t, s) in acts if t == thread and s >= ended]
            self.assertLessEqual(set(beyond), set(range(ended, begun)))
        for act in acts.values():
            if act.unfinished:
                self.assertEqual((act.status, act.message),
                                 (ERROR, "unfinished: the process ended"))
            else:
                self.assertEqual((act.status, act.message), (OK, ""))
        self.assertEqual(dump.inconsistencies(), [])
        return sum(ended for _, ended in work)

    def sleep_at_random(self, number):
        """From at once to well into the drain's work."""
        time.sleep(self.random.uniform(0, 0.3) if number % 3 else self.random.uniform(0, 0.02))

    def test_with_the_launcher(self):
        for number in range(KILLS):
            with self.subTest(number=number):
                process = self.start_victim("run")
                self.sleep_at_random(number)
                os.kill(self.child_of(process.pid), signal.SIGKILL)
                out, err = process.communicate(timeout=120)
                self.assertEqual(process.returncode, SIGKILL_STATUS, (out, err))
                dump = self.dump()
                acts = self.assert_all_there(dump)
                self.assertEqual(self.left_rings(), [])
                print("kill %d: %d acts, all there" % (number, acts))

    def test_other_ends(self):
        """By itself, while its threads work: what had been done before is there, exactly once."""
        ends = {str(int(signal.SIGSEGV)): 139, str(int(signal.SIGBUS)): 135, str(int(signal.SIGTERM)): 143,
                "abort": 134, "_exit": 3, "exec": 0}
        for end, status in ends.items():
            for number in range(ENDS):
                with self.subTest(end=end, number=number):
                    process = self.start_victim("run", end=(str(self.random.randrange(5, 120)), end))
                    out, err = process.communicate(timeout=120)
                    self.assertEqual(process.returncode, status, (out, err))
                    dump = self.dump()
                    if end == "exec":  # what came after is another image's
                        dump.spans = [span for span in dump.spans
                                      if span.attributes["code.function.name"] not in ("load_act", "load_around")]
                        dump.by_id = {span.span_id: span for span in dump.spans}
                    acts = self.assert_all_there(dump, by_itself=True)
                    self.assertEqual(self.left_rings(), [])
            print("%s: the last of %d with %d acts, all there" % (end, ENDS, acts))

    def dump(self):
        return self.collect(Result()).dump

    def test_recover(self):
        """Without the launcher; a second recover adds nothing."""
        for number in range(5):
            with self.subTest(number=number):
                process = self.start_victim("preload")
                self.sleep_at_random(number)
                process.kill()
                process.communicate(timeout=60)
                self.assertNotEqual(self.left_rings(), [])
                for _ in range(2):
                    recovered = self.command("recover", self.rings)
                    self.assertEqual(recovered.status, 0, recovered.visible)
                    for torn in re.findall(rb"(\d+) torn", recovered.stdout):
                        self.assertLessEqual(int(torn), THREADS + 1, "one of each ring")
                    self.assert_all_there(self.dump())
                self.assertEqual(self.left_rings(), [])

    def test_recover_leaves_the_living_alone(self):
        process = self.start_victim("preload")
        rings = self.left_rings()
        recovered = self.command("recover", self.rings)
        self.assertIn(recovered.status, (0, 1), recovered.visible)
        self.assertEqual(self.left_rings(), rings)
        before = sum(ended for _, ended in self.begun_and_ended())
        wait_until(lambda: sum(e for _, e in self.begun_and_ended()) > before + 1000,
                   what="the victim works on")
        process.kill()
        process.communicate(timeout=60)
        self.assertEqual(self.command("recover", self.rings).status, 0)
        self.assert_all_there(self.dump())

    def test_killed_recover_can_be_run_again(self):
        for number in range(5):
            with self.subTest(number=number):
                # a slow drain: much is left for the recovery
                process = self.start_victim("preload", {"SPANSHIM_FLUSH_MS": "60000"})
                time.sleep(0.3)
                process.kill()
                process.communicate(timeout=60)
                env = self.environment()
                recover = subprocess.Popen([COMMAND, "recover", self.rings], env=env,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(self.random.uniform(0, 0.05))
                recover.kill()
                recover.wait()
                self.assertEqual(self.command("recover", self.rings).status, 0)
                self.assert_all_there(self.dump())
                self.assertEqual(self.left_rings(), [])

    @staticmethod
    def maps_of(pid):
        """What any thread maps: of a process that is being killed, the first one's may be gone before the others'."""
        maps = ""
        for path in glob.glob("/proc/%d/task/*/maps" % pid):
            try:
                with open(path, encoding="utf-8") as file:
                    maps += file.read()
            except (FileNotFoundError, ProcessLookupError):
                pass
        return maps

    def test_the_launcher_is_killed(self):
        """The traced program goes on and nothing is lost."""
        process = self.start_victim("run")
        child = self.child_of(process.pid)
        process.kill()
        process.wait()
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: not self.maps_of(child))
        rings = {os.path.dirname(path) for path in self.left_rings() if path.endswith(".ring")}
        for directory in rings:
            self.assertEqual(self.command("recover", directory).status, 0)
        self.assert_all_there(self.dump())


if __name__ == "__main__":
    main()
