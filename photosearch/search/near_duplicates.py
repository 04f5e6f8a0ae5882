"""Near-duplicates: photos with perceptual hashes that differ in few bits and miniatures that are alike.

One photo saved twice is such. The hash alone knows neither colours nor the lines of a text.

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
_N_BRIGHTNESS, _N_COLOURS = 16 * 16, 2 * 4 * 4  # a miniature's bytes, as `images.miniature` makes them
# One photo saved in several sizes and qualities differs by at most .002 and 3; two letters with other lines of text by
# .023, a red ball and a green one by 110 (25 photos of Flickr8k, two of scikit-learn, drawn pictures).
_MOST_UNLIKE = 0.01  # 1 - correlation of the parts' brightness
_MOST_COLOUR = 24  # of 255: difference of a colour difference in any part
_ROWS_AT_ONCE = 256


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


def compare_miniatures(groups: Mapping[str, int], miniatures: Mapping[str, bytes]) -> dict[str, int]:
    """Split groups into photos whose miniatures are alike, or both like a third one's.

    Args:
        groups: the group of each photo, as `group_near_duplicates` returns it.
        miniatures: of the photos' pictures (`images.miniature`); a photo without one stays with its whole group.

    Returns:
        For each photo that still has near-duplicates the number of its group.
    """
    members: dict[int, list[str]] = {}
    for photo_id, group in groups.items():
        members.setdefault(group, []).append(photo_id)
    split: dict[str, int] = {}
    n_groups = 0
    for ids in members.values():
        of_group = [miniatures.get(photo_id, b"") for photo_id in ids]
        if all(len(miniature) == _N_BRIGHTNESS + _N_COLOURS for miniature in of_group):
            parts = _alike(of_group)
        else:
            parts = np.zeros(len(ids), np.int64)
        shared = np.bincount(parts)[parts] > 1
        split.update((ids[row], n_groups + int(parts[row])) for row in np.flatnonzero(shared).tolist())
        n_groups += int(parts.max()) + 1
    return split


def _alike(miniatures: list[bytes]) -> np.ndarray:
    """Return the number of each miniature's group: int (n)."""
    whole = np.frombuffer(b"".join(miniatures), np.uint8).reshape(len(miniatures), -1)
    distinct, which = np.unique(whole, axis=0, return_inverse=True)
    parts = distinct.astype(np.float32)
    brightness, colours = parts[:, :_N_BRIGHTNESS], parts[:, _N_BRIGHTNESS:]
    brightness = brightness - brightness.mean(1, keepdims=True)
    brightness /= np.maximum(np.linalg.norm(brightness, axis=1, keepdims=True), 1)
    near = []
    for first in range(0, len(parts), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        is_near = brightness[rows] @ brightness.T >= 1 - _MOST_UNLIKE
        left, right = np.nonzero(is_near)
        same_colours = np.abs(colours[left + first] - colours[right]).max(1, initial=0) <= _MOST_COLOUR
        near.append(np.stack([left[same_colours] + first, right[same_colours]]))
    left, right = np.concatenate(near, axis=1)
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(len(parts), len(parts)))
    return connected_components(graph, directed=False)[1][which]


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
