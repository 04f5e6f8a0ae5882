"""What the pipeline wants of those who look at pictures, and what they tell."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from photosearch.records import Findings, Station

if TYPE_CHECKING:
    from photosearch.images import Picture  # with Pillow, which searching does without

T = TypeVar("T")


class Batch:
    """Pictures that stations look at together; what one of them has computed, the next need not."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self.pictures = pictures
        self._known: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes of these pictures, made once under `key`."""
        if key not in self._known:
            self._known[key] = make()
        return cast("T", self._known[key])


class Observer(Protocol):
    """A station at work: a model that looks at pictures."""

    station: Station
    name: str
    digest: str  # another digest is another model, whose work is kept apart

    def observe(self, batch: Batch) -> list[Findings]:
        """What there is to tell of each picture, in order."""
        ...
