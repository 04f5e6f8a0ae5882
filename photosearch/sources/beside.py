"""What the files beside a picture say of it: XMP sidecars, Google Takeout's JSON, instaloader's texts and JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from photosearch.errors import PhotoError
from photosearch.files import readable_name
from photosearch.pictures import xmp
from photosearch.pictures.names import name_details
from photosearch.records import Details, TextKind
from photosearch.sources import instaloader_files as instaloader
from photosearch.sources.json_text import parse_json
from photosearch.sources.takeout import takeout_details, takeout_names

PROFILE_PICTURE, VIDEO_COVER = "profile picture", "cover of a video"
_SUFFIXES = (".xmp", ".json", ".json.xz", ".txt")
_VIDEO_SUFFIXES = (".mp4", ".mov")
_MAX_TEXT_BYTES = 1_000_000
NOTHING = Details()
COMPLETE_TEXTS = (TextKind.OWNER, TextKind.HASHTAG, TextKind.MENTION, TextKind.ACCESSIBILITY)  # of listings with it


class Beside:
    """The files of one folder that say something of the pictures in it."""

    def __init__(self, names: Iterable[str], read: Callable[[str, int], bytes], folder: str = "") -> None:
        """Take the names of the folder's files; nothing is read yet.

        Args:
            names: of all files.
            read: returns the bytes of a file, or raises `PhotoError` where there are more than the given number.
            folder: the folder's path from the source's name on, which is searched, too.
        """
        self._folder = folder
        self._read = read
        self._names = {name.lower(): name for name in names if name.lower().endswith(_SUFFIXES + _VIDEO_SUFFIXES)}
        self._has_json = any(name.endswith((".json", ".json.xz", ".txt")) for name in self._names)
        self._read_before: dict[str, Details] = {}
        self.used: set[str] = set()  # files that say something of a picture, or should and cannot be read
        self.failures: list[tuple[str, str]] = []  # files that cannot be read, each with the reason

    def leaves_out(self, name: str) -> str | None:
        """Return as what a picture is left out that is no photo: instaloader's covers and profile pictures."""
        if instaloader.MARK not in name:
            return None
        stem = os.path.splitext(name)[0]
        if not instaloader.is_by_instaloader(stem):
            return None
        if instaloader.is_profile_picture(stem):
            return PROFILE_PICTURE
        is_cover = any(stem.lower() + suffix in self._names for suffix in _VIDEO_SUFFIXES)
        return VIDEO_COVER if is_cover else None

    def details_of(self, name: str) -> Details:
        """Return what names and neighbours say of a picture; a sidecar counts more than JSON, and that than names."""
        found = name_details(self._folder, readable_name(name))
        if not self._names:
            return found
        stem = os.path.splitext(name)[0]
        said = NOTHING
        for file in self._files((f"{name}.xmp", f"{stem}.xmp")):
            of_sidecar = self._said(file, self._sidecar)
            said = of_sidecar if said is NOTHING else said.completed_by(of_sidecar)
        if self._has_json:
            said = said.completed_by(self._takeout(name)).completed_by(self._post(stem))
        return found if said is NOTHING else said.completed_by(found)

    def _files(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            if (file := self._names.get(name.lower())) is not None:
                yield file

    def _takeout(self, name: str) -> Details:
        for file in self._files(f"{own}.json" for own in takeout_names(name)):
            if (said := self._said(file, self._json)) != NOTHING:
                return said
        return NOTHING

    def _post(self, stem: str) -> Details:
        said = NOTHING
        for post in instaloader.post_names(stem):
            for file in self._files((f"{post}.json.xz", f"{post}.json")):
                said = said.completed_by(self._said(file, self._json))
            is_post = said.permalink is not None or instaloader.is_by_instaloader(stem)
            if is_post and not said.texts:
                for file in self._files((f"{post}.txt",)):
                    said = said.completed_by(self._said(file, self._text))
            if is_post:
                self.used.update(self._files(f"{post}{ending}" for ending in instaloader.ENDINGS))
        return said.completed_by(instaloader.named_details(stem))

    def _said(self, file: str, parse: Callable[[str], Details | None]) -> Details:
        """Return what a file says; it is read once, though several pictures may share it."""
        if file not in self._read_before:
            said = None
            try:
                said = parse(file)
            except (PhotoError, ValueError) as error:
                self.failures.append((file, f"what it says of a photo cannot be read: {error}"))
                self.used.add(file)
            if said is not None:
                self.used.add(file)
            self._read_before[file] = said or NOTHING
        return self._read_before[file]

    def _sidecar(self, file: str) -> Details:
        return xmp.read_xmp(self._read(file, xmp.MAX_BYTES))

    def _json(self, file: str) -> Details | None:
        data = self._read(file, instaloader.MAX_JSON_BYTES)
        values = parse_json(instaloader.unpack(data) if file.lower().endswith(".xz") else data)
        if not isinstance(values, dict):
            return None
        return takeout_details(values) or instaloader.post_details(values)

    def _text(self, file: str) -> Details:
        return instaloader.text_details(xmp.clean(self._read(file, _MAX_TEXT_BYTES).decode("utf-8", "replace")))
