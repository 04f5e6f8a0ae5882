"""The collections there are, and what can be done with each."""

from __future__ import annotations

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.export.exporter import MAX_FOUND, ExportKind
from photosearch.pipeline.tasks import Task
from photosearch.records import CollectionInfo, DiskUse
from photosearch.ui import PAGES, state
from photosearch.ui.library import downloads
from photosearch.ui.library.add_forms import BUSY
from photosearch.ui.progress import MOST_FAILURES, POLL_S, describe, show_failures
from photosearch.ui.text import plain
from photosearch.vision.registry import ModelChoice

SEARCH = PAGES / "search.py"
KINDS = {
    ExportKind.PHOTOS: "The photos in a ZIP, with a table of their captions",
    ExportKind.CSV: "A table (CSV)",
    ExportKind.JSON: "All that is known of each photo (JSON)",
    ExportKind.OLDER_SYSTEM: "The three files of the older system, in a ZIP",
}


def list_collections(choice: ModelChoice) -> None:
    """Each collection with its counts, its size, what failed, and what can be done with it."""
    for info in state.workspace().collections():
        with st.container(border=True, key=f"collection-{info.name}"):
            _show(info)
            if not state.workspace().settings.demo:
                _show_failures(info, choice)
                _offer(info, choice)


def _show(info: CollectionInfo) -> None:
    st.markdown(f"**{plain(info.name)}**")
    counts = [f"{info.n_photos:,} {'photo' if info.n_photos == 1 else 'photos'}", f"{info.n_ready:,} captioned"]
    counts += [f"{info.n_new:,} to do"] if info.n_new else []
    counts += [f"{info.n_failed:,} failed"] if info.n_failed else []
    if not state.workspace().settings.demo:
        used = _disk_use(str(state.workspace().library.folder), info.name, info.generation)
        counts.append(f"{_size(used.n_bytes)} on disk")
    st.caption(", ".join(counts))


@st.cache_data(max_entries=500, show_spinner=False)
def _disk_use(folder: str, collection: str, generation: int) -> DiskUse:  # noqa: ARG001 - what makes it another answer
    return state.workspace().disk_use(collection)


def _size(n_bytes: int) -> str:
    """A number of bytes for people."""
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1000:,.0f} kB"
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:,.2f} GB"


def _show_failures(info: CollectionInfo, choice: ModelChoice) -> None:
    failures = state.workspace().failures(info.name, MOST_FAILURES) if info.n_failed or info.n_new else []
    if not failures:
        return
    with st.expander("What failed, and why"):
        show_failures(failures)
        if info.n_failed > MOST_FAILURES:
            st.caption(f"The first {MOST_FAILURES:,} of {info.n_failed:,}.")
        if st.button("Try again", key=f"retry-{info.name}", help="They are read once more."):
            if state.runs().is_running:
                st.warning(BUSY)
                return
            state.workspace().retry(info.name)
            _start(Task(f"Trying {info.name} again", collection=info.name, choice=choice))


def _offer(info: CollectionInfo, choice: ModelChoice) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if info.n_ready:
            st.page_link(SEARCH, label="Search", query_params={"name": info.name})
        if info.n_new and st.button("Caption the rest", key=f"caption-{info.name}", type="primary"):
            _start(Task(f"Captioning {info.name}", collection=info.name, choice=choice))
        if st.button("Update", key=f"update-{info.name}", help="Look again where the photos came from."):
            _update(info.name, choice)
        if info.n_ready and st.button(
            "Caption again", key=f"again-{info.name}", help="With other models, chosen below."
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
    if state.workspace().origins(name):
        _start(Task(f"Updating {name}", collection=name, update=True, choice=choice))
    else:
        st.warning(
            f"Where the photos of {plain(name)} came from was not noted, or they were uploaded."
            " Add them once more from the same place, under the same name; then they can be updated."
        )


def ask_again(name: str, choice: ModelChoice) -> None:
    """Whether a collection is to be shown to other models."""
    st.markdown(
        f"All photos of **{plain(name)}** are shown to the models chosen under *Which models caption*:"
        f" captioner *{plain(choice.captioner)}*, labels *{plain(choice.classifier)}*,"
        f" {'with' if choice.objects else 'without'} objects."
        " What these models have told before is kept; sentences that people wrote stay first."
    )
    redo = st.toggle("Also photos that these models have seen", key="redo")
    if st.button("Caption", type="primary", key="go-again"):
        _start(Task(f"Captioning {name} again", collection=name, choice=choice, redo=redo))


def ask_export(name: str) -> None:
    """What is to be taken away."""
    kind = st.radio("What", list(KINDS), format_func=lambda kind: KINDS[kind], key="export-kind")
    query = st.text_input(
        "Only photos that this finds",
        placeholder=f"empty: all of {name}",
        max_chars=1000,
        key="export-query",
        help=f"As on the Search page; the best {MAX_FOUND:,} at most.",
    )
    if kind == ExportKind.PHOTOS:
        st.caption("Of photos that were fetched, what was kept is taken: nothing is fetched again.")
    if st.button("Make the file", type="primary", key="go-make"):
        if downloads.maker().start(state.workspace(), ExportKind(kind), name, query):
            st.rerun()
        st.warning("Another file is being made. Wait for it, or stop it, and try again.")


def ask_removal(info: CollectionInfo) -> None:
    """Ask a second time before a collection is forgotten."""
    st.markdown(
        f"All that is known of the {info.n_photos:,} photos of **{plain(info.name)}** is deleted: captions,"
        " corrections, thumbnails, and what was uploaded or fetched. Photos in folders and ZIPs stay where they are."
        " This cannot be undone."
    )
    typed = st.text_input("Type the collection's name to remove it", key="remove-name", max_chars=200)
    if st.button("Remove it", type="primary", key="go-remove"):
        if typed.strip() != info.name:
            st.error(f"The name is {plain(info.name)}. Type it as it stands there.")
            return
        try:
            state.workspace().remove(info.name)
        except PhotosearchError as error:
            st.error(plain(str(error)))
            return
        st.rerun()


def show_export() -> None:
    """The file that is being made, or was made last."""
    maker = downloads.maker()
    if maker.run is None or maker.path is None:
        return
    if maker.run.snapshot.is_running:
        _follow_export()
        return
    made = maker.run.snapshot
    name = plain(made.title)
    if made.error is not None:
        st.error(f"{name} was not made: {plain(made.error)}")
    elif made.was_stopped or not maker.path.is_file():
        st.info(f"{name} was not made: it was stopped.")
    else:
        failures = made.report.failures if made.report else ()
        left_out = f" {len(failures):,} photos are not in it." if failures else ""
        st.success(f"{name} is ready: {_size(maker.path.stat().st_size)}. It is kept for a day.{left_out}")
        if failures:
            with st.expander("What is not in it, and why"):
                show_failures(failures)
        with st.container(horizontal=True):
            st.link_button("Download", downloads.address(maker.path), type="primary")
            st.button("Delete the file", key="dismiss-file", on_click=maker.dismiss)
        return
    st.button("OK", key="dismiss-file", on_click=maker.dismiss)


@st.fragment(run_every=POLL_S)
def _follow_export() -> None:
    run = downloads.maker().run
    if run is None or not run.snapshot.is_running:
        st.rerun()
        return
    done, total = run.snapshot.progress.done, run.snapshot.progress.total
    st.progress(min(done / total, 1.0) if total else 0.0, text=plain(f"{run.snapshot.title}: {describe(run.snapshot)}"))
    st.button("Stop", key="stop-file", on_click=run.cancel)
