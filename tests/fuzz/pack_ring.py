#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: pack_ring.py RING >corpus/ring/NAME. A ring file in the short form of ring_file.h.

A ring that is small enough: SPANSHIM_RING_BYTES=64K and `ulimit -f 1000` before the traced program, which
is then killed. Blocks of the arena that are free are left out.
"""

import struct
import sys

PART_BYTES, PART_SIZE = 0, 2
ARENA_OFF_AT = 80  # offsetof(struct ss_image, arena_off)
BLOCK = 256


def runs(data):
    """Where there is something, in 8-byte words, joined over short gaps."""
    start, gap = None, 0
    for at in range(0, len(data), 8):
        if any(data[at:at + 8]):
            start = at if start is None else start
            gap = 0
        elif start is not None:
            gap += 8
            if gap > 16:
                yield start, at + 8 - gap
                start = None
    if start is not None:
        yield start, len(data)


def main(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    arena, = struct.unpack_from("<Q", data, ARENA_OFF_AT)
    for at in range(arena, len(data) - BLOCK + 1, BLOCK):
        born, freed = struct.unpack_from("<QQ", data, at)
        if born == 0 or freed != 0:
            data[at:at + BLOCK] = bytes(BLOCK)
    out = sys.stdout.buffer
    out.write(b"\0")
    for start, end in runs(data):
        for at in range(start, end, 0xfff8):
            piece = bytes(data[at:min(end, at + 0xfff8)])
            out.write(struct.pack("<BBHI", PART_BYTES, 0, len(piece), at) + piece)
    out.write(struct.pack("<BBHI", PART_SIZE, 0, 0, len(data)))


if __name__ == "__main__":
    main(*sys.argv[1:])
