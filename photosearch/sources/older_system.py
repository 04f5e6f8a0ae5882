"""The older system's files: captions and objects of pictures known by their addresses. Nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from photosearch.errors import SourceError
from photosearch.records import Failure, Listing, TextKind, Watch
from photosearch.sources import urls
from photosearch.sources.source import Options, Source, SourceKind

PREFIX = "captions_dict_"
_MARKS = re.compile(r"<(start|end|pad|unk)>")  # the older captioner's own words


def sources_of(path: Path, content: Mapping[str, object]) -> Sequence[OriginalSource]:
    """A source for `captions_dict_NAME.json`, or one a name in `photosearch_db.json`.

    Raises:
        SourceError: the file holds neither.
    """
    has_addresses = any("://" in key for key in content)
    has_lists = bool(content) and all(isinstance(entries, list) for entries in content.values())
    if is_database(content) or (has_lists and not has_addresses):
        found = [OriginalSource(name, list(_of_database(entries))) for name, entries in content.items()]
    elif has_addresses:
        found = [OriginalSource(path.stem.removeprefix(PREFIX) or "photos", list(_of_captions(content)))]
    else:
        raise _unknown(path)
    refused = [source.refusal() for source in found if not source.is_empty]
    if refused and (first := refused[0]) is not None and all(refused):
        raise first
    return found


def _unknown(path: Path) -> SourceError:
    return SourceError(
        f'"{path}" holds neither addresses with captions nor names with lists of photos.'
        " Give url_list_NAME.json, captions_dict_NAME.json or photosearch_db.json."
    )


class OriginalSource:
    """One collection of the older system; its photos can be searched as soon as they are listed."""

    kind = urls.NAME
    described = True
    listed_in: str | None = None

    def __init__(self, name: str, entries: Sequence[tuple[object, object, object]]) -> None:
        """`entries` are address, caption and objects of each photo."""
        self.collection = name
        self.n_skipped = 0
        self._entries = entries
        self.is_empty = not entries

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Other photos of the collection may have come from another file."""
        return False

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Each photo with its caption and objects; raises `SourceError` when none has an address that can be used."""
        if refusal := self.refusal():
            raise refusal
        for entry in self._entries:
            yield self._listing(*entry)

    def refusal(self) -> SourceError | None:
        """Why nothing can be listed, None where something can or there is nothing."""
        first: Failure | None = None
        for entry in self._entries:
            found = self._listing(*entry)
            if isinstance(found, Listing):
                return None
            first = first or found
        if first is None:
            return None
        return SourceError(
            f'"{self.collection}" holds no address that can be used ({first.source_key}: {first.reason}).'
            " Add the photos from where they are."
        )

    def _listing(self, url: object, caption: object, objects: object) -> Listing | Failure:
        texts = [(TextKind.IMPORTED, text) for text in _sentences(caption)]
        texts += [(TextKind.OBJECT, label) for label in _labels(objects)]
        return urls.listing(url, tuple(texts))


def is_database(content: Mapping[str, object]) -> bool:
    """Whether these are names with lists of what is known of each photo, as in `photosearch_db.json`."""
    lists = [entries for entries in content.values() if isinstance(entries, list)]
    entries = [entry for entries in lists for entry in entries if isinstance(entry, Mapping)]
    return len(lists) == len(content) and any("yolo_objects" in entry for entry in entries)


def _of_captions(content: Mapping[str, object]) -> Iterator[tuple[object, object, object]]:
    yield from ((url, caption, None) for url, caption in content.items())


def _of_database(entries: object) -> Iterator[tuple[object, object, object]]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            beside = {key: value for key, value in entry.items() if key != "caption"}  # it is not the owner's
            yield beside, entry.get("caption"), entry.get("yolo_objects")
        else:
            yield entry, None, None


def _sentences(caption: object) -> list[str]:
    """A sentence, several of them, or the words of one, without the captioner's own marks."""
    if isinstance(caption, str):
        parts = [caption]
    elif isinstance(caption, list) and all(isinstance(part, str) for part in caption):
        is_words = all(len(part.split()) < 2 for part in caption)
        parts = [" ".join(caption)] if is_words else caption
    else:
        parts = []
    return [text for part in parts if (text := " ".join(_MARKS.sub(" ", part).split()))]


def _labels(objects: object) -> list[str]:
    """Objects as a list of names, of mappings with a name, or as one text with commas."""
    if isinstance(objects, str):
        objects = objects.split(",")
    if isinstance(objects, Mapping):  # a name with how many there are
        objects = [name for name, n in objects.items() for _ in range(n if isinstance(n, int) and 0 < n < 100 else 1)]
    found = []
    for item in objects if isinstance(objects, list) else ():
        if isinstance(item, Mapping):
            item = next((item[key] for key in ("label", "name", "class", "object") if key in item), None)
        if isinstance(item, list) and item:  # a name with its score
            item = item[0]
        if isinstance(item, str) and item.strip():
            found.append(item.strip())
    return found


def _open(paths: Sequence[Path], _options: Options) -> Sequence[Source] | None:
    if len(paths) != 1 or paths[0].suffix.lower() != ".json":
        return None
    content = urls.read_json(paths[0])
    if not isinstance(content, dict) or ("urls" in content and not is_database(content)):
        return None
    return sources_of(paths[0], content)


# Its photos are known, read and kept as those of a list of addresses are.
KIND: SourceKind = replace(
    urls.KIND, usage="captions_dict_NAME.json or photosearch_db.json of the older system", title="", open_paths=_open
)
