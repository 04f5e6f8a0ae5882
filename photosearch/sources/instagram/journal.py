"""How far a profile has been listed, so that an interrupted listing goes on and an update can stop early."""

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

    newest: datetime  # of its posts, UTC; what is newer has been listed in part at most
    oldest_key: str  # the last photo that was listed
    max_posts: int | None = None
    since: date | None = None

    def holds(self, options: Options) -> bool:
        """Whether it went at least as far as a listing with these limits would."""
        enough = self.max_posts is None or (options.max_posts is not None and options.max_posts <= self.max_posts)
        return enough and (self.since is None or (options.since is not None and options.since >= self.since))

    def has_limits(self, options: Options) -> bool:
        """Whether it had these very limits."""
        return (self.max_posts, self.since) == (options.max_posts, options.since)


class Journal:
    """What is known of a profile's listings, in the library's folder for Instagram."""

    def __init__(self, folder: Path, profile: str) -> None:
        self._folder = folder
        self._profile = profile
        self._path = folder / f"profile-{profile}.json"

    def begin(self, login: str | None) -> None:
        """A listing begins; keep who is logged in for it."""
        held = read_json(self._path)
        write_private(self._path, {**(held if isinstance(held, dict) else {}), "login": login})

    def complete(self, known: Collection[str]) -> Complete | None:
        """The latest complete listing, None where there was none, or the collection does not hold all that it listed.

        Whoever takes a listing may fail to keep it, as on a full disk, after it has ended.
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
        """A listing ended by itself; what an interrupted one has left is of no use any more.

        Args:
            login: who was logged in for it.
            complete: what the next one may rely on, once the collection holds all that was `listed`.
            listed: keys that the collection did not hold before.
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
        """Where the place of an interrupted listing is kept; the magic tells instaloader's kinds of listing apart."""
        return self._folder / f"resume-{self._profile}-{magic}.json"

    def forget_interrupted(self) -> None:
        """Let the next listing begin at the top."""
        for path in self._folder.glob(f"resume-{self._profile}-*.json"):
            path.unlink(missing_ok=True)


def may_stop(complete: Complete | None, options: Options, known: Collection[str]) -> bool:
    """Whether an update may end at the first post it knows: nothing older is missing.

    The collection must hold the last photo of the complete listing, which may have been another collection's.
    """
    return complete is not None and complete.holds(options) and complete.oldest_key in known


def latest_login(folder: Path) -> str | None:
    """The user who was logged in for the latest listing of any profile."""
    paths = sorted(folder.glob("profile-*.json"), key=lambda path: path.stat().st_mtime)
    match read_json(paths[-1]) if paths else None:
        case {"login": str(login)}:
            return login
    return None
