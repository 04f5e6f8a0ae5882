"""What a query means, and which photos it lets pass: by example, and against the rules written out plainly."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosearch.records import Document, Facts
from photosearch.search.alternatives import MAX_ALTERNATIVES
from photosearch.search.fields import ALL, Field
from photosearch.search.index import Index, SearchIndex, Tables
from photosearch.search.query import (
    MAX_CHARS,
    MAX_FILTERS,
    Filter,
    Kind,
    Query,
    Refine,
    Sort,
    Worded,
    parse,
    parse_words,
)
from photosearch.search.word_tables import Expansion, Hypernyms, RelatedTerm, RelatedWords, Relation
from photosearch.words.analyzer import terms
from tests.unit.search.conftest import MakeIndex

quick = settings(max_examples=150, derandomize=True)

PHOTOS = [
    Document(
        "a",
        captions=("a black dog runs on the beach", "a dog in the sand"),
        objects=(("dog", 0.9), ("sports ball", 0.6)),
        owner=("Our Rügen holiday #SunSet", "sunset"),
        hashtags=("sunset",),
        facts=Facts(taken_at=datetime(2023, 6, 1, 0, 0)),
    ),
    Document(
        "b",
        captions=("a dog with a black cat",),
        concepts={"peopl": 0.7, "beach": 0.2},
        labels={"snow leopard": 0.8, "Border collie": 0.3},
        facts=Facts(taken_at=datetime(2023, 5, 31, 23, 59, 59)),
    ),
    Document("c", human=("people dance",), captions=("a black dog runs",), concepts={"peopl": 0.49}),
    Document("d", captions=("two men",), objects=(("person", 0.8), ("person", 0.7), ("hot dog", 0.5))),
]


def passing(index: SearchIndex, raw: str, refine: Refine | None = None) -> str:
    """The ids of the photos that pass a query's filters, in alphabetical order."""
    query, refine = parse(raw), refine or Refine()
    if isinstance(index, Index):
        return "".join(
            photo_id.decode() for photo_id in index.state.ids(np.flatnonzero(index.filters.passing(query, refine)))
        )
    filters_only = replace(query, text="", prefixes=())
    every = Query("", filters=(Filter(Kind.WORDS, ("nothing",), "nothing", negated=True),))
    found = index.find(filters_only if filters_only.has_filter or refine.has_filter else every, refine=refine)
    return "".join(sorted(match.photo_id for match in index.matches(found)))


def found(index: SearchIndex, raw: str, refine: Refine | None = None) -> str:
    """The ids of what a query finds, in order."""
    ranking = index.find(parse(raw), refine=refine or Refine())
    return "".join(match.photo_id for match in index.matches(ranking))


# Reading


def test_plain_words_are_all_that_is_scored() -> None:
    query = parse("Two dogs on a well-known beach: it's 12:30, foo:bar!")
    assert terms(query.text) == terms(query.raw)
    assert (query.filters, query.notes, query.fields, query.has_filter) == ((), (), None, False)


def test_signs_make_filters() -> None:
    query = parse('dog -people "black dog" #SunSet -#snow object:"sports ball" -object:cat -"red shirt"')
    assert query.text == "dog black dog"
    assert query.filters == (
        Filter(Kind.WORDS, ("person",), "people", negated=True),
        Filter(Kind.WORDS, ("black", "dog"), "black dog"),
        Filter(Kind.HASHTAG, ("sunset",), "#SunSet"),
        Filter(Kind.HASHTAG, ("snow",), "#snow", negated=True),
        Filter(Kind.OBJECT, ("sport", "ball"), "sports ball"),
        Filter(Kind.OBJECT, ("cat",), "cat", negated=True),
        Filter(Kind.WORDS, ("red", "shirt"), "red shirt", negated=True),
    )
    assert query.notes == ()


