# SPDX-License-Identifier: Apache-2.0
"""Metrics of Mellea programs: each act moves exactly the series that it should, by exactly as much."""

import os

from harness import Case, main
from mellea_env import NEWEST, OLDER, model_server, needs, program_environment, python
from metrics_file import MetricsFile

PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mellea")
VERSIONS = (NEWEST, OLDER)
REASON = "mark_of_a_reason"
CHAT = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "tiny"}
STRATEGY = "RejectionSamplingStrategy"

# Stands in for litellm, whose wheels with all they need are some 100 MB.
PRICES = '''
model_cost = {"tiny": {}}

def cost_per_token(model, custom_llm_provider, prompt_tokens, completion_tokens, cache_read_input_tokens,
                   cache_creation_input_tokens):
    if model not in model_cost:
        raise SystemExit("asked for a model that is not in the table")
    return prompt_tokens * 0.25, completion_tokens * 0.5
'''

# What is classified here is told apart without openai.
CLASSES = '''
import sys
from instant import Instant
from mellea.core import CBlock
from mellea.stdlib.context import SimpleContext
from mellea.stdlib.session import MelleaSession

class RateLimited(Exception):
    pass

class Early(Instant):
    async def _generate_from_context(self, *args, **kwargs):
        raise kind()

class Late(Instant):
    async def _generate_from_context(self, *args, **kwargs):
        output, context = await super()._generate_from_context(*args, **kwargs)
        while not output._gen.queue.empty():
            output._gen.queue.get_nowait()
        output._gen.queue.put_nowait(kind())
        return output, context

for kind in TimeoutError, ConnectionResetError, RateLimited, KeyError:
    for backend in Early, Late:
        with MelleaSession(backend(), SimpleContext()) as session:
            try:
                session.act(CBlock("a question"), strategy=None)
            except kind:
                pass
print("openai" in sys.modules)
'''


class Expected:
    """Series in the words of a version: {(name, attributes): value}. Values: of counters the sum, of
    tokens in the newer (count, sum), of seconds the count."""

    def __init__(self, version):
        self.old = version == OLDER
        self.series = {}

    def add(self, name, value, **attributes):
        key = name, tuple(sorted((key.replace("__", "."), text) for key, text in attributes.items()))
        self.series[key] = value
        return self

    def chat(self, **more):
        return {**CHAT, **({} if self.old else {"gen_ai.operation.name": "chat"}), **more}

    def tokens(self, count, sums):
        """count: generations; sums: tokens (in, out)."""
        for kind, tokens in zip(("input", "output"), sums):
            if self.old:
                self.add("mellea.llm.tokens." + kind, tokens, **self.chat())
            else:
                self.add("gen_ai.client.token.usage", (count, tokens),
                         **self.chat(**{"gen_ai.token.type": kind}))
        return self

    def duration(self, count, streaming=False, error=None):
        if error and self.old:
            return self
        key = "streaming" if self.old else "gen_ai.request.stream"
        failed = {"error.type": error} if error else {}
        return self.add("mellea.llm.request.duration", count, **self.chat(**{key: streaming}, **failed))

    def first_chunk(self):
        name = "mellea.llm.ttfb" if self.old else "gen_ai.client.operation.time_to_first_chunk"
        return self.add(name, 1, **self.chat())

    def error(self, category, kind):
        key = "error_type" if self.old else "mellea.error.category"
        return self.add("mellea.llm.errors", 1, **self.chat(**{key: category, "error.type": kind}))

    def sampling(self, what, count, strategy=STRATEGY):
        return self.add("mellea.sampling." + what, count, strategy=strategy)

    def stream(self, what):
        return self.sampling(what, 1, "stream_with_chunking" if self.old else "stream")

    def requirement(self, what, count, name="Requirement", **reason):
        return self.add("mellea.requirement." + what, count, requirement=name, **reason)

    def tool(self, name, status):
        return self.add("mellea.tool.calls", 1,
                        **{"tool" if self.old else "gen_ai.tool.name": name, "status": status})


