"""Photos that an earlier version read, which kept less of what their files say: the next run reads them again, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import update

from photosearch.library import Library, details
from photosearch.library import schema as t
from photosearch.records import PhotoState, Report
from tests.conftest import ColourStation, analyse, jpeg
from tests.unit.pipeline.test_analysis import list_folder

READ_AGAIN = "Photos read again for what their files say, since an earlier version read less: {}."


@pytest.fixture
def old(library: Library, tmp_path: Path) -> Library:
    """A captioned library whose pictures' facts, and their miniatures, an earlier version left out."""
    for name, said in (("a.jpg", "Aunt Tilda feeding alpacas"), ("b.jpg", "A heron")):
        exif = Image.Exif()
        exif[0x010E] = said
        (tmp_path / "photos").mkdir(exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(jpeg("red" if name == "a.jpg" else "blue", exif=exif))
    list_folder(library, tmp_path / "photos")
    assert analyse(library, ColourStation()).n_captioned == 2
    make_old(library)
    return library


def make_old(library: Library) -> None:
    with library.writing() as connection:
        connection.execute(update(t.image).values(details='{"camera": "Leica"}', miniature=None))


def owners_words(library: Library) -> list[str | None]:
    return sorted(filter(None, (photo.owner_text for photo in library.photos("c", PhotoState.READY))))


SAID = ["A heron", "Aunt Tilda feeding alpacas"]


@pytest.mark.parametrize("models", [[ColourStation()], []])
def test_the_next_run_reads_them_again_without_a_model(old: Library, models: list[ColourStation]) -> None:
    assert owners_words(old) == []
    generation = old.generation("c")
    assert analyse(old, *models) == Report(notes=(READ_AGAIN.format(2),))
    assert [model.n_seen for model in models] == [0 for _ in models]
    assert owners_words(old) == SAID
    assert old.generation("c") > generation, "the index takes the words in"
    assert all(len(miniature) for miniature in old.miniatures(photo.id for photo in old.photos("c")).values())
    assert len(old.miniatures(photo.id for photo in old.photos("c"))) == 2
    assert [photo.caption for photo in old.photos("c", PhotoState.READY)] == ["a red picture", "a blue picture"]
    assert analyse(old, *models) == Report(), "once"


def test_a_file_that_cannot_be_read_now_stays_as_it_was_read(old: Library, tmp_path: Path) -> None:
    (tmp_path / "photos" / "a.jpg").unlink()
    analyse(old, ColourStation())
    assert owners_words(old) == ["A heron"]
    assert [photo.caption for photo in old.photos("c", PhotoState.READY)] == ["a red picture", "a blue picture"]


def test_a_later_reader_reads_again(old: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    analyse(old)
    monkeypatch.setattr(details, "READER", details.READER + 1)
    assert analyse(old) == Report(notes=(READ_AGAIN.format(2),))
    assert analyse(old) == Report()


def test_a_kept_copy_gets_a_miniature_and_keeps_what_is_known(old: Library) -> None:
    for photo in old.photos("c"):
        assert photo.sha256 is not None
        path = old.files.keep(photo.sha256, jpeg())  # without metadata, as copies of fetched photos are kept
        with old.writing() as connection:
            connection.execute(update(t.image).where(t.image.c.sha256 == photo.sha256).values(kept_path=path))
    assert analyse(old, ColourStation()) == Report(notes=(READ_AGAIN.format(2),))
    assert [photo.details.camera for photo in old.photos("c", PhotoState.READY)] == ["Leica", "Leica"]
    assert len(old.miniatures(photo.id for photo in old.photos("c"))) == 2
    assert analyse(old, ColourStation()) == Report()