@pytest.mark.parametrize(
    ("raw", "since", "before"),
    [
        ("before:2023", None, date(2023, 1, 1)),
        ("before:2023-06 after:2022-2", date(2022, 2, 1), date(2023, 6, 1)),
        ("AFTER:2024-02-29", date(2024, 2, 29), None),
        ("-before:2023-06-14", date(2023, 6, 14), None),
        ("-after:2023", None, date(2023, 1, 1)),
        ("before:2023 before:2021 after:2001 after:2002", date(2002, 1, 1), date(2021, 1, 1)),
    ],
)
def test_dates(raw: str, since: date | None, before: date | None) -> None:
    query = parse(raw)
    assert (query.since, query.before, query.text, query.notes) == (since, before, "", ())


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        ("by:caption", {Field.HUMAN, Field.CAPTION, Field.SENTENCES}),
        ("by:Captions,label", {Field.HUMAN, Field.CAPTION, Field.SENTENCES, Field.LABELS}),
        ("by:owner by:objects", {Field.OWNER, Field.OBJECTS}),
        ("-by:concepts", ALL - {Field.CONCEPTS}),
    ],
)
def test_by_names_fields(raw: str, fields: set[Field]) -> None:
    assert parse(raw).fields == fields


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        ('a "dog', "has no partner"),
        ('"', "has no partner"),
        ("dog before:2023-13", "“before:2023-13” names no date"),
        ("dog after:2023-02-29", "names no date"),
        ("dog before:", "“before:” names no date"),
        ("dog before:0000", "names no date"),
        ("before:2022 after:2023", "No day is both"),
        ("dog object:", "“object:” names no object"),
        ("dog by:magic", "by: takes caption, concepts, objects, labels, owner, camera, names; “magic”"),
        ("the of a", "too common to tell photos apart"),
        ("dog -the", "“the” is too common"),
        ("?!, …", "no word to search for"),
        ("🐕🐕", "no word to search for"),
        ("\0", "no word to search for"),
        ("-", "no word to search for"),
        ('""', "no word to search for"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_note(raw: str, note: str) -> None:
    notes = parse(raw).notes
    assert len(notes) == 1
    assert note in notes[0]


def test_what_is_left_of_an_odd_quotation_mark_is_still_asked() -> None:
    assert parse('a "black dog" on "grass').text.split() == ["a", "black", "dog", "on", "grass"]
    assert parse('-"dog cat').filters == (Filter(Kind.WORDS, ("dog",), "dog", negated=True),)


def test_quotation_marks_and_minus_signs_as_phones_write_them() -> None:
    assert parse("“black dog” −cat").filters == parse('"black dog" -cat').filters


@pytest.mark.parametrize("raw", ["", "   ", "\n"])
def test_nothing_asked_is_nothing_to_note(raw: str) -> None:
    assert (parse(raw).notes, parse(raw).has_filter) == ((), False)


def test_literal_queries_know_no_signs() -> None:
    query = parse_words('-dog "black cat" before:2023 #x')
    assert (query.text, query.filters, query.before, query.notes) == (query.raw, (), None, ())


@pytest.mark.parametrize("part", ['-dog "a b', '"', "-", " ", "#", "before:x ", '"a b" ', "\ud800", "-w object:z "])
def test_a_very_long_query_is_cut_and_says_so(part: str) -> None:
    query = parse(part * (100_000 // len(part)))
    assert len(query.filters) <= MAX_FILTERS
    assert len(query.notes) < 10
    assert "the first 10,000 were read" in query.notes[0]
    assert len(query.text) <= MAX_CHARS


@quick
@given(st.text(st.sampled_from('ab "#-:.“”\n\0\ud800é🐕') | st.characters(), max_size=40))
def test_any_text_is_a_query(raw: str) -> None:
    query = parse(raw)
    assert query.raw == raw
    for start, end in query.spans:
        assert 0 <= start < end <= len(raw)
    index = Index(PHOTOS)
    assert len(index.find(query)) <= len(PHOTOS)
    index.correct(query)


@quick
@given(st.lists(st.sampled_from(["dog", "black", "the", "runs", "beach", "zebra"]), max_size=6).map(" ".join))
def test_words_score_as_they_do_without_the_language(raw: str) -> None:
    index = Index(PHOTOS)
    assert index.matches(index.find(parse(raw))) == index.search(raw, top=10)[1]


def test_a_phrase_s_words_are_scored_as_words() -> None:
    index = Index(PHOTOS)
    (match,) = index.matches(index.find(parse('"black dog" beach')))
    assert match in index.search("black dog beach", top=10)[1]


# Filtering


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("-dog", "c"),  # hot dogs are said to be seen; the caption that a person corrected counts no more
        ("-people", "a"),  # predicted with 0.7 in b, with 0.49 in c, where it is said; persons are seen in d
        ("-beach", "bcd"),  # 0.2 is not sure
        ("-collie", "abcd"),
        ("-leopard", "acd"),
        ('"black dog"', "a"),
        ('"dog black"', "b"),  # stop words between do not count
        ('"dogs running"', "a"),  # as stems
        ('"a dog"', "abd"),
        ('"snow leopard"', "b"),
        ('"beach dog"', ""),  # the end of one text and the start of the next are not side by side
        ('-"black dog"', "bcd"),
        ("#sunset", "a"),
        ("-#sunset", "bcd"),
        ("#SUNSET", "a"),
        ("#sun", ""),
        ("object:dog", "a"),
        ("object:ball", "a"),  # no object is called so, but a sports ball is
        ("-object:person", "abc"),
        ("before:2023-06", "b"),
        ("after:2023-06", "a"),
        ("before:2023-06-01", "b"),
        ("after:2023-05-31 before:2023-06-01", "b"),
        ("after:2024", ""),
        ("-dog -people", ""),
        ('"zebra"', ""),
        ("-zebra", "abcd"),
    ],
)
def test_which_photos_pass(make_index: MakeIndex, raw: str, expected: str) -> None:
    assert passing(make_index(PHOTOS), raw) == expected


@pytest.mark.parametrize(
    ("refine", "expected"),
    [
        (Refine(), "abcd"),
        (Refine(since=date(2023, 6, 1)), "a"),
        (Refine(until=date(2023, 6, 1)), "ab"),
        (Refine(until=date(2023, 5, 31)), "b"),
        (Refine(until=date.max), "abcd"),
        (Refine(objects=frozenset({"person"})), "d"),
        (Refine(objects=frozenset({"person", "dog"})), ""),
        (Refine(objects=frozenset({"nothing"})), ""),
        (Refine(worded=Worded.CORRECTED), "c"),
        (Refine(worded=Worded.CAPTIONED), "abcd"),
    ],
)
def test_refinements(make_index: MakeIndex, refine: Refine, expected: str) -> None:
    assert passing(make_index(PHOTOS), "", refine) == expected


def test_a_filter_alone_is_a_query_newest_first(make_index: MakeIndex) -> None:
    assert found(make_index(PHOTOS), "-zebra") == "abcd"
    assert found(make_index(PHOTOS), "before:2030") == "ab"
    assert found(make_index(PHOTOS), "", Refine(objects=frozenset({"person"}))) == "d"
    assert found(make_index(PHOTOS), "-zebra", Refine(sort=Sort.OLDEST)) == "bacd"
    assert found(make_index(PHOTOS), "") == ""
    assert found(make_index(PHOTOS), "the") == ""
    assert found(make_index(PHOTOS), "zebra before:2030") == ""


def test_sorting_by_date_keeps_what_is_found(make_index: MakeIndex) -> None:
    assert sorted(found(make_index(PHOTOS), "dog")) == sorted(
        found(make_index(PHOTOS), "dog", Refine(sort=Sort.OLDEST))
    )
    assert found(make_index(PHOTOS), "dog", Refine(sort=Sort.NEWEST))[:2] == "ab"
    assert found(make_index(PHOTOS), "dog", Refine(sort=Sort.OLDEST))[:2] == "ba"


def test_the_cutoff_is_a_share_of_the_best_score(make_index: MakeIndex) -> None:
    index = make_index(PHOTOS)
    everything = [match.score for match in index.matches(index.find(parse("black dog beach")))]
    for cutoff in (0.0, 0.3, 0.9, 1.0):
        some = index.find(parse("black dog beach"), refine=Refine(cutoff=cutoff))
        assert [match.score for match in index.matches(some)] == [s for s in everything if s >= cutoff * everything[0]]
        assert len(some) + some.n_weak == len(everything)


@pytest.mark.parametrize("sort", Sort)
def test_the_cutoff_goes_by_the_best_score_in_any_order(make_index: MakeIndex, sort: Sort) -> None:
    photos = [
        Document("best", captions=("black dog",), facts=Facts(taken_at=datetime(2020, 1, 1))),
        Document(
            "weak", captions=("a dog and a cat on a red ball in the snow",), facts=Facts(taken_at=datetime(2021, 1, 1))
        ),
    ]
    index = make_index(photos)
    found = index.find(parse("black dog"), refine=Refine(sort=sort, cutoff=0.9))
    assert ([m.photo_id for m in index.matches(found)], found.n_weak) == (["best"], 1)


def test_a_cleared_caption_is_none(make_index: MakeIndex) -> None:
    index = make_index([Document("a", human=("",), captions=("a dog",)), Document("b", captions=("a dog",))])
    found = index.find(parse(""), refine=Refine(worded=Worded.CAPTIONED))
    assert [m.photo_id for m in index.matches(found)] == ["b"]


def test_a_phrase_is_nowhere_where_nothing_is_said(make_index: MakeIndex) -> None:
    index = make_index([Document("a", captions=("!!!",), concepts={"dog": 0.9, "beach": 0.9})])
    assert len(index.find(parse('"dog beach"'))) == 0


def test_what_the_query_says_of_fields_goes_first(make_index: MakeIndex) -> None:
    index = make_index(PHOTOS)
    assert len(index.find(parse("by:labels leopard"), fields=frozenset({Field.CAPTION}))) == 1
    assert len(index.find(parse("by:caption leopard"))) == 0


def test_what_no_photo_has_is_said(make_index: MakeIndex) -> None:
    filters = make_index(PHOTOS).filters
    assert filters.notes(parse("#nowhere"), Refine()) == ("None of these photos has the hashtag “#nowhere”.",)
    assert (
        "“zebra” was not detected in any of these photos. Objects that were detected: dog, "
        in filters.notes(parse("object:zebra"), Refine())[0]
    )
    assert filters.notes(parse("object:dog #sunset before:2024 -object:zebra"), Refine()) == ()
    assert filters.notes(parse("on:2022"), Refine()) == (
        "None of these photos was taken from 1 January 2022 to 31 December 2022.",
    )
    undated = make_index([Document("a", captions=("a dog",))]).filters
    assert "No date" in undated.notes(parse("on:2022"), Refine())[0]
    assert "No date" in undated.notes(parse("before:2022"), Refine())[0]
    assert "No date" in undated.notes(Query(""), Refine(until=date(2022, 1, 1)))[0]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("dog after:3000", "None of these photos was taken from 1 January 3000 on."),
        ("before:1850-06", "None of these photos was taken before 1 June 1850."),
        ("after:2021 before:2023", "None of these photos was taken from 1 January 2021 to 31 December 2022."),
        ("on:2023-05-30", "None of these photos was taken on 30 May 2023."),
        ("on:2023-05-31", None),
        ("after:2023-06-01", None),
        ("before:1850 | before:2024", "None of these photos was taken before 1 January 1850."),
        ("-on:2022", None),
    ],
)
def test_days_on_which_no_photo_was_taken_are_said(make_index: MakeIndex, raw: str, expected: str | None) -> None:
    filters = make_index(PHOTOS).filters
    assert filters.notes(parse(raw), Refine()) == ((expected,) if expected else ())


