"""The saved posts of an export: addresses with texts, which search finds although there are no pictures."""

import json

import pytest

from photosearch.errors import SourceError
from photosearch.library.upkeep import read_failures
from photosearch.records import Failure, Listing, PhotoState, TextKind, Watch
from photosearch.search.question import Question
from photosearch.sources import Options, find_sources
from photosearch.sources.instagram.export_saved import NO_PICTURE, read_saved
from tests.exports import KEYS, MEDIA, NAME, POSTS, broken, dumps, write_zip

SITE = "https://www.instagram.com"
SAVED = "your_instagram_activity/saved/saved_posts.json"
COLLECTIONS = "your_instagram_activity/saved/saved_collections.json"
CAPTION = "Grüße vom Leuchtturm #lighthouse mit @carla"


def mapped(address: str, user: str = "bert") -> dict[str, object]:
    """A saved post as exports had it until 2024."""
    return {"title": user, "string_map_data": {"Saved on": {"href": address, "timestamp": 1_700_000_000}}}


def labelled(address: str, caption: str = "", user: str = "bert", labels: str = "URL Caption Owner Username"):
    """A saved post as exports have it since 2025."""
    url, text, owner, name = labels.split()
    person = [{"label": "Name", "value": "Bert Bo"}, {"label": name, "value": user}]
    values: list[dict[str, object]] = [{"label": url, "value": address, "href": address}]
    if caption:
        values.append({"label": text, "value": broken(caption)})
    profile = {"label": url, "value": f"{SITE}/{user}", "href": f"{SITE}/{user}"}
    values.append({"title": owner, "dict": [{"title": "", "dict": [profile, *person]}]})
    return {"timestamp": 1_700_000_000, "media": [], "label_values": values, "fbid": "1"}


def heading(name: str) -> dict[str, object]:
    return {"title": "Collection", "string_map_data": {"Name": {"value": name}, "Creation Time": {"timestamp": 1}}}


def in_collection(address: str, user: str = "bert") -> dict[str, object]:
    return {"string_map_data": {"Name": {"href": address, "value": user}, "Added Time": {"timestamp": 1}}}


def nested_collection(name: str, *posts: dict) -> dict[str, object]:
    inner = [{"title": "", "dict": post["label_values"]} for post in posts]
    return {"label_values": [{"label": "Name", "value": name}, {"title": "Media", "dict": inner}]}


def export(path, posts: object, collections: object = None, *, is_alone: bool = False):
    members = {SAVED: dumps(posts), **({COLLECTIONS: dumps(collections)} if collections else {})}
    if not is_alone:
        members |= {"your_instagram_activity/media/posts_1.json": dumps(POSTS[:1]), KEYS[0]: MEDIA[KEYS[0]]}
    return write_zip(path / NAME, members)


@pytest.mark.parametrize(
    ("document", "user", "caption"),
    [
        ({"saved_saved_media": [mapped(f"{SITE}/p/Cabc_-1/")]}, "bert", None),
        ({"saved_saved_media": [mapped(f"{SITE}/bert/reel/Cabc_-1/?igsh=x")]}, "bert", None),
        ({"saved_posts": [{"title": "bert", "href": f"{SITE}/tv/Cabc_-1", "timestamp": 1}]}, "bert", None),
        (
            {"saved_saved_media": [{"string_list_data": [{"href": f"{SITE}/p/Cabc_-1/", "value": "bert"}]}]},
            "bert",
            None,
        ),
        (
            {
                "saved_saved_media": [
                    {"string_map_data": {"Shared By": {"value": "bert"}, "Link": {"href": f"{SITE}/p/Cabc_-1/"}}}
                ]
            },
            "bert",
            None,
        ),
        ([labelled(f"{SITE}/reel/Cabc_-1/", CAPTION)], "bert", CAPTION),
        ([labelled(f"{SITE}/p/Cabc_-1/", CAPTION, labels="Adresse Bildtext Inhaber Benutzername")], "bert", CAPTION),
        ([labelled(f"{SITE}/p/Cabc_-1/")], "bert", None),
    ],
)
def test_every_shape_gives_address_user_and_text(document, user, caption):
    (post,), n_unknown = read_saved(json.dumps(document).encode())
    assert n_unknown == 0
    assert post.source_key == f"{SITE}/p/Cabc_-1"
    assert post.details.permalink == f"{SITE}/p/Cabc_-1/"
    assert post.details.posted_by == user
    assert post.details.texts_of(TextKind.OWNER) == ([caption] if caption else [])
    assert post.details.taken_at is None, "it was saved then, not taken"


