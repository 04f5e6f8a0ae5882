"""What each field of a photo holds, and how much."""

import math

import pytest

from photosearch.records import Document
from photosearch.search.fields import FULL, OWNER_TERMS, PAIR, ROOTS, WEIGHTS, Field, postings
from photosearch.search.word_tables import Hypernyms

WHOLE = 0.5 / FULL  # by how much a probability may be off
KINDS = Hypernyms(
    {
        "Border collie": (("shepherd dog", 2), ("dog", 4), ("animal", 6)),
        "collie": (("shepherd dog", 1), ("dog", 3)),
        "dog": (("animal", 1), ("pet", 2)),
        "couch": (("sofa", 0), ("furniture", 1)),
    }
)


def held(field: Field, **parts: object) -> dict[str, tuple[float, float]]:
    """Gain and mass of each term that a document with these parts holds in a field."""
    document = Document("p", **parts)  # type: ignore[arg-type]
    return {p.term: (p.gain, p.mass) for p in postings(document, KINDS) if p.field is field}


def test_every_field_has_a_weight():
    assert set(WEIGHTS) == set(Field)
    assert all(weight > 0 for weight in WEIGHTS.values())


def test_said_words_count_by_the_logarithm_of_how_often():
    sentences = ("a dog", "a dog and a cat", "a brown dog")
    assert held(Field.CAPTION, captions=sentences) == {"dog": (1.0, 1.0)}
    assert held(Field.SENTENCES, captions=sentences) == {
        "dog": (1 + math.log(2), 1.0),
        "cat": (1.0, 1.0),
        "brown": (1.0, 1.0),
    }


def test_a_person_s_sentence_leaves_no_caption_beside_it():
    document = Document("p", human=("a wolf",), captions=("a dog", "two dogs"))
    assert {(p.field, p.term) for p in postings(document, KINDS)} == {(Field.HUMAN, "wolf")}


def test_predicted_terms_count_by_the_root_of_their_probability():
    found = held(Field.CONCEPTS, concepts={"dog": 0.2, "cat": 0.25, "hardly": 0.001, "never": 0.0})
    root = ROOTS[Field.CONCEPTS]
    assert found == {"dog": (0.2**root, 0.2), "cat": ((64 / FULL) ** root, 64 / FULL)}, "in whole 1/255"


def test_predicted_pairs_count_less():
    found = held(Field.CONCEPTS, concepts={"black": 0.8, "black dog": 0.8})
    assert found["black dog"][0] == pytest.approx(PAIR * found["black"][0], rel=0.01)


def test_objects_count_and_are_counted():
    found = held(Field.OBJECTS, objects=(("dog", 0.9), ("dog", 0.5), ("couch", 0.4)))
    assert found["dog"] == (1 + math.log(2), 1.0)
    assert found["two"] == (1.0, 1.0)
    assert found["anim"] == pytest.approx((math.sqrt(0.45), 0.45), abs=WHOLE)
    assert found["sofa"] == pytest.approx((math.sqrt(0.4), 0.4), abs=WHOLE)
    assert "pet" in found


def test_a_model_s_stems_that_are_one_term_add_up_as_if_independent():
    found = held(
        Field.CONCEPTS, concepts={"women": 0.5, "woman": 0.2, "grey": 0.3, "two women": 0.4, "women woman": 0.9}
    )
    masses = {term: mass for term, (_, mass) in found.items()}
    assert set(masses) == {"woman", "gray", "two woman"}
    assert masses["woman"] == pytest.approx(0.6, abs=WHOLE)
    assert masses["gray"] == pytest.approx(0.3, abs=WHOLE)


def test_a_label_s_hypernyms_take_half_a_step_and_several_labels_add_up():
    found = held(Field.LABELS, labels={"Border collie": 0.5, "collie": 0.25})
    probs = {term: mass for term, (_, mass) in found.items()}
    assert probs["collie" if "collie" in probs else "colli"] == pytest.approx(0.75, abs=WHOLE)
    assert probs["shepherd"] == pytest.approx(0.5 * 0.25 + 0.25 * 0.5, abs=WHOLE)
    assert probs["dog"] == pytest.approx(probs["shepherd"]), "a shepherd dog is a dog at two steps, not at four"
    assert probs["anim"] == pytest.approx(0.5 / 64, abs=WHOLE)
    assert all(gain == pytest.approx(math.sqrt(mass)) for gain, mass in found.values())


def test_probabilities_that_add_up_stay_probabilities():
    assert held(Field.LABELS, labels={"collie": 0.9, "Border collie": 0.9})["colli"] == (1.0, 1.0)


def test_a_long_text_of_the_owner_counts_less_a_word():
    short, long = ("sunset at the beach",), (" ".join(f"word{n}" for n in range(4 * OWNER_TERMS)),)
    assert set(held(Field.OWNER, owner=short).values()) == {(1.0, 1.0)}
    assert set(held(Field.OWNER, owner=long).values()) == {(0.25, 1.0)}


def test_nothing_known_is_nothing_held():
    assert list(postings(Document("p"), KINDS)) == []