def expected(version, what, reason):
    """reason: the attribute that a failure has where its reason is told."""
    series = Expected(version)
    if what == "answer":
        series.tokens(1, (8, 3)).duration(1)
    elif what == "answer_streaming":
        series.tokens(1, (8, 3)).duration(1, True).first_chunk()
    elif what == "passing_stream":  # and a judge's generation, at its end
        series.tokens(2, (53 if series.old else 68, 6)).duration(1, True).duration(1).first_chunk()
        series.stream("successes").requirement("checks", 2, "NoSwearing")
    elif what == "failed_check":
        series.stream("failures").duration(1, True, "RuntimeError").error("unknown", "RuntimeError")
        series.requirement("checks", 2, "NoSwearing").requirement("failures", 1, "NoSwearing", **reason)
    elif what == "repaired":
        series.tokens(2, (22, 3)).duration(2).sampling("attempts", 2).sampling("successes", 1)
        series.requirement("checks", 2).requirement("failures", 1, **reason)
    elif what == "exhausted":
        series.tokens(2, (16, 2)).duration(2).sampling("attempts", 2).sampling("failures", 1)
        series.requirement("checks", 2).requirement("failures", 2, **reason)
    elif what == "judged":
        series.tokens(2, (54 if series.old else 69, 2)).duration(2)
        series.sampling("attempts", 1).sampling("failures", 1)
        series.requirement("checks", 1).requirement("failures", 1, reason="LLM judgment")
    elif what == "status":
        series.duration(1, error="InternalServerError").error("server_error", "InternalServerError")
    elif what == "tool":
        series.tokens(1, (10, 5)).duration(1).tool("divide", "failure")
    else:
        raise KeyError(what)
    return series.series


EACH = ("answer", "answer_streaming", "passing_stream", "failed_check", "repaired", "exhausted", "judged",
        "status", "tool")


