# SPDX-License-Identifier: Apache-2.0
"""Debian packages unpacked below the build directory, for programs that had better not be installed.

A server's package would start it, and some packages conflict with those that the build needs. Nothing
of what is unpacked here runs but in the tests.
"""

import os
import shutil
import subprocess
import tempfile

from transparency import BUILD


def unpack(name, *packages):
    """Directory with the packages' files, made once; None where they cannot be had."""
    directory = os.path.join(BUILD, "host", name)
    if os.path.isdir(directory):
        return directory
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return None
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(directory)) as work:
        os.chmod(work, 0o755)
        got = subprocess.run(["apt-get", "download", "-q", *packages], cwd=work, capture_output=True, check=False)
        debs = [os.path.join(work, file) for file in os.listdir(work) if file.endswith(".deb")]
        if got.returncode or len(debs) != len(packages):
            return None
        for deb in debs:
            subprocess.run(["dpkg-deb", "-x", deb, os.path.join(work, "root")], check=True)
        os.rename(os.path.join(work, "root"), directory)
    os.chmod(directory, 0o755)
    return directory
