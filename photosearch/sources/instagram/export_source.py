"""An Instagram user's own export ("Export your information"), as JSON: its ZIPs, or the folder they unpack to.

Only the files that list posts and the pictures that these name are read: no messages, no contacts. Where no name of a
file or folder says whose export it is, the user's name is looked up in the export, and nothing else there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from photosearch.errors import Cancelled, PhotoError, SourceError
from photosearch.library import Pending
from photosearch.pictures.formats import is_picture_name
from photosearch.records import Failure, Listing, TextKind, Watch
from photosearch.sources.archive import Archives, are_zips, open_archives
from photosearch.sources.instagram.export_account import account_told
from photosearch.sources.instagram.export_layout import (
    CHOICES,
    LEGACY,
    POSTS,
    SAVED,
    account_of,
    account_of_file,
    export_folders,
    is_html_export,
    is_of_export,
    list_choice,
    list_choices,
    list_root,
)
from photosearch.sources.instagram.export_media import LeftOut, MediaFinder, covers_of
from photosearch.sources.instagram.export_parts import Part, open_part, read_photo
from photosearch.sources.instagram.export_posts import Medium, join_details, lists_posts, read_posts
from photosearch.sources.instagram.export_saved import NO_PICTURE, is_saved, join_saved, read_saved
from photosearch.sources.source import Content, Options, Resources, Source, SourceKind

NAME = "export"
MAX_JSON_BYTES = 64_000_000  # some 60,000 posts in one file; an export may hold several
_MAX_PROBE_BYTES = 10_000_000  # of a single JSON file that may be a list of posts

_ASK_FOR_JSON = (
    "In Instagram, open Accounts Center > Your information and permissions > Export your information, and choose"
    " Format: JSON."
)


class ExportSource:
    """A source that lists each photo of each post in an export; a video is listed by its cover, if there is one."""

    kind = NAME
    described = False
    listed_in: str | None = None

    def __init__(self, paths: Sequence[Path], options: Options, account: str | None = None, title: str = "") -> None:
        """Take all parts of one export.

        Args:
            paths: ZIPs and folders.
            options: `also` is used.
            account: the user whose posts are listed, where the parts hold those of several; None: all posts.
            title: the collection's own name where no account is known.
        """
        self._paths = list(dict.fromkeys(path.resolve() for path in paths))
        self._options = options
        self._account = account
        self._omitted = LeftOut()
        self.left_out: Counter[str] = Counter()  # files of other kinds do not count: `notes` says what was left out
        self.collection = account or title or _own_name(self._paths[0]) or "instagram"

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was left out of the listing, by kind, with numbers and reasons."""
        return self._omitted.notes()

    @property
    def omitted(self) -> Mapping[str, Sequence[str]]:
        """Return the paths of media that were left out, by kind."""
        return self._omitted.paths

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Return False: an export may be old or lack a part, so a photo missing from it does not count as deleted."""
        return False

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:
        """Yield each photo by its path in the export, or a failure for what cannot be read.

        Raises:
            SourceError: no file of posts can be read.
            Cancelled: `watch` cancelled it.
        """
        self._omitted = LeftOut()
        unreadable: list[Failure] = []
        found: dict[str, Listing | Failure] = {}
        n_read = 0
        with Archives() as archives:
            parts = [open_part(path, archives) for path in self._paths]
            finder = MediaFinder(parts, self._account, self._options, known, archives)
            for choice, part, name in self._lists(parts):
                where = f"{part.path.name}/{name}"
                try:
                    listed, n_unknown = self._read(part, name, choice)
                except (PhotoError, ValueError) as error:
                    unreadable.append(Failure(where, f"the posts in it cannot be read: {error}"))
                    continue
                n_read += 1
                if n_unknown:
                    what = "address of a post" if choice == SAVED else "photo or video"
                    unreadable.append(Failure(where, f"{n_unknown} of its entries name no {what}"))
                for item in listed:
                    _check(watch)
                    self._take(item, choice, finder, found)
            self._omitted.count_unlisted(parts, found, self._account)
            self._omitted.count_saved(sum(map(is_saved, found)), self._not_chosen(parts))
        if not n_read:
            raise _no_posts(self._paths, unreadable)
        yield from found.values()
        yield from unreadable

    def _lists(self, parts: Sequence[Part]) -> list[tuple[str, Part, str]]:
        """Return the lists to read, as choice, part and path; posts come first, as the first details count most."""
        order = [POSTS, LEGACY, *(choice for choice in CHOICES if choice in self._options.also)]
        found = [
            (choice, number, name)
            for number, part in enumerate(parts)
            for name in part.names()
            if (choice := list_choice(name)) in order and self._is_own(part, list_root(name))
        ]
        found.sort(key=lambda item: (order.index(item[0]), item[1], len(item[2]), item[2]))
        return [(choice, parts[number], name) for choice, number, name in found]

    def _is_own(self, part: Part, root: str) -> bool:
        return self._account is None or _account(part.path, root) in (None, self._account)

    def _not_chosen(self, parts: Sequence[Part]) -> list[str]:
        """Return the lists of saved posts that are left out."""
        if SAVED in self._options.also:
            return []
        names = [(part, name) for part in parts for name in part.names() if list_choice(name) == SAVED]
        return [name for part, name in names if self._is_own(part, list_root(name))]

    def _read(self, part: Part, name: str, choice: str) -> tuple[Iterable[Medium | Listing], int]:
        """Read a list; return what it names, and how many of its entries are of an unknown shape."""
        data = part.read(name, MAX_JSON_BYTES)
        if choice == SAVED:
            return read_saved(data, of_collections="saved_collections" in name)
        posts = read_posts(data, legacy=choice == LEGACY, stories="stories" in self._options.also)
        return posts.media, posts.n_unknown

    def _take(
        self, medium: Medium | Listing, choice: str, finder: MediaFinder, found: dict[str, Listing | Failure]
    ) -> None:
        """List a photo, a video's cover or a saved post, and join what several lists say of it."""
        if isinstance(medium, Listing):
            before = found.get(medium.source_key)
            found[medium.source_key] = join_saved(before, medium) if isinstance(before, Listing) else medium
            return
        item = finder.find(medium.uri, choice) if is_picture_name(medium.uri) else _cover(medium, choice, finder)
        if item is None:
            self._omitted.add_video(medium.uri, choice)
            return
        before = found.get(item.source_key)
        if isinstance(item, Listing):
            details = medium.details
            if isinstance(before, Listing) and before.details is not None:
                details = join_details(before.details, details)
            found[item.source_key] = replace(item, details=details)
        elif before is None:
            found[item.source_key] = item


