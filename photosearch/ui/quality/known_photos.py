"""Testing search with queries whose photos are known: the ways to give them, and what came out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.evaluation.known_photos import Ranked, SearchQuality
from photosearch.evaluation.metrics import Retrieval
from photosearch.evaluation.quality import Quality
from photosearch.evaluation.questions import MAX_BYTES, MAX_PAIRS
from photosearch.records import CollectionInfo, Progress, Watch
from photosearch.ui.text import plain

HOW = ("Type queries", "Upload a file", "Use corrections")
MAX_PROBLEMS = 20  # shown
_RESULT = "quality-result"
_FORM = (
    "A line for each: **the query, a comma, the photo**. The photo is given by its file name, path, address or id, or"
    " by the link to its Inspect page. A query may have several lines: the best placed of its photos counts."
)
Measure = Callable[[Watch], SearchQuality]


@dataclass(frozen=True)
class _Result:
    """What was measured last in this session."""

    collection: str
    generation: int
    how: str
    found: SearchQuality
    problems: tuple[str, ...]


def ask_questions(quality: Quality, info: CollectionInfo) -> None:
    """The ways to give queries, then what was measured."""
    st.markdown(
        "Does a query find the photo that you have in mind? Give queries with the photos that they should find. Each"
        " is searched twice, its words taken as they are: in **the sentence under the photo only**, and in"
        " **all fields with related words**, as the Search page does."
    )
    how = st.radio("Queries", HOW, horizontal=True, label_visibility="collapsed", key="how")
    if how == HOW[0]:
        _typed(quality, info)
    elif how == HOW[1]:
        _uploaded(quality, info)
    else:
        _corrected(quality, info)
    held = st.session_state.get(_RESULT)
    if isinstance(held, _Result) and held.collection == info.name and held.how == how:
        _show(quality, info, held)


def _typed(quality: Quality, info: CollectionInfo) -> None:
    with st.form("typed-queries", border=False):
        text = st.text_area(
            "Queries and photos",
            placeholder="two dogs on a beach, IMG_0042.jpg\na red motorcycle, IMG_0107.jpg",
            height=150,
            max_chars=MAX_BYTES // 10,
            key="typed",
        )
        st.caption(_FORM)
        if st.form_submit_button("Measure", type="primary", key="go-typed"):
            _measure_text(quality, info, HOW[0], text)


def _uploaded(quality: Quality, info: CollectionInfo) -> None:
    file = st.file_uploader(
        "CSV or JSONL",
        type=["csv", "jsonl", "txt"],
        max_upload_size=max(1, MAX_BYTES // 1_000_000),
        key="query-file",
    )
    st.caption(
        f'{_FORM} Or JSON, an object a line: `{{"query": "a dog", "photo": "dog.jpg"}}`. A CSV may begin with a row'
        f" that names its columns `query` and `photo`. Up to {MAX_PAIRS:,} lines; the file is kept nowhere."
    )
    if st.button("Measure", type="primary", key="go-file", disabled=file is None) and file is not None:
        try:
            text = file.getvalue().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            st.error(plain(f"{file.name} is no UTF-8 text (byte {error.start}). Save it as UTF-8 and try again."))
            return
        _measure_text(quality, info, HOW[1], text)


def _corrected(quality: Quality, info: CollectionInfo) -> None:
    n = len(quality.corrections(info.name).asked)
    if not n:
        st.info(
            "Nobody has corrected a caption in this collection yet. Correct some on the Inspect page, then measure."
        )
        return
    st.markdown(
        f"{n:,} {'correction' if n == 1 else 'corrections'} by people serve as queries for their own photos."
        " To be a test, they are **left out of what is searched**: each photo is searched by what the models wrote of"
        " it, as if nobody had corrected it. So this tells how well the models do, not how well search does with"
        " your corrections."
    )
    if st.button("Measure", type="primary", key="go-corrections"):
        _run(info, HOW[2], (), lambda watch: quality.measure_corrections(info.name, watch))


def _measure_text(quality: Quality, info: CollectionInfo, how: str, text: str) -> None:
    st.session_state.pop(_RESULT, None)
    try:
        questions = quality.read_questions(info.name, text)
    except PhotosearchError as error:
        st.error(plain(str(error)))
        return
    if not questions.asked:
        _show_problems(questions.problems)
        return
    _run(info, how, questions.problems, lambda watch: quality.measure(info.name, questions, watch))


def _run(info: CollectionInfo, how: str, problems: tuple[str, ...], measure: Measure) -> None:
    bar = st.progress(0.0, "Getting ready")

    def show(progress: Progress) -> None:
        bar.progress(progress.done / progress.total, f"Searching: {progress.done:,} of {progress.total:,}")

    try:
        st.session_state[_RESULT] = _Result(info.name, info.generation, how, measure(Watch(show)), problems)
    except PhotosearchError as error:
        st.error(plain(str(error)))
    finally:
        bar.empty()


def _show(quality: Quality, info: CollectionInfo, held: _Result) -> None:
    found = held.found
    st.subheader("What came out", anchor=False)
    if held.generation != info.generation:
        st.info("The collection has changed since this was measured. Measure again for how it stands now.")
    n = len(found.ranked)
    st.caption(f"{n:,} {'query' if n == 1 else 'queries'}, {found.n_photos:,} photos searched.")
    measures = zip(_measures(found.caption_only), _measures(found.all_fields), strict=True)
    st.dataframe(
        [{"": name, "caption only": one, "all fields": other} for (name, one), (_, other) in measures],
        hide_index=True,
        width="content",
    )
    _show_problems(held.problems)
    st.markdown("**Each query**, the worst placed first; “None”: the photo was not found at all.")
    names = quality.file_names(info.name)
    worst_first = sorted(found.ranked, key=lambda one: -(one.full_rank or math.inf))
    st.dataframe(
        [_row(one, names, info.name) for one in worst_first],
        hide_index=True,
        column_config={
            "search": st.column_config.LinkColumn(display_text="Search"),
            "inspect": st.column_config.LinkColumn(display_text="Inspect"),
        },
    )


def _measures(found: Retrieval) -> list[tuple[str, str]]:
    median = "not found" if math.isinf(found.median_rank) else f"{found.median_rank:g}"
    return [
        ("in the first place (R@1)", f"{found.recall_at_1:.0%}"),
        ("among the first 5 (R@5)", f"{found.recall_at_5:.0%}"),
        ("among the first 10 (R@10)", f"{found.recall_at_10:.0%}"),
        ("median rank", median),
    ]


def _row(one: Ranked, names: dict[str, str], collection: str) -> dict[str, Any]:
    ids = one.question.photo_ids
    return {
        "query": one.question.text,
        "rank by caption": one.caption_rank,
        "rank by all": one.full_rank,
        "photo": names.get(ids[0], ids[0]) if len(ids) == 1 else f"{len(ids)} photos",
        "search": f"/?{urlencode({'q': one.question.text, 'name': collection})}",
        "inspect": f"/inspect?photo={ids[0]}",
    }


def _show_problems(problems: tuple[str, ...]) -> None:
    if problems:
        more = len(problems) - MAX_PROBLEMS
        st.warning(f"{len(problems):,} {'line' if len(problems) == 1 else 'lines'} could not be used.")
        st.text("\n".join([*problems[:MAX_PROBLEMS], *([f"... and {more:,} more"] if more > 0 else [])]))
