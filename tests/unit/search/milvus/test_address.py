from __future__ import annotations

import pytest

from photosearch.errors import SettingsError
from photosearch.search.milvus.address import read_address
from photosearch.settings import read_settings


@pytest.mark.parametrize(
    ("text", "uri", "name", "database", "token"),
    [
        ("milvus://db.example.org", "http://db.example.org:19530", "Milvus at db.example.org:19530", "", ""),
        ("milvus://db:1/photos", "http://db:1", "Milvus at db:1", "photos", ""),
        ("milvus://me:s3cret%40w@db", "http://db:19530", "Milvus at db:19530", "", "me:s3cret@w"),
        ("milvus+tls://key%2F1@db:443", "https://db:443", "Milvus at db:443", "", "key/1"),
        ("milvus://[::1]:19530", "http://[::1]:19530", "Milvus at [::1]:19530", "", ""),
        ("milvus:///srv/my%20photos.db", "/srv/my photos.db", 'Milvus file "/srv/my photos.db"', "", ""),
    ],
)
def test_addresses(text: str, uri: str, name: str, database: str, token: str) -> None:
    address = read_address(text)
    assert (address.uri, address.name, address.database, address.token) == (uri, name, database, token)
    assert address.is_file == uri.startswith("/")
    assert token == "" or token not in repr(address)


@pytest.mark.parametrize(
    "text",
    [
        "milvus://",
        "milvus:///srv/photos",
        "milvus://db:port",
        "milvus://db/a/b",
        "milvus://db?x=1",
        "http://db:19530",
        "milvus://me:12/s3cret@host",
    ],
)
def test_what_is_no_address_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="milvus://HOST:PORT") as raised:
        read_address(text.replace("//db", "//me:s3cret@db"))
    assert "s3cret" not in str(raised.value)


def test_the_setting_is_a_secret() -> None:
    settings = read_settings({"PHOTOSEARCH_INDEX": "milvus://me:s3cret@db"})
    assert settings.index == "milvus://me:s3cret@db"
    assert "s3cret" not in repr(settings)
    with pytest.raises(SettingsError, match="PHOTOSEARCH_INDEX cannot be used") as raised:
        read_settings({"PHOTOSEARCH_INDEX": "me:s3cret@db"})
    assert "s3cret" not in str(raised.value)
    assert read_settings({}).index is None
