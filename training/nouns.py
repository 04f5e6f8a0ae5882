"""Which nouns people say of photos whose ImageNet label is sure: the captioner is made to say one of them.

The probabilities of all labels of a kind are added: a photo of a cat has a sure kind, though no sure breed. A noun is
taken where people say it of nearly half of the photos of that kind at least; of kinds that the training photos hardly
show, where it is the label itself or the next kind above it, and only when the classifier is all but certain. What
people say of fewer photos is not to be said as if it were sure, but may be when nothing is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from photosearch.search.word_tables import Hypernyms
from photosearch.vision.captioner.decoder import ENCODER_WIDTH
from photosearch.vision.captioner.nouns import NEVER, Noun
from photosearch.vision.captioner.vocabulary import tokens
from training.data import chunks
from training.features import Features

LEAST_PROBS = (0.5, 0.6, 0.7, 0.8, 0.9)  # of a kind, from which a noun may be said; the first that is good enough
LEAST_SAID = 0.45  # the share of the photos of a kind whose people say the noun
LEAST_PHOTOS = 5  # that show a kind, for what people say of it to count
UNSEEN_PROB, NEAR_STEPS = 0.8, 1  # of kinds that fewer photos show
TRUE_SHARE = 0.1  # of nouns that are said too seldom: they are true, and do for a short sentence
LEAST_COUNT = 10  # descriptions that hold a noun
KIN_SHARE, KIN_LIFT, KIN_PHOTOS = 0.06, 8.0, 20  # words that come with a kind: how often, how much oftener than usual
ALONE_SHARE = 0.09  # of all mentions of a noun that come right after an article, for it to be one of many
_ASIDE = re.compile(r"\(.*?\)")


@torch.inference_mode()
def label_probs(classes: nn.Linear, features: Features) -> np.ndarray:
    """Return the probabilities of ImageNet's labels for each photo as it is: float32 (N, 1000)."""
    vectors = features.vectors[0][:, :ENCODER_WIDTH]
    probs = [classes(torch.from_numpy(vectors[rows]).float()).softmax(1) for rows in chunks(len(vectors), 1024)]
    return torch.cat(probs).numpy()


def learn_nouns(
    captions: Sequence[Sequence[str]], probs: np.ndarray, labels: Sequence[str], hypernyms: Hypernyms
) -> list[Noun]:
    """Learn from the training photos which nouns a sure label allows to say.

    Args:
        captions: people's descriptions of each photo.
        probs: (N, n_labels), of the labels for each photo.
        labels: their names.
        hypernyms: what they are a kind of.
    """
    said = [{word for text in texts for word in tokens(text)} for texts in captions]
    held = Counter(word for words in said for word in words)
    alone = _Alone.of(captions)
    nouns = []
    for noun, kind in sorted(_kinds(labels, hypernyms).items()):
        forms = tuple(form for form in _forms(noun) if held[form] >= LEAST_COUNT)
        if not forms:
            continue
        sure = probs[:, sorted(kind.columns)].astype(np.float32).sum(1)
        below = tuple(labels[column] for column in sorted(kind.columns))
        shares = _shares_said(forms, sure, said)
        least = next((prob for prob, share in shares.items() if share >= LEAST_SAID), None)
        if least is not None:
            nouns.append(Noun(noun, forms, _kin(sure >= least, said, held), below, alone.name(noun), least))
        elif not shares and kind.is_near:
            nouns.append(Noun(noun, forms, (), below, alone.name(noun), UNSEEN_PROB))
        elif max(shares.values(), default=0) >= TRUE_SHARE:
            nouns.append(Noun(noun, forms, (), below, alone.name(noun), NEVER))
    return nouns


def _shares_said(forms: Sequence[str], sure: np.ndarray, said: Sequence[set[str]]) -> dict[float, float]:
    """Return for each of `LEAST_PROBS` that enough photos reach the share of them whose people say a noun."""
    shares = {}
    for least in LEAST_PROBS:
        photos = np.flatnonzero(sure >= least).tolist()
        if len(photos) >= LEAST_PHOTOS:
            shares[least] = sum(not said[i].isdisjoint(forms) for i in photos) / len(photos)
    return shares


def _kin(shown: np.ndarray, said: Sequence[set[str]], held: Counter[str]) -> tuple[str, ...]:
    """Return the words that people say much oftener of a kind's photos than of others."""
    photos = np.flatnonzero(shown).tolist()
    if len(photos) < KIN_PHOTOS:
        return ()
    least = KIN_SHARE * len(photos)
    words = Counter(word for i in photos for word in said[i])
    lifted = KIN_LIFT * len(photos) / len(said)
    return tuple(sorted(word for word, n in words.items() if n >= least and n >= lifted * held[word]))


@dataclass(frozen=True)
class _Alone:
    """How often words are said, and with which article before them."""

    words: Counter[str]
    named: Counter[tuple[str, str]]

    @classmethod
    def of(cls, captions: Sequence[Sequence[str]]) -> _Alone:
        texts = [tokens(text) for described in captions for text in described]
        named = Counter(pair for words in texts for pair in pairwise(words) if pair[0] in ("a", "an"))
        return cls(Counter(word for words in texts for word in words), named)

    def name(self, noun: str) -> str:
        """Return the noun with its article; empty where it hardly ever has one."""
        article = max(("a", "an"), key=lambda article: self.named[article, noun])
        return f"{article} {noun}" if self.named[article, noun] > ALONE_SHARE * self.words[noun] else ""


@dataclass
class _Kind:
    """The labels that a noun stands for."""

    columns: set[int]
    is_near: bool = False  # it is the usual name of a label, or of the next kind above one


def _kinds(labels: Sequence[str], hypernyms: Hypernyms) -> dict[str, _Kind]:
    """Return the kinds by their nouns, which are of one word, or of two that may be joined."""
    kinds: dict[str, _Kind] = {}
    for column, label in enumerate(labels):
        names = [(name.strip(), 0) for name in _ASIDE.sub("", label).split(",")]
        names += [(name, steps) for name, steps in hypernyms.above(label) if steps]
        seen_steps: set[int] = set()
        for name, steps in names:
            words = name.lower().split()
            if len(words) <= 2:
                kind = kinds.setdefault("".join(words), _Kind(set()))
                kind.columns.add(column)
                kind.is_near |= steps <= NEAR_STEPS and steps not in seen_steps
            seen_steps.add(steps)
    return kinds


def _forms(noun: str) -> list[str]:
    """Return a noun with what may be its plural."""
    return [noun, f"{noun}s", f"{noun}es", *([f"{noun[:-1]}ies"] if noun.endswith("y") else [])]
