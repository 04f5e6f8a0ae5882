"""The expansion table: which terms of a photo a query's word should also count for.

People say *kid* where a photo's predicted terms hold *child*. The table is learned on predictions for photos that
the predicting head had not seen (out of fold; on its own training photos it knows too much), with other people's
descriptions as queries: a matrix diag + low rank between the query's and the photo's side is trained contrastively,
and the largest positive entries of each row are kept. Of these stay the pairs that a reader may believe, which count
the more: those that mean something alike (`RelatedWords`), and those that are strong in both domains, each learned from
alone, and go together oftener than by chance in both. What goes together in one collection only ("flower", "girl") is a
habit of its photographers; what is said of any photo ("activity", "red") tells nothing of a word's meaning.
"""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photosearch.search.word_tables import RelatedWords
from training.data import N_DOMAINS
from training.encoder import term_shares

log = logging.getLogger(__name__)

RANK = 64
N_PASSES = 4
BATCH = 500
RATE = 3e-3
WEIGHT_DECAY = 0.05
N_RELATED = 8
LEAST, MOST = 0.02, 0.95
STRONG = 0.04  # in each domain, of pairs that no dictionary supports
LEAST_LIFT = 1.3  # how much oftener than by chance, in each domain, such pairs are said of one photo
LEAST_DESCRIPTIONS, LEAST_PHOTOS = 20, 5  # in each domain, that hold each of them, and that hold both
MADE_UP = 1.5  # what the weights of kept pairs are multiplied by: they stand for those left out, too
SEED = 0


class Relation(nn.Module):
    """Cosines of queries and photos, the query's terms related to the photo's."""

    def __init__(self, n_terms: int) -> None:
        super().__init__()
        self.query = nn.Parameter(0.02 * torch.randn(n_terms, RANK))
        self.photo = nn.Parameter(0.02 * torch.randn(n_terms, RANK))
        self.weight = nn.Parameter(torch.zeros(n_terms))  # of a term on the photo's side, as a logarithm
        self.exponent = nn.Parameter(torch.tensor(0.5))  # of p
        self.scale = nn.Parameter(torch.tensor(3.0))  # the temperature's inverse, as a logarithm

    def forward(self, queries: Tensor, probs: Tensor, idf: Tensor) -> Tensor:
        """Map queries' TF-IDF (B, V) and photos' probabilities (B, V) to scaled cosines (B, B)."""
        asked = queries + (queries @ self.query) @ self.photo.T
        said = probs.clamp(min=1e-6) ** self.exponent * idf * self.weight.exp()
        return self.scale.exp() * F.normalize(asked, dim=1) @ F.normalize(said, dim=1).T


def learn_relation(queries: Tensor, owners: Tensor, probs: Tensor, idf: Tensor) -> Relation:
    """Learn from queries, uint8 (Q, V), the photo of each (Q,), photos' probabilities (N, V) and idf (V,)."""
    torch.manual_seed(SEED)
    relation = Relation(queries.shape[1])
    free = [relation.weight, relation.exponent, relation.scale]
    optimizer = torch.optim.AdamW(
        [
            {"params": [relation.query, relation.photo], "weight_decay": WEIGHT_DECAY},
            {"params": free, "weight_decay": 0.0},
        ],
        lr=RATE,
    )
    n_steps = N_PASSES * -(-len(queries) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=n_steps, pct_start=0.2)
    for n_pass in range(N_PASSES):
        total = 0.0
        order = torch.randperm(len(queries), generator=torch.Generator().manual_seed(n_pass))
        for chosen in order.split(BATCH):
            photos = owners[chosen]
            cosines = relation(queries[chosen].float() * idf, probs[photos].float(), idf)
            same = (photos[:, None] == photos[None]) & ~torch.eye(len(chosen), dtype=torch.bool)
            cosines = cosines.masked_fill(same, float("-inf"))
            target = torch.arange(len(chosen))
            loss = (F.cross_entropy(cosines, target) + F.cross_entropy(cosines.T, target)) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        log.info("expansion, pass %d: loss %.4f", n_pass + 1, total / len(queries))
    return relation.eval().requires_grad_(False)


