"""Captioners of transformers: the real loading and searching, on tiny models made on the spot. No network."""

import json
import os
import shutil
import sys
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from photosearch.errors import ModelError
from photosearch.pictures.images import Picture
from photosearch.records import Station
from photosearch.vision.captioner.hugging_face import (
    MAX_NEW_TOKENS,
    N_BEAMS,
    TASK_PROMPTS,
    WRITTEN_AT_ONCE,
    HuggingFaceCaptioner,
)
from photosearch.vision.observer import Batch
from tests.unit.vision.captioner.tiny_transformers import END, SAVERS, WORDS, save_tiny

KINDS = sorted(SAVERS)
WEIGHTS = "model.safetensors"
COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Several threads wait for each other longer than they compute in networks this small."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    return {kind: save_tiny(kind, folder / kind) for kind in KINDS}


@pytest.fixture(scope="module")
def captioners(tiny):
    return {kind: HuggingFaceCaptioner.load(str(folder)) for kind, folder in tiny.items()}


@pytest.fixture
def copy(tiny, tmp_path):
    """A tiny BLIP to be changed."""
    return shutil.copytree(tiny["blip"], tmp_path / "blip")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of downloads, and no hub to be reached."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture(scope="module")
def pictures():
    gradient = Image.linear_gradient("L").resize((80, 60)).convert("RGB")
    plain = [Image.new("RGB", (40, 60), colour) for colour in ("red", "green", "blue", "white")]
    return [Picture(str(n), *image.size, image) for n, image in enumerate([gradient, *plain])]


def refusal(name):
    with pytest.raises(ModelError) as caught:
        HuggingFaceCaptioner.load(str(name))
    message = str(caught.value)
    assert str(name) in message
    assert "\n" not in message
    return message


# Captioning


def test_every_kind_that_is_known_is_tried_here():
    assert sorted(TASK_PROMPTS) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_captions(kind, captioners, tiny, pictures):
    captioner = captioners[kind]
    found = captioner.observe(Batch(pictures))
    assert len(found) == len(pictures) > WRITTEN_AT_ONCE
    for findings in found:
        assert 1 <= len(findings.captions) <= N_BEAMS
        assert len({caption.text for caption in findings.captions}) == len(findings.captions)
        assert [caption.rank for caption in findings.captions] == list(range(len(findings.captions)))
        for caption in findings.captions:
            assert set(caption.text.split()) <= set(WORDS)
            assert caption.text
            assert caption.log_prob < 0
            assert caption.model == captioner.name == f"hf:{tiny[kind]}"
    assert captioner.station is Station.CAPTIONER
    assert captioner.observe(Batch([])) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_captioned_as_one_by_one(kind, captioners, pictures):
    together = captioners[kind].observe(Batch(pictures[:3]))
    for picture, findings in zip(pictures[:3], together, strict=True):
        (alone,) = captioners[kind].observe(Batch([picture]))
        assert [caption.text for caption in alone.captions] == [caption.text for caption in findings.captions]


@pytest.mark.parametrize(("kind", "ends"), [("vision-encoder-decoder", True), ("florence2", False)])
def test_log_prob_is_what_the_model_gives_the_words(kind, ends, captioners, pictures):
    """Nats a word, the end counted where it was written; told by one pass over the sentence instead of a search."""
    captioner = captioners[kind]
    inputs = captioner._prepare([pictures[0].rgb])
    captions = captioner.observe(Batch(pictures[:1]))[0].captions
    lengths = [len(caption.text.split()) for caption in captions]
    assert max(lengths) > 2
    assert all(n < MAX_NEW_TOKENS - 1 if ends else n == MAX_NEW_TOKENS for n in lengths)
    for caption in captions:
        numbers = captioner._tokenizer(caption.text, add_special_tokens=False)["input_ids"] + [END] * ends
        told = torch.tensor([[captioner._model.generation_config.decoder_start_token_id, *numbers]])
        with torch.no_grad():
            logits = captioner._model(**inputs, decoder_input_ids=told[:, :-1]).logits
        steps = logits.log_softmax(2).gather(2, told[:, 1:, None])
        assert caption.log_prob == pytest.approx(float(steps.mean()), abs=1e-4)


def test_florence_is_asked_for_a_caption(captioners, pictures):
    captioner = captioners["florence2"]
    inputs = captioner._prepare([picture.rgb for picture in pictures[:2]])
    asked = captioner._tokenizer.batch_decode(inputs["input_ids"], skip_special_tokens=True)
    assert asked == ["what does the image describe ?"] * 2  # what its processor makes of <CAPTION>


# Which model it is


def test_the_digest_is_the_files(tiny, captioners, tmp_path):
    digest = captioners["blip"].digest
    assert len(digest) == 64
    assert HuggingFaceCaptioner.load(str(tiny["blip"])).digest == digest
    moved = shutil.copytree(tiny["blip"], tmp_path / "moved")
    (moved / "README.md").write_text("another card is no other model")
    assert HuggingFaceCaptioner.load(str(moved)).digest == digest
    assert len({captioner.digest for captioner in captioners.values()}) == len(KINDS)


def test_other_weights_are_another_model(copy, captioners):
    state = load_file(copy / WEIGHTS)
    state[min(state)] += 1
    save_file(state, copy / WEIGHTS, metadata={"format": "pt"})
    assert HuggingFaceCaptioner.load(str(copy)).digest != captioners["blip"].digest


