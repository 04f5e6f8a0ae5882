"""An index that has grown and shrunk answers as one built afresh, and as scikit-learn computes it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosearch.records import Document, Facts
from photosearch.search.fields import ALL, Field
from photosearch.search.index import Index, Store, Tables, draft, state, views
from photosearch.search.query import Refine, Sort, parse
from tests.unit.search.index.test_index import (
    KINDS,
    LABELS,
    OBJECTS,
    PROBS,
    RELATED,
    TEXTS,
    WORDS,
    dense_scores,
    quick,
    same_answers,
)

TABLES = Tables(RELATED, hypernyms=KINDS)
IDS = [f"p{n}" for n in range(9)]
DOCUMENTS = st.builds(
    Document,
    st.sampled_from(IDS),
    human=st.lists(TEXTS, max_size=1).map(tuple),
    captions=st.lists(TEXTS, max_size=2).map(tuple),
    objects=OBJECTS,
    labels=LABELS,
    concepts=PROBS,
    owner=st.lists(st.sampled_from(["red #snow", "dog " * 20, ""]), max_size=2).map(tuple),
    facts=st.builds(
        Facts,
        taken_at=st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2020, 1, 9)),
        place=st.sampled_from([None, "Snow Hill"]),
        camera=st.sampled_from([None, "Red One"]),
    ),
)
CHANGES = st.lists(st.tuples(st.lists(DOCUMENTS, max_size=4), st.sets(st.sampled_from(IDS), max_size=3)), max_size=6)


@pytest.fixture(params=["several segments", "norms as before", "one segment"])
def merging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small indexes of several segments, with norms that are seldom computed as in large ones, or of one."""
    if request.param != "one segment":
        monkeypatch.setattr(state, "MIN_MERGED", 0)
    if request.param == "norms as before":
        keep_norms(monkeypatch, 0.4)


def keep_norms(monkeypatch: pytest.MonkeyPatch, most_drift: float) -> None:
    """Let norms stay as they were, as in a large index, until an IDF is off by a share."""
    monkeypatch.setattr(views, "_FEW", 0)
    monkeypatch.setattr(views, "MOST_DRIFT", most_drift)


def grow(changes: list[tuple[list[Document], set[str]]]) -> tuple[Index, dict[str, Document]]:
    """An index after changes, and the documents that it then holds."""
    index, held = Index(tables=TABLES), {}
    for added, removed in changes:
        index = index.updated(added, removed)
        for photo_id in removed:
            held.pop(photo_id, None)
        held |= {document.photo_id: document for document in added}
    return index, held


