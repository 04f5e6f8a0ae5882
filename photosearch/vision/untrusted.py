"""Pickled tensors, read without running anything that the pickle asks for.

A pickle is a program: it names classes and functions, calls them, and fills what they return. Here nothing is ever
imported: every name stands for an inert object, except the few that tensors are made of, which are our own and sealed.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, ClassVar

import numpy as np

_STORAGE_DTYPES = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8", "IntStorage": "<i4",
    "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
_MAX_DIMENSIONS = 8


class UntrustedError(ValueError):
    """The file is damaged, or is not what it should be; the message is the reason, without the file's name."""


class _Sealed:
    """What a pickle has made and may not change any more."""

    def __setstate__(self, state: object) -> None:
        """Ignore what the pickle would set; without this method it could set any attribute, of frozen classes too."""


class Inert:
    """Stands for whatever a pickle names: it can be called and filled, and does nothing."""

    state: object = None  # what the pickle filled it with, for instance a module's attributes

    def __new__(cls, *_args: object, **_options: object) -> Inert:  # noqa: D102
        return super().__new__(cls)

    def __init__(self, *_args: object, **_options: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state

    def append(self, item: object) -> None:
        """Ignore what a list of theirs would take in."""

    def extend(self, items: object) -> None:
        """Ignore what a list of theirs would take in."""

    def add(self, item: object) -> None:
        """Ignore what a set of theirs would take in."""

    def __setitem__(self, key: object, value: object) -> None:
        """Ignore what a mapping of theirs would take in."""


class _Mapping(dict, _Sealed):
    """Our `OrderedDict`."""

    __slots__ = ()


@dataclass(frozen=True)
class _StorageKind(_Sealed):
    """Our `torch.FloatStorage` and the like."""

    dtype: np.dtype


@dataclass(frozen=True)
class Storage(_Sealed):
    """A run of numbers; they are read when a tensor of it is wanted."""

    dtype: np.dtype
    n: int
    read: Callable[[], bytes]

    @property
    def n_bytes(self) -> int:
        """Their size in the file."""
        return self.n * self.dtype.itemsize


@dataclass(frozen=True)
class LazyTensor(_Sealed):
    """A tensor that has not been read yet; it fits within its storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in numbers, none negative

    @property
    def dtype(self) -> np.dtype:
        """The kind of its numbers."""
        return self.storage.dtype

    def read(self) -> np.ndarray:
        """Read the tensor's numbers; raises `UntrustedError` when the file does not hold them."""
        content = self.storage.read()
        if len(content) != self.storage.n_bytes:
            raise UntrustedError("it is cut short")
        numbers = np.frombuffer(content, self.dtype)
        if math.prod(self.shape) == 0:
            return np.zeros(self.shape, self.dtype)
        strides = tuple(stride * numbers.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides, writeable=False).copy()


@dataclass(frozen=True)
class _Maker(_Sealed):
    """One of our own functions, as the pickle may call it."""

    make: Callable[..., object]

    def __call__(self, *args: object) -> object:
        return self.make(*args)


def _rebuild_tensor(storage: object, offset: object, shape: object, strides: object, *_more: object) -> LazyTensor:
    """Take the arguments of torch's function of that name, and return a tensor that fits within its storage."""
    if not (isinstance(storage, Storage) and isinstance(shape, tuple) and isinstance(strides, tuple)):
        raise UntrustedError("a tensor is not described as torch does")
    if not all(isinstance(n, int) and n >= 0 for n in (offset, *shape, *strides)):
        raise UntrustedError("a tensor has an impossible shape")
    if not len(shape) == len(strides) <= _MAX_DIMENSIONS:
        raise UntrustedError("a tensor has an impossible shape")
    start = int(offset)  # type: ignore[call-overload]
    last = start + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    n = math.prod(shape)
    if n and (last >= storage.n or n > storage.n):
        raise UntrustedError("a tensor reaches beyond its numbers")
    return LazyTensor(storage, start, shape, strides)


def _rebuild_parameter(data: object, *_more: object) -> object:
    return data


_KNOWN: Mapping[tuple[str, str], object] = {
    ("collections", "OrderedDict"): _Mapping,
    ("torch._utils", "_rebuild_tensor"): _Maker(_rebuild_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): _Maker(_rebuild_tensor),
    ("torch._utils", "_rebuild_parameter"): _Maker(_rebuild_parameter),
    ("torch.nn.parameter", "Parameter"): _Maker(_rebuild_parameter),  # before torch 1.0
    **{
        (module, name): _StorageKind(np.dtype(dtype))
        for module in ("torch", "torch.cuda")
        for name, dtype in _STORAGE_DTYPES.items()
    },
}


class _Unpickler(pickle._Unpickler):
    """Python's own machine, not the one in C: there, a few bytes can ask for a memo that fills the memory."""

    def __init__(self, file: IO[bytes], storage: Callable[[str, np.dtype, int], Storage]) -> None:
        super().__init__(file)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """Return one of our own stand-ins for a name, or `Inert`; nothing is imported."""
        return _KNOWN.get((module, name), Inert)

    def get_extension(self, code: int) -> None:
        """Refuse the numbers that stand for classes which this process has registered; torch uses none."""
        raise UntrustedError(f"it asks for extension {code}, which no checkpoint does")

    def refuse_buffer(self) -> None:
        """Refuse a byte array: Python takes the memory that its length says before it reads a byte of it."""
        raise UntrustedError("it holds a byte array, which no checkpoint does")

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: refuse_buffer}

    def persistent_load(self, pid: Any) -> object:
        """Return a storage, or (before torch 1.6) `Inert` for a module's class, whose source is ignored."""
        if isinstance(pid, tuple) and len(pid) >= 2 and pid[0] == "module":
            return Inert
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage"):
            raise UntrustedError("it refers to something that is no tensor")
        _, kind, key, _, n, *view = pid
        if not (isinstance(kind, _StorageKind) and isinstance(key, str) and isinstance(n, int) and n >= 0):
            raise UntrustedError("it holds numbers of an unknown kind")
        if any(part is not None for part in view):
            raise UntrustedError("it holds views of storages, which only torch before 0.4 wrote")
        return self._storage(key, kind.dtype, n)


def unpickle(file: IO[bytes], storage: Callable[[str, np.dtype, int], Storage]) -> Any:
    """Read the next pickle of a file; raises `UntrustedError`."""
    try:
        return _Unpickler(file, storage).load()
    except UntrustedError:
        raise
    except (EOFError, struct.error) as error:
        raise UntrustedError("it is cut short") from error
    except RecursionError as error:
        raise UntrustedError("it is nested too deeply") from error
    except Exception as error:  # a damaged pickle fails in as many ways as there are instructions
        raise UntrustedError(f"it is damaged ({error or type(error).__name__})") from error
