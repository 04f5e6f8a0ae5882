"""Model cards: each model's folder with its size and description, for the page that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CARD = "README.md"
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_NEAR_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?://)[^)\s]*\)")  # to a file beside the card: no page shows it
_HEADING = re.compile(r"^(#{1,3}) ", re.MULTILINE)
_TITLE = re.compile(r"\A# .*\n+")


@dataclass(frozen=True)
class ModelCard:
    """A model's folder and the text of its card."""

    name: str  # the folder's
    n_bytes: int
    text: str  # Markdown, without its title; empty where there is no card
    is_ours: bool  # built in, not taken in from elsewhere


def list_cards(built_in: Path, imported: Path) -> list[ModelCard]:
    """List the models of both folders by name, the built-in ones first."""
    cards = []
    for root, is_ours in ((built_in, True), (imported, False)):
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            if folder.is_dir() and any(folder.iterdir()):
                text = _read_card(folder) if is_ours else ""
                cards.append(ModelCard(folder.name, _n_bytes(folder.iterdir()), text, is_ours))
    return cards


def _read_card(folder: Path) -> str:
    path = folder / CARD
    if not path.is_file():
        return ""
    text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
    return _HEADING.sub(r"###\1 ", _NEAR_LINK.sub(r"\1", _TITLE.sub("", text)))


def _n_bytes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())
