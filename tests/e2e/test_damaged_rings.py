# SPDX-License-Identifier: Apache-2.0
"""Ring files as a power cut, a full disk or somebody else leaves them: `spanshim recover` says what it
could not read, writes what it could, and ends.

The searching is done by tests/fuzz; this is the command as a user sees it.
"""

import os
import random
import re
import struct
import threading

from harness import COMMAND, PRELOAD, SIGKILL_STATUS, Case, Dump, main, wait_until

SQLITE3 = "/usr/bin/sqlite3"
ROWS = 5
PAGE = 4096
OFFSETS = {"rings": 24, "strings": 32, "table": 48, "data": 56, "arena": 80}  # in struct ss_image
OUT_STR, EXECUTABLE_STR, METRICS_STR, PATHS_SUM = 108, 120, 176, 240
REASONS = (
    "it is not a ring file", "it is shorter than a header", "it was never finished", "it is of another version",
    "it is shorter than its header says", "its rings lie outside", "its strings lie outside",
    "its clock is unknown", "its count of batches is damaged",
    "a ring's records lie outside, or in another ring", "its binding table is damaged",
    "its binding table lies outside", "an array of its binding table lies outside", "its open spans are damaged",
    "its header is gone", "its output paths are damaged", "its spans cannot be written", "its metrics cannot be written", "its process is alive")
SAID = re.compile(r"[^\n]*: (?:(?:not recovered|left alone): (?:%s)(?:: .*: [A-Z][a-z ]+)?|nothing was ever in it|"
                  r".*\[\d+\]: \d+ spans?(?:, \d+ [a-z ]+)*(?: -> .*)?)\n"
                  % "|".join(map(re.escape, REASONS)), re.S)


def image_sum(total, data):
    """As ss_image_sum has it."""
    for at in range(0, len(data), 8):
        word = data[at:at + 8]
        total = (total ^ int.from_bytes(word, "little") ^ len(word)) * 0x9e3779b97f4a7c15 % 2**64
        total ^= total >> 29
    return total


