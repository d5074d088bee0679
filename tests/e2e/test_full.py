# SPDX-License-Identifier: Apache-2.0
"""The drain frozen: `drop` never slows the program and counts exactly, `block` loses nothing.

The drain is frozen by giving it a FIFO without a reader as output.
"""

import os
import re
import select
import subprocess
import threading

from harness import DRIVE, LOAD_BINDING, Case, Dump, main

SESSION, ACTION = "session load", "action load"
ACTS = 200_000
NS_MAX = 20_000  # of an act, on a busy machine: a program that waits for a reader takes for ever


class FifoReader:
    """Copies a FIFO to a file from now on, in a thread of its own."""

    def __init__(self, fifo, path):
        self.descriptor = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)  # a reader that sees no end
        self.file = open(path, "wb")
        self.stopping = False
        self.thread = threading.Thread(target=self.copy)
        self.thread.start()

    def copy(self):
        while True:
            ready, _, _ = select.select([self.descriptor], [], [], 0.05)
            if ready:
                self.file.write(os.read(self.descriptor, 1 << 20))
            elif self.stopping:
                return

    def close(self):
        """Once no writer is left: reads the rest."""
        self.stopping = True
        self.thread.join()
        self.file.close()
        os.close(self.descriptor)


class Full(Case):
    def setUp(self):
        super().setUp()
        self.fifo = self.path("fifo")
        os.mkfifo(self.fifo)

    def start_victim(self, via, on_full):
        env = self.environment(LOAD_BINDING, env={
            "SPANSHIM_OUT": self.fifo, "SPANSHIM_ON_FULL": on_full, "SPANSHIM_RING_BYTES": "1M"})
        argv = self.traced_command([DRIVE, "speed", str(ACTS)], via, LOAD_BINDING, env)
        return self.start(argv, env)

    def finished(self, process, timeout):
        """Waits for the victim's end; the ns that an act took."""
        out, err = process.communicate(timeout=timeout)
        self.assertEqual((process.returncode, err), (0, b""))
        acts, ns = re.fullmatch(rb"acts (\d+) ns (\d+)\n", out).groups()
        self.assertEqual(int(acts), ACTS)
        return int(ns) / ACTS

    def read_from_now(self):
        return FifoReader(self.fifo, self.out)

    def assert_exact(self, dump):
        """made = written + dropped, and nothing that was let in lost its end."""
        written, lost = dump.count(ACTION), dump.lost("open")
        print("made %d, written %d, dropped %d" % (ACTS, written, lost))
        self.assertGreater(lost, 0)
        self.assertEqual(written + lost, ACTS)
        self.assertEqual(set(dump.losses), {"ring_full.open"})
        session = dump.one(SESSION)
        self.assertFalse(session.unfinished)
        sequences = {act.attributes["load.sequence"] for act in dump.named(ACTION)}
        self.assertEqual(len(sequences), written)
        self.assertTrue(all(act.parent_id == session.span_id for act in dump.named(ACTION)))
        self.assertEqual(dump.inconsistencies(), [])

    def test_drop_then_recover(self):
        process = self.start_victim("preload", "drop")
        ns = self.finished(process, 60)
        print("an act took %.0f ns while nothing was drained" % ns)
        self.assertLess(ns, NS_MAX)
        self.assertNotEqual(self.left_rings(), [])
        reader = self.read_from_now()
        recovered = self.command("recover", self.rings)
        reader.close()
        self.assertEqual(recovered.status, 0, recovered.visible)
        self.assertEqual(self.left_rings(), [])
        self.assert_exact(Dump(self.out))

    def test_drop_with_the_launcher(self):
        process = self.start_victim("run", "drop")
        line = process.stdout.readline()  # the victim is through, and no one has read yet
        ns = int(re.fullmatch(rb"acts \d+ ns (\d+)\n", line).group(1)) / ACTS
        self.assertLess(ns, NS_MAX)
        reader = self.read_from_now()
        out, err = process.communicate(timeout=60)
        reader.close()
        self.assertEqual((process.returncode, out, err), (0, b"", b""))
        self.assertEqual(self.left_rings(), [])
        self.assert_exact(Dump(self.out))

    def test_block_waits_and_loses_nothing(self):
        process = self.start_victim("preload", "block")
        with self.assertRaises(subprocess.TimeoutExpired, msg="it does not wait"):
            process.wait(timeout=3)
        reader = self.read_from_now()
        self.finished(process, 120)
        reader.close()
        dump = Dump(self.out)
        self.assertEqual(dump.losses, {})
        self.assertEqual(dump.names(), {SESSION: 1, ACTION: ACTS})
        sequences = {act.attributes["load.sequence"] for act in dump.named(ACTION)}
        self.assertEqual(sequences, set(range(ACTS)))
        self.assertEqual(dump.inconsistencies(), [])
        self.assertEqual(self.left_rings(), [])

    def test_drop_then_exec(self):
        """Nothing is open at the exec: the ring file must stay all the same, to tell the losses."""
        source = "import os, sqlite3, sys\n" \
                 "db = sqlite3.connect(':memory:', isolation_level=None)\n" \
                 "for n in range(40000): db.execute('SELECT %d' % n).fetchall()\n" \
                 "print('through', flush=True)\n" \
                 "sys.stdin.readline()\n" \
                 "db.close()\n" \
                 "os.execv('/bin/true', ['true'])\n"
        env = self.environment("sqlite3", env={"SPANSHIM_OUT": self.fifo,
                                               "SPANSHIM_RING_BYTES": "64K"})
        argv = self.traced_command(["/usr/bin/python3", "-I", "-c", source], "preload", None, env)
        process = self.start(argv, env, stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"through\n")
        reader = self.read_from_now()
        self.assertEqual(process.communicate(b"\n", timeout=60), (b"", b""))
        self.assertEqual(process.returncode, 0)
        recovered = self.command("recover", self.rings)
        reader.close()
        self.assertEqual(recovered.status, 0, recovered.visible)
        dump = Dump(self.out)
        # of each statement either the action was lost, or its stream was, or that is here
        self.assertEqual(dump.count("stream sqlite3") + dump.lost("open"), 40000, dump.losses)
        self.assertFalse(dump.one("session sqlite3").unfinished)
        self.assertEqual(self.left_rings(), [])

    def test_exit_beside_threads_that_never_let_up(self):
        """The rings are full all the time, so the drain always has something to do: it must serve
        the exit all the same."""
        for on_full in "block", "drop":
            with self.subTest(on_full):
                out = self.path(on_full + ".jsonl")
                env = self.environment(LOAD_BINDING, env={
                    "SPANSHIM_OUT": out, "SPANSHIM_ON_FULL": on_full, "SPANSHIM_RING_BYTES": "64K"})
                argv = self.traced_command([DRIVE, "leave", "4", "200"], "preload", LOAD_BINDING, env)
                done = self.execute(argv, env, timeout=30)
                self.assertEqual(done.visible, (b"", b"", 0))
                dump = Dump(out)
                self.assertGreater(dump.count(ACTION), 100)
                self.assertEqual(dump.losses == {}, on_full == "block")
                self.assertEqual(self.left_rings(), [])

    def test_killed_while_blocked(self):
        process = self.start_victim("preload", "block")
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.kill()
        process.communicate()
        reader = self.read_from_now()
        recovered = self.command("recover", self.rings)
        reader.close()
        self.assertEqual(recovered.status, 0, recovered.visible)
        dump = Dump(self.out)
        self.assertTrue(dump.one(SESSION).unfinished)
        sequences = sorted(act.attributes["load.sequence"] for act in dump.named(ACTION))
        self.assertEqual(sequences, list(range(len(sequences))), "a gap, or one twice")
        self.assertGreater(len(sequences), 1000)
        self.assertEqual(dump.losses, {})


if __name__ == "__main__":
    main()
