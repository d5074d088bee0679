# SPDX-License-Identifier: Apache-2.0
"""Runs the programs given one after another in one process, each to its end, however that is."""

import runpy
import sys
import traceback

for path in sys.argv[1:]:
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit:
        pass
    except Exception:
        traceback.print_exc(file=sys.stdout)
