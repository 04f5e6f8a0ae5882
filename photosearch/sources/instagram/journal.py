"""The record of how far a profile has been listed: interrupted listings continue, and updates can stop early."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from photosearch.sources.instagram.files import read_json, write_private
from photosearch.sources.source import Options


@dataclass(frozen=True)
class Complete:
    """A listing that went as far as its limits let it."""

    newest: datetime  # date of its newest post, UTC; newer posts may have been listed in part
    oldest_key: str  # key of the last photo that was listed
    max_posts: int | None = None
    since: date | None = None

    def holds(self, options: Options) -> bool:
        """Return whether this listing went at least as far as one with the limits in `options` would."""
        has_enough_posts = self.max_posts is None or (
            options.max_posts is not None and options.max_posts <= self.max_posts
        )
        return has_enough_posts and (self.since is None or (options.since is not None and options.since >= self.since))

    def has_limits(self, options: Options) -> bool:
        """Return whether this listing had exactly the limits in `options`."""
        return (self.max_posts, self.since) == (options.max_posts, options.since)


class Journal:
    """The record of one profile's listings, kept in the library's folder for Instagram."""

    def __init__(self, folder: Path, profile: str) -> None:
        self._folder = folder
        self._profile = profile
        self._path = folder / f"profile-{profile}.json"

    def begin(self, login: str | None) -> None:
        """Record that a listing begins, and which user is logged in for it (None for no login)."""
        record = read_json(self._path)
        write_private(self._path, {**(record if isinstance(record, dict) else {}), "login": login})

    def complete(self, known: Collection[str]) -> Complete | None:
        """Return the latest complete listing, None if there is none that an update may rely on.

        An update may not rely on a listing whose photos are not all in the collection: the listing ends before its
        last photos are stored, and storing them can fail, for instance on a full disk.

        Args:
            known: keys of the collection's photos.
        """
        match read_json(self._path):
            case {"listed": list(listed)} if not all(key in known for key in listed):
                return None
            case {"complete": {"newest": str(newest), "oldest_key": str(oldest), **limits}}:
                max_posts, since = limits.get("max_posts"), limits.get("since")
                try:
                    return Complete(
                        datetime.fromisoformat(newest),
                        oldest,
                        max_posts if isinstance(max_posts, int) else None,
                        date.fromisoformat(since) if isinstance(since, str) else None,
                    )
                except ValueError:
                    return None
        return None

    def end(self, login: str | None, complete: Complete | None, listed: Sequence[str]) -> None:
        """Record that a listing reached its end, and delete the place of any interrupted one.

        Args:
            login: the user who was logged in for it, None for no login.
            complete: what the next update may rely on as soon as the collection holds all of `listed`.
            listed: keys of the photos listed that were not in the collection before.
        """
        kept = complete and {
            "newest": complete.newest.isoformat(),
            "oldest_key": complete.oldest_key,
            "max_posts": complete.max_posts,
            "since": complete.since.isoformat() if complete.since else None,
        }
        write_private(self._path, {"login": login, "complete": kept, "listed": list(listed)})
        self.forget_interrupted()

    def interrupted_path(self, magic: str) -> Path:
        """Return the path of an interrupted listing's place; `magic` is instaloader's hash of the listing's query."""
        return self._folder / f"resume-{self._profile}-{magic}.json"

    def forget_interrupted(self) -> None:
        """Delete the place of an interrupted listing, so that the next one begins at the newest post."""
        for path in self._folder.glob(f"resume-{self._profile}-*.json"):
            path.unlink(missing_ok=True)


def may_stop(complete: Complete | None, options: Options, known: Collection[str]) -> bool:
    """Return whether an update may end at the first known post, because no older one is missing.

    The collection must hold the last photo of the complete listing, as that listing may have filled another collection.
    """
    return complete is not None and complete.holds(options) and complete.oldest_key in known


def login_of(folder: Path, profile: str | None) -> str | None:
    """Return the user who was logged in for the latest listing of a profile, None if nobody was.

    Args:
        folder: the library's folder for Instagram.
        profile: its name; None: it is not known, which is no matter where one profile alone was ever listed.
    """
    paths = list(folder.glob("profile-*.json")) if profile is None else [folder / f"profile-{profile}.json"]
    match read_json(paths[0]) if len(paths) == 1 else None:
        case {"login": str(login)}:
            return login
    return None