def test_days_beside_the_query_count_for_what_is_said(make_index: MakeIndex) -> None:
    filters = make_index(PHOTOS).filters
    until = Refine(until=date(2022, 12, 31))
    assert filters.notes(parse("after:2021"), until) == (
        "None of these photos was taken from 1 January 2021 to 31 December 2022.",
    )
    assert filters.notes(parse("after:2024"), until) == ()  # no day is left


def test_an_empty_collection_is_filtered_too(make_index: MakeIndex) -> None:
    index = make_index([])
    assert len(index.find(parse('-dog "a b c" #x object:y before:2022 zebra'))) == 0
    assert index.filters.common_objects(5) == []


# Alternatives, groups, beginnings of words


@pytest.mark.parametrize(
    ("raw", "same"),
    [
        ("dog | cat", ["dog", "cat"]),
        ("dog OR cat", ["dog", "cat"]),
        ("red | blue car", ["red car", "blue car"]),
        ("(dog | cat) -people", ["dog -people", "cat -people"]),
        ("(black dog) | #sunset", ["black dog", "#sunset"]),
        ("(a1 | b1) (c1 | d1)", ["a1 c1", "a1 d1", "b1 c1", "b1 d1"]),
        ("-(dog | cat)", ["-dog -cat"]),
        ("-(dog cat)", ["-dog", "-cat"]),
        ("-(dog -cat)", ["-dog", "cat"]),
        ("((dog) | (cat | (cow)))", ["dog", "cat", "cow"]),
        ("dog |", ["dog"]),
        ("| dog", ["dog"]),
        ("dog | the", ["dog"]),
        ("dog ()", ["dog"]),
        ("（dog｜cat）", ["dog", "cat"]),
    ],
)
def test_alternatives_are_several_plain_queries(raw: str, same: list[str]) -> None:
    query = parse(raw)
    assert [(q.text.split(), q.filters) for q in query.plain] == [
        (parse(s).text.split(), parse(s).filters) for s in same
    ]
    assert query.notes == ()


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        ("dog :)", "A bracket has no partner"),
        ("(dog", "A bracket has no partner"),
        ("(a1|b1)" * 10, "more than 24 alternatives"),
        ("x* dog", "“x*” begins too many words"),
        ("on:2023-13", "“on:2023-13” names no date"),
        ("on:2023..2021", "names no date"),
    ],
)
def test_what_is_odd_in_groups_is_said(raw: str, note: str) -> None:
    (said,) = parse(raw).notes
    assert note in said


