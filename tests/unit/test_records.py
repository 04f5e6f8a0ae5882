from __future__ import annotations

from collections import Counter

from photosearch.records import (
    Caption,
    Details,
    Detection,
    Document,
    Failure,
    Findings,
    Photo,
    PhotoState,
    Prediction,
    Report,
)
from photosearch.sources.left_out import in_words

PHOTO = Photo("id", "holiday", "folder", "/photos/red.jpg", PhotoState.READY)


def test_a_sentence_without_a_model_is_a_humans() -> None:
    assert Caption("a dog", None, None).edited
    assert not Caption("a dog", -0.5, "model").edited


def test_first_caption_is_the_one_shown() -> None:
    captions = (Caption("first", -0.1, "model"), Caption("second", -0.2, "model", rank=1))
    assert Photo("id", "c", "folder", "key", PhotoState.READY, captions=captions).caption == "first"
    assert PHOTO.caption == ""


def test_permalink_is_shown_before_the_key() -> None:
    photo = Photo(
        "id", "c", "instagram", "code/1", PhotoState.NEW, details=Details(permalink="https://example.com/p/code/")
    )
    assert photo.origin == "https://example.com/p/code/"
    assert PHOTO.origin == "/photos/red.jpg"


def test_reports_add_up() -> None:
    first, second = Failure("a.jpg", "empty"), Failure("b.jpg", "damaged")
    one = Report(n_new=2, n_changed=1, n_gone=3, failures=(first,))
    other = Report(n_new=5, n_unchanged=7, left_out=Counter({".txt": 1}), n_captioned=4, n_reused=6, failures=(second,))
    assert one + other == Report(7, 1, 7, 3, Counter({".txt": 1}), 4, 6, (first, second))
    assert Report() + one == one + Report() == one


def test_findings_of_several_models_join_in_one_document() -> None:
    captions = Findings(captions=(Caption("a dog", -0.5, "captioner"),))
    objects = Findings(objects=(Detection("dog", 0.9, (0.0, 0.0, 1.0, 1.0)),))
    concepts = Findings(concepts=(Prediction("grass", 0.8),))
    document = Document.from_findings("id", captions + objects + concepts)
    assert document == Document("id", captions=("a dog",), objects=(("dog", 0.9),), concepts={"grass": 0.8})


def test_a_report_names_what_was_left_out() -> None:
    report = Report(left_out=Counter({".mp4": 1200, "folder @eaDir": 3})) + Report(
        left_out=Counter({".txt": 3, ".mp4": 1})
    )
    assert (report.n_left_out, in_words(report.left_out)) == (1207, ".mp4 (1,201), .txt (3), folder @eaDir (3)")
    many = Report(left_out=Counter({f".{n}": n for n in range(1, 12)}))
    assert in_words(many.left_out).endswith(", .4 (4), others (6)")
