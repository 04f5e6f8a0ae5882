"""The index against two oracles: scikit-learn for captions alone, the written formula for all fields."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from photosearch.records import Document, Facts
from photosearch.search.fields import ALL, IDF_OFFSET, PAIR, WEIGHTS, Field, postings
from photosearch.search.index import SCORE_DECIMALS, Index, Tables
from photosearch.search.query import parse
from photosearch.search.word_tables import Expansion, Hypernyms, RelatedTerm, RelatedWords, Relation
from photosearch.words.analyzer import pairs, terms

WORDS = ["dog", "dogs", "cat", "running", "runs", "red", "two", "snow", "the", "a", "ball", "Grass", "child's", "rügen"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
CORPORA = st.lists(TEXTS, max_size=12)
QUERIES = st.lists(st.sampled_from([*WORDS, "unicorn"]), max_size=6).map(" ".join)
quick = settings(max_examples=120, derandomize=True)


def index_of(texts: list[str]) -> Index:
    """An index whose ids run against the order of the texts."""
    return Index(said(f"photo-{len(texts) - n:03}", text) for n, text in enumerate(texts))


def said(photo_id: str, text: str) -> Document:
    """A photo with a caption and nothing else."""
    return Document(photo_id, captions=(text,))


def same_answers(one: Index, other: Index, query: str, **options: object) -> None:
    """Both find the same photos in the same order, for the same reasons; sums may differ in their last digits."""
    (n_found, found), (n_expected, expected) = (index.search(query, top=1000, **options) for index in (one, other))  # type: ignore[arg-type]
    assert n_found == n_expected
    assert [match.photo_id for match in found] == [match.photo_id for match in expected]
    for match, also in zip(found, expected, strict=True):
        assert match.score == pytest.approx(also.score, abs=1e-8)
        shares, others = ({(s.term, s.field, s.word, s.relation): s.share for s in m.shares} for m in (match, also))
        assert shares == pytest.approx(others, abs=1e-8)


def dense_scores(texts: list[str], query: str) -> dict[str, float]:
    """All cosines above 0 by photo id, as scikit-learn computes them."""
    if not any(terms(text) for text in texts):
        return {}
    vectorizer = TfidfVectorizer(sublinear_tf=True, analyzer=terms)
    vectorizer.fit(texts)
    vectorizer.idf_ = vectorizer.idf_ + IDF_OFFSET - 1
    weights = vectorizer.transform(texts).toarray()
    cosines = weights @ vectorizer.transform([query]).toarray()[0]
    return {f"photo-{len(texts) - n:03}": cosine for n, cosine in enumerate(cosines) if cosine > 0}


@quick
@given(texts=CORPORA, query=QUERIES)
def test_scores_are_those_of_scikit_learn(texts: list[str], query: str) -> None:
    n_found, matches = index_of(texts).search(query, top=1000)
    expected = dense_scores(texts, query)
    assert n_found == len(matches) == len(expected)
    assert {match.photo_id: match.score for match in matches} == pytest.approx(expected, abs=1e-8)


@quick
@given(texts=CORPORA, query=QUERIES)
def test_matches_are_in_order_and_shares_add_up(texts: list[str], query: str) -> None:
    _, matches = index_of(texts).search(query, top=1000)
    assert matches == sorted(matches, key=lambda match: (-match.score, match.photo_id))
    for match in matches:
        assert 0 < match.score <= 1
        assert sum(part.share for part in match.shares) == pytest.approx(match.score, abs=1e-8)
        assert all(part.share > 0 for part in match.shares)
        assert {part.term for part in match.shares} <= set(terms(query))
        assert list(match.shares) == sorted(match.shares, key=lambda part: (-part.share, part.term))


@quick
@given(texts=CORPORA, query=QUERIES, top=st.integers(0, 14))
def test_top_cuts_the_whole_order(texts: list[str], query: str, top: int) -> None:
    index = index_of(texts)
    n_all, everything = index.search(query, top=len(index))
    assert index.search(query, top=top) == (n_all, everything[:top])


@quick
@given(texts=CORPORA, data=st.data())
def test_order_of_the_documents_does_not_matter(texts: list[str], data: st.DataObject) -> None:
    documents = [said(f"photo-{n}", text) for n, text in enumerate(texts)]
    shuffled = data.draw(st.permutations(documents))
    same_answers(Index(shuffled), Index(documents), "red dogs run")


@quick
@given(texts=CORPORA, query=QUERIES, n=st.integers(1, 8))
def test_suggestions_occur_in_the_texts(texts: list[str], query: str, n: int) -> None:
    index = index_of(texts)
    suggestions = index.suggest(query, n)
    stems = [term for word in suggestions for term in terms(word)]
    assert len(suggestions) == len(stems) == len(set(stems)) == min(n, len({t for text in texts for t in terms(text)}))
    assert all(index.search(word, top=1)[0] for word in suggestions)


def test_suggestions_start_with_words_spelled_alike() -> None:
    index = index_of(["a surfer on a wave", "a wave", "a wave", "two horses"])
    assert index.suggest("the surfr's hourse")[:2] == ["surfer", "horses"]
    assert index.suggest("")[0] == "wave"


@pytest.mark.parametrize(
    ("language", "start", "offered"),
    [
        ("", "caf", ["café", "cafeteria"]),
        ("", "cafe", ["café", "cafeteria"]),
        ("", "CAFÉ", ["cafeteria"]),
        ("", "cafét", ["cafeteria"]),
        ("", "ecla", ["éclair"]),
        ("", "scho", ["school", "schön"]),
        ("german", "schoe", ["schön"]),
        ("german", "schon", []),
    ],
)
def test_completions_pass_over_accents_but_not_over_letters(language: str, start: str, offered: list[str]) -> None:
    texts = ["un café", "un café", "the cafeteria", "un éclair", "a school", "a school", "schön"]
    photos = [Document(str(n), captions=(text,)) for n, text in enumerate(texts)]
    assert Index(photos, Tables(owner_language=language)).complete(start) == offered


def test_same_caption_finds_both_photos_by_id() -> None:
    index = Index([said("b", "a red dog"), said("c", "a blue dog"), said("a", "a red dog")])
    n_found, matches = index.search("red dog", top=10)
    assert n_found == 3
    assert [match.photo_id for match in matches] == ["a", "b", "c"]
    assert matches[0].score == matches[1].score == 1.0


def test_ties_across_the_cut_go_by_id() -> None:
    ids = [f"{n:03}" for n in np.random.default_rng(0).permutation(200)]
    n_found, matches = Index(said(photo_id, "a dog on grass") for photo_id in ids).search("grass", top=7)
    assert n_found == 200
    assert [match.photo_id for match in matches] == sorted(ids)[:7]


def test_many_texts_rank_as_scikit_learn_ranks_them() -> None:
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 20))) for _ in range(500)]
    expected = dense_scores(texts, "two dogs in the snow")
    order = sorted(expected, key=lambda photo_id: (-round(expected[photo_id], SCORE_DECIMALS), photo_id))
    _, matches = index_of(texts).search("two dogs in the snow", top=50)
    assert [match.photo_id for match in matches] == order[:50]


@pytest.mark.parametrize("query", ["", "   ", "the of and a", "unicorn", "🐕", "'", "\0", "-- drop table"])
def test_query_without_a_known_word_finds_nothing(query: str) -> None:
    assert index_of(["a dog", "a cat"]).search(query, top=10) == (0, [])


@pytest.mark.parametrize("texts", [[], [""], ["the", "a of"]])
def test_nothing_to_find_in_empty_texts(texts: list[str]) -> None:
    index = index_of(texts)
    assert len(index) == len(texts)
    assert index.search("dog", top=10) == (0, [])
    assert index.suggest("dog") == []


def test_unknown_words_do_not_lower_the_score() -> None:
    index = index_of(["a red dog", "a cat"])
    assert index.search("red unicorn dog", top=5) == index.search("red dog", top=5)


def test_very_long_query_is_answered() -> None:
    index = index_of(["a red dog", "a cat"])
    _, matches = index.search("a red dog " * 20_000 + "unicorn " * 1000, top=5)
    assert [match.score for match in matches] == [1.0]
    assert index.suggest("unicorn " * 1000)


def test_negative_top_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        index_of(["a dog"]).search("dog", top=-1)


# All fields

TERMS = ["dog", "cat", "run", "red", "snow", "ball"]
PROBS = st.dictionaries(st.sampled_from([*TERMS, "dog cat", "cat dog", "red dog"]), st.floats(0.01, 1.0), max_size=4)
LABELS = st.dictionaries(st.sampled_from(["collie", "tabby cat", "snow leopard"]), st.floats(0.01, 1.0), max_size=3)
OBJECTS = st.lists(st.tuples(st.sampled_from(["dog", "sports ball"]), st.floats(0.1, 1.0)), max_size=4).map(tuple)
SENTENCES = st.lists(TEXTS, max_size=3).map(tuple)
DOCUMENTS = st.lists(
    st.builds(
        Document,
        st.just(""),
        human=st.lists(TEXTS, max_size=1).map(tuple),
        captions=SENTENCES,
        objects=OBJECTS,
        labels=LABELS,
        concepts=PROBS,
        owner=SENTENCES,
    ),
    max_size=7,
).map(lambda found: [Document(f"p{n}", *fields_of(document)) for n, document in enumerate(found)])
KINDS = Hypernyms(
    {"collie": (("dog", 1), ("animal", 3)), "tabby cat": (("cat", 1), ("animal", 2)), "dog": (("animal", 1),)}
)
RELATED = Expansion(
    {"kid": (("dog", 0.5), ("snow", 0.1)), "dog": (("cat", 0.3), ("anim", 0.2)), "red": (("unicorn", 0.9),)}
)
FIELDS = st.sets(st.sampled_from(list(Field))).map(frozenset)


def fields_of(d: Document) -> tuple[object, ...]:
    return d.human, d.captions, d.objects, d.labels, d.concepts, d.owner


def by_formula(documents: list[Document], query: str, fields: frozenset[Field], expand: bool) -> dict[str, float]:
    """All scores above 0, straight from the formula in the index's docstring, one number at a time."""
    held = [[p for p in postings(d, KINDS) if p.field in fields] for d in documents]
    known = {p.term for parts in held for p in parts}
    df = {t: sum(max((p.mass for p in parts if p.term == t), default=0.0) for parts in held) for t in known}
    idf = {t: IDF_OFFSET + math.log((1 + len(documents)) / (1 + df[t])) for t in known}
    unseen = IDF_OFFSET + math.log(1 + len(documents))
    asked: Counter[str] = Counter()
    for s, n in Counter(terms(query)).items():
        asked[s] += (1 + math.log(n)) * idf.get(s, 0.0)
        for t, weight in RELATED.related(s) if expand else ():
            asked[t] += weight * (1 + math.log(n)) * idf.get(s, unseen)
    for pair, n in Counter(pairs(terms(query))).items():
        asked[pair] += PAIR * (1 + math.log(n)) * idf.get(pair, 0.0)
    q = {t: weight for t, weight in asked.items() if t in known and weight}
    q_norm = math.sqrt(sum(weight**2 for weight in q.values()))
    scores = {}
    for document, parts in zip(documents, held, strict=True):
        a: Counter[str] = Counter()
        for p in parts:
            a[p.term] += WEIGHTS[p.field] * p.gain * idf[p.term]
        norm = math.sqrt(sum(weight**2 for weight in a.values()))
        dot = sum(q.get(t, 0.0) * weight for t, weight in a.items())
        if dot > 0:
            scores[document.photo_id] = dot / norm / q_norm
    return scores


