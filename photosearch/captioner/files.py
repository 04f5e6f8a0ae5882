"""The files a captioner consists of; read without loading it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from photosearch.errors import ModelError

WEIGHTS, CONFIG, VOCABULARY = "captioner.safetensors", "config.json", "vocabulary.json"
FORMAT = 1


@dataclass(frozen=True)
class Files:
    """A captioner's files as they were read."""

    folder: Path
    name: str
    config: dict[str, object]
    vocabulary: bytes
    weights: bytes
    digest: str  # SHA-256 over the three: another weight, word or option is another model


def read_files(folder: Path) -> Files:
    """Read a captioner's files whole.

    Raises:
        ModelError: one is missing, or the config cannot be read.
    """
    try:
        contents = {name: (folder / name).read_bytes() for name in sorted((WEIGHTS, CONFIG, VOCABULARY))}
    except OSError as error:
        raise ModelError(f"{error.filename} cannot be read: {error.strerror}. See models/README.md.") from error
    try:
        config = json.loads(contents[CONFIG])
        name, version = str(config["name"]), config["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder / CONFIG} is damaged ({error}). Get it again; see models/README.md.") from error
    if version != FORMAT:
        raise ModelError(
            f"{folder / CONFIG} is of format {version}; this version of photosearch reads format {FORMAT}."
        )
    digest = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents.values())).hexdigest()
    return Files(folder, name, config, contents[VOCABULARY], contents[WEIGHTS], digest)
