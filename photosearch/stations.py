"""What the pipeline wants of those who look at pictures, and what they tell."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from photosearch.records import Caption, Detection, Prediction

if TYPE_CHECKING:
    from photosearch.images import Picture  # with Pillow, which searching does without

T = TypeVar("T")


class Station(StrEnum):
    """The kinds of station; models and their work are filed under them."""

    CAPTIONER = "captioner"
    CONCEPTS = "concepts"
    CLASSIFIER = "classifier"
    DETECTOR = "detector"


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


@dataclass(frozen=True)
class Findings:
    """What a station tells of one picture; each station fills its own part."""

    captions: tuple[Caption, ...] = ()  # best first
    objects: tuple[Detection, ...] = ()  # by score
    labels: tuple[Prediction, ...] = ()  # by probability
    concepts: tuple[Prediction, ...] = ()  # by probability


class Observer(Protocol):
    """A station at work: a model that looks at pictures."""

    station: Station
    name: str
    digest: str  # another digest is another model, whose work is kept apart

    def look(self, batch: Batch) -> list[Findings]:
        """What there is to tell of each picture, in order."""
        ...
