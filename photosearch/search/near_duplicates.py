"""Near-duplicates: photos whose perceptual hashes differ in few bits, such as one photo saved twice.

Two hashes of 64 bits that differ in at most `MOST_BITS` bits are equal in at least one of `MOST_BITS` + 1 parts, so
only photos that share a part are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

MOST_BITS = 4  # a photo saved again smaller or coarser differs in 0 to 4 bits, another photo in 20 and more
_LEAST_SET, _MOST_SET = 16, 48  # about half of a photo's bits are set; in a picture of one colour the hash is noise
_BITS = 64


def group_near_duplicates(hashes: Mapping[str, str]) -> dict[str, int]:
    """Group photos that are near-duplicates of each other, or of a third one.

    Args:
        hashes: the perceptual hash (16 hexadecimal digits) of each photo, by its id.

    Returns:
        For each photo that has near-duplicates the number of its group.
    """
    values = np.array([int(text, 16) for text in hashes.values()], dtype=np.uint64)
    set_bits = np.bitwise_count(values)
    usable = np.flatnonzero((set_bits >= _LEAST_SET) & (set_bits <= _MOST_SET))
    if not len(usable):
        return {}
    distinct, which = np.unique(values[usable], return_inverse=True)
    pairs = [np.zeros((0, 2), np.int64), *_near_pairs(distinct)]
    left, right = np.concatenate(pairs).T
    near = coo_array((np.ones(len(left)), (left, right)), shape=(len(distinct), len(distinct)))
    group = connected_components(near, directed=False)[1][which]
    shared = np.bincount(group)[group] > 1
    ids = list(hashes)
    return {ids[row]: int(number) for row, number in zip(usable[shared], group[shared], strict=True)}


def _near_pairs(values: np.ndarray) -> Iterator[np.ndarray]:
    """Yield pairs (n, 2) of places in `values` (uint64, distinct) that differ in at most `MOST_BITS`; some twice."""
    edges = np.linspace(0, _BITS, MOST_BITS + 2).astype(int)
    for low, high in pairwise(edges):
        part = (values >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(part, kind="stable")
        bounds = np.flatnonzero(np.diff(part[order], prepend=-1, append=-1).astype(bool))
        for start, end in pairwise(bounds):
            members = order[start:end]
            for i in range(len(members) - 1):
                rest = members[i + 1 :]
                near = rest[np.bitwise_count(values[rest] ^ values[members[i]]) <= MOST_BITS]
                if len(near):
                    yield np.stack([np.full(len(near), members[i]), near], axis=1)
