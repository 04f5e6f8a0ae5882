"""The network, the search for sentences, and the files a captioner comes in."""

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save

from photosearch.errors import ModelError
from photosearch.pictures.images import Picture
from photosearch.records import Station
from photosearch.settings import MODELS_DIR
from photosearch.vision import encoder as encoding
from photosearch.vision.captioner import beam
from photosearch.vision.captioner.beam import MAX_BEAM_WIDTH, NEVER_WRITTEN, Decoding
from photosearch.vision.captioner.captioner import KEPT, Captioner
from photosearch.vision.captioner.checkpoint import TERMS, VOCABULARY, WEIGHTS, Checkpoint, save_checkpoint
from photosearch.vision.captioner.decoder import ENCODER_WIDTH, GraphDecoder, Sizes
from photosearch.vision.captioner.network import Decoder
from photosearch.vision.captioner.nouns import FILE as NOUNS
from photosearch.vision.captioner.nouns import Noun, Nouns, nouns_json
from photosearch.vision.captioner.torch_writer import TorchWriter, TorchWriting
from photosearch.vision.captioner.vocabulary import END, PAD, SPECIAL, START, UNKNOWN, Vocabulary
from photosearch.vision.model_folder import CONFIG, open_model
from photosearch.vision.observer import Batch
from photosearch.words.analyzer import stems

N_REGIONS, SIDE = 64, 256
CLOSE = 1e-4
torch.set_num_threads(1)  # two test runs beside each other are no slower for it


def make_decoder(n_words: int = 8, seed: int = 0, n_terms: int = 0) -> Decoder:
    """An untrained decoder whose opinions are strong enough to tell photos and sentences apart."""
    torch.manual_seed(seed)
    sizes = Sizes(len(SPECIAL) + n_words, embedding=8, hidden=8, region=8, attention=8, terms=n_terms)
    decoder = Decoder(sizes).eval()
    for weights in decoder.parameters():
        weights.data *= 3
    return decoder.requires_grad_(False)


def as_graphs(decoder: Decoder, *, in_int8: bool = False) -> GraphDecoder:
    weights = {name: values.numpy() for name, values in decoder.state_dict().items()}
    return GraphDecoder(decoder.sizes, weights, in_int8=in_int8)


def write_in_graphs(
    decoder: Decoder, regions: torch.Tensor, decoding: Decoding, prefix: tuple[int, ...] = (), terms=None
) -> list[list[beam.Sentence]]:
    """Write sentences as photos are captioned."""
    graphs = as_graphs(decoder)
    begun = graphs.begin(regions.numpy(), None if terms is None else terms.numpy())
    return beam.search(graphs, begun, decoding, prefix)


def write_in_torch(
    decoder: Decoder, regions: torch.Tensor, decoding: Decoding, prefix: tuple[int, ...] = (), terms=None
) -> list[list[beam.Sentence]]:
    """Write sentences as training does."""
    return beam.search(TorchWriter(decoder), TorchWriting.begin(decoder.begin(regions, terms)), decoding, prefix)


both_ways = pytest.mark.parametrize("write", [write_in_graphs, write_in_torch])


def make_regions(n_photos: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(n_photos, N_REGIONS, ENCODER_WIDTH, generator=torch.Generator().manual_seed(seed))


def make_pictures(n: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8))


def next_words(decoder: Decoder, regions: torch.Tensor, sentence: list[int]) -> torch.Tensor:
    """Log-probabilities of the word after a sentence, by reading the whole sentence anew."""
    memory, state = decoder.begin(regions)
    logits, _ = decoder(memory, state, torch.tensor([[START, *sentence]]))
    last = logits[0, -1]
    last[list(NEVER_WRITTEN)] = -torch.inf
    last[sentence[-1:]] = -torch.inf  # no word follows itself
    return last.log_softmax(0)


def greedy(decoder: Decoder, regions: torch.Tensor, max_words: int) -> list[int]:
    sentence: list[int] = []
    while len(sentence) < max_words:
        word = int(next_words(decoder, regions, sentence).argmax())
        if word == END:
            break
        sentence.append(word)
    return sentence


def every_sentence(decoder: Decoder, regions: torch.Tensor, decoding: Decoding) -> list[tuple[float, list[int]]]:
    """All sentences there are with their scores, best first; one of `max_words` ends there for certain."""
    words = range(len(SPECIAL), decoder.sizes.vocabulary)
    found = []
    for n in range(decoding.max_words + 1):
        for sentence in itertools.product(words, repeat=n):
            steps = [next_words(decoder, regions, list(sentence[:i]))[word] for i, word in enumerate(sentence)]
            if n < decoding.max_words:
                steps.append(next_words(decoder, regions, list(sentence))[END])
            if sum(steps) > -torch.inf:
                found.append((float(sum(steps)) / (n + 1) ** decoding.length_exponent, list(sentence)))
    return sorted(found, reverse=True)


