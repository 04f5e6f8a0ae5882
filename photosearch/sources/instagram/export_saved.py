"""The saved posts in an Instagram export: addresses of other people's posts, with their texts but without pictures.

Instagram documents none of these files. In `saved_posts.json` each entry is one post; in `saved_collections.json` an
entry holds the name of a collection, and its posts come after it or within it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from photosearch.records import Details, Listing
from photosearch.sources.instagram.export_labels import facts_of
from photosearch.sources.instagram.export_posts import join_details
from photosearch.sources.instagram.export_text import Json, dict_of, list_of, text_of, texts_of
from photosearch.sources.json_text import parse_json

FOLDER = "saved"
NO_PICTURE = "a saved post: the export has only its address, and its picture cannot be fetched without a login"
_ADDRESS = "https://www.instagram.com/p/"
_SITE = r"https?://(?:www\.)?instagram\.com/"
_POST = re.compile(rf"{_SITE}(?:[A-Za-z0-9._]{{1,30}}/)?(?:p|reels?|tv)/([A-Za-z0-9_-]{{1,64}})(?:[/?#]|$)")
_PROFILE = re.compile(rf"{_SITE}(?:_u/)?([A-Za-z0-9._]{{1,30}})/?")
_USER = re.compile(r"[A-Za-z0-9._]{1,30}")
_LINKS = ("href", "value", "link", "url", "uri")
_MAX_DEPTH = 20  # of groups within an entry; exports have five


def is_saved(source_key: str) -> bool:
    """Return whether a photo's key is that of a saved post."""
    return source_key.startswith(_ADDRESS)


def read_saved(data: bytes, *, of_collections: bool = False) -> tuple[list[Listing], int]:
    """Read a list of saved posts.

    Args:
        data: the bytes of the file.
        of_collections: whether it lists collections of saved posts.

    Returns:
        The posts, each once, and the number of entries that hold neither a post nor the name of a collection.

    Raises:
        ValueError: the file is not JSON, holds too much, or has an unknown shape.
    """
    document = parse_json(data)
    values = document.values() if isinstance(document, dict) else [document]
    lists = [value for value in values if isinstance(value, list)]
    if not lists:
        raise ValueError("it has another shape than the saved posts of any export known")
    found: dict[str, Listing] = {}
    collection, n_unknown = "", 0
    for entry in (dict_of(item) for entries in lists for item in entries):
        posts = list(_posts(entry))
        name = _name(entry) if of_collections and not (posts and posts[0][1] is entry) else ""
        collection = name or collection
        n_unknown += not posts and not name
        for code, post in posts:
            listing = Listing(f"{_ADDRESS}{code}", "", details=_details(post, code, collection), no_picture=NO_PICTURE)
            before = found.get(listing.source_key)
            found[listing.source_key] = join_saved(before, listing) if before else listing
    return list(found.values()), n_unknown


def join_saved(first: Listing, second: Listing) -> Listing:
    """Return what two lists say of one post, with the names of all collections that it is saved in."""
    one, other = first.details or Details(), second.details or Details()
    names = dict.fromkeys(name for details in (one, other) for name in (details.folder or "").split("/")[1:])
    return replace(first, details=replace(join_details(one, other), folder="/".join((FOLDER, *names))))


def _posts(group: Json, depth: int = 0) -> Iterator[tuple[str, Json]]:
    """Yield the shortcode of each post in a group of values, and the group that has its address among its values."""
    found = {match[1] for value in (group, *_values(group)) if (match := _link(value, _POST))}
    if len(found) == 1:
        yield found.pop(), group
    elif depth < _MAX_DEPTH:
        for inner in _groups(group):
            yield from _posts(inner, depth + 1)


def _values(group: Json) -> Iterator[Json]:
    """Yield the values of a group, with neither those of groups within it nor itself."""
    yield from (dict_of(value) for value in dict_of(group.get("string_map_data")).values())
    for name in ("string_list_data", "label_values", "dict"):
        yield from (dict_of(value) for value in list_of(group.get(name)))


def _groups(group: Json) -> Iterator[Json]:
    for value in group.values():
        yield from (item for item in list_of(value) if isinstance(item, dict))


def _link(value: Json, pattern: re.Pattern[str]) -> re.Match[str] | None:
    return next((match for name in _LINKS if (match := pattern.match(text_of(value.get(name))))), None)


def _name(entry: Json) -> str:
    """Return the name of the collection that an entry is: its first text that is no link; "" where it has none."""
    texts = (text_of(value.get("value")) for value in _values(entry) if not value.get("href"))
    return next((text.replace("/", " ") for text in texts if text), "")


def _details(post: Json, code: str, collection: str) -> Details:
    """Return what a group of values says of a post; when it was saved is known, but not when it was posted."""
    caption = facts_of(
        {**post, "label_values": [*list_of(post.get("label_values")), *list_of(post.get("dict"))]}
    ).caption
    if "string_map_data" in post and _USER.fullmatch(caption):  # such lists have users, and no captions
        user, caption = caption, ""
    else:
        user = _user(post)
    folder = f"{FOLDER}/{collection}" if collection else FOLDER
    return Details(permalink=f"{_ADDRESS}{code}/", folder=folder, posted_by=user or None, texts=texts_of(caption))


def _user(post: Json) -> str:
    """Return the user whose post it is: its title, the text beside its address, or the profile that it names."""
    beside = [text_of(value.get("value")) for value in _values(post) if _link(value, _POST)]
    title = next((name for name in (text_of(post.get("title")), *beside) if _USER.fullmatch(name)), "")
    return title or _owner(post)


def _owner(group: Json, depth: int = 0) -> str:
    """Return the user in the first group within a group that names one, by Instagram's label or by a profile's link."""
    for value in _values(group) if depth else ():
        text = text_of(value.get("value"))
        if text_of(value.get("label")).lower() == "username" and _USER.fullmatch(text):
            return text
    for value in _values(group) if depth else ():
        for name in _LINKS:
            if match := _PROFILE.fullmatch(text_of(value.get(name))):
                return match[1]
    inner = _groups(group) if depth < _MAX_DEPTH else ()
    return next((user for item in inner if (user := _owner(item, depth + 1))), "")
