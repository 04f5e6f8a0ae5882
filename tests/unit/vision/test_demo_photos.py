"""What the models as they ship say of the demo's photos, the first that a stranger sees."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from photosearch.pictures import images
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
    ("key", "words"),
    [
        ("scikit-image/camera.png", {"camera"}),
        ("scikit-image/chelsea.png", {"cat"}),
        ("scikit-image/coffee.png", {"cup", "coffee"}),
        ("scikit-image/motorcycle_left.png", {"motorcycle"}),
        ("scikit-learn/china.jpg", {"building", "tower", "temple"}),
        ("scikit-learn/flower.jpg", {"flower", "flowers"}),
    ],
)
def test_the_caption_names_what_is_there(models, key, words):
    (told,) = models.captioner().observe(batch_of(key))
    assert not words.isdisjoint(told.captions[0].text.split())


@pytest.mark.parametrize("key", ["scikit-image/coins.png", "scikit-image/rocket.jpg"])
def test_of_what_the_models_hardly_know_the_caption_is_unsure(models, key):
    (told,) = models.captioner().observe(batch_of(key))
    assert told.captions[0].is_unsure


def page_of_text() -> Image.Image:
    page = Image.new("RGB", (600, 800), "white")
    for y in range(40, 760, 18):
        ImageDraw.Draw(page).text(
            (40, y), "The quick brown fox jumps over the lazy dog, and does it again.", fill="black"
        )
    return page


def drawing() -> Image.Image:
    paper = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(paper)
    draw.ellipse((80, 80, 300, 300), outline="blue", width=6)
    draw.line((100, 350, 300, 350), fill="green", width=5)
    return paper


def screenshot() -> Image.Image:
    screen = Image.new("RGB", (1280, 720), (240, 240, 245))
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, 1280, 40), fill=(60, 60, 70))
    draw.rectangle((0, 40, 240, 720), fill=(225, 225, 230))
    for y in range(60, 700, 30):
        draw.text((20, y), "Menu item", fill="black")
        draw.text((260, y), f"Row {y}   value   value   value", fill="black")
    return screen


@pytest.mark.parametrize(
    "picture",
    [
        page_of_text(),
        drawing(),
        screenshot(),
        Image.new("RGB", (640, 480)),
        Image.new("RGB", (4, 4000), "red"),
    ],
    ids=["page", "drawing", "screenshot", "black", "strip"],
)
def test_what_is_no_photo_is_captioned_as_unsure(models, picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    (told,) = models.captioner().observe(Batch([images.decode(file.getvalue())]))
    assert told.captions[0].is_unsure


def test_the_astronaut_is_no_boy(models):
    (told,) = models.captioner().observe(batch_of("scikit-image/astronaut.png"))
    assert "boy" not in told.captions[0].text.split()
