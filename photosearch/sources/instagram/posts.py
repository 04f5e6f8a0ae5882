"""Reading an instaloader post without a further request to Instagram.

Many of instaloader's properties request the complete post if a field is missing (`Post.comments`, `Post.location`,
`Post.get_sidecar_nodes`). The posts of a profile come with Instagram's description of the medium, which is complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from instaloader import Post, get_json_structure

from photosearch.records import Details, Failure, Listing, TextKind
from photosearch.sources.instagram.descriptions import described
from photosearch.words.hashtags import find_hashtags

_PIN_FIELDS = ("timeline_pinned_user_ids", "pinned_for_users")
_NO_TITLES = frozenset(("original audio", "original sound"))
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
        # When the owner removes a slide, the later ones move up and change their keys; the stamp shows the change.
        stamp = str(slide.get("pk") or "")
        yield Listing(key, stamp, pictures[0]["url"], _details(post, medium, slide, number))


def _medium(post: Post) -> Mapping[str, Any]:
    """Return Instagram's description of the post: a part of the node when logged in, else the node itself."""
    node = get_json_structure(post)["node"]
    return node.get("iphone_struct") or node


def _details(post: Post, medium: Mapping[str, Any], slide: Mapping[str, Any], number: int) -> Details:
    place = slide.get("location") or medium.get("location") or {}
    likes_hidden = medium.get("like_and_view_counts_disabled")
    accessibility = slide.get("accessibility_caption") or (medium.get("accessibility_caption") if number == 1 else None)
    return Details(
        permalink=f"https://www.instagram.com/p/{post.shortcode}/",
        taken_at=post.date_utc.replace(tzinfo=UTC),  # the local time is not known
        place=place.get("name") or None,
        latitude=place.get("lat"),
        longitude=place.get("lng"),
        n_likes=None if likes_hidden else _count(medium.get("like_count")),
        n_comments=_count(medium.get("comment_count")),
        tagged=_tagged(slide) or (_tagged(medium) if number == 1 else None),
        music=_music(slide) or _music(medium),
        texts=tuple(_texts(post, medium, slide, described(accessibility))),
    )


def _tagged(slide: Mapping[str, Any]) -> str | None:
    """Return the names of the people who are tagged in a slide: user name and full name."""
    users = [tag.get("user") or {} for tag in (slide.get("usertags") or {}).get("in") or []]
    names = (" ".join(filter(None, (user.get("username"), user.get("full_name")))) for user in users)
    return ", ".join(filter(None, dict.fromkeys(names))) or None


def _music(slide: Mapping[str, Any]) -> str | None:
    """Return title and artist of the music that plays with a slide."""
    for field in ("music_metadata", "clips_metadata"):
        about = slide.get(field) or {}
        asset = (about.get("music_info") or {}).get("music_asset_info") or {}
        sound = about.get("original_sound_info") or {}
        title = asset.get("title") or sound.get("original_audio_title")
        if title and title.lower() not in _NO_TITLES:
            return " – ".join(filter(None, (title, asset.get("display_artist"))))
    return None


def _count(number: int | None) -> int | None:
    return number if number is not None and number >= 0 else None  # -1 stands for a hidden number


def _texts(
    post: Post, medium: Mapping[str, Any], slide: Mapping[str, Any], description: str
) -> Iterator[tuple[TextKind, str]]:
    """Yield the post's text, the slide's own, Instagram's description, and the tags and names in the texts."""
    has_caption = bool((medium.get("caption") or {}).get("text"))
    said = [post.caption or ""] if has_caption else []
    own = _caption_of(slide) if slide is not medium else ""
    if own and own not in said:
        said.append(own)
    yield from ((TextKind.OWNER, text) for text in said)
    if description:
        yield TextKind.ACCESSIBILITY, description
    tags = (tag.lower() for text in said for tag in find_hashtags(text))
    yield from ((TextKind.HASHTAG, tag) for tag in dict.fromkeys(tags))
    if has_caption:
        yield from ((TextKind.MENTION, name) for name in dict.fromkeys(post.caption_mentions))


def _caption_of(slide: Mapping[str, Any]) -> str:
    """Return a slide's own text, which Instagram gives as an object or as a text."""
    caption = slide.get("caption")
    text = caption.get("text") if isinstance(caption, Mapping) else caption
    return text.strip() if isinstance(text, str) else ""
