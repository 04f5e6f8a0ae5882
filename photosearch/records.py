"""Data types shared by the whole package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from photosearch.words.times import by_the_clock


class PhotoState(StrEnum):
    """How far a photo has come, as the library keeps it."""

    NEW = "new"  # listed, its bytes not read yet
    READY = "ready"  # captioned
    FAILED = "failed"  # cannot be used; the reason says why
    NO_PICTURE = "no_picture"  # its source has none that can be read; the reason says why, and its texts are searched
    GONE = "gone"  # no longer in its source; kept, since the source may list it again


@dataclass(frozen=True)
class Caption:
    """A sentence about a photo."""

    text: str
    log_prob: float | None  # nats a word, <= 0; None for a human's sentence
    model: str | None  # the model that wrote it; None for a human
    rank: int = 0  # among the model's sentences, from 0, which is the best
    is_unsure: bool = False  # the other models hardly agree with the model's best sentence

    @property
    def edited(self) -> bool:
        """Tell whether a human wrote it."""
        return self.model is None


@dataclass(frozen=True)
class Detection:
    """An object in a photo; the box is x, y, width, height as shares of the photo's sides."""

    label: str
    score: float
    box: tuple[float, float, float, float]


class Prediction(NamedTuple):
    """A label or concept with its probability; a tuple, since a photo has some two hundred of them."""

    term: str
    prob: float


class Station(StrEnum):
    """The tasks that models do; the library files each model and its results under one."""

    CAPTIONER = "captioner"
    CONCEPTS = "concepts"
    CLASSIFIER = "classifier"
    DETECTOR = "detector"


@dataclass(frozen=True)
class Findings:
    """What models found in one picture; each station fills its own field."""

    captions: tuple[Caption, ...] = ()  # best first
    objects: tuple[Detection, ...] = ()  # highest score first
    labels: tuple[Prediction, ...] = ()  # highest probability first
    concepts: tuple[Prediction, ...] = ()  # highest probability first

    def __add__(self, other: Findings) -> Findings:
        """Join what two models found in the same picture."""
        return Findings(
            self.captions + other.captions,
            self.objects + other.objects,
            self.labels + other.labels,
            self.concepts + other.concepts,
        )


class TextKind(StrEnum):
    """Where a text that belongs to a photo comes from."""

    OWNER = "owner"  # the text of the post
    ACCESSIBILITY = "accessibility"  # Instagram's own description
    HASHTAG = "hashtag"  # one in each text, without "#"
    MENTION = "mention"  # one in each text, without "@"
    HUMAN = "human"  # a correction of the caption, made in this library
    IMPORTED = "imported"  # a caption that another system wrote
    OBJECT = "object"  # an object that another system named


@dataclass(frozen=True)
class Facts:
    """Facts about a photo, None where unknown; all are stored alike.

    A new fact is a line here and the code that reads it; search uses those that `search.fields.FACTS` lists.
    """

    permalink: str | None = None
    taken_at: datetime | None = None  # by the camera's clock, with its offset from UTC where that is known
    place: str | None = None
    latitude: float | None = None  # degrees, north positive
    longitude: float | None = None  # degrees, east positive
    n_likes: int | None = None
    n_comments: int | None = None
    camera: str | None = None
    lens: str | None = None
    rating: int | None = None  # stars, 1 to 5; 0: none; -1: rejected
    folder: str | None = None  # where it lies, from the source's own name on
    file: str | None = None  # the file's name
    named_at: datetime | None = None  # the time in the file's name; it counts where no other is known
    area: str | None = None  # city, region and country at its coordinates
    tagged: str | None = None  # names of the people who are tagged in the picture
    music: str | None = None  # title and artist of what plays with it
    posted_by: str | None = None  # the user whose post it is, where a collection holds those of others

    @property
    def dated_at(self) -> datetime | None:
        """Return when it was taken, or else the time in its file's name."""
        return self.taken_at or self.named_at

    @property
    def is_dated_by_name(self) -> bool:
        """Tell whether only its file's name says when it was taken."""
        return self.taken_at is None and self.named_at is not None

    @property
    def known(self) -> dict[str, object]:
        """Return the values of the facts that are known, by their names."""
        values = vars(self)
        return {name: value for name in FACT_NAMES if (value := values[name]) is not None}


