# SPDX-License-Identifier: Apache-2.0
"""Many events through the rings while the drain runs: what was made was written or is told as dropped, to
the last one, and memory does not grow with their number.

An act is a wrapped call and two events: one that opens its span, one that closes it. SPANSHIM_TEST_EVENTS
is the number of events of each run; 1000000000 takes half an hour a run where events wait for the drain,
and about a minute where they are dropped. The dump goes through a FIFO to count_spans, which counts.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from harness import DRIVE, LOAD_BINDING, SANITIZERS, Case, Dump, main

EVENTS = int(os.environ.get("SPANSHIM_TEST_EVENTS", 2_000_000))
PYTHON_EVENTS = EVENTS // 10  # a call of Python's takes twenty times as long
DROPPED_MIN = 10_000_000  # what is dropped takes too little time to look at memory often enough
PER_ACT = 2
COUNT = os.path.join(os.path.dirname(DRIVE), "count_spans")
IDS_KEPT_MAX = 1 << 22  # of count_spans
RING_KB = 4096  # the default of all of a process's rings together
FLAT_KB = 1024  # what may come and go
SAMPLES_PER_S = 200 if EVENTS < 100_000_000 else 5
PYTHON_ACTS = """
import soak_acts, sys
done = 0
for n in range(int(sys.argv[1])):
    done += soak_acts.act(0, n)
print("acts", done)
"""
PYTHON_BINDING = {"spanshim": 1, "name": "soak", "entries": [{
    "python": "soak_acts:act", "role": "action", "when": "call",
    "attributes": [{"key": "load.thread", "value": "arg thread"}, {"key": "load.sequence", "value": "arg sequence"}]}]}


def resident(pid):
    """{kind: kB} of a process's resident memory; {} once it is gone."""
    try:
        with open("/proc/%d/status" % pid, encoding="utf-8") as file:
            return {kind: int(kb) for kind, kb in re.findall(r"(VmRSS|Rss\w+):\s+(\d+) kB", file.read())}
    except ProcessLookupError:
        return {}


