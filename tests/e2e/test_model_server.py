# SPDX-License-Identifier: Apache-2.0
"""scripts/model_server: the same answers to the same questions, and every way to misbehave."""

import http.client
import json
import unittest
import urllib.error
import urllib.request

import mellea_env


class ModelServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = mellea_env.model_server()
        cls.url = server.__enter__()
        cls.addClassCleanup(server.__exit__, None, None, None)

    def post(self, path, request, key="key"):
        return urllib.request.urlopen(urllib.request.Request(
            self.url + path, json.dumps(request).encode(),
            {"Authorization": "Bearer " + key, "Content-Type": "application/json"}), timeout=20)

    def ask(self, text, key="key", **more):
        """The body of a chat completion, as it came."""
        with self.post("/chat/completions", {
                "model": "m", "messages": [{"role": "user", "content": text}], **more}, key) as answer:
            return answer.read()

    def chat(self, text, key="key", **more):
        return json.loads(self.ask(text, key, **more))

    def text(self, text, key="key"):
        return self.chat(text, key)["choices"][0]["message"]["content"]

    def events(self, text, **more):
        """The data of a stream's events."""
        body = self.ask(text, stream=True, **more).decode()
        return [line[len("data: "):] for line in body.split("\n\n") if line]

    def test_same_answer_for_each_run(self):
        for question in ("Tell me about moons", "[reply a b c] x", "anything"):
            self.assertEqual(self.chat(question, "one"), self.chat(question, "two"))
        self.assertNotEqual(self.chat("again", "one")["id"], self.chat("again", "one")["id"])

    def test_answers_in_turn(self):
        said = [self.text("[reply a | b] x", "turn") for _ in range(3)]
        self.assertEqual(said, ["a", "b", "b"])
        self.assertEqual(self.text("[reply a | b] x", "another"), "a")

    def test_judge(self):
        asked = "Reply with 'yes' or 'no'. Output: [reply never] Requirement: %sIs short."
        self.assertEqual(self.text(asked % ""), "yes")
        self.assertEqual([self.text(asked % "[judge no | yes] ", "judge") for _ in range(2)],
                         ["no", "yes"])

    def test_usage_and_finish(self):
        answer = self.chat("one two three [finish length]")
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")
        self.assertEqual(set(answer["usage"]), {
            "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
            "completion_tokens_details"})
        self.assertEqual(set(self.chat("[usage plain]")["usage"]),
                         {"prompt_tokens", "completion_tokens", "total_tokens"})
        self.assertNotIn("usage", self.chat("[usage none]"))

    def test_tools(self):
        tools = [{"type": "function", "function": {"name": "weather", "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}}}}]
        told = self.chat('[tool weather {"city": "Rome"}]', tools=tools)["choices"][0]
        self.assertEqual(told["finish_reason"], "tool_calls")
        self.assertEqual(told["message"]["tool_calls"][0]["function"],
                         {"name": "weather", "arguments": '{"city": "Rome"}'})
        guessed = self.chat("The weather in Oslo?", tools=tools)["choices"][0]["message"]
        self.assertEqual(json.loads(guessed["tool_calls"][0]["function"]["arguments"]),
                         {"city": "Oslo"})
        self.assertNotIn("tool_calls", self.chat("[tool weather]")["choices"][0]["message"])

    def test_stream(self):
        events = self.events("[reply one two three]", stream_options={"include_usage": True})
        self.assertEqual(events[-1], "[DONE]")
        chunks = [json.loads(event) for event in events[:-1]]
        deltas = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks
                  if chunk["choices"]]
        self.assertEqual(deltas, ["one ", "two ", "three", ""])
        self.assertEqual(chunks[-1]["usage"]["completion_tokens"], 3)

    def test_completions(self):
        with self.post("/completions", {"model": "m", "prompt": ["[reply a]", "[reply b]"]}) as answer:
            choices = json.load(answer)["choices"]
        self.assertEqual([choice["text"] for choice in choices], ["a", "b"])

    def test_errors(self):
        with self.assertRaises(urllib.error.HTTPError) as raised:
            self.ask("[status 503]")
        self.assertEqual(raised.exception.code, 503)
        self.assertIn("error", json.load(raised.exception))
        with self.assertRaises(ValueError):
            self.chat("[malformed]")
        with self.assertRaises(http.client.IncompleteRead) as cut:
            self.events("[reply one two three] [cut 2]")
        self.assertEqual(cut.exception.partial.count(b"data: "), 2)
        with self.assertRaises(http.client.IncompleteRead) as cut:
            self.events("[reply one two three] [error 1]")
        self.assertIn(b'"error"', cut.exception.partial.split(b"data: ")[-1])
        with self.assertRaises(TimeoutError):
            urllib.request.urlopen(urllib.request.Request(
                self.url + "/chat/completions", json.dumps({
                    "model": "m [hang]", "messages": [{"role": "user", "content": "x"}]}).encode()),
                timeout=0.2)
        self.assertEqual(self.text("[reply still here]"), "still here")


if __name__ == "__main__":
    unittest.main(verbosity=2)
