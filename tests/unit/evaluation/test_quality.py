"""The figures of the Quality page: queries, ranks, words, confidence, speed, model cards."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from photosearch.errors import CollectionNotFound, PhotosearchError
from photosearch.evaluation.known_photos import measure_search
from photosearch.evaluation.metrics import retrieval
from photosearch.evaluation.quality import Quality, bins_of
from photosearch.evaluation.questions import MAX_PAIRS, KnownQuestion, Questions, read_questions
from photosearch.library import Library
from photosearch.library.measures import PhotoNames
from photosearch.pipeline.speed import FILE_NAME, N_KEPT, READING, SAVING, Stopwatch, keep_speed, read_speeds
from photosearch.records import Caption, Document, Findings, Progress, Watch
from photosearch.search.fields import IDF_OFFSET
from photosearch.search.index import Index
from photosearch.settings import MODELS_DIR
from photosearch.vision.model_cards import list_cards
from photosearch.vision.observer import Batch
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse

ID, OTHER = "0123456789abcdef", "fedcba9876543210"
NAMES = [
    PhotoNames(ID, "/photos/red.jpg", "https://example.com/p/1"),
    PhotoNames(OTHER, "/photos/a, b.jpg", None),
    PhotoNames("a" * 16, "/one/same.jpg", None),
    PhotoNames("b" * 16, "/two/same.jpg", None),
]


def asked(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(question.text, question.photo_ids) for question in read_questions(text, NAMES).asked]


def test_lines_are_query_comma_photo_and_a_query_may_hold_commas():
    assert asked("a dog, red.jpg\ndogs, cats, and a cow,red.jpg\n\n") == [
        ("a dog", (ID,)),
        ("dogs, cats, and a cow", (ID,)),
    ]


@pytest.mark.parametrize(
    "called",
    [ID, "red.jpg", "/photos/red.jpg", "https://example.com/p/1", f"http://localhost:8501/inspect?photo={ID}"],
)
def test_a_photo_is_found_by_id_path_address_or_file_name(called):
    assert asked(f"a dog, {called}") == [("a dog", (ID,))]


def test_a_csv_may_name_its_columns():
    assert asked('\ufeffphoto,note,Query\n"a, b.jpg",x,"one, two"\n') == [("one, two", (OTHER,))]


def test_json_lines_hold_one_or_several():
    text = '{"query": "a dog", "photo": "red.jpg"}\n\n{"image": "a, b.jpg", "captions": ["one", "two"]}\n'
    assert asked(text) == [("a dog", (ID,)), ("one", (OTHER,)), ("two", (OTHER,))]


def test_a_query_in_several_lines_wants_any_of_its_photos():
    assert asked(f"a dog, {ID}\na dog, {OTHER}\na dog, red.jpg") == [("a dog", (ID, OTHER))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a dog, nothing.jpg", 'Line 1: there is no photo "nothing.jpg" in this collection.'),
        ("a dog, red.jpg\na cat, same.jpg", 'Line 2: 2 photos here are called "same.jpg"; give the path or the id.'),
        ("a dog", "Line 1: there is no comma between query and photo."),
        (", red.jpg", "Line 1: the query is missing."),
        ("a dog,", "Line 1: the photo is missing."),
        ("x" * 2001 + ", red.jpg", "Line 1: the query is longer than 2,000 characters."),
        ('{"query": 1}', 'Line 1: it is not like {"query": "a dog", "photo": "dog.jpg"}.'),
        ("{" * 100_000, 'Line 1: it is not like {"query": "a dog", "photo": "dog.jpg"}.'),
        ('{"photo": ' + "[" * 100_000, 'Line 1: it is not like {"query": "a dog", "photo": "dog.jpg"}.'),
    ],
)
def test_an_unusable_line_has_a_reason_and_the_others_count(text, said):
    found = read_questions(text, NAMES)
    assert found.problems == (said,)
    assert found.n_pairs == text.count("a dog, red")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is no query"),
        ("\n \n", "There is no query"),
        ("query,photo\n", "There is no query"),
        ("a dog, red.jpg\n" * (MAX_PAIRS + 1), "more than 5,000 pairs"),
        ("a, nothing.jpg\n" * 10_000, "more than 5,000 pairs"),
        ('"' + "x" * 200_000, "Line 1 cannot be read"),
    ],
)
def test_text_with_no_query_or_too_many_is_refused(text, said):
    with pytest.raises(PhotosearchError, match=said):
        read_questions(text, NAMES)


DOCUMENTS = [
    Document("1", captions=("a dog runs",), concepts={"beach": 0.9}),
    Document("2", captions=("a dog sits",)),
    Document("3", captions=("a cat sits",), human=("a tiger on a sofa",)),
]


def test_ranks_are_the_indexs_own_and_the_best_of_a_questions_photos():
    index = Index(DOCUMENTS)
    told: list[Progress] = []
    questions = [
        KnownQuestion("a dog on a beach", ("2", "1")),
        KnownQuestion("a beach", ("1",)),
        KnownQuestion("elephant", ("1",)),
    ]
    found = measure_search(index, questions, Watch(told.append))
    assert [(one.caption_rank, one.full_rank) for one in found.ranked] == [(1, 1), (None, 1), (None, None)]
    assert found.caption_only == retrieval([1, None, None])
    assert found.all_fields == retrieval([1, 1, None])
    assert math.isinf(found.caption_only.median_rank)
    assert told[0] == Progress(0, 3)


def test_without_questions_nothing_is_measured():
    with pytest.raises(PhotosearchError, match="no query"):
        measure_search(Index(DOCUMENTS), [])


def test_a_correction_replaces_the_caption_in_search():
    found = measure_search(Index(DOCUMENTS), [KnownQuestion("tiger", ("3",))])
    assert found.ranked[0].caption_rank == 1


class Unsure(ColourStation):
    """Surer of red than of other colours."""

    def observe(self, batch: Batch) -> list[Findings]:
        told = []
        for picture in batch.pictures:
            text = self.say(picture)
            told.append(Findings(captions=(Caption(text, -0.25 if "red" in text else -1.5, self.name),)))
        return told


@pytest.fixture
def filled(workspace: Workspace, make_photos: Callable[..., Path]) -> Workspace:
    workspace.add(str(make_photos("red.jpg", "green.jpg", "blue.jpg")))
    analyse(workspace.library, Unsure())
    return workspace


def quality_of(workspace: Workspace) -> Quality:
    return Quality(workspace.library, workspace.searcher.index, workspace.settings.models_dir)


def id_of(workspace: Workspace, name: str) -> str:
    return next(photo.id for photo in workspace.library.photos("photos") if photo.name == name)


def test_corrections_are_queries_against_what_the_models_wrote(filled):
    quality = quality_of(filled)
    assert quality.corrections("photos") == Questions()
    with pytest.raises(PhotosearchError, match="no query"):
        quality.measure_corrections("photos")
    red, green = id_of(filled, "red.jpg"), id_of(filled, "green.jpg")
    filled.correct(red, "qwertz zyzzyva", "tester")
    filled.correct(green, "a green picture of grass", "tester")
    assert {question.photo_ids for question in quality.corrections("photos").asked} == {(red,), (green,)}
    found = quality.measure_corrections("photos")
    ranks = {one.question.photo_ids: one.full_rank for one in found.ranked}
    assert ranks == {(red,): None, (green,): 1}  # with its correction left in, red would be found
    typed = quality.read_questions("photos", "zyzzyva, red.jpg")
    assert quality.measure("photos", typed).ranked[0].full_rank == 1


def test_a_cleared_caption_is_no_query(filled):
    filled.clear_caption(id_of(filled, "red.jpg"), "tester")
    assert quality_of(filled).corrections("photos").asked == ()
    assert len(quality_of(filled).confidence("photos")) == 2
    assert [word.word for word in quality_of(filled).words("photos")] == ["picture", "blue", "green"]


def test_words_are_counted_by_photos_the_most_common_first(filled):
    words = quality_of(filled).words("photos")
    assert [(word.word, word.n_photos) for word in words] == [("picture", 3), ("blue", 1), ("green", 1), ("red", 1)]
    assert words[0].idf == pytest.approx(IDF_OFFSET)
    assert words[1].idf == pytest.approx(IDF_OFFSET + math.log(4 / 2))


def test_the_least_sure_captions_come_first_and_corrected_ones_not_at_all(filled):
    found = quality_of(filled).confidence("photos")
    assert [caption.log_prob for caption in found] == [-1.5, -1.5, -0.25]
    assert found[-1].text == "a red picture"
    filled.correct(found[0].photo_id, "a meadow", "tester")
    assert [caption.photo_id for caption in quality_of(filled).confidence("photos")] == [c.photo_id for c in found[1:]]


def test_only_the_latest_models_caption_counts(filled):
    class Later(ColourStation):
        name, digest = "later", "d" * 64

    analyse(filled.library, Later(), redo=True)
    assert {caption.log_prob for caption in quality_of(filled).confidence("photos")} == {-0.5}


def test_another_collections_photos_are_no_names_here(filled, make_photos):
    filled.add(str(make_photos("blue-2.jpg", folder="others")))
    with pytest.raises(CollectionNotFound):
        quality_of(filled).read_questions("cats", "a, red.jpg")
    assert quality_of(filled).read_questions("photos", "a, blue-2.jpg").problems
    assert sorted(quality_of(filled).file_names("photos").values()) == ["blue.jpg", "green.jpg", "red.jpg"]


def test_bins_hold_every_value_once():
    bins = bins_of([-2.0, -1.0, -1.0, -0.5])
    assert sum(one.n for one in bins) == 4
    assert (bins[0].low, bins[-1].high) == (-2.0, -0.5)
    assert bins_of([]) == []


def test_a_run_keeps_what_each_station_took(filled):
    (run,) = quality_of(filled).speeds()
    assert [(one.station, one.model, one.n_photos) for one in run.stations] == [
        (READING, "", 3),
        ("captioner", "colours", 3),
        (SAVING, "", 3),
    ]
    assert run.n_photos == 3
    assert sum(one.seconds for one in run.stations) <= run.seconds
    assert run.photos_per_s == pytest.approx(3 / run.seconds)
    analyse(filled.library, Unsure())  # nothing left to look at: no figures
    assert quality_of(filled).speeds() == [run]


def test_the_latest_runs_are_kept_and_a_damaged_file_begins_anew(tmp_path):
    for n in range(N_KEPT + 2):
        watch = Stopwatch()
        with watch.measure("captioner", "tiny", n):
            pass
        keep_speed(tmp_path, watch.stop(n))
    runs = read_speeds(tmp_path)
    assert [run.n_photos for run in runs] == list(range(2, N_KEPT + 2))
    assert runs[-1].ended_at.tzinfo == UTC
    (tmp_path / FILE_NAME).write_text('[{"n_photos": 1}]')
    assert read_speeds(tmp_path) == []
    keep_speed(tmp_path, runs[0])
    assert read_speeds(tmp_path) == [runs[0]]


def test_figures_that_cannot_be_kept_end_no_run(tmp_path, caplog):
    keep_speed(tmp_path / "missing", Stopwatch().stop(1))
    assert "cannot be written" in caplog.text


def test_every_model_that_is_built_in_has_a_card(tmp_path):
    cards = {card.name: card for card in list_cards(MODELS_DIR, tmp_path)}
    assert {"captioner", "classifier", "concepts", "detector", "encoder"} <= cards.keys()
    for card in cards.values():
        assert card.text
        assert card.n_bytes > len(card.text)
        assert "<!--" not in card.text
        assert "](../" not in card.text
        assert not card.text.startswith("#")


def test_an_imported_models_words_are_not_shown(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "README.md").write_text("# <b>mine</b>")
    (card,) = list_cards(tmp_path / "none", tmp_path)
    assert (card.name, card.text, card.is_ours) == ("mine", "", False)


def test_a_library_without_runs_has_no_figures(library: Library):
    assert read_speeds(library.folder) == []
