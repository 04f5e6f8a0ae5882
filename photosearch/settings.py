"""What can be set from outside, read and checked once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from photosearch.analyzer import LANGUAGES
from photosearch.errors import SettingsError


def shipped_path(name: str) -> Path:
    """Return where a file or folder lies that comes with the code: "app.py", "pages" or "models".

    In a checkout they lie beside the package, once installed in its folder `shipped` (see pyproject.toml).
    """
    package = Path(__file__).resolve().parent
    installed = package / "shipped"
    return (installed if installed.is_dir() else package.parent) / name


MODELS_DIR = shipped_path("models")
KEEPS = ("thumbnail", "original")
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?")  # as browsers send it: no path, no capitals
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class Settings:
    """Where things are, and what is allowed."""

    library_dir: Path
    models_dir: Path = MODELS_DIR
    demo: bool = False  # the public demo: nothing can be added, changed or removed
    demo_source: str = "demo"  # what the public demo holds
    keep: str = "thumbnail"  # of a fetched photo: a JPEG of at most 640 px, or its "original" bytes
    allow_private: bool = False  # whether photos may be fetched from this machine and its own network
    cors_origins: tuple[str, ...] = ()  # sites whose pages may read the HTTP API in a visitor's browser; "*": all
    owner_language: str = ""  # of the posts' texts, where it is not English; a Snowball stemmer's name
    database: str | None = field(default=None, repr=False)  # PostgreSQL's URL with a password; None: SQLite


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment.

    PHOTOSEARCH_LIBRARY, PHOTOSEARCH_DATABASE, PHOTOSEARCH_DEMO, PHOTOSEARCH_DEMO_SOURCE, PHOTOSEARCH_KEEP,
    PHOTOSEARCH_ALLOW_PRIVATE, PHOTOSEARCH_CORS_ORIGINS, PHOTOSEARCH_OWNER_LANGUAGE.

    Raises:
        SettingsError: a value cannot be used.
    """
    library = environ.get("PHOTOSEARCH_LIBRARY", "").strip()
    keep = environ.get("PHOTOSEARCH_KEEP", "").strip().lower() or KEEPS[0]
    if keep not in KEEPS:
        raise SettingsError(f"PHOTOSEARCH_KEEP is {keep!r}; set it to {' or '.join(KEEPS)}, or leave it out.")
    return Settings(
        library_dir=Path(library).expanduser()
        if library
        else platformdirs.user_data_path("photosearch", appauthor=False),
        database=_database(environ.get("PHOTOSEARCH_DATABASE", "").strip()),
        demo=_switch(environ, "PHOTOSEARCH_DEMO", "for the public demo"),
        demo_source=environ.get("PHOTOSEARCH_DEMO_SOURCE", "").strip() or "demo",
        keep=keep,
        allow_private=_switch(environ, "PHOTOSEARCH_ALLOW_PRIVATE", "to fetch photos from private addresses"),
        cors_origins=_origins(environ.get("PHOTOSEARCH_CORS_ORIGINS", "")),
        owner_language=_language(environ.get("PHOTOSEARCH_OWNER_LANGUAGE", "")),
    )


def _database(url: str) -> str | None:
    if url and not re.match(r"postgres(ql)?://.*/[^/?]", url):
        raise SettingsError(  # which does not show it: it may hold a password
            "PHOTOSEARCH_DATABASE is no address of a PostgreSQL database; set it to"
            " postgresql://user:password@host/name, or leave it out to keep the library in a file."
        )
    return url or None


def _origins(value: str) -> tuple[str, ...]:
    origins = tuple(value.replace(",", " ").split())
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"PHOTOSEARCH_CORS_ORIGINS holds {origin!r}; set it to origins such as https://example.org, with"
                " commas between them, or leave it out."
            )
    return origins


def _language(value: str) -> str:
    name = value.strip().lower()
    if name and name not in LANGUAGES:
        known = ", ".join(sorted(LANGUAGES))
        raise SettingsError(f"PHOTOSEARCH_OWNER_LANGUAGE is {value!r}; set it to one of {known}, or leave it out.")
    return "" if name == "english" else name


def _switch(environ: Mapping[str, str], name: str, purpose: str) -> bool:
    value = environ.get(name, "").strip().lower()
    if value not in _YES + _NO:
        raise SettingsError(f"{name} is {value!r}; set it to 1 {purpose}, or leave it out.")
    return value in _YES