FACT_NAMES = tuple(fact.name for fact in fields(Facts))


@dataclass(frozen=True)
class Details(Facts):
    """What a source, or a photo's own file, says about a photo: facts and texts."""

    texts: tuple[tuple[TextKind, str], ...] = ()

    def texts_of(self, kind: TextKind) -> list[str]:
        """Return the texts of a kind, in order."""
        return [text for text_kind, text in self.texts if text_kind == kind]

    def completed_by(self, other: Details) -> Details:
        """Return these details with the facts that only `other` knows, and with its texts, each text once."""
        texts = tuple(dict.fromkeys((*self.texts, *other.texts)))
        facts = {**other.known, **self.known}
        facts["taken_at"] = by_the_clock(self.taken_at, other.taken_at)
        return Details(**facts, texts=texts)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Listing:
    """A photo as its source lists it, before its bytes are read."""

    source_key: str  # unique within its collection
    stamp: str  # changes when the bytes may have changed
    address: str | None = None  # where the bytes are, unless the key says it; a new address alone is no change
    details: Details | None = None  # None: the source knows nothing besides the picture
    no_picture: str | None = None  # why it has none that can be read; it is then found by its texts alone


@dataclass(frozen=True)
class Photo:
    """A photo in a collection as it is shown; `DetailedPhoto` has its predictions, too."""

    id: str
    collection: str
    source: str  # the kind of its source
    source_key: str
    state: PhotoState
    reason: str | None = None  # why it failed, or has no picture
    sha256: str | None = None  # of its bytes; None before they were read
    width_px: int | None = None
    height_px: int | None = None
    details: Details = Details()
    captions: tuple[Caption, ...] = ()  # the best sentence of each origin; the first one is shown
    objects: tuple[Detection, ...] = ()
    address: str | None = None  # as in `Listing`

    @property
    def caption(self) -> str:
        """Return the sentence shown under the photo; empty before there is one, or where a person cleared it."""
        return self.captions[0].text if self.captions else ""

    @property
    def is_unsure(self) -> bool:
        """Tell whether the sentence shown is a model's of which it was unsure."""
        return bool(self.captions) and self.captions[0].is_unsure

    @property
    def is_corrected(self) -> bool:
        """Tell whether a person replaced or cleared the model's sentence."""
        return bool(self.captions) and self.captions[0].edited

    @property
    def name(self) -> str:
        """Return the last part of its key, which shows no folders of the machine."""
        return self.source_key.replace("\\", "/").rpartition("/")[2]

    @property
    def origin(self) -> str:
        """Return where it came from, as shown to people: permalink, path or name."""
        return self.details.permalink or self.source_key

    @property
    def owner_text(self) -> str | None:
        """Return the text that its owner posted with it."""
        return next(iter(self.details.texts_of(TextKind.OWNER)), None)


@dataclass(frozen=True)
class DetailedPhoto(Photo):
    """A photo with all sentences and some two hundred predictions, which take long to read."""

    labels: tuple[Prediction, ...] = ()  # ImageNet's, highest probability first
    concepts: tuple[Prediction, ...] = ()  # predicted search terms, highest probability first


@dataclass(frozen=True)
class Correction:
    """A person's sentence in place of a model's caption."""

    text: str  # empty: no sentence fits the photo
    who: str | None
    at: datetime  # UTC, without a time zone
    superseded_at: datetime | None = None  # when it was replaced or undone; None: it still holds
    is_of_earlier_picture: bool = False  # another picture was saved over the one that it was made for

    @property
    def is_in_force(self) -> bool:
        """Tell whether it still replaces the model's caption."""
        return self.superseded_at is None