def entries(relation: Relation) -> Tensor:
    """Return the relation as shares of a term's own weight, which the plain query has (V, V): query to photo."""
    matrix = relation.query @ relation.photo.T
    own = 1 + matrix.diagonal()
    return (matrix / own.clamp(min=0.1)[:, None]).fill_diagonal_(0)


def related_terms(matrix: Tensor, terms: list[str]) -> dict[str, list[tuple[str, float]]]:
    """Return the largest positive entries of each row."""
    found = {}
    for row, term in enumerate(terms):
        weights, columns = matrix[row].topk(N_RELATED)
        largest = zip(weights.tolist(), columns.tolist(), strict=True)
        pairs = [(terms[column], min(MADE_UP * weight, MOST)) for weight, column in largest if weight >= LEAST]
        if pairs:
            found[term] = pairs
    return found


def alike(terms: list[str], related: RelatedWords) -> Tensor:
    """Which terms a dictionary relates, in either direction: bool (V, V)."""
    column = {term: i for i, term in enumerate(terms)}
    found = torch.eye(len(terms), dtype=torch.bool)
    for row, term in enumerate(terms):
        for other in related.related(term):
            if other.term in column:
                found[row, column[other.term]] = found[column[other.term], row] = True
    return found


def lifted(captions: list[list[str]], domains: Tensor, terms: list[str]) -> Tensor:
    """Which terms are said of one photo oftener than by chance in each domain: bool (V, V)."""
    found = torch.ones(len(terms), len(terms), dtype=torch.bool)
    for domain in range(N_DOMAINS):
        its = [texts for texts, own in zip(captions, domains.tolist(), strict=True) if own == domain]
        shares = term_shares(its, terms).float()
        held = (shares > 0).float()
        together = torch.sparse.mm(held.T.to_sparse(), held)
        n_photos = together.diagonal()
        n_descriptions = torch.tensor([float(len(texts)) for texts in its]) @ shares
        by_chance = n_photos[:, None] * n_photos / len(its)
        enough = n_descriptions.round() >= LEAST_DESCRIPTIONS
        found &= (together >= LEAST_LIFT * by_chance) & (together >= LEAST_PHOTOS) & enough[:, None] & enough
    return found


def write_table(path: Path, table: dict[str, list[tuple[str, float]]]) -> None:
    """Write the table as text: a line a term, a tab, related terms each followed by its weight."""
    lines = ["# A query's term, then the terms of a photo that it also counts for, with weights."]
    lines += [
        f"{term}\t{' '.join(f'{other} {weight:.2f}' for other, weight in related)}"
        for term, related in sorted(table.items())
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def learn_table(
    captions: list[list[str]], domains: Tensor, terms: list[str], probs: Tensor, related: RelatedWords
) -> dict[str, list[tuple[str, float]]]:
    """Learn the table from photos' captions as queries.

    Args:
        captions: of each photo.
        domains: int64 (N), the collection of each photo.
        terms: what is related.
        probs: out-of-fold probabilities (N, V).
        related: what a dictionary relates.
    """
    counts = torch.cat([(term_shares([[text] for text in texts], terms) > 0).byte() for texts in captions])
    owners = torch.cat([torch.full((len(texts),), photo) for photo, texts in enumerate(captions)])
    idf = 1 + torch.log((1 + len(probs)) / (1 + probs.float().sum(0)))
    in_domain = [domains[owners] == domain for domain in range(N_DOMAINS)]
    strong = torch.stack([entries(learn_relation(counts[its], owners[its], probs, idf)) for its in in_domain])
    believed = alike(terms, related) | ((strong >= STRONG).all(0) & lifted(captions, domains, terms))
    return related_terms(entries(learn_relation(counts, owners, probs, idf)) * believed, terms)