class Metrics(Case):
    @classmethod
    def setUpClass(cls):
        server = model_server()
        cls.url = server.__enter__()
        cls.addClassCleanup(server.__exit__, None, None, None)

    def setUp(self):
        super().setUp()
        self.metrics = self.path("metrics.jsonl")

    def environment(self, bindings=None, content=False, env=None):
        return super().environment(bindings, content, {
            **program_environment(self.url), "SPANSHIM_METRICS_OUT": self.metrics, **(env or {})})

    def measured(self, version, *acts, telemetry=False, **options):
        """{act: series as in Expected}, in a program of that version."""
        argv = [python(version, telemetry), "-B", os.path.join(PROGRAMS, "measured.py"), *acts]
        result = self.trace(argv, via="preload", **options)
        self.assertEqual(result.status, 0, result.stderr)
        lines = dict(line.split() for line in result.stdout.decode().splitlines())
        self.assertEqual(sorted(lines.values()), sorted(acts))
        found = {act: {} for act in acts}
        for image in MetricsFile(self.metrics).images.values():
            found[lines[str(image.resource["process.pid"])]] = self.series(image, version)
        for path in self.out, self.metrics:
            if os.path.exists(path):
                self.assert_checks(path)
                os.remove(path)
        return found

    def series(self, image, version):
        self.assertEqual((image.losses, image.resource["service.name"]), ({}, "mellea"))
        series = {}
        for (name, attributes), point in image.series.items():
            self.assertEqual(image.scopes[name], {"name": "mellea.metrics", "version": version})
            value = point.sum
            if point.buckets:
                value = point.count if image.units[name] == "s" else (point.count, point.sum)
            series[name, attributes] = value
        return series

    # ---- what moves

    @needs(NEWEST)
    def test_each_act(self):
        """Nothing else moves. A reason is content: with the gate closed it is not told."""
        for version in filter(python, VERSIONS):
            found = self.measured(version, *EACH)
            for act in EACH:
                with self.subTest(act, version=version):
                    self.assertEqual(found[act], expected(version, act, {}))

    @needs(NEWEST)
    def test_reasons(self):
        """With the gate open. They may need more room than one event has; each is cut to what a label
        holds."""
        acts = "failed_check", "repaired", "exhausted", "judged"
        for version in filter(python, VERSIONS):
            found = self.measured(version, *acts, "long_reasons", content=True)
            for act in acts:
                with self.subTest(act, version=version):
                    self.assertEqual(found[act], expected(version, act, {"reason": REASON}))
            found = found["long_reasons"]
            failures = {dict(attributes)["reason"]: value for (name, attributes), value in found.items()
                        if name == "mellea.requirement.failures"}
            self.assertEqual(failures, {"%02d" % i + "\u00e9" * 509: 1 for i in range(20)})
            self.assertEqual(found["mellea.requirement.checks", (("requirement", "Requirement"),)], 20)

    @needs(NEWEST)
    def test_classes(self):
        """Errors have the class that Mellea gives them, and openai is not imported for that."""
        for version in filter(python, VERSIONS):
            argv = [python(version), "-B", self.write("classes.py", CLASSES)]
            result = self.trace(argv, via="preload", env={"PYTHONPATH": PROGRAMS})
            self.assertEqual(result.visible, (b"False\n", b"", 0))
            key = "error_type" if version == OLDER else "mellea.error.category"
            told = {}
            for point in MetricsFile(self.metrics).only.named("mellea.llm.errors"):
                told[point.attributes["error.type"], point.attributes["gen_ai.request.model"]] = (
                    point.attributes[key], point.count)
            classes = {"TimeoutError": "timeout", "ConnectionResetError": "transport_error",
                       "RateLimited": "rate_limit", "KeyError": "unknown"}
            self.assertEqual(told, {(kind, model): (category, 1) for kind, category in classes.items()
                                    for model in ("instant", "unknown")})
            os.remove(self.metrics)
            os.remove(self.out)

    # ---- the program's own telemetry

    @needs(NEWEST, telemetry=True)
    def test_own_metrics(self):
        """No double telemetry: only spans are written, and the log says why, once."""
        for version in VERSIONS:
            if not python(version, True):
                continue
            found = self.measured(version, "answer", "status", telemetry=True, quiet=False,
                                  env={"MELLEA_METRICS_ENABLED": "true"})
            self.assertEqual(found, {"answer": {}, "status": {}})
            log = self.read_log()
            self.assertEqual((log.count("Mellea's own metrics are on"), len(log.splitlines())), (1, 1))
            os.remove(self.log)

    @needs(NEWEST, telemetry=True)
    def test_own_tracing(self):
        """Mellea's spans are its own then; what it does not record is still measured."""
        acts = "answer", "failed_check", "exhausted", "status", "tool"
        for version in VERSIONS:
            if not python(version, True):
                continue
            found = self.measured(version, *acts, telemetry=True, quiet=False,
                                  env={"MELLEA_TRACES_ENABLED": "true"})
            for act in acts:
                with self.subTest(act, version=version):
                    self.assertEqual(found[act], expected(version, act, {}))

    # ---- crashes

    @needs(NEWEST)
    def test_killed_in_a_stream(self):
        """What had ended is measured; with the gate closed no reason was ever in the ring file."""
        for version, content in (NEWEST, False), (NEWEST, True), (OLDER, False):
            if not python(version):
                continue
            argv = [python(version), "-B", os.path.join(PROGRAMS, "measured.py"), "kill"]
            full = self.environment(content=content)
            result = self.execute(self.traced_command(argv, "preload", None, full), full)
            self.assertEqual(result.stdout.split()[1:], [b"kill"], result.stderr)
            left, = filter(os.path.isfile, self.left_rings())
            with open(left, "rb") as file:
                self.assertEqual(REASON.encode() in file.read(), content)
            recovered = self.command("recover", self.rings)
            self.assertEqual(recovered.status, 0, recovered.visible)
            reason = {"reason": REASON} if content else {}
            self.assertEqual(self.series(MetricsFile(self.metrics).only, version),
                             expected(version, "exhausted", reason))
            os.remove(self.metrics)
            os.remove(self.out)

    # ---- prices

    @needs(NEWEST)
    def test_cost(self):
        """As litellm says, where the program (or its Mellea, as 0.7) has imported it, and it knows the
        model. What it does not know it is not asked for: it would say so on stdout."""
        aside = self.make_directory("prices")
        self.write("prices/litellm.py", PRICES)
        imported, off = {"PRICES": "1"}, {"PRICES": "1", "MELLEA_PRICING_ENABLED": "false"}
        for version, env, is_priced in ((NEWEST, imported, True), (NEWEST, {}, False),
                                        (NEWEST, off, False), (OLDER, {}, True)):
            if not python(version):
                continue
            found = self.measured(version, "answer", "unpriced", env={"PYTHONPATH": aside, **env})
            series = Expected(version)
            if is_priced:
                series.add("mellea.llm.cost.usd", 8 * 0.25 + 3 * 0.5, **series.chat())
            self.assertEqual(found["answer"], {**expected(version, "answer", {}), **series.series})
            self.assertEqual(len(found["unpriced"]), 3)


if __name__ == "__main__":
    main()
