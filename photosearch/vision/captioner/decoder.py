"""The captioner's decoder without torch: two ONNX graphs made of its weights, and attention in numpy between them.

It computes what `photosearch.vision.captioner.network.Decoder`, which is trained, computes; tests hold them together.
What is computed for each word, most of the work, the processor computes in int8 (`photosearch.vision.captioner.int8`);
other devices do so in float32, for which they are made.
Shapes: B photos, N sentences being written, R regions, E encoder width, C predicted terms, D region width inside the
decoder, H hidden, A attention, W word embedding, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from photosearch.vision.captioner.int8 import int8_tensors, linear_in_int8
from photosearch.vision.graph import open_content
from photosearch.vision.onnx_file import node, write_graph

ENCODER_WIDTH = 1280  # E, of EfficientNet-Lite's region vectors
_LAYER_NORM_EPSILON = 1e-5  # torch's
_ATTENDING_AT_ONCE = 8  # sentences
# e^86 and e^-86 are float32 numbers; a product of two that is too large for one is infinite, whose reciprocal is right.
_LARGEST_EXPONENT = 43.0

Weights = Mapping[str, np.ndarray]
_OF_PHOTOS = ("regions", "keys", "favours")  # of `Writing`; the rest has a row for each sentence


@dataclass(frozen=True)
class Sizes:
    """The widths a captioner is built with; they travel with its weights."""

    vocabulary: int
    embedding: int = 320
    hidden: int = 512
    region: int = 512
    attention: int = 256
    terms: int = 0  # predicted search terms that make one more region; 0: there is no such region

    def shapes(self, encoder_width: int = ENCODER_WIDTH) -> dict[str, tuple[int, ...]]:
        """Return the shape of each of the decoder's tensors, by the names that its file has."""
        layers = {
            "to_region": (self.region, encoder_width),
            "attention.of_region": (self.attention, self.region),
            "attention.of_hidden": (self.attention, self.hidden),
            "first_hidden": (self.hidden, self.region),
            "first_cell": (self.hidden, self.region),
            "beta": (self.region, self.hidden),
            "gates": (4 * self.hidden, self.embedding + self.region + self.hidden),
            "from_hidden": (self.embedding, self.hidden),
        }
        if self.terms:
            layers["to_term_region"] = (self.region, self.terms)
        shapes: dict[str, tuple[int, ...]] = {
            "bias": (self.vocabulary,),
            "normalise.weight": (encoder_width,),
            "normalise.bias": (encoder_width,),
            "attention.energy.weight": (1, self.attention),
            "embedding.weight": (self.vocabulary, self.embedding),
            "from_context.weight": (self.embedding, self.region),
        }
        for name, (n_out, n_in) in layers.items():
            shapes |= {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}
        return shapes


@dataclass(frozen=True)
class Writing:
    """Sentences being written, one a row; at first one for each photo. All arrays are float32."""

    regions: np.ndarray  # (B, R, D); where the decoder reads predicted terms, they make the last region
    keys: np.ndarray  # (B, R, A), e^2k of k, the regions' part of the attention, computed once a photo
    favours: np.ndarray | None  # (B, V), what is added to the logits of each photo's words; None: nothing
    photos: np.ndarray  # (N), int: which photo each sentence is about
    hidden: np.ndarray  # (N, H), the LSTM's
    cell: np.ndarray  # (N, H)
    query: np.ndarray  # (N, A), e^2q of q, the hidden state's part of the attention
    beta: np.ndarray  # (N, D), how much the next word is to depend on what is attended to, in [0, 1]

    def __len__(self) -> int:
        return len(self.photos)

    def pick(self, rows: np.ndarray) -> Writing:
        """Return the given rows, in that order; one may be taken several times."""
        picked = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in _OF_PHOTOS}
        return Writing(self.regions, self.keys, self.favours, **picked)


