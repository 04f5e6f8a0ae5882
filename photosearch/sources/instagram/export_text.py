"""Texts in the JSON of an Instagram export, and the tags and mentions in a post's text."""

from __future__ import annotations

import re
from functools import lru_cache

from photosearch.records import TextKind
from photosearch.words.hashtags import find_hashtags

Json = dict[str, object]

_MENTION = re.compile(r"(?<!\w)@([A-Za-z0-9_](?:[A-Za-z0-9._]{0,28}[A-Za-z0-9_])?)")

# Whole characters of UTF-8 whose bytes were written as characters, and the start of one that was cut.
_BYTES = r"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
_WHOLE = re.compile(_BYTES)
_WHOLE_OR_CUT = re.compile(rf"{_BYTES}|[\xe0-\xef][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{{1,2}}|[\xc2-\xf4]$")


def text_of(value: object) -> str:
    """Return a string with Instagram's encoding mistake undone, "" for anything else.

    Instagram writes each byte of UTF-8 as a character of its own, and cuts some texts within such a character: the
    rest is repaired, and the cut character becomes U+FFFD. A string without such sequences is right as it is.
    """
    if not isinstance(value, str):
        return ""
    try:
        value = value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        if _WHOLE.search(value):
            value = _WHOLE_OR_CUT.sub(_decoded, value)
        value = value.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair cannot be stored
    return value.replace("\0", "").strip()


def _decoded(match: re.Match[str]) -> str:
    return match[0].encode("latin-1").decode("utf-8", "replace")


def dict_of(value: object) -> Json:
    """Return an object of JSON, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[object]:
    """Return a list of JSON, an object as a list of one, an empty list for anything else."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


@lru_cache(maxsize=1)  # the slides of a post share its text
def texts_of(caption: str) -> tuple[tuple[TextKind, str], ...]:
    """Return a post's text, then its hashtags and mentioned users, each once and without # or @."""
    if not caption:
        return ()
    mentions: dict[str, str] = {}
    for name in _MENTION.findall(caption):
        mentions.setdefault(name.casefold(), name)
    return (
        (TextKind.OWNER, caption),
        *((TextKind.HASHTAG, tag) for tag in find_hashtags(caption)),
        *((TextKind.MENTION, name) for name in mentions.values()),
    )