@quick
@given(
    documents=DOCUMENTS,
    query=st.lists(st.sampled_from([*WORDS, "kid", "animal"]), max_size=5),
    fields=FIELDS,
    expand=st.booleans(),
)
def test_scores_over_fields_are_the_formula_s(
    documents: list[Document], query: list[str], fields: frozenset[Field], expand: bool
) -> None:
    index = Index(documents, Tables(RELATED, hypernyms=KINDS))
    n_found, matches = index.search(" ".join(query), top=100, fields=fields, expand=expand)
    expected = by_formula(documents, " ".join(query), fields, expand)
    assert n_found == len(matches)
    assert {m.photo_id: m.score for m in matches} == pytest.approx(expected, abs=1e-8)
    for rank, match in enumerate(matches, start=1):
        assert sum(part.share for part in match.shares) == pytest.approx(match.score, abs=1e-8)
        assert {part.field for part in match.shares} <= fields
        said = terms(" ".join(query))
        assert {part.word for part in match.shares} <= {*said, *pairs(said)}
        assert index.rank(" ".join(query), match.photo_id, fields=fields, expand=expand) == rank


def test_a_related_word_finds_what_the_plain_one_does_not_and_says_so() -> None:
    index = Index([Document("a", captions=("a dog",)), Document("b", captions=("a cat",))], Tables(RELATED))
    assert index.search("kid", top=5, expand=False) == (0, [])
    _, (match,) = index.search("kid", top=5)
    assert (match.photo_id, match.shares[0].term, match.shares[0].word) == ("a", "dog", "kid")


