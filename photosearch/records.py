"""What travels between rooms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class PhotoState(StrEnum):
    """Where a photo stands."""

    NEW = "new"  # listed, its bytes not read yet
    READY = "ready"  # captioned
    FAILED = "failed"  # cannot be used; the reason says why
    GONE = "gone"  # no longer where it came from; comes back when it does


@dataclass(frozen=True)
class Caption:
    """One sentence about a photo."""

    text: str
    log_prob: float | None  # nats a word, <= 0; None for a human's sentence
    model: str | None  # the model that wrote it; None for a human
    rank: int = 0  # 0: the one shown first

    @property
    def edited(self) -> bool:
        """Whether a human wrote it."""
        return self.model is None


@dataclass(frozen=True)
class Detection:
    """One object in a photo; the box is x, y, width, height as shares of the photo's sides."""

    label: str
    score: float
    box: tuple[float, float, float, float]


class Prediction(NamedTuple):
    """A label or concept with its probability; a tuple, since a photo has two hundred of them."""

    term: str
    prob: float


class Station(StrEnum):
    """The kinds of station; models and their work are filed under them."""

    CAPTIONER = "captioner"
    CONCEPTS = "concepts"
    CLASSIFIER = "classifier"
    DETECTOR = "detector"


@dataclass(frozen=True)
class Findings:
    """What a station tells of one picture; each station fills its own part."""

    captions: tuple[Caption, ...] = ()  # best first
    objects: tuple[Detection, ...] = ()  # by score
    labels: tuple[Prediction, ...] = ()  # by probability
    concepts: tuple[Prediction, ...] = ()  # by probability


class TextKind(StrEnum):
    """Who says a text that hangs on a photo."""

    OWNER = "owner"  # the post's text
    ACCESSIBILITY = "accessibility"  # Instagram's own description
    HASHTAG = "hashtag"  # one a text, without its sign
    MENTION = "mention"  # one a text, without its sign
    HUMAN = "human"  # a correction made here
    IMPORTED = "imported"  # a caption that another system wrote
    OBJECT = "object"  # an object that another system named


@dataclass(frozen=True)
class Details:
    """What came with a photo."""

    permalink: str | None = None
    taken_at: datetime | None = None  # UTC without a zone; a camera's own clock where it says no zone
    place: str | None = None
    latitude: float | None = None  # degrees, north positive
    longitude: float | None = None  # degrees, east positive
    n_likes: int | None = None
    n_comments: int | None = None
    texts: tuple[tuple[TextKind, str], ...] = ()

    def said(self, kind: TextKind) -> list[str]:
        """The texts of a kind, in order."""
        return [text for of, text in self.texts if of == kind]


@dataclass(frozen=True)
class Listing:
    """A photo as its source lists it, before its bytes are read."""

    source_key: str  # unique within its collection
    stamp: str  # changes when the bytes may have changed
    address: str | None = None  # where the bytes are, unless the key says it; another one alone is no change
    details: Details | None = None  # None: the source knows nothing beside the picture


@dataclass(frozen=True)
class Photo:
    """A photo in a collection, with what is known of it."""

    id: str
    collection: str
    source: str  # the kind of source it came from
    source_key: str
    state: PhotoState
    reason: str | None = None
    sha256: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    details: Details = Details()  # what came with it
    captions: tuple[Caption, ...] = ()  # the one shown first leads
    objects: tuple[Detection, ...] = ()
    labels: tuple[Prediction, ...] = ()  # ImageNet's, by probability
    concepts: tuple[Prediction, ...] = ()  # predicted search terms, by probability

    @property
    def caption(self) -> str:
        """The sentence shown under the photo; empty where there is none yet, or a person said that none fits."""
        return self.captions[0].text if self.captions else ""

    @property
    def is_corrected(self) -> bool:
        """Whether a person's sentence, be it an empty one, stands in for the model's."""
        return bool(self.captions) and self.captions[0].edited

    @property
    def name(self) -> str:
        """The last part of its key, which tells nothing of the machine it lies on."""
        return self.source_key.replace("\\", "/").rpartition("/")[2]

    @property
    def origin(self) -> str:
        """Where it came from, as shown to people: permalink, path or name."""
        return self.details.permalink or self.source_key

    @property
    def owner_text(self) -> str | None:
        """What its owner wrote when it was posted."""
        return next(iter(self.details.said(TextKind.OWNER)), None)


