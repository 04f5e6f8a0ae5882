"""An Instagram user's own export ("Export your information"), as JSON, in one ZIP or in several parts.

Only the files that list posts and the pictures that these name are read: no messages, no contacts.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from photosearch.errors import Cancelled, PhotoError, SourceError
from photosearch.library import Pending
from photosearch.picture_formats import SUFFIXES, is_picture_name
from photosearch.records import Failure, Listing, TextKind, Watch
from photosearch.sources.archive import Archive, Archives, Member, are_zips, open_archives
from photosearch.sources.instagram.export_posts import Medium, Posts, read_posts
from photosearch.sources.left_out import file_label
from photosearch.sources.source import Content, Options, Resources, Source, SourceKind

NAME = "export"
MAX_JSON_BYTES = 64_000_000  # some 60,000 posts in one file; an export may hold several

# The files that list posts, by the name of the choice; they may lie in an extra folder.
_LAYOUTS = {
    "posts": re.compile(r"(?:.*/)?(?:content|media|posts)/posts(?:_\d+)?\.json|(?:[^/]+/)?posts_\d+\.json"),
    "archived": re.compile(r"(?:.*/)?(?:content|media)/archived_posts(?:_\d+)?\.json"),
    "stories": re.compile(r"(?:.*/)?(?:content|media)/stories(?:_\d+)?\.json"),
    "reels": re.compile(r"(?:.*/)?(?:content|media)/reels(?:_\d+)?\.json"),
}
_LEGACY = "legacy"
_LEGACY_FILE = re.compile(r"(?:[^/]+/)?media(?:_\d+)?\.json")
_LEGACY_MEDIA = re.compile(r"(?:[^/]+/)?(?:photos|videos|stories)/\d{6}/")
_HTML_POSTS = re.compile(r"(?:.*/)?(?:content|media|posts)/posts(?:_\d+)?\.html")
_INSTAGRAM_FOLDERS = re.compile(
    r"(?:[^/]+/)?(?:your_instagram_activity|personal_information|connections/followers_and_following"
    r"|followers_and_following|past_instagram_insights)/"
)
_MEDIA_FOLDERS = frozenset(("media", "photos", "stories", "videos"))  # where an export's own paths begin
_MESSAGES = frozenset(("messages", "direct"))
# instagram-NAME-2024-01-31-ab12CD.zip, instagram-NAME-20221116.zip, and in 2018 NAME_20181016_part_1.zip
_USER = re.compile(r"instagram-([A-Za-z0-9._]{1,30})-\d{4}-?\d{2}-?\d{2}|([A-Za-z0-9._]{1,30}?)_\d{8}(?:_part_\d+)?$")

_ASK_FOR_JSON = (
    "In Instagram, open Accounts Center > Your information and permissions > Export your information, and choose"
    " Format: JSON."
)


class ExportSource:
    """A source that lists each photo of each post in an export; a video is listed by its cover, if there is one."""

    kind = NAME
    described = False
    listed_in: str | None = None

    def __init__(self, paths: Sequence[Path], options: Options) -> None:
        """Take all parts of one export; raise `SourceError` if their names are those of several users."""
        self._paths = list(dict.fromkeys(path.resolve() for path in paths))
        self._options = options
        self.left_out: Counter[str] = Counter()
        users = {user.lower(): user for path in self._paths if (user := _user(path))}
        if len(users) > 1:
            raise SourceError(
                f"The ZIPs are exports of several users ({', '.join(users.values())}). Add one user's at a time."
            )
        self.collection = next(iter(users.values()), None) or self._paths[0].stem or "instagram"

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Return False: an export may be old or lack a part, so a photo missing from it does not count as deleted."""
        return False

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Yield each photo by its path in the export, or a failure for what cannot be read.

        Raises:
            SourceError: no file of posts can be read.
            Cancelled: `watch` cancelled it.
        """
        unreadable: list[Failure] = []
        n_read = 0
        listed: set[str] = set()
        with Archives() as archives:
            parts = {path: archives.open(path) for path in self._paths}
            for choice, path, name in _post_files(parts, self._options):
                if watch.is_cancelled():
                    raise Cancelled("The listing was cancelled; what was listed is kept. Run it again to finish it.")
                where = f"{path.name}/{name}"
                try:
                    posts = self._read(archives, path, name, choice)
                except (PhotoError, ValueError) as error:
                    unreadable.append(Failure(where, f"the posts in it cannot be read: {error}"))
                    continue
                n_read += 1
                if posts.n_unknown:
                    unreadable.append(Failure(where, f"{posts.n_unknown} of its entries name no photo or video"))
                yield from self._list_media(posts, parts, listed, watch)
        if not n_read:
            raise _no_posts(self._paths, unreadable)
        yield from unreadable

    def _read(self, archives: Archives, path: Path, name: str, choice: str) -> Posts:
        data = archives.read(path, name, MAX_JSON_BYTES)
        return read_posts(data, legacy=choice == _LEGACY, stories="stories" in self._options.also)

    def _list_media(
        self, posts: Posts, parts: dict[Path, Archive], listed: set[str], watch: Watch
    ) -> Iterator[Listing | Failure]:
        for medium in posts.media:
            if watch.is_cancelled():
                raise Cancelled("The listing was cancelled; what was listed is kept. Run it again to finish it.")
            listing = _list_medium(medium, parts)
            name = listing.source_key if listing else medium.uri
            if name in listed:  # parts repeat each other's posts
                continue
            listed.add(name)
            if listing:
                yield listing
            else:
                self.left_out[file_label(medium.uri)] += 1


def read_photo(photo_key: str, address: str, archives: Archives, max_bytes: int) -> bytes:
    """Read a listed photo's bytes; raises `PhotoError` as `Archives.read` does.

    Args:
        photo_key: the photo's path in the export.
        address: the path of the ZIP that holds it.
        archives: opens the ZIP, or has it open.
        max_bytes: a larger photo is refused.
    """
    path = Path(address)
    try:
        member = archives.open(path).find(photo_key)
    except SourceError as error:
        raise PhotoError(str(error)) from error
    return archives.read(path, member.name if member else photo_key, max_bytes)


def recognise(paths: Sequence[Path], options: Options) -> ExportSource | None:
    """Return a source if ZIPs are the parts of an Instagram export, None if they hold nothing of one.

    Raises:
        SourceError: a file is not a ZIP, or the export holds no posts as JSON.
    """
    with Archives() as archives:
        names = [name for path in paths for name in archives.open(path).names()]
    choices = {choice for name in names if (choice := _choice(name))}
    if _LEGACY in choices and not any(_LEGACY_MEDIA.match(name) for name in names):
        choices.remove(_LEGACY)
    if choices & {"posts", _LEGACY, *options.also}:
        return ExportSource(paths, options)
    subject = f'"{paths[0].name}"'
    if choices:
        raise SourceError(f"{subject} holds no posts, but {' and '.join(sorted(choices))}. Choose these to add them.")
    is_instagram = any(_INSTAGRAM_FOLDERS.match(name) for name in names)
    if any(_HTML_POSTS.fullmatch(name) for name in names) or (is_instagram and _has_start_page(names)):
        raise SourceError(f"{subject} is an Instagram export as web pages, which cannot be read. {_ASK_FOR_JSON}")
    if is_instagram:
        raise SourceError(
            f"{subject} is part of an Instagram export, but holds no posts. Give all parts of the export together; if"
            f" there are no more, ask for posts as well. {_ASK_FOR_JSON}"
        )
    return None


def _choice(name: str) -> str | None:
    if _MESSAGES & set(name.split("/")):
        return None
    if _LEGACY_FILE.fullmatch(name):
        return _LEGACY
    return next((choice for choice, layout in _LAYOUTS.items() if layout.fullmatch(name)), None)


def _has_start_page(names: Iterable[str]) -> bool:
    return any(name.rpartition("/")[2] in ("start_here.html", "index.html") for name in names)


def _post_files(parts: dict[Path, Archive], options: Options) -> list[tuple[str, Path, str]]:
    """Return the files to read, as choice, ZIP and member.

    Posts come first, since a photo that several files list keeps the details of its first listing.
    """
    order = ["posts", _LEGACY, *(choice for choice in _LAYOUTS if choice in options.also and choice != "posts")]
    post_files = [(choice, path, name) for path in parts for name in parts[path].names() if (choice := _choice(name))]
    wanted = [item for item in post_files if item[0] in order]
    ranks = {path: rank for rank, path in enumerate(parts)}
    return sorted(wanted, key=lambda item: (order.index(item[0]), ranks[item[1]], len(item[2]), item[2]))


def _list_medium(medium: Medium, parts: dict[Path, Archive]) -> Listing | Failure | None:
    """List a photo or a video's cover; return None for a video without a cover."""
    if is_picture_name(medium.uri):
        return _list_picture(medium.uri, medium, parts)
    covers = (_list_picture(cover, medium, parts) for cover in _covers(medium))
    return next((cover for cover in covers if isinstance(cover, Listing)), None)


