"""The dialog that makes an export file, and the state of the last file."""

from __future__ import annotations

import streamlit as st

from photosearch.export.exporter import MAX_FOUND, ExportKind
from photosearch.ui import state
from photosearch.ui.library import downloads
from photosearch.ui.progress import POLL_S, describe, show_failures
from photosearch.ui.text import file_size, plain

KINDS = {
    ExportKind.PHOTOS: "The photos in a ZIP file, with a table of their captions",
    ExportKind.CSV: "A table (CSV)",
    ExportKind.JSON: "All data of each photo (JSON)",
    ExportKind.OLDER_SYSTEM: "The three files of the older system, in a ZIP file",
}


def ask_export(name: str) -> None:
    """Show the dialog that makes an export file of a collection."""
    kind = st.radio("What", list(KINDS), format_func=lambda kind: KINDS[kind], key="export-kind")
    query = st.text_input(
        "Only photos found by this query",
        placeholder=f"empty: all photos of {name}",
        max_chars=1000,
        key="export-query",
        help=f"Searches as the Search page does. At most the best {MAX_FOUND:,} photos are exported.",
    )
    if kind == ExportKind.PHOTOS:
        st.caption("Photos that came from the web are exported as they are stored here; nothing is fetched again.")
    if st.button("Make the file", type="primary", key="go-make"):
        if downloads.maker().start(state.workspace(), ExportKind(kind), name, query):
            st.rerun()
        st.warning("Another file is being made. Wait until it is ready or stop it, then try again.")


def show_export() -> None:
    """Show the progress of the file that is being made, or the last file made."""
    maker = downloads.maker()
    if maker.run is None or maker.path is None:
        return
    if maker.run.snapshot.is_running:
        _follow_export()
        return
    run = maker.run.snapshot
    name = plain(run.title)
    if run.error is not None:
        st.error(f"{name} was not made: {plain(run.error)}")
    elif run.was_stopped or not maker.path.is_file():
        st.info(f"{name} was not made, because it was stopped.")
    else:
        failures = run.report.failures if run.report else ()
        left_out = f" {len(failures):,} photos could not be exported." if failures else ""
        st.success(f"{name} is ready: {file_size(maker.path.stat().st_size)}. It is deleted after a day.{left_out}")
        if failures:
            with st.expander("What could not be exported, and why"):
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
