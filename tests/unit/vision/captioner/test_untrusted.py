"""Pickles that want more than to be read: nothing of theirs is run, changed or believed."""

import builtins
import io
import os
import pickle
import shutil
import struct
import subprocess
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from photosearch.errors import ModelError
from photosearch.vision.captioner.older_system.captioner import OlderCaptioner
from photosearch.vision.captioner.older_system.importer import import_checkpoint
from photosearch.vision.torch_files import module_tensors, open_untrusted
from photosearch.vision.untrusted import LazyTensor
from tests.unit.vision.captioner.older_system import FORMS, make_parts, save_old, save_wordmap


@pytest.fixture
def refused(tmp_path):
    """Imports what must be refused, and sees that the message is a line that names the file and nothing is written."""
    wordmap = save_wordmap(tmp_path / "WORDMAP.json")

    def refuse(checkpoint: Path) -> str:
        with pytest.raises(ModelError) as caught:
            import_checkpoint(checkpoint, wordmap, tmp_path / "models" / "new", "new")
        message = str(caught.value)
        assert str(checkpoint) in message
        assert message.isprintable()
        assert not (tmp_path / "models").exists()
        return message

    return refuse


def legacy(body: bytes, keys: list[str] = (), numbers: bytes = b"") -> bytes:
    """A file of the form before torch 1.6 around a pickle."""
    head = (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}})
    return b"".join(pickle.dumps(part, 2) for part in head) + body + pickle.dumps(list(keys), 2) + numbers


def zipped(body: bytes, keys: list[str] = (), numbers: bytes = b"", **options: int) -> bytes:
    """A file of today's form around a pickle; `numbers` as `legacy` has them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:
        archive.writestr("archive/data.pkl", body)
        for key in keys:
            archive.writestr(f"archive/data/{key}", numbers[8:])
    return out.getvalue()


MAKERS = {"zip": zipped, "legacy": legacy}
FOUR = struct.pack("<q4f", 4, 1, 2, 3, 4)
N_CHANGES = 400
STORAGE = b"(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\ntQ"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + b"I0\n(I2\nI2\nt(I2\nI1\ntI00\nNtR"


class Runs:
    """Pickles as a call, as an attacker's object does."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def payloads(mark: Path) -> dict[str, bytes]:
    """Pickles that write `mark` when they are run."""
    touch = f"touch '{mark}'"
    write = f"__import__('pathlib').Path({str(mark)!r}).write_text('x')"
    shell = f"cos\nsystem\n(S{touch!r}\n"
    return {
        "os.system": pickle.dumps(Runs(os.system, touch), 2),
        "eval": pickle.dumps(Runs(builtins.eval, write), 2),
        "exec, protocol 4": pickle.dumps(Runs(builtins.exec, write), 4),
        "subprocess": pickle.dumps(Runs(subprocess.check_call, ["touch", str(mark)]), 2),
        "open": pickle.dumps(Runs(open, str(mark), "w"), 2),
        "within the encoder": pickle.dumps({"encoder": Runs(os.system, touch), "decoder": Runs(os.system, touch)}, 2),
        "as a key": pickle.dumps({Runs(os.mkdir, str(mark)): 1}, 2),
        "INST": f"(S{touch!r}\nios\nsystem\n.".encode(),
        "OBJ": f"(cos\nsystem\nS{touch!r}\no.".encode(),
        "REDUCE": f"{shell}tR.".encode(),
        "a dotted name": b"\x80\x04\x8c\x02os\x8c\x0dpath.os.mkdir\x93" + pickle.dumps(str(mark))[2:-1] + b"\x85R.",
    }  # fmt: skip


PAYLOADS = sorted(payloads(Path("mark")))


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_payloads_would_run(name, tmp_path):
    """Else the next test would prove nothing."""
    mark = tmp_path / "mark"
    made = pickle.loads(payloads(mark)[name])  # noqa: S301
    if name == "open":
        made.close()
    assert mark.exists()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PAYLOADS)
def test_nothing_in_a_pickle_is_run(name, form, refused, tmp_path):
    mark = tmp_path / "mark"
    path = tmp_path / "evil.pth.tar"
    path.write_bytes(MAKERS[form](payloads(mark)[name]))
    refused(path)
    assert not mark.exists()


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_checkpoint_with_a_call_in_it_is_taken_in_and_the_call_is_not_made(form, tmp_path):
    mark = tmp_path / "mark"
    encoder, decoder = make_parts()
    content = {"epoch": Runs(os.system, f"touch '{mark}'"), "encoder": encoder, "decoder": decoder}
    path = save_old(tmp_path / "evil.pth.tar", content, form)
    import_checkpoint(path, save_wordmap(tmp_path / "WORDMAP.json"), tmp_path / "new", "new")
    assert OlderCaptioner.load(tmp_path / "new").name == "new"
    assert not mark.exists()
    shutil.rmtree(tmp_path)  # it is large


