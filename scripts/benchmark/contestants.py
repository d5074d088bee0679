# SPDX-License-Identifier: Apache-2.0
"""The wrapped call's victim, and those who trace it: each with one run(threads, calls, rate).

A run gives {"ns": per call, "calls": made, "lost": calls that are not in what was recorded,
"burst": ns of the longest 64 calls}. A figure with losses is not a cost: a lost call costs less.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time

from .tools import ROOT, Missing, built, preload, say

PLAIN, OURS, BLOCK, UNDECLARED = ("not traced", "spanshim", "spanshim, SPANSHIM_ON_FULL=block",
                                  "spanshim, foo not declared")
UFTRACE, LTTNG = "uftrace PLT hook", "LTTng-UST wrapper"
BINDING = os.path.join(ROOT, "tests/bench/foo.json")
SECONDS_MAX = 120  # of one run; a tracer that takes longer is stuck


class Victim:
    """tests/bench/victim.c, in a directory of its own for what tracers leave behind."""

    def __init__(self, build, directory):
        self.build, self.directory = build, directory
        self.program = os.path.join(build, "tests/bench/bench-victim")

    def words(self, threads, calls, rate, *more):
        return [self.program, str(threads), str(calls), str(rate), *more]

    def result(self, text):
        found = re.search(r"calls (\d+) ns ([\d.]+) burst (\d+)", text)
        return found and {"ns": float(found[2]), "calls": int(found[1]), "burst": int(found[3])}

    def run(self, threads, calls, rate, environment=None, prefix=()):
        words = [*prefix, *self.words(threads, calls, rate)]
        try:
            done = subprocess.run(words, env={**os.environ, **(environment or {})},
                                  cwd=self.directory, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise Missing(f"{words[0]} did not end within {SECONDS_MAX} s") from None
        result = self.result(done.stdout)
        if done.returncode or not result:
            raise Missing(f"{os.path.basename(words[0])}: status {done.returncode}: "
                          + done.stderr.strip()[-300:])
        return result


class Plain:
    name = PLAIN

    def __init__(self, victim):
        self.victim = victim

    def run(self, threads, calls, rate):
        return {**self.victim.run(threads, calls, rate), "lost": 0}


class Spanshim:
    """LD_PRELOAD of the built object; lost is calls made minus spans in the dump."""

    def __init__(self, victim, name=OURS, bindings=BINDING, **environment):
        self.victim, self.name, self.declared = victim, name, bindings == BINDING
        self.out = os.path.join(victim.directory, "spanshim.jsonl")
        self.environment = {"LD_PRELOAD": preload(victim.build), "SPANSHIM_BINDINGS": bindings,
                            "SPANSHIM_OUT": self.out, **environment}

    def run(self, threads, calls, rate):
        result = self.victim.run(threads, calls, rate, self.environment)
        if not self.declared:
            return {**result, "lost": 0}
        spans, declared = self.count()
        lost = result["calls"] - spans
        if lost != declared:
            say(f"{self.name}: {lost} spans are missing, the dump declares {declared}")
        return {**result, "lost": lost, "declared": declared}

    def count(self):
        """Spans of the wrapped call in the dump, which is removed, and the losses it declares."""
        spans = declared = 0
        if not os.path.exists(self.out):
            return 0, 0
        with open(self.out, "rb") as lines:
            for line in lines:
                spans += line.count(b'"name":"action benchfoo"')
                if b"spanshim.dropped." in line:
                    declared += declared_losses(json.loads(line))
        os.unlink(self.out)
        return spans, declared


def declared_losses(line):
    """Spans that never began, by what a line of a dump says."""
    return sum(int(attribute["value"]["intValue"])
               for resource in line.get("resourceSpans", [])
               for attribute in resource["resource"]["attributes"]
               if re.fullmatch(r"spanshim\.dropped\.\w+\.open", attribute["key"]))


class Uftrace:
    name = UFTRACE

    def __init__(self, victim):
        self.victim = victim
        self.data = os.path.join(victim.directory, "uftrace.data")
        self.prefix = ["uftrace", "record", "--force", "--no-event", "-d", self.data]

    def run(self, threads, calls, rate):
        result = self.victim.run(threads, calls, rate, prefix=self.prefix)
        return {**result, "lost": result["calls"] - self.count()}

    def count(self):
        report = subprocess.run(["uftrace", "report", "--no-pager", "-d", self.data],
                                capture_output=True, text=True).stdout
        shutil.rmtree(self.data, ignore_errors=True)
        found = re.search(r"(\d+)\s+foo$", report, re.M)
        return int(found[1]) if found else 0


class Lttng:
    """A preloaded wrapper with a tracepoint before and after the call; lost is in events / 2."""

    name = LTTNG
    session = "spanshim-bench"

    def __init__(self, victim):
        self.victim = victim
        wrapper = os.path.join(victim.build, "tests/bench/libbenchlttng.so")
        self.environment = {"LD_PRELOAD": wrapper}
        self.trace = os.path.join(victim.directory, "lttng-trace")

    @staticmethod
    def control(*words, check=True):
        done = subprocess.run(["lttng", "--no-sessiond", *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if check and done.returncode:
            raise Missing(f"lttng {words[0]}: {done.stderr.strip()[-200:]}")
        return done

    @contextlib.contextmanager
    def tracing(self):
        self.control("create", self.session, "--output=" + self.trace)
        try:
            self.control("enable-channel", "-u", "--buffers-uid", "--subbuf-size=4M",
                         "--num-subbuf=16", "ch", "-s", self.session)
            self.control("enable-event", "-u", "-c", "ch", "bench:*", "-s", self.session)
            self.control("start", self.session)
            yield
        finally:
            self.control("destroy", self.session, check=False)
            shutil.rmtree(self.trace, ignore_errors=True)

    def lost(self, made):
        """After the calls, while tracing()."""
        self.control("stop", self.session)
        listing = self.control("list", self.session).stdout
        written = sum(os.path.getsize(os.path.join(where, name))
                      for where, _, names in os.walk(self.trace) for name in names)
        discarded = re.search(r"Discarded events:\s*(\d+)", listing)
        lost = (int(discarded[1]) + 1) // 2 if discarded else 0
        # an event is 8 bytes or more; the rest of a sub-buffer is padding
        if written < (made - lost) * 16:
            raise Missing(f"lttng recorded only {written} bytes for {made} calls")
        return lost

    def run(self, threads, calls, rate):
        with self.tracing():
            result = self.victim.run(threads, calls, rate, self.environment)
            return {**result, "lost": self.lost(result["calls"])}


@contextlib.contextmanager
def lttng_daemon(directory):
    """A session daemon of our own, ended afterwards, unless one runs already. Gives its pid, or
    None."""
    if Lttng.control("list", check=False).returncode == 0:
        yield None
        return
    os.environ["LTTNG_HOME"] = directory
    daemon = subprocess.Popen(["lttng-sessiond", "--no-kernel"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if Lttng.control("list", check=False).returncode == 0:
                break
            time.sleep(0.1)
        else:
            raise Missing("lttng-sessiond does not answer")
        yield daemon.pid
    finally:
        daemon.terminate()
        daemon.wait()
        del os.environ["LTTNG_HOME"]


def has_uftrace():
    return shutil.which("uftrace") is not None


def has_lttng(build):
    return shutil.which("lttng") is not None and shutil.which("lttng-sessiond") is not None and \
        built(build, "tests/bench/libbenchlttng.so")


def peers(victim, skip):
    """The other tracers that can run here; those that cannot are named in `skip`."""
    found = []
    if has_uftrace():
        found.append(Uftrace(victim))
    else:
        skip.append("uftrace: not installed")
    if has_lttng(victim.build):
        found.append(Lttng(victim))
    else:
        skip.append("LTTng-UST: lttng-tools or liblttng-ust-dev is not installed")
    return found