def test_a_predicted_pair_tells_what_belongs_to_what() -> None:
    seen = {"black": 0.5, "white": 0.5, "dog": 0.5, "cat": 0.5}
    index = Index(
        [Document("a", concepts={**seen, "black dog": 0.5}), Document("b", concepts={**seen, "white dog": 0.5})],
        Tables(),
    )
    _, (first, second) = index.search("a black dog and a cat", top=5)
    assert (first.photo_id, second.photo_id) == ("a", "b")
    assert "black dog" in {share.word for share in first.shares}
    assert "white dog" not in {share.term for share in second.shares}


def test_a_share_names_its_field() -> None:
    index = Index(
        [Document("a", captions=("a dog", "a brown dog"), concepts={"dog": 0.5}), Document("b", captions=("a cat",))]
    )
    _, (match,) = index.search("dog", top=5)
    assert {part.field for part in match.shares} == {Field.CAPTION, Field.SENTENCES, Field.CONCEPTS}
    assert index.search("dog", top=5, fields=ALL - {Field.CAPTION, Field.SENTENCES, Field.CONCEPTS})[0] == 0


def test_a_person_s_sentence_stands_in_for_the_captions() -> None:
    index = Index([Document("a", human=("my cat",), captions=("a dog",)), Document("b", captions=("a dog",))])
    assert [m.photo_id for m in index.search("dog", top=5)[1]] == ["b"]
    assert [m.photo_id for m in index.search("cat", top=5)[1]] == ["a"]


