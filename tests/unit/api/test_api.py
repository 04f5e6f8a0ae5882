"""The HTTP API on the bare application, as it is mounted at /api."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from photosearch.access.gate import Gate, Rules
from photosearch.api import MAX_SIZE_PX, PREFIX, image_address, make_api, pictures
from photosearch.errors import LibraryError
from photosearch.export.formats import photo_json
from photosearch.library.files import thumbnail_name
from photosearch.records import Details, Listing
from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg

ORIGIN = "http://testserver"


def client_of(workspace: Workspace, *, public: bool = False, cors_origins: tuple[str, ...] = ()) -> TestClient:
    api = make_api(lambda: workspace, public=public, cors_origins=cors_origins)
    gate = Gate(Starlette(routes=[Mount(PREFIX, app=api)]), Rules(PREFIX, is_open=True, any_host=True))
    return TestClient(gate, raise_server_exceptions=False)


@pytest.fixture
def filled(workspace: Workspace, make_photos: Callable[..., Path]) -> Workspace:
    root = make_photos("red.jpg", "green.jpg", "red-2.jpg")
    (root / "large.jpg").write_bytes(jpeg("blue", (3000, 1500)))
    workspace.add(str(root))
    analyse(workspace.library, ColourStation())
    return workspace


@pytest.fixture
def client(filled: Workspace) -> TestClient:
    return client_of(filled)


def large(workspace: Workspace):
    return next(photo for photo in workspace.library.photos("photos") if photo.name == "large.jpg")


def size_of(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def test_a_search_answers_as_the_command_line_does(client, filled):
    told = client.get("/api/v1/search", params={"str": "something red", "name": "photos"})
    assert told.status_code == 200
    found = told.json()
    assert found["query"] == "something red"
    assert found["collection"] == "photos"
    assert found["total"] == 2
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    hit = found["hits"][0]
    assert hit.keys() == {"rank", "score", "photo", "source", "caption", "terms"}
    assert hit["source"].endswith(".jpg")
    assert sum(hit["terms"].values()) == pytest.approx(hit["score"], abs=1e-5)


def test_a_search_explains_itself_where_it_is_asked_to(client):
    (hit, *_) = client.get("/api/v1/search?str=crimson+picture&name=photos&explain=true").json()["hits"]
    assert sum(share["share"] for share in hit["shares"]) == pytest.approx(hit["score"], abs=1e-5)
    plain = next(share for share in hit["shares"] if share["for"] == "pictur")
    assert (plain["term"], plain["field"]) == ("pictur", "caption")
    assert "relation" not in plain
    reds = [share for share in hit["shares"] if share["for"] == "crimson"]
    assert {share["field"] for share in reds} == {"caption", "names"}  # the file is called red.jpg
    red = reds[0]
    assert (red["term"], red["relation"]) == ("red", "synonym")
    assert 0 < red["strength"] < 1


def test_what_could_not_be_meant_is_told(client):
    told = client.get("/api/v1/search?str=red+before:2023-99&name=photos").json()
    assert told["notes"] == ["“before:2023-99” names no date; write 2023, 2023-06 or 2023-06-14. It was left out."]
    assert "notes" not in client.get("/api/v1/search?str=red&name=photos").json()


def test_words_that_occur_are_completed(client):
    assert client.get("/api/v1/words?start=pi&name=photos").json() == ["picture"]
    assert client.get("/api/v1/words?start=zz&name=photos").json() == []


def test_photos_like_one_are_found(client, filled):
    red = next(photo for photo in filled.library.photos("photos") if photo.name == "red.jpg")
    found = client.get(f"/api/v1/photos/{red.id}/similar").json()
    assert found["hits"][0]["source"].endswith("red-2.jpg")
    assert red.id not in {hit["photo"] for hit in found["hits"]}


def test_top_limits_the_hits_and_not_the_total(client):
    found = client.get("/api/v1/search", params={"str": "picture", "name": "photos", "top": 1}).json()
    assert (found["total"], len(found["hits"])) == (4, 1)


def test_signs_mean_something_unless_the_query_is_literal(client):
    asked = {"str": "picture -red", "name": "photos"}
    assert client.get("/api/v1/search", params=asked).json()["total"] == 2
    assert client.get("/api/v1/search", params={**asked, "literal": "true"}).json()["total"] == 4


@pytest.mark.parametrize("query", ["", " ", '"', "-", "before:never", "by:", "\u202e<script>", "a" * 2000])
def test_any_text_is_a_query(client, query):
    told = client.get("/api/v1/search", params={"str": query, "name": "photos"})
    assert told.status_code == 200
    assert told.json()["query"] == query


def test_rows_are_score_address_caption(client):
    rows = client.get("/api/v1/search", params={"str": "green", "name": "photos", "shape": "rows"}).json()
    score, url, caption = rows[0]
    assert 0 < score <= 1
    assert caption == "a green picture"
    assert url.startswith(f"{ORIGIN}/api/v1/photos/")
    assert client.get(url).headers["content-type"] == "image/jpeg"


def test_rows_of_photos_from_the_web_hold_their_own_addresses(workspace, tmp_path):
    path = tmp_path / "captions_dict_pets.json"
    path.write_text(json.dumps({"https://example.com/1.jpg": "a dog on a beach"}))
    workspace.add(str(path))
    rows = client_of(workspace).get("/api/v1/search?str=dog&name=pets&shape=rows").json()
    assert [row[1:] for row in rows] == [["https://example.com/1.jpg", "a dog on a beach"]]


def test_without_a_name_the_only_collection_is_meant(client, filled, make_photos):
    assert client.get("/api/v1/search?str=red").json()["collection"] == "photos"
    filled.add(str(make_photos("red.jpg", folder="others")))
    told = client.get("/api/v1/search?str=red")
    assert told.status_code == 404
    assert "others, photos" in told.json()["message"]


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/search?str=red&name=cats",
        "/api/v1/photos/0123456789abcdef",
        "/api/v1/photos/0123456789abcdef/image",
        "/api/v1/photos/0123456789abcdef/similar",
        "/api/v1/words?start=a&name=cats",
        "/api/v1/photos/..%2f..%2fetc/image",
        "/api/v1/nothing",
        "/api/docs/assets/..%2f..%2f..%2f__init__.py",
    ],
)
def test_what_is_not_there_is_a_404_with_a_message(client, address):
    told = client.get(address)
    assert told.status_code == 404
    assert told.json().keys() == {"message"}
    assert told.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("search?name=photos", "str"),
        (f"search?name=photos&str={'a' * 2001}", "str"),
        ("search?name=photos&str=a&top=0", "top"),
        ("search?name=photos&str=a&top=1001", "top"),
        ("search?name=photos&str=a&top=many", "top"),
        ("search?name=photos&str=a&shape=heap", "shape"),
        ("search?name=photos&str=a&literal=perhaps", "literal"),
        ("search?str=a&name=%00", "name"),
        ("words?start=", "start"),
        (f"words?start={'a' * 101}", "start"),
        ("photos/0123456789abcdef/similar?top=0", "top"),
        ("photos/%00", "photo_id"),
        ("photos/0123456789abcdef/image?size=0", "size"),
        (f"photos/0123456789abcdef/image?size={MAX_SIZE_PX + 1}", "size"),
        ("photos/0123456789abcdef/image?size=big", "size"),
    ],
)
def test_a_bad_parameter_is_a_422_that_names_it(client, address, parameter):
    told = client.get(f"/api/v1/{address}")
    assert told.status_code == 422
    assert told.json()["message"].startswith(f"{parameter}: ")


def test_it_only_reads(client):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        told = client.request(method, "/api/v1/search?str=red")
        assert told.status_code == 405
        assert "message" in told.json()


def test_collections_have_their_counts(client):
    assert client.get("/api/v1/collections").json() == [
        {"name": "photos", "photos": 4, "captioned": 4, "to_do": 0, "failed": 0, "without_picture": 0}
    ]


def test_a_photo_is_what_an_export_says_of_it(client, filled):
    photo = filled.library.photo(large(filled).id)
    assert client.get(f"/api/v1/photos/{photo.id}").json() == json.loads(json.dumps(photo_json(photo)))


def test_the_thumbnail_may_be_kept_long_where_the_address_says_which_it_is(client, filled):
    photo = large(filled)
    told = client.get(image_address(photo.id, photo.sha256))
    assert told.headers["content-type"] == "image/jpeg"
    assert told.headers["x-content-type-options"] == "nosniff"
    assert told.headers["cache-control"] == "private, max-age=604800"
    assert size_of(told.content) == (400, 200)
    for address in (f"/api/v1/photos/{photo.id}/image", image_address(photo.id, "0" * 64)):
        assert client.get(address).headers["cache-control"] == "private, max-age=60"


@pytest.mark.parametrize(("size_px", "width"), [(100, 400), (400, 400), (401, 401), (900, 900), (1600, 1600)])
def test_a_larger_picture_is_made_from_the_photo(client, filled, size_px, width):
    photo = large(filled)
    told = client.get(image_address(photo.id, photo.sha256, size_px))
    assert size_of(told.content)[0] == width
    assert told.headers["cache-control"] == "private, max-age=604800"


def test_a_small_photo_is_not_blown_up(client, filled):
    photo = next(photo for photo in filled.library.photos("photos") if photo.name == "red.jpg")
    assert size_of(client.get(image_address(photo.id, photo.sha256, 1600)).content) == (64, 48)


@pytest.mark.parametrize("what", ["gone", "another"])
def test_where_the_photo_is_gone_or_another_the_thumbnail_stands_in(client, filled, what):
    photo = large(filled)
    path = Path(photo.source_key)
    path.unlink()
    if what == "another":
        path.write_bytes(jpeg("red", (2000, 1000)))
    told = client.get(image_address(photo.id, photo.sha256, 1600))
    assert size_of(told.content) == (400, 200)
    assert told.headers["cache-control"] == "private, max-age=60"


def test_a_lost_thumbnail_is_made_again(client, filled):
    photo = large(filled)
    (filled.library.folder / thumbnail_name(photo.sha256)).unlink()
    assert size_of(client.get(image_address(photo.id, photo.sha256)).content) == (400, 200)
    Path(photo.source_key).unlink()
    assert client.get(image_address(photo.id, photo.sha256)).status_code == 404


def test_an_empty_thumbnail_is_a_lost_one(client, filled):
    photo = large(filled)
    (filled.library.folder / thumbnail_name(photo.sha256)).write_bytes(b"")  # as a power cut leaves it
    assert size_of(client.get(image_address(photo.id, photo.sha256)).content) == (400, 200)
    Path(photo.source_key).unlink()
    missing = client.get(image_address(photo.id, photo.sha256))
    assert missing.status_code == 404
    assert "cache-control" not in missing.headers


@pytest.mark.parametrize("place", ["photo", "thumbnail"])
def test_a_pipe_in_place_of_a_file_holds_nothing_up(client, filled, place):
    photo = large(filled)
    path = Path(photo.source_key) if place == "photo" else (filled.library.folder / thumbnail_name(photo.sha256))
    path.unlink()
    os.mkfifo(path)
    for _ in range(40):
        assert size_of(client.get(image_address(photo.id, photo.sha256, 1600)).content)[0] in (400, 1600)
        assert size_of(client.get(image_address(photo.id, photo.sha256)).content) == (400, 200)


def test_a_drive_that_hangs_costs_its_pictures_only(filled, monkeypatch):
    hangs, n_asked = threading.Event(), 45  # more than any pool of the server has threads
    monkeypatch.setattr(pictures, "PATIENCE_S", 2.0)
    monkeypatch.setattr(pictures, "make_rendition", lambda *_: hangs.wait(60))
    photo = large(filled)
    with client_of(filled) as client, ThreadPoolExecutor(n_asked) as visitors:
        address = image_address(photo.id, photo.sha256, 1600)
        for told in list(visitors.map(client.get, [address] * n_asked)):
            assert told.status_code == 503
            assert "cannot be read at the moment" in told.json()["message"]
        assert client.get(image_address(photo.id, photo.sha256)).status_code == 200
        assert client.get("/api/v1/search?str=red").status_code == 200
        assert not hangs.is_set()
        hangs.set()


def test_a_photo_that_is_listed_only_has_no_picture(client, filled, make_photos):
    filled.add(str(make_photos("green.jpg", folder="new")))
    (photo,) = filled.library.photos("new")
    told = client.get(f"/api/v1/photos/{photo.id}/image")
    assert told.status_code == 404
    assert "no picture yet" in told.json()["message"]


def test_the_public_demo_tells_no_path(filled):
    client = client_of(filled, public=True)
    found = client.get("/api/v1/search?str=picture").json()
    assert sorted(hit["source"] for hit in found["hits"]) == ["green.jpg", "large.jpg", "red-2.jpg", "red.jpg"]
    assert client.get(f"/api/v1/photos/{found['hits'][0]['photo']}").json()["source"] == found["hits"][0]["source"]


def test_the_public_demo_does_not_tell_where_exactly_a_photo_was_taken(workspace):
    details = Details(latitude=54.3233, longitude=10.1228, place="Kiel", taken_at=datetime(2024, 5, 1))
    workspace.library.merge("c", "folder", [Listing("/home/me/a.jpg", "1", details=details)])
    (photo,) = workspace.library.photos("c")
    address = f"/api/v1/photos/{photo.id}"
    assert client_of(workspace).get(address).json()["latitude"] == 54.3233
    told = client_of(workspace, public=True).get(address)
    assert (told.json()["latitude"], told.json()["longitude"], told.json()["place"]) == (None, None, "Kiel")
    assert "54.3" not in told.text
    assert "/home" not in told.text


@pytest.mark.parametrize(("public", "said"), [(False, "/secret"), (True, "cannot be read at the moment")])
def test_a_library_that_cannot_be_read_is_a_503(filled, monkeypatch, public, said):
    def broken():
        raise LibraryError('Library "/secret" is damaged.')

    monkeypatch.setattr(filled.library, "collections", broken)
    told = client_of(filled, public=public).get("/api/v1/collections")
    assert told.status_code == 503
    assert said in told.json()["message"]
    assert public != ("/secret" in told.text)


def test_an_unforeseen_error_is_a_500_that_tells_nothing(filled, monkeypatch):
    def broken():
        raise RuntimeError("secret")

    monkeypatch.setattr(filled.library, "collections", broken)
    told = client_of(filled).get("/api/v1/collections")
    assert told.status_code == 500
    assert told.json().keys() == {"message"}
    assert "secret" not in told.text


def test_other_sites_may_read_only_where_they_are_named(filled):
    asked = {"Origin": "https://example.org"}
    assert "access-control-allow-origin" not in client_of(filled).get("/api/v1/collections", headers=asked).headers
    client = client_of(filled, cors_origins=("https://example.org",))
    told = client.get("/api/v1/collections", headers=asked)
    assert told.headers["access-control-allow-origin"] == "https://example.org"
    other = client.get("/api/v1/collections", headers={"Origin": "https://example.com"})
    assert "access-control-allow-origin" not in other.headers


def test_the_description_fits_and_its_page_asks_nobody_else(client):
    described = client.get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.0")
    assert described["servers"] == [{"url": "/api"}]
    assert sorted(described["paths"]) == [
        "/v1/collections",
        "/v1/photos/{photo_id}",
        "/v1/photos/{photo_id}/image",
        "/v1/photos/{photo_id}/similar",
        "/v1/search",
        "/v1/words",
    ]
    assert {method for path in described["paths"].values() for method in path} == {"get"}
    example = described["paths"]["/v1/search"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    answered = client.get("/api/v1/search?str=red&name=photos").json()
    assert example.keys() == answered.keys()
    assert example["hits"][0].keys() == answered["hits"][0].keys()
    page = client.get("/api/docs").text
    assert "https://" not in page
    assert "url: '/api/v1/openapi.json'" in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"/api/docs/assets/{asset}" in page
        assert client.get(f"/api/docs/assets/{asset}").status_code == 200


def test_the_demo_setting_reaches_the_api(monkeypatch, filled, tmp_path):
    from photosearch.ui import server, state

    demo = Workspace(Settings(filled.settings.library_dir, filled.settings.models_dir, demo=True))
    monkeypatch.setattr(state, "workspace", lambda: demo)
    monkeypatch.setenv("PHOTOSEARCH_DEMO", "1")
    client = TestClient(Starlette(routes=server.routes()))
    assert "/" not in client.get("/api/v1/search?str=green").json()["hits"][0]["source"]
    demo.close()


def test_a_wrong_setting_is_said_by_the_api(monkeypatch):
    from photosearch.errors import SettingsError
    from photosearch.ui import server, state

    def wrong():
        raise SettingsError("PHOTOSEARCH_DEMO is 'maybe'.")

    monkeypatch.setattr(state, "workspace", wrong)
    monkeypatch.setenv("PHOTOSEARCH_DEMO", "maybe")
    client = TestClient(Starlette(routes=server.routes()), raise_server_exceptions=False)
    assert client.get("/api/v1/collections").status_code == 503