def test_torch_load_is_not_called(refused, tmp_path):
    inner, mark = tmp_path / "inner.pth", tmp_path / "mark"
    inner.write_bytes(legacy(pickle.dumps(Runs(os.system, f"touch '{mark}'"), 2)))
    path = tmp_path / "evil.pth.tar"
    path.write_bytes(legacy(f"ctorch\nload\n(S{str(inner)!r}\nS'cpu'\nNI00\ntR.".encode()))
    refused(path)
    assert not mark.exists()


def read(path, content):
    """A file's tensors, whatever it is: those in a dict, or the one that it is."""
    path.write_bytes(content)
    with open_untrusted(path) as found:
        tensors = {"": found} if isinstance(found, LazyTensor) else module_tensors(found)
        return {name: tensor.read().tolist() for name, tensor in tensors.items()}


@pytest.mark.parametrize("make", [zipped, legacy])
@pytest.mark.parametrize(
    "change",
    [
        b"",
        b"}S'shape'\n(I100000\ntsS'strides'\n(I1\ntsS'offset'\nI4000\nsb",
        b"(N}S'shape'\n(I100000\ntstb",
        b"(I01\nI00\nNtb",
    ],
)
def test_a_tensor_cannot_be_changed_once_made(change, make, tmp_path):
    assert read(tmp_path / "a.pth", make(TENSOR + change + b".", ["0"], FOUR)) == {"": [[1, 2], [3, 4]]}


@pytest.mark.parametrize("make", [zipped, legacy])
def test_a_storage_cannot_be_changed_once_made(make, tmp_path):
    body = TENSOR.replace(STORAGE, STORAGE + b"}S'n'\nI999999\nsS'read'\ncbuiltins\nprint\nsb")
    assert read(tmp_path / "a.pth", make(body + b".", ["0"], FOUR)) == {"": [[1, 2], [3, 4]]}


@pytest.mark.parametrize(
    "name",
    [b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_parameter\n", b"ctorch\nFloatStorage\n"],
)
def test_our_own_functions_cannot_be_changed(name, tmp_path):
    change = name + b"(}S'make'\nI1\nsS'dtype'\nI1\ns}S'make'\nI1\nsS'__call__'\nI1\nstb0"
    for _ in range(2):  # a change would tell the second time
        assert read(tmp_path / "a.pth", legacy(change + TENSOR + b".", ["0"], FOUR)) == {"": [[1, 2], [3, 4]]}


@pytest.mark.parametrize(
    ("name", "state"),
    [(b"ccollections\nOrderedDict\n", b"}S'get'\nI1\ns"), (b"cmodels\nEncoder\n", b"(N}S'extend'\nI1\nst")],
)
def test_classes_cannot_be_changed(name, state, refused, tmp_path):
    path = tmp_path / "evil.pth.tar"
    path.write_bytes(legacy(name + state + b"b."))
    assert "damaged" in refused(path)
    assert OrderedDict({"a": 1}).get("a") == 1


@pytest.mark.parametrize("make", [zipped, legacy])
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"I4\ntQ", b"I1000000000000\ntQ", "bytes, not the 4,000,000,000,000|cut short"),
        (b"I4\ntQ", b"I-4\ntQ", "unknown kind"),
        (b"I4\ntQ", b"S'4'\ntQ", "unknown kind"),
        (b"I4\ntQ", b"L" + b"9" * 40 + b"L\ntQ", "bytes, not the 39,999|cut short"),
        (b"I4\ntQ", b"I2\ntQ", "bytes, not the 8 that|reaches beyond"),
        (b"(I2\nI2\nt(I2\nI1\nt", b"(I1000000\nI1000000\nt(I0\nI0\nt", "reaches beyond"),  # one number as 10^12
        (b"(I2\nI2\nt(I2\nI1\nt", b"(I2\nI2\nt(I3\nI1\nt", "reaches beyond"),
        (b"(I2\nI2\nt(I2\nI1\nt", b"(I2\nI2\nt(I-2\nI1\nt", "impossible shape"),
        (b"(I2\nI2\nt(I2\nI1\nt", b"(I2\nI2\nt(I1\nt", "impossible shape"),
        (b"(I2\nI2\nt(I2\nI1\nt", b"(" + b"I1\n" * 40 + b"t(" + b"I1\n" * 40 + b"t", "impossible shape"),
        (b"(I2\nI2\nt(I2\nI1\nt", b"NN", "not described as torch does"),
        (b"tQI0\n", b"tQI1\n", "reaches beyond"),
        (b"tQI0\n", b"tQI-1\n", "impossible shape"),
        (b"torch\nFloatStorage", b"torch\nQInt8Storage", "unknown kind"),
        (b"torch\nFloatStorage", b"os\nFloatStorage", "unknown kind"),
        (b"S'storage'", b"S'folder'", "no tensor"),
        (b"S'0'", b"S'../../0'", r"holds no data/\.\./\.\./0|list of numbers does not fit"),
        (b"S'0'\n", b"I7\n", "unknown kind"),
        (b"I4\ntQ", b"I4\n(S'1'\nI1\nI2\nttQ", "views of storages"),
        (STORAGE, b"P0\n", "no tensor"),
        (STORAGE, b"NQ", "no tensor"),
        (STORAGE, b"I4\n", "not described as torch does"),
        (STORAGE, b"\x82\x01", "extension 1"),
    ],
)
def test_tensors_that_are_not_what_they_say(old, new, reason, make, tmp_path):
    assert TENSOR.count(old) == 1
    path = tmp_path / "evil.pth"
    with pytest.raises(ModelError, match=reason) as caught:
        read(path, make(TENSOR.replace(old, new) + b".", ["0"], FOUR))
    assert str(path) in str(caught.value)


