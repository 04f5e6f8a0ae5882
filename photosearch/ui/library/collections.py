"""The list of collections, with the actions on each."""

from __future__ import annotations

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.library.upkeep import (
    DiskUse,
    count_captioned_before,
    measure_disk,
    names_with_login,
    read_failures,
    read_origins,
)
from photosearch.pipeline.tasks import Task
from photosearch.records import CollectionInfo
from photosearch.sources.instagram.profile import LOGIN_WARNING
from photosearch.ui import PAGES, state
from photosearch.ui.library.add_forms import BUSY
from photosearch.ui.library.export import ask_export
from photosearch.ui.progress import MOST_FAILURES, show_failures
from photosearch.ui.text import file_size, plain
from photosearch.vision.registry import ModelChoice

SEARCH = PAGES / "search.py"


def list_collections(choice: ModelChoice) -> None:
    """Show each collection with its counts, its size, its failures and its actions; `choice`: who captions."""
    with_login = names_with_login(state.workspace().library)
    for info in state.workspace().library.collections():
        with st.container(border=True, key=f"collection-{info.name}"):
            _show(info)
            if not state.workspace().settings.demo:
                _show_failures(info, choice)
                n_before = _captioned_before(info, choice)
                if n_before:
                    st.info(
                        f"{n_before:,} {'photo was' if n_before == 1 else 'photos were'} captioned by a model other"
                        " than the one chosen below. *Caption again* writes new captions; until then the present ones"
                        " are searched. Captions that people corrected stay."
                    )
                if info.name in with_login:
                    st.caption(f"*Update* and captioning may use the login that listed these photos. {LOGIN_WARNING}")
                _show_actions(info, choice, is_offered=n_before > 0)


def _show(info: CollectionInfo) -> None:
    st.markdown(f"**{plain(info.name)}**")
    counts = [f"{info.n_photos:,} {'photo' if info.n_photos == 1 else 'photos'}", f"{info.n_ready:,} captioned"]
    counts += [f"{info.n_new:,} to do"] if info.n_new else []
    counts += [f"{info.n_failed:,} failed"] if info.n_failed else []
    counts += [f"{info.n_without_picture:,} without a picture"] if info.n_without_picture else []
    if not state.workspace().settings.demo:
        used = _disk_use(str(state.workspace().library.folder), info.name, info.generation)
        counts.append(f"{file_size(used.n_bytes)} on disk")
    st.caption(", ".join(counts))


@st.cache_data(max_entries=500, show_spinner=False)
def _disk_use(folder: str, collection: str, generation: int) -> DiskUse:  # noqa: ARG001 - part of the cache's key
    return measure_disk(state.workspace().library, collection)


def _captioned_before(info: CollectionInfo, choice: ModelChoice) -> int:
    try:
        digest = state.workspace().models.captioner_digest(choice.captioner)
    except PhotosearchError:
        return 0  # the form below says what is wrong with the choice
    folder = str(state.workspace().library.folder)
    return _count_before(folder, info.name, info.generation, digest) if digest else 0


@st.cache_data(max_entries=500, show_spinner=False)
def _count_before(folder: str, collection: str, generation: int, digest: str) -> int:  # noqa: ARG001 - the cache's key
    return count_captioned_before(state.workspace().library, collection, digest)


def _show_failures(info: CollectionInfo, choice: ModelChoice) -> None:
    failures = read_failures(state.workspace().library, info.name, MOST_FAILURES) if info.n_failed or info.n_new else []
    if not failures:
        return
    with st.expander("What failed, and why"):
        show_failures(failures)
        if info.n_failed > MOST_FAILURES:
            st.caption(f"The first {MOST_FAILURES:,} of {info.n_failed:,} are shown.")
        if st.button("Try again", key=f"retry-{info.name}", help="Read and caption these photos again."):
            if state.runs().is_running:
                st.warning(BUSY)
                return
            state.workspace().retry(info.name)
            _start(Task(f"Trying {info.name} again", collection=info.name, choice=choice))


def _show_actions(info: CollectionInfo, choice: ModelChoice, *, is_offered: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if info.n_ready or info.n_without_picture:
            st.page_link(SEARCH, label="Search", query_params={"name": info.name})
        if info.n_new and st.button("Caption the rest", key=f"caption-{info.name}", type="primary"):
            _start(Task(f"Captioning {info.name}", collection=info.name, choice=choice))
        if st.button(
            "Update",
            key=f"update-{info.name}",
            help="Read the same place again: add new photos, drop those gone.",
        ):
            _update(info.name, choice)
        if info.n_ready and st.button(
            "Caption again",
            key=f"again-{info.name}",
            type="primary" if is_offered else "secondary",
            help="Caption with the models chosen below.",
        ):
            st.dialog("Caption again")(ask_again)(info.name, choice)
        if info.n_photos and st.button("Export", key=f"export-{info.name}"):
            st.dialog("Export")(ask_export)(info.name)
        if st.button("Remove", key=f"remove-{info.name}"):
            st.dialog("Remove this collection?")(ask_removal)(info)


def _start(task: Task) -> None:
    if state.runs().start_task(task):
        st.rerun()
    st.warning(BUSY)


def _update(name: str, choice: ModelChoice) -> None:
    if read_origins(state.workspace().library, name):
        _start(Task(f"Updating {name}", collection=name, update=True, choice=choice))
    else:
        st.warning(
            f"{plain(name)} cannot be updated: its photos were uploaded, or the place they came from was not saved."
            " Add them again from the same place, to a collection of the same name."
        )


def ask_again(name: str, choice: ModelChoice) -> None:
    """Show the dialog that captions a collection again with the chosen models."""
    st.markdown(
        f"The models chosen under *Models* caption all photos of **{plain(name)}**:"
        f" captioner *{plain(choice.captioner)}*, labels *{plain(choice.classifier)}*,"
        f" {'with' if choice.detects_objects else 'without'} objects."
        " Results of other models are kept. Captions that people corrected stay first."
    )
    redo = st.toggle("Also photos that these models have captioned before", key="redo")
    if st.button("Caption", type="primary", key="go-again"):
        _start(Task(f"Captioning {name} again", collection=name, choice=choice, redo=redo))


def ask_removal(info: CollectionInfo) -> None:
    """Show the dialog that deletes a collection once its name is typed."""
    st.markdown(
        f"This deletes all data about the {info.n_photos:,} {'photo' if info.n_photos == 1 else 'photos'} of"
        f" **{plain(info.name)}**: captions, corrections, thumbnails, and copies of uploaded or fetched photos. Photos"
        " in your folders and ZIP files are not deleted. This cannot be undone."
    )
    typed = st.text_input("Type the collection's name to remove it", key="remove-name", max_chars=200)
    if st.button("Remove it", type="primary", key="go-remove"):
        if typed.strip() != info.name:
            st.error(f"The name is {plain(info.name)}. Type it exactly like this.")
            return
        try:
            state.workspace().remove(info.name)
        except PhotosearchError as error:
            st.error(plain(state.message(error)))
            return
        st.rerun()
