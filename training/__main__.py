"""Make the models: `python -m training`. The recipe, its reasons and its results: training/README.md.

1. Tune the encoder on search terms (`training.encoder`), export it.
2. Encode views of each photo with it and with ImageNet's (`training.features`).
3. Learn the concept model and the expansion table (`training.concepts`, `training.expansion`).
4. Teach the decoder the human sentences (`training.captioner`).
5. Measure what came out, and write the cards (`training.card`).

Each step keeps what it made under --work and goes on from it. Before it, `training.labels` and `training.detector`
make what needs no training.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import platformdirs
import torch

from photosearch.records import Station
from photosearch.vision.captioner import beam
from photosearch.vision.captioner.checkpoint import save_checkpoint
from photosearch.vision.captioner.network import ENCODER_WIDTH
from photosearch.vision.captioner.vocabulary import Vocabulary
from photosearch.vision.concepts import GRAPH as CONCEPTS
from photosearch.vision.concepts import TERMS
from photosearch.vision.encoder import GRAPH as ENCODER
from photosearch.vision.encoder import STATION
from photosearch.vision.model_folder import ModelFolder, write_model
from training.captioner import MIN_COUNT, train_decoder
from training.card import write_cards
from training.concepts import HEADS, ConceptNetwork, out_of_fold, pair_vocabulary, train_head
from training.data import DEFAULT_DATA, Split, load_split, mirrored
from training.efficientnet import Encoder, imagenet_classifier
from training.encoder import FIRST_PASSES, THEN_PASSES, Tuned, term_shares, tune_encoder
from training.expansion import learn_table, write_table
from training.features import Encoders, Features, view_features
from training.graphs import export_graph

log = logging.getLogger("training")
AGREEMENT = 4.0  # of 0, 0.5, 1, 2 and 4 the best on dev
MODELS = Path(__file__).resolve().parents[1] / "models"


def make_encoder(train: Split, dev: Split, start: Encoder | None, work: Path, out: Path) -> tuple[Tuned, ModelFolder]:
    """Step 1; `start` stands in for the first cycle's result."""
    if start is None:
        first = tune_encoder(train, dev, imagenet_classifier().encoder, FIRST_PASSES, work / "encoder-first.pt")
        start = first.encoder
    tuned = tune_encoder(train, dev, start, THEN_PASSES, work / "encoder.pt")
    example = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    graph = export_graph(tuned.encoder, example, ["regions"])
    return tuned, write_model(out, STATION, "efficientnet-lite0-tuned", {}, {ENCODER: graph})


def make_concepts(
    train: Split, terms: list[str], features: Features, out: Path, encoder: str, work: Path
) -> ModelFolder:
    """Step 3: concepts and expansion table into the folder `out`."""
    turned = [[" ".join(mirrored(text.lower().split())) for text in texts] for texts in train.captions]
    said = [*terms, *pair_vocabulary(train.captions)]
    shares, mirrored_shares = term_shares(train.captions, said), term_shares(turned, said)
    heads = [
        train_head(features.tuned, shares, mirrored_shares, range(len(train)), hidden=hidden, weight_decay=decay)
        for hidden, decay in HEADS
    ]
    example = torch.randn(2, 2 * ENCODER_WIDTH, generator=torch.Generator().manual_seed(0))
    graph = export_graph(ConceptNetwork(heads), example, ["logits"])
    held = {term: round(share, 5) for term, share in zip(said, (shares > 0).float().mean(0).tolist(), strict=True)}
    names = (json.dumps(held, indent=0) + "\n").encode()
    folder = write_model(
        out / "concepts", Station.CONCEPTS, "concepts", {"encoder": encoder}, {CONCEPTS: graph, TERMS: names}
    )
    path = work / "out-of-fold.pt"
    if not path.exists():
        singles = slice(len(terms))
        torch.save(out_of_fold(features.frozen, shares[:, singles], mirrored_shares[:, singles]), path)
    table = learn_table(train.captions, terms, torch.load(path, weights_only=True))
    write_table(out / "expansion" / "expansion.txt", table)
    return folder


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of Flickr8k; see training/README.md")
    work = platformdirs.user_cache_path("photosearch") / "training"
    parser.add_argument("--work", type=Path, default=work, help="checkpoints and features (6 GB)")
    parser.add_argument("--out", type=Path, default=MODELS, help="where the models go; classifier must be there")
    parser.add_argument("--start", type=Path, help="a state dict of the encoder, in place of the first cycle")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.work.mkdir(parents=True, exist_ok=True)
    train, dev = load_split(options.data, "train"), load_split(options.data, "dev")
    start = None
    if options.start:
        start = Encoder()
        start.load_state_dict(torch.load(options.start, weights_only=True))
    tuned, folder = make_encoder(train, dev, start, options.work, options.out / "encoder")
    encoders = Encoders(folder.path / ENCODER, options.out / "classifier" / "classifier.onnx")
    features = view_features(encoders, train.photos, options.work / "views")
    concepts = make_concepts(train, tuned.terms, features, options.out, folder.digest, options.work)
    vocabulary = Vocabulary.learn((text for texts in train.captions for text in texts), min_count=MIN_COUNT)
    dev_regions = np.concatenate([encoders(chunk)[0] for chunk in dev.photos.split(64)])
    decoder = train_decoder(train, features.regions, dev, dev_regions, vocabulary, options.work / "decoder.pt")
    path = options.out / "captioner"
    save_checkpoint(
        path,
        "show-attend-tell",
        decoder,
        vocabulary,
        beam.Decoding(agreement=AGREEMENT),
        encoder_digest=folder.digest,
        concepts_digest=concepts.digest,
    )
    write_cards(options.out, options.data)


if __name__ == "__main__":
    main()
