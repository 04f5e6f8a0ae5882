"""The forms in which people write the names of Instagram users and profiles."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from photosearch.errors import SourceError

PREFIX = "instagram:"
_HOSTS = ("instagram.com", "www.instagram.com", "m.instagram.com")
_NAME = re.compile(r"[A-Za-z0-9._]{1,30}")
_PROFILE = re.compile(r"instagram:.*|@[\w.]+|(?i:(https?://)?((www|m)\.)?instagram\.com/.*)", re.DOTALL)


def is_profile(written: str) -> bool:
    """Return whether a text names an Instagram profile; a file called @NAME can be written as ./@NAME."""
    return _PROFILE.fullmatch(written.strip()) is not None


def is_user_name(name: str) -> bool:
    """Return whether a user can have that name."""
    return _NAME.fullmatch(name) is not None


def user_name(written: str) -> str:
    """Return a user's name in lower case, as Instagram keeps it; raise `SourceError` if no user can have that name."""
    name = written.strip().removeprefix("@")
    if not is_user_name(name):
        raise SourceError(
            f'"{written}" cannot be the name of an Instagram user: names have 1 to 30 characters out of A to Z, 0 to'
            " 9, dot and underscore. Check the spelling and try again."
        )
    return name.lower()


def profile_name(written: str) -> str:
    """Return the name in `instagram:NAME`, `@NAME`, `NAME` or a profile's address; raise `SourceError` for others."""
    name = written.strip().removeprefix(PREFIX)
    if "/" not in name:
        return user_name(name)
    try:
        address = urlsplit(name if "://" in name else f"https://{name}")
        host, parts = address.netloc.lower(), [part for part in address.path.split("/") if part]
    except ValueError:  # for instance an unclosed bracket in the host
        host, parts = "", []
    if host not in _HOSTS or len(parts) != 1:
        raise SourceError(
            f'"{written}" is not the address of an Instagram profile. Give it as {PREFIX}NAME'
            " or https://www.instagram.com/NAME/."
        )
    return user_name(parts[0])
