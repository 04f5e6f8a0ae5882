"""What scores and filters need to know of a whole collection: names, document frequencies, how many photos there are.

Document frequencies depend on the fields that are searched. Those of all fields, of each field, and of fields that
people choose together are counted; for any other choice the largest of its parts' is taken, since fields of one photo
mostly hold the same terms.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from photosearch.search.fields import ALL, GROUPS, Field
from photosearch.search.index.index import Index
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.segment import NO_DATE, Part
from photosearch.search.index.state import count_words
from photosearch.search.index.tables import Tables
from photosearch.search.index.views import View, count_df, idf_of

COUNTED = tuple(dict.fromkeys((ALL, *(group.fields for group in GROUPS), *(frozenset({field}) for field in Field))))
_OF_FIELD = {field: COUNTED.index(frozenset({field})) for field in Field}
PORTION = 512  # names that are written together
LISTS = ("terms", "words", "facets")
_NO_NORMS = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Counts:
    """The names of a collection and how often they occur; names are only added."""

    lexicon: Lexicon
    df: np.ndarray  # int64 (`COUNTED`, terms), in 1/255
    words: np.ndarray  # int64 (words)
    facets: np.ndarray  # int64 (facets): photos with each
    n_photos: int
    n_dated: int

    @classmethod
    def of_index(cls, index: Index) -> Counts:
        """Count what an index in files holds; the names are copied, since both go their own ways."""
        names: Mapping[str, Any] = index.lexicon.snapshot()
        lexicon = Lexicon(**names, language=index.tables.language)
        return cls._empty(lexicon).changed(index.state.parts(), (), index.tables)

    @classmethod
    def _empty(cls, lexicon: Lexicon) -> Counts:
        nothing = np.zeros(0, np.int64)
        return cls(lexicon, np.zeros((len(COUNTED), 0), np.int64), nothing, nothing, 0, 0)

    def changed(self, added: Sequence[Part], removed: Sequence[Part], tables: Tables) -> Counts:
        """Return the counts after photos were added and removed."""
        n_terms, n_words, n_facets = len(self.lexicon.terms), len(self.lexicon.words), len(self.lexicon.facets)
        df = np.pad(self.df, ((0, 0), (0, n_terms - self.df.shape[1])))
        words = np.pad(self.words, (0, n_words - len(self.words)))
        facets = np.pad(self.facets, (0, n_facets - len(self.facets)))
        n_photos, n_dated = self.n_photos, self.n_dated
        for parts, sign in ((added, 1), (removed, -1)):
            df = df + sign * np.stack([count_df(parts, n_terms, tables.kind_weights(fields)) for fields in COUNTED])
            words = words + sign * count_words(parts, n_words)
            for segment, rows in parts:
                of_rows = np.repeat(np.arange(len(segment)), np.diff(segment.facet_starts))
                facets = facets + sign * np.bincount(segment.facets[np.isin(of_rows, rows)], minlength=n_facets)
                n_photos += sign * len(rows)
                n_dated += sign * int((segment.taken[rows] != NO_DATE).sum())
        return replace(self, df=df, words=words, facets=facets, n_photos=n_photos, n_dated=n_dated)

    # Reading

    def view(self, fields: frozenset[Field], tables: Tables) -> View:
        """Return document frequencies and weights of some fields, without the norms of photos."""
        df = self._df(fields)
        return View.of(tables.kind_weights(fields), df, self.n_photos, _NO_NORMS, idf_of(df, self.n_photos))

    def _df(self, fields: frozenset[Field]) -> np.ndarray:
        if fields in COUNTED:
            return self.df[COUNTED.index(fields)]
        return self.df[[place for place, counted in enumerate(COUNTED) if counted <= fields]].max(0, initial=0)

    def holders(self, number: int, fields: frozenset[Field]) -> list[Field]:
        """Return those of the fields in which any photo has a term."""
        return [field for field in fields if self.df[_OF_FIELD[field], number] > 0]

    @cached_property
    def by_facet(self) -> dict[int, int]:
        """Count the photos that have each facet, by its number; only those that some photo has."""
        return {number: int(self.facets[number]) for number in np.flatnonzero(self.facets).tolist()}

    # Writing and reading in portions

    def portions(self, before: Counts | None = None) -> Iterator[tuple[str, str]]:
        """Yield the name and content of each portion, only of those that differ from what was before."""
        for name in LISTS:
            held, counted = getattr(self.lexicon, name), self._counts(name)
            n_before = before._counts(name).shape[-1] if before else 0
            for number in range(-(-counted.shape[-1] // PORTION)):
                own = slice(number * PORTION, min((number + 1) * PORTION, counted.shape[-1]))
                if before and own.stop <= n_before and (before._counts(name)[..., own] == counted[..., own]).all():
                    continue
                portion: dict[str, Any] = {"names": [held[place] for place in range(own.start, own.stop)]}
                portion["counts"] = counted[..., own].tolist()
                if name == "words":
                    portion["stems"] = self.lexicon.stems()[own].tolist()
                yield f"{name}-{number}", base64.b64encode(zlib.compress(json.dumps(portion).encode())).decode()

    def _counts(self, name: str) -> np.ndarray:
        return {"terms": self.df, "words": self.words, "facets": self.facets}[name]

    @classmethod
    def joined(cls, portions: Mapping[str, Mapping[str, Any]], n_photos: int, n_dated: int, tables: Tables) -> Counts:
        """Return the counts that these portions are of; raises `KeyError` or `ValueError` where one is missing."""
        lists = {}
        for name in LISTS:
            n = sum(key.startswith(f"{name}-") for key in portions)
            lists[name] = [portions[f"{name}-{number}"] for number in range(n)]
        names = {name: [own for part in parts for own in part["names"]] for name, parts in lists.items()}
        stems = [stem for part in lists["words"] for stem in part["stems"]]
        counts = {
            name: np.concatenate(
                [np.zeros((len(COUNTED), 0) if name == "terms" else 0, np.int64)]
                + [np.array(part["counts"], np.int64) for part in parts],
                axis=-1,
            )
            for name, parts in lists.items()
        }
        lexicon = Lexicon(**names, stems=stems, language=tables.language)
        return cls(lexicon, counts["terms"], counts["words"], counts["facets"], n_photos, n_dated)


def read_portion(text: str) -> dict[str, Any]:
    """Read a portion that `Counts.portions` wrote."""
    return json.loads(zlib.decompress(base64.b64decode(text)))
