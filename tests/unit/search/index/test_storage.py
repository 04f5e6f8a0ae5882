"""An index on disk: opened as it was saved, whole after a crash, refused where it is damaged."""

from __future__ import annotations

import multiprocessing
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from photosearch.errors import IndexDamaged
from photosearch.records import Document, Facts
from photosearch.search.index import Index, Store, Tables

DOCUMENTS = [
    Document(
        f"{n:04}",
        captions=(f"a {'red' if n % 2 else 'blue'} dog number{n}",),
        concepts={"dog": 0.9, "snow": n / 1000},
        objects=(("dog", 0.9),) if n % 3 else (),
        owner=("walk #beach",) if n % 5 else (),
        facts=Facts(taken_at=datetime(2023, 1, 1 + n % 28) if n % 7 else None),
    )
    for n in range(600)
]
QUERIES = ("a red dog in snow", "number7", "walk", "unicorn")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """With an index of two segments."""
    store = Store(tmp_path / "index", "these tables")
    store.save(grown(), 7)
    return store


def grown() -> Index:
    return Index(DOCUMENTS[:500]).updated(DOCUMENTS[500:], ["0000", "0501"])


def answers(index: Index) -> list[object]:
    return [index.search(query, top=50) for query in QUERIES]


def opened(store: Store) -> Index:
    saved = Store(store.folder, "these tables").open(Tables())
    assert saved is not None
    return saved.index


def test_an_index_is_opened_as_it_was_saved(store: Store) -> None:
    saved = Store(store.folder, "these tables").open(Tables())
    assert saved is not None
    assert (saved.generation, saved.token) == (7, "")
    assert len(saved.index.state.segments) == 2
    assert answers(saved.index) == answers(grown())
    later = saved.index.updated([Document("0000", captions=("a unicorn",))], ["0003"])
    assert answers(later) == answers(grown().updated([Document("0000", captions=("a unicorn",))], ["0003"]))


def test_there_may_be_no_index_yet(tmp_path: Path) -> None:
    assert Store(tmp_path / "nowhere").open(Tables()) is None


@pytest.mark.parametrize("documents", [[], [Document("a")], [Document("ä", captions=("rügen",))]])
def test_small_indexes_are_kept_too(tmp_path: Path, documents: list[Document]) -> None:
    Store(tmp_path, "x").save(Index(documents), 1)
    saved = Store(tmp_path, "x").open(Tables())
    assert saved is not None
    assert (len(saved.index), saved.index.search("rügen", top=5)) == (
        len(documents),
        Index(documents).search("rügen", top=5),
    )


def test_segments_are_written_once(store: Store) -> None:
    before = set(store.folder.glob("segment-*"))
    store.save(opened_by(store).updated([Document("0001", human=("a cat",))]), 8)
    after = set(store.folder.glob("segment-*"))
    assert len(before & after) == 1
    assert len(list(store.folder.glob("state-*"))) == len(list(store.folder.glob("lexicon-*"))) == 1


def opened_by(store: Store) -> Index:
    saved = store.open(Tables())
    assert saved is not None
    return saved.index


def test_who_has_an_index_open_keeps_it_while_another_one_saves(store: Store) -> None:
    index = opened(store)
    before = answers(index)
    Store(store.folder, "these tables").save(Index(DOCUMENTS[:3]), 9)
    assert answers(index) == before
    store.save(index, 10)
    assert answers(opened(store)) == before


def test_an_open_index_holds_few_files(store: Store) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    index = opened(store)
    assert len(list(Path("/dev/fd").iterdir())) - before <= len(index.state.segments) + 1


def test_a_save_that_breaks_off_leaves_the_index_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real, n_writes = Path.write_bytes, 0

    def full(path: Path, content: bytes) -> int:
        nonlocal n_writes
        n_writes += 1
        if n_writes > 1:
            raise OSError(28, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        store.save(Index(DOCUMENTS[:3]), 9)
    monkeypatch.undo()
    assert answers(opened(store)) == answers(grown())
    store.save(grown(), 9)
    kept = {path.name.partition("-")[0] for path in store.folder.iterdir()}
    assert kept == {"index.json", "lexicon", "state", "segment"}
    assert len(list(store.folder.iterdir())) == 5, "two segments"


def _save_for_ever(folder: Path) -> None:
    store, index = Store(folder, "these tables"), grown()
    while True:
        store.save(index, 7)
        index = index.updated([DOCUMENTS[3]])


def test_a_killed_process_leaves_an_index(store: Store) -> None:
    worker = multiprocessing.get_context("spawn").Process(target=_save_for_ever, args=[store.folder])
    worker.start()
    first = os.stat(store.folder / "index.json").st_mtime_ns
    while os.stat(store.folder / "index.json").st_mtime_ns == first:
        worker.join(0.01)
        assert worker.is_alive()
    for _ in range(20):
        assert answers(opened(store)) == answers(grown()), "while another process writes"
    worker.kill()
    worker.join()
    assert answers(opened(store)) == answers(grown())


def test_any_damaged_file_is_noticed(store: Store) -> None:
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    assert len(files) == 5, "two segments, state, lexicon, what belongs together"
    draw = np.random.default_rng(0)
    for path in files:
        content = path.read_bytes()
        at = int(draw.integers(len(content)))
        for damaged in (content[:-1], content + b"x", content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], b""):
            path.write_bytes(damaged)
            with pytest.raises(IndexDamaged):
                opened(store)
        path.write_bytes(content)
    assert answers(opened(store)) == answers(grown())


def test_a_missing_file_is_noticed(store: Store) -> None:
    next(store.folder.glob("segment-*.npy")).unlink()
    with pytest.raises(IndexDamaged, match=r"segment-.*\.npy is missing"):
        opened(store)


@pytest.mark.parametrize("text", ["", "null", "{}", "00000000\n{}", "[1", "\0", "d7a34b5c\n[]"])
def test_a_manifest_of_nonsense_is_refused(store: Store, text: str) -> None:
    (store.folder / "index.json").write_text(text)
    with pytest.raises(IndexDamaged):
        opened(store)


def test_an_index_made_with_other_tables_is_refused(store: Store) -> None:
    with pytest.raises(IndexDamaged, match="other settings"):
        Store(store.folder, "others").open(Tables())


def test_tables_that_postings_depend_on_have_another_fingerprint() -> None:
    prints = {Tables().fingerprint, Tables(owner_language="german").fingerprint}
    prints.add(Tables(weights={**Tables().weights, "owner": 9.0}).fingerprint)  # type: ignore[dict-item]
    assert len(prints) == 3
    assert Tables().fingerprint == Tables().fingerprint