@pytest.mark.parametrize(
    "collections",
    [
        {
            "saved_saved_collections": [
                *(heading("Trips"), in_collection(f"{SITE}/p/one/"), in_collection(f"{SITE}/p/two/")),
                *(heading("Towers"), in_collection(f"{SITE}/p/two/")),
            ]
        },
        [
            nested_collection("Trips", labelled(f"{SITE}/p/one/"), labelled(f"{SITE}/p/two/")),
            nested_collection("Towers", labelled(f"{SITE}/p/two/")),
        ],
    ],
    ids=["one after the other", "nested"],
)
def test_collections_are_folders(tmp_path, collections):
    path = export(tmp_path, [labelled(f"{SITE}/p/two/", CAPTION), labelled(f"{SITE}/p/three/")], collections)
    (source,) = find_sources([str(path)], tmp_path, Options(also=frozenset({"saved"})))
    items = {item.source_key.rpartition("/")[2]: item for item in source.listings({}, Watch())}
    folders = {code: items[code].details.folder for code in ("one", "two", "three")}
    assert folders == {"one": "saved/Trips", "two": "saved/Trips/Towers", "three": "saved"}
    assert items["two"].details.texts_of(TextKind.OWNER) == [CAPTION]


def test_what_is_no_saved_post_is_counted(tmp_path):
    document = [labelled(f"{SITE}/p/one/"), labelled("https://example.org/p/two/"), {"title": "x"}, 7, None]
    posts, n_unknown = read_saved(json.dumps(document).encode())
    assert len(posts) == 1
    assert n_unknown == 4
    with pytest.raises(ValueError, match="shape"):
        read_saved(b'{"a": 1}')


def test_they_are_found_by_their_texts_and_are_no_failures(tmp_path, workspace):
    path = export(tmp_path, [labelled(f"{SITE}/reel/Cabc/", CAPTION), mapped(f"{SITE}/p/Cdef/", "dora")])
    (added,) = workspace.add(str(path), options=Options(also=frozenset({"saved"})))
    assert added.report.n_new == 3
    assert not added.report.failures
    assert any(note.startswith("Saved posts without pictures: 2.") and "login" in note for note in added.report.notes)
    report = workspace.caption(added.collection)
    assert report.n_captioned == 1
    assert not report.failures
    for query in ("leuchtturm", "#lighthouse", "bert", "folder:saved lighthouse"):
        (hit,) = workspace.searcher.search(Question(query, added.collection)).hits
        assert hit.photo.origin == f"{SITE}/p/Cabc/"
        assert hit.photo.state is PhotoState.NO_PICTURE
        assert hit.photo.reason == NO_PICTURE
    (again,) = workspace.add(str(path), options=Options(also=frozenset({"saved"})))
    assert (again.report.n_new, again.report.n_changed, again.report.n_unchanged) == (0, 0, 3)
    (info,) = workspace.library.collections()
    assert (info.n_photos, info.n_ready, info.n_failed, info.n_without_picture) == (3, 1, 0, 2)
    assert not read_failures(workspace.library, added.collection)
    assert workspace.retry(added.collection) == 0
    assert not workspace.caption(added.collection, redo=True).failures
    (info,) = workspace.library.collections()
    assert info.n_without_picture == 2


def test_the_user_who_posted_it_is_named_once(tmp_path):
    path = export(tmp_path, [mapped(f"{SITE}/p/Cdef/", "dora")], is_alone=True)
    (source,) = find_sources([str(path)], tmp_path, Options(also=frozenset({"saved"})))
    (item,) = source.listings({}, Watch())
    assert (item.details.posted_by, item.details.texts) == ("dora", ())


def test_they_come_in_on_request_only_and_their_lists_are_named(tmp_path):
    path = export(tmp_path, [mapped(f"{SITE}/p/one/")])
    (source,) = find_sources([str(path)], tmp_path, Options())
    assert [item.source_key for item in source.listings({}, Watch())] == KEYS[:1]
    (note,) = source.notes
    assert "saved posts" in note
    assert SAVED in note


def test_saved_posts_alone_can_be_taken(tmp_path):
    path = export(tmp_path, [mapped(f"{SITE}/p/one/")], is_alone=True)
    with pytest.raises(SourceError, match=r"no posts, but saved posts\. Choose"):
        find_sources([str(path)], tmp_path, Options())
    (source,) = find_sources([str(path)], tmp_path, Options(also=frozenset({"saved"})))
    (item,) = source.listings({}, Watch())
    assert isinstance(item, Listing)
    assert source.collection == "anna.b"


def test_a_damaged_list_is_named_and_the_posts_are_listed(tmp_path):
    path = export(tmp_path, [mapped(f"{SITE}/p/one/"), mapped("nowhere")], {"x": 1})
    (source,) = find_sources([str(path)], tmp_path, Options(also=frozenset({"saved"})))
    failures = [item for item in source.listings({}, Watch()) if isinstance(item, Failure)]
    assert [failure.source_key.rpartition("/")[2] for failure in failures] == [
        "saved_posts.json",
        "saved_collections.json",
    ]
