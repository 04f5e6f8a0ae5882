"""Where things lie in an Instagram export: lists of posts, media, and what is never read."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

LEGACY = "legacy"
POSTS = "posts"
SAVED = "saved"
# The files that list media, by the name of the choice; they may lie in extra folders.
_LISTS = {
    POSTS: re.compile(r"(?:.*/)?(?:content|media|posts)/posts(?:_\d+)?\.json|(?:.*/)?posts_\d+\.json"),
    "archived": re.compile(r"(?:.*/)?(?:content|media)/archived_posts(?:_\d+)?\.json"),
    "stories": re.compile(r"(?:.*/)?(?:content|media)/stories(?:_\d+)?\.json"),
    "reels": re.compile(r"(?:.*/)?(?:content|media)/reels(?:_\d+)?\.json"),
    "igtv": re.compile(r"(?:.*/)?(?:content|media)/igtv_videos(?:_\d+)?\.json"),
    "other": re.compile(r"(?:.*/)?(?:content|media)/other_content(?:_\d+)?\.json"),
    SAVED: re.compile(r"(?:.*/)?saved/saved_(?:posts|media|collections)(?:_\d+)?\.json"),
}
CHOICES = tuple(choice for choice in _LISTS if choice != POSTS)  # lists that are read on request
_LEGACY_LIST = re.compile(r"(?:.*/)?media(?:_\d+)?\.json")
_LEGACY_MEDIA = re.compile(r"(?:.*/)?(?:photos|videos|stories|direct|profile)/\d{6}/")
_LEGACY_PRIVATE = ("direct", "profile")  # folders that until 2019 held pictures of messages and of the profile
_MONTH = re.compile(r"\d{6}")
_MESSAGES = ("inbox", "message_requests", "archived_threads")  # folders in `messages`, which lay at the top until 2022
_HTML_POSTS = re.compile(r"(?:.*/)?(?:content|media|posts)/posts(?:_\d+)?\.html")
_START_PAGES = ("start_here.html", "index.html")
_TOP = re.compile(
    r"(?:.*/)?(?:your_instagram_activity|personal_information|connections/followers_and_following"
    r"|followers_and_following|past_instagram_insights)/"
    rf"|(?!.*facebook)(?:.*/)?messages/(?:{'|'.join(_MESSAGES)})/"
    rf"|(?:.*/)?(?:{'|'.join(_LEGACY_PRIVATE)})/\d{{6}}/"
)
_MEDIA_PART = re.compile(
    r"(?:.*/)?media/(?:posts|stories|reels|igtv|other|archived_posts|recently_deleted|profile|direct)/(?:\d{6}|\d{17,})/"
)
_TOP_FOLDERS = ("your_instagram_activity", "content", "media", "posts", "saved")  # the first folder of a list's path
_MEDIA_FOLDERS = frozenset(("media", "photos", "stories", "videos"))  # where an export's own paths begin
# Folders that are never read, whatever names them: of messages, and of pictures that are no posts.
_PRIVATE = {
    "messages": "pictures in messages",
    "direct": "pictures in messages",
    "recently_deleted": "pictures of deleted posts",
    "deleted": "pictures of deleted posts",
    "profile": "profile pictures",
    "profile_photos": "profile pictures",
    "drafts": "pictures in drafts",
    "ads": "pictures in ads",
    "ads_information": "pictures in ads",
}
_ON_REQUEST = {"stories": "stories", "archived_posts": "archived", "archived": "archived"}  # folder to choice

# instagram-NAME-2024-01-31-ab12CD.zip, instagram-NAME-20221116.zip, and in 2018 NAME_20181016_part_1.zip
_ACCOUNT = re.compile(r"instagram-([A-Za-z0-9._]{1,30})-\d{4}-?\d{2}-?\d{2}")
_ACCOUNT_2018 = re.compile(r"([A-Za-z0-9._]{1,30}?)_\d{8}(?:_part_\d+)?$")
_MAX_DEPTH = 3  # of an export in the folder that is named, such as meta-2026-Apr-11/instagram-NAME-2026-04-11-x


def list_choice(name: str) -> str | None:
    """Return which choice a file's path is a list of; None for files that list no posts."""
    if is_private(name):
        return None
    if _LEGACY_LIST.fullmatch(name):
        return LEGACY
    return next((choice for choice, layout in _LISTS.items() if layout.fullmatch(name)), None)


def list_root(name: str) -> str:
    """Return the folder of the export that a list belongs to, with a slash at its end; "" for the top."""
    folders = name.split("/")[:-1]
    first = next((index for index, folder in enumerate(folders) if folder in _TOP_FOLDERS), len(folders))
    return "".join(f"{folder}/" for folder in folders[:first])