@dataclass(frozen=True)
class Correction:
    """What a person said of a photo."""

    text: str  # empty: no sentence fits
    who: str | None
    at: datetime  # UTC without a zone
    superseded_at: datetime | None = None  # when it was replaced or taken back; None: it is in force

    @property
    def is_in_force(self) -> bool:
        """Whether it stands in for the model's sentence."""
        return self.superseded_at is None


@dataclass(frozen=True)
class Document:
    """What a photo can be found by."""

    photo_id: str
    human: tuple[str, ...] = ()  # sentences that people wrote; they stand in for the captions, an empty one too
    captions: tuple[str, ...] = ()  # the latest model's, best first
    objects: tuple[tuple[str, float], ...] = ()  # label and score of each
    labels: Mapping[str, float] = field(default_factory=dict)  # probabilities
    concepts: Mapping[str, float] = field(default_factory=dict)  # search terms' probabilities
    owner: tuple[str, ...] = ()  # what came with the photo: post, hashtags, place
    hashtags: tuple[str, ...] = ()  # without their sign
    taken_at: datetime | None = None


class Share(NamedTuple):
    """What one term of a photo adds to a score; a tuple, since an answer has a thousand of them."""

    term: str  # the photo's
    share: float
    field: str = ""  # where the photo holds it
    word: str = ""  # the query's term that it answers; another one where a table relates the two
    relation: str = ""  # by which it does
    strength: float = 1.0  # how much of the query's term a related one counts for


@dataclass(frozen=True)
class TermCount:
    """How common a term is in a collection."""

    term: str
    df: float  # photos that hold it; one that it is predicted for counts as its probability
    idf: float


class Match(NamedTuple):
    """A found photo's id with its score in [0, 1] and the shares that add up to it, largest first."""

    photo_id: str
    score: float
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Hit:
    """A match with its rank, from 1, and its photo."""

    rank: int
    score: float
    photo: Photo
    shares: tuple[Share, ...] = ()
    n_alike: int = 0  # near-duplicates that it stands for

    def by_term(self) -> dict[str, float]:
        """What each of the photo's terms adds to the score, in all fields together, largest first."""
        added: dict[str, float] = {}
        for share in self.shares:
            added[share.term] = added.get(share.term, 0.0) + share.share
        return dict(sorted(added.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class Results:
    """The answer to one query."""

    query: str
    collection: str
    took_ms: float
    total: int  # photos with a score above 0 that pass the filters; all that pass where nothing but filters was asked
    hits: tuple[Hit, ...]
    suggestions: tuple[str, ...] = ()  # words that do occur, when nothing was found
    n_listed: int = 0  # hits on all pages: without those left out as weak, near-duplicates once where wanted so
    n_weak: int = 0  # left out by the cutoff
    corrected: str | None = None  # the query with words that occur nowhere replaced by such as do
    notes: tuple[str, ...] = ()  # what of the query could not be meant so, for people


@dataclass(frozen=True)
class CollectionInfo:
    """A collection and how far its photos are."""

    name: str
    generation: int  # raised by every write that search can see
    n_photos: int
    n_ready: int
    n_failed: int
    n_new: int


@dataclass(frozen=True)
class DiskUse:
    """What a collection's files take in the library's folder, in bytes."""

    thumbnails_bytes: int = 0
    kept_bytes: int = 0  # of fetched photos
    uploads_bytes: int = 0
    index_bytes: int = 0

    @property
    def n_bytes(self) -> int:
        """All together."""
        return self.thumbnails_bytes + self.kept_bytes + self.uploads_bytes + self.index_bytes


@dataclass(frozen=True)
class Failure:
    """A photo that could not be used, and why."""

    source_key: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What a run of `add` or `caption` did."""

    n_new: int = 0
    n_changed: int = 0
    n_unchanged: int = 0
    n_gone: int = 0
    n_skipped: int = 0  # files that are not named like pictures
    n_captioned: int = 0
    n_reused: int = 0  # same picture, captioned before
    failures: tuple[Failure, ...] = ()
    n_fetched: int = 0  # read and kept, to be captioned later

    def __add__(self, other: Report) -> Report:
        """What two runs did together."""
        return Report(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    done: int
    total: int  # 0: not known
    note: str = ""  # what it is at, or waits for


def _ignore(_: Progress) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """How long work reports its progress, and learns that it should stop."""

    on_progress: Callable[[Progress], None] = _ignore
    is_cancelled: Callable[[], bool] = _never  # asked now and then; True ends the work, what is done is kept


UNWATCHED = Watch()
