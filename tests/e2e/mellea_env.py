# SPDX-License-Identifier: Apache-2.0
"""Where tests find Mellea and a model: the environments of scripts/mellea_env, scripts/model_server.

Nothing is installed here: `scripts/mellea_env --tests` (which scripts/test runs) does that. A test that
needs an environment says so with @needs(...) and is skipped where it cannot be had.
"""

import contextlib
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import unittest
import uuid

SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                       "scripts")
MODEL = "tiny"  # any name will do: the server answers as whatever it is asked for


def load(name):
    """A program of scripts/ as a module."""
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(SCRIPTS, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
environments = load("mellea_env")
NEWEST, OLDER = environments.NEWEST, environments.OLDER
# 3.12 before the others: where one Python is enough, all tests take the same
MINORS = sorted(environments.pythons(), key=lambda minor: (minor != "3.12", -int(minor[2:])))


def python(version=NEWEST, telemetry=False, minor=None):
    """The python of an environment that is there, or None. minor: "3.11" ..., else one that is there."""
    for candidate in [minor] if minor else MINORS:
        environment = environments.Environment(version, telemetry, candidate)
        if environment.made():
            return environment.python
    return None


def needs(version=NEWEST, telemetry=False, minor=None):
    """Decorator: skips a test where that environment is not there."""
    return unittest.skipUnless(python(version, telemetry, minor),
                               "no environment with Mellea %s%s%s: scripts/mellea_env makes it" % (
                                   version, "[telemetry]" if telemetry else "",
                                   " for Python " + minor if minor else ""))


@contextlib.contextmanager
def model_server():
    """A model server in a process of its own, which ends with the block; yields its base URL."""
    process = subprocess.Popen([sys.executable, "-B", os.path.join(SCRIPTS, "model_server")],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        url = process.stdout.readline().decode().strip()
        if not url:
            raise AssertionError("the model server did not start")
        yield url
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def program_environment(url):
    """Variables for a program that talks to the model server; with a key, hence a count, of its own.

    Ollama's clients send no key: what they are answered in turn, all of them share.
    """
    return {
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": uuid.uuid4().hex,
        "OLLAMA_HOST": url[:-len("/v1")],
        "MELLEA_LOGS_LEVEL": "CRITICAL",  # its log goes to stdout, with the time of day
        "NO_PROXY": "127.0.0.1",
    }