def _cover(medium: Medium, choice: str, finder: MediaFinder) -> Listing | Failure | None:
    """Return a video's cover, None for a video without one, or why what a list names is no video."""
    covers = (finder.find(cover, choice) for cover in covers_of(medium))
    cover = next((cover for cover in covers if isinstance(cover, Listing)), None)
    return cover or finder.refuse_video(medium.uri)


def _check(watch: Watch) -> None:
    if watch.is_cancelled():
        raise Cancelled("The listing was cancelled; what was listed is kept. Run it again to finish it.")


def _account(path: Path, root: str) -> str | None:
    """Return the account that a list belongs to: by its folder, else by the name of its ZIP or folder."""
    return account_of(root) or account_of_file(_own_name(path))


def _own_name(path: Path) -> str:
    """Return the name of a folder, or of a ZIP without its ending."""
    return path.stem if path.suffix.lower() == ".zip" else path.name


def recognise(paths: Sequence[Path], options: Options) -> list[ExportSource] | None:
    """Return a source for each account whose export some ZIPs and folders are; None if they hold nothing of one.

    Raises:
        SourceError: a file is not a ZIP, or the export holds no posts as JSON.
    """
    with Archives() as archives:
        parts = [open_part(path, archives) for path in paths]
        names = [name for part in parts for name in part.names()]
        if not is_of_export(names):
            return None
        lists = [
            (choice, _account(part.path, list_root(name)), list_root(name))
            for part in parts
            for name in part.names()
            if (choice := list_choice(name))
        ]
        named = next((account for path in paths if (account := account_of_file(_own_name(path)))), None)
        if not named and not any(account for _, account, _ in lists):
            named = account_told(parts)
    choices = list_choices(names)
    wanted = [item for item in lists if item[0] in choices & {POSTS, LEGACY, *options.also}]
    if not wanted:
        raise _without_posts(paths, names, sorted(choices))
    accounts = {account.lower(): account for _, account, _ in wanted if account}
    if len(paths) > 1 and len(accounts) > 1:
        raise SourceError(
            f"These are exports of several users ({', '.join(accounts.values())}). Add one user's at a time."
        )
    if len(accounts) > 1:
        return [ExportSource(paths, options, account) for account in accounts.values()]
    roots = {root for choice, _, root in wanted if choice in (POSTS, LEGACY)}
    if not accounts and len(paths) == 1 and len(roots) > 1:
        raise SourceError(
            f'"{paths[0].name}" holds several exports ({", ".join(sorted(roots))}). Unpack it, and add one at a time.'
        )
    return [ExportSource(paths, options, next(iter(accounts.values()), named))]


