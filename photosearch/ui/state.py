"""What all pages, routes and visitors share: one workspace, and its runs in the background."""

from __future__ import annotations

import streamlit as st

from photosearch.pipeline.adding import Added
from photosearch.pipeline.background import Runs
from photosearch.pipeline.tasks import Task, TaskFile
from photosearch.records import Report, Watch
from photosearch.settings import read_settings
from photosearch.workspace import Workspace


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """Return the workspace of this server."""
    return Workspace(read_settings())


@st.cache_resource(show_spinner=False)
def runs() -> Runs:
    """Return the background runs of this server."""
    return Runs(TaskFile(workspace().library.folder), _perform)


def _perform(task: Task, watch: Watch) -> Report:
    held = workspace()
    if task.update:
        listed = [held.update(task.collection or "", watch)]
    elif task.names:
        listed = held.add(*task.names, collection=task.collection, options=task.options, watch=watch)
    else:
        listed = [Added(task.collection or "", Report(), described=False)]
    done = Report()
    for added in listed:
        done += added.report
        if task.then == "list" or added.described or watch.is_cancelled():
            continue
        if task.then == "fetch":
            done += held.fetch(added.collection, watch)
        else:
            done += held.caption(added.collection, choice=task.choice, redo=task.redo, watch=watch)
    return done
