"""Statements about the rows of a list of ids or digests, which are given as the parameter "these".

The list is one value, a JSON array. As many values as it has, SQLAlchemy would write into the statement anew each time,
which takes as long as SQLite takes to find a hundred photos.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, bindparam, column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator


class _Texts(TypeDecorator[Iterable[str]]):
    """A list of ids or digests, as a JSON array. What cannot be one, and PostgreSQL would refuse, is left out."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> str:  # noqa: ARG002 - as it is called
        return json.dumps([text for text in value or () if text.isascii() and "\0" not in text])


class _Elements(GenericFunction[str]):
    """The texts of a JSON array, as a table of one column, `value`."""

    name = "elements"
    type = Text()
    inherit_cache = True


@compiles(_Elements, "sqlite")
def _for_sqlite(function: _Elements, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(function.clauses, **options)})"


@compiles(_Elements, "postgresql")
def _for_postgresql(function: _Elements, compiler: Any, **options: Any) -> str:
    return f"jsonb_array_elements_text(CAST({compiler.process(function.clauses, **options)} AS JSONB))"


def among_these(of: ColumnElement[Any]) -> ColumnElement[bool]:
    """Select the rows whose column is one of the ids or digests that the statement is given as "these", a list."""
    elements = _Elements(bindparam("these", type_=_Texts)).table_valued("value")
    return of.in_(select(column("value")).select_from(elements))
