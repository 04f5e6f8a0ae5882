"""Predicted search terms: what is kept of them, agreement with sentences, files that do not fit."""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from photosearch.errors import ModelError
from photosearch.pictures.images import Picture
from photosearch.settings import MODELS_DIR
from photosearch.vision.concepts import AGREEMENT_ROOT, IDF_FLOOR, N_PAIRS, N_TERMS, TERMS, Concepts
from photosearch.vision.model_folder import CONFIG
from photosearch.vision.observer import Batch
from photosearch.vision.registry import Models
from photosearch.words.analyzer import is_pair, terms

SHARES = {"dog": 0.25, "cat": 0.1, "grass": 0.5}
LOGITS = np.array([[2.0, -1.0, 0.0], [-3.0, 3.0, 0.5]], np.float32)


class FixedEncoder:
    digest = "e" * 64

    def regions(self, batch: Batch) -> np.ndarray:
        return np.zeros((len(batch.pictures), 49, 8), np.float32)


def picture(rgb: Image.Image) -> Picture:
    return Picture("0" * 64, *rgb.size, rgb)


def batch(n: int = 2) -> Batch:
    return Batch([picture(Image.new("RGB", (8, 8)))] * n)


def fixed(shares: dict[str, float] = SHARES, logits: np.ndarray = LOGITS) -> Concepts:
    """A concept model that sees the same in every first and every second picture."""
    return Concepts("fixed", "f" * 64, lambda vectors: [logits], shares, FixedEncoder())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(MODELS_DIR, MODELS_DIR)


def test_terms_come_with_probabilities_the_likeliest_first():
    first, second = (found.concepts for found in fixed().observe(batch()))
    assert [c.term for c in first] == ["dog", "grass", "cat"]
    assert [c.term for c in second] == ["cat", "grass", "dog"]
    assert first[0].prob == pytest.approx(1 / (1 + math.exp(-2)))


def test_the_likeliest_terms_and_pairs_are_kept_and_of_equal_ones_the_first():
    shares = {f"t{i}" if i % 3 else f"t{i} pair": 0.1 for i in range(3 * (N_TERMS + N_PAIRS))}
    logits = np.random.default_rng(0).integers(-9, 9, (2, len(shares))).astype(np.float32)  # many are equal
    for row, found in zip(logits, fixed(shares, logits).observe(batch()), strict=True):
        by_logit = sorted(zip(-row, range(len(row)), shares, strict=True))
        singles = [best for best in by_logit if not is_pair(best[2])][:N_TERMS]
        pairs = [best for best in by_logit if is_pair(best[2])][:N_PAIRS]
        assert [concept.term for concept in found.concepts] == [term for *_, term in sorted(singles + pairs)]


def test_no_pictures_no_terms():
    assert fixed().observe(Batch([])) == []


def test_agreement_is_the_cosine_of_sentence_and_prediction():
    texts = ["a dog on grass", "a cat", "unheard words"]
    agreement = fixed().agreement(batch(), [texts, texts])
    idf = {term: 1 - math.log(share + IDF_FLOOR) for term, share in SHARES.items()}
    for logits, found in zip(LOGITS, agreement, strict=True):
        predicted = {
            term: (1 + math.exp(-logit)) ** -AGREEMENT_ROOT * idf[term]
            for term, logit in zip(SHARES, logits, strict=True)
        }
        for text, cosine in zip(texts, found, strict=True):
            said = {term: idf[term] for term in terms(text) if term in SHARES}
            dot = sum(weight * predicted[term] for term, weight in said.items())
            norms = math.hypot(*said.values()) * math.hypot(*predicted.values()) or 1
            assert cosine == pytest.approx(dot / norms, abs=1e-6)


def test_pairs_are_predicted_and_leave_the_agreement_as_it_is():
    pair = {"dog": 0.25, "cat": 0.1, "dog grass": 0.5}
    (first, _) = (found.concepts for found in fixed(pair).observe(batch()))
    assert [c.term for c in first] == ["dog", "dog grass", "cat"]
    (alone, *_), _ = fixed(pair).agreement(batch(), [["a dog"], ["a dog"]])
    logits = {"dog": 2.0, "cat": -1.0}
    weights = {
        t: (1 + math.exp(-x)) ** -AGREEMENT_ROOT * (1 - math.log(pair[t] + IDF_FLOOR)) for t, x in logits.items()
    }
    assert alone == pytest.approx(weights["dog"] / math.hypot(*weights.values()), abs=1e-6)