def test_rank_of_a_photo_that_is_not_there_or_not_found_is_none() -> None:
    index = index_of(["a dog", "a cat"])
    assert index.rank("dog", "nobody") is None
    assert index.rank("dog", "photo-001") is None
    assert index.rank("dog", "photo-002") == 1


# Words that no photo holds


def test_a_word_that_no_photo_holds_stands_for_those_that_the_dictionary_relates() -> None:
    words = RelatedWords(
        {
            "automobil": (
                RelatedTerm("car", 0.8, Relation.SYNONYM),
                RelatedTerm("vehicl", 0.4, Relation.HYPERNYM),
                RelatedTerm("unicorn", 0.3, Relation.NEAR),
            )
        }
    )
    photos = [Document("a", captions=("a red car",)), Document("b", captions=("a vehicle",))]
    index = Index(photos, Tables(related=words))
    _, matches = index.search("automobile", top=5)
    assert [(m.photo_id, m.shares[0].word, m.shares[0].relation, m.shares[0].strength) for m in matches] == [
        ("a", "automobil", "synonym", 0.8),
        ("b", "automobil", "hypernym", 0.4),
    ]
    assert index.search("automobile", top=5, expand=False) == (0, [])
    assert index.knows("automobil")
    assert index.correct(parse("automobile")) is None
    later = index.updated([Document("c", captions=("an automobile",))])
    assert [m.photo_id for m in later.search("automobile", top=5)[1]] == ["c"], "the word itself is there now"
    assert not Index([Document("a", captions=("a dog",))], Tables(related=words)).knows("automobil")


