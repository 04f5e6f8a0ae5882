"""A model's folder: a config, and the files that it names with their SHA-256, checked when read.

The config's digest is the model's: another weight, word or option is another model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from photosearch.errors import ModelError

CONFIG = "config.json"
FORMAT = 2
_ADVICE = "Get the folder again; see models/README.md."
ADVICE = "Get it again; see models/README.md."  # of a table


@dataclass(frozen=True)
class ModelFolder:
    """A model as its config describes it; its files are read when asked for."""

    path: Path
    station: str  # what it is for: captioner, encoder, concepts, classifier, detector
    name: str
    options: Mapping[str, object]  # what loading it needs besides the files
    files: Mapping[str, str]  # name to SHA-256
    digest: str

    def read(self, name: str) -> bytes:
        """Return the content of one of the files.

        Raises:
            ModelError: the config does not name it, it cannot be read, or it is not the one that the config names.
        """
        path = self.path / name
        if name not in self.files:
            raise ModelError(f"{self.path / CONFIG} names no {name}. {_ADVICE}")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}. {_ADVICE}") from error
        if hashlib.sha256(content).hexdigest() != self.files[name]:
            raise ModelError(f"{path} is damaged, or not the one that {CONFIG} names. {_ADVICE}")
        return content

    def damaged(self, name: str, error: Exception) -> ModelError:
        """Return the error to raise when a file's content cannot be used."""
        return ModelError(f"{self.path / name} is damaged ({error}). {_ADVICE}")


def read_table(path: Path) -> str:
    """Read the text of a table that lies beside the models; raises `ModelError`."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. {ADVICE}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is damaged ({error}). {ADVICE}") from error


def open_model(path: Path, station: str) -> ModelFolder:
    """Read a model's config; `station` says what it must be for.

    Raises:
        ModelError: there is no config, it cannot be read, or it is another station's.
    """
    config_path = path / CONFIG
    try:
        content = config_path.read_bytes()
    except OSError as error:
        raise ModelError(f"{config_path} cannot be read: {error.strerror}. {_ADVICE}") from error
    try:
        config = json.loads(content)
        version = config["format"]
        if version != FORMAT:
            raise ModelError(f"{config_path} is of format {version}; this version of photosearch reads {FORMAT}.")
        folder = ModelFolder(
            path,
            str(config["station"]),
            str(config["name"]),
            dict(config["options"]),
            {str(name): str(digest) for name, digest in dict(config["files"]).items()},
            hashlib.sha256(content).hexdigest(),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{config_path} is damaged ({error}). {_ADVICE}") from error
    if folder.station != station:
        raise ModelError(f"{path} holds a {folder.station}, not a {station}.")
    return folder


def write_model(
    path: Path, station: str, name: str, options: Mapping[str, object], files: Mapping[str, bytes]
) -> ModelFolder:
    """Write a model's files, the config last; existing files are replaced."""
    path.mkdir(parents=True, exist_ok=True)
    for file_name, content in files.items():
        (path / file_name).write_bytes(content)
    config = {
        "format": FORMAT,
        "station": station,
        "name": name,
        "options": dict(options),
        "files": {file_name: hashlib.sha256(content).hexdigest() for file_name, content in sorted(files.items())},
    }
    (path / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return open_model(path, station)


def check_same(path: Path, what: str, expected_digest: object, digest: str) -> None:
    """Raise `ModelError` unless a model that builds on another was made for the installed one."""
    if expected_digest != digest:
        raise ModelError(f"{path} was made for another {what} than the one that is here. {_ADVICE}")


def list_models(folders: Iterable[Path], station: str) -> dict[str, Path]:
    """Map a station's model folders' names to their paths; of equal names, that of the earlier `folders` counts."""
    paths: dict[str, Path] = {}
    for folder in folders:
        for config_path in sorted(folder.glob(f"*/{CONFIG}")):
            try:
                model = open_model(config_path.parent, station)
            except ModelError:
                continue  # another station's; a damaged one says so when it is asked for by name
            paths.setdefault(model.path.name, model.path)
    return paths
