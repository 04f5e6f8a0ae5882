"""The older system's network: a ResNet, attention and an LSTM (Xu et al. 2015, arXiv:1502.03044).

Shapes: B batch, R regions, E region width, H hidden, W word embedding, A attention, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from photosearch.vision.captioner.network import LstmState, Memory

INPUT_SIDE_PX = 256
GRID = 14  # 14 x 14 regions
REGION_WIDTH = 2048  # E, of each ResNet in DEPTHS
DEPTHS = {6: 50, 23: 101, 36: 152}  # by the blocks of the third stage


@dataclass(frozen=True)
class OlderSizes:
    """The widths of a checkpoint, and the depth of its ResNet."""

    vocabulary: int
    embedding: int
    hidden: int
    attention: int
    region: int
    depth: int

    def __post_init__(self) -> None:
        if not all(type(size) is int and size > 0 for size in asdict(self).values()):
            raise ValueError(f"a size is no positive number: {asdict(self)}")
        if self.depth not in DEPTHS.values():
            raise ValueError(f"ResNet-{self.depth} is not supported")
        if self.region != REGION_WIDTH:
            raise ValueError(f"the decoder attends to regions of {self.region:,} numbers, not {REGION_WIDTH:,}")


class OlderDecoder(nn.Module):
    """The older decoder, with the methods that the beam search calls; its parts are named as its checkpoints do."""

    def __init__(self, sizes: OlderSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder_att = nn.Linear(sizes.region, sizes.attention)
        self.decoder_att = nn.Linear(sizes.hidden, sizes.attention)
        self.full_att = nn.Linear(sizes.attention, 1)
        self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding)
        self.decode_step = nn.LSTMCell(sizes.embedding + sizes.region, sizes.hidden)
        self.init_h = nn.Linear(sizes.region, sizes.hidden)
        self.init_c = nn.Linear(sizes.region, sizes.hidden)
        self.f_beta = nn.Linear(sizes.hidden, sizes.region)
        self.fc = nn.Linear(sizes.hidden, sizes.vocabulary)

    def begin(self, regions: Tensor) -> tuple[Memory, LstmState]:
        """Turn regions (B, R, E) into the memory to attend to and the first state."""
        mean = regions.mean(1)
        return Memory(regions, self.encoder_att(regions)), LstmState(self.init_h(mean), self.init_c(mean))

    def step(self, memory: Memory, state: LstmState, embedded: Tensor) -> tuple[LstmState, Tensor, Tensor]:
        """Take in one word, as its embedding (B, W); returns the new state, context (B, E) and attention (B, R)."""
        energies = self.full_att(torch.relu(memory.keys + self.decoder_att(state.hidden)[:, None])).squeeze(2)
        weights = energies.softmax(1)  # (B, R)
        context = torch.sigmoid(self.f_beta(state.hidden)) * torch.bmm(weights[:, None], memory.regions).squeeze(1)
        hidden, cell = self.decode_step(torch.cat([embedded, context], dim=1), (state.hidden, state.cell))
        return LstmState(hidden, cell), context, weights

    def logits(self, embedded: Tensor, hidden: Tensor, context: Tensor) -> Tensor:  # noqa: ARG002, the others use all
        """Turn hidden states (..., H) into next-word logits (..., V)."""
        logits: Tensor = self.fc(hidden)
        return logits


class OlderNetwork(nn.Module):
    """The encoder, pixels (B, 3, 256, 256) to (B, E, 14, 14), and the decoder."""

    def __init__(self, sizes: OlderSizes) -> None:
        super().__init__()
        import torchvision

        resnet = getattr(torchvision.models, f"resnet{sizes.depth}")(weights=None)
        self.encoder = nn.Sequential(*list(resnet.children())[:-2], nn.AdaptiveAvgPool2d((GRID, GRID)))
        self.decoder = OlderDecoder(sizes)


def make_network(sizes: OlderSizes) -> OlderNetwork:
    """Make a network whose tensors have shapes but no memory yet, since the sizes may come from a malicious file."""
    with torch.device("meta"):
        return OlderNetwork(sizes)


def check_fit(sizes: OlderSizes, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `ValueError` unless the shapes are those of a network's tensors, but for batch norm's counters."""
    expected = {k: tuple(v.shape) for k, v in make_network(sizes).state_dict().items() if v.is_floating_point()}
    if missing := sorted(expected.keys() - shapes.keys()):
        raise ValueError(f"{len(missing)} tensors are missing, among them {missing[0]}")
    if unknown := sorted(shapes.keys() - expected.keys()):
        raise ValueError(f"{len(unknown)} tensors belong to another network, among them {unknown[0]}")
    if odd := sorted(key for key in expected if expected[key] != tuple(shapes[key])):
        raise ValueError(f"{odd[0]} is of shape {tuple(shapes[odd[0]])}, not {expected[odd[0]]}")
