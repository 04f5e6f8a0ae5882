"""Checkpoints of the older system that cannot be taken in: the reason is a line, and nothing is left behind."""

import json
import math
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from photosearch.errors import ModelError
from photosearch.vision.captioner.older_system.importer import import_checkpoint
from tests.unit.vision.captioner.older_system import (
    FORMS,
    WORDMAP,
    DecoderWithAttention,
    Thin,
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


class Refusal:
    """Imports what must be refused, and sees that the message is a line that names the file and nothing is left."""

    def __init__(self, folder: Path, wordmap: Path) -> None:
        self.folder = folder
        self.wordmap = wordmap

    def __call__(self, checkpoint, wordmap=None, name="new", names=None) -> str:
        before = sorted(self.folder.rglob("*"))
        with pytest.raises(ModelError) as caught:
            import_checkpoint(checkpoint, wordmap or self.wordmap, self.folder / "models" / "new", name)
        message = str(caught.value)
        assert str(names or checkpoint) in message
        assert "\n" not in message
        assert message.endswith((".", ")"))
        assert sorted(self.folder.rglob("*")) == before
        return message


@pytest.fixture
def refused(tmp_path, wordmap):
    return Refusal(tmp_path, wordmap)


def test_a_checkpoint_that_is_not_there(refused, tmp_path):
    assert "No such file" in refused(tmp_path / "BEST_nowhere.pth.tar")


def test_a_checkpoint_that_is_a_pipe_does_not_block(refused, tmp_path):
    os.mkfifo(tmp_path / "pipe.pth.tar")
    assert "it is no regular file" in refused(tmp_path / "pipe.pth.tar")


def test_a_checkpoint_that_is_a_folder(refused, tmp_path):
    (tmp_path / "folder.pth.tar").mkdir()
    assert "directory" in refused(tmp_path / "folder.pth.tar")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x80\x02.",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 99,
        b"PK\x03\x04 no zip",
        pickle.dumps({"encoder": 1}),
    ],
)
def test_what_is_no_torch_file(content, refused, tmp_path):
    path = tmp_path / "other.pth.tar"
    path.write_bytes(content)
    assert "Get the file again" in refused(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.0001, 0.3, 0.99, 1])
def test_a_checkpoint_cut_short(form, share, refused, checkpoints, tmp_path):
    path = tmp_path / "cut.pth.tar"
    content = checkpoints[form].read_bytes()
    path.write_bytes(content[: min(int(len(content) * share), len(content) - 1)])
    message = refused(path)
    assert "cut short" in message


def test_a_zip_with_changed_numbers(refused, checkpoints, tmp_path):
    content = bytearray(checkpoints["zip"].read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "changed.pth.tar"
    path.write_bytes(content)
    assert "CRC" in refused(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: [content], "no dict with encoder and decoder"),
        (lambda content: {"encoder": content["encoder"]}, "no dict with encoder and decoder"),
        (lambda content: {**content, "decoder": "none"}, "decoder.embedding.weight is not there"),
        (lambda content: {**content, "decoder": nn.Linear(2, 2)}, "decoder.embedding.weight is not there"),
        (lambda content: {**content, "encoder": nn.Linear(2, 2)}, "the third stage has 0 blocks"),
        (lambda content: {**content, "encoder": Thin()}, "tensors are missing, among them encoder."),
        (lambda content: {**content, "decoder": DecoderWithAttention(14)}, "it writes 14 words"),
        (lambda content: {**content, "decoder": DecoderWithAttention(encoder_dim=512)}, "regions of 512 numbers"),
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_captioner(change, reason, form, refused, tmp_path):
    content = {"encoder": Thin(), "decoder": DecoderWithAttention()}
    assert reason in refused(save_old(tmp_path / "other.pth.tar", change(content), form))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("fc", nn.Linear(7, 12), "decoder.fc.bias is of shape (12,), not (13,)"),
        ("f_beta", nn.Linear(6, 2048), "decoder.f_beta.weight is of shape (2048, 6), not (2048, 7)"),
        ("init_c", nn.Identity(), "2 tensors are missing, among them decoder.init_c.bias"),
        ("more", nn.Linear(1, 1), "2 tensors belong to another network, among them decoder.more.bias"),
    ],
)
def test_a_decoder_whose_sizes_do_not_fit(name, value, reason, refused, parts, tmp_path):
    decoder = DecoderWithAttention()
    setattr(decoder, name, value)
    path = save_old(tmp_path / "odd.pth.tar", {"encoder": parts[0], "decoder": decoder})
    assert reason in refused(path)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_numbers_that_are_not_finite(value, refused, parts, tmp_path):
    decoder = DecoderWithAttention().double()
    with torch.no_grad():
        decoder.init_h.bias[0] = value
    path = save_old(tmp_path / "odd.pth.tar", {"encoder": parts[0], "decoder": decoder})
    assert "decoder.init_h.bias holds numbers that are not finite" in refused(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is no JSON"),
        ('"\ud800', "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "no JSON object of words"),
        (json.dumps({**WORDMAP, "a": "1"}), "no JSON object of words"),
        (json.dumps({**WORDMAP, "a": 1.0}), "no JSON object of words"),
        (json.dumps({**WORDMAP, "a": True}), "no JSON object of words"),
        ("{}", "lacks <pad>, <start>, <end>, <unk>"),
        (json.dumps({word: n for word, n in WORDMAP.items() if word != "<end>"}), "lacks <end>"),
        (json.dumps({**WORDMAP, "a": 2}), "from 0 to 12, each once"),
        (json.dumps({**WORDMAP, "a": 13}), "from 0 to 12, each once"),
        (json.dumps({**WORDMAP, "a": -1}), "from 0 to 12, each once"),
    ],
)
def test_a_wordmap_that_cannot_be_used(content, reason, refused, checkpoints, tmp_path):
    path = tmp_path / "WORDMAP_odd.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    assert reason in refused(checkpoints["zip"], wordmap=path, names=path)


def test_a_wordmap_that_is_not_there(refused, checkpoints, tmp_path):
    path = tmp_path / "WORDMAP_nowhere.json"
    assert "No such file" in refused(checkpoints["zip"], wordmap=path, names=path)


def test_a_wordmap_of_another_checkpoint(refused, checkpoints, tmp_path):
    path = tmp_path / "WORDMAP_other.json"
    path.write_text(json.dumps({**WORDMAP, "bird": 13}))
    message = refused(checkpoints["zip"], wordmap=path)
    assert f'it writes 13 words, but "{path}" has 14' in message


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "..\\b", "a b", "a\n", "ä", "x" * 65])
def test_a_name_that_is_no_plain_folder_name(name, refused, checkpoints):
    assert "cannot be called" in refused(checkpoints["zip"], name=name, names=repr(name))


def test_a_name_that_is_taken(checkpoints, wordmap, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(ModelError, match=r'taken" is there already\. Choose another name'):
        import_checkpoint(checkpoints["zip"], wordmap, tmp_path / "taken", "taken")
    assert list((tmp_path / "taken").iterdir()) == []


def test_a_place_that_cannot_be_written(checkpoints, wordmap, tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelError, match=r'new" cannot be written'):
        import_checkpoint(checkpoints["zip"], wordmap, tmp_path / "models" / "new", "new")
