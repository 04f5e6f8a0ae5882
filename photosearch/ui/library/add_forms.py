"""The ways to bring one's own photos, as forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.pipeline.tasks import Task
from photosearch.records import Report, Watch
from photosearch.sources import NO_OPTIONS, Options
from photosearch.sources.instagram import access
from photosearch.sources.upload import UploadSource
from photosearch.ui import state
from photosearch.ui.text import plain
from photosearch.vision.registry import ModelChoice

ALSO = {"Archived posts": "archived", "Stories": "stories", "Covers of reels": "reels"}
PICTURES = ("jpg", "jpeg", "png", "webp", "heic", "heif", "gif", "bmp", "tif", "tiff", "avif", "zip")
BUSY = "Another run is at work. Wait for it, or stop it, and try again."
_OWN_NAME = "Name of the collection"
_LOGIN = "instagram-login"  # one that waits for its two-factor code, in the session's state


def add_photos(choice: ModelChoice) -> None:
    """All ways, the one that needs no scraping first."""
    export, profile, folder, upload, addresses = st.tabs(
        ["Instagram export", "Instagram profile", "Folder", "Upload", "List of addresses"]
    )
    with export:
        _export(choice)
    with profile:
        _profile(choice)
    with folder:
        _folder(choice)
    with upload:
        _upload(choice)
    with addresses:
        _addresses(choice)


def _export(choice: ModelChoice) -> None:
    st.markdown(
        "Ask Instagram for **your own posts**: *Accounts Centre, Your information and permissions, Export your"
        " information*, format **JSON**. It sends one or several ZIPs; nothing is scraped, nothing can be blocked."
    )
    with st.form("add-export", border=False):
        paths = st.text_area(
            "ZIPs on this machine, a path a line",
            placeholder="/home/you/Downloads/instagram-you.zip",
            key="export-paths",
        )
        also = st.pills("Also take", list(ALSO), selection_mode="multi")
        collection = st.text_input(_OWN_NAME, placeholder="your user name", max_chars=100, key="export-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-export")
    st.caption("Only posts and their pictures are read: messages, contacts and the like stay closed.")
    if submitted:
        options = Options(also=frozenset(ALSO[name] for name in also))
        _start(choice, [line.strip() for line in paths.splitlines() if line.strip()], collection, options)


def _profile(choice: ModelChoice) -> None:
    folder = state.workspace().instagram_folder()
    users = access.users(folder)
    st.markdown(
        "Public profiles can be read without login, as far as Instagram allows it: it may ask to wait, or want a login."
        " Mind its terms of use. `docs/instagram.md` lists what may go wrong, and what to do then."
    )
    with st.form("add-profile", border=False):
        profile = st.text_input("Profile", placeholder="natgeotravel", max_chars=200, key="profile")
        who = st.selectbox("Read it as", ["nobody (public profiles)", *users])
        most = st.number_input("At most so many posts (0: all)", min_value=0, value=200, step=100)
        since = st.date_input("Nothing posted before", value=None, min_value=date(2010, 10, 6))
        how = st.radio("What", ["Fetch and caption", "Fetch, caption later", "Only what the posts say, no pictures"])
        submitted = st.form_submit_button("Add", type="primary", key="go-profile")
    if submitted:
        options = Options(
            max_posts=int(most) or None,
            since=since if isinstance(since, date) else None,
            login=who if who in users else None,
        )
        then = {"Fetch and caption": "caption", "Fetch, caption later": "fetch"}.get(str(how), "list")
        _start(choice, [f"instagram:{profile.strip().removeprefix('instagram:')}"], "", options, then)
    with st.expander("Log in to Instagram"):
        _log_in(folder, users)


def _log_in(folder: Path, users: Sequence[str]) -> None:
    """Save a session, in one of three ways; the password goes to Instagram and nowhere else."""
    for user in users:
        if st.button(f"Forget the session of {plain(user)}", key=f"forget-{user}"):
            access.forget(folder, user)
            st.rerun()
    st.caption(
        "The session is kept in a file that only you may read. The password is given to Instagram, and not kept."
    )
    with st.form("login-browser", border=False):
        browser = st.selectbox("Take it from a browser where you are logged in", access.BROWSERS)
        if st.form_submit_button("Take it"):
            _say_login(lambda: access.from_browser(folder, str(browser)))
    with st.form("login-file", border=False):
        path = st.text_input("Or from a session file of instaloader")
        if st.form_submit_button("Take it"):
            _say_login(lambda: access.import_session(folder, Path(path.strip()).expanduser()))
    if _LOGIN in st.session_state:
        _enter_code(st.session_state[_LOGIN])
        return
    with st.form("login-password", border=False, clear_on_submit=True):
        user = st.text_input("Or log in: user", max_chars=100)
        password = st.text_input("Password", type="password", max_chars=200)
        if st.form_submit_button("Log in"):
            _say_login(lambda: _begin_login(folder, user, password))


def _begin_login(folder: Path, user: str, password: str) -> str:
    login = access.Login(folder, user)
    refused = login.give_password(password)
    if login.wants_code:  # it belongs to this login, which waits for it
        st.session_state[_LOGIN] = login
        st.rerun()
    login.close()
    if refused is not None:
        raise refused
    return login.user


def _enter_code(login: access.Login) -> None:
    """The second step of a login that waits for its code."""
    with st.form("login-code", border=False, clear_on_submit=True):
        code = st.text_input(f"Two-factor code for {plain(login.user)}, from your app or a message", max_chars=20)
        given, ended = st.form_submit_button("Log in"), st.form_submit_button("Do not log in")
    refused = login.give_code(code) if given and code.strip() else None
    if refused is not None and login.wants_code:
        st.error(plain(str(refused)))
    elif ended or (given and code.strip()):
        del st.session_state[_LOGIN]
        login.close()
        if refused is None:
            if given:
                st.toast(f"Logged in as {plain(login.user)}.")
            st.rerun()
        st.error(plain(str(refused)))


def _say_login(log_in: Callable[[], str]) -> None:
    try:
        user = log_in()
    except PhotosearchError as error:
        st.error(plain(str(error)))
    else:
        st.success(f"Logged in as {plain(user)}.")


def _folder(choice: ModelChoice) -> None:
    with st.form("add-folder", border=False):
        folder = st.text_input(
            "Folder on this machine", placeholder="/home/you/Pictures/2024", max_chars=4000, key="folder-path"
        )
        collection = st.text_input(_OWN_NAME, placeholder="the folder's own name", max_chars=100, key="folder-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-folder")
    st.caption("The folder is only read. Adding it again takes in what is new, changed or gone.")
    if submitted:
        _start(choice, [folder.strip()], collection)


def _upload(choice: ModelChoice) -> None:
    with st.form("add-upload", border=False, clear_on_submit=True):
        files = st.file_uploader("Photos, or ZIPs of photos", type=list(PICTURES), accept_multiple_files=True)
        collection = st.text_input(_OWN_NAME, placeholder="uploads", max_chars=100, key="upload-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-upload")
    st.caption("They are kept in the library. A large ZIP is better given by its path, under *List of addresses*.")
    if not submitted:
        return
    if not files:
        st.error("Choose photos first.")
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


def _addresses(choice: ModelChoice) -> None:
    st.markdown(
        "A file with addresses of pictures: one a line, a CSV with a column `url`, or `url_list_NAME.json`."
        " Files of the older system (`captions_dict_NAME.json`, `photosearch_db.json`) are searchable at once."
        " A ZIP of photos works, too."
    )
    with st.form("add-addresses", border=False):
        path = st.text_input(
            "File on this machine", placeholder="/home/you/url_list_holidays.json", max_chars=4000, key="list-path"
        )
        collection = st.text_input(_OWN_NAME, placeholder="the file's own name", max_chars=100, key="list-name")
        submitted = st.form_submit_button("Add and caption", type="primary", key="go-addresses")
    if submitted:
        _start(choice, [path.strip()], collection)


def _start(
    choice: ModelChoice, names: Sequence[str], collection: str, options: Options = NO_OPTIONS, then: str = "caption"
) -> None:
    """Begin in the background, when there is such a source."""
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