@pytest.mark.usefixtures("merging")
class TestGrowing:
    """With several segments, and with one."""

    @quick
    @given(
        changes=CHANGES,
        query=st.lists(st.sampled_from([*WORDS, "kid", "animal"]), max_size=4).map(" ".join),
        fields=st.sampled_from([ALL, frozenset({Field.CAPTION, Field.CONCEPTS}), frozenset({Field.OWNER})]),
    )
    def test_answers_are_those_of_an_index_built_afresh(
        self, changes: list[tuple[list[Document], set[str]]], query: str, fields: frozenset[Field]
    ) -> None:
        index, held = grow(changes)
        fresh = Index(held.values(), TABLES)
        assert len(index) == len(held)
        same_answers(index, fresh, query, fields=fields)
        counts, expected = (
            {c.term: (c.df, pytest.approx(c.idf)) for c in one.term_counts(fields)} for one in (index, fresh)
        )
        assert counts == expected
        for photo_id in held:
            assert index.rank(query, photo_id) == fresh.rank(query, photo_id)
            ones, others = ({m.photo_id: m.score for m in one.matches(one.similar(photo_id))} for one in (index, fresh))
            assert ones == pytest.approx(others, abs=1e-8)

    @quick
    @given(
        changes=CHANGES,
        query=st.sampled_from(
            [
                "-dog",
                '"red dog"',
                "#snow",
                "-#snow dog",
                "object:dog",
                "before:2020-01-04 dog",
                "after:2020-01-04",
                "cat",
            ]
        ),
        sort=st.sampled_from(Sort),
        cutoff=st.sampled_from([0.0, 0.5, 1.0]),
    )
    def test_filters_and_orders_are_those_of_an_index_built_afresh(
        self, changes: list[tuple[list[Document], set[str]]], query: str, sort: Sort, cutoff: float
    ) -> None:
        index, held = grow(changes)
        fresh = Index(held.values(), TABLES)
        refine = Refine(sort=sort, cutoff=cutoff)
        found, expected = (one.find(parse(query), refine=refine) for one in (index, fresh))
        assert (len(found), found.n_weak) == (len(expected), expected.n_weak)
        assert [m.photo_id for m in index.matches(found)] == [m.photo_id for m in fresh.matches(expected)]
        assert index.filters.common_objects(9) == fresh.filters.common_objects(9)
        assert index.filters.notes(parse(query), refine) == fresh.filters.notes(parse(query), refine)
        assert index.suggest("dgo", 20) == fresh.suggest("dgo", 20)
        assert index.complete("d") == fresh.complete("d")

    @quick
    @given(changes=st.lists(st.tuples(st.dictionaries(st.sampled_from(IDS), TEXTS), st.sets(st.sampled_from(IDS)))))
    def test_scores_are_those_of_scikit_learn(self, changes: list[tuple[dict[str, str], set[str]]]) -> None:
        index, held = Index(), {}
        for added, removed in changes:
            index = index.updated([Document(i, captions=(text,)) for i, text in added.items()], removed)
            held = {i: text for i, text in held.items() if i not in removed} | added
        ids, texts = list(held), list(held.values())
        names = dict(zip((f"photo-{len(texts) - n:03}" for n in range(len(texts))), ids, strict=True))
        expected = {names[name]: score for name, score in dense_scores(texts, "two red dogs run").items()}
        _, matches = index.search("two red dogs run", top=100)
        assert {match.photo_id: match.score for match in matches} == pytest.approx(expected, abs=1e-6)

    def test_adding_and_removing_leaves_no_trace(self) -> None:
        draw = np.random.default_rng(0)
        documents = [
            Document(f"a{n}", captions=(" ".join(draw.choice(WORDS, 5)),), concepts={"dog": float(draw.random())})
            for n in range(40)
        ]
        index = Index(documents[:20], TABLES)
        later = index.updated(documents[20:]).updated([], [d.photo_id for d in documents[20:]])
        n_terms = len(index.df)
        assert (later.df[:n_terms] == index.df).all()
        assert not later.df[n_terms:].any()
        same_answers(index, later, "red dogs in snow")

    def test_an_earlier_state_stays_as_it_was(self) -> None:
        index = Index([Document("a", captions=("a red dog",))])
        before = index.search("dog unicorn", top=5)
        index.updated([Document("b", captions=("a dog and a unicorn",))], ["a"])
        assert index.search("dog unicorn", top=5) == before
        assert not index.knows("unicorn")


def test_few_segments_whatever_the_changes() -> None:
    index = Index()
    for n in range(3000):
        index = index.updated([Document(f"{n:05}", captions=(WORDS[n % len(WORDS)],))])
        assert len(index.state.segments) <= 2 + np.log2(1 + n / state.MIN_MERGED)
    assert len(index) == 3000


def test_what_was_removed_takes_no_more_than_what_is_left() -> None:
    index = Index(Document(f"{n:04}", captions=("a dog",)) for n in range(1000))
    for n in range(0, 1000, 10):
        index = index.updated([], [f"{n + i:04}" for i in range(10)])
        assert index.state.n_rows <= 2 * len(index) + state.MIN_MERGED
    assert (len(index), index.search("dog", top=5)) == (0, (0, []))


