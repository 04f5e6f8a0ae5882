"""Captioners of the older system: taken in from its checkpoints, and captioning as they did."""

import json
import math
import pickle
import shutil
import sys
from collections import OrderedDict
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import load as load_tensors
from torch import nn

from photosearch.errors import ModelError
from photosearch.pictures.images import Picture
from photosearch.records import Station
from photosearch.vision.captioner.attention import Inspector
from photosearch.vision.captioner.older_system.captioner import (
    ENCODED_AT_ONCE,
    VOCABULARY,
    WEIGHTS,
    OlderCaptioner,
)
from photosearch.vision.captioner.older_system.importer import import_checkpoint
from photosearch.vision.model_folder import open_model, write_model
from photosearch.vision.observer import Batch
from tests.power_cut import Disk
from tests.unit.vision.captioner.older_system import (
    FORMS,
    NEW_WORDS,
    OLD_NUMBERS,
    WORDMAP,
    WORDS,
    DecoderWithAttention,
    Encoder,
    checkpoint_of,
    make_parts,
    save_old,
    save_wordmap,
)


@pytest.fixture(scope="module")
def wordmap(tmp_path_factory):
    return save_wordmap(tmp_path_factory.mktemp("wordmap") / "WORDMAP_old.json")


@pytest.fixture(autouse=True)
def tidy(tmp_path):
    """What these tests write is large."""
    yield
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def parts():
    return make_parts()


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory, parts):
    """The same checkpoint in both file forms."""
    folder = tmp_path_factory.mktemp("checkpoints")
    content = checkpoint_of(*parts)
    yield {form: save_old(folder / f"BEST_checkpoint_{form}.pth.tar", content, form) for form in FORMS}
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def imported(tmp_path_factory, checkpoints, wordmap):
    folder = tmp_path_factory.mktemp("models")
    for form in FORMS:
        import_checkpoint(checkpoints[form], wordmap, folder / form, "old")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def captioner(imported):
    return OlderCaptioner.load(imported / "legacy")


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (6, 8, 3), dtype=np.uint8) for _ in range(ENCODED_AT_ONCE + 1)]
    return [Picture(str(n), 80, 60, Image.fromarray(pixels).resize((80, 60))) for n, pixels in enumerate(noise)]


# Taking in


def test_both_file_forms_give_the_same_model(imported):
    models = [open_model(imported / form, Station.CAPTIONER) for form in FORMS]
    assert models[0].digest == models[1].digest
    assert models[0].name == "old"
    assert models[0].options["sizes"] == {
        "vocabulary": 13, "embedding": 6, "hidden": 7, "attention": 5, "region": 2048, "depth": 50,
    }  # fmt: skip
    assert set(models[0].files) == {WEIGHTS, VOCABULARY}
    assert sorted(path.name for path in imported.iterdir()) == sorted(FORMS)  # nothing else was left


def test_what_was_imported_outlives_a_power_cut(tmp_path, checkpoints, wordmap, monkeypatch):
    disk = Disk(monkeypatch)
    import_checkpoint(checkpoints["zip"], wordmap, tmp_path / "old", "old")
    files = list((tmp_path / "old").iterdir())
    assert len(files) == 3
    assert all(disk.has_content(path) and disk.has_name(path, tmp_path) for path in files)


def test_the_words_rows_follow_our_numbers(imported, parts):
    model = open_model(imported / "zip", Station.CAPTIONER)
    assert json.loads(model.read(VOCABULARY)) == NEW_WORDS
    state = load_tensors(model.read(WEIGHTS))
    decoder = parts[1]
    for number, word in enumerate(NEW_WORDS):
        assert torch.equal(state["decoder.embedding.weight"][number], decoder.embedding.weight[WORDMAP[word]])
        assert torch.equal(state["decoder.fc.weight"][number], decoder.fc.weight[WORDMAP[word]])
        assert state["decoder.fc.bias"][number] == decoder.fc.bias[WORDMAP[word]]


def test_the_classes_of_the_checkpoint_are_never_looked_for(tmp_path, checkpoints, wordmap, monkeypatch):
    trap = ModuleType("models")
    trap.__getattr__ = lambda name: pytest.fail(f"models.{name} was looked for")
    monkeypatch.setitem(sys.modules, "models", trap)
    import_checkpoint(checkpoints["legacy"], wordmap, tmp_path / "new", "new")
    assert open_model(tmp_path / "new", Station.CAPTIONER).name == "new"