def _list_picture(uri: str, medium: Medium, parts: dict[Path, Archive]) -> Listing | Failure:
    key = _key(uri)
    if key is None:
        return Failure(uri, "the export names it by a path that is none of its media's")
    refused: Member | None = None
    for path, archive in parts.items():
        member = archive.find(key)
        if member is not None and not member.refusal:
            return Listing(key, member.stamp, str(path), medium.details)
        refused = refused or member
    if refused is not None:
        return Failure(key, refused.refusal or "")
    return Failure(key, "none of the given parts holds it; give all parts of the export together")


def _key(uri: str) -> str | None:
    """Return a medium's path from the folder of media on, so that the next export gives the same key."""
    folders = uri.split("/")
    if len(folders) > 2 and folders[0] not in _MEDIA_FOLDERS and folders[1] in _MEDIA_FOLDERS:
        folders = folders[1:]
    is_odd = "\\" in uri or ":" in uri or any(folder in ("", ".", "..") for folder in folders)
    return None if is_odd or _MESSAGES & set(folders) else "/".join(folders)


def _covers(medium: Medium) -> list[str]:
    """Return the paths where a video's cover may be: the one the export names, and those with the video's own name."""
    stem = os.path.splitext(medium.uri)[0]
    return [
        *([medium.cover] if medium.cover and is_picture_name(medium.cover) else []),
        *(stem + suffix for suffix in SUFFIXES),
    ]


