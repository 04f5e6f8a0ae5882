"""Whose export it is where no name of a file or folder says so."""

from pathlib import Path

import pytest

from photosearch.sources import Options, find_sources
from tests.exports import MEDIA, NAME, POSTS, POSTS_FOLDER, broken, dumps, export, unpack, write_zip

LISTS = f"{POSTS_FOLDER}/posts_1.json"
PERSONAL = "personal_information/personal_information/personal_information.json"
VALUES = {"Email": {"value": "x@example.org"}, "Name": {"value": "Anna"}}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (PERSONAL, {"profile_user": [{"string_map_data": {**VALUES, "Username": {"value": "anna.b"}}}]}),
        (
            PERSONAL,
            {"profile_user": [{"string_map_data": {**VALUES, broken("Nom d’utilisateur"): {"value": "anna.b"}}}]},
        ),
        (
            PERSONAL,
            [{"label_values": [{"label": "Name", "value": "Anna"}, {"label": "Benutzername", "value": "anna.b"}]}],
        ),
        ("profile.json", {"username": "anna.b", "email": "x@example.org"}),
    ],
)
def test_unpacked_folders_of_one_account_are_one_collection(tmp_path, workspace, name, told):
    for date in ("Apr-11", "May-12"):
        path = write_zip(tmp_path / f"{date}.zip", {LISTS: dumps(POSTS), **MEDIA, name: dumps(told)})
        (added,) = workspace.add(str(unpack(path, tmp_path / f"meta-2026-{date}")))
        assert added.collection == "anna.b"
    assert (added.report.n_new, added.report.n_unchanged + added.report.n_changed) == (0, 3)


@pytest.mark.parametrize(
    "told", [b"{", b"[]", b'{"username": 5}', b'{"username": "a/b"}', b'{"profile_user": "x"}', b"\xff"]
)
def test_a_folder_that_tells_no_account_is_named_as_it_is(tmp_path, told):
    path = write_zip(tmp_path / "a.zip", {LISTS: dumps(POSTS), **MEDIA, "profile.json": told, PERSONAL: told})
    folder = unpack(path, tmp_path / "meta-2026-Apr.11")
    (source,) = find_sources([str(folder)], Path("/nowhere"), Options())
    assert source.collection == "meta-2026-Apr.11"


def test_photos_that_lie_in_another_collection_too_are_told(tmp_path, workspace):
    folders = [unpack(export(tmp_path / NAME), tmp_path / f"meta-{day}") for day in (11, 12)]
    first, second, again = (workspace.add(str(folder))[0] for folder in (*folders, folders[1]))
    told = '3 of these photos are in the collection "meta-11", too.'
    assert [any(told in note for note in added.report.notes) for added in (first, second, again)] == [
        False,
        True,
        False,
    ]
