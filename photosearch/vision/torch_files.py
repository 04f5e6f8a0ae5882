"""PyTorch's pickled files, read without running any of the code that they name.

Both forms are read: the ZIP of today, and the one before torch 1.6.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from photosearch.errors import ModelError
from photosearch.files import open_regular
from photosearch.vision.untrusted import Inert, LazyTensor, Storage, UntrustedError, unpickle

_ZIP_MAGIC = b"PK\x03\x04"
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # torch.serialization's
_LEGACY_PROTOCOL = 1001
_MAX_MODULES = 5_000  # a ResNet-152 has 500; a pickle can make a handful of them contain each other without end
_MAX_REASON = 200
_ADVICE = "Get the file again, and see that it is a checkpoint of the older system (BEST_checkpoint_*.pth.tar)."


def _in_a_line(text: str) -> str:
    """Clean and shorten a reason that may quote the file, so that it can be shown."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_MAX_REASON]


@contextmanager
def open_untrusted(path: Path, advice: str = _ADVICE) -> Iterator[object]:
    """Open a pickled PyTorch file as containers, `Inert` objects and `LazyTensor`s, readable within the block.

    Args:
        path: the file.
        advice: what messages about a file that cannot be used tell people to do.

    Raises:
        ModelError: the file cannot be read, is damaged or is none of torch's, or the block raised `UntrustedError`.
    """
    try:
        with open_regular(path) as file:
            is_zip = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
            file.seek(0)
            yield _read_zip(file) if is_zip else _read_legacy(file)
    except OSError as error:
        raise ModelError(f'"{path}" cannot be read: {error.strerror or error}. Check the path.') from error
    except UntrustedError as error:
        raise ModelError(f'"{path}" cannot be used: {_in_a_line(str(error))}. {advice}') from error


def _read_zip(file: IO[bytes]) -> object:
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # as a damaged pickle
        raise UntrustedError("it is cut short, or damaged") from error
    n_bytes = os.fstat(file.fileno()).st_size
    entries = {info.filename.split("/", 1)[-1]: info for info in archive.infolist()}

    def read(name: str, expected_size: int | None = None) -> Callable[[], bytes]:
        info = entries.get(name)
        if info is None:
            raise UntrustedError(f"it holds no {name}")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > n_bytes:  # torch compresses nothing
            raise UntrustedError(f"its {name} would unpack to more than it is")
        if expected_size is not None and info.file_size != expected_size:
            raise UntrustedError(f"its {name} has {info.file_size:,} bytes, not the {expected_size:,} that it says")
        return lambda: _entry(archive, info)

    def storage(key: str, dtype: np.dtype, n: int) -> Storage:
        return Storage(dtype, n, read(f"data/{key}", n * dtype.itemsize))

    content = read("data.pkl")()
    if "byteorder" in entries and read("byteorder")() != b"little":
        raise UntrustedError("it was written on a machine of the other byte order")
    return unpickle(io.BytesIO(content), storage)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(info)
    except Exception as error:  # as a damaged pickle
        raise UntrustedError(f"it is damaged ({error or type(error).__name__})") from error


def _read_legacy(file: IO[bytes]) -> object:
    """Read the form before torch 1.6: several pickles in a row, then the storages' numbers in the order of a list."""
    storages: dict[str, Storage] = {}
    starts: dict[str, int] = {}

    def storage(key: str, dtype: np.dtype, n: int) -> Storage:
        def read() -> bytes:
            file.seek(starts[key])
            return file.read(n * dtype.itemsize)

        held = storages.setdefault(key, Storage(dtype, n, read))
        if (held.dtype, held.n) != (dtype, n):
            raise UntrustedError(f"it describes the numbers {key} in two ways")
        return held

    try:
        is_torch = unpickle(file, storage) == _LEGACY_MAGIC and unpickle(file, storage) == _LEGACY_PROTOCOL
    except UntrustedError as error:
        raise UntrustedError("it is no PyTorch file") from error
    if not is_torch:
        raise UntrustedError("it is no PyTorch file")
    system = unpickle(file, storage)
    if not (isinstance(system, dict) and system.get("little_endian") is True):
        raise UntrustedError("it was written on a machine of the other byte order")
    content, keys = unpickle(file, storage), unpickle(file, storage)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or set(keys) != storages.keys():
        raise UntrustedError("its list of numbers does not fit")
    _find_storages(file, storages, keys, starts)
    return content


def _find_storages(file: IO[bytes], storages: Mapping[str, Storage], keys: list[str], starts: dict[str, int]) -> None:
    """Note where each storage's numbers start, and check that the file holds all of them."""
    n_bytes = os.fstat(file.fileno()).st_size
    for key in keys:
        count = file.read(8)
        if len(count) < 8 or file.tell() + storages[key].n_bytes > n_bytes:
            raise UntrustedError("it is cut short")
        if struct.unpack("<q", count) != (storages[key].n,):
            raise UntrustedError(f"the numbers {key} are not as many as it says")
        starts[key] = file.tell()
        file.seek(storages[key].n_bytes, io.SEEK_CUR)


def module_tensors(module: object) -> dict[str, LazyTensor]:
    """Return the tensors of a pickled module or state dict by their names, as torch's `state_dict` gives them.

    Raises:
        UntrustedError: it holds more modules than any network.
    """
    tensors: dict[str, LazyTensor] = {}
    to_see, n_seen = [("", module)], 0
    while to_see:
        prefix, inner_module = to_see.pop()
        n_seen += 1
        if n_seen > _MAX_MODULES:
            raise UntrustedError(f"it holds more than {_MAX_MODULES:,} modules")
        state = inner_module.state if isinstance(inner_module, Inert) else inner_module
        if not isinstance(state, dict):
            continue
        modules = state.get("_modules")
        kinds = [state.get("_parameters"), state.get("_buffers")] if isinstance(modules, dict) else [state]
        for kind in kinds:
            for key, value in kind.items() if isinstance(kind, dict) else ():
                if isinstance(key, str) and isinstance(value, LazyTensor):
                    tensors[f"{prefix}{key}"] = value
        for key, inner in modules.items() if isinstance(modules, dict) else ():
            to_see.append((f"{prefix}{key}." if isinstance(key, str) else prefix, inner))
    return tensors