@pytest.mark.parametrize("part", ["9snow", "snow*", "é", "a'", "(a|b)", "- ", "in 2019 "])
def test_any_query_is_read_at_once(part: str) -> None:
    started = time.process_time()
    parse(part * (MAX_CHARS // len(part)))
    assert time.process_time() - started < 2


def test_brackets_in_brackets_without_end_are_read() -> None:
    assert len(parse("(" * 5_000 + "dog").plain) == 1
    assert len(parse("(a1|" * 2_000).plain) <= MAX_ALTERNATIVES


@pytest.mark.parametrize("raw", ["dog | cat", "(dog | people) -snow", "(black | dancing) dog | beach", "#sunset | men"])
def test_the_score_of_alternatives_is_the_larger_one(make_index: MakeIndex, raw: str) -> None:
    index = make_index(PHOTOS)
    expected: dict[str, float] = {}
    for plain in parse(raw).plain:
        for match in index.matches(index.find(plain)):
            score = match.score if plain.is_scored else 1.0
            expected[match.photo_id] = max(score, expected.get(match.photo_id, 0.0))
    matches = index.matches(index.find(parse(raw)))
    assert {match.photo_id: match.score for match in matches} == expected
    assert [match.score for match in matches] == sorted(expected.values(), reverse=True)
    for match in matches:
        assert not match.shares or sum(share.share for share in match.shares) == pytest.approx(match.score, abs=1e-8)


def test_what_passes_an_alternative_of_filters_is_never_weak_and_makes_nothing_weak(make_index: MakeIndex) -> None:
    index = make_index(PHOTOS)
    alone = index.find(parse("black dog beach"), refine=Refine(cutoff=0.9))
    query = parse("(black dog beach) | object:person")
    both = index.find(query, refine=Refine(cutoff=0.9))
    assert [m.photo_id for m in index.matches(both)] == ["d", *(m.photo_id for m in index.matches(alone))]
    assert len(both) + both.n_weak == len(index.find(query))


def test_filters_alone_can_be_alternatives(make_index: MakeIndex) -> None:
    assert found(make_index(PHOTOS), "#sunset | object:person") == "ad"
    assert found(make_index(PHOTOS), "on:2023-05 | on:2023-06") == "ab"


def test_a_beginning_stands_for_all_words_that_begin_so(make_index: MakeIndex) -> None:
    assert sorted(found(make_index(PHOTOS), "da* | beac*")) == ["a", "b", "c"]  # dance, beach
    assert found(make_index(PHOTOS), "rug*") == "a"  # Rügen
    assert found(make_index(PHOTOS), "DANC*") == "c"
    (match,) = make_index(PHOTOS).matches(make_index(PHOTOS).find(parse("danc*")))
    assert {(share.word, share.relation) for share in match.shares} == {("danc*", "beginning")}
    assert passing(make_index(PHOTOS), "-danc*") == "abd"
    assert passing(make_index(PHOTOS), '"black d*"') == passing(make_index(PHOTOS), '"black"')
    assert passing(make_index(PHOTOS), '"black do*"') == "a"
    assert passing(make_index(PHOTOS), '"danc* people"') == ""


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("#sun*", "a"),
        ("#Ün*", ""),
        ("-#suns*", "bcdef"),
        ("object:d*", "ad"),  # also a hot dog
        ("object:sp*", "a"),
        ('object:"sports b*"', "a"),
        ("-object:per*", "abcef"),
        ("object:zeb*", ""),
        ("camera:can*", "ef"),
        ("camera:canon", "e"),
        ("folder:caf*", "e"),
        ("folder:CAFÉ*", "e"),
        ("folder:2019", "e"),
        ("folder:x*", "abcdef"),  # it begins too many words, and is left out
        ('folder:"2019 ca*"', "e"),
        ("-file:tra*", "abcdf"),
        ("folder:z9*", ""),
    ],
)
def test_filters_may_be_beginnings(make_index: MakeIndex, raw: str, expected: str) -> None:
    named = [
        Document("e", facts=Facts(folder="2019 Cafés", file="tram_28.jpg", camera="Canon EOS R5")),
        Document("f", facts=Facts(camera="Canonet 28")),
    ]
    assert passing(make_index([*PHOTOS, *named]), raw) == expected