def test_a_legacy_file_that_describes_its_numbers_in_two_ways(refused, tmp_path):
    path = tmp_path / "evil.pth.tar"
    body = b"(" + TENSOR + TENSOR.replace(b"FloatStorage", b"DoubleStorage") + b"t."
    path.write_bytes(legacy(body, ["0"], FOUR))
    assert "in two ways" in refused(path)


def test_a_zip_that_unpacks_to_much_more(refused, tmp_path):
    path = tmp_path / "bomb.pth.tar"
    body = pickle.dumps("0" * 30_000_000, 2)
    path.write_bytes(zipped(body, compression=zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 100_000
    assert "unpack to more" in refused(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "bomb",
    [
        b"Nr" + struct.pack("<I", 20_000_000) + b".",  # a memo of 20 million places
        b"\x80\x05\x96" + struct.pack("<Q", 100_000_000) + b".",  # a byte array of 100 MB
    ],
)
def test_a_few_bytes_do_not_fill_the_memory(form, bomb, refused, tmp_path):
    path = tmp_path / "bomb.pth.tar"
    path.write_bytes(MAKERS[form](bomb))
    tracemalloc.start()
    refused(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("form", FORMS)
def test_modules_that_contain_each_other(form, refused, tmp_path):
    module = b"(imodels\nEncoder\np1\n(dS'_modules'\n(dS'inner'\ng1\nsS'more'\ng1\nssb"
    path = tmp_path / "evil.pth.tar"
    path.write_bytes(MAKERS[form](b"(dS'encoder'\n" + module + b"sS'decoder'\ng1\ns."))
    assert "more than 5,000 modules" in refused(path)


def test_a_reason_that_quotes_the_file_is_made_fit_to_be_shown(refused, tmp_path):
    path = tmp_path / "evil.pth.tar"
    path.write_bytes(legacy(pickle.dumps(float, 2)[:-1] + b"I\x1b[31m red\n."))
    message = refused(path)
    assert "red" in message
    assert len(message) < 500 + len(str(path))


def read_all(path):
    """Read every tensor of a file; its message where it is refused."""
    try:
        with open_untrusted(path) as found:
            for part in found.values() if isinstance(found, dict) else ():
                for tensor in module_tensors(part).values():
                    tensor.read()
    except ModelError as error:
        return str(error)
    return None


@pytest.mark.parametrize("form", FORMS)
def test_no_damage_ends_in_anything_but_our_error(form, tmp_path):
    """Random changes of a small file: it is read, or refused with a line that names it."""
    small = save_old(tmp_path / "small.pth", {"encoder": nn.Linear(2, 2), "decoder": nn.LSTMCell(2, 1)}, form)
    content, path = small.read_bytes(), tmp_path / "changed.pth"
    rng = np.random.default_rng(0)
    messages = []
    for _ in range(N_CHANGES):
        changed = bytearray(content)
        for _ in range(int(rng.integers(1, 4))):
            changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
        path.write_bytes(changed)
        messages.append(read_all(path))
    refusals = [message for message in messages if message]
    assert 0 < len(refusals) < N_CHANGES
    assert all(str(path) in message and message.isprintable() for message in refusals)
