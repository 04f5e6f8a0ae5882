"""The documents name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PATH = re.compile(r"`((?:[\w.-]+/)*[\w.-]+(?:\.(?:py|md|toml)|/))`")


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_path_exists(document):
    paths = _PATH.findall((ROOT / document).read_text(encoding="utf-8"))
    assert len(paths) > 10
    missing = [path for path in paths if not any((root / path).exists() for root in (ROOT, ROOT / "photosearch"))]
    assert missing == []


def test_the_map_fits_on_a_few_screens():
    assert len((ROOT / "docs/architecture.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_every_room_of_the_package_is_on_the_map():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = {path.name for path in (ROOT / "photosearch").iterdir() if (path / "__init__.py").exists()}
    assert {room for room in rooms if f"`{room}/`" not in text} == set()