# The owner's language


def test_an_owner_s_words_are_stemmed_in_his_language() -> None:
    photos = [Document("a", owner=("Alte Häuser am See",)), Document("b", owner=("a walk",))]
    plain, german = Index(photos), Index(photos, Tables(owner_language="german"))
    assert plain.search("Häusern", top=5) == (0, [])
    _, (match,) = german.search("Häusern", top=5)
    assert (match.photo_id, match.shares[0].relation) == ("a", "language")
    assert [m.photo_id for m in german.search("Häuser", top=5)[1]] == ["a"]
    assert len(german.find(parse('"alte Häuser"'))) == 1, "a phrase is looked for as it is written"
    assert [m.photo_id for m in german.search("walking", top=5)[1]] == ["b"]


@pytest.mark.parametrize(
    ("language", "word", "other"),
    [
        ("spanish", "año", "ano"),
        ("swedish", "får", "far"),
        ("finnish", "näin", "nain"),
        ("danish", "bønne", "bonne"),
        ("norwegian", "tårn", "tarn"),
        ("german", "schön", "schon"),
        ("german", "Größe", "Grosse"),
    ],
)
def test_the_letters_of_the_owner_s_language_stay_letters(language: str, word: str, other: str) -> None:
    photos = [Document("own", owner=(f"{word} nuevo",)), Document("other", owner=(f"{other} nuevo",))]
    index = Index([*photos, Document("café", owner=("el café",))], Tables(owner_language=language))
    for query in (word, word.upper(), f'"{word} nuevo"', f'"{word}" nuevo', unicodedata.normalize("NFD", word)):
        assert [m.photo_id for m in index.matches(index.find(parse(query)))][:1] == ["own"], query
        assert index.knows(*terms(word, index.tables.term_of))
        assert index.correct(parse(word)) is None
    assert "own" not in [m.photo_id for m in index.matches(index.find(parse(other)))]
    assert [m.photo_id for m in index.matches(index.find(parse(f"nuevo -{word}")))] == ["other"]
    assert [m.photo_id for m in index.search("cafe", top=5)[1]] == ["café"]
    english = Index(photos)
    assert len(english.find(parse(word))) == len(english.find(parse(other))) != 1


@pytest.mark.parametrize(
    ("language", "own", "other", "beginning"),
    [
        ("spanish", "año", "ano", "añ"),
        ("swedish", "får", "far", "få"),
        ("danish", "rød", "rod", "rø"),
        ("german", "schön", "schon", "schö"),
    ],
)
def test_beginnings_hashtags_places_and_suggestions_keep_the_letters_of_the_owner_s_language(
    language: str, own: str, other: str, beginning: str
) -> None:
    photos = [
        Document(word, owner=(f"nuevo {word}",), hashtags=(f"{word}2021",), facts=Facts(place=f"{word} Plaza"))
        for word in (own, other)
    ]
    index = Index(photos, Tables(owner_language=language))
    asked = (
        f"{beginning}*",
        f'"nuevo {beginning}*"',
        f"#{own}2021",
        f"#{own.upper()}2021",
        f"place:{own}",
        f"-{other}",
    )
    for query in asked:
        assert [m.photo_id for m in index.matches(index.find(parse(query)))] == [own], query
    for query in (f"#{other}2021", f"place:{other}", f"nuevo -{beginning}*"):
        assert [m.photo_id for m in index.matches(index.find(parse(query)))] == [other], query
    assert {own, other} <= set(index.suggest("zzz", 10))
    assert len(Index(photos).find(parse(f"{beginning}*"))) == 2, "without the language, accents count for nothing"