def _user(path: Path) -> str | None:
    match = _USER.match(path.stem)
    return (match[1] or match[2]) if match else None


def _no_posts(paths: Sequence[Path], unreadable: Sequence[Failure]) -> SourceError:
    why = f" ({unreadable[0].source_key}: {unreadable[0].reason})" if unreadable else ""
    return SourceError(f'"{paths[0].name}" holds no posts that can be read{why}. Export it again. {_ASK_FOR_JSON}')


def _open(paths: Sequence[Path], options: Options) -> Sequence[Source] | None:
    source = recognise(paths, options) if are_zips(paths) else None
    return [source] if source is not None else None


def _read(resources: Resources, photo: Pending, max_bytes: int, _etag: str | None) -> Content:
    return Content(read_photo(photo.source_key, photo.address or "", resources.shared(open_archives), max_bytes))


KIND: SourceKind = SourceKind(
    NAME,
    _read,
    usage="Instagram's export (all its ZIPs)",
    title="Instagram export",
    note="Ask Instagram for **your own posts**: *Accounts Centre > Your information and permissions > Export your"
    " information*, format **JSON**. Instagram sends you one or several ZIP files. Nothing is scraped, so Instagram"
    " cannot block it.",
    example="/home/you/Downloads/instagram-you.zip",
    complete_texts=(TextKind.OWNER, TextKind.HASHTAG, TextKind.MENTION),
    open_paths=_open,
)
