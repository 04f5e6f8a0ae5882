"""Any text as a query: it must be answered in bounded time, with valid scores."""

import time
from datetime import date

from hypothesis import strategies as st

from photosearch.search.dates import find_dates, with_filters
from photosearch.search.index import Index
from photosearch.search.query import NO_REFINEMENT, parse, parse_words
from tests.fuzz.photos import TABLES, WORDS, make_photos

MAX_CHARS = 100_000
LIMIT_S = 5.0  # of processor time; a query of `MAX_CHARS` takes some 0.2 s
SIGNS = [
    '"',
    "“",
    "-",
    "--",
    "#",
    ":",
    "before:",
    "AFTER:",
    "object:",
    "by:",
    "by:caption,labels",
    "on:",
    "on:2021..2022",
    "last summer",
    "(",
    ")",
    "-(",
    "|",
    " OR ",
    "*",
    "su*",
    "#su*",
    "object:d*",
    "folder:p*",
    "हिं",
    "#️⃣",
    "'",
    "\0",
    "\u202e",
    "🐕",
]
DATES = ["2021", "2021-13", "0000-00-00", "9999-12-31", "2022-02-30", "99999999999", "before:2021", "after:2023-06-31"]
PIECES = st.one_of(st.sampled_from(WORDS), st.sampled_from(SIGNS), st.sampled_from(DATES), st.text(max_size=20))
SHORT = st.tuples(st.sampled_from(["", " ", "\n", "-"]), st.lists(PIECES, max_size=30)).map(
    lambda of: of[0].join(of[1])
)
LONG = st.tuples(SHORT, st.integers(2, MAX_CHARS)).map(lambda of: (of[0] * of[1])[:MAX_CHARS])
QUERIES = st.one_of(SHORT, SHORT, st.text(max_size=1000), LONG)


class Answering:
    """Check that runs a query on an index."""

    def __init__(self) -> None:
        self._index = Index(make_photos(), tables=TABLES)

    def __call__(self, query: str) -> None:
        """Run a query in all ways; raises `AssertionError` when an answer is not valid."""
        started = time.process_time()
        index = self._index
        dates = find_dates(query, date(2024, 5, 1), index.filters.says)
        for parsed in (parse(query), parse_words(query), parse(with_filters(query, dates))):
            ranking = index.find(parsed)
            found = index.matches(ranking, 100)
            scores = [match.score for match in found]
            assert len(found) == min(len(ranking), 100)
            assert all(0 <= score <= 1 for score in scores), scores
            assert scores == sorted(scores, reverse=True), scores
            for match in found:
                assert abs(sum(share.share for share in match.shares) - match.score) < 1e-6 or not match.shares
            assert all(index.filters.notes(parsed, NO_REFINEMENT))
            corrected = index.correct(parsed)
            assert corrected is None or isinstance(corrected, str)
        index.suggest(query)
        index.complete(query)
        took = time.process_time() - started
        assert took < LIMIT_S, f"{took:.1f} s"
