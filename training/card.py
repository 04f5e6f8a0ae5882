"""Measure a captioner as it ships and write its card: `python -m training.card`."""

from __future__ import annotations

import argparse
import json
import logging
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photosearch import images
from photosearch.captioner.captioner import Captioner
from photosearch.captioner.vocabulary import tokens
from photosearch.evaluation import bleu, cider_d, retrieval, rouge_l
from photosearch.index import Index
from training.data import DEFAULT_DATA, DataMissing

log = logging.getLogger("training.card")
BATCH = 32


@dataclass(frozen=True)
class Scores:
    """How well a captioner does on one set of photos."""

    n_photos: int
    bleu: list[float]
    cider_d: float
    rouge_l: float
    n_different: int
    mean_words: float
    commonest: tuple[str, int]
    recall: tuple[float, float, float]
    median_rank: float


def read_set(images_zip: Path, captions_jsonl: Path) -> tuple[list[bytes], list[list[str]]]:
    """The photos' bytes and human descriptions of a set; raises `DataMissing`."""
    for path in (images_zip, captions_jsonl):
        if not path.is_file():
            raise DataMissing(f"{path} is missing; see training/README.md.")
    rows = [json.loads(line) for line in captions_jsonl.read_text(encoding="utf-8").splitlines()]
    with zipfile.ZipFile(images_zip) as archive:
        members = {Path(name).name: name for name in archive.namelist()}
        return [archive.read(members[row["image"]]) for row in rows], [row["captions"] for row in rows]


def write_captions(captioner: Captioner, photos: list[bytes]) -> Iterator[str]:
    """The best sentence for each photo, by the same way as in the app."""
    for first in range(0, len(photos), BATCH):
        views = [images.captioner_view(images.decode(data)) for data in photos[first : first + BATCH]]
        for captions in captioner.caption_batch(views):
            yield captions[0].text


def measure(captions: list[str], human: list[list[str]]) -> Scores:
    """Score captions against human descriptions, and as the only text of a search for each of these."""
    written = [tokens(caption) for caption in captions]
    references = [[tokens(text) for text in texts] for texts in human]
    index = Index((f"{i:06}", caption) for i, caption in enumerate(captions))
    ranks: list[int | None] = []
    for i, texts in enumerate(human):
        for text in texts:
            _, matches = index.search(text, top=len(captions))
            ranks.append(next((rank for rank, match in enumerate(matches, 1) if match.photo_id == f"{i:06}"), None))
    found = retrieval(ranks)
    return Scores(
        n_photos=len(captions),
        bleu=bleu(written, references),
        cider_d=cider_d(written, references),
        rouge_l=rouge_l(written, references),
        n_different=len(set(captions)),
        mean_words=sum(map(len, written)) / len(written),
        commonest=Counter(captions).most_common(1)[0],
        recall=(found.recall_at_1, found.recall_at_5, found.recall_at_10),
        median_rank=found.median_rank,
    )


def table(scores: dict[str, Scores]) -> str:
    """The scores as a Markdown table, a set a column."""
    rows: list[tuple[str, list[str]]] = [("photos", [f"{s.n_photos:,}" for s in scores.values()])]
    rows += [(f"BLEU-{n + 1}", [f"{s.bleu[n]:.3f}" for s in scores.values()]) for n in range(4)]
    rows += [
        ("CIDEr-D", [f"{s.cider_d:.3f}" for s in scores.values()]),
        ("ROUGE-L", [f"{s.rouge_l:.3f}" for s in scores.values()]),
        ("different sentences", [f"{s.n_different:,}" for s in scores.values()]),
        ("words a sentence", [f"{s.mean_words:.1f}" for s in scores.values()]),
        (
            "search: R@1 / R@5 / R@10",
            [" / ".join(f"{r:.2f}" for r in s.recall) for s in scores.values()],
        ),
        ("median rank of the right photo", [f"{s.median_rank:g}" for s in scores.values()]),
    ]
    lines = [f"| | {' | '.join(scores)} |", f"| --- |{' --- |' * len(scores)}"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(values)} |" for name, values in rows)])


CARD = """# The captioner

Show, Attend and Tell (Xu et al. 2015, arXiv:1502.03044): an EfficientNet-Lite0 encoder makes 7 x 7 region
vectors of a photo squashed to 224 x 224 px; an LSTM writes a sentence word by word, looking at the regions anew
for each (soft attention with the gate beta, doubly stochastic in training). {n_words:,} words, beam {beam_width},
hypotheses compared by log-probability / words^{length_exponent:g}. Digest `{digest}`.

## Data and recipe

Flickr8k's 6,000 training photos with five descriptions each (Hodosh et al. 2013); nothing else. The encoder starts
from ImageNet weights. The recipe, its reasons and what each step brought:
[training/README.md](../../training/README.md).

## Measured

By `python -m training.card`, with the weights as they lie here and the app's own way of reading photos.
`dev` is Flickr8k's, `coco-dev` is 80 photos of another domain (COCO: rooms, food, streets). For the search,
each human description is a query and the caption is the photo's only text.

{table}

## Limits

- It knows what Flickr8k shows: people and dogs outdoors, sport, snow, water. Elsewhere (rooms, food, documents,
  drawings, night) it often describes a scene of that kind that is not there; the columns above show by how much.
- It names colours, counts and sexes with more confidence than it has, and repeats the descriptions' habits, among
  them calling people "a man" and "a woman" by looks.
- The same sentence serves many photos: the commonest on dev, "{commonest}", was written {n_commonest} times.
- English only; no faces, no names, no text in pictures.
- Licence: [../LICENSE](../LICENSE). Research and education.
"""


def write_card(folder: Path, data: Path) -> None:
    """Measure the captioner in `folder` and write its card."""
    captioner = Captioner.load(folder)
    sets = {
        "dev": (data / "images-dev.zip", data / "captions-dev.jsonl"),
        "coco-dev": (data.parent / "coco-dev" / "images.zip", data.parent / "coco-dev" / "captions.jsonl"),
    }
    scores = {}
    for name, paths in sets.items():
        photos, human = read_set(*paths)
        scores[name] = measure(list(write_captions(captioner, photos)), human)
        log.info("%s: BLEU-4 %.4f CIDEr-D %.4f", name, scores[name].bleu[3], scores[name].cider_d)
    text, n = scores["dev"].commonest
    decoding = captioner.decoding
    card = CARD.format(
        n_words=len(captioner.vocabulary) - 4,
        beam_width=decoding.beam_width,
        length_exponent=decoding.length_exponent,
        digest=captioner.digest[:16],
        table=table(scores),
        commonest=text,
        n_commonest=n,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of Flickr8k; coco-dev lies beside it")
    default = Path(__file__).resolve().parents[1] / "models" / "captioner"
    parser.add_argument("--model", type=Path, default=default)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_card(options.model, options.data)


if __name__ == "__main__":
    main()
