# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven over the WebDriver protocol with nothing but the standard library.

Owns the driver's process and the browser's profile. What it does is in the protocol's words: click,
keys, scripts that return a value.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
         "--disable-background-networking", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--force-device-scale-factor=1"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014",
        "ArrowDown": "\ue015", "Home": "\ue011", "End": "\ue010", "PageDown": "\ue00f", "Space": " "}


def free_port():
    """A port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class WebDriverError(Exception):
    """What the driver says went wrong."""


class Browser:
    """One browser with one window. Everything of it is gone after close()."""

    def __init__(self, width=1400, height=900):
        self.holder = tempfile.TemporaryDirectory()
        port = free_port()
        self.base = "http://127.0.0.1:%d" % port
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        environment = dict(os.environ, HOME=self.holder.name, XDG_CONFIG_HOME=self.holder.name)
        self.driver = subprocess.Popen([DRIVER, "--port=%d" % port], env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.session = self._start()
            self.resize(width, height)
        except BaseException:
            self.close()
            raise

    def _start(self):
        flags = FLAGS + ["--user-data-dir=" + os.path.join(self.holder.name, "profile")]
        wanted = {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"binary": BROWSER, "args": flags},
            "goog:loggingPrefs": {"browser": "ALL"}, "unhandledPromptBehavior": "ignore"}}}
        for _ in range(150):
            try:
                return "/session/" + self._ask("POST", "/session", wanted)["sessionId"]
            except urllib.error.URLError:  # the driver does not listen yet
                time.sleep(0.2)
        raise WebDriverError("the driver does not answer")

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with self.opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise WebDriverError(json.load(error)["value"]["message"]) from None

    def close(self):
        """Ends browser and driver."""
        if hasattr(self, "session"):
            try:
                self._ask("DELETE", self.session)
            except (OSError, WebDriverError):
                pass
        self.driver.terminate()
        self.driver.wait(30)
        self.holder.cleanup()

    def post(self, path, **body):
        return self._ask("POST", self.session + path, body)

    def resize(self, width, height):
        self.post("/window/rect", width=width, height=height)

    def open(self, path, fragment=""):
        """A page from a file, once it has read its data. Leaves the page before first: a fragment alone loads nothing."""
        self.post("/url", url="about:blank")
        self.post("/url", url="file://" + path + fragment)
        self.wait("return document.documentElement.dataset.ready === 'yes'")

    def reload(self):
        self.post("/refresh")
        self.wait("return document.documentElement.dataset.ready === 'yes'")

    def run(self, script, *arguments):
        """What a script returns."""
        return self.post("/execute/sync", script=script, args=list(arguments))

    def wait(self, script, *arguments, seconds=60):
        """Until a script returns something true; that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.run(script, *arguments)
            if value:
                return value
            time.sleep(0.03)
        raise AssertionError("never true: %s %r" % (script, arguments))

    def find(self, selector):
        return self.post("/element", using="css selector", value=selector)[ELEMENT]

    def click(self, selector):
        """The page may put another element in the place of one that was found."""
        for left in range(9, -1, -1):
            try:
                self.post("/element/%s/click" % self.find(selector))
                return
            except WebDriverError as error:
                if not left or "stale element" not in str(error):
                    raise

    def pointer(self, selector, *steps):
        """Moves of the mouse, as pairs from the middle of an element, and "down" and "up"."""
        origin, actions = {ELEMENT: self.find(selector)}, []
        for step in steps:
            if step in ("down", "up"):
                actions.append({"type": "pointerDown" if step == "down" else "pointerUp", "button": 0})
            else:
                actions.append({"type": "pointerMove", "duration": 0, "origin": origin, "x": step[0], "y": step[1]})
        self.post("/actions", actions=[{"type": "pointer", "id": "mouse", "actions": actions}])

    def type(self, selector, text):
        """Replaces the text of an input."""
        element = self.find(selector)
        self.post("/element/%s/clear" % element)
        self.post("/element/%s/value" % element, text=text)

    def press(self, *keys):
        """Keys one after the other, by name or as they are."""
        actions = []
        for key in keys:
            value = KEYS.get(key, key)
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self.post("/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def log(self):
        """What the page and the browser have said on the console since last asked."""
        return [entry["message"] for entry in self.post("/se/log", type="browser")]

    def emulate(self, **media):
        """Features as prefers-color-scheme, with underscores."""
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.post("/goog/cdp/execute", cmd="Emulation.setEmulatedMedia", params={"features": features})

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self._ask("GET", self.session + "/screenshot")))