def test_unsaid_is_the_likely_term_most_worth_saying():
    """Probabilities are .88, .27 and .5, then .05, .95 and .62 of dog, cat and grass, which is the commonest."""
    concepts, sayable = fixed(), {"dog", "cat", "grass"}
    texts = ["a cat", "two dogs"]
    assert concepts.unsaid(batch(), texts, 0.4, sayable) == ["dog", "cat"]
    assert concepts.unsaid(batch(), ["the dog", "cats"], 0.4, sayable) == ["grass", "grass"]
    assert concepts.unsaid(batch(), ["the dog", "cats"], 0.65, sayable) == [None, None]
    assert concepts.unsaid(batch(), texts, 0.4, {"grass"}) == ["grass", "grass"]


def test_log_lifts_say_how_much_likelier_than_usual_rare_terms_are():
    """Probabilities are .88, .27 and .5, then .05, .95 and .62 of swan, cat and moss, of which cat is not rare."""
    concepts = fixed({"swan": 0.002, "cat": 0.1, "moss": 0.009})
    first, second = concepts.log_lifts(batch(), ["moss", "unheard-of", "cat", "swan"])
    swan, moss = 0.002 + IDF_FLOOR, 0.009 + IDF_FLOOR
    assert first == pytest.approx([math.log(0.5 / moss), 0, 0, math.log(0.8808 / swan)], abs=1e-3)
    assert second == pytest.approx([math.log(0.6225 / moss), 0, 0, math.log(0.0474 / swan)], abs=1e-3)


def test_what_is_no_likelier_than_usual_has_no_lift():
    concepts = fixed({"swan": 0.005, "cat": 0.1, "moss": 0.005}, LOGITS - 9)
    assert concepts.log_lifts(batch(), ["swan", "moss"]).tolist() == [[0, 0], [0, 0]]


def test_pairs_are_not_to_be_said():
    pair = {"dog": 0.25, "cat": 0.1, "dog grass": 0.5}
    assert fixed(pair).unsaid(batch(), ["a dog", "a cat"], 0.4, {*pair}) == [None, None]


def test_terms_that_are_not_as_many_as_the_outputs_are_told():
    with pytest.raises(ModelError, match="predicts 3 terms, but names 2"):
        fixed({"dog": 0.1, "cat": 0.1}).observe(batch())


def test_it_says_something_true_of_a_photograph(models):
    (found,) = models.concepts().observe(Batch([picture(Image.fromarray(skimage.data.chelsea()))]))
    kinds = [is_pair(concept.term) for concept in found.concepts]
    assert (kinds.count(False), kinds.count(True)) == (N_TERMS, N_PAIRS)
    assert found.concepts[0].term == "cat"
    probs = [concept.prob for concept in found.concepts]
    assert probs == sorted(probs, reverse=True)
    assert 0 < probs[-1] <= probs[0] <= 1


def test_together_is_as_alone(models):
    pictures = [picture(Image.fromarray(getattr(skimage.data, name)())) for name in ("chelsea", "coffee")]
    together = models.concepts().probabilities(Batch(pictures))
    alone = [models.concepts().probabilities(Batch([one]))[0] for one in pictures]
    assert np.abs(together - np.stack(alone)).max() < 1e-4


def test_the_graph_is_the_network_in_torch():
    from training.concepts import ConceptNetwork, Head
    from training.graphs import export_graph

    torch.manual_seed(0)
    network = ConceptNetwork([Head(torch.rand(2, 12), hidden) for hidden in (64, 32)]).eval()
    content = export_graph(network, torch.randn(2, 2 * 1280), ["logits"])
    vectors = torch.randn(3, 2 * 1280)
    import onnxruntime

    (found,) = onnxruntime.InferenceSession(content).run(None, {"input": vectors.numpy()})
    with torch.inference_mode():
        assert np.abs(found - network(vectors).numpy()).max() < 0.01  # its weights are float16


