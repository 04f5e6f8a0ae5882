"""The detector: pictures to objects with boxes, by YOLOv3-tiny (Redmon & Farhadi 2018, arXiv:1804.02767)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from photosearch.pictures.images import Picture
from photosearch.records import Detection, Findings, Station
from photosearch.vision.graph import Graph, open_graph
from photosearch.vision.model_folder import CONFIG, open_model
from photosearch.vision.observer import Batch

GRAPH = "detector.onnx"
SCORE_THRESHOLD = 0.3  # on 32 Flickr8k photos 14 of the 30 found from 0.2 on were wrong, 4 of the 52 from 0.3 on
IOU_THRESHOLD = 0.45  # two boxes of one class that share more are one object
MAX_OBJECTS = 50
DETECTED_AT_ONCE = 2  # as quick as 4 and 8 on two cores, 5 % quicker than 1
MAX_SIDE_PX = 1024
GREY = 128  # around a picture that is no square


@dataclass(frozen=True)
class Letterbox:
    """Where a picture lies within the network's square, in pixels."""

    side: int  # of the square
    left: int
    top: int
    width: int
    height: int


class Detector:
    """A detector of objects of COCO's 80 classes."""

    station = Station.DETECTOR

    def __init__(
        self,
        name: str,
        digest: str,
        graph: Graph,
        side_px: int,
        labels: Sequence[str],
        score_threshold: float = SCORE_THRESHOLD,
        iou_threshold: float = IOU_THRESHOLD,
    ) -> None:
        """Make a detector of a network and its settings.

        Args:
            name: the model's.
            digest: the model's.
            graph: pictures (B, 3, side, side), RGB in [0, 1], to candidates (B, N, 4 + C): centre x, y, width and
                height as shares of the square, then a score in [0, 1] for each class.
            side_px: of the network's square.
            labels: the classes' names, in the order of their scores.
            score_threshold: candidates below it are no objects.
            iou_threshold: a candidate that shares more than this with a surer one of its class is the same object.
        """
        self.name = name
        self.digest = digest
        self._graph = graph
        self._side_px = side_px
        self._labels = labels
        self._score_threshold = score_threshold
        self._iou_threshold = iou_threshold

    @classmethod
    def load(cls, folder: Path) -> Detector:
        """Read the detector from its folder.

        Raises:
            ModelError: a file is missing or damaged, or the graph and the config do not fit each other.
        """
        model = open_model(folder, Station.DETECTOR)
        try:
            side, labels, score, iou = (
                model.options[key] for key in ("side_px", "labels", "score_threshold", "iou_threshold")
            )
            if not isinstance(side, int) or not 0 < side <= MAX_SIDE_PX:
                raise ValueError(f"side_px is {side}")
            if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
                raise ValueError("labels is no list of names")
            if not isinstance(score, float) or not isinstance(iou, float) or not (0 < score < 1 and 0 < iou <= 1):
                raise ValueError(f"the thresholds are {score} and {iou}")
        except (KeyError, ValueError) as error:
            raise model.damaged(CONFIG, error) from error
        graph = open_graph(model, GRAPH, keeps_memory=True)
        try:
            (rows,) = graph(np.zeros((1, 3, side, side), np.float32))
            if rows.ndim != 3 or rows.shape[2] != 4 + len(labels):
                raise ValueError(f"it answers {rows.shape}, but {CONFIG} names {len(labels)} classes")
        except Exception as error:  # ONNX Runtime's own are of no common kind
            raise model.damaged(GRAPH, error) from error
        return cls(model.name, model.digest, graph, side, labels, score, iou)

    def observe(self, batch: Batch) -> list[Findings]:
        """Return the objects in each picture, by descending score."""
        findings = []
        for first in range(0, len(batch.pictures), DETECTED_AT_ONCE):
            few = batch.pictures[first : first + DETECTED_AT_ONCE]
            framed = [letterboxed(picture, self._side_px) for picture in few]
            (boxes,) = self._graph(np.stack([pixels for pixels, _ in framed]))
            findings += [
                Findings(objects=self._objects(rows, frame)) for rows, (_, frame) in zip(boxes, framed, strict=True)
            ]
        return findings

    def _objects(self, rows: np.ndarray, frame: Letterbox) -> tuple[Detection, ...]:
        """Select a picture's objects from its candidates (N, 4 + C)."""
        boxes, scores = rows[:, :4], rows[:, 4:]
        candidates, classes = np.nonzero(scores >= self._score_threshold)
        kept: list[tuple[float, int, np.ndarray]] = []
        for label in np.unique(classes):
            of_class = candidates[classes == label]
            corners, sure = in_picture(boxes[of_class], frame), scores[of_class, label]
            seen = (corners[:, 2:] > corners[:, :2]).all(axis=1)  # some lie in the grey altogether
            corners, sure = corners[seen], sure[seen]
            kept += [(float(sure[i]), int(label), corners[i]) for i in suppressed(corners, sure, self._iou_threshold)]
        kept.sort(key=lambda candidate: (-candidate[0], candidate[1]))
        return tuple(
            Detection(self._labels[label], score, (float(x0), float(y0), float(x1 - x0), float(y1 - y0)))
            for score, label, (x0, y0, x1, y1) in kept[:MAX_OBJECTS]
        )


def letterboxed(picture: Picture, side_px: int) -> tuple[np.ndarray, Letterbox]:
    """Fit a picture into the network's square, keeping its aspect: float32 (3, side, side) in [0, 1], and its place."""
    scale = side_px / max(picture.rgb.size)
    width, height = (max(1, round(side * scale)) for side in picture.rgb.size)
    frame = Letterbox(side_px, (side_px - width) // 2, (side_px - height) // 2, width, height)
    square = np.full((side_px, side_px, 3), GREY, np.uint8)
    small = picture.rgb.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    square[frame.top : frame.top + height, frame.left : frame.left + width] = np.asarray(small)
    return square.transpose(2, 0, 1).astype(np.float32) / 255, frame


def in_picture(boxes: np.ndarray, frame: Letterbox) -> np.ndarray:
    """Convert boxes in the square (N, 4: centre, width, height) to corners in the picture (N, 4), shares in [0, 1]."""
    centre, half = boxes[:, :2] * frame.side, boxes[:, 2:] * frame.side / 2
    corners = np.concatenate([centre - half, centre + half], axis=1)
    offset = np.array([frame.left, frame.top] * 2)
    shares: np.ndarray = np.clip((corners - offset) / np.array([frame.width, frame.height] * 2), 0.0, 1.0)
    return shares


def suppressed(corners: np.ndarray, scores: np.ndarray, iou_threshold: float) -> list[int]:
    """Return the rows that non-maximum suppression keeps, by descending score.

    Args:
        corners: boxes (N, 4) as left, top, right, bottom, in one unit.
        scores: (N,); of equal scores, the earlier row wins.
        iou_threshold: a box is dropped when a kept one overlaps it by more than this share of their union.
    """
    areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        low = np.maximum(corners[best, :2], corners[left, :2])
        high = np.minimum(corners[best, 2:], corners[left, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        union = areas[best] + areas[left] - shared
        left = left[shared <= iou_threshold * union]
    return kept