def test_other_preprocessing_is_another_model(copy, captioners):
    path = copy / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "image_mean": [0, 0, 0]}))
    assert HuggingFaceCaptioner.load(str(copy)).digest != captioners["blip"].digest


def downloaded(hub, folder, name="somebody/tiny", commit=COMMIT):
    """Lay a model's folder into the cache, as a download does."""
    place = hub / f"models--{name.replace('/', '--')}"
    (place / "refs").mkdir(parents=True, exist_ok=True)
    (place / "refs" / "main").write_text(commit)
    shutil.copytree(folder, place / "snapshots" / commit)
    return name


def test_a_model_by_its_name_on_the_hub(hub, tiny, captioners, pictures):
    captioner = HuggingFaceCaptioner.load(downloaded(hub, tiny["blip"]))
    assert captioner.name == "hf:somebody/tiny"
    texts = [caption.text for caption in captioner.observe(Batch(pictures[:1]))[0].captions]
    assert texts == [caption.text for caption in captioners["blip"].observe(Batch(pictures[:1]))[0].captions]


def test_another_commit_is_another_model(hub, tiny):
    first = HuggingFaceCaptioner.load(downloaded(hub, tiny["blip"])).digest
    assert HuggingFaceCaptioner.load("somebody/tiny").digest == first
    second = HuggingFaceCaptioner.load(downloaded(hub, tiny["blip"], commit=COMMIT[::-1])).digest
    assert len({first, second}) == 2


# What is refused


def test_without_transformers(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert refusal("somebody/tiny").endswith("Install it: pip install transformers")


def test_with_an_older_transformers(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(__version__="4.57.3"))
    message = refusal("somebody/tiny")
    assert "4.57.3 is installed" in message
    assert "pip install --upgrade transformers" in message


def test_a_model_that_cannot_be_had(hub):
    assert "Check the name, the folder or the network." in refusal("nobody/nothing")


@pytest.mark.parametrize("name", ["", "/nowhere/at/all", "./nowhere", "a/b/c", "no such model", "https://a.example/b"])
def test_what_is_neither_a_folder_nor_a_name(name, hub):
    assert "is neither a folder nor the name of a Hugging Face model" in refusal(name)


def test_an_empty_folder(tmp_path):
    assert "config.json" in refusal(tmp_path)


class Marks:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_weights_that_are_no_safetensors(copy, tmp_path):
    state = load_file(copy / WEIGHTS)
    (copy / WEIGHTS).unlink()
    torch.save({**state, "more": Marks(tmp_path / "mark")}, copy / "pytorch_model.bin")
    assert "has no safetensors, the only format of weights that is read" in refusal(copy)
    assert not (tmp_path / "mark").exists()


def test_no_safetensors_on_the_hub_either(hub, copy):
    (copy / WEIGHTS).rename(copy / "pytorch_model.bin")
    assert "has no safetensors" in refusal(downloaded(hub, copy))


def test_weights_that_are_cut_short(copy):
    (copy / WEIGHTS).write_bytes((copy / WEIGHTS).read_bytes()[:-100])
    assert "cannot be used" in refusal(copy)


def test_weights_that_are_not_all_there(copy):
    state = load_file(copy / WEIGHTS)
    lost = [key for key in sorted(state) if "vision_model.encoder" in key][:2]
    save_file({key: value for key, value in state.items() if key not in lost}, copy / WEIGHTS, {"format": "pt"})
    assert f"lacks 2 of its tensors, among them {lost[0]}" in refusal(copy)


def test_weights_of_another_shape(copy):
    state = load_file(copy / WEIGHTS)
    key = "vision_model.post_layernorm.bias"
    save_file({**state, key: torch.zeros(3)}, copy / WEIGHTS, {"format": "pt"})
    assert "cannot be used" in refusal(copy)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"model_type": "nothing"}'])
def test_a_config_that_cannot_be_used(content, copy):
    (copy / "config.json").write_text(content)
    assert "cannot be used" in refusal(copy)


def test_a_config_with_a_wrong_kind_of_value(copy):
    config = json.loads((copy / "config.json").read_text())
    config["text_config"]["hidden_size"] = "many"
    (copy / "config.json").write_text(json.dumps(config))
    assert "hidden_size" in refusal(copy)


def test_a_model_that_does_something_else(tmp_path):
    from transformers import ViTConfig

    ViTConfig().save_pretrained(tmp_path / "vit")
    assert 'is of the kind "vit", which is not supported. Choose one of the kinds blip' in refusal(tmp_path / "vit")


def test_code_that_comes_with_a_model_is_not_run(copy, tmp_path):
    config = json.loads((copy / "config.json").read_text())
    own = {"AutoConfig": "own.OwnConfig", "AutoModelForImageTextToText": "own.OwnModel"}
    (copy / "config.json").write_text(json.dumps({**config, "model_type": "own", "auto_map": own}))
    mark = tmp_path / "mark"
    (copy / "own.py").write_text(f"import os\nos.mkdir({str(mark)!r})\n")
    assert "cannot be used" in refusal(copy)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["tokenizer.json", "preprocessor_config.json"])
def test_a_folder_that_lacks_a_part(name, copy):
    (copy / name).unlink()
    assert "cannot be used" in refusal(copy)
