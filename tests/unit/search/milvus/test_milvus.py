"""Search in Milvus: as exact as in files, follows the library, and what happens when it is cut short or away."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.captions import Statistics
from benchmarks.photos import PhotoStatistics, documents
from photosearch.errors import IndexOutOfReach, LibraryError
from photosearch.export.formats import results_json
from photosearch.library import Library
from photosearch.library.corrections import correct_caption, undo_correction
from photosearch.records import Details, Document, Listing, TextKind
from photosearch.search.fields import ALL, COUNT_WORDS, Field
from photosearch.search.index import Index, SearchIndex, Tables
from photosearch.search.milvus import drift, keeping, server
from photosearch.search.milvus.address import Address, read_address
from photosearch.search.milvus.keeping import MilvusKeeper
from photosearch.search.milvus.server import Server
from photosearch.search.milvus.store import Store
from photosearch.search.query import Refine, parse
from photosearch.search.question import Question
from photosearch.search.searcher import Searcher
from photosearch.workspace import Workspace
from tests.milvus import serving
from tests.unit.search.conftest import MakeIndex

WORDS = ("dog", "cat", "beach", "snow", "red", "boat", "tree", "man", "two", "grass", "bench", "kite")
AWAY = "The index on this machine answered instead."


def told(text: str) -> Details:
    return Details(texts=((TextKind.IMPORTED, text),))


def listing(number: int, text: str = "") -> Listing:
    words = [WORDS[number % 12], WORDS[number // 3 % 12], WORDS[number // 7 % 12], f"place{number % 5}"]
    return Listing(f"{number}.jpg", "", details=told(text or f"a {' '.join(words)}"))


@pytest.fixture
def library(library: Library) -> Library:
    """Sixty photos."""
    library.merge("c", "older system", [listing(number) for number in range(60)])
    return library


@pytest.fixture
def open_searcher(library: Library) -> Iterator[Callable[..., Searcher]]:
    """Return a function that opens a searcher over an address, which is closed after the test."""
    opened: list[Searcher] = []

    def open_one(address: Address | None, of: Library | None = None) -> Searcher:
        opened.append(Searcher(of or library, Tables(), address))
        return opened[-1]

    yield open_one
    for searcher in opened:
        searcher.close()


@pytest.fixture
def searcher(open_searcher: Callable[..., Searcher], milvus: Address) -> Searcher:
    return open_searcher(milvus)


def keeper(searcher: Searcher) -> MilvusKeeper:
    assert searcher._in_milvus is not None
    return searcher._in_milvus


def ids(searcher: Searcher, query: str) -> list[tuple[str, float]]:
    results = searcher.search(Question(query, "c", top=100))
    assert results.notes == ()
    return [(hit.photo.source_key, hit.score) for hit in results.hits]


def told_by(index: SearchIndex, query: str) -> list[object]:
    """What an index answers, shares rounded: norms are summed up in another order."""
    matches = index.matches(index.find(parse(query)))
    return [(m.photo_id, m.score, [(s.term, s.field, s.word, round(s.share, 12)) for s in m.shares]) for m in matches]


def same_as_files(searcher: Searcher) -> None:
    """Hold answers, counts and norms against an index that is made of the library's documents anew."""
    fresh = Index(searcher.library.documents("c"), Tables())
    index = keeper(searcher).current("c").index
    for query in ("dog", "a red boat", '"red boat"', "-dog", "dog | kite", "b* -cat", "place3 by:caption"):
        ours, theirs = (told_by(made, query) for made in (fresh, index))
        assert theirs == ours
    assert len(index) == len(fresh)
    for fields in (ALL, frozenset({Field.CAPTION}), frozenset({Field.HUMAN})):
        counted = sorted((c.term, c.df, c.idf) for c in index.term_counts(fields))
        assert counted == sorted((c.term, c.df, c.idf) for c in fresh.term_counts(fields))
    assert index.spelling.complete("b") == fresh.spelling.complete("b")
    record = index.stored.record
    if not record.n_unmeasured:
        assert drift.measure(index._store, index.stored, Tables()) <= record.drift + 1e-9


