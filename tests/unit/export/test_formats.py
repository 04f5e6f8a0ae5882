from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosearch.export.formats import CSV_COLUMNS, csv_cell, photo_json, photos_csv, results_json
from photosearch.records import (
    Caption,
    DetailedPhoto,
    Details,
    Detection,
    Document,
    Hit,
    PhotoState,
    Prediction,
    Results,
    TextKind,
)
from photosearch.search.index import Index

BARE = DetailedPhoto("id-1", "holiday", "folder", "/photos/red.jpg", PhotoState.FAILED, reason="the file is empty")
FULL = DetailedPhoto(
    "id-2",
    "holiday",
    "instagram",
    "code/1",
    PhotoState.READY,
    width_px=640,
    height_px=480,
    details=Details(
        permalink="https://example.com/p/code/",
        taken_at=datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
        place="Lisbon",
        latitude=38.7,
        longitude=-9.1,
        n_likes=12,
        n_comments=3,
        texts=(
            (TextKind.OWNER, "Grüße 🐕"),
            (TextKind.HASHTAG, "dog"),
            (TextKind.MENTION, "someone"),
            (TextKind.ACCESSIBILITY, "May be an image of a dog"),
        ),
    ),
    captions=(Caption('a "red" dog, two\ncats', None, None), Caption("a dog", -0.5, "model", rank=1)),
    objects=(Detection("dog", 0.9, (0.1, 0.2, 0.3, 0.4)), Detection("ball", 0.5, (0, 0, 1, 1))),
    labels=(Prediction("beach", 0.7), Prediction("sea", 0.2)),
    concepts=(Prediction("dog", 0.6),),
)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def owned(text: str) -> DetailedPhoto:
    return DetailedPhoto("id", "c", "folder", "key", PhotoState.READY, details=Details(texts=((TextKind.OWNER, text),)))


def test_photo_json_has_everything_known_about_a_photo() -> None:
    told = photo_json(FULL)
    assert json.loads(json.dumps(told)) == told == {
        "source": "https://example.com/p/code/",
        "photo": "id-2",
        "state": "ready",
        "reason": None,
        "width": 640,
        "height": 480,
        "captions": [
            {"text": 'a "red" dog, two\ncats', "log_prob": None, "model": None, "edited": True, "unsure": False},
            {"text": "a dog", "log_prob": -0.5, "model": "model", "edited": False, "unsure": False},
        ],
        "objects": [
            {"label": "dog", "score": 0.9, "box": [0.1, 0.2, 0.3, 0.4]},
            {"label": "ball", "score": 0.5, "box": [0, 0, 1, 1]},
        ],
        "labels": [{"label": "beach", "p": 0.7}, {"label": "sea", "p": 0.2}],
        "concepts": [{"term": "dog", "p": 0.6}],
        "owner_text": "Grüße 🐕",
        "taken_at": "2024-05-06T07:08:09+00:00",
        "place": "Lisbon",
        "latitude": 38.7,
        "longitude": -9.1,
        "likes": 12,
        "comments": 3,
        "hashtags": ["dog"],
        "mentions": ["someone"],
        "accessibility": ["May be an image of a dog"],
    }  # fmt: skip


def test_photo_json_has_the_reason_of_a_failure() -> None:
    told = photo_json(BARE)
    assert (told["state"], told["reason"], told["captions"]) == ("failed", "the file is empty", [])
    assert told["source"] == "/photos/red.jpg"
    assert json.loads(json.dumps(told)) == told


def test_table_has_a_row_for_each_photo() -> None:
    bare, full = rows(photos_csv([BARE, FULL]))
    assert tuple(bare) == CSV_COLUMNS
    assert bare == dict.fromkeys(CSV_COLUMNS, "") | {"source": "/photos/red.jpg"}
    assert full == {
        "source": "https://example.com/p/code/",
        "caption": 'a "red" dog, two\ncats',
        "log_prob": "",
        "model": "",
        "edited": "True",
        "objects": "dog; ball",
        "labels": "beach; sea",
        "owner_text": "Grüße 🐕",
        "taken_at": "2024-05-06T07:08:09+00:00",
    }
    assert rows(photos_csv([])) == []


def test_table_keeps_negative_numbers() -> None:
    photo = DetailedPhoto("id", "c", "folder", "key", PhotoState.READY, captions=(Caption("a dog", -0.5, "model"),))
    assert rows(photos_csv([photo]))[0]["log_prob"] == "-0.5"


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "\ta", "\ra"])
def test_table_holds_no_formulas(text: str) -> None:
    assert rows(photos_csv([owned(text)]))[0]["owner_text"] == f"'{text}"


@settings(max_examples=200, derandomize=True)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_table_gives_texts_back(text: str) -> None:
    (row,) = rows(photos_csv([owned(text)]))
    assert row["owner_text"].replace("'", "") == text.replace("'", "")
    assert len(row["owner_text"]) <= len(text) + 1 + sum(map(text.count, ";\t\r\n"))
    assert row["owner_text"][:1] not in tuple("=+-@\t\r")
    for cell in re.split(r"[;\t\r\n]", row["owner_text"]):
        assert not cell.lstrip(" ").startswith(tuple("=+-@＝＋－＠"))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a\n@SUM(A1)", "a\n'@SUM(A1)"),
        ("a\r\n=1", "a\r\n'=1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("dog; -5", "dog;' -5"),
        ("＝1+1", "'＝1+1"),
        ("well-known; so-so = fine", "well-known; so-so = fine"),
        ("a =1, -2", "a =1, -2"),
    ],
)
def test_a_formula_behind_a_separator_is_guarded(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


def test_answer_has_its_hits_with_terms_that_add_up() -> None:
    index = Index(
        [
            Document("id-1", captions=("a red dog on two balls",)),
            Document("id-2", captions=("red dogs in the snow, red balls",)),
        ]
    )
    total, matches = index.search("two red dogs, snow and balls", top=10)
    photos = {"id-1": BARE, "id-2": FULL}
    hits = tuple(Hit(n, m.score, photos[m.photo_id], m.shares) for n, m in enumerate(matches, start=1))
    told = results_json(Results("two red dogs", "holiday", 1.23456, total, hits))
    assert json.loads(json.dumps(told)) == told
    assert {**told, "hits": len(told["hits"])} == {
        "query": "two red dogs",
        "collection": "holiday",
        "took_ms": 1.23,
        "total": 2,
        "hits": 2,
    }
    for hit, match in zip(told["hits"], matches, strict=True):
        assert hit["photo"] == match.photo_id
        assert (hit["source"], hit["caption"]) == (photos[match.photo_id].origin, photos[match.photo_id].caption)
        assert list(hit["terms"]) == [part.term for part in match.shares]
        assert sum(hit["terms"].values()) == pytest.approx(hit["score"], abs=5e-6)
    assert [hit["rank"] for hit in told["hits"]] == [1, 2]


def test_answer_without_hits() -> None:
    told = results_json(Results("unicorn", "holiday", 0.0, 0, ()))
    assert told == {"query": "unicorn", "collection": "holiday", "took_ms": 0.0, "total": 0, "hits": []}


def test_a_date_from_the_files_name_says_so() -> None:
    by_name = replace(FULL, details=Details(named_at=datetime(2021, 1, 1)))
    assert photo_json(by_name)["taken_at"] == "2021-01-01T00:00:00"
    assert photo_json(by_name)["taken_at_from"] == "file name"
    assert "taken_at_from" not in photo_json(FULL)
