"""Hashtags: what one is, in a post that is read and in a query alike.

A hashtag is a # with letters of any alphabet, their combining marks, digits, underscores, middle dots or emoji behind
it. There is none inside a word (*a#b*), an address (*example.org/page#top*) or an HTML entity (*&#39;*), and digits
alone (*#1*) are none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from photosearch.words.analyzer import JOINERS, MARKS, unaccented

_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_DOTS = "\u00b7\u2027\u30fb"  # within words of Catalan (col·laboració) and Japanese
_VARIANTS = "\ufe0e\ufe0f"  # an emoji as a character or as a picture
_FLAGS = "\U000e0020-\U000e007f"  # what tells the flag of Scotland from that of Wales
_FIRST = rf"\w{_EMOJI}"
_NAME = rf"[{_FIRST}][{_FIRST}{MARKS}{JOINERS}{_DOTS}{_FLAGS}]*"
_SIGN = "[#＃]"
_ONE = re.compile(rf"{_SIGN}({_NAME})")
# The sign stands first, since a search for a pattern that begins with a look behind takes seven times as long.
_RUN = re.compile(rf"{_SIGN}(?<![\w/&{MARKS}]{_SIGN}){_NAME}(?:{_SIGN}{_NAME})*")
_ADDRESS = re.compile(r"\b(?:[a-z][a-z0-9+.-]*://|www\.|mailto:)\S+", re.IGNORECASE)
_LEFT_OUT = dict.fromkeys(map(ord, f"{_VARIANTS}\u200c"))
DEFINITION = (_NAME, _SIGN)  # indexes depend on it


def find_hashtags(text: str) -> list[str]:
    """Return the hashtags in a text, without "#", in order; those that differ in case only once."""
    if "#" not in text and "＃" not in text:
        return []
    runs = _RUN.findall(_ADDRESS.sub(" ", text))
    found = (tag for run in runs for tag in asked_hashtags(run) if not tag.isdigit())
    distinct: dict[str, str] = {}
    for tag in found:
        distinct.setdefault(fold_hashtag(tag, str), tag)
    return list(distinct.values())


def asked_hashtags(text: str) -> list[str]:
    """Return the hashtags that a query's word asks for, which may be digits alone: tags that a list names may be."""
    return [tag.rstrip(_DOTS) for tag in _ONE.findall(text)]


def fold_hashtag(tag: str, fold: Callable[[str], str] = unaccented) -> str:
    """Return a hashtag as it is compared: without case and the variants of emoji, its letters as `fold` makes them.

    `fold` is that of the owner's language (`languages.Language`).
    """
    plain = fold(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tag).lower()))
    return unicodedata.normalize("NFKC", plain.casefold()).translate(_LEFT_OUT)
