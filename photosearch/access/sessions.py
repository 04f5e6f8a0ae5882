"""Sessions of visitors who gave the password: a cookie that holds its end and a signature, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from photosearch.access.private_files import write_private

COOKIE = "photosearch_session"
LIFETIME_S = 30 * 24 * 3600
KEY_FILE = "session.key"  # in the library's folder
_KEY_BYTES = 32
_VALUE = re.compile(r"(\d{1,12})\.([0-9a-f]{16})\.([0-9a-f]{64})")
log = logging.getLogger(__name__)


class Sessions:
    """Makes and checks the cookies; another password, or a removed key file, ends all sessions."""

    def __init__(self, folder: Path, password: str, clock: Callable[[], float] = time.time) -> None:
        self._path = folder / KEY_FILE
        self._password = password.encode()
        self._clock = clock
        self._key: bytes | None = None

    def is_password(self, text: str) -> bool:
        """Tell whether a text is the password, in a time that does not depend on how much of it is right."""
        return hmac.compare_digest(hashlib.sha256(text.encode()).digest(), hashlib.sha256(self._password).digest())

    def new_cookie(self) -> str:
        """Return the value of a new session's cookie."""
        begin = f"{int(self._clock()) + LIFETIME_S}.{secrets.token_hex(8)}"
        return f"{begin}.{self._signature(begin)}"

    def is_valid(self, cookie: str) -> bool:
        """Tell whether a cookie was made here, for the present password, and has not ended."""
        parts = _VALUE.fullmatch(cookie)
        if parts is None or int(parts[1]) < self._clock():
            return False
        return hmac.compare_digest(parts[3], self._signature(f"{parts[1]}.{parts[2]}"))

    def _signature(self, text: str) -> str:
        if self._key is None:
            self._key = self._read_key()
        key = hmac.digest(self._key, self._password, "sha256")
        return hmac.new(key, text.encode(), "sha256").hexdigest()

    def _read_key(self) -> bytes:
        """Return the key that lies in the library's folder, so that sessions outlive the server; make it if missing."""
        try:
            key = self._path.read_bytes()
            if len(key) == _KEY_BYTES:
                return key
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("%s cannot be read: %s. Visitors log in again after a restart.", self._path, error.strerror)
            return secrets.token_bytes(_KEY_BYTES)
        key = secrets.token_bytes(_KEY_BYTES)
        try:
            write_private(self._path, key)
        except OSError as error:
            log.warning("%s cannot be written: %s. Visitors log in again after a restart.", self._path, error.strerror)
        return key