def test_a_beginning_that_no_photo_has_is_said(make_index: MakeIndex) -> None:
    filters = make_index(PHOTOS).filters
    for raw in ("#sun*", "object:do*"):
        assert filters.notes(parse(raw), Refine()) == ()
    assert filters.notes(parse("#zz*"), Refine()) == ("None of these photos has the hashtag “#zz*”.",)
    assert filters.notes(parse("object:zz*"), Refine()) == ("None of these photos has the object “zz*”.",)
    assert parse("folder:x*").notes == ("“folder:x*” names no folder; it was left out.",)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("on:2023", "ab"),
        ("on:2023-06", "a"),
        ("on:2023-05-31", "b"),
        ("-on:2023-06", "bcd"),  # photos without a date are not of June
        ("on:2023-05..2023-06-01", "ab"),
        ("on:9999", ""),
    ],
)
def test_on_names_days(make_index: MakeIndex, raw: str, expected: str) -> None:
    assert passing(make_index(PHOTOS), raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("-person", "a"), ("-men", "abc"), ('"2 man"', "d"), ('"a dog"', "abd"), ("#Sun-set", ""), ("-Rugen", "bcd")],
)
def test_filters_know_all_spellings(make_index: MakeIndex, raw: str, expected: str) -> None:
    assert passing(make_index(PHOTOS), raw) == expected