class Damaged(Case):
    @classmethod
    def setUpClass(cls):
        cls.random = random.Random(os.environ.get("SPANSHIM_TEST_SEED", 11))

    def setUp(self):
        super().setUp()
        self.metrics = self.path("metrics.jsonl")
        self.ring = self.make_ring()
        with open(self.ring, "rb") as file:
            self.whole = file.read()
        self.at = {name: struct.unpack_from("<Q", self.whole, offset)[0] for name, offset in OFFSETS.items()}

    def make_ring(self):
        """Of a process that was killed with some spans written, some open, some not looked at."""
        statements = ["SELECT %d, '%s';" % (i, "x" * i) for i in range(ROWS)]
        env = self.environment("sqlite3", content=True, env={
            "LD_PRELOAD": PRELOAD, "SPANSHIM_RING_BYTES": "64K", "SPANSHIM_METRICS_OUT": self.metrics})
        argv = ["/bin/sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", SQLITE3, self.path("a.db"), *statements,
                ".system sleep 0.5", *statements, ".system kill -9 $PPID"]
        self.assertEqual(self.execute(argv, env).status, SIGKILL_STATUS)
        rings = [path for path in self.left_rings() if path.endswith(".ring")]
        self.assertEqual(len(rings), 1)
        with open(self.out, "rb") as file:
            self.written = file.read()
        return rings[0]

    def recover(self, data):
        """Of such a file: what is said, and the exit status. The dump stays sound, whatever it was."""
        with open(self.ring, "wb") as file:
            file.write(data)
        with open(self.out, "wb") as file:
            file.write(self.written)
        recovered = self.command("recover", self.ring, timeout=60)
        said = recovered.stdout.decode()
        self.assertEqual(recovered.stderr, b"")
        self.assertTrue(said.startswith(self.ring + ": "), said)
        self.assertRegex(said, SAID)
        whole = recovered.status == 0 and "left alone" not in said
        self.assertEqual(os.path.exists(self.ring), "recovered" in said or "left alone" in said, said)
        self.assertLess(os.path.getsize(self.out), 1 << 20)
        dump = Dump(self.out)
        if whole:
            self.assertGreater(len(dump.spans), 0)
        return said[len(self.ring) + 2:-1], recovered.status

    def test_whole(self):
        said, status = self.recover(self.whole)
        self.assertRegex(said, r"sqlite3\[\d+\]: \d+ spans?, \d unfinished -> " + re.escape(self.out))
        self.assertEqual(status, 0)
        dump = Dump(self.out)
        self.assertEqual((dump.count("session sqlite3"), dump.count("action sqlite3")), (1, 2 * ROWS))

    def test_cut_off(self):
        short = "it is shorter than its header says"
        open_spans = "its open spans are damaged"
        for size, why in ((PAGE, "it is shorter than a header"), (self.at["rings"], short),
                          (self.at["strings"] + 100, short), (self.at["data"] + 77, short),
                          (self.at["arena"] - 1, short), (self.at["arena"], open_spans),
                          (len(self.whole) - 1, open_spans)):
            with self.subTest(size=size):
                self.assertEqual(self.recover(self.whole[:size]), ("not recovered: " + why, 1))

    def test_nothing_was_ever_in_it(self):
        """Its maker died before it was done: not worth a file that stays for ever."""
        for data in b"", bytes(PAGE), bytes(len(self.whole)):
            self.assertEqual(self.recover(data), ("nothing was ever in it", 0))

    def test_pages_that_were_never_written(self):
        """What a power cut leaves of a file on a disk: any page may be zeros."""
        self.assertEqual(self.recover(bytes(PAGE) + self.whole[PAGE:]), ("not recovered: its header is gone", 1))
        pages = len(self.whole) // PAGE
        results = {}
        for page in [*range(0, 8), *(self.random.randrange(pages) for _ in range(60))]:
            data = bytearray(self.whole)
            for at in {page, self.random.randrange(1, pages)} if self.random.random() < 0.5 else {page}:
                data[at * PAGE:(at + 1) * PAGE] = bytes(PAGE)
            said, status = self.recover(data)
            results[said.split("[")[0], status] = results.get((said.split("[")[0], status), 0) + 1
        print(results)
        self.assertGreater(sum(n for (_, status), n in results.items() if status == 0), 5)
        self.assertGreater(sum(n for (_, status), n in results.items() if status == 1), 2)

    def test_bits_that_flipped(self):
        results = {}
        for _ in range(120):
            data = bytearray(self.whole)
            for _ in range(self.random.randrange(1, 40)):
                area = self.random.choice(["head", "rings", "table", "data", "arena"])
                at = self.at.get(area, 0) + self.random.randrange(300 if area == "head" else 3000)
                data[at] ^= 1 << self.random.randrange(8)
            said, status = self.recover(data)
            results[said.split("[")[0], status] = results.get((said.split("[")[0], status), 0) + 1
        print(results)
        self.assertGreater(len(results), 4)

    def test_hostile_numbers(self):
        """Each 4 and each 8 bytes of the header, at their limits."""
        for at in range(8, 400, 8):
            for value in b"\xff" * 8, struct.pack("<Q", 2**63), struct.pack("<II", 0, 2**31), bytes(8):
                data = bytearray(self.whole)
                data[at:at + 8] = value
                self.recover(data)

    def test_paths_that_changed(self):
        """Of what must not be written to: all that the file once named is there, and more."""
        executable = struct.pack("<I", struct.unpack_from("<I", self.whole, EXECUTABLE_STR)[0])
        for at, value in ((OUT_STR, executable), (METRICS_STR, executable), (OUT_STR, b"\0" * 4),
                          (self.whole.index(self.out.encode()), b"/u"),
                          (self.whole.index(self.metrics.encode()), b"\0")):
            data = bytearray(self.whole)
            data[at:at + len(value)] = value
            self.assertEqual(self.recover(data), ("not recovered: its output paths are damaged", 1))
            with open(self.out, "rb") as file:
                self.assertEqual(file.read(), self.written)

    def test_names_that_changed(self):
        """Recovered all the same: most are right."""
        data = self.whole.replace(b"session sqlite3\0", b"session sqlite2\0")
        said, status = self.recover(data)
        self.assertRegex(said, r", 1 damaged -> ")
        self.assertEqual(status, 1)
        self.assertTrue(Dump(self.out).one("session sqlite2").unfinished)

    def with_out(self, path):
        """The ring file, naming another output file, whose path is as long."""
        self.assertEqual(len(path), len(self.out))
        data = bytearray(self.whole.replace(self.out.encode() + b"\0", path.encode() + b"\0"))
        struct.pack_into("<Q", data, PATHS_SUM, image_sum(image_sum(0, path.encode()), self.metrics.encode()))
        return data

    def with_fifo(self, meanwhile):
        """recover waits for a reader of its FIFO until `meanwhile` is over."""
        fifo = self.out[:-len(".jsonl")] + "-.fifo"
        os.mkfifo(fifo)
        with open(self.ring, "wb") as file:
            file.write(self.with_out(fifo))
        process = self.start([COMMAND, "recover", self.ring], self.environment())
        # it has mapped the file, and then opens the FIFO
        wait_until(lambda: self.has_mapped(process.pid), what="it reads the ring file")
        wait_until(lambda: self.sleeps(process.pid), what="it waits for a reader")
        meanwhile()
        with open(fifo, "rb") as file:
            reader = threading.Thread(target=file.read)
            reader.start()
            stdout, stderr = process.communicate(timeout=60)
            reader.join()
        return stdout.decode(), stderr, process.returncode

    def has_mapped(self, pid):
        with open("/proc/%d/maps" % pid, encoding="utf-8") as file:
            return self.ring in file.read()

    @staticmethod
    def sleeps(pid):
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] == "S"

    def test_cut_off_while_it_is_read(self):
        """Pages that are gone are SIGBUS to whoever touches them."""
        result = self.with_fifo(lambda: os.truncate(self.ring, 0))
        self.assertEqual(result, (
            self.ring + ": not recovered: it was cut off while it was read\n", b"", 1))

    def test_grown_while_it_is_read(self):
        stdout, stderr, status = self.with_fifo(lambda: os.truncate(self.ring, 1 << 30))
        # damaged is what the test has put in the place of a path
        self.assertRegex(stdout, r": sqlite3\[\d+\]: \d+ spans?, 1 unfinished, 1 damaged -> .*\.fifo\n")
        self.assertEqual((stderr, status), (b"", 1))

    def test_one_among_others(self):
        """What is damaged stands in nobody's way."""
        broken = os.path.join(self.rings, "1-0000000000000001.ring")
        with open(broken, "wb") as file:
            file.write(b"\xff" * len(self.whole))
        recovered = self.command("recover", self.rings)
        self.assertEqual(recovered.status, 1)
        lines = recovered.stdout.decode().splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn(broken + ": not recovered: it is not a ring file", lines)
        self.assertEqual(Dump(self.out).count("action sqlite3"), 2 * ROWS)
        self.assertEqual(self.left_rings(), [broken])


if __name__ == "__main__":
    main()