def test_the_best_are_the_same_as_in_files_with_the_same_scores_and_reasons(make_milvus_index: MakeIndex) -> None:
    made = list(documents(PhotoStatistics.load(), 1_100))
    in_files, in_milvus = Index(made), make_milvus_index(made)
    queries = Statistics.load().sample(4, 3, n_words=10)
    for query in (*queries, "dog", "two dogs -beach", '"black dog"', "red | blue car", "by:caption dog", "sun*"):
        ours, theirs = (
            index.matches(index.find(parse(query)), 100)
            for index in (in_files, in_milvus)  # of both kinds
        )
        assert len(ours) == len(theirs)
        assert sum(a.photo_id == b.photo_id for a, b in zip(ours, theirs, strict=True)) >= 0.99 * len(ours)
        assert all(abs(a.score - b.score) <= 1e-3 for a, b in zip(ours, theirs, strict=True))
        reasons = ([{(s.term, s.field, s.word) for s in m.shares} for m in matches] for matches in (ours, theirs))
        assert sum(a == b for a, b in zip(*reasons, strict=True)) >= 0.99 * len(ours)
    deep = in_milvus.find(parse("dog man"), n=1_050)
    assert [m.photo_id for m in in_milvus.matches(deep, 50, 1_000)] == [
        m.photo_id for m in in_files.matches(in_files.find(parse("dog man")), 50, 1_000)
    ]
    assert in_milvus.find(parse("dog man")).has_more
    assert not deep.has_more or len(deep) == 1_051


def test_phrases_of_three_words_are_looked_for_in_the_texts(make_index: MakeIndex) -> None:
    texts = ("a black dog runs", "a dog runs, a black dog", "a black dog sits", "runs")
    index: SearchIndex = make_index([Document(str(n), captions=(text,)) for n, text in enumerate(texts)])

    def found(query: str) -> str:
        return "".join(sorted(match.photo_id for match in index.matches(index.find(parse(query)))))

    assert found('"black dog runs"') == "0"
    assert found('-"black dog runs"') == "123"
    assert found('"black dog ru*"') == "0"
    assert index.filters.says("black dog runs")
    assert not index.filters.says("dog runs black dog sits")


def test_very_long_texts_are_kept(make_index: MakeIndex) -> None:
    words = [f"{tens}{ones}{n}" for tens in COUNT_WORDS for ones in COUNT_WORDS for n in range(90)]
    index = make_index([Document("long", owner=(" ".join(words),)), Document("short", owner=("short",))])
    matches = index.matches(index.find(parse(f"short {words[0]}")))
    assert sorted(match.photo_id for match in matches) == ["long", "short"]
    assert matches[0].score == pytest.approx(
        Index([Document("short", owner=("short",))]).search("short", top=1)[1][0].score, abs=0.5
    )


# Following the library


def test_what_changes_is_found_at_once(
    searcher: Searcher, open_searcher: Callable[..., Searcher], milvus: Address
) -> None:
    library = searcher.library
    same_as_files(searcher)
    first = library.photos("c")[0]
    correct_caption(library, first.id, "a unicorn on a boat", "me")
    assert ids(searcher, "unicorn") == [(first.source_key, ids(searcher, "unicorn")[0][1])]
    same_as_files(searcher)
    library.merge("c", "older system", [listing(60, "a zebra"), listing(61)], ["3.jpg", "4.jpg"])
    assert [key for key, _ in ids(searcher, "zebra unicorn")] == [first.source_key, "60.jpg"] or [
        key for key, _ in ids(searcher, "zebra unicorn")
    ] == ["60.jpg", first.source_key]
    undo_correction(library, first.id)
    assert ids(searcher, "unicorn") == []
    same_as_files(searcher)
    same_as_files(open_searcher(milvus))


