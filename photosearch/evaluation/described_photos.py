"""Measures captions and search on photos that people described."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from photosearch.errors import PhotoError, SourceError
from photosearch.evaluation.metrics import Retrieval, bleu, cider_d, retrieval, rouge_l
from photosearch.pictures.decoding.decoder import decode_picture
from photosearch.records import Document, Findings
from photosearch.search.fields import ALL, Field
from photosearch.search.index import Index, Tables
from photosearch.vision.captioner.vocabulary import tokens
from photosearch.vision.observer import Batch, Observer

BATCH = 32
# The rows of the retrieval table: name, fields that are searched, and whether related words are searched as well.
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
    """A photo's bytes with people's descriptions of it."""

    name: str
    data: bytes
    descriptions: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """The measurements on a set of described photos."""

    n_photos: int
    n_queries: int
    bleu: tuple[float, ...]  # BLEU-1 to BLEU-4
    cider_d: float
    rouge_l: float
    n_different: int  # different captions
    n_words: int  # different words in all captions
    mean_words: float  # in a caption
    retrieval: dict[str, Retrieval]  # by the names in `ROWS`


def read_described(images_path: Path, captions_path: Path) -> Iterator[DescribedPhoto]:
    """Read photos and their descriptions, in the order of the file of descriptions.

    Args:
        images_path: a ZIP or a folder.
        captions_path: has a JSON object in each line: `{"image": "NAME.jpg", "captions": ["...", ...]}`.

    Raises:
        SourceError: a file is missing or damaged, a line has another form, or a photo that it names is missing.
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
                    raise SourceError(f'"{images_path}" has no {name}, which "{captions_path}" names.')
                yield DescribedPhoto(name, archive.read(members[Path(name).name]), texts)
    except zipfile.BadZipFile as error:
        raise SourceError(f'"{images_path}" is neither a folder nor a readable ZIP ({error}).') from error
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
                raise ValueError("image is not a name, or captions is not a list of sentences")
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f'"{path}", line {number}, is not like {{"image": "NAME.jpg", "captions": ["...", ...]}} ({error}).'
            ) from error
        rows.append((name, tuple(texts)))
    if not rows:
        raise SourceError(f'"{path}" describes no photo.')
    return rows


def observe_photos(photos: Sequence[DescribedPhoto], observers: Sequence[Observer]) -> list[Findings]:
    """Return what all models together find in each photo, by the same code as in the app.

    Raises:
        SourceError: a photo cannot be decoded.
    """
    findings = []
    for first in range(0, len(photos), BATCH):
        pictures = []
        for photo in photos[first : first + BATCH]:
            try:
                pictures.append(decode_picture(photo.data))
            except PhotoError as error:
                raise SourceError(f"{photo.name}: {error}.") from error
        batch = Batch(pictures)
        by_model = [observer.observe(batch) for observer in observers]
        findings += [sum(of_picture, Findings()) for of_picture in zip(*by_model, strict=True)]
    return findings


def documents(findings: Sequence[Findings]) -> list[Document]:
    """Return documents for search, whose ids are the photos' numbers."""
    return [Document.from_findings(_id(number), of_picture) for number, of_picture in enumerate(findings)]


def _id(number: int) -> str:
    return f"{number:09}"


def measure(photos: Sequence[DescribedPhoto], findings: Sequence[Findings], tables: Tables) -> Measured:
    """Score captions against the descriptions, and search with each description, its words taken literally."""
    captions = [tokens(of_picture.captions[0].text) if of_picture.captions else [] for of_picture in findings]
    references = [[tokens(text) for text in photo.descriptions] for photo in photos]
    index = Index(documents(findings), tables)
    return Measured(
        n_photos=len(photos),
        n_queries=sum(len(photo.descriptions) for photo in photos),
        bleu=tuple(bleu(captions, references)),
        cider_d=cider_d(captions, references),
        rouge_l=rouge_l(captions, references),
        n_different=len({tuple(words) for words in captions}),
        n_words=len({word for words in captions for word in words}),
        mean_words=sum(map(len, captions)) / len(captions),
        retrieval={name: retrieval(ranks(index, photos, fields, expand)) for name, fields, expand in ROWS},
    )


def ranks(
    index: Index, photos: Sequence[DescribedPhoto], fields: frozenset[Field], expand: bool
) -> Iterator[int | None]:
    """Yield for each description the rank of its own photo, from 1; None where it was not found."""
    for number, photo in enumerate(photos):
        for text in photo.descriptions:
            yield index.rank(text, _id(number), fields=fields, expand=expand)
