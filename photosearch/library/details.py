"""Details as the tables store them: JSON with the known facts by their names, and texts with their kinds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement

from photosearch.records import FACT_NAMES, Details, Facts, TextKind
from photosearch.words.places import name_area
from photosearch.words.times import by_the_clock

_MOMENTS = frozenset({"taken_at", "named_at"})  # facts that are moments, which JSON lacks
_TEXTS, _READER = "texts", "reader"
READER = 2  # raised when more is read from files than before: photos are then read again with the next run


def details_json(details: Details, *, of_file: bool = False) -> str:
    """Return details as JSON, with the names of the place at their coordinates; equal details give equal JSON.

    Those that a file says of itself are stored with their texts, and with the version of what read them.
    """
    if details.latitude is not None and details.longitude is not None:
        details = replace(details, area=name_area(details.latitude, details.longitude))
    values = {name: _plain(value) for name, value in details.known.items()}
    if of_file and details.texts:
        values[_TEXTS] = [[kind.value, text] for kind, text in details.texts]
    if of_file:
        values[_READER] = READER
    return json.dumps(values)


def is_read_by_this_version(details: ColumnElement[str]) -> ColumnElement[bool]:
    """Select pictures whose details were read by the present version."""
    return details.like(f'%"{_READER}": {READER}}}')


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.replace("\0", "") if isinstance(value, str) else value


def parse_details(text: str | None) -> Details:
    """Parse what `details_json` returned; None gives no details, and facts of newer versions are left out."""
    if text is None:
        return Details()
    values = json.loads(text)
    texts = tuple((TextKind(kind), said) for kind, said in values.pop(_TEXTS, ()))
    return Details(**_facts(values), texts=texts)  # type: ignore[arg-type]


def parse_facts(of_source: str | None, of_file: str | None) -> Facts:
    """Parse the facts of two details; those of the source come before those of the file."""
    if of_source is None and of_file is None:
        return Facts()
    if of_source is None or of_file is None:
        return Facts(**_facts(json.loads(of_source or of_file or "{}")))  # type: ignore[arg-type]
    source, file = (_facts(json.loads(text)) for text in (of_source, of_file))
    taken_at = by_the_clock(source.get("taken_at"), file.get("taken_at"))  # type: ignore[arg-type]
    return Facts(**{**file, **source, "taken_at": taken_at})  # type: ignore[arg-type]


def join_details(of_source: str | None, of_file: str | None, texts: Iterable[tuple[TextKind, str]]) -> Details:
    """Parse what a source and a file say, as `Details.completed_by` joins them, with the texts that a source has."""
    facts = vars(parse_facts(of_source, of_file))
    return Details(**facts, texts=tuple(dict.fromkeys((*texts, *parse_details(of_file).texts))))


def _facts(values: dict[str, object]) -> dict[str, object]:
    facts = {name: value for name, value in values.items() if name in FACT_NAMES}
    for name in _MOMENTS.intersection(facts):
        facts[name] = datetime.fromisoformat(str(facts[name]))
    return facts