def test_words_in_all_spellings_score_alike() -> None:
    index = Index([Document("a", captions=("a grey cat on a skate board",)), Document("b", owner=("Café à Zürich",))])
    for one, other in (("gray cats", "grey cat"), ("skateboards", "skate-board"), ("zurich cafe", "ZÜRICH café")):
        assert index.search(one, top=5) == index.search(other, top=5)
        assert index.search(one, top=5)[0] == 1


# What objects are called

NAMES = Tables(
    Expansion({"hound": (("dog", 0.3),)}),
    RelatedWords({"puppi": (RelatedTerm("dog", 0.5, Relation.HYPERNYM), RelatedTerm("person", 0.1, Relation.NEAR))}),
    Hypernyms(
        {
            "dog": (("domestic dog", 0), ("animal", 3)),
            "sports ball": (("game equipment", 1),),
            "zebra": (("animal", 3),),
            "person": (("human being", 0),),
        }
    ),
)


@pytest.mark.parametrize(
    ("raw", "expected", "note"),
    [
        ("object:dog", "a", ""),
        ("object:dogs", "a", ""),
        ('object:"domestic dog"', "a", ""),
        ("object:people", "d", ""),
        ("object:animal", "a", ""),  # a dog is one
        ("object:puppy", "a", "“puppy” was not detected in any of these photos; the nearest that was is “dog”."),
        ("object:hound", "a", "the nearest that was is “dog”."),
        ("object:zebra", "a", "the nearest that was is “dog”."),  # both are animals
        ("-object:puppy", "abcd", ""),
        ("object:unicorn", "", "Objects that were detected: "),
    ],
)
def test_objects_have_several_names(make_index: MakeIndex, raw: str, expected: str, note: str) -> None:
    index = make_index(PHOTOS, NAMES)
    assert "".join(sorted(match.photo_id for match in index.matches(index.find(parse(raw))))) == expected
    assert note in "".join(index.filters.notes(parse(raw), Refine()))


