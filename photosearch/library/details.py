"""Details as the tables store them: JSON with the known facts by their names, and texts with their kinds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement

from photosearch.records import FACT_NAMES, Details, Facts, TextKind
from photosearch.words.places import name_area
from photosearch.words.times import by_the_clock

_MOMENTS = frozenset({"taken_at", "named_at"})  # facts that are moments, which JSON lacks
_TEXTS, _READER = "texts", "reader"
_NAMES = frozenset(FACT_NAMES)
_parse = json.JSONDecoder().raw_decode  # no space is around what is stored: half the time of `loads`
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
    values = _values(text)
    return Details(**_facts(values), texts=_texts(values))  # type: ignore[arg-type]


def parse_facts(of_source: str | None, of_file: str | None) -> Facts:
    """Parse the facts of two details; those of the source come before those of the file."""
    return Facts(**_joined(_values(of_source), _values(of_file)))  # type: ignore[arg-type]


def join_details(of_source: str | None, of_file: str | None, texts: Iterable[tuple[TextKind, str]]) -> Details:
    """Parse what a source and a file say, as `Details.completed_by` joins them, with the texts that a source has."""
    source, file = _values(of_source), _values(of_file)
    said = tuple(dict.fromkeys((*texts, *_texts(file))))
    return Details(**_joined(source, file), texts=said)  # type: ignore[arg-type]


def _values(text: str | None) -> dict[str, Any]:
    """Return the object that JSON holds; without any, an empty one."""
    return _parse(text)[0] if text else {}


def _texts(values: dict[str, Any]) -> tuple[tuple[TextKind, str], ...]:
    return tuple([(TextKind(kind), said) for kind, said in values.get(_TEXTS, ())])


def _joined(source: dict[str, Any], file: dict[str, Any]) -> dict[str, object]:
    """Return the facts of both, those of the source first."""
    of_source, of_file = _facts(source), _facts(file)
    if not of_source or not of_file:
        return of_source or of_file
    taken_at = by_the_clock(of_source.get("taken_at"), of_file.get("taken_at"))  # type: ignore[arg-type]
    return {**of_file, **of_source, "taken_at": taken_at}


def _facts(values: dict[str, Any]) -> dict[str, object]:
    facts = {name: value for name, value in values.items() if name in _NAMES}
    for name in _MOMENTS:
        if name in facts:
            facts[name] = datetime.fromisoformat(str(facts[name]))
    return facts
