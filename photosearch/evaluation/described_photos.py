"""Measuring on described photos: how good the captions are, and how well each field finds the right photo."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from photosearch import images
from photosearch.errors import PhotoError, SourceError
from photosearch.evaluation.metrics import Retrieval, bleu, cider_d, retrieval, rouge_l
from photosearch.records import Document, Findings
from photosearch.search.fields import ALL, Field
from photosearch.search.index import Index, Tables
from photosearch.vision.captioner.vocabulary import tokens
from photosearch.vision.observer import Batch, Observer

BATCH = 32
# What is searched in each row, more from row to row; the last ones use the expansion table as well.
ROWS: tuple[tuple[str, frozenset[Field], bool], ...] = (
    ("caption only", frozenset({Field.CAPTION}), False),
    ("+ n-best", frozenset({Field.CAPTION, Field.SENTENCES}), False),
    ("+ objects", frozenset({Field.CAPTION, Field.SENTENCES, Field.OBJECTS}), False),
    ("+ labels", frozenset({Field.CAPTION, Field.SENTENCES, Field.OBJECTS, Field.LABELS}), False),
    ("+ concepts", ALL, False),
    ("+ expansion (all)", ALL, True),
    ("concepts only", frozenset({Field.CONCEPTS}), False),
)


@dataclass(frozen=True)
class DescribedPhoto:
    """A photo's bytes with what people said of it."""

    name: str
    data: bytes
    descriptions: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """What was measured on a set of described photos."""

    n_photos: int
    n_queries: int
    bleu: tuple[float, ...]  # BLEU-1 to BLEU-4
    cider_d: float
    rouge_l: float
    n_different: int  # sentences
    mean_words: float
    retrieval: dict[str, Retrieval]  # by row


def read_described(images_path: Path, captions_path: Path) -> Iterator[DescribedPhoto]:
    """Photos of a ZIP or folder with their descriptions, in the order of the file.

    `captions_path` holds a JSON object a line: `{"image": "NAME.jpg", "captions": ["...", ...]}`.

    Raises:
        SourceError: a file is missing or damaged, a line cannot be read, or a photo that it names is not there.
    """
    described = _read_captions(captions_path)
    try:
        if images_path.is_dir():
            for name, texts in described:
                yield DescribedPhoto(name, (images_path / name).read_bytes(), texts)
            return
        with zipfile.ZipFile(images_path) as archive:
            members = {Path(member).name: member for member in archive.namelist()}
            for name, texts in described:
                if Path(name).name not in members:
                    raise SourceError(f'"{images_path}" holds no {name}, which "{captions_path}" names.')
                yield DescribedPhoto(name, archive.read(members[Path(name).name]), texts)
    except zipfile.BadZipFile as error:
        raise SourceError(f'"{images_path}" is neither a folder nor a ZIP that can be read ({error}).') from error
    except OSError as error:
        raise SourceError(f'"{error.filename or images_path}" cannot be read: {error.strerror or error}.') from error


def _read_captions(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f'"{path}" cannot be read ({error}).') from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, texts = row["image"], row["captions"]
            if not isinstance(name, str) or not texts or not all(isinstance(text, str) for text in texts):
                raise ValueError("image is no name, or captions is no list of sentences")
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f'"{path}", line {number}, is not {{"image": "NAME.jpg", "captions": ["...", ...]}} ({error}).'
            ) from error
        rows.append((name, tuple(texts)))
    if not rows:
        raise SourceError(f'"{path}" describes no photo.')
    return rows


def observe_photos(photos: Sequence[DescribedPhoto], observers: Sequence[Observer]) -> list[Findings]:
    """What all models together tell of each photo, by the same way as in the app.

    Raises:
        SourceError: a photo cannot be decoded.
    """
    found = []
    for first in range(0, len(photos), BATCH):
        pictures = []
        for photo in photos[first : first + BATCH]:
            try:
                pictures.append(images.decode(photo.data))
            except PhotoError as error:
                raise SourceError(f"{photo.name}: {error}.") from error
        batch = Batch(pictures)
        for told in zip(*(observer.observe(batch) for observer in observers), strict=True):
            found.append(
                Findings(
                    captions=tuple(c for one in told for c in one.captions),
                    objects=tuple(o for one in told for o in one.objects),
                    labels=tuple(label for one in told for label in one.labels),
                    concepts=tuple(concept for one in told for concept in one.concepts),
                )
            )
    return found


def documents(findings: Sequence[Findings]) -> list[Document]:
    """What the photos can be found by; their ids are their numbers."""
    return [
        Document(
            f"{number:09}",
            captions=tuple(c.text for c in found.captions),
            objects=tuple((o.label, o.score) for o in found.objects),
            labels={label.term: label.prob for label in found.labels},
            concepts={concept.term: concept.prob for concept in found.concepts},
        )
        for number, found in enumerate(findings)
    ]


def measure(photos: Sequence[DescribedPhoto], findings: Sequence[Findings], tables: Tables) -> Measured:
    """Score the captions against the descriptions, and search with each description as a literal query."""
    written = [tokens(found.captions[0].text) if found.captions else [] for found in findings]
    references = [[tokens(text) for text in photo.descriptions] for photo in photos]
    index = Index(documents(findings), tables)
    return Measured(
        n_photos=len(photos),
        n_queries=sum(len(photo.descriptions) for photo in photos),
        bleu=tuple(bleu(written, references)),
        cider_d=cider_d(written, references),
        rouge_l=rouge_l(written, references),
        n_different=len({tuple(words) for words in written}),
        mean_words=sum(map(len, written)) / len(written),
        retrieval={name: retrieval(ranks(index, photos, fields, expand)) for name, fields, expand in ROWS},
    )


def ranks(
    index: Index, photos: Sequence[DescribedPhoto], fields: frozenset[Field], expand: bool
) -> Iterator[int | None]:
    """For each description, the rank of its own photo; None where it was not found."""
    for number, photo in enumerate(photos):
        for text in photo.descriptions:
            yield index.rank(text, f"{number:09}", fields=fields, expand=expand)
