"""The grid of photos as the page hands it to the browser."""

from __future__ import annotations

import html
import json
import re

from streamlit.testing.v1 import AppTest


def cards(app: AppTest) -> list[str]:
    """The cells of all grids on the page, as HTML."""
    grids = (element.proto for element in app.get("bidi_component"))
    return [
        card for grid in grids if grid.component_name == "photosearch_grid" for card in json.loads(grid.json)["cards"]
    ]


def alts(app: AppTest) -> list[str]:
    """What the grids' pictures show, in words."""
    return [html.unescape(alt) for alt in re.findall(r'<img [^>]*alt="([^"]*)"', "".join(cards(app)))]


def photo_ids(app: AppTest) -> list[str]:
    """What the grids' buttons tell."""
    return re.findall(r'data-photo="([^"]*)"', "".join(cards(app)))