def test_heads_are_tuned_so_that_descriptions_find_their_photos(monkeypatch):
    from training import ranking
    from training.concepts import Head, Targets
    from training.encoder import term_shares
    from training.features import Features

    for name, value in {"BATCH": 12, "N_PASSES": 100, "EMA_DECAY": 0.9}.items():
        monkeypatch.setattr(ranking, name, value)
    torch.manual_seed(0)
    captions = [
        [f"{what} {where}"] for what in ("dog", "cat", "car", "cup") for where in ("snow", "grass", "sand", "sea")
    ]
    said_terms = sorted({term for (text,) in captions for term in terms(text)})
    n, shares = len(said_terms), term_shares(captions, said_terms)
    targets = Targets(said_terms, n, shares, torch.arange(n), torch.zeros(len(captions), dtype=torch.int64))
    vectors = torch.randn(len(captions), 2 * 1280).half().numpy()
    head, said = Head(torch.zeros(2, n), 32).eval(), ranking.described(captions, said_terms)

    def n_found(head: Head) -> int:
        with torch.inference_mode():
            photos = torch.nn.functional.normalize(head.terms(torch.from_numpy(vectors).float()).sigmoid(), dim=1)
        return int(((shares.float() @ photos.T).argmax(1) == torch.arange(len(captions))).sum())

    tuned = ranking.rank_descriptions(head, Features([], [vectors]), targets, said, torch.arange(len(captions)), 0)
    assert n_found(head) < 5
    assert n_found(tuned) == len(captions)


def test_each_photo_s_terms_are_predicted_by_a_head_that_has_not_seen_it(monkeypatch):
    from training import concepts, out_of_fold, ranking
    from training.concepts import Targets
    from training.encoder import term_shares
    from training.features import Features

    for name, value in {"BATCH": 8, "N_PASSES": 10}.items():
        monkeypatch.setattr(ranking, name, value)
    monkeypatch.setattr(concepts, "BATCH", 4)
    monkeypatch.setattr(out_of_fold, "FOLD_HEAD", (16, 0.3))
    places = ("grass", "grass", "grass", "grass", "grass", "snow", "sand")
    captions = [[f"{what} {place}"] for what in ("dog", "cat", "car", "cup") for place in places]
    said = sorted({term for (text,) in captions for term in terms(text)})
    shares = term_shares(captions, said)
    targets = Targets(said, len(said), shares, torch.arange(len(said)), torch.arange(len(captions)) % 2)
    vectors = np.random.default_rng(0).standard_normal((len(captions), 2 * 1280)).astype(np.float16)
    logits = out_of_fold.out_of_fold(Features([], [vectors]), targets, captions)
    assert logits.shape == shares.shape
    assert torch.isfinite(logits).all()
    assert (logits.argmax(1) == said.index("grass")).all()  # of what they have not seen heads know what is usual


def test_calibrated_probabilities_mean_how_many_say_a_term():
    from training.out_of_fold import calibrate

    torch.manual_seed(0)
    logits = 3 * torch.randn(4000, 20)
    said = (torch.rand(4000, 20) < (0.5 * logits - 1).sigmoid()).float()
    assert calibrate(logits, said) == pytest.approx((0.5, -1), abs=0.03)


@pytest.fixture
def folder(tmp_path) -> Path:
    for path in (MODELS_DIR / "concepts").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_it_is_refused_beside_another_encoder(folder):
    with pytest.raises(ModelError, match="was made for another encoder"):
        Concepts.load(folder, FixedEncoder())  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"dog": 2.0}', b'{"dog": "x"}'])
def test_terms_that_are_none_are_refused(folder, models, content):
    (folder / TERMS).write_bytes(content)
    config = json.loads((folder / CONFIG).read_text())
    config["files"][TERMS] = hashlib.sha256(content).hexdigest()
    (folder / CONFIG).write_text(json.dumps(config))
    with pytest.raises(ModelError, match=rf"{TERMS} is damaged"):
        Concepts.load(folder, models.encoder())


def test_its_terms_are_the_analyzer_s():
    shares = json.loads((MODELS_DIR / "concepts" / TERMS).read_text())
    said = {term for text in ("two children", "a dog running", "bicycles", "snowy mountains") for term in terms(text)}
    assert said <= shares.keys()
    assert list(shares) == sorted(shares, key=lambda term: (is_pair(term), term))