# The network


def attention_of_large_parts(of_region: float, of_hidden: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the attention of the first word by graphs and by torch, where both parts of it are so much larger."""
    decoder, regions = make_decoder(), make_regions(3)
    decoder.attention.of_region.weight.data *= of_region
    decoder.attention.of_hidden.weight.data *= of_hidden
    graphs = as_graphs(decoder)
    _, _, ours = graphs.step(graphs.begin(regions.numpy()), np.full(3, START))
    _, _, theirs = TorchWriter(decoder).step(TorchWriting.begin(decoder.begin(regions)), np.full(3, START))
    return ours, theirs


def test_attention_is_torchs_where_a_product_is_larger_than_any_number():
    """Parts up to 41 and 35; the trained decoder's reach 25."""
    ours, theirs = attention_of_large_parts(1.9, 10)
    assert np.allclose(ours, theirs, atol=CLOSE)


def test_attention_stays_finite_whatever_its_parts_are():
    ours, _ = attention_of_large_parts(1000, 1000)
    assert np.allclose(ours.sum(1), 1)
    assert (ours >= 0).all()


def test_attention_rows_sum_to_one():
    decoder = make_decoder()
    memory, state = decoder.begin(make_regions(3))
    logits, attention = decoder(memory, state, torch.tensor([[START, 4, 5, 6]] * 3))
    assert (logits.shape, attention.shape) == ((3, 4, decoder.sizes.vocabulary), (3, 4, N_REGIONS))
    assert torch.allclose(attention.sum(2), torch.ones(3, 4))
    assert bool((attention >= 0).all())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("width", [1, 3, 5])
def test_graphs_write_what_torch_writes(seed, width):
    """The same words for photos at random, and log-probabilities within 1e-4."""
    torch.manual_seed(seed)
    sizes = Sizes(len(SPECIAL) + 60, embedding=12, hidden=20, region=16, attention=10, terms=9 if seed % 2 else 0)
    decoder = Decoder(sizes).eval().requires_grad_(False)
    for weights in decoder.parameters():
        weights.data *= 4
    regions = make_regions(40, seed)
    terms = torch.rand(40, 9) if sizes.terms else None
    decoding = Decoding(width, max_words=12, temperature=1 + seed / 10)
    in_graphs = write_in_graphs(decoder, regions, decoding, terms=terms)
    in_torch = write_in_torch(decoder, regions, decoding, terms=terms)
    assert [[s.words for s in found] for found in in_graphs] == [[s.words for s in found] for found in in_torch]
    assert len({tuple(s.words) for found in in_graphs for s in found}) > 10
    for ours, theirs in zip(in_graphs, in_torch, strict=True):
        assert [s.log_prob for s in ours] == pytest.approx([s.log_prob for s in theirs], abs=CLOSE)


@pytest.mark.parametrize("n_terms", [0, 5])
@pytest.mark.parametrize("seed", range(4))
def test_a_step_in_graphs_is_torchs(seed, n_terms):
    """From states at random: next state, logits and attention, with several sentences a photo."""
    decoder, regions = make_decoder(seed=seed, n_terms=n_terms), make_regions(3, seed)
    terms = torch.rand(3, n_terms) if n_terms else None
    graphs, rows = as_graphs(decoder), np.array([2, 0, 0, 2, 1, 0])
    ours = graphs.begin(regions.numpy(), None if terms is None else terms.numpy()).pick(rows)
    theirs = TorchWriting.begin(decoder.begin(regions, terms)).pick(rows)
    draw = np.random.default_rng(seed)
    for _ in range(4):
        words = draw.integers(0, decoder.sizes.vocabulary, len(rows))
        ours, logits, attention = graphs.step(ours, words)
        theirs, wanted_logits, wanted_attention = TorchWriter(decoder).step(theirs, words)
        assert np.allclose(logits, wanted_logits, atol=CLOSE)
        assert np.allclose(attention, wanted_attention, atol=CLOSE)
        assert np.allclose(ours.cell, theirs.state.cell.numpy(), atol=CLOSE)
        order = draw.permutation(len(rows))
        ours, theirs = ours.pick(order), theirs.pick(order)


# The search


@both_ways
@pytest.mark.parametrize("seed", range(5))
def test_width_one_is_greedy(seed, write):
    decoder, regions = make_decoder(seed=seed), make_regions(4, seed)
    found = write(decoder, regions, Decoding(1, max_words=6))
    assert [[s.words for s in sentences] for sentences in found] == [
        [greedy(decoder, regions[i : i + 1], 6)] for i in range(4)
    ]


@both_ways
@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.0])
@pytest.mark.parametrize(("n_words", "max_words"), [(3, 2), (2, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_wide_enough_finds_exactly_the_best_sentences(seed, n_words, max_words, exponent, write):
    decoder, regions = make_decoder(n_words, seed), make_regions(2, seed)
    decoding = Decoding(MAX_BEAM_WIDTH, exponent, max_words)
    for i, sentences in enumerate(write(decoder, regions, decoding)):
        wanted = every_sentence(decoder, regions[i : i + 1], decoding)
        assert [sentence.words for sentence in sentences] == [words for _, words in wanted]
        scores = [s.log_prob * (len(s.words) + 1) ** (1 - exponent) for s in sentences]
        assert scores == pytest.approx([score for score, _ in wanted], abs=CLOSE)


@pytest.mark.parametrize(("n_words", "max_words"), [(3, 2), (2, 3)])
@pytest.mark.parametrize("wanted", [[4], [5, 4]])
@pytest.mark.parametrize("seed", range(3))
def test_wanted_words_leave_exactly_the_sentences_that_hold_one(seed, wanted, n_words, max_words):
    decoder, regions = make_decoder(n_words, seed), make_regions(2, seed)
    decoding = Decoding(MAX_BEAM_WIDTH, max_words=max_words)
    graphs = as_graphs(decoder)
    found = beam.search(graphs, graphs.begin(regions.numpy(), None), decoding, wanted=[wanted, [5]])
    for i, (sentences, words) in enumerate(zip(found, (wanted, [5]), strict=True)):
        every = every_sentence(decoder, regions[i : i + 1], decoding)
        assert [s.words for s in sentences] == [held for _, held in every if not set(words).isdisjoint(held)]


def test_a_narrow_beam_writes_the_wanted_word_too():
    graphs = as_graphs(make_decoder(30))
    begun = graphs.begin(make_regions(6).numpy(), None)
    for word in (5, 20):
        for sentences in beam.search(graphs, begun, Decoding(2, max_words=6), wanted=[[word]] * 6):
            assert sentences
            assert all(word in sentence.words for sentence in sentences)


class Scripted:
    """A decoder that gives each beginning of a sentence its own next words, with their probabilities."""

    FOLLOWING: Mapping[tuple[int, ...], Mapping[int, float]] = {
        (): {4: 0.6, 5: 0.3, 6: 0.1},
        (4,): {4: 0.0, 5: 0.5, END: 0.5},
        (5,): {END: 0.98, 6: 0.02},
        (6,): {END: 1.0},
    }

    def __init__(self) -> None:
        self.n_rows: list[int] = []

    def step(self, writing: "Beginnings", words: np.ndarray) -> tuple["Beginnings", np.ndarray, np.ndarray]:
        self.n_rows.append(len(words))
        went_on = Beginnings([(*begun, word) for begun, word in zip(writing.begun, words.tolist(), strict=True)])
        logits = np.full((len(words), 7), -np.inf, np.float32)
        for row, begun in zip(logits, went_on.begun, strict=True):
            for word, prob in self.FOLLOWING.get(begun[1:], {END: 1.0}).items():
                row[word] = np.log(max(prob, 1e-9))
        return went_on, logits, np.ones((len(words), 1), np.float32)


class Beginnings:
    def __init__(self, begun: list[tuple[int, ...]]) -> None:
        self.begun = begun

    def __len__(self) -> int:
        return len(self.begun)

    def pick(self, rows: np.ndarray) -> "Beginnings":
        return Beginnings([self.begun[row] for row in rows])


@pytest.mark.parametrize(
    ("margin", "first_words", "n_rows"),
    [
        (0.0, [4, 4, 5, 6], [1, 3, 1]),  # the three beginnings, then the one of [4, 5]
        (1.5, [4, 4, 5], [1, 2, 1]),  # [6] is ln(.6 / .1) = 1.8 behind [4], [5] is .7
        (0.6, [4, 4], [1, 1, 1]),
    ],
)
def test_what_is_far_below_the_best_is_given_up(margin, first_words, n_rows):
    writer = Scripted()
    (found,) = beam.search(writer, Beginnings([()]), Decoding(4, 0.0, max_words=3, margin=margin))
    assert sorted(sentence.words[0] for sentence in found) == first_words
    assert writer.n_rows == n_rows


class Endless(Scripted):
    """It says 6 at first or hardly ever; without it a sentence goes on until it may be no longer."""

    FOLLOWING: Mapping[tuple[int, ...], Mapping[int, float]] = {
        (): {4: 0.6, 6: 0.4},
        **{tuple([4, 5] * 4)[:n]: {5 if n % 2 else 4: 0.5, END: 0.49, 6: 0.01} for n in range(1, 8)},
    }


@pytest.mark.parametrize(
    ("margin", "n_steps"),
    [
        (0.0, 9),  # the words, and the end
        (0.5, 3),  # [4, 5, 4] has ln(.6 / 4) = -1.9, and [6] ln(.4) = -.9
    ],
)
def test_sentences_that_lack_a_wanted_word_are_given_up_where_they_are_far_below_one_that_holds_it(margin, n_steps):
    writer = Endless()
    (found,) = beam.search(writer, Beginnings([()]), Decoding(2, 0.0, max_words=8, margin=margin), wanted=[[6]])
    assert found[0].words == [6]
    assert len(writer.n_rows) == n_steps


@pytest.mark.parametrize("margin", [-0.1, float("nan")])
def test_a_margin_out_of_range_is_refused(margin):
    with pytest.raises(ValueError, match="margin is"):
        Decoding(margin=margin)


@both_ways
def test_photos_together_get_the_same_sentences_as_alone(write):
    decoder, regions = make_decoder(), make_regions(5)
    together = write(decoder, regions, Decoding(4, max_words=8))
    for i, sentences in enumerate(together):
        (alone,) = write(decoder, regions[i : i + 1], Decoding(4, max_words=8))
        assert [s.words for s in sentences] == [s.words for s in alone]
        assert [s.log_prob for s in sentences] == pytest.approx([s.log_prob for s in alone], abs=CLOSE)


def test_sentences_are_of_real_words_within_the_limit_and_no_better_than_certain():
    for sentences in write_in_graphs(make_decoder(), make_regions(5), Decoding(5, max_words=4)):
        assert len({tuple(s.words) for s in sentences}) == len(sentences) == 5
        for sentence in sentences:
            assert len(sentence.words) <= 4
            assert not {PAD, START, END, UNKNOWN} & set(sentence.words)
            assert sentence.log_prob <= 0


@both_ways
def test_no_photos_give_no_sentences(write):
    assert write(make_decoder(), make_regions(0), Decoding()) == []


@pytest.mark.parametrize("width", [-1, 0, MAX_BEAM_WIDTH + 1])
def test_a_width_out_of_range_is_refused(width):
    with pytest.raises(ValueError, match=f"beam_width is {width}"):
        Decoding(width)


def test_a_sentence_without_words_is_refused():
    with pytest.raises(ValueError, match="max_words is 0"):
        Decoding(max_words=0)


# The captioner


class Agreeing:
    """A critic that likes sentences with a certain word."""

    digest = "a" * 64

    def __init__(self, word: str = "dog", probs: dict[str, float] | None = None) -> None:
        self.word = word
        self.probs = probs or {}
        self.asked: list[tuple[list[str], float]] = []

    def agreement(self, batch: Batch, sentences: list[list[str]]) -> list[list[float]]:
        assert len(sentences) == len(batch.pictures)
        return [[float(self.word in text.split()) for text in texts] for texts in sentences]

    def unsaid(
        self, batch: Batch, sentences: list[str], least: float, sayable: Mapping[str, list[int]]
    ) -> list[str | None]:
        """The word is likely in every second picture."""
        assert self.word in sayable
        self.asked.append((sentences, least))
        return [None if row % 2 or self.word in text.split() else self.word for row, text in enumerate(sentences)]

    def of_terms(self, batch: Batch, terms: list[str]) -> np.ndarray:
        """Each term is the likelier, the brighter the picture is."""
        means = np.array([np.asarray(picture.rgb).mean() / 255 for picture in batch.pictures], np.float32)
        return np.repeat(means[:, None], len(terms), axis=1)

    def log_lifts(self, batch: Batch, terms: list[str]) -> np.ndarray:
        """The word is the likelier than usual, the later the picture comes."""
        return np.array([[row * float(term == self.word) for term in terms] for row in range(len(batch.pictures))])

    def of_words(self, batch: Batch, words: list[str]) -> np.ndarray:
        return np.array([[self.probs.get(word, 0.0) for word in words]] * len(batch.pictures), np.float32)


class Labelling:
    """A classifier that sees the same in every picture."""

    labels = ("tabby", "Egyptian cat", "spitz")

    def __init__(self, *probs: float) -> None:
        self.probs = probs

    def probabilities(self, batch: Batch) -> np.ndarray:
        return np.array([self.probs] * len(batch.pictures), np.float32)


CAT = Noun("cat", ("cat",), (), ("tabby", "Egyptian cat"), "a cat", 0.5)
DOG = Noun("dog", ("dog",), ("two",), ("spitz",), "a dog", 0.5)


@pytest.fixture(scope="module")
def encoder() -> encoding.Encoder:
    return encoding.Encoder.load(MODELS_DIR / "encoder")


def make_batch(n: int) -> Batch:
    pictures = [Image.fromarray(values) for values in make_pictures(n)]
    return Batch([Picture(f"{i:064}", *rgb.size, rgb) for i, rgb in enumerate(pictures)])


def load(folder: Path, encoder: encoding.Encoder, critic: Agreeing | None = None) -> Captioner:
    critic = critic or Agreeing()
    critic.digest = open_model(MODELS_DIR / "concepts", Station.CONCEPTS).digest
    return Captioner.load(folder, encoder, critic)


def test_pictures_together_get_the_same_captions_as_alone(tiny_models, encoder):
    captioner, batch = load(tiny_models / "captioner", encoder), make_batch(3)
    together = captioner.write(batch)
    alone = [captioner.write(Batch([picture]))[0] for picture in batch.pictures]
    assert [[c.text for c in found] for found in together] == [[c.text for c in found] for found in alone]
    for both, one in zip(together, alone, strict=True):
        assert [c.log_prob for c in both] == pytest.approx([c.log_prob for c in one], abs=CLOSE)
        assert [c.rank for c in both] == list(range(len(both)))


def test_what_it_tells_is_what_it_writes(tiny_models, encoder):
    captioner, batch = load(tiny_models / "captioner", encoder), make_batch(2)
    assert [found.captions for found in captioner.observe(batch)] == captioner.write(batch)


def test_no_pictures_give_no_captions(tiny_models, encoder):
    assert load(tiny_models / "captioner", encoder).observe(Batch([])) == []


def test_agreement_changes_the_order_and_nothing_else(tiny_models, encoder):
    batch, width = make_batch(3), 8
    plain = load(tiny_models / "captioner", encoder).write(batch, Decoding(width, max_words=3))
    word = next(w for found in plain for c in found[1:] for w in c.text.split() if w not in found[0].text.split())
    captioner = load(tiny_models / "captioner", encoder, Agreeing(word))
    ranked = captioner.write(batch, Decoding(width, max_words=3, agreement=1000.0))
    for before, after in zip(plain, ranked, strict=True):
        assert sorted((c.text, c.log_prob) for c in before) == sorted((c.text, c.log_prob) for c in after)
        has = [word in caption.text.split() for caption in after]
        assert has == sorted(has, reverse=True)
        assert [c.text for c, yes in zip(after, has, strict=True) if yes] == [
            c.text for c in before if word in c.text.split()
        ]
    assert plain != ranked


def test_a_likely_term_that_is_not_said_is_searched_for(tiny_models, encoder):
    """Sentences with it join the others, and are ranked as they are."""
    batch, width = make_batch(6), 2
    plain = load(tiny_models / "captioner", encoder).write(batch, Decoding(width, max_words=4))
    critic = Agreeing("dog")
    tried = load(tiny_models / "captioner", encoder, critic).write(
        batch, Decoding(width, max_words=4, agreement=1000.0, said_from=0.4)
    )
    ((sentences, least),) = critic.asked
    assert least == 0.4
    lacking = [row for row in (0, 2, 4) if all("dog" not in caption.text.split() for caption in plain[row])]
    assert lacking
    for row in lacking:
        assert "dog" not in sentences[row].split()
        assert "dog" in tried[row][0].text.split()
        assert len({caption.text for caption in tried[row]}) == len(tried[row]) == width
    for row in (1, 3, 5):
        assert {caption.text for caption in tried[row]} == {caption.text for caption in plain[row]}


def test_a_rare_word_is_said_the_sooner_the_likelier_the_photo_makes_it(tiny_models, encoder):
    batch, critic = make_batch(6), Agreeing("dog")
    captioner = load(tiny_models / "captioner", encoder, critic)
    plain, lifted = (captioner.write(batch, Decoding(3, max_words=4, lift=lift)) for lift in (0.0, 8.0))
    assert [["dog" in one.text.split() for one in found[:1]] for found in lifted[2:]] == [[True]] * 4
    assert sum("dog" in found[0].text.split() for found in plain) < 4
    assert [one.text for one in lifted[0]] == [one.text for one in plain[0]], "where it is as likely as usual"


def test_favours_are_added_to_the_logits_of_their_own_photos():
    decoder, rows = as_graphs(make_decoder()), np.array([2, 0, 0, 1])
    regions, words = make_regions(3).numpy(), np.full(4, START)
    favours = np.random.default_rng(0).normal(size=(3, decoder.sizes.vocabulary)).astype(np.float32)
    after, favoured, attention = decoder.step(decoder.begin(regions, None, favours).pick(rows), words)
    _, plain, same = decoder.step(decoder.begin(regions).pick(rows), words)
    assert np.allclose(favoured - plain, favours[rows], atol=CLOSE)
    assert np.array_equal(attention, same)
    again = decoder.step(after.pick(np.array([0, 3])), words[:2])[1]
    bare = decoder.step(decoder.step(decoder.begin(regions).pick(rows), words)[0].pick(np.array([0, 3])), words[:2])[1]
    assert np.allclose(again - bare, favours[[2, 1]], atol=CLOSE)


def test_what_a_found_sentence_says_is_not_searched_for_again(tiny_models, encoder, monkeypatch):
    """Neither a likely term nor a sure noun that another sentence of the beam holds."""
    batch, decoding = make_batch(4), Decoding(8, max_words=3, said_from=0.4)
    plain = load(tiny_models / "captioner", encoder).write(batch, decoding)
    said = [set.union(*(set(caption.text.split()) for caption in found)) for found in plain]
    word = next(w for w in sorted(set.intersection(*said)) if any(w not in found[0].text.split() for found in plain))
    searches = []
    search = beam.search
    monkeypatch.setattr(beam, "search", lambda *given: searches.append(given) or search(*given))
    captioner = load(tiny_models / "captioner", encoder, Agreeing(word))
    assert [[c.text for c in found] for found in captioner.write(batch, decoding)] == [
        [c.text for c in found] for found in plain
    ]
    captioner._nouns = Nouns([Noun(word, (word,), (), ("tabby",), f"a {word}", 0.5)], Labelling.labels)
    captioner._classifier = Labelling(0.9, 0.0, 0.0)
    for before, after in zip(plain, captioner.write(batch, decoding), strict=True):
        named = [caption.text for caption in before if word in caption.text.split()]
        assert [c.text for c in after] == [named[0], *(c.text for c in before if c.text != named[0])]
    assert len(searches) == 2


def test_sentences_that_repeat_a_word_come_after_those_that_do_not(tiny_models, encoder):
    captioner, batch = load(tiny_models / "captioner", encoder), make_batch(4)
    plain = captioner.write(batch, Decoding(12, max_words=6))
    ranked = captioner.write(batch, Decoding(12, max_words=6, repetition=1000.0))
    assert plain != ranked
    for before, after in zip(plain, ranked, strict=True):
        assert {caption.text for caption in before} == {caption.text for caption in after}
        repeated = [len(said) - len(set(said)) for said in (stems(caption.text) for caption in after)]
        assert repeated == sorted(repeated)


def test_no_more_sentences_are_kept_than_five(tiny_models, encoder):
    captioner, batch = load(tiny_models / "captioner", encoder), make_batch(2)
    captioner.decoding = Decoding(9, max_words=4)
    written = captioner.write(batch)
    assert [len(found) for found in written] == [9, 9]
    assert [found.captions for found in captioner.observe(batch)] == [found[:KEPT] for found in written]


def with_nouns(folder: Path, encoder: encoding.Encoder, labelling: Labelling, critic: Agreeing) -> Captioner:
    """A captioner that knows two nouns, and is unsure of sentences that the critic does not like."""
    rewrite(folder, NOUNS, nouns_json([CAT, DOG]))
    critic.digest = open_model(MODELS_DIR / "concepts", Station.CONCEPTS).digest
    return Captioner.load(folder, encoder, critic, labelling)


@pytest.mark.parametrize("word", ["cat", "dog"])
def test_what_a_label_is_sure_of_is_said(folder, encoder, word):
    """The labels of a kind count together; a word that says as much is as good."""
    labelling = Labelling(0.3, 0.3, 0.1) if word == "cat" else Labelling(0.1, 0.1, 0.8)
    said = {"cat": {"cat"}, "dog": {"dog", "two"}}[word]
    plain = load(folder, encoder).write(make_batch(8))
    named = with_nouns(folder, encoder, labelling, Agreeing()).write(make_batch(8))
    assert any(said.isdisjoint(found[0].text.split()) for found in plain)
    for before, after in zip(plain, named, strict=True):
        assert not said.isdisjoint(after[0].text.split())
        assert [caption.rank for caption in after] == list(range(len(after)))
        if said.isdisjoint(before[0].text.split()):
            others = [caption.text for caption in before if caption.text != after[0].text]
            assert [caption.text for caption in after[1:]] == others[: len(after) - 1]
        else:
            assert [c.text for c in after] == [c.text for c in before]


def test_of_sure_nouns_the_one_of_the_fewest_labels_is_said(folder, encoder):
    """Its kind is as sure; what is not sure itself gives way to it."""
    rewrite(folder, NOUNS, nouns_json([Noun("dog", ("dog",), (), Labelling.labels, "a dog", 0.5), CAT]))
    critic = Agreeing()
    critic.digest = open_model(MODELS_DIR / "concepts", Station.CONCEPTS).digest
    for labelling, word in ((Labelling(0.3, 0.3, 0.1), "cat"), (Labelling(0.2, 0.2, 0.2), "dog")):
        for found in Captioner.load(folder, encoder, critic, labelling).write(make_batch(4)):
            assert word in found[0].text.split()


def test_an_unsure_sentence_gives_way_to_a_short_one(folder, encoder):
    decoding = Decoding(unsure_below=0.5)
    batch = make_batch(2)
    captioner = with_nouns(folder, encoder, Labelling(0.0, 0.1, 0.0), Agreeing("nothing", {"cat": 0.45}))
    for found in captioner.write(batch, decoding):
        assert found[0].is_unsure
        assert "cat" in found[0].text.split() or found[0].text == "a photo of a cat"
    guessed = with_nouns(folder, encoder, Labelling(0.0, 0.1, 0.0), Agreeing("nothing")).write(batch, decoding)
    assert all(found[0].is_unsure and not found[0].text.startswith("a photo") for found in guessed)
    sure = with_nouns(folder, encoder, Labelling(0.0, 0.9, 0.0), Agreeing("nothing")).write(batch, decoding)
    assert all(not found[0].is_unsure and "cat" in found[0].text.split() for found in sure)


def test_damaged_nouns_are_refused(folder, encoder):
    rewrite(folder, NOUNS, b'[{"noun": "cat"}]')
    critic = Agreeing()
    critic.digest = open_model(MODELS_DIR / "concepts", Station.CONCEPTS).digest
    with pytest.raises(ModelError, match=r"nouns\.json is damaged"):
        Captioner.load(folder, encoder, critic, Labelling(0.1, 0.1, 0.1))


@pytest.mark.parametrize("agreement", [-1.0, float("nan")])
def test_an_agreement_out_of_range_is_refused(agreement):
    with pytest.raises(ValueError, match="agreement is"):
        Decoding(agreement=agreement)


@pytest.mark.parametrize("repetition", [-1.0, float("nan")])
def test_a_repetition_out_of_range_is_refused(repetition):
    with pytest.raises(ValueError, match="repetition is"):
        Decoding(repetition=repetition)


@pytest.mark.parametrize("prob", [-0.1, 1.1, float("nan")])
def test_a_probability_to_be_said_from_out_of_range_is_refused(prob):
    with pytest.raises(ValueError, match="said_from is"):
        Decoding(said_from=prob)


@pytest.mark.parametrize("lift", [-0.1, float("nan"), float("inf")])
def test_a_lift_out_of_range_is_refused(lift):
    with pytest.raises(ValueError, match="lift is"):
        Decoding(lift=lift)


# Its files


@pytest.fixture
def folder(tmp_path, tiny_models) -> Path:
    """A copy of the tiny captioner that a test may damage."""
    for path in (tiny_models / "captioner").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.fixture
def refuse(folder, encoder) -> Callable[[str], None]:
    """Expects the folder to be refused with a message that names it."""

    def check(message: str) -> None:
        with pytest.raises(ModelError, match=message) as caught:
            load(folder, encoder)
        assert str(folder) in str(caught.value)

    return check


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Replace one of a model's files, and its digest with it."""
    (folder / name).write_bytes(content)
    config = json.loads((folder / CONFIG).read_text())
    config["files"][name] = hashlib.sha256(content).hexdigest()
    (folder / CONFIG).write_text(json.dumps(config))


def change(folder: Path, **options: object) -> None:
    """Change what a model's config tells its station."""
    config = json.loads((folder / CONFIG).read_text())
    config["options"].update(options)
    (folder / CONFIG).write_text(json.dumps(config))


def test_saving_and_loading_keeps_the_captions(tmp_path, encoder):
    decoder, vocabulary = make_decoder(3), Vocabulary([*SPECIAL, "dog", "cat", "runs"])
    decoding, critic = Decoding(beam_width=2, max_words=4), Agreeing()
    before = Captioner(
        Checkpoint("tiny", as_graphs(decoder, in_int8=True), vocabulary, decoding, "0" * 64), encoder, critic
    )
    save_checkpoint(
        tmp_path, "tiny", decoder, vocabulary, decoding, encoder_digest=encoder.digest, concepts_digest=critic.digest
    )
    after, batch = Captioner.load(tmp_path, encoder, critic), make_batch(2)
    assert after.decoding == decoding
    for old, new in zip(before.write(batch), after.write(batch), strict=True):
        assert [caption.text for caption in old] == [caption.text for caption in new]
        assert [c.log_prob for c in old] == pytest.approx([c.log_prob for c in new], abs=0.05)


def save_with_terms(folder: Path, encoder: encoding.Encoder, terms: tuple[str, ...]) -> Decoder:
    decoder, vocabulary = make_decoder(3, n_terms=2), Vocabulary([*SPECIAL, "dog", "cat", "runs"])
    save_checkpoint(
        folder,
        "tiny",
        decoder,
        vocabulary,
        Decoding(beam_width=2, max_words=4),
        encoder_digest=encoder.digest,
        concepts_digest=open_model(MODELS_DIR / "concepts", Station.CONCEPTS).digest,
        terms=terms,
    )
    return decoder


def test_a_decoder_that_reads_terms_gets_their_probabilities(tmp_path, encoder):
    decoder = save_with_terms(tmp_path, encoder, ("dog", "cat"))
    captioner, batch = load(tmp_path, encoder), make_batch(2)
    begun = captioner.see(batch)
    probs = torch.from_numpy(Agreeing().of_terms(batch, ["dog", "cat"]))
    wanted, first = decoder.begin(torch.from_numpy(encoder.regions(batch)), probs)
    assert begun.regions.shape == (2, N_REGIONS + 1, 8)
    assert np.allclose(begun.regions, wanted.regions.numpy(), atol=0.05)
    assert np.allclose(begun.hidden, first.hidden.numpy(), atol=0.05)
    assert not np.allclose(begun.regions[0, -1], begun.regions[1, -1])


def test_as_many_terms_as_the_config_says_are_wanted(tmp_path, encoder):
    save_with_terms(tmp_path, encoder, ("dog", "cat", "sofa"))
    with pytest.raises(ModelError, match=f"{TERMS} is damaged .3 terms, but {CONFIG} says 2"):
        load(tmp_path, encoder)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, VOCABULARY])
def test_a_missing_file_is_named(folder, refuse, name):
    (folder / name).unlink()
    refuse(f"{name} cannot be read: No such file")


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, VOCABULARY])
def test_a_truncated_file_is_named(folder, refuse, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    refuse(f"{name} is damaged")


def test_a_file_that_is_another_one_is_refused(folder, refuse):
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    refuse(f"{WEIGHTS} is damaged, or not the one that {CONFIG} names")


def test_weights_of_the_right_digest_that_are_none_are_refused(folder, refuse):
    rewrite(folder, WEIGHTS, b"no weights")
    refuse(f"{WEIGHTS} is damaged")


def test_a_vocabulary_of_another_length_is_refused(folder, refuse):
    rewrite(folder, VOCABULARY, json.dumps([*SPECIAL, "dog"]).encode())
    refuse(rf"{VOCABULARY} has 5 words, but {CONFIG} says 16")


def test_weights_that_are_no_numbers_are_refused(folder, refuse):
    state = load_file(folder / WEIGHTS)
    state["bias"][0] = torch.nan
    rewrite(folder, WEIGHTS, save(state))
    refuse(f"{WEIGHTS} holds numbers that are not finite")


def test_weights_that_lack_a_tensor_or_have_another_shape_are_refused(folder, refuse):
    state = load_file(folder / WEIGHTS)
    bias = state.pop("bias")
    rewrite(folder, WEIGHTS, save(state))
    refuse(f"{WEIGHTS} does not fit {CONFIG}: 1 tensors differ, among them bias")
    rewrite(folder, WEIGHTS, save({**state, "bias": bias[1:].clone()}))
    refuse(f"{WEIGHTS} does not fit {CONFIG}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": {"vocabulary": 16, "depth": 3}}, f"{CONFIG} is damaged"),
        ({"sizes": {"vocabulary": "16"}}, f"{CONFIG} is damaged"),
        ({"decoding": {"beam_width": 0}}, f"{CONFIG} is damaged"),
        ({"decoding": None}, f"{CONFIG} is damaged"),
        ({"encoder": "e" * 64}, "was made for another encoder"),
        ({"concepts": None}, "was made for another concept model"),
    ],
)
def test_options_that_cannot_be_used_are_refused(folder, refuse, options, message):
    change(folder, **options)
    refuse(message)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"format": 1}, f"{CONFIG} is of format 1"),
        ({"station": "detector"}, "holds a detector, not a captioner"),
        ({"files": None}, f"{CONFIG} is damaged"),
        ({"files": {}}, f"{CONFIG} names no"),
    ],
)
def test_a_config_that_is_another_one_is_refused(folder, refuse, config, message):
    (folder / CONFIG).write_text(json.dumps({**json.loads((folder / CONFIG).read_text()), **config}))
    refuse(message)


@pytest.mark.parametrize("words", ["5", "{}", '["a"]', "[1, 2, 3, 4]"])
def test_a_vocabulary_that_is_none_is_refused(folder, refuse, words):
    rewrite(folder, VOCABULARY, words.encode())
    refuse(f"{VOCABULARY} is damaged")