def media_key(uri: str) -> str | None:
    """Return a medium's path from the folder of media on, so that the next export gives the same key; None for others.

    Paths that lead out of the export and addresses are no paths of media.
    """
    folders = uri.split("/")
    if len(folders) > 2 and folders[0] not in _MEDIA_FOLDERS and folders[1] in _MEDIA_FOLDERS:
        folders = folders[1:]
    is_odd = "\\" in uri or ":" in uri or any(folder in ("", ".", "..") for folder in folders)
    return None if is_odd else "/".join(folders)


def is_private(name: str) -> bool:
    """Return whether a path leads through a folder that is never read."""
    return any(folder in _PRIVATE for folder in name.split("/")[:-1])


def private_kind(name: str) -> str | None:
    """Return what people call the kind of a file that is never read; None for other files."""
    return next((_PRIVATE[folder] for folder in name.split("/")[:-1] if folder in _PRIVATE), None)


def needed_choice(key: str) -> str | None:
    """Return the choice that a medium belongs to by its folder; None where every list may name it."""
    folders = key.split("/")[:-1]
    kind = folders[1] if len(folders) > 1 and folders[0] == "media" else folders[0] if folders else ""
    return _ON_REQUEST.get(kind)


def account_of(path: str) -> str | None:
    """Return the user whose name Instagram wrote into a path, from the innermost folder outward."""
    for folder in reversed(path.split("/")):
        match = _ACCOUNT.match(folder)
        if match:
            return match[1]
    return None


def account_of_file(stem: str) -> str | None:
    """Return the user whose name Instagram wrote into the name of a ZIP or of its folder."""
    match = _ACCOUNT.match(stem) or _ACCOUNT_2018.match(stem)
    return match[1] if match else None


def is_of_export(names: Collection[str]) -> bool:
    """Return whether some paths are those of an Instagram export, or of a part of one: of its lists, or of the rest."""
    return _has_own_folders(names) or bool(list_choices(names)) or is_html_export(names)


def list_choices(names: Collection[str]) -> set[str]:
    """Return the choices that some paths are lists of; a `media.json` is one only where media lie as until 2019."""
    choices = {choice for name in names if (choice := list_choice(name))}
    return choices if LEGACY not in choices or has_legacy_media(names) else choices - {LEGACY}


def is_html_export(names: Collection[str]) -> bool:
    """Return whether some paths are those of an export as web pages."""
    if any(_HTML_POSTS.fullmatch(name) for name in names):
        return True
    return _has_own_folders(names) and any(name.rpartition("/")[2] in _START_PAGES for name in names)


def _has_own_folders(names: Iterable[str]) -> bool:
    """Return whether some paths lead through folders that nothing but an export has."""
    return any(_TOP.match(name) or _MEDIA_PART.match(name) for name in names)


def has_legacy_media(names: Iterable[str]) -> bool:
    """Return whether some paths are those of media as exports had them until 2019."""
    return any(_LEGACY_MEDIA.match(name) for name in names)


def is_export_folder(path: Path) -> bool:
    """Return whether a folder is the top of an unpacked export, or of a part of one."""
    if (path / "your_instagram_activity").is_dir():
        return True
    if (path / "media.json").is_file() or any((path / "content").glob("posts_*.json")):
        return any((path / name).is_dir() for name in (*_MEDIA_FOLDERS, *_LEGACY_PRIVATE))
    months = [name for folder in _LEGACY_PRIVATE for name in _names_in(path / folder)]
    messages = [f"messages/{name}/" for name in _names_in(path / "messages")]
    if any(map(_MONTH.fullmatch, months)) or _has_own_folders(messages):
        return True
    try:
        with os.scandir(path / "media") as kinds:
            folders = [entry.path for entry in kinds if entry.is_dir(follow_symlinks=False)]
        return any(
            _MEDIA_PART.match(f"media/{Path(kind).name}/{name}/") for kind in folders for name in os.listdir(kind)
        )
    except OSError:
        return False


def _names_in(folder: Path) -> list[str]:
    """Return the names in a folder; none where it cannot be listed."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def export_folders(path: Path, depth: int = _MAX_DEPTH) -> list[Path]:
    """Return the tops of unpacked exports in a folder, the folder itself included; links are not followed."""
    if is_export_folder(path):
        return [path]
    if depth == 0:
        return []
    try:
        with os.scandir(path) as entries:
            folders = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
    return [found for folder in folders for found in export_folders(Path(folder), depth - 1)]