class GraphDecoder:
    """An LSTM that writes a sentence word by word and attends to the regions anew for each word."""

    def __init__(self, sizes: Sizes, weights: Weights, *, in_int8: bool) -> None:
        """Make the graphs.

        Args:
            sizes: the decoder's.
            weights: float32, named and shaped as `sizes.shapes` says.
            in_int8: compute what each word takes in int8; in float32 it is what torch computes.
        """
        self.sizes = sizes
        self._embedding = weights["embedding.weight"]
        self._energy = -2 * weights["attention.energy.weight"][0]
        self._begin = open_content(_begin_graph(sizes, weights))
        self._step = open_content(_step_graph(sizes, weights, in_int8=in_int8))

    def begin(self, regions: np.ndarray, terms: np.ndarray | None = None, favours: np.ndarray | None = None) -> Writing:
        """Take in photos: return a sentence without words for each.

        Args:
            regions: the encoder's region vectors, float32 (B, R, E).
            terms: the probabilities of predicted search terms, float32 (B, C), where `sizes.terms` is C.
            favours: what is added to the logits of each photo's words, float32 (B, V).
        """
        inputs = {"regions": regions} if terms is None else {"regions": regions, "terms": terms}
        seen, keys, hidden, cell, query, beta = self._begin(inputs)
        return Writing(seen, keys, favours, np.arange(len(regions)), hidden, cell, query, beta)

    def step(self, writing: Writing, words: np.ndarray) -> tuple[Writing, np.ndarray, np.ndarray]:
        """Take in the next word (N) of each sentence.

        Returns:
            The sentences with it, the logits (N, V) of the words that may follow, and the attention (N, R).
        """
        attention, attended = self._attend(writing)
        hidden, cell, query, beta, logits = self._step(
            {
                "embedded": self._embedding[words],
                "attended": attended,
                "hidden": writing.hidden,
                "cell": writing.cell,
                "beta": writing.beta,
            }
        )
        if writing.favours is not None:
            for photo, rows in _photo_by_photo(writing.photos):
                logits[rows] += writing.favours[photo]
        written = replace(writing, hidden=hidden, cell=cell, query=query, beta=beta)
        return written, logits, attention

    def _attend(self, writing: Writing) -> tuple[np.ndarray, np.ndarray]:
        """Return how much each region matters for the next word (N, R), rows summing to 1, and their mean (N, D).

        The energy of a region is w . tanh(k + q) = w . 1 - 2 w . 1 / (1 + e^2k e^2q); the same addend for all regions
        changes nothing. Few sentences at once, of one photo, so that what is computed stays in the processor's cache.
        """
        n_regions, width = writing.regions.shape[1:]
        energies = np.empty((len(writing), n_regions), np.float32)
        attended = np.empty((len(writing), width), np.float32)
        space = np.empty((_ATTENDING_AT_ONCE, *writing.keys.shape[1:]), np.float32)
        parts = list(_photo_by_photo(writing.photos))
        with np.errstate(over="ignore"):  # 1 / infinity is right
            for photo, rows in parts:
                few = space[: rows.stop - rows.start]
                np.multiply(writing.keys[photo], writing.query[rows, None], out=few)
                few += 1
                np.reciprocal(few, out=few)
                np.matmul(few, self._energy, out=energies[rows])
        attention = np.exp(energies - energies.max(axis=1, keepdims=True))
        attention /= attention.sum(axis=1, keepdims=True)
        for photo, rows in parts:
            np.matmul(attention[rows], writing.regions[photo], out=attended[rows])
        return attention, attended