def test_another_process_s_changes_are_seen(
    searcher: Searcher, open_searcher: Callable[..., Searcher], milvus: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_searcher(milvus)
    assert ids(searcher, "dog") == ids(other, "dog")
    searcher.library.merge("c", "older system", [listing(60, "a zebra")])
    assert len(ids(searcher, "zebra")) == 1
    monkeypatch.setattr(Library, "changes", None)  # read from Milvus, not from the library
    assert ids(other, "zebra dog") == ids(searcher, "zebra dog")
    same_as_files(other)


def test_most_changed_is_written_anew(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MANY", 10)
    before = keeper(searcher).current("c").index.stored.build
    searcher.library.merge("c", "older system", [], [f"{number}.jpg" for number in range(40)])
    after = keeper(searcher).current("c").index.stored.build
    assert before != after
    same_as_files(searcher)
    store = keeper(searcher)._indexes["c"].store
    assert store.builds() == [after]


def test_a_removed_collection_leaves_nothing(searcher: Searcher) -> None:
    ids(searcher, "dog")
    store = keeper(searcher)._indexes["c"].store
    assert store.builds()
    searcher.forget("c")
    assert store.builds() == []


def test_a_library_put_back_is_noticed(searcher: Searcher) -> None:
    library = searcher.library
    backup = {path: path.read_bytes() for path in library.folder.glob("library.sqlite*")}
    library.merge("c", "older system", [listing(60, "a zebra")])
    assert len(ids(searcher, "zebra")) == 1
    library.close()
    for path in library.folder.glob("library.sqlite*"):
        path.unlink()
    for path, content in backup.items():
        path.write_bytes(content)
    results = searcher.search(Question("zebra", "c"))
    assert (results.total, len(results.notes)) == (0, 1)
    assert "did not fit the library" in results.notes[0]
    same_as_files(searcher)


# Drift


def test_norms_that_have_drifted_are_made_anew(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    library = searcher.library
    for limit, in_background in ((1.0, True), (0.005, False)):
        monkeypatch.setattr(drift, "FAR", limit)
        first = library.merge(
            "c", "older system", [listing(n, "a dog") for n in range(100, 180 if in_background else 300)]
        )
        assert first.n_new
        same_as_files(searcher)
        keeper(searcher).wait()
        record = open_record(searcher)
        assert record.drift < drift.MOST
        assert not record.n_unmeasured
        same_as_files(searcher)
        assert library.generation("c") == record.generation


def open_record(searcher: Searcher):
    stored = keeper(searcher)._indexes["c"].store.read()
    assert stored is not None
    return stored.record


# Cut short


@pytest.mark.parametrize("step", ["begin", "write_photos", "_write_text", "commit"])
def test_a_batch_that_was_cut_short_is_taken_back(
    searcher: Searcher,
    open_searcher: Callable[..., Searcher],
    milvus: Address,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    ids(searcher, "dog")
    library = searcher.library
    correct_caption(library, library.photos("c")[0].id, "a unicorn", "me")
    library.merge("c", "older system", [listing(60, "a zebra")], ["3.jpg"])
    real = getattr(Store, step)

    def cut(store: Store, *arguments: object) -> object:
        done = real(store, *arguments) if step != "commit" else None
        if step != "_write_text" or "journal" not in arguments:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(Store, step, cut)
    with pytest.raises(KeyboardInterrupt):
        searcher.search(Question("zebra", "c"))
    monkeypatch.undo()
    other = open_searcher(milvus)
    library.merge("c", "older system", [listing(61, "a gnu")], ["60.jpg"])
    assert ids(other, "zebra") == []
    assert len(ids(other, "gnu unicorn")) == 2
    same_as_files(other)


def test_a_first_filling_that_was_cut_short_is_begun_anew(
    searcher: Searcher, open_searcher: Callable[..., Searcher], milvus: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "commit", cut)
    with pytest.raises(KeyboardInterrupt):
        searcher.search(Question("dog", "c"))
    monkeypatch.undo()
    other = open_searcher(milvus)
    same_as_files(other)
    assert len(keeper(other)._indexes["c"].store.builds()) == 1


# Away


def answers(searcher: Searcher, reason: str) -> None:
    """Hold that the index in files answers, and says in one line why."""
    results = searcher.search(Question("dog", "c", top=100))
    assert len(results.hits) > 5
    (note,) = results.notes
    assert note.endswith(AWAY)
    assert reason in note
    assert "\n" not in note
    assert searcher.index("c").complete("be")


def test_an_address_that_does_not_answer(open_searcher: Callable[..., Searcher]) -> None:
    searcher = open_searcher(read_address("milvus://me:s3cret@127.0.0.1:9"))
    answers(searcher, "Milvus at 127.0.0.1:9 does not answer: Connection refused.")
    photo = searcher.library.photos("c")[0]
    results = searcher.similar(photo.id, top=3)
    assert len(results.hits) == 3
    assert "s3cret" not in "".join(results.notes)


def test_a_port_that_accepts_and_says_nothing(
    open_searcher: Callable[..., Searcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECT_S", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        answers(
            open_searcher(read_address(f"milvus://127.0.0.1:{port}")), f"Milvus at 127.0.0.1:{port} does not answer. "
        )


@pytest.mark.parametrize("content", [None, b"no folder of Milvus Lite"])
def test_a_file_that_cannot_be_opened(
    open_searcher: Callable[..., Searcher], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / ("missing/photos.db" if content is None else "photos.db")
    if content is not None:
        path.write_bytes(content)
    answers(
        open_searcher(read_address(f"milvus://{path}")), "no such folder" if content is None else "cannot be opened"
    )


def test_what_is_not_ours_is_left_alone(searcher: Searcher, milvus_server: Server) -> None:
    ids(searcher, "dog")
    index = keeper(searcher).current("c").index
    name = index._store.photos_of(index.stored.build)
    milvus_server.drop([name])
    milvus_server.make_parts(name)  # with other fields
    keeper(searcher)._indexes.clear()
    answers(searcher, f'has a collection "{name}" that photosearch did not make.')
    assert name in milvus_server.names("photosearch_")


@pytest.mark.parametrize(
    ("version", "message"),
    [("2.3.4", "is version 2.3.4. Use 2.4 or newer."), ("v2.6.0", ""), ("milvus_lite-3.2.2", "")],
)
def test_versions(milvus: Address, monkeypatch: pytest.MonkeyPatch, version: str, message: str) -> None:
    from pymilvus import MilvusClient

    monkeypatch.setattr(MilvusClient, "get_server_version", lambda *_, **__: version)
    server = Server(milvus)
    if message:
        with pytest.raises(IndexOutOfReach, match=message):
            server.names("x")
    else:
        server.names("x")


def test_errors_show_no_password(milvus: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymilvus import MilvusClient, MilvusException

    def refuse(*_: object, **__: object) -> None:
        raise MilvusException(message="auth check failure for me:s3cret, please check\nthe credentials")

    monkeypatch.setattr(MilvusClient, "list_collections", refuse)
    server = Server(Address(milvus.uri, milvus.name, token="me:s3cret"))  # noqa: S106
    with pytest.raises(IndexOutOfReach, match="Check user and password in PHOTOSEARCH_INDEX") as raised:
        server.names("x")
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_server_that_goes_away_and_comes_back(
    open_searcher: Callable[..., Searcher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path / "served.db") as (address, process):
        searcher = open_searcher(read_address(address))
        expected = ids(searcher, "dog")
        process.kill()
        process.wait()
        answers(searcher, "Milvus at 127.0.0.1:")
        searcher.library.merge("c", "older system", [listing(60, "a zebra")])
        results = searcher.search(Question("zebra", "c"))
        assert (results.total, len(results.notes)) == (1, 1)
    with serving(tmp_path / "served.db") as (address, _):
        monkeypatch.setattr(keeping, "REST_S", 0)
        searcher = open_searcher(read_address(address))
        assert [key for key, _ in ids(searcher, "dog")] == [key for key, _ in expected]
        assert len(ids(searcher, "zebra")) == 1
        same_as_files(searcher)


def test_it_is_asked_again_after_a_while(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ids(searcher, "dog")
    asked = []

    def fail(*_: object) -> None:
        asked.append(1)
        raise IndexOutOfReach("It is gone.")

    monkeypatch.setattr(Server, "search", fail)
    now = time.monotonic()
    for later_s in (0, 20, 29):
        monkeypatch.setattr(keeping.time, "monotonic", lambda later_s=later_s: now + later_s)
        answers(searcher, "It is gone.")
    assert len(asked) == 1
    monkeypatch.undo()
    monkeypatch.setattr(keeping.time, "monotonic", lambda: now + 31)
    assert ids(searcher, "dog") == expected


def test_a_collection_is_removed_though_milvus_is_away(workspace: Workspace) -> None:
    workspace.library.merge("c", "older system", [listing(1)])
    away = Workspace(replace(workspace.settings, index="milvus://127.0.0.1:9"))
    with pytest.raises(LibraryError, match="was removed, but not its words in Milvus"):
        away.remove("c")
    assert away.library.collections() == []
    away.close()


WRITER = """
import sys
from pathlib import Path
from photosearch.library import Library
from photosearch.library.corrections import correct_caption
from photosearch.search.index import Tables
from photosearch.search.milvus.address import read_address
from photosearch.search.question import Question
from photosearch.search.searcher import Searcher

library = Library(Path(sys.argv[1]))
searcher = Searcher(library, Tables(), read_address(sys.argv[2]))
for number, photo in enumerate(library.photos("c")[int(sys.argv[3])::4][:3]):
    correct_caption(library, photo.id, f"a gnu{sys.argv[3]} number{number}", "me")
    assert searcher.search(Question(f"gnu{sys.argv[3]}", "c")).total == number + 1
searcher.close()
"""


def test_two_processes_write_at_once(
    open_searcher: Callable[..., Searcher], library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path / "served.db") as (address, _):
        command = [sys.executable, "-c", WRITER, str(library.folder), address]
        writers = [subprocess.Popen([*command, str(number)]) for number in range(2)]
        assert [writer.wait(300) for writer in writers] == [0, 0]
        searcher = open_searcher(read_address(address))
        assert [len(ids(searcher, f"gnu{number}")) for number in range(2)] == [3, 3]
        same_as_files(searcher)
        assert len(keeper(searcher)._indexes["c"].store.builds()) == 1


def test_what_is_not_listed_is_said(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosearch.search.milvus.index.LISTED", 10)
    results = searcher.search(Question("dog beach snow red", "c", top=5))
    assert (results.total, results.n_listed, len(results.hits), results.has_more) == (10, 10, 5, True)
    assert results_json(results)["has_more"]
    deep = searcher.search(Question("dog beach snow red", "c", top=5, offset=15))
    assert [hit.rank for hit in deep.hits] == [16, 17, 18, 19, 20]
    best = searcher.search(Question("dog beach snow red", "c", top=5, refine=Refine(cutoff=0.99)))
    assert best.n_listed + best.n_weak == 10
    whole = searcher.search(Question("-nothing", "c", top=60))
    assert (whole.total, whole.has_more) == (60, False)
    assert "has_more" not in results_json(whole)
