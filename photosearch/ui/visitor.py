"""A visitor's own picture in the public demo: captioned for this visitor, never stored."""

from __future__ import annotations

import streamlit as st

from photosearch import images
from photosearch.errors import PhotosearchError
from photosearch.ui import state
from photosearch.ui.text import plain

MAX_UPLOAD_MB = 15


def caption_a_picture() -> None:
    """Take one picture and show what the captioner says of it."""
    st.subheader("Try a picture of yours", anchor=False)
    upload = st.file_uploader(
        "A picture", type=["jpg", "jpeg", "png", "webp", "heic"], max_upload_size=MAX_UPLOAD_MB, key="visitor-picture"
    )
    st.caption("It is captioned in the server's memory for you alone, kept nowhere, and gone when you leave.")
    if upload is None:
        return
    try:
        picture = images.decode(upload.getvalue())
        with st.spinner("Looking at it"):
            told = state.workspace().look(picture)
    except PhotosearchError as error:
        st.error(plain(f"This picture cannot be used: {error}."))
        return
    st.image(images.thumbnail(picture), alt=told.captions[0].text, width=images.THUMBNAIL_SIDE_PX)
    for caption in told.captions:
        st.text(caption.text)
    if told.objects:
        st.text(f"Objects: {', '.join(dict.fromkeys(found.label for found in told.objects))}")
    st.text(f"Labels: {', '.join(label.term for label in told.labels)}")
