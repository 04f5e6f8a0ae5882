"""Looking inside a sentence: what is read must be what the search wrote."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from photosearch.pictures import images
from photosearch.records import Detection
from photosearch.ui.drawing import FIGURE_SIDE_PX, HEAT_SIDE_PX, as_jpeg, as_webp, heat_map, with_boxes
from photosearch.vision.captioner import beam
from photosearch.vision.captioner.attention import MAX_WORDS_READ, N_ALTERNATIVES, Inspector, read_words, to_npz
from photosearch.vision.captioner.captioner import Captioner
from photosearch.vision.captioner.vocabulary import END, SPECIAL, Vocabulary
from photosearch.vision.registry import Models
from tests.conftest import TINY_WORDS, jpeg
from tests.unit.vision.captioner.test_captioner import make_decoder, make_regions, write_in_graphs

CLOSE = 1e-4
N_REGIONS = 64


@pytest.fixture(scope="module")
def captioner(tiny_models, tmp_path_factory) -> Captioner:
    found = Models(tiny_models, tmp_path_factory.mktemp("imported")).captioner()
    assert isinstance(found, Captioner)
    return found


@pytest.fixture(scope="module")
def noise() -> images.Picture:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return images.Picture("0" * 64, 80, 60, Image.fromarray(pixels))


@pytest.fixture
def inspector(captioner, noise) -> Inspector:
    return Inspector(captioner, noise)


# Reading


@pytest.mark.parametrize("text", ["", "a", "a red dog", "two dog dog zebra sits", " ".join(TINY_WORDS * 2)])
def test_each_word_has_attention_that_sums_to_one(inspector, text):
    read = inspector.read(text)
    assert read.words == text.split()
    assert read.attention.shape == (len(text.split()) + 1, N_REGIONS)
    assert read.grid == (8, 8)
    assert read.attention.min() >= 0
    assert np.allclose(read.attention.sum(1), 1, atol=CLOSE)
    assert all(0 <= step.prob <= 1 for step in read.steps)


@pytest.mark.parametrize(("temperature", "lift"), [(0.5, 0.0), (1.0, 0.0), (2.0, 0.0), (1.0, 2.0)])
def test_log_probabilities_are_the_searchs_own(inspector, temperature, lift):
    decoding = replace(inspector.decoding, beam_width=8, temperature=temperature, lift=lift)
    for caption in inspector.write(decoding):
        read = inspector.read(caption.text, decoding)
        assert read.log_prob == pytest.approx(caption.log_prob, abs=CLOSE)
        assert np.log([step.prob for step in read.steps]).mean() == pytest.approx(caption.log_prob, abs=CLOSE)


def test_the_first_alternative_is_what_greedy_search_writes(inspector):
    greedy = replace(inspector.decoding, beam_width=1, agreement=0.0)
    (caption,) = inspector.write(greedy)
    read = inspector.read(caption.text)
    assert [step.alternatives[0].term for step in read.steps] == [*caption.text.split(), ""]
    assert [step.alternatives[0].prob for step in read.steps] == pytest.approx([step.prob for step in read.steps])


def test_alternatives_are_the_likeliest_words_best_first(inspector):
    for step in inspector.read("a red dog").steps:
        probs = [other.prob for other in step.alternatives]
        assert len(probs) == N_ALTERNATIVES
        assert all(first >= second for first, second in pairwise(probs))
        assert not {other.term for other in step.alternatives} & set(SPECIAL)
        assert step.prob <= probs[0] + CLOSE or step.word not in {other.term for other in step.alternatives}


def test_words_that_the_model_does_not_know_are_marked(inspector):
    read = inspector.read("a zebra runs")
    assert [step.known for step in read.steps] == [True, False, True, True]
    assert all(step.prob > 0 for step in read.steps)
    assert np.isfinite(read.log_prob)


def test_what_a_word_gets_does_not_depend_on_what_follows(inspector):
    short, long = inspector.read("a red dog"), inspector.read("a red dog sits on snow")
    assert np.allclose(short.attention, long.attention[:4], atol=CLOSE)
    assert [s.prob for s in short.steps[:3]] == pytest.approx([s.prob for s in long.steps[:3]])


def test_a_sentence_is_split_as_the_model_knows_its_words():
    vocabulary = Vocabulary([*SPECIAL, "t-shirt", "dog", "Paris"])
    assert read_words("A DOG, in a t-shirt; in Paris!", vocabulary) == [
        "a",
        "dog",
        "in",
        "a",
        "t",
        "shirt",
        "in",
        "paris",
    ]
    assert read_words("t-shirt Paris Dog", vocabulary) == ["t-shirt", "Paris", "dog"]
    assert len(read_words("dog " * 100, vocabulary)) == MAX_WORDS_READ
    assert read_words("<end> <start> café 犬", vocabulary) == ["end", "start", "café", "犬"]


def test_answers_are_remembered(inspector):
    assert inspector.read("a dog") is inspector.read("a dog")
    assert inspector.write() is inspector.write()


# Writing anew


@pytest.mark.parametrize("words", [["a"], ["two", "cat"], ["a", "zebra"], ["dog", "dog"], list(TINY_WORDS)])
def test_a_given_beginning_is_kept(inspector, words):
    found = inspector.write(beginning=words)
    assert found
    for caption in found:
        assert caption.text.split()[: len(words)] == words
        if len(words) < inspector.decoding.max_words:
            assert inspector.read(caption.text).log_prob == pytest.approx(caption.log_prob, abs=CLOSE)


def test_the_best_sentence_is_found_again_from_its_own_beginnings(inspector):
    greedy = replace(inspector.decoding, beam_width=1, agreement=0.0)
    (best,) = inspector.write(greedy)
    words = best.text.split()
    for n in range(len(words)):
        (again,) = inspector.write(greedy, words[:n])
        assert again.text == best.text
        assert again.log_prob == pytest.approx(best.log_prob, abs=CLOSE)


def test_a_sentence_can_be_made_to_end(inspector):
    (only,) = inspector.write(beginning=["a", "dog", SPECIAL[END]])
    assert only.text == "a dog"
    assert only.log_prob == pytest.approx(inspector.read("a dog").log_prob, abs=CLOSE)


@pytest.mark.parametrize("prefix", [(4,), (5, 6)])
def test_prefixed_photos_together_get_the_same_sentences_as_alone(prefix):
    decoder, regions, decoding = make_decoder(), make_regions(4), beam.Decoding(4, max_words=6)
    together = write_in_graphs(decoder, regions, decoding, prefix)
    for i, sentences in enumerate(together):
        (alone,) = write_in_graphs(decoder, regions[i : i + 1], decoding, prefix)
        assert [s.words for s in sentences] == [s.words for s in alone]
        assert all(s.words[: len(prefix)] == list(prefix) for s in sentences)


def test_a_beginning_longer_than_a_sentence_is_refused():
    with pytest.raises(ValueError, match="the prefix has 3 words"):
        write_in_graphs(make_decoder(), make_regions(1), beam.Decoding(max_words=2), (4, 5, 6))


# Temperature


def test_a_temperature_of_one_changes_nothing_at_all():
    decoder, regions = make_decoder(), make_regions(3)
    plain = write_in_graphs(decoder, regions, beam.Decoding(4, max_words=6))
    assert plain == write_in_graphs(decoder, regions, beam.Decoding(4, max_words=6, temperature=1.0))


def test_a_high_temperature_is_less_sure_and_a_low_one_surer(inspector):
    text = inspector.write(replace(inspector.decoding, beam_width=1, agreement=0.0))[0].text
    best = [
        inspector.read(text, replace(inspector.decoding, temperature=t)).steps[0].alternatives[0].prob
        for t in (0.25, 1.0, 4.0)
    ]
    assert best == sorted(best, reverse=True)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_out_of_range_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature is"):
        beam.Decoding(temperature=temperature)


# To take away, and drawn


def test_the_numbers_taken_away_are_those_shown(inspector):
    read = inspector.read("a red zebra")
    with np.load(io.BytesIO(to_npz(read)), allow_pickle=False) as held:
        assert held["words"].tolist() == ["a", "red", "zebra", "<end>"]
        assert np.array_equal(held["attention"], read.attention)
        assert held["probabilities"].tolist() == pytest.approx([step.prob for step in read.steps])
        assert held["grid"].tolist() == [8, 8]


def test_heat_is_where_the_attention_is():
    weights = np.zeros(N_REGIONS, np.float32)
    weights[9] = 1.0  # second row, second column
    alpha = np.asarray(heat_map(weights, (8, 8)))[:, :, 3]
    row, column = np.unravel_index(alpha.argmax(), alpha.shape)
    assert abs(row - 1.5 * HEAT_SIDE_PX / 8) < HEAT_SIDE_PX / 16
    assert abs(column - 1.5 * HEAT_SIDE_PX / 8) < HEAT_SIDE_PX / 16
    assert alpha[-20:, -20:].max() == 0
    assert Image.open(io.BytesIO(as_webp(heat_map(weights, (8, 8))))).mode == "RGBA"


@pytest.mark.parametrize("box", [(0.25, 0.25, 0.5, 0.5), (-0.1, -0.1, 1.3, 1.3), (0.9, 0.9, 0.0, 0.0)])
def test_boxes_are_drawn_on_any_photo(box):
    photo = images.decode(jpeg("black", (40, 30))).rgb
    drawn = with_boxes(photo, [Detection("dog", 0.9, box), Detection("dog", 0.3, (0, 0, 1, 1))])
    assert max(drawn.size) == FIGURE_SIDE_PX
    assert np.asarray(drawn).max() > 100
    assert np.asarray(photo).max() < 20  # the photo itself stays as it was
    assert Image.open(io.BytesIO(as_jpeg(drawn, 100))).size == (100, 75)
