"""What the Inspect page looks at: a photo of the library, or a picture that a visitor brought."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from photosearch import images
from photosearch.errors import PhotoError
from photosearch.records import Caption, Findings, Photo
from photosearch.ui import state
from photosearch.ui.drawing import as_jpeg
from photosearch.ui.own_picture import OwnPicture
from photosearch.ui.pictures import picture_url
from photosearch.vision.captioner.attention import Inspector
from photosearch.vision.registry import CAPTIONER

FIGURE_PX = 800
_OWN = "own-subject"


@dataclass(frozen=True)
class Subject:
    """One picture with what is known of it."""

    key: str  # tells its widgets from another subject's
    name: str
    findings: Findings  # its captions: the one shown first leads
    picture: images.Picture | None = None  # None: it cannot be looked into
    image: str = ""  # the picture's address, for the browser
    lacking: str | None = None  # why there is no picture, or only the thumbnail
    photo: Photo | None = None  # None: a visitor's own, kept nowhere
    inspectors: Callable[[str], Inspector] | None = None  # by the captioner's name

    @property
    def caption(self) -> Caption | None:
        """The sentence shown; None where there is none, or a person said that none fits."""
        first = next(iter(self.findings.captions), None)
        return first if first and first.text else None

    @property
    def aspect(self) -> float:
        """The picture's width by its height."""
        return self.picture.rgb.width / self.picture.rgb.height if self.picture else 1.0

    def inspector(self, model: str = CAPTIONER) -> Inspector:
        """The picture as a captioner sees it; raises `ModelError`, `PhotoError` where there is no picture."""
        if self.inspectors is None:
            raise PhotoError(f'"{self.name}" cannot be looked into: {self.lacking}. Look at another one.')
        return self.inspectors(model)


def of_photo(photo: Photo) -> Subject:
    """A photo of the library."""
    told = Findings(photo.captions, photo.objects, photo.labels, photo.concepts)
    inspections = state.workspace().inspections()
    try:
        seen = inspections.picture(photo)
    except PhotoError as error:
        return Subject(photo.id, photo.name, told, lacking=str(error), photo=photo)
    picture = seen.picture
    url = picture_url(photo, None if seen.lacking else FIGURE_PX) or _data_address(picture)
    return Subject(
        photo.id,
        photo.name,
        told,
        picture,
        url,
        seen.lacking,
        photo,
        lambda model: inspections.inspector(picture, model),
    )


def of_own(own: OwnPicture) -> Subject:
    """A visitor's own picture, kept in the visitor's session alone until the next one."""
    known = st.session_state.get(_OWN)
    if isinstance(known, Subject) and known.key == own.picture.sha256:
        return known
    opened: dict[str, Inspector] = {}
    inspections = state.workspace().inspections()

    def inspector(model: str) -> Inspector:
        if model not in opened:
            opened[model] = inspections.open_inspector(own.picture, model)
        return opened[model]

    subject = Subject(
        own.picture.sha256, own.name, own.findings, own.picture, _data_address(own.picture), inspectors=inspector
    )
    st.session_state[_OWN] = subject
    return subject


def _data_address(picture: images.Picture) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(as_jpeg(picture.rgb, FIGURE_PX)).decode()}"
