"""Damage an Instagram export: nothing private may come in, and nothing that a list names may be lost in silence."""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from photosearch.errors import PhotoError, PhotosearchError
from photosearch.records import Failure, Listing, Watch
from photosearch.sources import Options, Source, find_sources
from photosearch.sources.archive import Archives
from photosearch.sources.instagram.export_parts import read_photo
from photosearch.sources.instagram.export_source import ExportSource
from tests.exports import (
    LAYOUTS,
    MEDIA,
    NAME,
    OTHERS,
    POSTS,
    dumps,
    labelled_post,
    mapped_post,
    medium,
    post,
    unpack,
    write_zip,
)

LISTS = "your_instagram_activity/media"
SAVED = "your_instagram_activity/saved"
SITE = "https://www.instagram.com/p/"
SECRET = b"what nobody may see"
ALSO = frozenset({"archived", "stories", "reels", "igtv", "other", "saved"})
PRIVATE = (
    "your_instagram_activity/messages/inbox/a_1/photos/1.jpg",
    "media/recently_deleted/202401/1.jpg",
    "media/profile/202401/1.jpg",
    "media/drafts/202401/1.jpg",
)
URIS = (*MEDIA, *PRIVATE, "../a.jpg", "/etc/passwd", "C:\\a.jpg", "https://example.org/a.jpg", "media", "", "a\0b.jpg")
MAX_BYTES = 1_000_000
Members = dict[str, bytes]
PLACES = st.floats(0, 1, exclude_max=True)  # relative: of a member among all, of a value among those of its holder
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(URIS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["uri", "media", "title", "label_values", "label", "value", "dict", "string_map_data"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def members() -> Members:
    """Return the files of an export with lists of all kinds."""
    first, *_ = MEDIA
    lists: dict[str, object] = {
        f"{LISTS}/posts_1.json": [
            *POSTS,
            labelled_post(first),
            mapped_post(first),
            *(post(medium(uri)) for uri in PRIVATE),
        ],
        f"{LISTS}/posts.json": [post(medium(first, "Again"))],
        f"{LISTS}/stories.json": {"ig_stories": [medium("media/stories/202401/1.jpg")]},
        f"{LISTS}/reels.json": {"ig_reels_media": [{"media": [medium("media/reels/202401/1.mp4")]}]},
        f"{LISTS}/other_content.json": {"ig_other_media": [{"media": [medium("media/other/202401/1.jpg")]}]},
    }
    saved = [{"title": "bert", "string_map_data": {"Saved on": {"href": f"{SITE}{code}/"}}} for code in ("one", "two")]
    lists[f"{SAVED}/saved_posts.json"] = {"saved_saved_media": saved}
    lists[f"{SAVED}/saved_collections.json"] = {
        "saved_saved_collections": [
            {"title": "Collection", "string_map_data": {"Name": {"value": "Trips"}}},
            {"string_map_data": {"Name": {"href": f"{SITE}two/", "value": "bert"}}},
        ]
    }
    more = dict.fromkeys(("media/stories/202401/1.jpg", "media/other/202401/1.jpg"), next(iter(MEDIA.values())))
    private = {**dict.fromkeys((*OTHERS, *PRIVATE), SECRET)}
    return {**{name: dumps(content) for name, content in lists.items()}, **MEDIA, **more, **private}


def _pick(files: Members, place: float, ending: str = "") -> str | None:
    names = sorted(name for name in files if name.endswith(ending))
    return names[int(place * len(names))] if names else None


@dataclass(frozen=True)
class Rewrite:
    """Damage: a value in a list is replaced, or one of its keys is given twice."""

    file: float
    way: tuple[float, ...]
    value: object
    twice: bool

    def __call__(self, files: Members) -> None:
        name = _pick(files, self.file, ".json")
        if name is None:
            return
        try:
            root = [json.loads(files[name])]
        except ValueError:
            return
        holder: list | dict = root
        key: int | str = 0
        for place in self.way:
            inner = holder[key]  # type: ignore[index]
            keys = sorted(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
            if not keys:
                break
            holder, key = inner, keys[int(place * len(keys))]
        holder[key] = self.value  # type: ignore[index]
        text = json.dumps(root[0])
        if self.twice and text.startswith("{"):
            text = '{"media": [], ' + text[1:]
        files[name] = text.encode()


@dataclass(frozen=True)
class Cut:
    """Damage: the end of a file is lost."""

    file: float
    at: float

    def __call__(self, files: Members) -> None:
        name = _pick(files, self.file)
        if name is not None:
            files[name] = files[name][: int(self.at * len(files[name]))]


@dataclass(frozen=True)
class Lose:
    """Damage: a file is lost, or lies elsewhere."""

    file: float
    to: str | None

    def __call__(self, files: Members) -> None:
        name = _pick(files, self.file)
        content = files.pop(name) if name is not None else b""
        if self.to:
            files[self.to] = content


@dataclass(frozen=True)
class Example:
    """An export: how it is given, what is chosen, and its damages."""

    layout: str
    also: frozenset[str]
    damages: tuple[Callable[[Members], None], ...]


WAYS = st.lists(PLACES, max_size=6).map(tuple)
DAMAGES = st.one_of(
    st.builds(Rewrite, PLACES, WAYS, VALUES, st.booleans()),
    st.builds(Rewrite, PLACES, WAYS, st.sampled_from(URIS), st.booleans()),
    st.builds(Cut, PLACES, PLACES),
    st.builds(Lose, PLACES, st.none() | st.sampled_from(["media/a.jpg", f"{LISTS}/posts_2.json", "x/y.jpg"])),
)
EXAMPLES = st.builds(
    Example,
    st.sampled_from(sorted(LAYOUTS)),
    st.sets(st.sampled_from(sorted(ALSO))).map(frozenset),
    st.lists(DAMAGES, max_size=4).map(tuple),
)


class Listed:
    """Check that lists a damaged export."""

    def __init__(self) -> None:
        self._members = members()
        self.n_refused = 0

    def __call__(self, example: Example) -> None:
        """Damage a copy and list it; raise `AssertionError` for what came in, or is lost."""
        files = dict(self._members)
        for damage in example.damages:
            damage(files)
        with tempfile.TemporaryDirectory() as scratch:
            try:
                sources = find_sources(
                    [str(path) for path in _write(files, example.layout, Path(scratch))],
                    Path(scratch),
                    Options(also=example.also),
                )
            except PhotosearchError:
                self.n_refused += 1
                return
            for source in sources:
                self._check(source, files, example.also)

    def _check(self, source: Source, files: Members, also: frozenset[str]) -> None:
        if not isinstance(source, ExportSource):
            assert not any("/posts" in name and name.endswith(".json") for name in files), f"it is a {source.kind}"
            return
        try:
            items = list(source.listings({}, Watch()))
        except PhotosearchError:
            self.n_refused += 1
            return
        failures = [item for item in items if isinstance(item, Failure)]
        listed = [item for item in items if isinstance(item, Listing)]
        with Archives() as archives:
            for item in listed:
                try:
                    data = read_photo(item.source_key, item.address or "", archives, MAX_BYTES)
                except PhotoError:
                    continue
                assert SECRET not in data or SECRET not in _private(files, data), f"{item.source_key} is private"
        named = {item.source_key for item in items} | {path for paths in source.omitted.values() for path in paths}
        for list_name, uri in _uris(files, also):
            said = any(failure.source_key.endswith(f"/{Path(list_name).name}") for failure in failures)
            assert said or any(uri.endswith(name) or name.endswith(uri) for name in named), f"{uri} is lost"
        for list_name, key in _addresses(files) if "saved" in also else ():
            said = any(failure.source_key.endswith(f"/{Path(list_name).name}") for failure in failures)
            assert said or key in named, f"{key} is lost"


def _private(files: Members, data: bytes) -> bytes:
    """Return the data if only private files have it."""
    public = [name for name, content in files.items() if content == data and name not in (*PRIVATE, *OTHERS)]
    return b"" if public else data


def _uris(files: Members, also: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield what the lists that are chosen name in their usual form: the list and the path."""
    for name in sorted(files):
        stem = Path(name).stem.partition("_")[0]
        if Path(name).parent.as_posix() != LISTS or stem not in ({"posts"} | also):
            continue
        try:
            document = json.loads(files[name])
        except ValueError:
            continue
        for entry in document if isinstance(document, list) else ():
            media = entry.get("media") if isinstance(entry, dict) else None
            for item in media if isinstance(media, list) else ():
                uri = item.get("uri") if isinstance(item, dict) else None
                if isinstance(uri, str) and uri.strip().isascii() and uri.strip().isprintable() and uri.strip():
                    yield name, uri.strip()


def _addresses(files: Members) -> Iterator[tuple[str, str]]:
    """Yield the saved posts that lists name in their usual form: the list and the post's key."""
    for name in sorted(files):
        if Path(name).parent.as_posix() != SAVED or not Path(name).stem.startswith("saved_"):
            continue
        try:
            document = json.loads(files[name])
        except ValueError:
            continue
        entries = next(iter(document.values()), None) if isinstance(document, dict) and len(document) == 1 else None
        for entry in entries if isinstance(entries, list) else ():
            values = entry.get("string_map_data") if isinstance(entry, dict) and len(entry) < 3 else None
            links = (
                [value.get("href") for value in values.values() if isinstance(value, dict)]
                if isinstance(values, dict)
                else []
            )
            if len(links) == 1 and links[0] in (f"{SITE}one/", f"{SITE}two/"):
                yield name, links[0].rstrip("/")


def _write(files: Members, layout: str, folder: Path) -> list[Path]:
    """Write an export as people have it, in a layout of `LAYOUTS`."""
    if layout == "older folders":
        files = {f"Downloads/x/{name.replace(LISTS, 'content')}": content for name, content in files.items()}
    if "part" not in layout:
        path = write_zip(folder / NAME, files)
        if layout == "unpacked":
            return [unpack(path, folder / "unpacked")]
        if layout == "folder in a folder":
            return [unpack(path, folder / "meta-2026-Apr-11" / path.stem).parent]
        return [path]
    half = len(files) // 2
    names = (NAME, NAME.replace(".zip", " (1).zip"))
    halves = (dict(list(files.items())[:half]), dict(list(files.items())[half:]))
    parts = [write_zip(folder / name, part) for name, part in zip(names, halves, strict=True)]
    n_kept = {"parts": 2, "a part unpacked": 1, "parts unpacked": 0}[layout]  # as ZIPs
    return [*parts[:n_kept], *(unpack(part, folder / part.stem) for part in parts[n_kept:])]
