"""The table of related words: read, refused where damaged, what the committed one holds, and how it is made."""

import re

import numpy as np
import pytest

from photosearch.errors import ModelError
from photosearch.search.word_tables import RELATED_FILE, RelatedTerm, RelatedWords, Relation
from photosearch.settings import MODELS_DIR
from photosearch.words.analyzer import term_of
from training.labels import Synset, WordNet
from training.lexicon import Lexicon
from training.nearness import Nearness
from training.related import A_STEP, HYPERNYM, SAME_WORD, SYNONYM, Relations, words_by_term
from training.unseen import Captions

PATH = MODELS_DIR / "related" / RELATED_FILE


def table(folder, content):
    path = folder / "related.txt"
    path.write_bytes(content)
    return path


def test_a_table_is_read_as_terms_with_weights_and_relations(tmp_path):
    words = RelatedWords.load(
        table(tmp_path, b"# a comment\nautomobil\tautomobile\t~trucks 0.41\t=car 0.77\t^vehicle 0.50\n# end\n")
    )
    assert words.related("automobil") == (
        RelatedTerm("car", 0.77, Relation.SYNONYM),
        RelatedTerm("vehicl", 0.5, Relation.HYPERNYM),
        RelatedTerm("truck", 0.41, Relation.NEAR),
    )
    assert words.related("unheard") == words.related("automobile") == ()
    assert len(words) == 1


def test_words_of_one_term_count_once_with_the_largest_weight(tmp_path):
    words = RelatedWords.load(table(tmp_path, b"kid\tkid\t=child 0.30\t~kids 0.90\t~childs 0.60\t~the 0.50\n# end\n"))
    assert words.related("kid") == (RelatedTerm("child", 0.6, Relation.NEAR),)


def test_a_table_can_be_given():
    related = (RelatedTerm("car", 0.8, Relation.SYNONYM),)
    assert RelatedWords({"auto": related}).related("auto") == related
    assert RelatedWords().related("auto") == ()


@pytest.mark.parametrize(
    "line",
    [
        "kid",
        "kid\tkid",
        "kid\tkid\t",
        "kid\tkid\tchild 0.50",
        "kid\tkid\t=child",
        "kid\tkid\t=child 0.5",
        "kid\tkid\t=child 0.00",
        "kid\tkid\t=child 1.00",
        "kid\tkid\t=child nan",
        "kid\tkid\t=Child 0.50",
        "kid\tkid\t=child 0.50\t",
        "kid\tkid\t=child 0.50 ~boy 0.40",
        "\tkid\t=child 0.50",
        "",
    ],
)
def test_a_damaged_line_is_named(tmp_path, line):
    path = table(tmp_path, f"# c\ndog\tdog\t~pet 0.20\n{line}\ncat\tcat\t~pet 0.20\n# end\n".encode())
    with pytest.raises(ModelError, match=re.escape(f"{path} is damaged in line 3.")):
        RelatedWords.load(path)


@pytest.mark.parametrize(
    "content", [b"", b"# c\ndog\tdog\t~pet 0.20\n", b"dog\tdog\t~pet 0.2", b"dog\tdog\t~pet 0.20\n# end"]
)
def test_a_table_that_is_cut_short_says_so(tmp_path, content):
    path = table(tmp_path, content)
    with pytest.raises(ModelError, match="is cut short after line"):
        RelatedWords.load(path)


def test_a_term_with_two_lines_is_named(tmp_path):
    path = table(tmp_path, b"dog\tdog\t~pet 0.20\ncat\tcat\t~pet 0.20\ndog\tdogs\t~cat 0.20\n# end\n")
    with pytest.raises(ModelError, match="is damaged: dog has two lines"):
        RelatedWords.load(path)


def test_a_missing_table_and_one_of_other_bytes_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.txt cannot be read: No such file"):
        RelatedWords.load(tmp_path / "none.txt")
    with pytest.raises(ModelError, match=r"related\.txt is damaged"):
        RelatedWords.load(table(tmp_path, b"\xff\xfe\x00"))


@pytest.fixture(scope="module")
def committed():
    return RelatedWords.load(PATH)


def test_the_committed_table_relates_terms_of_the_analyzer(committed):
    lines = [line for line in PATH.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) == len(committed) > 15_000
    assert lines == sorted(lines, key=lambda line: line.split("\t")[0])
    for line in lines[::20]:
        term, word, *_ = line.split("\t")
        assert term_of(word) == term
        related = committed.related(term)
        assert 1 <= len(related) <= 8
        assert [r.weight for r in related] == sorted((r.weight for r in related), reverse=True)
        assert term not in {r.term for r in related}
    assert PATH.stat().st_size < 2_000_000


