"""API tokens: made, listed and revoked by the command line; the library's folder holds their hashes only."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from photosearch.access.private_files import MODE, write_private
from photosearch.errors import PhotosearchError

FILE_NAME = "tokens.json"  # in the library's folder
PREFIX = "photosearch_"  # so that people, and scanners for leaked secrets, know what it is
MAX_NAME_CHARS = 100
_SECRET_BYTES = 32
_LOCK_S = 10.0


@dataclass(frozen=True)
class Token:
    """What is kept of a token."""

    name: str
    sha256: str  # of the whole token, which is too random to be guessed from it
    may_write: bool
    created: str  # ISO 8601, UTC


class Tokens:
    """The tokens of one library."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def all(self) -> list[Token]:
        """Return all tokens in the order in which they were made; raises `PhotosearchError`."""
        try:
            entries = json.loads(self._path.read_bytes())
            if not isinstance(entries, list):
                raise TypeError("a list is expected")
            return [Token(str(e["name"]), str(e["sha256"]), e["may_write"] is True, str(e["created"])) for e in entries]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise PhotosearchError(
                f"{self._path} cannot be read: {error.strerror}. Check its access rights."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise PhotosearchError(
                f"{self._path} is damaged, so no token is valid. Remove it, and create the tokens again."
            ) from error

    def find(self, text: str) -> Token | None:
        """Return the token whose whole text was given; None where there is none; raises `PhotosearchError`."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        return next((token for token in self.all() if hmac.compare_digest(token.sha256, digest)), None)

    def create(self, name: str, *, may_write: bool) -> str:
        """Make a token and return its text, which is kept nowhere.

        Raises:
            PhotosearchError: the name is taken, empty, too long or not printable, or the file cannot be written.
        """
        if not name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable():
            raise PhotosearchError(
                f"A token's name has 1 to {MAX_NAME_CHARS} printable characters. Choose another one."
            )
        text = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        digest = hashlib.sha256(text.encode()).hexdigest()
        with self._locked():
            tokens = self.all()
            if any(token.name == name for token in tokens):
                raise PhotosearchError(f'There is a token "{name}" already. Choose another name, or revoke it first.')
            made = datetime.now(UTC).isoformat(timespec="seconds")
            self._write([*tokens, Token(name, digest, may_write, made)])
        return text

    def revoke(self, name: str) -> None:
        """Remove a token, which is refused from then on; raises `PhotosearchError` where there is none."""
        with self._locked():
            tokens = self.all()
            left = [token for token in tokens if token.name != name]
            if len(left) == len(tokens):
                raise PhotosearchError(f'There is no token "{name}". "photosearch token list" shows all.')
            self._write(left)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._path.with_suffix(".lock"), timeout=_LOCK_S, mode=MODE):
                yield
        except Timeout as error:
            raise PhotosearchError("Another command changes the tokens at the moment. Try again.") from error
        except OSError as error:
            raise PhotosearchError(f"{self._path} cannot be written: {error.strerror}. Try again later.") from error

    def _write(self, tokens: Sequence[Token]) -> None:
        write_private(self._path, json.dumps([asdict(token) for token in tokens], indent=1).encode())
