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


def test_people_are_named_with_commas_between() -> None:
    users = read_settings({"PHOTOSEARCH_USERS": "Me@example.org,*@family.example, o'brien@example.org"}).users
    assert users == ("me@example.org", "*@family.example", "o'brien@example.org")
    assert read_settings({"PHOTOSEARCH_USERS": "*"}).users == ("*",)


@pytest.mark.parametrize("value", ['["me@example.org"]', "'me@example.org'", '"me@example.org"', "me", "me@*", "@b"])
def test_who_is_no_person_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="PHOTOSEARCH_USERS"):
        read_settings({"PHOTOSEARCH_USERS": value})


@pytest.mark.parametrize(("value", "language"), [("", ""), (" German ", "german"), ("english", "")])
def test_the_owner_s_language_is_a_stemmer_s(value: str, language: str) -> None:
    assert read_settings({"PHOTOSEARCH_OWNER_LANGUAGE": value}).owner_language == language


def test_a_language_without_a_stemmer_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"klingon.*german"):
        read_settings({"PHOTOSEARCH_OWNER_LANGUAGE": "klingon"})


@pytest.mark.parametrize(
    ("value", "place"),
    [("", ""), ("/mnt/photos", "/mnt/photos"), ("~/photos", str(Path.home() / "photos")), ("s3://b/p", "s3://b/p")],
)
def test_pictures_lie_in_a_folder_or_at_an_address(value: str, place: str) -> None:
    assert read_settings({"PHOTOSEARCH_FILES": value}).files == place


@pytest.mark.parametrize("value", ["sftp://me:secret@host/p", "s3://key:secret@bucket", "s3://b/p@secret"])
def test_an_address_with_a_password_is_refused_and_not_shown(value: str) -> None:
    """Messages, logs and the page name the place; the object store's own variables hold its key."""
    with pytest.raises(SettingsError, match="PHOTOSEARCH_FILES cannot be used") as raised:
        read_settings({"PHOTOSEARCH_FILES": value})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("value", ["s3://", "://bucket", "s3:// bucket", "S3://bucket"])
def test_an_address_without_a_bucket_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="PHOTOSEARCH_FILES"):
        read_settings({"PHOTOSEARCH_FILES": value})


@pytest.mark.parametrize("value", ["", "local", "auto", "head:6379", "10.0.0.1:6379", "[::1]:6379"])
def test_a_cluster_has_an_address(value: str) -> None:
    assert read_settings({"PHOTOSEARCH_RAY": value}).ray == value


@pytest.mark.parametrize("value", ["head", "ray://head:10001", "head:", "6379", "a b:1"])
def test_what_is_no_cluster_s_address_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"PHOTOSEARCH_RAY is .*; set it to the address of a Ray cluster"):
        read_settings({"PHOTOSEARCH_RAY": value})


# photosearch.toml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "photosearch.toml"


def test_values_are_taken_from_the_file(file: Path) -> None:
    file.write_text('library = "~/photos"\nkeep = "original"\ndemo = true\ncors_origins = ["https://a.example", "*"]\n')
    settings = read_settings({}, file)
    assert settings == Settings(
        Path.home() / "photos", keep="original", demo=True, cors_origins=("https://a.example", "*")
    )


def test_the_environment_wins_unless_it_is_empty(file: Path) -> None:
    file.write_text('keep = "original"\ndemo = true\n')
    settings = read_settings({"PHOTOSEARCH_KEEP": " ", "PHOTOSEARCH_DEMO": "0"}, file)
    assert (settings.keep, settings.demo) == ("original", False)


def test_a_missing_file_sets_nothing(file: Path) -> None:
    assert read_settings({}, file) == read_settings({})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('libary = "/photos"', "libary is no setting. There are: library, database, "),
        ("[keep]\nphotos = 1", "keep must be a text in quotes: thumbnail or original"),
        ("keep = 1", "keep must be a text in quotes: thumbnail or original"),
        ('keep = "all"', "keep is 'all'; set it to thumbnail or original"),
        ('demo = "yes"', "demo must be true or false: "),
        ("demo = 1", "demo must be true or false: "),
        ('cors_origins = "https://a.example"', "cors_origins must be a list of texts in quotes: origins such as"),
        ("cors_origins = [1]", "cors_origins must be a list of texts in quotes: origins such as"),
        ('cors_origins = ["a.example"]', "cors_origins is 'a.example'; set it to origins such as"),
        ('owner_language = "klingon"', "owner_language is 'klingon'; set it to one of "),
        ('database = "mysql://me:secret@host/name"', "database cannot be used; set it to the address of a PostgreSQL"),
        ("keep = ", "cannot be read: "),
    ],
)
def test_what_the_file_must_not_hold_is_one_line_with_file_key_and_what_is_allowed(
    file: Path, content: str, message: str
) -> None:
    file.write_text(content)
    with pytest.raises(SettingsError) as raised:
        read_settings({}, file)
    text = str(raised.value)
    assert text.startswith(str(file))
    assert message in text
    assert "secret" not in text
    assert "\n" not in text


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    file.mkdir()
    with pytest.raises(SettingsError, match=r"photosearch\.toml cannot be read: Is a directory\."):
        read_settings({}, file)
    file.rmdir()
    file.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=r"photosearch\.toml cannot be read: .*utf-8"):
        read_settings({}, file)
