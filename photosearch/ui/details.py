"""The dialog of one photo: the large picture, why it was found, and its date, place and texts."""

from __future__ import annotations

import html
from collections.abc import Sequence
from urllib.parse import urlsplit

import streamlit as st

from photosearch.errors import PhotoNotFound
from photosearch.records import Details, Hit, Photo, PhotoState, TextKind
from photosearch.search.fields import FACTS
from photosearch.ui import INSPECT, state
from photosearch.ui.cards import caption_line, object_chips, reasons
from photosearch.ui.pictures import show_picture
from photosearch.ui.search_input import search_similar
from photosearch.ui.text import plain
from photosearch.words.times import shown_time

LARGE_PX = 1200
MAX_TEXT_CHARS = 5_000


def open_details(photo_id: str) -> None:
    """Open the dialog of a photo, by putting its id into the address."""
    st.query_params["photo"] = photo_id


def show_opened(hits: Sequence[Hit], query: str) -> None:
    """Show the dialog of the photo whose id is in the address, whether it is one of the hits or not."""
    photo_id = st.query_params.get("photo")
    if not photo_id:
        return
    hit = next((hit for hit in hits if hit.photo.id == photo_id), None)
    try:
        _show_details(hit or Hit(1, 0.0, _existing_photo(photo_id)), query)
    except PhotoNotFound as error:
        close_details()
        st.toast(plain(f"{error} It may have been removed."))


def _existing_photo(photo_id: str) -> Photo:
    photo = state.workspace().library.photo(photo_id)
    if photo.state is PhotoState.GONE:
        raise PhotoNotFound(f"“{photo.name}” is no longer where it was.")
    return photo


def close_details() -> None:
    """Close the dialog, by taking the id out of the address."""
    st.query_params.pop("photo", None)


@st.dialog("Photo", width="large", on_dismiss=close_details)
def _show_details(hit: Hit, query: str) -> None:
    """Show the dialog of a hit of `query`; without a query the hit's score is its similarity to another photo."""
    photo = state.shown(hit.photo)
    matched = {share.term for share in hit.shares} if query else set()
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(key="large-picture"):
        show_picture(photo, LARGE_PX)
    with right:
        caption = caption_line(photo, matched, state.workspace().language)
        st.html(f'<div class="photo-alone">{caption}{object_chips(photo, matched)}</div>')
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("More like this", key="like", on_click=search_similar, args=[photo.id]):
                st.rerun()
            st.page_link(INSPECT, label="Open in Inspect", query_params={"photo": photo.id})
            link = _web_address(photo.details.permalink)
            if link:
                st.link_button("Open the post", link)
        if photo.sha256 is None and photo.reason:
            st.caption(plain(f"There is no picture: {photo.reason}."))
        if hit.shares:
            title = "Why it was found" if query else "What both photos have in common"
            st.html(f'<div class="why-found"><h4>{title}: {hit.score:.2f}</h4>{reasons(hit, query)}</div>')
        _show_origin(photo.details)


def _web_address(link: str | None) -> str | None:
    """Return the link if it is a web address, else None: a link that came with a photo could hold a script."""
    try:
        return link if link and urlsplit(link).scheme in ("http", "https") and urlsplit(link).hostname else None
    except ValueError:
        return None


def _when(details: Details) -> str:
    if details.dated_at is None:
        return ""
    by_name = ", as the file's name says" if details.is_dated_by_name else ""
    return shown_time(details.dated_at) + by_name


def _show_origin(details: Details) -> None:
    """Show what came with a photo: its date, place, hashtags and texts."""
    lines = {
        "Date": _when(details),  # taken or posted: services give the latter, in UTC
        **{use.title: use.value_of(details) for use in FACTS},
        "Hashtags": " ".join(f"#{tag}" for tag in details.texts_of(TextKind.HASHTAG)),
        "Owner's text": "\n".join(details.texts_of(TextKind.OWNER)),
        "Description by Instagram": "\n".join(details.texts_of(TextKind.ACCESSIBILITY)),
    }
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(text[:MAX_TEXT_CHARS])}</dd>"
        for name, text in lines.items()
        if text
    )
    if rows:
        st.html(f'<dl class="came-with">{rows}</dl>')