def _photo_by_photo(photos: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Yield each photo with a slice of at most `_ATTENDING_AT_ONCE` of its sentences, which lie side by side."""
    ends = (np.flatnonzero(np.diff(photos, append=-1)) + 1).tolist()
    for first, end in zip([0, *ends[:-1]], ends, strict=True):
        for start in range(first, end, _ATTENDING_AT_ONCE):
            yield int(photos[first]), slice(start, min(start + _ATTENDING_AT_ONCE, end))


def _begin_graph(sizes: Sizes, weights: Weights) -> bytes:
    """Write the graph from a photo's regions and terms to what is attended to and the first state."""
    nodes = [
        node(
            "LayerNormalization",
            ["regions", "normalise.weight", "normalise.bias"],
            ["normed"],
            axis=-1,
            epsilon=_LAYER_NORM_EPSILON,
        ),
        *_relu_of_rows("normed", "to_region", "plain"),
        node("ReduceMean", ["plain", "regions_axis"], ["plain_mean"], keepdims=0),
    ]
    if sizes.terms:
        nodes += [
            node("Sqrt", ["terms"], ["roots"]),
            _linear("roots", "to_term_region", "said_before"),
            node("Relu", ["said_before"], ["said"]),
            node("Unsqueeze", ["said", "regions_axis"], ["said_region"]),
            node("Concat", ["plain", "said_region"], ["seen"], axis=1),
            node("Add", ["plain_mean", "said"], ["mean"]),
        ]
    else:
        nodes += [node("Identity", ["plain"], ["seen"]), node("Identity", ["plain_mean"], ["mean"])]
    nodes += [
        node("MatMul", ["seen", "attention.of_region.columns"], ["keys_before"]),
        node("Add", ["keys_before", "attention.of_region.bias"], ["half_keys"]),
        *_exp_of_twice("half_keys", "keys"),
        _linear("mean", "first_hidden", "hidden_before"),
        node("Tanh", ["hidden_before"], ["hidden"]),
        _linear("mean", "first_cell", "cell_before"),
        node("Tanh", ["cell_before"], ["cell"]),
        _linear("hidden", "asked", "asked"),
        *_split_asked("beta"),
    ]
    used = ["normalise.weight", "normalise.bias", "to_region.bias", "attention.of_region.bias"]
    layers = ["first_hidden", "first_cell", *(["to_term_region"] if sizes.terms else [])]
    used += [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    made = {
        "regions_axis": np.array([1]),
        "to_region.columns": np.ascontiguousarray(weights["to_region.weight"].T),
        "attention.of_region.columns": np.ascontiguousarray(weights["attention.of_region.weight"].T),
        **_asked_tensors(sizes),
        **_float32("asked", *_asked(weights)),
    }
    return write_graph(
        nodes,
        {"regions": 3, "terms": 2} if sizes.terms else {"regions": 3},
        ["seen", "keys", "hidden", "cell", "query", "beta"],
        {name: weights[name] for name in used} | made,
    )


def _step_graph(sizes: Sizes, weights: Weights, *, in_int8: bool) -> bytes:
    """Write the graph from a word, what is attended to and the state to the next state and the next word's logits."""
    linear = linear_in_int8 if in_int8 else _one_linear
    nodes = [
        node("Mul", ["beta", "attended"], ["context"]),
        node("Concat", ["embedded", "context", "hidden"], ["joined"], axis=1),
        *linear("joined", "gates", "gated"),
        node("Split", ["gated"], ["forget", "take", "give", "new"], axis=1, num_outputs=4),
        *(node("Sigmoid", [gate], [f"{gate}_share"]) for gate in ("forget", "take", "give")),
        node("Tanh", ["new"], ["new_value"]),
        node("Mul", ["forget_share", "cell"], ["kept"]),
        node("Mul", ["take_share", "new_value"], ["taken"]),
        node("Add", ["kept", "taken"], ["next_cell"]),
        node("Tanh", ["next_cell"], ["cell_value"]),
        node("Mul", ["give_share", "cell_value"], ["next_hidden"]),
        node("Concat", ["next_hidden", "context"], ["state"], axis=1),
        *linear("state", "from_state", "told"),
        node("Add", ["embedded", "told"], ["deep"]),  # the deep output layer (equation 7)
        *linear("deep", "words", "logits"),
        *linear("next_hidden", "asked", "asked"),
        *_split_asked("beta_next"),
    ]
    gates_bias = weights["gates.bias"].copy()
    gates_bias[: sizes.hidden] += 1  # the forget gate's, which keeps the cell's content at first
    from_state = np.concatenate([weights["from_hidden.weight"], weights["from_context.weight"]], axis=1)
    layers = {
        "gates": (weights["gates.weight"], gates_bias),
        "from_state": (from_state, weights["from_hidden.bias"]),
        "words": (weights["embedding.weight"], weights["bias"]),
        "asked": _asked(weights),
    }
    tensors = _asked_tensors(sizes)
    for layer, (weight, bias) in layers.items():
        tensors |= (int8_tensors if in_int8 else _float32)(layer, weight, bias)
    return write_graph(
        nodes,
        dict.fromkeys(("embedded", "attended", "hidden", "cell", "beta"), 2),
        ["next_hidden", "next_cell", "query", "beta_next", "logits"],
        tensors,
    )


def _linear(inputs: str, layer: str, output: str) -> bytes:
    """Return a linear layer over rows (N, in), its weight as torch keeps it: (out, in)."""
    return node("Gemm", [inputs, f"{layer}.weight", f"{layer}.bias"], [output], transB=1)


def _relu_of_rows(inputs: str, layer: str, output: str) -> list[bytes]:
    """Return a linear layer and its ReLU over the regions of photos (B, R, in), its weight turned: (in, out)."""
    return [
        node("MatMul", [inputs, f"{layer}.columns"], [f"{output}_product"]),
        node("Add", [f"{output}_product", f"{layer}.bias"], [f"{output}_sum"]),
        node("Relu", [f"{output}_sum"], [output]),
    ]


def _one_linear(inputs: str, layer: str, output: str) -> list[bytes]:
    return [_linear(inputs, layer, output)]


def _float32(layer: str, weight: np.ndarray, bias: np.ndarray) -> dict[str, np.ndarray]:
    """Return the tensors of `_linear`."""
    return {f"{layer}.weight": weight, f"{layer}.bias": bias}


def _asked(weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of what a step takes of a hidden state: its part of the attention, and beta."""
    parts = ("attention.of_hidden", "beta")
    weight, bias = (np.concatenate([weights[f"{part}.{kind}"] for part in parts]) for kind in ("weight", "bias"))
    return weight, bias


def _asked_tensors(sizes: Sizes) -> dict[str, np.ndarray]:
    """Return the tensors of `_split_asked`, and those of `_exp_of_twice`."""
    bounds = {
        "exp.least": np.array(-_LARGEST_EXPONENT, np.float32),
        "exp.most": np.array(_LARGEST_EXPONENT, np.float32),
    }
    return {"asked.sizes": np.array([sizes.attention, sizes.region]), **bounds}


def _split_asked(beta: str) -> list[bytes]:
    """Return how what was asked of a hidden state becomes the query of the attention, and beta."""
    return [
        node("Split", ["asked", "asked.sizes"], ["half_query", "beta_before"], axis=1),
        *_exp_of_twice("half_query", "query"),
        node("Sigmoid", ["beta_before"], [beta]),
    ]


def _exp_of_twice(inputs: str, output: str) -> list[bytes]:
    """Return the nodes that compute e^2x, where x beyond +-`_LARGEST_EXPONENT` counts as that: e^2x stays a number."""
    return [
        node("Clip", [inputs, "exp.least", "exp.most"], [f"{output}_bounded"]),
        node("Add", [f"{output}_bounded"] * 2, [f"{output}_twice"]),
        node("Exp", [f"{output}_twice"], [output]),
    ]
