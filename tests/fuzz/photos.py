"""A small collection with something in every field, and queries for it."""

from datetime import datetime

from photosearch.records import Document, Facts
from photosearch.search.index import Index, Tables
from photosearch.search.query import parse
from photosearch.search.word_tables import Expansion, Hypernyms

TABLES = Tables(
    expansion=Expansion({"kid": (("child", 0.5), ("dog", 0.1)), "dog": (("puppi", 0.3),)}),
    hypernyms=Hypernyms({"collie": (("dog", 1), ("animal", 3))}),
)
WORDS = "dog kid child puppy red two snow beach child's rügen o'clock 狗 the of".split()
QUERIES = (
    "two red dogs",
    "kid -snow",
    '"red dog"',
    "#tag2 beach",
    "after:2021-03 before:2022 dog",
    "object:dog",
    "animal",
)


def make_photos() -> list[Document]:
    """Make forty photos, all different."""
    n_words = len(WORDS)
    return [
        Document(
            f"photo-{n:02}",
            human=(f"my {WORDS[n % n_words]}",) if n % 5 == 0 else (),
            captions=(" ".join(WORDS[(n + k * k) % n_words] for k in range(1 + n % 7)),),
            objects=(("dog", 0.9),) * (n % 3),
            labels={"collie": 0.1 + n / 100},
            concepts={"snow": 1 / (n + 1), "beach": 0.5},
            owner=(f"Rügen {n}",) if n % 4 == 0 else (),
            hashtags=(f"tag{n % 6}",),
            facts=Facts(taken_at=datetime(2020 + n % 4, 1 + n % 12, 3) if n % 3 else None),
        )
        for n in range(40)
    ]


def answers(index: Index) -> list[object]:
    """Return all that an index answers to some queries."""
    said: list[object] = [len(index), sorted(index.term_counts(), key=lambda count: count.term)]
    for query in QUERIES:
        found = index.find(parse(query))
        said += [len(found), index.matches(found, 50), index.suggest(query), index.correct(parse(query))]
    return [*said, index.matches(index.similar("photo-07"), 50), index.complete("do")]
