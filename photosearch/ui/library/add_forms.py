"""The forms by which photos are added, one for each kind of source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import BinaryIO

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.picture_formats import SUFFIXES
from photosearch.pipeline.tasks import Task
from photosearch.records import Report, Watch
from photosearch.sources import NO_OPTIONS, Options
from photosearch.sources.instagram import access
from photosearch.sources.upload import UploadSource
from photosearch.ui import state
from photosearch.ui.library.instagram_login import show_login
from photosearch.ui.text import plain
from photosearch.vision.registry import ModelChoice

ALSO_READ = {"Archived posts": "archived", "Stories": "stories", "Covers of reels": "reels"}
BUSY = "Another run is in progress. Wait until it ends or stop it, then try again."
_COLLECTION = "Name of the collection"
_THEN = {
    "Fetch the photos and caption them": "caption",
    "Fetch the photos, caption them later": "fetch",
    "Only read the posts' texts, without photos": "list",
}


def add_photos(choice: ModelChoice) -> None:
    """Show a tab for each kind of source; photos are captioned by the chosen models."""
    export, profile, folder, upload, urls = st.tabs(
        ["Instagram export", "Instagram profile", "Folder", "Upload", "List of URLs"]
    )
    with export:
        _export(choice)
    with profile:
        _profile(choice)
    with folder:
        _folder(choice)
    with upload:
        _upload(choice)
    with urls:
        _urls(choice)


def _export(choice: ModelChoice) -> None:
    st.markdown(
        "Ask Instagram for **your own posts**: *Accounts Centre > Your information and permissions > Export your"
        " information*, format **JSON**. Instagram sends you one or several ZIP files. Nothing is scraped, so"
        " Instagram cannot block it."
    )
    with st.form("add-export", border=False):
        paths = st.text_area(
            "ZIP files on this machine, one path a line",
            placeholder="/home/you/Downloads/instagram-you.zip",
            key="export-paths",
        )
        also = st.pills("Also add", list(ALSO_READ), selection_mode="multi")
        collection = st.text_input(_COLLECTION, placeholder="your user name", max_chars=100, key="export-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-export")
    st.caption("Only posts and their pictures are read; messages, contacts and other data are not.")
    if submitted:
        options = Options(also=frozenset(ALSO_READ[name] for name in also))
        _start(choice, [line.strip() for line in paths.splitlines() if line.strip()], collection, options)


def _profile(choice: ModelChoice) -> None:
    folder = state.workspace().instagram_folder()
    users = access.users(folder)
    st.markdown(
        "Public profiles can be read without login, but Instagram may limit this or ask for a login. Observe its terms"
        " of use. `docs/instagram.md` lists what can go wrong and what to do."
    )
    with st.form("add-profile", border=False):
        profile = st.text_input("Profile", placeholder="natgeotravel", max_chars=200, key="profile")
        user = st.selectbox("Log in as", ["nobody (public profiles only)", *users])
        max_posts = st.number_input("Number of posts at most (0: all)", min_value=0, value=200, step=100)
        since = st.date_input("Only posts since", value=None, min_value=date(2010, 10, 6))
        steps = st.radio("What to do", list(_THEN))
        submitted = st.form_submit_button("Add", type="primary", key="go-profile")
    if submitted:
        options = Options(
            max_posts=int(max_posts) or None,
            since=since if isinstance(since, date) else None,
            login=user if user in users else None,
        )
        name = f"instagram:{profile.strip().removeprefix('instagram:')}"
        _start(choice, [name], "", options, _THEN[str(steps)])
    with st.expander("Log in to Instagram"):
        show_login(folder, users)


def _folder(choice: ModelChoice) -> None:
    with st.form("add-folder", border=False):
        folder = st.text_input(
            "Folder on this machine", placeholder="/home/you/Pictures/2024", max_chars=4000, key="folder-path"
        )
        collection = st.text_input(_COLLECTION, placeholder="the folder's name", max_chars=100, key="folder-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-folder")
    st.caption("Photos stay in the folder, unchanged. Add the folder again to update what is new, changed or gone.")
    if submitted:
        _start(choice, [folder.strip()], collection)


def _upload(choice: ModelChoice) -> None:
    with st.form("add-upload", border=False, clear_on_submit=True):
        files = st.file_uploader("Photos, or ZIP files of photos", type=[*SUFFIXES, ".zip"], accept_multiple_files=True)
        collection = st.text_input(_COLLECTION, placeholder="uploads", max_chars=100, key="upload-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-upload")
    st.caption("The files are copied into the library. Give a large ZIP by its path instead, under *List of URLs*.")
    if not submitted:
        return
    if not files:
        st.error("No file is chosen. Choose photos first.")
        return
    uploads = [(file.name, file) for file in files]
    _show_start(_start_uploading(uploads, collection.strip() or UploadSource.collection, choice))


def _start_uploading(uploads: Sequence[tuple[str, BinaryIO]], collection: str, choice: ModelChoice) -> bool:
    """Keep uploaded photos and caption them in the background; return whether a run was started."""
    workspace, runs = state.workspace(), state.runs()
    task = Task("Adding what was uploaded", collection=collection, choice=choice)  # after a restart: what was kept

    def work(watch: Watch) -> Report:
        added = workspace.upload(uploads, collection, watch)
        return added.report + runs.perform(task, watch)

    return runs.start(task.title, work, task)


def _urls(choice: ModelChoice) -> None:
    st.markdown(
        "A file with URLs of pictures: a text file with one a line, a CSV with a column `url`, or `url_list_NAME.json`."
        " Files of the older system (`captions_dict_NAME.json`, `photosearch_db.json`) hold captions and can be"
        " searched at once. A ZIP file of photos works too."
    )
    with st.form("add-addresses", border=False):
        path = st.text_input(
            "File on this machine", placeholder="/home/you/url_list_holidays.json", max_chars=4000, key="list-path"
        )
        collection = st.text_input(_COLLECTION, placeholder="the file's name", max_chars=100, key="list-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-addresses")
    if submitted:
        _start(choice, [path.strip()], collection)


def _start(
    choice: ModelChoice, names: Sequence[str], collection: str, options: Options = NO_OPTIONS, then: str = "caption"
) -> None:
    """Add photos in the background, or show why the source cannot be read."""
    try:
        state.workspace().check_source(*names, options=options)
    except PhotosearchError as error:
        st.error(plain(str(error)))
        return
    title = f"Adding {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    task = Task(title, tuple(names), collection.strip() or None, options, then=then, choice=choice)
    _show_start(state.runs().start_task(task))


def _show_start(started: bool) -> None:
    if started:
        st.rerun()
    st.warning(BUSY)
