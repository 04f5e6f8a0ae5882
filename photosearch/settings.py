"""What can be set from outside, read and checked once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from photosearch.errors import SettingsError

MODELS_DIR = Path(__file__).resolve().parents[1] / "models"
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class Settings:
    """Where things are, and what is allowed."""

    library_dir: Path
    models_dir: Path = MODELS_DIR
    demo: bool = False  # the public demo: nothing can be added, changed or removed
    demo_source: str = "demo"  # what the public demo holds


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment: PHOTOSEARCH_LIBRARY, PHOTOSEARCH_DEMO, PHOTOSEARCH_DEMO_SOURCE.

    Raises:
        SettingsError: a value cannot be used.
    """
    demo = environ.get("PHOTOSEARCH_DEMO", "").strip().lower()
    if demo not in _YES + _NO:
        raise SettingsError(f"PHOTOSEARCH_DEMO is {demo!r}; set it to 1 for the public demo, or leave it out.")
    library = environ.get("PHOTOSEARCH_LIBRARY", "").strip()
    return Settings(
        library_dir=Path(library).expanduser()
        if library
        else platformdirs.user_data_path("photosearch", appauthor=False),
        demo=demo in _YES,
        demo_source=environ.get("PHOTOSEARCH_DEMO_SOURCE", "").strip() or "demo",
    )