class Soak(Case):
    def setUp(self):
        super().setUp()
        # where rings are by default: a disk would have them written to it all the time
        self.rings = tempfile.mkdtemp(prefix="spanshim-soak-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, self.rings)

    def run_beside_counter(self, argv, env, threads, acts):
        """Runs a victim whose dump a counter reads. Returns its acts, what was counted, losses, and samples
        of its memory."""
        fifo, losses = self.path("fifo"), self.path("losses")
        os.mkfifo(fifo)
        env = dict(env, SPANSHIM_OUT=fifo)
        # opened for writing too: it must not see the end before the drain has begun
        held = os.open(fifo, os.O_RDWR)
        with open(fifo, "rb") as reading:
            counter = subprocess.Popen([COUNT, str(threads), str(acts), losses], stdin=reading, stdout=subprocess.PIPE)
        self.addCleanup(counter.stdout.close)
        self.addCleanup(counter.kill)
        started = time.monotonic()
        victim = self.start(argv, env)
        samples = self.sample(victim)
        out, err = victim.communicate()
        seconds = time.monotonic() - started
        os.close(held)
        os.unlink(fifo)
        counted = json.loads(counter.communicate()[0])
        self.assertEqual((victim.returncode, err, counter.returncode), (0, b"", 0))
        made = int(re.fullmatch(rb"acts (\d+)\n", out).group(1))
        return made, counted, Dump(losses).losses, samples, seconds

    @staticmethod
    def sample(victim):
        samples = []
        while victim.poll() is None:
            now = resident(victim.pid)
            if now.get("VmRSS"):
                samples.append(now)
            time.sleep(1 / SAMPLES_PER_S)
        return samples

    def assert_exact(self, made, acts, counted, losses, others, on_full):
        self.assertEqual(made, acts)
        self.assertEqual({name: counted[name] for name in ("twice", "strange", "backwards", "ids_twice")},
                         {"twice": 0, "strange": 0, "backwards": 0, "ids_twice": 0})
        self.assertEqual(counted["others"], others)
        self.assertEqual(counted["spans"], counted["acts"] + others)
        if made <= IDS_KEPT_MAX:
            self.assertEqual(counted["ids"], counted["spans"])
        # none twice, each of a thread and number that there is: as many as were made are all of them
        lost = losses.get("ring_full.open", 0)
        self.assertEqual(counted["acts"] + lost, made)
        self.assertEqual(set(losses), {"ring_full.open"} if on_full == "drop" and lost else set())

    def assert_flat(self, samples, before_kb):
        """Once warm, what the process has for itself does not grow; the rings are as large as they are."""
        if SANITIZERS:  # whose own memory grows
            return
        warm = samples[len(samples) // 5:]
        anonymous = [sample["RssAnon"] for sample in warm]
        self.assertGreater(len(warm), 10)
        self.assertLessEqual(max(anonymous), anonymous[0] + FLAT_KB)
        self.assertLess(max(anonymous), before_kb + 8 * 1024)
        self.assertLess(max(sample["RssShmem"] for sample in samples), RING_KB + 2048)

    def report(self, what, made, counted, losses, samples, seconds):
        print("%s: %d events of %d acts in %.1f s (%.0f ns an act): %d written, %d dropped; %d lines, %d MB"
              % (what, PER_ACT * made, made, seconds, seconds * 1e9 / made, counted["acts"],
                 sum(losses.values()), counted["lines"], counted["bytes"] >> 20))
        for name, at in ("start", 0), ("a fifth", len(samples) // 5), ("half", len(samples) // 2), ("end", -1):
            print("   %-8s" % name, " ".join("%s %5d kB" % pair for pair in samples[at].items()))

    def soak(self, on_full, threads):
        events = max(EVENTS, DROPPED_MIN) if on_full == "drop" else EVENTS
        acts = events // PER_ACT // threads
        env = self.environment(LOAD_BINDING, env={"SPANSHIM_ON_FULL": on_full})
        argv = self.traced_command([DRIVE, "threads", str(threads), str(acts)], "preload", LOAD_BINDING, env)
        result = self.run_beside_counter(argv, env, threads, acts)
        made, counted, losses, samples, _ = result
        self.report("%s, %d threads" % (on_full, threads), *result)
        self.assert_exact(made, threads * acts, counted, losses, 2, on_full)  # the session, and what the threads are in
        self.assertEqual(counted["parents"], min(threads, 2))
        self.assert_flat(samples, 2048 * threads)
        self.assertEqual(self.left_rings(), [])
        log = self.read_log()
        if losses:
            self.assertRegex(log, r"\Aspanshim\[\d+\]: events lost: ring_full.open %d\n\Z" % losses["ring_full.open"])
        else:
            self.assertEqual(log, "")

    def test_block_one_thread(self):
        self.soak("block", 1)

    def test_block_threads(self):
        self.soak("block", 4)

    def test_drop_one_thread(self):
        self.soak("drop", 1)

    def test_drop_threads(self):
        self.soak("drop", 4)

    def test_python(self):
        acts = PYTHON_EVENTS // PER_ACT
        binding = self.write("soak.json", json.dumps(PYTHON_BINDING))
        self.write("soak_acts.py", "def act(thread, sequence):\n    return sequence >= 0\n")
        script = self.write("soak.py", PYTHON_ACTS)
        for on_full in "block", "drop":
            with self.subTest(on_full):
                env = self.environment(binding, env={"SPANSHIM_ON_FULL": on_full})
                argv = self.traced_command(["/usr/bin/python3", "-B", script, str(acts)], "preload", binding, env)
                result = self.run_beside_counter(argv, env, 1, acts)
                made, counted, losses, samples, _ = result
                self.report("python, " + on_full, *result)
                self.assert_exact(made, acts, counted, losses, 0, on_full)
                self.assert_flat(samples, 12 * 1024)


if __name__ == "__main__":
    main()
