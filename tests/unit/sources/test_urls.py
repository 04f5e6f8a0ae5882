"""Lists of addresses: three forms, what comes with each address, what is refused."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosearch.errors import SourceError
from photosearch.records import UNWATCHED, Details, Failure, Listing, TextKind
from photosearch.sources import NO_OPTIONS, find_sources, urls
from photosearch.sources.urls import UrlListSource, make_listing

A, B = "https://photos.example/a.jpg", "https://photos.example/b.jpg?size=1"
ADDRESSES = [Listing(A, ""), Listing(B, "")]


def listed(path: Path) -> list[Listing | Failure]:
    (source,) = find_sources([str(path)], Path("library"), NO_OPTIONS)
    assert isinstance(source, UrlListSource)
    return list(source.listings((), UNWATCHED))


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, content: object) -> Path:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write_file


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        listed(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def details(**entry: object) -> Details:
    found = make_listing({"url": A, **entry})
    assert isinstance(found, Listing)
    assert found.source_key == A
    return found.details or Details()


# The three forms


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", [A, B]),
        ("a.json", {"urls": [A, B], "profile": "nature"}),
        ("a.JSON", [{"url": A}, {"src": B}]),
        ("a.txt", f"# two\n\n  {A}  \n{B}#part\n{A}\n"),
        ("a.txt", f"{A}\r\n{B}"),
        ("a.txt", b"\xef\xbb\xbf" + f"{A}\n{B}\n".encode()),
        ("a.csv", f"url\n{A}\n{B}\n"),
        ("a.csv", f'\ufeffid, URL ,note\r\n1,"{A}",\r\n2, "{B}",,,more\r\n\r\n'),
        ("a.csv", f"id;url\n1;{A}\n2;{B}\n"),
        ("a.csv", f"id\turl\n1\t{A}\n2\t{B}\n"),
    ],
)
def test_each_form_lists_its_addresses_once(write, name, content):
    assert listed(write(name, content)) == ADDRESSES


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        ("url_list_nature.json", "nature"),
        ("url_list_Süße Hunde.txt", "Süße Hunde"),
        ("pets.csv", "pets"),
        ("url_list_.json", "photos"),
    ],
)
def test_the_collection_is_named_after_the_file(write, name, collection):
    (source,) = find_sources([str(write(name, f'["{A}"]'))], Path("library"), NO_OPTIONS)
    assert (source.kind, source.collection, source.described, source.left_out.total()) == ("url", collection, False, 0)


def test_what_is_not_in_the_list_any_more_is_gone(write):
    assert UrlListSource(write("a.txt", A)).covers(B)


def test_a_list_can_be_listed_again(write):
    source = UrlListSource(write("a.json", [A, B]))
    assert [list(source.listings((), UNWATCHED)) for _ in range(2)] == [ADDRESSES, ADDRESSES]


def test_one_bad_address_leaves_the_others(write):
    found = listed(
        write("a.json", [A, "", 5, None, ["x"], {"caption": "no address"}, "ftp://x/a.jpg", "http://[#x", B])
    )
    assert [item for item in found if isinstance(item, Listing)] == ADDRESSES
    assert [(item.source_key, item.reason) for item in found if isinstance(item, Failure)] == [
        ('""', "the address does not begin with http:// or https://"),
        ("5", "this is no address"),
        ("None", "this is no address"),
        ("[...]", "this is no address"),
        ("{caption}", "this is no address"),
        ("ftp://x/a.jpg", "the address does not begin with http:// or https://"),
        ("http://[#x", "the address is damaged"),
    ]


# What is refused


@pytest.mark.parametrize("content", ["", "\n# nothing\n\n", b"\xef\xbb\xbf"])
def test_a_text_without_an_address_is_refused(write, content):
    assert "holds no address" in refusal(write("a.txt", content))


@pytest.mark.parametrize("content", ["[]", '{"urls": []}'])
def test_an_empty_list_is_refused(write, content):
    assert "holds no address" in refusal(write("a.json", content))


@pytest.mark.parametrize("content", ["5", "null", '"text"', "true", '{"urls": null}', '{"urls": {"a": 1}}'])
def test_json_that_is_no_list_is_refused(write, content):
    assert "holds no list of addresses" in refusal(write("a.json", content))


@pytest.mark.parametrize("content", ["", "[", '["a",]', "[" * 100_000, "1" * 5000, b"\x00"])
def test_what_is_no_json_is_refused(write, content):
    assert "is no JSON" in refusal(write("a.json", content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", A.encode() + b"\n\x81\n"),  # no letter of Windows-1252 either
        ("a.csv", b"\xff\xfeu"),
        ("a.csv", b"\xffu\0r\0l\0"),
    ],
)
def test_what_is_no_text_is_refused(write, name, content):
    assert "is no text in UTF-8 (byte " in refusal(write(name, content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_a_list_is_read_in_the_encodings_that_spreadsheets_write(write, name, encoding):
    told = "url\tcaption\r\n{}\tein schöner Café-Besuch\r\n" if name == "a.csv" else "# Größe\r\n{}\r\n"
    (source,) = find_sources([str(write(name, told.format(A).encode(encoding)))], Path("library"), NO_OPTIONS)
    (listing,) = source.listings({}, UNWATCHED)
    assert listing.source_key == A
    if name == "a.csv":
        assert listing.details.texts == ((TextKind.OWNER, "ein schöner Café-Besuch"),)
    is_guessed = encoding in ("cp1252", "latin-1")
    said = f'"{name}" is no UTF-8; it was read as Windows-1252. See whether its letters are right.'
    assert source.notes == ((said,) if is_guessed else ())


def test_json_is_read_in_utf_16_too(write):
    assert [item.source_key for item in listed(write("a.json", json.dumps([A]).encode("utf-16")))] == [A]


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "sep=;\na;b\n"])
def test_a_csv_without_the_column_is_refused(write, content):
    assert 'has no column "url"' in refusal(write("a.csv", content))


@pytest.mark.parametrize(
    "content",
    [
        f"sep=;\nurl;caption\n{A};a dog\n",
        f'"sep=|"\r\nurl|caption\r\n{A}|a dog\r\n',
        f"Caption,Image URL\na dog,{A}\n",
        f"caption|imageUrl\na dog|{A}\n",
        f"Photo-URL;TITLE\n{A};a dog\n",
        f"\n\nurl\tcaption\n\n{A}\ta dog\n",
        f"url,caption,Caption\n{A},,a dog\n{A},a cat,\n",
    ],
)
def test_a_csv_is_read_however_its_program_writes_it(write, content):
    (listing,) = listed(write("a.csv", content))
    assert (listing.source_key, listing.details.texts) == (A, ((TextKind.OWNER, "a dog"),))


def test_a_csv_may_have_no_line_of_names(write):
    assert [listing.source_key for listing in listed(write("a.csv", f"{A},x\n{B},y\n"))] == [A, B]


def test_keys_of_json_are_read_as_columns_are(write):
    (listing,) = listed(write("a.json", json.dumps([{"Image URL": A, "takenAt": "2024:01:01", "Caption": "a dog"}])))
    assert listing.details == Details(taken_at=datetime(2024, 1, 1), texts=((TextKind.OWNER, "a dog"),))


def test_a_csv_without_rows_is_refused(write):
    assert "holds no address" in refusal(write("a.csv", "url,caption\n"))


def test_a_csv_with_an_endless_cell_is_refused(write):
    assert "is no CSV" in refusal(write("a.csv", 'url\n"' + "x" * 200_000))


def test_a_file_that_is_too_large_is_refused(write, monkeypatch):
    monkeypatch.setattr(urls, "MAX_FILE_BYTES", 9)
    assert "is larger than" in refusal(write("a.txt", A))


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        list(UrlListSource(tmp_path / "a.txt").listings((), UNWATCHED))


# What comes with an address


def test_all_that_comes_with_an_address_is_kept():
    assert details(
        caption=" A dog\nruns ",
        permalink="https://www.instagram.com/p/A/",
        taken_at="2024-05-01T12:00:00+02:00",
        location={"name": "Oslo", "id": 5},
        lat="59.9",
        lng=10.75,
        likes={"count": 7},
        comment_count="3",
        hashtags="#dogs, #snow;fun",
        mentions=["@anna", "", 5, "ben"],
        accessibility_caption="Photo of a dog",
    ) == Details(
        permalink="https://www.instagram.com/p/A/",
        taken_at=datetime(2024, 5, 1, 12, 0, tzinfo=timezone(timedelta(hours=2))),
        place="Oslo",
        latitude=59.9,
        longitude=10.75,
        n_likes=7,
        n_comments=3,
        texts=(
            (TextKind.OWNER, "A dog\nruns"),
            (TextKind.HASHTAG, "dogs"),
            (TextKind.HASHTAG, "snow"),
            (TextKind.HASHTAG, "fun"),
            (TextKind.MENTION, "anna"),
            (TextKind.MENTION, "ben"),
            (TextKind.ACCESSIBILITY, "Photo of a dog"),
        ),
    )


def test_the_columns_of_a_csv_are_kept(write):
    path = write("a.csv", f'URL,Caption,Likes,taken_at\n{A},"a dog, running",12,2024-05-01\n{B},,,\n')
    assert listed(path) == [
        Listing(
            A,
            "",
            details=Details(taken_at=datetime(2024, 5, 1), n_likes=12, texts=((TextKind.OWNER, "a dog, running"),)),
        ),
        Listing(B, ""),
    ]


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1_714_557_600, datetime(2024, 5, 1, 10, 0, tzinfo=UTC)),
        (1_714_557_600.5, datetime(2024, 5, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("1714557600", datetime(2024, 5, 1, 10, 0, tzinfo=UTC)),
        ("2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, 0, tzinfo=UTC)),
        ("2024-05-01 10:00", datetime(2024, 5, 1, 10, 0)),
        ("20240501", datetime(2024, 5, 1)),
        *(
            (value, None)
            for value in (0, 2024, "2024", "May", "", True, None, [], 1e300, -1e300, "nan", "inf", 10**400)
        ),
        *((value, None) for value in ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", 1_714_557_600_000)),
    ],
)
def test_times_are_written_or_seconds(value, time):
    found = details(taken_at=value).taken_at
    assert (found, found and found.tzinfo) == (time, time and time.tzinfo)


@pytest.mark.parametrize(
    "value", [-1, "many", True, None, [], {}, {"count": "x"}, 2**31, float("nan"), "1e400", 10**400]
)
def test_what_is_no_count_is_left_out(value):
    assert details(likes=value).n_likes is None


@pytest.mark.parametrize("value", [90.1, "x", float("inf"), True, None])
def test_what_is_no_degree_is_left_out(value):
    assert details(latitude=value, longitude=9.14).longitude is None


def test_zeros_are_no_place():
    assert details(latitude=0, longitude="0.0") == Details()


@pytest.mark.parametrize("link", ["javascript:alert(1)", "file:///etc/passwd", "https://me:pw@host/", 5, "http://["])
def test_a_permalink_that_no_page_may_link_to_is_left_out(link):
    assert details(permalink=link) == Details()


def test_texts_that_cannot_be_stored_are_made_so():
    assert details(caption="a\ud800 dog\0", hashtags=["\0", "d\udc00g"], place="\0") == Details(
        texts=((TextKind.OWNER, "a? dog"), (TextKind.HASHTAG, "d?g"))
    )


# Secrets


@pytest.mark.parametrize(
    "entry",
    [
        "http://me:hunter2@photos.example/a.jpg",
        "http://me:hunter2/x@photos.example/a.jpg",
        "http://me:hunter2#x@photos.example/a.jpg",
        "http://me:hunter2@[/a.jpg",
        "ftp://me:hunter2@photos.example/a.jpg",
        "me:hunter2@photos.example/a.jpg",
        "//me:hunter2@photos.example/a.jpg",
        "http:me:hunter2@photos.example/a.jpg",
        "http://me:hunter2\n@photos.example/a.jpg",
        {"url": "http://me:hunter2@photos.example/a.jpg"},
        {"link": "http://me:hunter2@photos.example/a.jpg"},
        ["http://me:hunter2@photos.example/a.jpg"],
        "http://me:" + "x" * 500 + "hunter2@photos.example/a.jpg",
    ],
)
def test_a_password_in_a_list_is_refused_and_not_shown(entry):
    found = make_listing(entry)
    assert isinstance(found, Failure)
    assert "hunter2" not in repr(found)
    assert "xxx" not in repr(found)


def test_an_address_is_listed_beside_the_same_one_with_a_password(write):
    refused, *others = listed(write("a.json", [A.replace("//", "//me:hunter2@"), A, B]))
    assert refused == Failure(A, "the address holds a user or password; give one without")
    assert others == ADDRESSES


def test_a_long_entry_is_not_shown_to_its_end():
    assert len(make_listing("x" * 10_000).source_key) == 200


# Anything


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just(A)
    | st.from_regex(r"https?://.{0,9}"),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text() | st.sampled_from([*"url urls caption likes taken_at place hashtags yolo_objects".split(), A]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def read_anything(path: Path) -> None:
    try:
        items = [
            item
            for source in find_sources([str(path)], Path("library"), NO_OPTIONS)
            for item in source.listings((), UNWATCHED)
        ]
    except SourceError:
        return
    for item in items:
        item.source_key.encode()
        if isinstance(item, Failure):
            assert 0 < len(item.source_key) <= 200
        elif item.details:
            for _, text in item.details.texts:
                assert text.encode().strip(), "nothing empty, nothing that cannot be stored"


@given(JSON)
def test_any_json_is_listed_or_refused(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value))
    read_anything(path)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@pytest.mark.parametrize("name", ["any.txt", "any.csv", "any.json"])
def test_any_bytes_are_listed_or_refused(tmp_path_factory, name, data):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(b"url," + data if name == "any.csv" else data)
    read_anything(path)


@pytest.mark.parametrize("depth", range(100, 1000, 50))
def test_deep_json_is_listed_or_refused(tmp_path, depth):
    path = tmp_path / "deep.json"
    path.write_text("[" * depth + "]" * depth)
    read_anything(path)
    path.write_text('{"a": ' * depth + "[]" + "}" * depth)
    read_anything(path)
