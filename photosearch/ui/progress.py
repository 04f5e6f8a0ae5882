"""The run in the background, as every tab sees it."""

from __future__ import annotations

import streamlit as st

from photosearch.jobs import Snapshot
from photosearch.ui import state
from photosearch.ui.text import plain

POLL_S = 0.7


def show_run() -> None:
    """The run at work with its progress; when it ends, the page is drawn again."""
    run = state.runs().latest
    if run is None:
        return
    if run.snapshot.is_running:
        _follow()
    else:
        _show_end(run.snapshot)


@st.fragment(run_every=POLL_S)
def _follow() -> None:
    run = state.runs().latest
    if run is None or not run.snapshot.is_running:
        st.rerun()
        return
    done, total = run.snapshot.progress.done, run.snapshot.progress.total
    counted = f": {done:,} of {total:,} photos" if total else f": {done:,} photos" if done else ": getting ready"
    note = f". {run.snapshot.progress.note}" if run.snapshot.progress.note else ""
    st.progress(min(done / total, 1.0) if total else 0.0, text=plain(run.snapshot.title + counted + note))
    if not state.workspace().settings.demo:
        st.button("Stop", key="stop-run", on_click=run.cancel, help="What is captioned is kept; it can go on later.")


def _show_end(snapshot: Snapshot) -> None:
    if snapshot.error is not None:
        st.error(plain(f"{snapshot.title}: {snapshot.error}"))
    elif snapshot.report is None:
        st.info(plain(f"{snapshot.title}: stopped. What was done is kept."))
    elif snapshot.report.failures and not state.workspace().settings.demo:
        n = len(snapshot.report.failures)
        with st.expander(f"{n:,} {'photo' if n == 1 else 'photos'} could not be used"):
            st.dataframe(
                [{"photo": failure.source_key, "reason": failure.reason} for failure in snapshot.report.failures],
                hide_index=True,
            )