def test_resnet_101_is_known_by_its_blocks(tmp_path, wordmap):
    decoder = DecoderWithAttention()
    path = save_old(tmp_path / "BEST_101.pth.tar", {"encoder": Encoder(101), "decoder": decoder})
    import_checkpoint(path, wordmap, tmp_path / "new", "new")
    assert open_model(tmp_path / "new", Station.CAPTIONER).options["sizes"]["depth"] == 101
    assert len(OlderCaptioner.load(tmp_path / "new").observe(Batch([]))) == 0


def old_parameters():
    """A pickle module that writes parameters as torch did before 1.0: class, tensor and state."""

    class Pickler(pickle._Pickler):  # the one in C does not let torch's own subclass of it have its way
        def reducer_override(self, value):
            if isinstance(value, nn.Parameter):
                return nn.Parameter, (value.data,), (True, False, OrderedDict())
            return NotImplemented

    return SimpleNamespace(Pickler=Pickler, dump=pickle.dump, __name__="pickle")


@pytest.mark.parametrize("kind", ["parallel", "state dicts", "parameters of old", "double"])
def test_other_ways_to_hold_the_same_numbers(kind, tmp_path, parts, wordmap, imported):
    encoder, decoder = parts
    content, form, options = {"encoder": encoder, "decoder": decoder}, "zip", {}
    if kind == "parallel":
        content["decoder"] = nn.DataParallel(decoder)
    elif kind == "state dicts":
        content = {part: module.state_dict() for part, module in content.items()}
    elif kind == "double":
        content["decoder"] = DecoderWithAttention().double()
        content["decoder"].load_state_dict(decoder.state_dict())
    else:
        form, options = "legacy", {"pickle_module": old_parameters()}
    path = save_old(tmp_path / "other.pth.tar", content, form, **options)
    if kind == "parameters of old":
        assert b"torch.nn.parameter\nParameter" in path.read_bytes()
    import_checkpoint(path, wordmap, tmp_path / "new", "old")
    assert open_model(tmp_path / "new", "captioner").digest == open_model(imported / "zip", "captioner").digest


# Captioning


def test_logits_are_the_pickled_modules_own(captioner, parts):
    torch.manual_seed(1)
    grid, old_words = torch.rand(3, 14, 14, 2048), torch.randint(0, len(WORDMAP), (3, 8))
    new_number = {old: new for new, old in enumerate(OLD_NUMBERS)}
    new_words = torch.tensor([[new_number[int(word)] for word in row] for row in old_words])
    ours = captioner.decoder.decoder  # the network that the beam search's writer drives
    with torch.no_grad():
        wanted = parts[1](grid, old_words)[:, :, OLD_NUMBERS]
        memory, state = ours.begin(grid.flatten(1, 2))
        for t in range(old_words.shape[1]):
            embedded = ours.embedding(new_words[:, t])
            state, context, weights = ours.step(memory, state, embedded)
            torch.testing.assert_close(ours.logits(embedded, state.hidden, context), wanted[:, t])
            torch.testing.assert_close(weights.sum(1), torch.ones(3))


