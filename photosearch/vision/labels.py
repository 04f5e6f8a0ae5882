"""The labels of a classifier's folder, which AlexNet uses, too."""

from __future__ import annotations

import json

from photosearch.vision.model_folder import ModelFolder

LABELS = "labels.json"
N_LABELS = 5  # kept a picture


def read_labels(model: ModelFolder) -> list[str]:
    """Read the labels, in the order of the network's outputs; raises `ModelError` when the file cannot be used."""
    try:
        labels = json.loads(model.read(LABELS))
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ValueError("no list of labels")
    except ValueError as error:
        raise model.damaged(LABELS, error) from error
    return labels
