"""The media of an Instagram export: where a list's picture lies, and what is left out with which reason."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from photosearch.errors import PhotoError
from photosearch.pictures.formats import SUFFIXES, is_picture_name
from photosearch.records import Failure, Listing
from photosearch.sources.archive import Archives
from photosearch.sources.instagram.export_layout import (
    account_of,
    account_of_file,
    is_private,
    media_key,
    needed_choice,
    private_kind,
)
from photosearch.sources.instagram.export_parts import Part, file_stamp, find_in_zip
from photosearch.sources.instagram.export_posts import Medium
from photosearch.sources.source import Options

_NO_MEDIUM = "the export names it by a path that is none of its media's"
_FILM = re.compile(r"\.(?:mp4|mov|m4v|webm|avi|mkv|3gp)$", re.IGNORECASE)
_N_NAMED = 3  # paths that a note names
_UNLISTED = "pictures that no list of posts names"


class MediaFinder:
    """Finds the pictures that lists name, in all parts, and in those that were given before."""

    def __init__(
        self,
        parts: Sequence[Part],
        account: str | None,
        options: Options,
        known: Mapping[str, str | None],
        archives: Archives,
    ) -> None:
        """Look at nothing yet.

        Args:
            parts: of the export.
            account: the user whose pictures are found, where parts hold those of several.
            options: `also` is used.
            known: keys of the collection's photos, each with its address.
            archives: opens ZIPs that were given before.
        """
        self._parts = parts
        self._account = account
        self._options = options
        self._known = known
        self._archives = archives
        self._by_file_name = [_by_file_name(part) for part in parts]

    def find(self, uri: str, choice: str) -> Listing | Failure:
        """Return where a picture lies, or why it cannot be used.

        Args:
            uri: its path as a list writes it.
            choice: of the list.
        """
        key = media_key(uri)
        if key is None or is_private(key):
            return Failure(uri, _NO_MEDIUM)
        needed = needed_choice(key)
        if needed not in (None, choice, *self._options.also):
            return Failure(key, f"a list of {choice} names it, but it belongs to {needed}, which were not chosen")
        refusal: str | None = None
        for part, by_file_name in zip(self._parts, self._by_file_name, strict=True):
            for name in self._names(part, by_file_name, key):
                try:
                    return Listing(key, part.stamp(name), part.address(name))
                except PhotoError as error:
                    refusal = refusal or str(error)
        if refusal is None and (earlier := self._earlier(key)):
            return earlier
        return Failure(key, refusal or "none of the given parts holds it; give all parts of the export together")

    def refuse_video(self, uri: str) -> Failure | None:
        """Return why what a list names is none of the export's videos; None where it may be one."""
        key = media_key(uri)
        if key is None or is_private(key):
            return Failure(uri, _NO_MEDIUM)
        if not _FILM.search(uri):
            return Failure(key, "the export names it as a picture or video, but its name is that of neither")
        return None

    def _names(self, part: Part, by_file_name: Mapping[str, list[str]], key: str) -> list[str]:
        """Return the paths in a part that a key may mean, shortest first."""
        names = by_file_name.get(key.rpartition("/")[2], ())
        fitting = [name for name in names if name == key or name.endswith(f"/{key}")]
        own = [name for name in fitting if self._is_own(part, name.removesuffix(key)) and not is_private(name)]
        return sorted(own, key=len)

    def _is_own(self, part: Part, root: str) -> bool:
        if self._account is None:
            return True
        return (account_of(root) or account_of_file(part.path.stem)) in (None, self._account)

    def _earlier(self, key: str) -> Listing | None:
        """Return where a picture lies in a part that was given before; None where it is not there any more."""
        address = self._known.get(key)
        if not address:
            return None
        path = Path(address)
        try:
            if path.suffix.lower() != ".zip":
                return Listing(key, file_stamp(path), address)
            member = find_in_zip(key, path, self._archives)
        except PhotoError:
            return None
        return Listing(key, member.stamp, address) if member and not member.refusal else None


class LeftOut:
    """What a listing leaves out on purpose, by kind."""

    def __init__(self) -> None:
        self._paths: dict[str, dict[str, None]] = {}
        self._n_saved = 0

    @property
    def paths(self) -> dict[str, list[str]]:
        """Return the paths by kind, each once, since lists and parts repeat each other."""
        return {kind: list(paths) for kind, paths in sorted(self._paths.items())}

    def add_video(self, uri: str, choice: str) -> None:
        """Note a video of which the export has no picture."""
        kind = "reels" if choice == "reels" else "videos"
        self._add(f"{kind} without a cover picture, since films are not read yet", uri)

    def count_unlisted(self, parts: Sequence[Part], found: Collection[str], account: str | None) -> None:
        """Note the pictures in the parts that were not listed: private ones, those not chosen, and others."""
        for part in parts:
            for name in part.names():
                if not is_picture_name(name) or account not in (None, account_of(name) or account):
                    continue
                private = private_kind(name)
                if private is not None:
                    self._add(f"{private}, which are never read", name)
                    continue
                key = _key_in(name)
                if key is None:
                    self._add("pictures outside the export's folders of media", name)
                    continue
                if key in found:
                    continue
                choice = needed_choice(key)
                self._add(f"pictures of {choice}, which were not chosen or not listed" if choice else _UNLISTED, name)

    def count_saved(self, n_taken: int, not_chosen: Sequence[str]) -> None:
        """Note the number of saved posts that were taken, and the lists of such that were not chosen."""
        self._n_saved = n_taken
        for name in not_chosen:
            self._add("lists of saved posts, which were not chosen, and of which the export has addresses only", name)

    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each kind: the number, the reason, and some paths, but none of private files."""
        notes = [f"Left out: {kind}: {len(paths):,}{_examples(kind, paths)}." for kind, paths in self.paths.items()]
        if self._n_saved:
            notes.append(
                f"Saved posts without pictures: {self._n_saved:,}. The export has only their addresses, and Instagram"
                " shows pictures only after a login; search finds them by their texts, and a link leads to the post."
            )
        return tuple(notes)

    def _add(self, kind: str, path: str) -> None:
        self._paths.setdefault(kind, {})[path] = None


def _examples(kind: str, paths: Sequence[str]) -> str:
    if kind.endswith("never read"):
        return ""
    return f" ({', '.join(paths[:_N_NAMED])}{', …' if len(paths) > _N_NAMED else ''})"


def _key_in(name: str) -> str | None:
    """Return the key of a picture in a folder of media; None for pictures elsewhere."""
    folders = name.split("/")
    starts = [at for at, folder in enumerate(folders[:-1]) if folder in ("media", "photos", "stories", "videos")]
    return "/".join(folders[starts[0] :]) if starts else None


def _by_file_name(part: Part) -> dict[str, list[str]]:
    paths: dict[str, list[str]] = {}
    for name in part.names():
        paths.setdefault(name.rpartition("/")[2], []).append(name)
    return paths


def covers_of(medium: Medium) -> Iterator[str]:
    """Yield the paths where a video's cover may be: the one the export names, and those with the video's own name."""
    if medium.cover and is_picture_name(medium.cover):
        yield medium.cover
    stem = os.path.splitext(medium.uri)[0]
    yield from (stem + suffix for suffix in SUFFIXES)
