"""Near-duplicates: photos with perceptual hashes that differ in few bits and miniatures that are alike.

One photo saved twice is such. The hash alone knows neither colours nor the lines of a text.

Two hashes of 64 bits that differ in at most `MOST_BITS` bits are equal in at least one of `MOST_BITS` + 1 parts, so
only photos that share a part are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
_BLOCK = 1 << 10  # hashes compared with each other at once


@dataclass(frozen=True, eq=False)
class Hashes:
    """The perceptual hashes of a collection's photos, and which of them are near each other."""

    by_photo: Mapping[str, int]  # by the photo's id; only those that tell photos apart
    near: np.ndarray  # uint64 (n, 2): pairs of hashes that differ in 1 to `MOST_BITS` bits

    @classmethod
    def of(cls, hashes: Mapping[str, str]) -> Hashes:
        """Compare all photos, given the perceptual hash (16 hexadecimal digits) of each by its id."""
        by_photo = _usable(hashes)
        values = _distinct(by_photo)
        return cls(by_photo, np.unique(_near_pairs(values, np.ones(len(values), bool)), axis=0))

    def updated(self, hashes: Mapping[str, str], changed: Iterable[str]) -> Hashes:
        """Return the hashes after photos were added, changed or removed, as they would be if all were compared.

        Args:
            hashes: the hashes of the photos that were added or changed.
            changed: the ids of all photos that may have changed; those without a hash have none any more.
        """
        by_photo = {**self.by_photo}
        for photo_id in changed:
            by_photo.pop(photo_id, None)
        by_photo |= _usable(hashes)
        values = _distinct(by_photo)
        new = np.setdiff1d(_distinct(_usable(hashes)), _distinct(self.by_photo), assume_unique=True)
        near = self.near[_are_among(self.near, values).all(axis=1)]
        added = _near_pairs(values, _are_among(values, new))
        return Hashes(by_photo, np.unique(np.concatenate([near, added]), axis=0))

    def groups(self) -> dict[str, int]:
        """Return the number of its group for each photo that is a near-duplicate of another, or both of a third."""
        if not self.by_photo:
            return {}
        values, which = np.unique(_values(self.by_photo), return_inverse=True)
        left, right = np.searchsorted(values, self.near).T
        near = coo_array((np.ones(len(left)), (left, right)), shape=(len(values), len(values)))
        group = connected_components(near, directed=False)[1][which]
        shared = np.flatnonzero(np.bincount(group)[group] > 1)
        ids = list(self.by_photo)
        return {ids[row]: int(number) for row, number in zip(shared.tolist(), group[shared], strict=True)}


def group_near_duplicates(hashes: Mapping[str, str]) -> dict[str, int]:
    """Group photos that are near-duplicates of each other, or of a third one.

    Args:
        hashes: the perceptual hash (16 hexadecimal digits) of each photo, by its id.

    Returns:
        For each photo that has near-duplicates the number of its group.
    """
    return Hashes.of(hashes).groups()


def _usable(hashes: Mapping[str, str]) -> dict[str, int]:
    """Return the hashes, as numbers, that are of photos and not of pictures of one colour."""
    values = {photo_id: int(text, 16) for photo_id, text in hashes.items()}
    return {photo_id: value for photo_id, value in values.items() if _LEAST_SET <= value.bit_count() <= _MOST_SET}


def _values(by_photo: Mapping[str, int]) -> np.ndarray:
    return np.fromiter(by_photo.values(), np.uint64, len(by_photo))


def _distinct(by_photo: Mapping[str, int]) -> np.ndarray:
    """Return the different hashes: uint64, ascending."""
    return np.unique(_values(by_photo))


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


def _are_among(values: np.ndarray, all_values: np.ndarray) -> np.ndarray:
    """Return which values are among others (ascending): bool, in their shape."""
    if not len(all_values):
        return np.zeros(values.shape, bool)
    places = np.minimum(np.searchsorted(all_values, values), len(all_values) - 1)
    return all_values[places] == values


def _near_pairs(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return pairs (n, 2), the lower first, of hashes (uint64, ascending) that are near; some several times.

    Only pairs of which one is chosen (bool) are looked for.
    """
    found = [np.zeros((0, 2), np.uint64)]
    edges = np.linspace(0, _BITS, MOST_BITS + 2).astype(int)
    for low, high in pairwise(edges):
        part = (values >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        sharing = np.flatnonzero(np.bincount(part[chosen].astype(np.int64), minlength=1 << int(high - low))[part] > 0)
        order = sharing[np.argsort(part[sharing], kind="stable")]
        bounds = np.flatnonzero(np.diff(part[order], prepend=-1, append=-1).astype(bool))
        for start, end in pairwise(bounds):
            members = values[order[start:end]] if end > start + 1 else values[:0]
            asked = members[chosen[order[start:end]]] if len(members) else members
            for first in range(0, len(asked), _BLOCK):
                block = asked[first : first + _BLOCK]
                left, right = np.nonzero(np.bitwise_count(block[:, None] ^ members) <= MOST_BITS)
                pairs = np.stack([block[left], members[right]], axis=1)
                found.append(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1))
    return np.concatenate(found)