@pytest.mark.parametrize(
    ("language", "written", "typed"),
    [
        ("german", "schön", "schoen"),
        ("german", "schöne", "schoene"),
        ("german", "Straße", "Strasse"),
        ("german", "Süd", "Sued"),
        ("danish", "Århus", "Aarhus"),
        ("norwegian", "rødt", "roedt"),
    ],
)
def test_two_letters_written_for_one_find_it(language: str, written: str, typed: str) -> None:
    facts = Facts(place=written)
    index = Index([Document("a", owner=(written,), hashtags=(written,), facts=facts)], Tables(owner_language=language))
    for query in (typed, f'"{typed}"', f"#{typed}", f"place:{typed}", f"{typed[:-1]}*"):
        assert len(index.find(parse(query))) == 1, query
        assert not len(index.find(parse(f"-{query}"))), query


def test_german_plurals_with_an_umlaut_find_their_singulars_and_other_umlauts_stay() -> None:
    words = ("Häuser", "Apfelbäume", "schon", "schönes", "Mütter")
    index = Index([Document(word, owner=(word,)) for word in words], Tables(owner_language="german"))
    for query, found in (
        ("Haus", "Häuser"),
        ("Apfelbaum", "Apfelbäume"),
        ("Mutter", "Mütter"),
        ("schon", "schon"),
        ("schöner", "schönes"),
    ):
        assert [m.photo_id for m in index.matches(index.find(parse(query)))] == [found], query


def test_a_saved_index_keeps_the_letters_of_the_owner_s_language() -> None:
    assert Tables(owner_language="spanish").fingerprint != Tables().fingerprint
    index = Index([Document("a", owner=("año",))], Tables(owner_language="spanish"))
    later = index.updated([Document("b", owner=("ano",))])
    assert [m.photo_id for m in later.search("año", top=5)[1]] == ["a"]
    assert [m.photo_id for m in later.search("ano", top=5)[1]] == ["b"]


# Bad input


@pytest.mark.parametrize(
    "query",
    [
        *("x" * 100_000, "the " * 25_000, "?!" * 50_000, "\U0001f436" * 50_000, "\0\x1b" * 50_000, '"' * 99_999),
        *("before:2023-99-99 after:0000", "-" * 100_000, "#" * 100_000, "dog -dog " * 10_000, '"a b" ' * 20_000),
    ],
    ids=range(11),
)
def test_any_query_is_answered(query: str) -> None:
    index = Index([Document("a", captions=("a red dog",)), Document("b", captions=("a cat",))])
    asked = parse(query)
    found = index.find(asked)
    assert len(index.matches(found)) == len(found)
    assert asked.notes or len(found) or "x" in query
    index.correct(asked)
    index.suggest(query)


# Like a picture that is not there


@quick
@given(documents=DOCUMENTS)
def test_a_photo_s_own_document_is_most_like_it(documents: list[Document]) -> None:
    index = Index(documents, Tables(RELATED, hypernyms=KINDS))
    for document in documents:
        matches = index.matches(index.like(replace(document, photo_id="")))
        own = [match.score for match in matches if match.photo_id == document.photo_id]
        assert own == [1.0] or not list(postings(document, KINDS))
        others = {m.photo_id: m.score for m in matches if m.photo_id != document.photo_id}
        similar = {m.photo_id: m.score for m in index.matches(index.similar(document.photo_id))}
        assert others == pytest.approx(similar, abs=1e-8)
        for match in matches:
            assert sum(share.share for share in match.shares) == pytest.approx(match.score, abs=1e-8)
