"""What the models as they ship say of the demo's photos, the first that a stranger sees."""

from __future__ import annotations

import pytest

from photosearch import images
from photosearch.settings import MODELS_DIR
from photosearch.sources.demo import path_of
from photosearch.vision.observer import Batch
from photosearch.vision.registry import Models


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Models:
    return Models(MODELS_DIR, tmp_path_factory.mktemp("imported"))


def batch_of(key: str) -> Batch:
    return Batch([images.decode(path_of(key).read_bytes())])


@pytest.mark.parametrize(
    ("key", "word"), [("scikit-image/chelsea.png", "cat"), ("scikit-image/motorcycle_left.png", "motorcycle")]
)
def test_the_caption_names_what_is_there(models, key, word):
    (told,) = models.captioner().observe(batch_of(key))
    assert word in told.captions[0].text.split()


def test_the_astronaut_is_no_boy(models):
    (told,) = models.captioner().observe(batch_of("scikit-image/astronaut.png"))
    assert "boy" not in told.captions[0].text.split()


@pytest.mark.parametrize(
    ("key", "term"),
    [
        ("scikit-image/coffee.png", "cup"),
        ("scikit-image/camera.png", "camera"),
        ("scikit-learn/china.jpg", "build"),
        ("scikit-learn/flower.jpg", "flower"),
    ],
)
def test_what_is_there_is_among_the_likeliest_terms(models, key, term):
    (told,) = models.concepts().observe(batch_of(key))
    assert term in [concept.term for concept in told.concepts[:10]]
