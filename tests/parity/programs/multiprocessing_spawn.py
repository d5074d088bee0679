# SPDX-License-Identifier: Apache-2.0
"""Workers of multiprocessing, each with a session of its own."""

import multiprocessing

from mellea import start_session


def work(number):
    with start_session("openai", "worker") as m:
        return str(m.instruct(f"[reply number {number}] Say which.", strategy=None))


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, range(2)))
        pool.close()
        pool.join()
