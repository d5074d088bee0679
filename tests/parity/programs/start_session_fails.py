# SPDX-License-Identifier: Apache-2.0
"""Sessions that cannot be started."""

import os

from mellea import start_session

os.environ.pop("OPENAI_API_KEY")
try:
    start_session("openai", "tiny")
except ValueError as error:
    print(str(error).splitlines()[0])
try:
    start_session("openai", "tiny", api_key="key", base_url=42)
except Exception as error:
    print(type(error).__name__)
try:
    start_session("no such backend", "tiny")
except Exception as error:
    print(type(error).__name__)