def _without_posts(paths: Sequence[Path], names: Sequence[str], choices: Sequence[str]) -> SourceError:
    """Return the error for parts of an export that list no posts."""
    subject = f'"{paths[0].name}"'
    if is_html_export(names):
        return SourceError(f"{subject} is an Instagram export as web pages, which cannot be read. {_ASK_FOR_JSON}")
    if choices:
        named = " and ".join("saved posts" if choice == SAVED else choice for choice in choices)
        return SourceError(f"{subject} holds no posts, but {named}. Choose these to add them.")
    return SourceError(
        f"{subject} is a part of an Instagram export without its posts. Give all parts of the export together; if"
        f" there are no more, ask for posts as well. {_ASK_FOR_JSON}"
    )


def _no_posts(paths: Sequence[Path], unreadable: Sequence[Failure]) -> SourceError:
    why = f" ({unreadable[0].source_key}: {unreadable[0].reason})" if unreadable else ""
    return SourceError(f'"{paths[0].name}" holds no posts that can be read{why}. Export it again. {_ASK_FOR_JSON}')


def _open(paths: Sequence[Path], options: Options) -> Sequence[Source] | None:
    if len(paths) == 1 and paths[0].suffix.lower() == ".json":
        _refuse_list_alone(paths[0])
        return None
    folders = [path for path in paths if path.is_dir()]
    if not are_zips([path for path in paths if path not in folders]):
        return None
    tops = [top for folder in folders for top in export_folders(folder)]
    if folders and (not tops or (len(paths) == 1 and _has_other_pictures(folders[0], tops))):
        return None
    return recognise(paths, options)


def _has_other_pictures(folder: Path, tops: Sequence[Path]) -> bool:
    """Return whether a folder holds pictures beside the exports in it."""
    if folder in tops:
        return False
    for entry in folder.iterdir():
        if entry in tops:
            continue
        if entry.is_dir() and not entry.is_symlink():
            if _has_other_pictures(entry, tops):
                return True
        elif is_picture_name(entry.name):
            return True
    return False


def _refuse_list_alone(path: Path) -> None:
    """Raise `SourceError` for a list of posts without its export; return for any other JSON."""
    if path.stat().st_size > _MAX_PROBE_BYTES or not lists_posts(path.read_bytes()):
        return
    # The outermost: a folder of the export that holds messages looks like an export, too.
    top = next((parent for parent in reversed(path.parents) if export_folders(parent, 0)), None)
    raise SourceError(
        f'"{path.name}" lists the posts of an Instagram export, but their pictures are not in it. '
        + (f'Add the folder "{top}".' if top else "Give the whole export: its ZIPs, or the folder they unpack to.")
    )


def _read(resources: Resources, photo: Pending, max_bytes: int, _etag: str | None) -> Content:
    if is_saved(photo.source_key):
        raise PhotoError(NO_PICTURE)
    return Content(read_photo(photo.source_key, photo.address or "", resources.shared(open_archives), max_bytes))


KIND: SourceKind = SourceKind(
    NAME,
    _read,
    usage="Instagram's export (all its ZIPs, or the folder they unpack to)",
    title="Instagram export",
    note="Ask Instagram for **your own posts**: *Accounts Center > Your information and permissions > Export your"
    " information*, format **JSON**. Instagram sends you one or several ZIP files. This is the safest way:"
    " photosearch asks Instagram for nothing. Everything about it is in `docs/instagram.md`.",
    example="/home/you/Downloads/instagram-you.zip",
    complete_texts=(TextKind.OWNER, TextKind.HASHTAG, TextKind.MENTION),
    open_paths=_open,
)