def test_regions_are_the_pickled_encoders_own(captioner, parts, pictures):
    squashed = [np.asarray(p.rgb.resize((256, 256), Image.Resampling.BILINEAR)) for p in pictures[:2]]
    scaled = torch.tensor(np.stack(squashed)).permute(0, 3, 1, 2) / 255
    pixels = torchvision.transforms.functional.normalize(scaled, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.no_grad():
        wanted = parts[0](pixels).flatten(1, 2)
    assert wanted.shape == (2, 196, 2048)
    # rounding differs from processor to processor, and grows with the values through a hundred layers
    torch.testing.assert_close(
        captioner.regions(pictures[:2]), wanted, rtol=1e-3, atol=1e-4 * wanted.abs().max().item()
    )


def test_captions_are_the_old_decoders_likeliest(captioner, parts, pictures):
    """What a caption claims as its log-probability is what the pickled module gives those words."""
    found = captioner.observe(Batch(pictures[:2]))
    regions = captioner.regions(pictures[:2])
    for i in range(2):
        best = found[i].captions[0]
        numbers = [WORDMAP[word] for word in ("<start>", *best.text.split(), "<end>")]
        with torch.no_grad():
            logits = parts[1](regions[i].reshape(1, 14, 14, 2048), torch.tensor([numbers[:-1]]))[0]
        for t, last in enumerate(numbers[:-1]):  # what our search never writes
            logits[t, [WORDMAP["<pad>"], WORDMAP["<start>"], WORDMAP["<unk>"], last]] = -math.inf
        if len(numbers) - 2 == captioner.decoding.max_words:  # there it can only end
            logits[-1, [n for n in range(len(WORDMAP)) if n != WORDMAP["<end>"]]] = -math.inf
        steps = logits.log_softmax(1)[range(len(numbers) - 1), numbers[1:]]
        assert best.log_prob == pytest.approx(float(steps.mean()), abs=1e-3)


def test_a_sentence_can_be_looked_into(captioner, pictures):
    inspector = Inspector(captioner, pictures[0])
    for caption in inspector.write():
        read = inspector.read(caption.text)
        assert read.grid == (14, 14)
        assert read.attention.sum(1) == pytest.approx(1, abs=1e-4)
        assert read.log_prob == pytest.approx(caption.log_prob, abs=1e-4)


def test_a_batch_is_captioned_as_one_by_one(captioner, pictures):
    together = captioner.observe(Batch(pictures))
    assert len(together) == len(pictures) > ENCODED_AT_ONCE
    for picture, findings in zip(pictures, together, strict=True):
        (alone,) = captioner.observe(Batch([picture]))
        assert [caption.text for caption in alone.captions] == [caption.text for caption in findings.captions]
        assert 1 <= len(findings.captions) <= 5
        assert [caption.rank for caption in findings.captions] == list(range(len(findings.captions)))
        for caption in findings.captions:
            assert set(caption.text.split()) <= set(WORDS)
            assert caption.log_prob <= 0
            assert caption.model == "old"
    assert captioner.station is Station.CAPTIONER
    assert captioner.observe(Batch([])) == []


# What was taken in


def rewritten(imported, folder, *, options=None, files=None):
    """The imported model, with other options or files, its config true to them."""
    model = open_model(imported / "zip", Station.CAPTIONER)
    content = {name: model.read(name) for name in model.files}
    write_model(folder, Station.CAPTIONER, "old", {**model.options, **(options or {})}, {**content, **(files or {})})
    return folder


NO_WEIGHTS = {WEIGHTS: b"no tensors"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"options": {"network": "another"}, "files": NO_WEIGHTS}, "config.json is damaged"),
        ({"options": {"sizes": {"vocabulary": 13}}, "files": NO_WEIGHTS}, "config.json is damaged"),
        ({"options": {"decoding": {"beam_width": 0}}, "files": NO_WEIGHTS}, "config.json is damaged"),
        ({"files": {VOCABULARY: b"[]", **NO_WEIGHTS}}, "vocabulary.json is damaged"),
        (
            {"files": {VOCABULARY: json.dumps(NEW_WORDS[:-1]).encode(), **NO_WEIGHTS}},
            "12 words, but config.json says 13",
        ),
        ({"files": NO_WEIGHTS}, "weights.safetensors is damaged"),
    ],
)
def test_a_folder_whose_files_do_not_belong_together(changes, reason, imported, tmp_path):
    folder = rewritten(imported, tmp_path / "odd", **changes)
    with pytest.raises(ModelError) as caught:
        OlderCaptioner.load(folder)
    assert str(folder) in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("vocabulary", 10**15), ("hidden", 0), ("depth", 18), ("region", 512), ("attention", "5"), ("embedding", True)],
)
def test_sizes_that_cannot_be(key, value, imported, tmp_path):
    sizes = open_model(imported / "zip", Station.CAPTIONER).options["sizes"]
    folder = rewritten(imported, tmp_path / "odd", options={"sizes": {**sizes, key: value}}, files=NO_WEIGHTS)
    with pytest.raises(ModelError, match="is damaged") as caught:
        OlderCaptioner.load(folder)
    assert str(folder) in str(caught.value)


def test_weights_of_another_depth(imported, tmp_path):
    sizes = open_model(imported / "zip", Station.CAPTIONER).options["sizes"]
    folder = rewritten(imported, tmp_path / "odd", options={"sizes": {**sizes, "depth": 101}})
    with pytest.raises(ModelError, match=r"weights\.safetensors is damaged \(\d+ tensors are missing"):
        OlderCaptioner.load(folder)


def test_a_folder_without_its_weights(imported, tmp_path):
    folder = rewritten(imported, tmp_path / "odd")
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors cannot be read: No such file"):
        OlderCaptioner.load(folder)