def test_an_id_occurs_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Index([Document("a"), Document("a")])


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments that are full after some ten photos."""
    monkeypatch.setattr(draft, "MAX_POSTINGS", 100)
    monkeypatch.setattr(state, "MAX_POSTINGS", 150)


def many_documents(n: int, seed: int = 0) -> list[Document]:
    draw = np.random.default_rng(seed)
    return [
        Document(f"{i:05}", captions=(" ".join(draw.choice(WORDS, 5)),), concepts={"dog": float(draw.random())})
        for i in range(n)
    ]


@pytest.mark.parametrize("most_drift", [0.01, 0.2], ids=["some norms anew", "few norms anew"])
def test_answers_are_exact_while_norms_are_those_of_an_earlier_state(
    most_drift: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_norms(monkeypatch, most_drift)
    index, held = Index(many_documents(400), TABLES), {document.photo_id: document for document in many_documents(400)}
    captions, queries = frozenset({Field.CAPTION}), ("two red dogs in snow", "cat", "unicorn dog")
    drifts = []
    for round_ in range(8):
        index.search("dog", top=1, fields=captions)
        more = [
            Document(f"more-{round_}-{n}", captions=(f"a unicorn of kind{n % 9} with a dog",)) for n in range(round_)
        ]
        changed = [Document(f"{round_:05}", captions=("a red dog",), concepts={"snow": 0.3, "cat": 0.9})]
        removed = [f"{100 + round_:05}"]
        index = index.updated([*more, *changed], removed)
        held |= {document.photo_id: document for document in (*more, *changed)}
        held.pop(removed[0])
        drifts.append(index.view.drift)
        fresh = Index(held.values(), TABLES)
        assert fresh.view.drift == 0
        for query in queries:
            same_answers(index, fresh, query)
            same_answers(index, fresh, query, fields=captions)
        known = f"{round_:05}"
        assert index.rank("two red dogs", known) == fresh.rank("two red dogs", known)
        alike, expected = ([(m.photo_id, m.score) for m in i.matches(i.similar(known), 9)] for i in (index, fresh))
        assert [photo_id for photo_id, _ in alike] == [photo_id for photo_id, _ in expected]
        assert [score for _, score in alike] == pytest.approx([score for _, score in expected], abs=1e-8)
        refine = Refine(cutoff=0.6)
        assert len(index.find(parse("red dog"), refine=refine)) == len(fresh.find(parse("red dog"), refine=refine))
    assert 0 < max(drifts) <= most_drift
    Store(tmp_path).save(index, 1)
    saved = Store(tmp_path).open(TABLES)
    assert saved is not None
    assert saved.index.view.drift == index.view.drift
    assert saved.index.search(queries[0], top=50) == index.search(queries[0], top=50)


@pytest.mark.usefixtures("small_segments")
class TestStreaming:
    """Segments go to files as they fill."""

    def test_answers_are_those_of_one_segment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = Store(tmp_path)
        documents = many_documents(300)
        streamed = Index(iter(documents), TABLES, store.keep)
        assert len(streamed.state.segments) > 5
        assert max(len(segment.keys) for segment in streamed.state.segments) <= 150
        store.save(streamed, 1)
        saved = store.open(TABLES)
        monkeypatch.undo()
        whole = Index(documents, TABLES)
        assert len(whole.state.segments) == 1
        for query in ("two red dogs in snow", "cat"):
            same_answers(streamed, whole, query)
            same_answers(saved.index, whole, query)

    def test_a_large_update_is_an_index_built_afresh(self, tmp_path: Path) -> None:
        index = Index(many_documents(100), TABLES)
        assert index.suggest("dgo", 20), "spelling is known, and updated later"
        more, removed = many_documents(200, seed=1)[80:], [f"{n:05}" for n in range(60, 90)]
        later = index.updated(iter(more), removed, Store(tmp_path).keep)
        fresh = Index([*many_documents(100)[:60], *more], TABLES)
        same_answers(later, fresh, "two red dogs in snow")
        assert later.suggest("dgo", 20) == fresh.suggest("dgo", 20)
        assert later.complete("d") == fresh.complete("d")

    def test_only_the_segments_of_the_index_stay_in_the_folder(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        index = Index(iter(many_documents(300)), TABLES, store.keep)
        store.save(index, 1)
        store.save(index.updated([], [f"{n:05}" for n in range(250)]), 2)
        assert len(list(tmp_path.glob("segment-*"))) == len(store.open(TABLES).index.state.segments) < 9

    def test_an_id_occurs_once_even_in_different_segments(self) -> None:
        documents = many_documents(100)
        with pytest.raises(ValueError, match="twice"):
            Index([*documents, documents[0]])


def test_many_photos_are_ranked_as_few_are() -> None:
    """The best are looked for in blocks only where there are many."""
    draw = np.random.default_rng(2)
    texts = [" ".join(draw.choice(WORDS, draw.integers(1, 9))) for _ in range(20_000)]
    index = Index(Document(f"{n:05}", captions=(text,)) for n, text in enumerate(texts))
    n_found, best = index.search("two red dogs", top=20)
    _, everything = index.search("two red dogs", top=n_found)
    assert best == everything[:20]
    assert everything == sorted(everything, key=lambda match: (-match.score, match.photo_id))