@dataclass(frozen=True)
class Document:
    """The texts and predictions by which search finds a photo."""

    photo_id: str
    human: tuple[str, ...] = ()  # corrections; they replace the captions, even where they are empty
    captions: tuple[str, ...] = ()  # of the latest model, best first
    objects: tuple[tuple[str, float], ...] = ()  # labels with scores
    labels: Mapping[str, float] = field(default_factory=dict)  # label to probability
    concepts: Mapping[str, float] = field(default_factory=dict)  # search term to probability
    owner: tuple[str, ...] = ()  # texts from the source: post, hashtags
    hashtags: tuple[str, ...] = ()  # without "#"
    facts: Facts = Facts()

    @classmethod
    def from_findings(cls, photo_id: str, findings: Findings) -> Document:
        """Make a document from what models found in a picture; the library has no other texts for it."""
        return cls(
            photo_id,
            captions=tuple(caption.text for caption in findings.captions),
            objects=tuple((detection.label, detection.score) for detection in findings.objects),
            labels=dict(findings.labels),
            concepts=dict(findings.concepts),
        )


class Share(NamedTuple):
    """What one term of a photo adds to its score; a tuple, since an answer has a thousand of them."""

    term: str  # of the photo
    share: float
    field: str = ""  # in which the photo has the term
    word: str = ""  # the query's term that it matches; differs from `term` where a word table relates the two
    relation: str = ""  # between the two terms, as the table names it
    strength: float = 1.0  # weight of the relation; 1 for the same term


@dataclass(frozen=True)
class TermCount:
    """How common a term is in a collection."""

    term: str
    df: float  # photos with the term; where it is predicted, a photo counts as its probability
    idf: float  # inverse document frequency


class Match(NamedTuple):
    """The id of a found photo, its score in [0, 1] and the shares that add up to it, largest first."""

    photo_id: str
    score: float
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Hit:
    """A found photo with its rank, from 1, and its score in [0, 1]."""

    rank: int
    score: float
    photo: Photo
    shares: tuple[Share, ...] = ()
    n_near_duplicates: int = 0  # left out of the hits in favour of this photo

    def by_term(self) -> dict[str, float]:
        """Return what each of the photo's terms adds to the score, over all fields, largest first."""
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
    total: int  # photos with a score above 0 that pass the filters; all that pass where the query is only filters
    hits: tuple[Hit, ...]
    suggestions: tuple[str, ...] = ()  # similar words that occur in the collection, when nothing was found
    n_listed: int = 0  # hits on all pages, without weak ones and, where they are grouped, near-duplicates
    n_weak: int = 0  # matches left out since their scores are below the cutoff
    dates: tuple[str, ...] = ()  # for people: words of the query that were understood as dates
    corrected: str | None = None  # the query with unknown words replaced by similar known ones
    notes: tuple[str, ...] = ()  # for people: parts of the query that were left out, and the like
    has_more: bool = False  # more photos were found than are counted and listed


@dataclass(frozen=True)
class CollectionInfo:
    """A collection and the states of its photos."""

    name: str
    generation: int  # raised by every write that changes what search finds
    n_photos: int  # without those that are gone
    n_ready: int
    n_failed: int
    n_new: int  # not captioned yet
    n_without_picture: int = 0  # whose source has none that can be read
    n_unread: int = 0  # of the new ones: not fetched either, so that nobody knows what their files say


@dataclass(frozen=True)
class Failure:
    """A photo that could not be used, with the reason."""

    source_key: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What a run of `add` or `caption` did."""

    n_new: int = 0
    n_changed: int = 0
    n_unchanged: int = 0
    n_gone: int = 0
    left_out: Counter[str] = field(default_factory=Counter)  # what is no picture: suffixes and the like, with numbers
    n_captioned: int = 0
    n_reused: int = 0  # the same picture was captioned before
    failures: tuple[Failure, ...] = ()
    n_fetched: int = 0  # read and kept, not captioned yet
    notes: tuple[str, ...] = ()  # for people: what a source left out on purpose, with numbers and reasons

    @property
    def n_left_out(self) -> int:
        """Return how many files and folders were left out."""
        return self.left_out.total()

    def __add__(self, other: Report) -> Report:
        """Add up what two runs did."""
        return Report(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True)
class Progress:
    """How far long work has come."""

    done: int
    total: int  # 0: not known
    note: str = ""  # for people: what it does now, or waits for


@dataclass(frozen=True)
class Watch:
    """The functions by which long work reports progress and learns that it should stop."""

    on_progress: Callable[[Progress], None] = lambda _: None
    is_cancelled: Callable[[], bool] = lambda: False  # asked now and then; True ends the work, what is done is kept


UNWATCHED = Watch()
