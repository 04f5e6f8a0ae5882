"""The interface between the pipeline and the models: batches of pictures go in, findings come out."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from photosearch.records import Findings, Station

if TYPE_CHECKING:
    from photosearch.pictures.images import Picture  # with Pillow, which searching does without

T = TypeVar("T")
N_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
N_AT_ONCE = min(N_CORES, 8)  # batches observed at the same time: more would keep more pictures in memory


class Batch:
    """Pictures that several models observe; what one model computed, such as regions, the next ones reuse."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self.pictures = pictures
        self._computed: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what `compute` returned for these pictures; it is called once for each `key`."""
        if key not in self._computed:
            self._computed[key] = compute()
        return cast("T", self._computed[key])


class Observer(Protocol):
    """A model that observes pictures for one station. Several threads may use it at once."""

    station: Station
    name: str
    digest: str  # another digest is another model, whose findings are kept apart

    def observe(self, batch: Batch) -> list[Findings]:
        """Return what the model finds in each picture, in the batch's order; the batch may be empty."""
        ...
