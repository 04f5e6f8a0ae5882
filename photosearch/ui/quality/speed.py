"""How fast photos were captioned: photos a second by station, in the last run and in earlier ones."""

from __future__ import annotations

import streamlit as st

from photosearch.evaluation.quality import Quality
from photosearch.pipeline.speed import READING, SAVING, RunSpeed

_STEPS = {READING: "reading (waiting time)", SAVING: "saving the results"}


def show_speed(quality: Quality) -> None:
    """Show the speed of the last run by station, and a line for each earlier run."""
    runs = quality.speeds()
    if not runs:
        st.info("No run has been measured in this library yet. Caption photos to see figures.")
        return
    last = runs[-1]
    st.markdown(f"**Last run**: {_summary(last)}.")
    st.dataframe(
        [
            {
                "station": _STEPS.get(station.station, station.station),
                "photos a second": round(station.photos_per_s, 1),
                "seconds": round(station.seconds, 1),
                "photos": station.n_photos,
                "model": station.model,
            }
            for station in last.stations
        ],
        hide_index=True,
    )
    st.caption(
        "Stations work one after the other on a batch of photos, and as many batches are observed at once as there are"
        " cores; the seconds of all of them are added up, so they can be more than the run took. When several models"
        " need the same computation, its time counts for the first of them; therefore the classifier and the concept"
        " model seem to take no time after the captioner. Loading the models is not counted."
    )
    if runs[:-1]:
        with st.expander(f"Earlier runs ({len(runs) - 1})"):
            st.markdown("\n".join(f"- {_summary(run)}" for run in reversed(runs[:-1])))


def _summary(run: RunSpeed) -> str:
    return (
        f"{run.n_photos:,} {'photo' if run.n_photos == 1 else 'photos'} in {run.seconds:,.0f} s,"
        f" {run.photos_per_s:.1f} a second, ended {run.ended_at:%Y-%m-%d %H:%M} UTC"
    )
