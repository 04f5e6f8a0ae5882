"""Words for search terms, which are stems: what is predicted as "puppi" is shown as "puppy"."""

from __future__ import annotations

import json
from collections.abc import Mapping

from streamlit import cache_resource

from photosearch.analyzer import terms, words
from photosearch.ui import state


@cache_resource(show_spinner=False)
def words_of_terms() -> Mapping[str | None, str]:
    """For each term the most frequent of the captioner's words that have it; none where there is no vocabulary."""
    path = state.workspace().settings.models_dir / "captioner" / "vocabulary.json"
    if not path.is_file():
        return {}
    found: dict[str | None, str] = {}
    for word in json.loads(path.read_text(encoding="utf-8")):  # by frequency
        if words(word) == [word] and len(stems := terms(word)) == 1:
            found.setdefault(stems[0], word)
    return found
