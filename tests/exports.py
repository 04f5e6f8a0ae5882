"""Instagram exports in all known layouts, made of small pictures; `python -m tests.exports FOLDER` makes one of each.

`python -m tests.exports FOLDER N_POSTS` makes a large one.

The shapes are those of real exports since 2018; Instagram documents none of them.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

type_of_suffix = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}

CAPTION = "Grüße aus Paris ✨ #Été #paris mit @anna.b und #日本語"
TAGS = ("Été", "paris", "日本語")  # in the caption
PRIVATE = "what nobody may read"
TAKEN = 1_700_000_000  # 2023-11-14 22:13:20 UTC
OTHERS = {  # what else an export holds, none of which may be opened
    "your_instagram_activity/messages/inbox/anna_1/message_1.json": json.dumps({"messages": [{"content": PRIVATE}]}),
    "your_instagram_activity/messages/inbox/anna_1/photos/9.jpg": PRIVATE,
    "your_instagram_activity/messages/inbox/media/posts_1.json": PRIVATE,
    "your_instagram_activity/comments/post_comments_1.json": PRIVATE,
    "personal_information/personal_information/personal_information.json": json.dumps({"Phone Number": PRIVATE}),
    "logged_information/past_instagram_insights/posts.json": json.dumps({"organic_insights_posts": [PRIVATE]}),
    "connections/followers_and_following/followers_1.json": PRIVATE,
}


def picture(colour: str | tuple[int, int, int] = "red", suffix: str = ".jpg") -> bytes:
    """A small picture; HEIC cannot be written here, so that one is no picture."""
    if suffix not in type_of_suffix:
        return b"not really " + suffix.encode()
    out = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(out, type_of_suffix[suffix])
    return out.getvalue()


def broken(text: str) -> str:
    """Text as Instagram writes it: each byte of its UTF-8 as a character."""
    return text.encode("utf-8").decode("latin-1")


def write_zip(path: Path, members: Mapping[str, str | bytes]) -> Path:
    """A ZIP of these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def medium(uri: str, title: str = "", taken: int = TAKEN, **more: Any) -> dict[str, Any]:
    return {"uri": uri, "creation_timestamp": taken, "title": broken(title), **more}


def post(*media: dict[str, Any], title: str = "", taken: int | None = None) -> dict[str, Any]:
    """A post; one of a single photo has neither title nor time of its own."""
    more = {"title": broken(title), "creation_timestamp": taken or TAKEN} if title or len(media) > 1 else {}
    return {"media": list(media), **more}


GPS = {"photo_metadata": {"exif_data": [{"latitude": 48.8566, "longitude": 2.3522}, {"device_id": "x"}]}}
POSTS = [
    post(medium("media/posts/202311/1.jpg", CAPTION, media_metadata=GPS)),
    post(
        medium("media/posts/202310/2.webp", taken=TAKEN - 9),
        medium("media/posts/202310/3.heic"),
        medium("media/posts/202310/4.mp4"),
        title="Drei Bilder",
        taken=TAKEN - 86_400,
    ),
]
MEDIA = {f"media/posts/{name}": picture(suffix=Path(name).suffix) for name in ("202311/1.jpg", "202310/2.webp")}
MEDIA["media/posts/202310/3.heic"] = picture(suffix=".heic")
MEDIA["media/posts/202310/4.mp4"] = b"a video"
NAME = "instagram-anna.b-2024-01-31-abCD12.zip"
POSTS_FOLDER = "your_instagram_activity/media"
KEYS = ["media/posts/202311/1.jpg", "media/posts/202310/2.webp", "media/posts/202310/3.heic"]


