"""The options of a source as JSON, in which the library keeps them."""

from __future__ import annotations

import json
from datetime import date

from photosearch.sources.source import Options


def options_json(options: Options) -> str:
    """Return options as JSON, without those that have their default."""
    chosen = {
        "max_posts": options.max_posts,
        "since": options.since.isoformat() if options.since else None,
        "also": sorted(options.also),
        "login": options.login,
        "max_requests": options.max_requests,
        "follow_links": options.follow_links,
    }
    return json.dumps({name: value for name, value in chosen.items() if value}, ensure_ascii=False)


def parse_options(text: str) -> Options:
    """Read what `options_json` wrote; raise `ValueError` for other JSON values than objects."""
    chosen = json.loads(text)
    if not isinstance(chosen, dict):
        raise ValueError(f"{text!r} holds no choice of options")
    since = chosen.get("since")
    return Options(
        max_posts=chosen.get("max_posts"),
        since=date.fromisoformat(since) if since else None,
        also=frozenset(chosen.get("also", ())),
        login=chosen.get("login"),
        max_requests=chosen.get("max_requests"),
        follow_links=chosen.get("follow_links", False) is True,
    )
