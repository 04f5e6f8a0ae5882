"""The older system's files, which hold captions and objects of pictures by their addresses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from photosearch.errors import SourceError
from photosearch.records import Failure, Listing, TextKind, Watch
from photosearch.sources import urls
from photosearch.sources.source import Options, Source, SourceKind

PREFIX = "captions_dict_"
_MARKS = re.compile(r"<(start|end|pad|unk)>")  # special words of the older captioner, which are not part of a sentence


def make_sources(path: Path, content: Mapping[str, object]) -> Sequence[OlderSystemSource]:
    """Make one source from `captions_dict_NAME.json`, or one for each name in `photosearch_db.json`.

    Args:
        path: the file's path, for names and messages.
        content: the JSON object that the file holds.

    Raises:
        SourceError: the content is of neither form, or none of its addresses can be used.
    """
    has_addresses = any("://" in key for key in content)
    has_lists = bool(content) and all(isinstance(entries, list) for entries in content.values())
    if is_database(content) or (has_lists and not has_addresses):
        sources = [OlderSystemSource(name, list(_of_database(entries))) for name, entries in content.items()]
    elif has_addresses:
        sources = [OlderSystemSource(path.stem.removeprefix(PREFIX) or "photos", list(_of_captions(content)))]
    else:
        raise _unknown(path)
    refused = [source.refusal() for source in sources if not source.is_empty]
    if refused and (first := refused[0]) is not None and all(refused):
        raise first
    return sources


def _unknown(path: Path) -> SourceError:
    return SourceError(
        f'"{path}" holds neither addresses with captions nor names with lists of photos.'
        " Give url_list_NAME.json, captions_dict_NAME.json or photosearch_db.json."
    )


class OlderSystemSource:
    """One collection of the older system; its photos can be searched as soon as they are listed."""

    kind = urls.NAME
    described = True
    listed_in: str | None = None

    def __init__(self, name: str, entries: Sequence[tuple[object, object, object]]) -> None:
        """Take the name of the collection, and the address, caption and objects of each photo."""
        self.collection = name
        self.left_out: Counter[str] = Counter()
        self._entries = entries
        self.is_empty = not entries

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Return False: other photos of the collection may have come from another file."""
        return False

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Yield each photo with its caption and objects; raise `SourceError` when none of the addresses can be used."""
        if refusal := self.refusal():
            raise refusal
        for entry in self._entries:
            yield self._listing(*entry)

    def refusal(self) -> SourceError | None:
        """Return why no photo can be listed; None when at least one can, or when there are none."""
        first: Failure | None = None
        for entry in self._entries:
            item = self._listing(*entry)
            if isinstance(item, Listing):
                return None
            first = first or item
        if first is None:
            return None
        return SourceError(
            f'"{self.collection}" holds no address that can be used ({first.source_key}: {first.reason}).'
            " Add the photos from the folder or ZIP that holds them."
        )

    def _listing(self, url: object, caption: object, objects: object) -> Listing | Failure:
        texts = [(TextKind.IMPORTED, text) for text in _sentences(caption)]
        texts += [(TextKind.OBJECT, label) for label in _labels(objects)]
        return urls.make_listing(url, tuple(texts))


def is_database(content: Mapping[str, object]) -> bool:
    """Tell whether a file's content maps names to lists of photos with objects, as `photosearch_db.json` does."""
    lists = [entries for entries in content.values() if isinstance(entries, list)]
    entries = [entry for entries in lists for entry in entries if isinstance(entry, Mapping)]
    return len(lists) == len(content) and any("yolo_objects" in entry for entry in entries)


def _of_captions(content: Mapping[str, object]) -> Iterator[tuple[object, object, object]]:
    yield from ((url, caption, None) for url, caption in content.items())


def _of_database(entries: object) -> Iterator[tuple[object, object, object]]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            others = {key: value for key, value in entry.items() if key != "caption"}  # not the owner's text
            yield others, entry.get("caption"), entry.get("yolo_objects")
        else:
            yield entry, None, None


def _sentences(caption: object) -> list[str]:
    """Return the sentences of a text, a list of texts or a list of words, without the captioner's special words."""
    if isinstance(caption, str):
        parts = [caption]
    elif isinstance(caption, list) and all(isinstance(part, str) for part in caption):
        is_words = all(len(part.split()) < 2 for part in caption)
        parts = [" ".join(caption)] if is_words else caption
    else:
        parts = []
    return [text for part in parts if (text := " ".join(_MARKS.sub(" ", part).split()))]


def _labels(objects: object) -> list[str]:
    """Return the names of objects, given as a list of names or of mappings with a name, or as one text with commas."""
    if isinstance(objects, str):
        objects = objects.split(",")
    if isinstance(objects, Mapping):  # from a name to the number of such objects
        objects = [name for name, n in objects.items() for _ in range(n if isinstance(n, int) and 0 < n < 100 else 1)]
    labels = []
    for item in objects if isinstance(objects, list) else ():
        if isinstance(item, Mapping):
            item = next((item[key] for key in ("label", "name", "class", "object") if key in item), None)
        if isinstance(item, list) and item:  # a name with its score
            item = item[0]
        if isinstance(item, str) and item.strip():
            labels.append(item.strip())
    return labels


def _open(paths: Sequence[Path], _options: Options) -> Sequence[Source] | None:
    if len(paths) != 1 or paths[0].suffix.lower() != ".json":
        return None
    content = urls.read_json(paths[0])
    if not isinstance(content, dict) or ("urls" in content and not is_database(content)):
        return None
    return make_sources(paths[0], content)


# The name of the kind and the reading are those of a list of addresses: both hold photos by their addresses.
KIND: SourceKind = replace(
    urls.KIND, usage="captions_dict_NAME.json or photosearch_db.json of the older system", title="", open_paths=_open
)
