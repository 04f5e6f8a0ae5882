"""A test of search by queries whose photos are known: three ways to give the queries, and the result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from photosearch.errors import LibraryError, PhotosearchError
from photosearch.evaluation.known_photos import Ranked, SearchQuality
from photosearch.evaluation.metrics import Retrieval
from photosearch.evaluation.quality import Quality
from photosearch.evaluation.questions import MAX_BYTES, MAX_PAIRS
from photosearch.records import CollectionInfo, Progress, Watch
from photosearch.ui import state
from photosearch.ui.text import plain

WAYS = ("Type queries", "Upload a file", "Use corrections")
MAX_PROBLEMS = 20  # shown
_RESULT = "quality-result"
_FORMAT = (
    "Write one pair a line: **the query, a comma, the photo**. Name the photo by its file name, path, URL or id, or by"
    " the link to its Inspect page. A query may have several photos, a line each; the best ranked of them counts."
)
Measure = Callable[[Watch], SearchQuality]


@dataclass(frozen=True)
class _Result:
    """The last result of this session."""

    collection: str
    generation: int
    way: str
    quality: SearchQuality
    problems: tuple[str, ...]


def show_test(quality: Quality, info: CollectionInfo) -> None:
    """Let the visitor give queries with their photos; show how search ranks those photos."""
    st.markdown(
        "Does search find the photo that you mean? Give queries and the photos that they should find. Each query is"
        " searched twice, without operators such as quotes: in **captions only**, and in **all fields with related"
        " words**, as on the Search page."
    )
    way = st.radio("Queries", WAYS, horizontal=True, label_visibility="collapsed", key="how")
    if way == WAYS[0]:
        _test_typed(quality, info)
    elif way == WAYS[1]:
        _test_file(quality, info)
    else:
        _test_corrections(quality, info)
    result = st.session_state.get(_RESULT)
    if isinstance(result, _Result) and result.collection == info.name and result.way == way:
        _show_result(quality, info, result)


def _test_typed(quality: Quality, info: CollectionInfo) -> None:
    with st.form("typed-queries", border=False):
        text = st.text_area(
            "Queries and photos",
            placeholder="two dogs on a beach, IMG_0042.jpg\na red motorcycle, IMG_0107.jpg",
            height=150,
            max_chars=MAX_BYTES // 10,
            key="typed",
        )
        st.caption(_FORMAT)
        if st.form_submit_button("Measure", type="primary", key="go-typed"):
            _measure_text(quality, info, WAYS[0], text)


def _test_file(quality: Quality, info: CollectionInfo) -> None:
    file = st.file_uploader(
        "CSV or JSONL",
        type=["csv", "jsonl", "txt"],
        max_upload_size=max(1, MAX_BYTES // 1_000_000),
        key="query-file",
    )
    st.caption(
        f'{_FORMAT} Or write JSON, one object a line: `{{"query": "a dog", "photo": "dog.jpg"}}`. A CSV may begin with'
        f" a row that names its columns `query` and `photo`. At most {MAX_PAIRS:,} lines; the file is not stored."
    )
    if st.button("Measure", type="primary", key="go-file", disabled=file is None) and file is not None:
        try:
            text = file.getvalue().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            st.error(plain(f"{file.name} is not UTF-8 text (byte {error.start}). Save it as UTF-8 and try again."))
            return
        _measure_text(quality, info, WAYS[1], text)


def _test_corrections(quality: Quality, info: CollectionInfo) -> None:
    n_corrections = len(quality.corrections(info.name).asked)
    if not n_corrections:
        st.info("No caption of this collection has been corrected yet. Correct some on the Inspect page, then measure.")
        return
    st.markdown(
        f"{n_corrections:,} corrected {'caption serves' if n_corrections == 1 else 'captions serve'} as queries for"
        " their own photos. The corrections themselves are **not searched**: each photo is searched by what the models"
        " wrote about it. The result therefore shows how good the models' captions are, not how good search is with"
        " your corrections."
    )
    if st.button("Measure", type="primary", key="go-corrections"):
        _measure(info, WAYS[2], (), lambda watch: quality.measure_corrections(info.name, watch))


def _measure_text(quality: Quality, info: CollectionInfo, way: str, text: str) -> None:
    st.session_state.pop(_RESULT, None)
    try:
        questions = quality.read_questions(info.name, text)
    except LibraryError as error:
        st.error(plain(state.message(error)))
        return
    except PhotosearchError as error:  # about the visitor's own text
        st.error(plain(str(error)))
        return
    if not questions.asked:
        _show_problems(questions.problems)
        return
    _measure(info, way, questions.problems, lambda watch: quality.measure(info.name, questions, watch))


def _measure(info: CollectionInfo, way: str, problems: tuple[str, ...], measure: Measure) -> None:
    bar = st.progress(0.0, "Preparing")

    def on_progress(progress: Progress) -> None:
        bar.progress(progress.done / progress.total, f"Searching: {progress.done:,} of {progress.total:,}")

    try:
        st.session_state[_RESULT] = _Result(info.name, info.generation, way, measure(Watch(on_progress)), problems)
    except PhotosearchError as error:
        st.error(plain(state.message(error)))
    finally:
        bar.empty()


def _show_result(quality: Quality, info: CollectionInfo, result: _Result) -> None:
    measured = result.quality
    st.subheader("Result", anchor=False)
    if result.generation != info.generation:
        st.info("The collection has changed since this was measured. Measure again to see the current quality.")
    n_queries = len(measured.ranked)
    st.caption(
        f"{n_queries:,} {'query' if n_queries == 1 else 'queries'} over"
        f" {measured.n_photos:,} {'photo' if measured.n_photos == 1 else 'photos'}."
    )
    measures = zip(_measures(measured.caption_only), _measures(measured.all_fields), strict=True)
    st.dataframe(
        [{"": name, "caption only": caption, "all fields": full} for (name, caption), (_, full) in measures],
        hide_index=True,
        width="content",
    )
    _show_problems(result.problems)
    st.markdown("**Each query**, worst rank first. “None”: search did not find the photo.")
    names = quality.file_names(info.name)
    worst_first = sorted(measured.ranked, key=lambda ranked: -(ranked.full_rank or math.inf))
    st.dataframe(
        [_row(ranked, names, info.name) for ranked in worst_first],
        hide_index=True,
        column_config={
            "search": st.column_config.LinkColumn(display_text="Search"),
            "inspect": st.column_config.LinkColumn(display_text="Inspect"),
        },
    )


def _measures(retrieval: Retrieval) -> list[tuple[str, str]]:
    median = "not found" if math.isinf(retrieval.median_rank) else f"{retrieval.median_rank:g}"
    return [
        ("in first place (R@1)", f"{retrieval.recall_at_1:.0%}"),
        ("among the first 5 (R@5)", f"{retrieval.recall_at_5:.0%}"),
        ("among the first 10 (R@10)", f"{retrieval.recall_at_10:.0%}"),
        ("median rank", median),
    ]


def _row(ranked: Ranked, names: dict[str, str], collection: str) -> dict[str, Any]:
    photo_ids = ranked.question.photo_ids
    return {
        "query": ranked.question.text,
        "rank by caption": ranked.caption_rank,
        "rank by all": ranked.full_rank,
        "photo": names.get(photo_ids[0], photo_ids[0]) if len(photo_ids) == 1 else f"{len(photo_ids)} photos",
        "search": f"/?{urlencode({'q': ranked.question.text, 'name': collection})}",
        "inspect": f"/inspect?photo={photo_ids[0]}",
    }


def _show_problems(problems: tuple[str, ...]) -> None:
    """Say which lines could not be used, and why."""
    if problems:
        n_more = len(problems) - MAX_PROBLEMS
        st.warning(f"{len(problems):,} {'line' if len(problems) == 1 else 'lines'} could not be used:")
        st.text("\n".join([*problems[:MAX_PROBLEMS], *([f"... and {n_more:,} more"] if n_more > 0 else [])]))
