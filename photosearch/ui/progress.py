"""The progress of the run in the background, and what it did when it has ended."""

from __future__ import annotations

import streamlit as st

from photosearch.pipeline.worker import Snapshot, read_running
from photosearch.records import Failure
from photosearch.sources.left_out import in_words
from photosearch.ui import state
from photosearch.ui.text import plain

POLL_S = 0.7
POLL_OTHERS_S = 2.0
MOST_FAILURES = 1000  # shown at once


def show_run(*, ended: bool = True) -> None:
    """Show the progress of the run at work, or the outcome of the latest one; the page is drawn again when a run ends.

    Args:
        ended: whether an outcome is shown at all; a failure always is.
    """
    run = state.runs().latest
    if run is not None and run.snapshot.is_running:
        _follow()
    elif (other := read_running(state.workspace().library)) is not None:
        _follow_other(other)
    elif run is not None and (ended or run.snapshot.error is not None):
        _show_end(run.snapshot)


@st.fragment(run_every=POLL_S)
def _follow() -> None:
    run = state.runs().latest
    if run is None or not run.snapshot.is_running:
        st.rerun()
        return
    now = run.snapshot
    _show_bar(now)
    if state.workspace().settings.demo:
        return
    with st.container(horizontal=True):
        if now.is_paused:
            st.button("Go on", key="resume-run", on_click=run.resume)
        else:
            st.button("Pause", key="pause-run", on_click=run.pause, help="Finish the photos already begun, then wait.")
        st.button(
            "Stop",
            key="stop-run",
            on_click=run.cancel,
            help="End the run. What is done is kept, and you can go on later.",
        )


@st.fragment(run_every=POLL_OTHERS_S)
def _follow_other(first: Snapshot) -> None:
    """Show the progress of a run of the command line, or of another server."""
    now = read_running(state.workspace().library)
    if now is None:
        st.rerun()
        return
    _show_bar(now if now.progress.total else first)
    st.caption("This run was started elsewhere, for example on the command line; it can be stopped there.")


def _show_bar(now: Snapshot) -> None:
    done, total = now.progress.done, now.progress.total
    st.progress(min(done / total, 1.0) if total else 0.0, text=plain(f"{now.title}: {describe(now)}"))


def describe(now: Snapshot) -> str:
    """Return how many photos a run has done, how quickly, and how long the rest takes."""
    done, total = now.progress.done, now.progress.total
    parts = [f"{done:,} of {total:,} photos" if total else f"{done:,} photos" if done else "getting ready"]
    if now.is_paused:
        parts.append("paused")
    else:
        if now.photos_per_s:
            parts.append(f"{now.photos_per_s:.1f} photos a second")
        if now.left_s is not None:
            parts.append(f"{duration(now.left_s)} left")
    return ", ".join(parts) + (f". {now.progress.note}" if now.progress.note else "")


def duration(seconds: float) -> str:
    """Return a length of time in words, rounded, since times left are estimates."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _show_end(ended: Snapshot) -> None:
    """Show the outcome of the latest run, until somebody dismisses it."""
    demo = state.workspace().settings.demo
    if ended.error is not None:
        st.error(plain(f"{ended.title}: {ended.error}"))
    elif demo:
        return
    elif ended.was_stopped:
        st.info(plain(f"{ended.title}: stopped. What was done is kept."))
    else:
        st.success(plain(f"{ended.title}: {_outcome(ended)}"))
    if demo:
        return
    if ended.report is not None and ended.report.failures:
        n = len(ended.report.failures)
        with st.expander(f"{n:,} {'photo' if n == 1 else 'photos'} could not be used"):
            show_failures(ended.report.failures)
    for note in ended.report.notes if ended.report is not None else ():
        st.caption(plain(note))
    with st.container(horizontal=True):
        if state.runs().can_go_on and st.button("Go on", key="go-on", type="primary"):
            state.runs().go_on()
            st.rerun()
        st.button("OK", key="dismiss-run", on_click=state.runs().dismiss)


def _outcome(ended: Snapshot) -> str:
    report = ended.report
    if report is None:
        return "done."
    counts = (
        (report.n_new, "new"),
        (report.n_changed, "changed or tried again"),
        (report.n_gone, "gone"),
        (report.n_captioned, "captioned"),
        (report.n_fetched, "fetched"),
        (report.n_reused, "already captioned"),
        (report.n_left_out, f"left out, since these are no photos: {in_words(report.left_out)}"),
        (len(report.failures), "could not be used"),
    )
    parts = [f"{n:,} {what}" for n, what in counts if n]
    if report.n_captioned and ended.photos_per_s:
        parts.append(f"{ended.photos_per_s:.1f} photos a second")
    return (", ".join(parts) or "nothing was new") + "."


def show_failures(failures: tuple[Failure, ...] | list[Failure]) -> None:
    """Show which photos could not be used, and why."""
    rows = [{"photo": failure.source_key, "reason": failure.reason} for failure in failures[:MOST_FAILURES]]
    st.dataframe(rows, hide_index=True)
    if len(failures) > MOST_FAILURES:
        st.caption(f"The first {MOST_FAILURES:,} of {len(failures):,}.")
