from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from photosearch.errors import PhotosearchError, SettingsError
from photosearch.settings import MODELS_DIR, Settings, read_settings


def test_nothing_set_gives_the_users_own_library() -> None:
    library = platformdirs.user_data_path("photosearch", appauthor=False)
    assert read_settings({}) == Settings(library, MODELS_DIR, demo=False, demo_source="demo")


def test_values_are_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOSEARCH_LIBRARY", " /some/where ")
    monkeypatch.setenv("PHOTOSEARCH_DEMO", "1")
    monkeypatch.setenv("PHOTOSEARCH_DEMO_SOURCE", "/photos")
    assert read_settings() == Settings(Path("/some/where"), demo=True, demo_source="/photos")


def test_home_is_expanded() -> None:
    assert read_settings({"PHOTOSEARCH_LIBRARY": "~/photos"}).library_dir == Path.home() / "photos"


@pytest.mark.parametrize("name", ["PHOTOSEARCH_LIBRARY", "PHOTOSEARCH_DEMO", "PHOTOSEARCH_DEMO_SOURCE"])
@pytest.mark.parametrize("value", ["", "  "])
def test_empty_is_as_good_as_not_set(name: str, value: str) -> None:
    assert read_settings({name: value}) == read_settings({})


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_demo_is_on(value: str) -> None:
    assert read_settings({"PHOTOSEARCH_DEMO": value}).demo


@pytest.mark.parametrize("value", ["0", "False", "no", "OFF"])
def test_demo_is_off(value: str) -> None:
    assert not read_settings({"PHOTOSEARCH_DEMO": value}).demo


@pytest.mark.parametrize("value", ["2", "demo", "y e s"])
def test_other_demo_values_are_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=f"PHOTOSEARCH_DEMO is '{value}'"):
        read_settings({"PHOTOSEARCH_DEMO": value})
    assert issubclass(SettingsError, PhotosearchError)


def test_other_sites_are_origins_with_commas_or_spaces_between() -> None:
    assert read_settings({}).cors_origins == ()
    value = "https://example.org, http://localhost:3000 *"
    assert read_settings({"PHOTOSEARCH_CORS_ORIGINS": value}).cors_origins == (
        "https://example.org",
        "http://localhost:3000",
        "*",
    )


@pytest.mark.parametrize("value", ["example.org", "https://example.org/", "https://Example.org", "ftp://example.org"])
def test_what_is_no_origin_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="PHOTOSEARCH_CORS_ORIGINS"):
        read_settings({"PHOTOSEARCH_CORS_ORIGINS": value})


@pytest.mark.parametrize(("value", "language"), [("", ""), (" German ", "german"), ("english", "")])
def test_the_owner_s_language_is_a_stemmer_s(value: str, language: str) -> None:
    assert read_settings({"PHOTOSEARCH_OWNER_LANGUAGE": value}).owner_language == language


def test_a_language_without_a_stemmer_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"klingon.*german"):
        read_settings({"PHOTOSEARCH_OWNER_LANGUAGE": "klingon"})
