"""The forms by which photos are added, one for each kind of source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import BinaryIO

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.pictures.formats import SUFFIXES
from photosearch.pipeline.tasks import Task
from photosearch.records import Report, Watch
from photosearch.sources import NO_OPTIONS, Options, SourceKind, upload
from photosearch.sources.folder import NAME as FOLDER
from photosearch.sources.instagram import access, export_source, profile
from photosearch.sources.kinds import KINDS
from photosearch.ui import state
from photosearch.ui.library.instagram_login import show_login
from photosearch.ui.text import plain
from photosearch.vision.registry import ModelChoice

ALSO_READ = {
    "Archived posts": "archived",
    "Stories": "stories",
    "Covers of reels": "reels",
    "Covers of IGTV": "igtv",
    "Other content": "other",
    "Saved posts (texts and links only)": "saved",
}
BUSY = "Another run is in progress. Wait until it ends or stop it, then try again."
_COLLECTION = "Name of the collection"
_THEN = {
    "Fetch the photos and caption them": "caption",
    "Fetch the photos, caption them later": "fetch",
    "Only read the posts' texts, without photos": "list",
}


def add_photos(choice: ModelChoice) -> None:
    """Show a tab for each kind of source that has a title; photos are captioned by the chosen models."""
    kinds = [kind for kind in KINDS if kind.title]
    for tab, kind in zip(st.tabs([kind.title for kind in kinds]), kinds, strict=True):
        with tab:
            st.markdown(kind.note)
            _FORMS.get(kind.name, _path)(choice, kind)


def _export(choice: ModelChoice, kind: SourceKind) -> None:
    with st.form("add-export", border=False):
        paths = st.text_area(
            "ZIP files on this machine, or the folder they unpack to; one path a line",
            placeholder=kind.example,
            key="export-paths",
        )
        options = _also("Also add", "export-also")
        collection = st.text_input(_COLLECTION, placeholder="your user name", max_chars=100, key="export-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-export")
    st.caption("Only posts, their pictures and your user name are read; messages, contacts and other data are not.")
    if submitted:
        _start(choice, [line.strip() for line in paths.splitlines() if line.strip()], collection, options)


def _also(label: str, key: str) -> Options:
    """Let the visitor choose what of an Instagram export is added beside its posts."""
    chosen = st.pills(label, list(ALSO_READ), selection_mode="multi", key=key)
    return Options(also=frozenset(ALSO_READ[name] for name in chosen))


def _profile(choice: ModelChoice, _kind: SourceKind) -> None:
    folder = state.workspace().instagram_folder()
    users = access.users(folder)
    if users:
        st.warning(profile.LOGIN_WARNING)
    with st.form("add-profile", border=False):
        written = st.text_input("Profile", placeholder="natgeotravel", max_chars=200, key="profile")
        user = st.selectbox("Log in as", ["nobody (public profiles only)", *users])
        max_posts = st.number_input("Number of posts at most (0: all)", min_value=0, value=200, step=100)
        since = st.date_input("Only posts since (UTC)", value=None, min_value=date(2010, 10, 6))
        max_requests = st.number_input("Number of requests to Instagram at most", min_value=1, value=2000, step=500)
        steps = st.radio("What to do", list(_THEN))
        submitted = st.form_submit_button("Add", type="primary", key="go-profile")
    if submitted:
        options = Options(
            max_posts=int(max_posts) or None,
            since=since if isinstance(since, date) else None,
            login=user if user in users else None,
            max_requests=int(max_requests),
        )
        name = f"instagram:{written.strip().removeprefix('instagram:')}"
        _start(choice, [name], "", options, _THEN[str(steps)])
    with st.expander("Log in to Instagram"):
        show_login(folder, users)


def _path(choice: ModelChoice, kind: SourceKind) -> None:
    """Show the form of a kind of source that lies at a path."""
    with st.form(f"add-{kind.name}", border=False):
        path = st.text_input(
            f"{kind.title} on this machine", placeholder=kind.example, max_chars=4000, key=f"{kind.name}-path"
        )
        collection = st.text_input(_COLLECTION, placeholder="its own name", max_chars=100, key=f"{kind.name}-name")
        follow_links = kind.name == FOLDER and st.checkbox("Follow links that lead out of the folder")
        submitted = st.form_submit_button("Add and caption", type="primary", key=f"go-{kind.name}")
    if submitted:
        _start(choice, [path.strip()], collection, Options(follow_links=follow_links))


def _upload(choice: ModelChoice, _kind: SourceKind) -> None:
    with st.form("add-upload", border=False, clear_on_submit=True):
        most = st.get_option("server.maxUploadSize")
        files = st.file_uploader(
            f"Photos, ZIP files of photos, or all ZIP files of an Instagram export, each of at most {most} MB",
            type=[*SUFFIXES, ".zip"],
            accept_multiple_files=True,
        )
        options = _also("Of an Instagram export, also add", "upload-also")
        own_name = "uploads, or the user name of an export"
        collection = st.text_input(_COLLECTION, placeholder=own_name, max_chars=100, key="upload-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-upload")
    if not submitted:
        return
    if not files:
        st.error("No file is chosen. Choose photos first.")
        return
    uploads = [(file.name, file) for file in files]
    _show_start(_start_uploading(uploads, collection.strip() or None, options, choice))


def _start_uploading(
    uploads: Sequence[tuple[str, BinaryIO]], collection: str | None, options: Options, choice: ModelChoice
) -> bool:
    """Keep uploaded photos and caption them in the background; return whether a run was started."""
    workspace, runs = state.workspace(), state.runs()
    task = Task("Adding what was uploaded", collection=collection, choice=choice)  # after a restart: what was kept

    def work(watch: Watch) -> Report:
        report = Report()
        for added in workspace.upload(uploads, collection, watch, options=options):
            report += added.report + runs.perform(replace(task, collection=added.collection), watch)
        return report

    return runs.start(task.title, work, task)


_FORMS = {export_source.KIND.name: _export, profile.KIND.name: _profile, upload.KIND.name: _upload}


def _start(
    choice: ModelChoice, names: Sequence[str], collection: str, options: Options = NO_OPTIONS, then: str = "caption"
) -> None:
    """Add photos in the background, or show why the source cannot be read."""
    try:
        state.workspace().check_source(*names, options=options)
    except PhotosearchError as error:
        st.error(plain(state.message(error)))
        return
    title = f"Adding {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    task = Task(title, tuple(names), collection.strip() or None, options, then=then, choice=choice)
    _show_start(state.runs().start_task(task))


def _show_start(started: bool) -> None:
    if started:
        st.rerun()
    st.warning(BUSY)