def dumps(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


def export(path: Path, posts: object = POSTS, layout: str = "your_instagram_activity/media", top: str = "") -> Path:
    """An export with these posts, all else that there is beside them, and their media."""
    members = {f"{layout}/posts_1.json": dumps(posts), **OTHERS, **MEDIA}
    return write_zip(path, {top + name: data for name, data in members.items()})


def export_in_parts(folder: Path) -> list[Path]:
    """The posts in the first part, the media in the second."""
    first = {"your_instagram_activity/media/posts_1.json": dumps(POSTS), KEYS[0]: MEDIA[KEYS[0]], **OTHERS}
    second = {name: data for name, data in MEDIA.items() if name != KEYS[0]}
    return [
        write_zip(folder / "instagram-anna.b-2024-01-31-abCD12.zip", first),
        write_zip(folder / "instagram-anna.b-2024-01-31-abCD12 (1).zip", second),
    ]


def unpack(path: Path, folder: Path) -> Path:
    """The folder that a ZIP unpacks to."""
    with zipfile.ZipFile(path) as file:
        file.extractall(folder)
    return folder


def export_of_two(path: Path) -> Path:
    """One ZIP with the exports of two accounts, whose pictures have the same paths."""
    members = {f"{POSTS_FOLDER}/posts_1.json": dumps(POSTS[:1]), KEYS[0]: MEDIA[KEYS[0]], **OTHERS}
    tops = ("instagram-anna-2024-01-31-x/", "instagram-bert-2024-01-31-y/")
    return write_zip(path, {top + name: data for top in tops for name, data in members.items()})


LAYOUTS: dict[str, Callable[[Path], list[Path]]] = {  # how people have an export of `POSTS`: name to its maker
    "zip": lambda folder: [export(folder / NAME)],
    "parts": export_in_parts,
    "unpacked": lambda folder: [unpack(export(folder / NAME), folder / "unpacked")],
    "folder in a folder": lambda folder: [
        unpack(export(folder / NAME), folder / "meta-2026-Apr-11-10-00" / NAME[: -len(".zip")]).parent
    ],
    "parts unpacked": lambda folder: [unpack(part, folder / part.stem) for part in export_in_parts(folder)],
    "a part unpacked": lambda folder: [
        (first := export_in_parts(folder))[0],
        unpack(first[1], folder / "second"),
    ],
    "older folders": lambda folder: [export(folder / NAME, layout="content", top="Downloads/x/")],
}


def export_2018(path: Path) -> Path:
    """As it was in 2018 and 2019: one media.json for all."""
    listed = {
        "photos": [
            {
                "caption": "Au café #Paris",
                "taken_at": "2018-12-31T08:05:13",
                "location": "West End, Vancouver",
                "path": "photos/201812/a.jpg",
            },
            {"caption": "", "taken_at": "2019-01-02T03:04:05+00:00", "path": "photos/201901/b.jpg"},
        ],
        "videos": [{"caption": "moving", "taken_at": "2018-12-31T08:05:13", "path": "videos/201812/c.mp4"}],
        "stories": [{"caption": "", "taken_at": "2018-11-30T08:05:13", "path": "stories/201811/d.jpg"}],
        "profile": [{"caption": "", "taken_at": "2018-11-30T08:05:13", "path": "profile/201811/e.jpg"}],
        "direct": [{"taken_at": "2018-11-30T08:05:13", "path": "direct/201811/f.jpg"}],
    }
    posts = ("photos/201812/a.jpg", "photos/201901/b.jpg")
    pictures = (*posts, "stories/201811/d.jpg", "profile/201811/e.jpg", "direct/201811/f.jpg")
    members = {"media.json": json.dumps(listed, ensure_ascii=False), "messages.json": PRIVATE, "profile.json": PRIVATE}
    return write_zip(path, {**members, **{name: picture() for name in pictures}, "videos/201812/c.mp4": b"a video"})


def labelled_post(uri: str) -> dict[str, Any]:
    """A post as some accounts get it since 2024."""
    place = [{"label": "Name", "value": broken("Café Möwe")}, {"label": "Latitude", "value": "52.5"}]
    return {
        "timestamp": TAKEN,
        "media": [],
        "fbid": "1",
        "label_values": [
            {"label": "URL", "value": "https://www.instagram.com/p/Cabc_-1/", "href": "https://www.instagram.com/p/x/"},
            {"label": "Untertitel", "ent_field_name": "Caption", "value": broken(CAPTION)},
            {"label": "Medien", "media": [{"uri": uri, "creation_timestamp": TAKEN - 9, "title": ""}]},
            {"title": "Location", "dict": [{"title": "", "dict": [*place, {"label": "Longitude", "value": "13.4"}]}]},
        ],
    }


def mapped_post(uri: str) -> dict[str, Any]:
    """A post by maps of labels, as other lists of an export have them."""
    return {
        "media_map_data": {"Photo": {"uri": uri, "creation_timestamp": TAKEN, "title": ""}},
        "string_map_data": {
            "Caption": {"href": "", "value": broken(CAPTION), "timestamp": 0},
            "Creation Timestamp": {"href": "", "value": "", "timestamp": TAKEN - 5},
        },
    }


def export_as_html(path: Path) -> Path:
    """An export of web pages."""
    pages = ("start_here.html", "your_instagram_activity/media/posts_1.html")
    return write_zip(path, {**dict.fromkeys(pages, "<html></html>"), **MEDIA})


def patch_directory(path: Path, name: str, change: Callable[[bytearray, int], None]) -> Path:
    """Change a member's entry in the central directory, which begins at the offset given to `change`."""
    data = bytearray(path.read_bytes())
    at = data.rfind(name.encode()) - 46
    assert data[at : at + 4] == b"PK\1\2"
    change(data, at)
    path.write_bytes(data)
    return path


def put(offset: int, format: str, value: int) -> Callable[[bytearray, int], None]:
    """A change for `patch_directory`: a field of the entry, by its offset in APPNOTE 4.3.12."""
    return lambda data, at: struct.pack_into(format, data, at + offset, value)


# Fields of an entry, for `put`.
FLAGS = (8, "<H")
METHOD = (10, "<H")
CRC = (16, "<L")
PACKED = (20, "<L")
SIZE = (24, "<L")
ATTRIBUTES = (38, "<L")
HEADER = (42, "<L")


def large_export(path: Path, n_posts: int) -> Path:
    """So many posts with captions, each third of three photos."""
    data = {suffix: picture(suffix=suffix) for suffix in (".jpg", ".webp")}
    posts, members = [], {}
    for i in range(n_posts):
        names = [
            f"media/posts/{2015 + i % 9}{1 + i % 12:02}/{i}_{k}.{'jpg' if k else 'webp'}"
            for k in range(1 + 2 * (i % 3 == 0))
        ]
        members.update({name: data[Path(name).suffix] for name in names})
        caption = f"{CAPTION} number {i} " + "words that say nothing " * 12
        posts.append(post(*(medium(name, caption, TAKEN - i, media_metadata=GPS) for name in names), title=caption))
    return write_zip(path, {"your_instagram_activity/media/posts_1.json": dumps(posts), **OTHERS, **members})


def make_all(folder: Path) -> None:
    """Make an export in each layout, in a folder of its own."""
    for name, make in LAYOUTS.items():
        place = folder / name
        place.mkdir(parents=True)
        sys.stdout.write(f"{name}: {' '.join(map(str, make(place)))}\n")


if __name__ == "__main__" and len(sys.argv) == 2:
    make_all(Path(sys.argv[1]))
elif __name__ == "__main__":
    made = large_export(Path(sys.argv[1]) / f"instagram-large-2024-01-31-{sys.argv[2]}.zip", int(sys.argv[2]))
    sys.stdout.write(f"{made}\n")