# Correcting


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("blakc dog", "black dog"),
        ("beech -cat", "beach -cat"),
        ('"blck dog" beahc before:2023', '"black dog" beach before:2023'),
        ("BEACHH", "beach"),
        ("dog", None),
        ("dogs", None),  # another form of a word that occurs
        ("qqqqqq", None),
        ("xy", None),
        ("2024", None),
        ("-blakc", None),  # leaving out what is nowhere is no mistake
        ("leopard", None),  # known, though from labels only
    ],
)
def test_a_typing_error_is_corrected_from_the_words_that_occur(
    make_index: MakeIndex, raw: str, expected: str | None
) -> None:
    assert make_index(PHOTOS).correct(parse(raw)) == expected


# More like one


def test_photos_like_one_are_by_cosine_without_itself(make_index: MakeIndex) -> None:
    index = make_index(
        [*PHOTOS, Document("e", captions=PHOTOS[0].captions, objects=PHOTOS[0].objects, owner=PHOTOS[0].owner)]
    )
    matches = index.matches(index.similar("a"))
    assert (matches[0].photo_id, matches[0].score) == ("e", 1.0)
    assert "a" not in {match.photo_id for match in matches}
    for match in matches:
        assert sum(share.share for share in match.shares) == pytest.approx(match.score, abs=1e-8)
    assert len(index.similar("nobody")) == 0


def test_facts_are_words_and_filters(make_index: MakeIndex) -> None:
    index = make_index(
        [
            Document("a", captions=("a dog",), facts=Facts(camera="Canon EOS R5", lens="RF24-105mm", place="New York")),
            Document("b", captions=("a dog with a canon",), facts=Facts(camera="iPhone 12")),
            Document("c", facts=Facts(place="York")),
        ]
    )

    def ids(raw: str) -> list[str]:
        return sorted(match.photo_id for match in index.matches(index.find(parse(raw)), 10))

    assert ids("camera:canon") == ids("camera:EOS") == ids('camera:"canon eos r5"') == ["a"]
    assert ids("dog -camera:canon") == ["b"]
    assert ids("place:york") == ["a", "c"]
    assert ids('place:"new york" lens:105mm') == ["a"]
    assert ids("canon") == ["a", "b"]
    assert ids("canon by:camera") == ["a"]
    assert ids("york") == ["a", "c"]
    (note,) = index.filters.notes(parse("camera:nikon"), Refine())
    assert note == "None of these photos has “camera:nikon”. There is: Canon EOS R5, iPhone 12."
    assert parse("camera:").notes == ("“camera:” names no camera; it was left out.",)


def test_names_and_stars_are_filters(make_index: MakeIndex) -> None:
    index = make_index(
        [
            Document("a", facts=Facts(folder="Pictures/2019 Lisbon", file="tram_28.jpg", rating=5)),
            Document("b", facts=Facts(folder="Pictures", file="IMG_1234.jpg", rating=3)),
            Document("c", captions=("a tram",), facts=Facts(rating=-1)),
        ]
    )

    def ids(raw: str) -> list[str]:
        return sorted(match.photo_id for match in index.matches(index.find(parse(raw)), 10))

    assert ids("lisbon tram")[0] == "a"
    assert ids("lisbon") == ids("folder:lisbon") == ids("file:tram_28") == ids("file:tram_28.jpg") == ["a"]
    assert ids("file:IMG_1234") == ["b"]
    assert ids("1234") == ids("pictures") == []
    assert ids("tram -lisbon") == ids("by:caption tram") == ["c"]
    assert ids("rating:>3") == ids("rating:5") == ids("rating:>=4") == ["a"]
    assert ids("rating:<3") == ["c"]
    assert ids("rating:<=3") == ["b", "c"]
    assert ids("-rating:>3") == ["b", "c"]
    assert parse("rating:good").notes == ("“rating:good” names no number; write 4, >3 or <=2. It was left out.",)
    (note,) = index.filters.notes(parse("rating:4"), Refine())
    assert note == "None of these photos has “rating:4”. There is: -1, 3, 5."
