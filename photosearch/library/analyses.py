"""Reads what models found in pictures. Where several models of a station looked at one, the last one counts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, ColumnElement, Connection, Row, ScalarSelect, Select, Table, select

from photosearch.library import schema as t
from photosearch.library.among import among_these
from photosearch.records import Station

Key = tuple[str | None, int | None]  # a picture's SHA-256, and the number of a model that looked at it

# Built once, since building a statement takes longer than SQLite takes to run it.
_MODELS = select(t.model.c.station, t.model.c.id, t.model.c.name)
_ANALYSES = (
    select(t.analysis.c.sha256, t.analysis.c.model_id)
    .where(among_these(t.analysis.c.sha256))
    .order_by(t.analysis.c.at.desc(), t.analysis.c.model_id.desc())
)


class Analyses:
    """Which models looked at some pictures. Where no station ever had two models, that needs no look at the table."""

    def __init__(self, connection: Connection, shas: Sequence[str]) -> None:
        """Read which models looked at the pictures of these SHA-256."""
        known: dict[str, list[tuple[int, str]]] = {}
        for station, number, name in connection.execute(_MODELS).all():
            known.setdefault(station, []).append((number, name))
        self._only = {station: models for station, models in known.items() if len(models) == 1}
        self._of_several: dict[tuple[str | None, str], list[tuple[int, str]]] = {}
        several = {
            number: (station, name)
            for station, models in known.items()
            if station not in self._only
            for number, name in models
        }
        for sha256, number in connection.execute(_ANALYSES, {"these": shas}).all() if several else ():
            if number in several:
                station, name = several[number]
                self._of_several.setdefault((sha256, station), []).append((number, name))

    def models(self, sha256: str | None, station: Station) -> Sequence[tuple[int, str]]:
        """Return the numbers and names of a station's models that may have found something, the last one first."""
        return self._only[station] if station in self._only else self._of_several.get((sha256, station), ())

    def latest(self, sha256: str | None, station: Station) -> Key:
        """Return the key, in what `by_analysis` returns, of what the station's last model found in a picture."""
        models = self.models(sha256, station)
        return (sha256, models[0][0]) if models else (sha256, None)


def findings_of(table: Table, *columns: Column) -> Select:
    """Select what all models found in some pictures: the picture, the model, then these columns of a table."""
    return select(table.c.sha256, table.c.model_id, *columns).where(among_these(table.c.sha256))


def by_analysis(rows: Sequence[Row]) -> dict[Key, list[tuple]]:
    """Group what `findings_of` selects by picture and model."""
    found: dict[Key, list[tuple]] = {}
    for sha256, model_id, *values in rows:
        found.setdefault((sha256, model_id), []).append(tuple(values))
    return found


def newest_model(station: Station, sha256: ColumnElement[str]) -> ScalarSelect[int]:
    """Select the number of a station's model that analysed a picture last."""
    return (
        select(t.analysis.c.model_id)
        .select_from(t.analysis.join(t.model))
        .where(t.analysis.c.sha256 == sha256, t.model.c.station == station)
        .order_by(t.analysis.c.at.desc(), t.analysis.c.model_id.desc())
        .limit(1)
        .scalar_subquery()
    )
