"""The picture that the Inspect page shows: a photo of the library, or an uploaded picture."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from photosearch.errors import PhotoError
from photosearch.pictures import images
from photosearch.records import Caption, DetailedPhoto, Findings
from photosearch.ui import state
from photosearch.ui.drawing import as_jpeg
from photosearch.ui.pictures import picture_url
from photosearch.ui.uploaded_picture import UploadedPicture
from photosearch.vision.captioner.attention import Inspector
from photosearch.vision.registry import CAPTIONER

FIGURE_PX = 800
_UPLOAD = "uploaded-subject"


@dataclass(frozen=True)
class Subject:
    """One picture with its findings."""

    key: str  # part of the keys of its widgets
    name: str
    findings: Findings  # its first caption is the one shown
    picture: images.Picture | None = None  # None: it could not be read
    image: str = ""  # the picture's URL, for the browser
    lacking: str | None = None  # why the photo could not be read, if so; `picture` may be its thumbnail
    photo: DetailedPhoto | None = None  # None: the picture was uploaded
    inspectors: Callable[[str], Inspector] | None = None  # opens the picture with the captioner of that name

    @property
    def caption(self) -> Caption | None:
        """The caption shown; None where there is none, or a person cleared it."""
        first = next(iter(self.findings.captions), None)
        return first if first and first.text else None

    @property
    def aspect(self) -> float:
        """The picture's width divided by its height."""
        return self.picture.rgb.width / self.picture.rgb.height if self.picture else 1.0

    def inspector(self, model: str = CAPTIONER) -> Inspector:
        """Open the picture with a captioner.

        Raises:
            ModelError: there is no such captioner, or it does not show where it looks.
            PhotoError: there is no picture.
        """
        if self.inspectors is None:
            raise PhotoError(f'"{self.name}" could not be read: {self.lacking}. Choose another photo.')
        return self.inspectors(model)


def subject_of_photo(photo: DetailedPhoto) -> Subject:
    """Return a photo of the library as a subject."""
    findings = Findings(photo.captions, photo.objects, photo.labels, photo.concepts)
    inspections = state.workspace().inspections
    try:
        read = inspections.picture(photo)
    except PhotoError as error:
        return Subject(photo.id, photo.name, findings, lacking=_lacking(str(error)), photo=photo)
    picture = read.picture
    url = picture_url(photo, None if read.lacking else FIGURE_PX) or _data_url(picture)
    return Subject(
        photo.id,
        photo.name,
        findings,
        picture,
        url,
        _lacking(read.lacking) if read.lacking else None,
        photo,
        lambda model: inspections.inspector(picture, model),
    )


def subject_of_upload(upload: UploadedPicture) -> Subject:
    """Return an uploaded picture as a subject; the visitor's session holds it until the next upload."""
    latest = st.session_state.get(_UPLOAD)
    if isinstance(latest, Subject) and latest.key == upload.picture.sha256:
        return latest
    opened: dict[str, Inspector] = {}
    inspections = state.workspace().inspections

    def inspector(model: str) -> Inspector:
        if model not in opened:
            opened[model] = inspections.open_inspector(upload.picture, model)
        return opened[model]

    picture = upload.picture
    subject = Subject(picture.sha256, upload.name, upload.findings, picture, _data_url(picture), inspectors=inspector)
    st.session_state[_UPLOAD] = subject
    return subject


def _lacking(reason: str) -> str:
    """Return why a photo could not be read, as the page may say it; a reason may hold the path of its ZIP."""
    return "the photo itself cannot be reached" if state.is_public() else reason


def _data_url(picture: images.Picture) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(as_jpeg(picture.rgb, FIGURE_PX)).decode()}"
