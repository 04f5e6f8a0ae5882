"""Reading an instaloader post without a further request to Instagram.

Many of instaloader's properties request the complete post if a field is missing (`Post.comments`, `Post.location`,
`Post.get_sidecar_nodes`). The posts of a profile come with Instagram's description of the medium, which is complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from instaloader import Post, get_json_structure

from photosearch.hashtags import find_hashtags
from photosearch.records import Details, Failure, Listing, TextKind

_PIN_FIELDS = ("timeline_pinned_user_ids", "pinned_for_users")
_MAX_PINNED = 3  # the most posts that Instagram lets a profile pin


def key_of(shortcode: str, number: int = 1) -> str:
    """Return the source key of a post's slide; slides are numbered from 1."""
    return f"{shortcode}/{number}"


def is_pinned(post: Post, position: int) -> bool:
    """Return whether a post may be pinned: it then stands at the top whatever its date, unlike the posts after it.

    Args:
        post: a post of a profile.
        position: its place in the profile, from 1; if Instagram does not say what is pinned, the first three may be.
    """
    medium = _medium(post)
    if any(field in medium for field in _PIN_FIELDS):
        return any(medium.get(field) for field in _PIN_FIELDS)
    return position <= _MAX_PINNED


def listings_of(post: Post) -> Iterator[Listing | Failure]:
    """Yield each slide's picture in order, or a failure if Instagram shows none; a video's picture is its cover."""
    medium = _medium(post)
    slides = medium.get("carousel_media") or [medium]
    for number, slide in enumerate(slides, 1):
        key = key_of(post.shortcode, number)
        pictures = (slide.get("image_versions2") or {}).get("candidates") or []
        if not pictures:
            yield Failure(key, "Instagram shows no picture for it")
            continue
        accessibility = slide.get("accessibility_caption") or (
            medium.get("accessibility_caption") if number == 1 else None
        )
        # When the owner removes a slide, the later ones move up and change their keys; the stamp shows the change.
        stamp = str(slide.get("pk") or "")
        yield Listing(key, stamp, pictures[0]["url"], _details(post, medium, accessibility))


def _medium(post: Post) -> Mapping[str, Any]:
    """Return Instagram's description of the post: a part of the node when logged in, else the node itself."""
    node = get_json_structure(post)["node"]
    return node.get("iphone_struct") or node


def _details(post: Post, medium: Mapping[str, Any], accessibility: str | None) -> Details:
    place = medium.get("location") or {}
    likes_hidden = medium.get("like_and_view_counts_disabled")
    return Details(
        permalink=f"https://www.instagram.com/p/{post.shortcode}/",
        taken_at=post.date_utc,
        place=place.get("name") or None,
        latitude=place.get("lat"),
        longitude=place.get("lng"),
        n_likes=None if likes_hidden else _count(medium.get("like_count")),
        n_comments=_count(medium.get("comment_count")),
        texts=tuple(_texts(post, medium, accessibility)),
    )


def _count(number: int | None) -> int | None:
    return number if number is not None and number >= 0 else None  # -1 stands for a hidden number


def _texts(post: Post, medium: Mapping[str, Any], accessibility: str | None) -> Iterator[tuple[TextKind, str]]:
    if (medium.get("caption") or {}).get("text"):
        yield TextKind.OWNER, post.caption or ""
    if accessibility:
        yield TextKind.ACCESSIBILITY, accessibility
    if (medium.get("caption") or {}).get("text"):
        yield from ((TextKind.HASHTAG, tag.lower()) for tag in find_hashtags(post.caption or ""))
        yield from ((TextKind.MENTION, name) for name in dict.fromkeys(post.caption_mentions))
