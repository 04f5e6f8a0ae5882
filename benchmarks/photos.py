"""Made-up photos as the pipeline keeps them: `python -m benchmarks.photos LIBRARY` counts real ones anew.

A photo has a caption and four more sentences, some 192 predicted terms, labels, objects, and the owner's text. Which
terms, labels and objects are found, how often and with what probabilities, is counted in a library whose photos our
models have analysed; the counts lie here, the photos do not. Sentences come from `benchmarks.captions`.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.captions import Statistics
from photosearch.library import Library, Reading
from photosearch.records import Caption, Details, Detection, Document, Findings, Listing, Prediction, Station, TextKind
from photosearch.vision.labels import N_LABELS
from photosearch.workspace import Workspace

STATISTICS = Path(__file__).with_name("photo_statistics.json")
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
N_SENTENCES = 5  # as the captioner's beam gives them
N_DIFFERENT = 5_000  # sets of predictions, which recur: their number changes nothing for an index
OWNER_SHARE = 0.3  # of the photos have an owner's text
BATCH = 500
COLLECTION = "bench"
STATIONS = (Station.CAPTIONER, Station.CONCEPTS, Station.CLASSIFIER, Station.DETECTOR)


@dataclass(frozen=True)
class PhotoStatistics:
    """What models found in real photos, counted."""

    origin: str
    n_photos: int
    concepts: dict[str, list[float]]  # by term: the share of photos with it, then its probability at each quantile
    labels: dict[str, float]  # the share of photos with each
    label_probs: list[float]  # mean, by rank
    objects: dict[str, float]  # how many a photo, on average

    @classmethod
    def load(cls, path: Path = STATISTICS) -> PhotoStatistics:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path = STATISTICS) -> None:
        """Write a file of a line a part."""
        parts = [f'"{name}": {json.dumps(part, separators=(",", ":"))}' for name, part in asdict(self).items()]
        path.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")

    @classmethod
    def count(cls, documents: list[Document], origin: str) -> PhotoStatistics:
        """Count what was found in analysed photos."""
        probs: dict[str, list[float]] = {}
        for document in documents:
            for term, prob in document.concepts.items():
                probs.setdefault(term, []).append(prob)
        n = len(documents)
        labels = Counter(label for document in documents for label in document.labels)
        by_rank = [sorted(document.labels.values(), reverse=True) for document in documents if document.labels]
        objects = Counter(label for document in documents for label, _ in document.objects)
        return cls(
            origin,
            n,
            {
                term: [round(len(found) / n, 4), *(round(float(p), 4) for p in np.quantile(found, QUANTILES))]
                for term, found in sorted(probs.items(), key=lambda item: -len(item[1]))
            },
            {label: round(count / n, 4) for label, count in labels.most_common()},
            [round(float(np.mean([ranked[rank] for ranked in by_rank if len(ranked) > rank])), 4) for rank in range(5)],
            {label: round(count / n, 4) for label, count in objects.most_common()},
        )

    @cached_property
    def _found(self) -> list[Findings]:
        """Return made-up findings without captions, highest probability first."""
        draw = np.random.default_rng(0)
        terms, table = list(self.concepts), np.array(list(self.concepts.values()))
        labels, label_shares = list(self.labels), np.array(list(self.labels.values()))
        objects, means = list(self.objects), np.array(list(self.objects.values()))
        made = []
        for _ in range(N_DIFFERENT):
            held = np.flatnonzero(draw.random(len(terms)) < table[:, 0])
            probs = table[held, 1 + draw.integers(len(QUANTILES), size=len(held))]
            order = np.argsort(-probs, kind="stable")
            shown = draw.choice(len(labels), N_LABELS, replace=False, p=label_shares / label_shares.sum())
            counts = draw.poisson(means)
            made.append(
                Findings(
                    concepts=tuple(Prediction(terms[held[i]], float(probs[i])) for i in order),
                    labels=tuple(Prediction(labels[i], p) for i, p in zip(shown, self.label_probs, strict=True)),
                    objects=tuple(
                        Detection(objects[i], 0.7, (0.1, 0.1, 0.5, 0.5))
                        for i in np.flatnonzero(counts)
                        for _ in range(counts[i])
                    ),
                )
            )
        return made

    def sample(self, n: int, seed: int = 0) -> Iterator[Findings]:
        """Yield the findings of `n` photos; the same for the same seed."""
        for first in range(0, n, N_DIFFERENT):
            captions = Statistics.load().sample(min(N_DIFFERENT, n - first), seed=seed + first)
            for found, caption in zip(self._found, captions, strict=False):
                yield replace(found, captions=_sentences(caption))


def _sentences(caption: str) -> tuple[Caption, ...]:
    """Return a caption and others like it, as a beam holds them: each lacks another word."""
    words = caption.split(" ")
    texts = [caption, *(" ".join(words[:-i] + words[len(words) - i + 1 :]) for i in range(1, N_SENTENCES))]
    return tuple(Caption(text, -0.5 - rank / 10, "bench", rank) for rank, text in enumerate(texts))


def owner_text(number: int, caption: str) -> str | None:
    """Return what the owner of a photo wrote, for some of the photos."""
    words = caption.split(" ")
    is_written = number % 10 < 10 * OWNER_SHARE
    return f"{caption}, and so good to be back. #{words[0]} #{words[-1]}" if is_written else None


def documents(statistics: PhotoStatistics, n: int, first: int = 0) -> Iterator[Document]:
    """Yield the documents of photos, as a library gives them."""
    for number, found in enumerate(statistics.sample(n, seed=first), start=first):
        text = owner_text(number, found.captions[0].text)
        yield replace(Document.from_findings(f"{number:016x}", found), owner=(text,) if text else ())


def fill(workspace: Workspace, n: int, thumbnails: list[bytes] | None = None, first: int = 0) -> None:
    """Fill a collection with photos, saved as the pipeline saves them, with the models that are there.

    Args:
        workspace: its library.
        n: how many photos.
        thumbnails: pictures of which each photo gets one.
        first: the number of the first photo; those before are there already.
    """
    from photosearch.vision.registry import ModelChoice

    library = workspace.library
    models = {model.station: model for model in workspace.models.choose(ModelChoice())}
    ids = [library.model_id(station, models[station].name, models[station].digest) for station in STATIONS]
    found = PhotoStatistics.load().sample(n, seed=first)
    bits = np.random.default_rng([2, first])
    for number in range(first, first + n, BATCH):
        batch = list(itertools.islice(found, BATCH))
        keys = [f"/photos/{number + i:07}.jpg" for i in range(len(batch))]
        texts = (owner_text(number + i, findings.captions[0].text) for i, findings in enumerate(batch))
        details = (Details(texts=((TextKind.OWNER, text),)) if text else None for text in texts)
        library.merge(
            COLLECTION, "folder", [Listing(key, "", details=own) for key, own in zip(keys, details, strict=True)]
        )
        _save(library, ids, batch, bits, thumbnails)


def _save(
    library: Library, ids: list[int], batch: list[Findings], bits: np.random.Generator, thumbnails: list[bytes] | None
) -> None:
    pending = library.pending(COLLECTION, ids)
    shas = [bits.bytes(32).hex() for _ in batch]
    readings = [
        Reading(photo.id, "", sha256, 640, 480, bits.bytes(8).hex(), b"\0", details=Details())  # else it is read again
        for photo, sha256 in zip(pending, shas, strict=True)
    ]
    parts = ("captions", "concepts", "labels", "objects")
    told = {
        model_id: {sha256: Findings(**{part: getattr(found, part)}) for sha256, found in zip(shas, batch, strict=True)}
        for model_id, part in zip(ids, parts, strict=True)
    }
    library.save(readings, told)
    for number, sha256 in enumerate(shas if thumbnails else ()):
        library.files.keep_thumbnail(sha256, thumbnails[number % len(thumbnails)] if thumbnails else b"")


def main() -> None:
    """Count the photos of a library."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("library", type=Path, help="folder of a library whose photos were captioned")
    parser.add_argument("collection", help="name of the collection")
    parser.add_argument("--origin", default="", help="which photos these are")
    options = parser.parse_args()
    library = Library(options.library)
    documents = [document for document in library.documents(options.collection) if document.concepts]
    statistics = PhotoStatistics.count(documents, options.origin)
    statistics.save()
    print(f"{STATISTICS.name}: {statistics.n_photos:,} photos, {STATISTICS.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