@pytest.mark.parametrize(
    ("asked", "word", "relation"),
    [
        ("automobile", "car", Relation.SYNONYM),
        ("sofa", "couch", Relation.SYNONYM),
        ("risen", "rise", Relation.SYNONYM),
        ("physician", "doctor", Relation.SYNONYM),
        ("automobile", "vehicle", Relation.HYPERNYM),
        ("terrier", "dog", Relation.HYPERNYM),
        ("toddler", "child", Relation.HYPERNYM),
        ("gigantic", "large", Relation.HYPERNYM),
        ("jog", "run", Relation.NEAR),
        ("violin", "musician", Relation.NEAR),
        ("shoreline", "beach", Relation.NEAR),
    ],
)
def test_it_knows_what_is_related(committed, asked, word, relation):
    assert {r.term: r.relation for r in committed.related(term_of(asked))}[term_of(word)] is relation


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("seven", "eight"),
        ("black", "white"),
        ("ape", "man"),
        ("chowder", "chow"),
        ("jog", "talk"),
    ],
)
def test_it_leaves_out_numbers_opposites_people_and_what_only_looks_alike(committed, asked, word):
    assert term_of(word) not in {r.term for r in committed.related(term_of(asked))}


@pytest.mark.parametrize("word", ["slut", "nigger", "fuck", "thug", "retard", "porn"])
def test_it_has_no_insults(committed, word):
    assert committed.related(term_of(word)) == ()


def lexicon(*nouns, counts=None):
    """Nouns, each a list of words, an offset of what it is a kind of, and its topic; a noun's offset is its place."""
    synsets, senses = {}, {}
    for offset, (words, parent, topic) in enumerate(nouns):
        synsets[offset] = Synset(tuple(words), () if parent is None else (parent,), (), topic)
        for word in words:
            senses.setdefault(word, []).append(offset)
    empty = WordNet({}, {})
    return Lexicon({"noun": WordNet(synsets, senses), "verb": empty, "adj": empty}, counts or {}, {"oxen": ("ox",)})


@pytest.fixture
def beasts(monkeypatch):
    monkeypatch.setattr("training.related.GENERAL", ())
    return lexicon((["beast"], None, 5), (["bovine"], 0, 5), (["ox", "bullock"], 1, 5), (["fad"], None, 9))


def test_a_word_has_its_forms_synonyms_and_what_it_is_a_kind_of(beasts):
    relations = Relations(beasts, {"ox": "ox", "bullock": "bullock", "beast": "beast", "oxen": "oxen"})
    found = {related.word: (related.weight, related.relation) for related in relations.of("ox")}
    assert found == {
        "oxen": (SAME_WORD, Relation.SYNONYM),
        "bullock": (SYNONYM, Relation.SYNONYM),
        "beast": (HYPERNYM * A_STEP, Relation.HYPERNYM),
    }
    assert {related.word for related in relations.of("oxen")} >= {"ox", "bullock", "beast"}


def test_a_rare_meaning_is_left_out():
    words = lexicon(
        (["car"], None, 6), (["machine"], None, 6), (["car", "machine"], None, 6), counts={("machine", "noun", 1): 50}
    )
    assert words.share("machine", "noun", 2) == 0
    assert [sense.offset for sense in words.senses("machine")] == [1]


def test_words_of_one_term_stand_together_without_much_rarer_ones():
    common = ["bicycle", "dog", "dogs", *(f"{letter}" * 3 for letter in "bcdfghjklm"), *["x"] * 300, "bicycler"]
    found = words_by_term(common, {"bicycle", "dog", "bicycler"}, ["dogs"])
    assert found == {"bicycl": ["bicycle"], "dog": ["dog", "dogs"]}


def test_nearness_looks_among_the_targets_and_not_at_the_letters():
    rng = np.random.default_rng(0)
    words = ["mettle", "met", "courage", *(f"w{i}" for i in range(20))]
    vectors = rng.normal(size=(len(words), 384)).astype(np.float32)
    glosses = vectors.copy()
    vectors[1] = vectors[2] = vectors[0]  # in a sentence both are near to "mettle", by what it means only "courage" is
    glosses[2] = glosses[0]
    nearness = Nearness(words, vectors, glosses, ["met", "courage", "w1"])
    assert [word for word, _ in nearness.nearest("mettle", 0.3)] == ["courage"]
    assert nearness.cosine("mettle", "courage") == pytest.approx(1, abs=1e-5)
    assert nearness.cosine("mettle", "unheard") == 0


def test_a_hidden_word_is_found_by_its_related_words_alone():
    captions = Captions(
        [
            ["a dog runs", "a dog runs", "the puppy"],
            ["a puppy", "a puppy sleeps", "a dog"],
            ["one car", "a red car", "it drives"],
            ["a dog", "one boat", "the sea"],
        ]
    )
    words = RelatedWords({"dog": (RelatedTerm("puppi", 0.5, Relation.NEAR),)})
    trial = captions.hide("dog", words)
    assert trial.has_related
    assert (trial.precision, trial.base) == (1.0, 0.5)
    assert trial.ranks[0][1] == 1  # "runs" and "puppy"
    nothing = captions.hide("dog", RelatedWords())
    assert (nothing.has_related, nothing.precision) == (False, 0.0)
    assert all(plain == both for plain, both in nothing.ranks)
