"""The command line: what it prints where, its exit status, and that hostile names do no harm."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from photosearch.cli import app, captioning, with_address
from photosearch.cli.app import choose_collection
from photosearch.errors import CollectionNotFound
from photosearch.library import Library, Origin
from photosearch.library.upkeep import remember_origin
from photosearch.pictures.images import Picture
from photosearch.records import Listing, Report
from tests.conftest import ColourStation, analyse, jpeg

HIT_KEYS = ["rank", "score", "photo", "source", "caption", "terms"]
ODD_NAMES = ["\U0001f436 dog.jpg", '"it\'s".jpg', "<script>alert(1)<.jpg", "bell\x07\x1b[31m\nline.jpg", "=1+1.jpg"]
PATIENCE_S = 300  # on a busy machine
COMMANDS = (
    *("add", "login", "logout", "caption", "search", "similar", "export", "evaluate", "import_checkpoint"),
    *("collections", "status", "remove", "update", "retry", "app", "settings", "check"),
)


class Sayings(ColourStation):
    """A captioner that says the given sentences, one a picture, in turn."""

    name, digest = "sayings", "5" * 64

    def __init__(self, *sentences: str) -> None:
        super().__init__()
        self.sentences = iter(sentences)

    def say(self, picture: Picture) -> str:
        return next(self.sentences)


def caption(library: Library, root: Path, *sentences: str, collection: str = "c") -> None:
    """Fill a collection with the photos of a folder and what is said of them, in the order of their names."""
    library.merge(collection, "folder", [Listing(str(path), "1") for path in sorted(root.iterdir())])
    analyse(library, Sayings(*sentences))


def run(library: Library, *words: str) -> str:
    """Standard output of a command in this process."""
    result = CliRunner().invoke(app, ["--library", str(library.folder), *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def environment(library: Path) -> dict[str, str]:
    return {**os.environ, "PHOTOSEARCH_LIBRARY": str(library), "OMP_NUM_THREADS": "1"}


def process(library: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    command = [sys.executable, "-m", "photosearch", *words]
    return subprocess.run(command, env=environment(library), capture_output=True, text=True, timeout=PATIENCE_S)


def refused(library: Path, *words: str, status: int = 1) -> str:
    """The one line that a command ends with when it cannot be done (status 1) or is used wrongly (2)."""
    done = process(library, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert re.fullmatch(r"Error: [^\n]+\n", done.stderr)
    return done.stderr


@pytest.fixture
def dogs(library, make_photos) -> Library:
    """A collection "c" of three photos."""
    root = make_photos("red.jpg", "green.jpg", "blue.jpg")
    caption(library, root, "a dog on a beach", "two dogs run on a beach in the sun", "a cat")
    return library


# Processes


def test_the_demo_is_added_shown_and_removed(tmp_path):
    done = process(tmp_path / "l", "add", "demo", "--no-caption")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == 'Collection "demo": 9 new, 0 changed or to be tried again, 0 unchanged, 0 gone.\n'
    assert process(tmp_path / "l", "collections").stdout == "demo\t9 photos\t0 captioned\t9 to do\t0 failed\n"
    assert '"demo": 9 photos, 0 captioned, 9 to do, 0 failed' in process(tmp_path / "l", "status").stdout
    assert process(tmp_path / "l", "remove", "demo").stderr == 'Collection "demo" was removed.\n'
    assert process(tmp_path / "l", "collections").stdout == ""


def test_the_own_captioner_writes_a_sentence_for_each_photo(tmp_path, make_photos):
    root = make_photos("red.jpg", "green.jpg")
    (root / "text.jpg").write_text("no picture")
    done = process(tmp_path / "l", "add", str(root))
    assert done.returncode == 0, done.stderr
    assert re.search(r"^2 captioned in .*, 1 could not be used\.$", done.stderr, re.MULTILINE)
    assert re.search(r"^  .*text\.jpg: the file is no picture", done.stderr, re.MULTILINE)
    photos = json.loads(run(Library(tmp_path / "l"), "export"))
    assert [len(photo["captions"][0]["text"].split()) > 1 for photo in photos[:2]] == [True, True]


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    assert "missing" in refused(tmp_path / "l", "add", str(tmp_path / "missing"))


def test_an_unknown_collection_is_refused_with_those_that_exist(dogs):
    assert "There are: c." in refused(dogs.folder, "search", "dog", "--collection", "d")


def test_queries_need_jsonl(dogs, tmp_path):
    (tmp_path / "q.txt").write_text("dog\n")
    assert "--format jsonl" in refused(dogs.folder, "search", "--queries", str(tmp_path / "q.txt"), status=2)


def test_the_library_of_a_newer_version_is_refused(dogs):
    with dogs.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    dogs.close()
    assert "newer version" in refused(dogs.folder, "search", "dog")


def test_a_wrong_option_is_refused_like_anything_else(dogs):
    assert "--top" in refused(dogs.folder, "search", "dog", "--top", "0", status=2)


def test_an_unknown_model_is_refused_before_any_work(dogs):
    assert "There are:" in refused(dogs.folder, "caption", "--model", "none")


def test_a_run_that_is_stopped_says_how_to_go_on(library, tmp_path):
    (tmp_path / "many").mkdir()
    for i in range(300):
        (tmp_path / "many" / f"{i}.jpg").write_bytes(jpeg((i % 250, i // 250, 99)))
    command = [sys.executable, "-m", "photosearch", "add", str(tmp_path / "many")]
    running = subprocess.Popen(command, env=environment(library.folder), stderr=subprocess.PIPE, text=True)
    ends = time.monotonic() + PATIENCE_S
    while not any(info.n_ready for info in library.collections()):
        assert running.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    assert running.communicate()[1].endswith("Stopped. What was done is kept; run it again to go on.\n")
    assert running.returncode == 130


# Searching


def test_the_json_of_a_search_is_as_agreed(dogs):
    found = json.loads(run(dogs, "search", "a dog on the beach", "--format", "json", "--no-expand"))
    assert list(found) == ["query", "collection", "took_ms", "total", "hits"]
    assert (found["query"], found["collection"], found["total"]) == ("a dog on the beach", "c", 2)
    assert [list(hit) for hit in found["hits"]] == [HIT_KEYS, HIT_KEYS]
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    scores = [hit["score"] for hit in found["hits"]]
    assert 1 >= scores[0] >= scores[1] > 0
    for hit in found["hits"]:
        assert sum(hit["terms"].values()) == pytest.approx(hit["score"], abs=1e-5)
        assert set(hit["terms"]) == {"dog", "beach"}
        assert re.fullmatch("[0-9a-f]{16}", hit["photo"])
    assert found["hits"][0]["source"].endswith("/blue.jpg")
    assert found["hits"][0]["caption"] == "a dog on a beach"


def test_top_limits_the_hits_not_the_total(dogs):
    found = json.loads(run(dogs, "search", "dog", "--top", "1", "--format", "json", "--no-expand"))
    assert (len(found["hits"]), found["total"]) == (1, 2)


def test_signs_in_a_literal_query_mean_nothing(dogs):
    plain = json.loads(run(dogs, "search", "dog beach", "--format", "json", "--no-expand"))
    signs = json.loads(run(dogs, "search", '"dog" -beach:', "--format", "json", "--literal", "--no-expand"))
    assert [hit["terms"] for hit in signs["hits"]] == [hit["terms"] for hit in plain["hits"]]


def test_signs_in_a_query_filter(dogs):
    found = json.loads(run(dogs, "search", "--format", "json", "--no-expand", "--", "-sun dog"))
    assert [hit["caption"] for hit in found["hits"]] == ["a dog on a beach"]


def test_the_table_shows_captions_and_why(dogs):
    shown = run(dogs, "search", "dog", "--no-expand")
    assert "a dog on a beach" in shown
    assert re.search(r"\[dog=\d\.\d\d\]", shown)
    assert "2 found in" in shown
    assert "Nothing found. Words that do occur:" in run(dogs, "search", "zebra")


def test_queries_are_answered_one_a_line_in_their_order(dogs, tmp_path):
    queries = ["dog", "", "cat", "dog\u2028beach \U0001f436", "   ", 'say "cheese"', "zebra"]
    path = tmp_path / "q.txt"
    for ending in ("\n", "\r\n"):
        path.write_bytes(ending.join(queries).encode())
        lines = run(dogs, "search", "--queries", str(path), "--format", "jsonl", "--no-expand").split("\n")
        assert lines.pop() == ""
        answers = [json.loads(line) for line in lines]
        assert [answer["query"] for answer in answers] == queries
        assert [answer["total"] for answer in answers] == [2, 0, 1, 2, 0, 0, 0]


def test_an_empty_file_of_queries_has_no_answers(dogs, tmp_path):
    (tmp_path / "q.txt").write_text("")
    assert run(dogs, "search", "--queries", str(tmp_path / "q.txt"), "--format", "jsonl") == ""


# Exporting


def test_the_json_export_holds_all_photos(dogs):
    photos = json.loads(run(dogs, "export", "--format", "json"))
    agreed = {"source", "captions", "objects", "labels", "owner_text", "taken_at"}
    assert all(agreed <= set(photo) for photo in photos)
    said = {Path(photo["source"]).name: photo["captions"] for photo in photos}
    assert said["red.jpg"] == [
        {"text": "a cat", "log_prob": -0.5, "model": "sayings", "edited": False, "unsure": False}
    ]
    assert set(said) == {"red.jpg", "green.jpg", "blue.jpg"}


def test_the_csv_export_holds_all_photos_and_no_formulas(library, make_photos):
    sentences = ["=HYPERLINK(1)", "+1", "-1", "@SUM", 'a, "b"\nc']
    caption(library, make_photos("black.jpg", "blue.jpg", "green.jpg", "red.jpg", "white.jpg"), *sentences)
    rows = list(csv.DictReader(io.StringIO(run(library, "export", "--format", "csv"), newline="")))
    assert [row["caption"] for row in rows] == ["'=HYPERLINK(1)", "'+1", "'-1", "'@SUM", 'a, "b"\nc']
    assert rows[0]["source"].endswith("/black.jpg")
    assert rows[0]["log_prob"] == "-0.5"


def test_photos_like_one_are_found_by_its_id_or_by_a_picture_of_ones_own(library, make_photos, tmp_path):
    caption(library, make_photos("black.jpg", "blue.jpg", "red.jpg"), "a black dog", "a black dog in snow", "two men")
    black = next(photo for photo in library.photos("c") if photo.name == "black.jpg")
    (hit,) = json.loads(run(library, "similar", black.id, "--format", "json"))["hits"]
    assert (Path(hit["source"]).name, set(hit["terms"])) == ("blue.jpg", {"black", "dog"})
    (tmp_path / "own.jpg").write_bytes(jpeg("white"))
    table = run(library, "similar", str(tmp_path / "own.jpg"), "--collection", "c", "--explain")
    assert "found in" in table or "Nothing found" in table
    nobody = CliRunner().invoke(app, ["--library", str(library.folder), "similar", "0123456789abcdef"])
    assert nobody.exit_code == 1


def test_a_search_explains_itself(library, make_photos):
    caption(library, make_photos("black.jpg", "blue.jpg"), "a black taxi", "a dog")
    lines = run(library, "search", "a taxicab", "--explain").splitlines()
    assert any("taxi (caption, taxicab -> taxi 0." in line and "synonym" in line for line in lines)
    (hit,) = json.loads(run(library, "search", "taxicab", "--explain", "--format", "json"))["hits"]
    assert (hit["shares"][0]["term"], hit["shares"][0]["relation"]) == ("taxi", "synonym")
    assert run(library, "search", "taxicab", "--no-expand").startswith("Nothing found.")


# Names


@pytest.fixture
def odd(library, tmp_path) -> Library:
    """A collection of an odd name with photos of odd names."""
    (tmp_path / "odd").mkdir()
    for i, name in enumerate(ODD_NAMES):
        (tmp_path / "odd" / name).write_bytes(jpeg((40 * i, 0, 0)))
    caption(library, tmp_path / "odd", *["a <b>dog</b> \x1b[2J"] * len(ODD_NAMES), collection="<b>\U0001f436's")
    return library


def test_odd_names_survive_json_and_csv(odd):
    hits = json.loads(run(odd, "search", "dog", "--format", "json"))["hits"]
    assert sorted(Path(hit["source"]).name for hit in hits) == sorted(ODD_NAMES)
    rows = csv.DictReader(io.StringIO(run(odd, "export", "--format", "csv"), newline=""))
    assert sorted(Path(row["source"]).name for row in rows) == sorted(ODD_NAMES)


def test_odd_names_steer_no_terminal(odd):
    for words in (("search", "dog"), ("status",), ("collections",)):
        assert not set(run(odd, *words)) & {"\x07", "\x1b"}


# Help


@pytest.mark.parametrize("command", [[], *([name.replace("_", "-")] for name in COMMANDS)])
def test_every_command_has_a_help_text(command):
    shown = CliRunner().invoke(app, [*command, "--help"]).stdout
    assert len(shown.split()) > 10


def test_the_commands_are_those_agreed_and_described():
    assert sorted(info.name or info.callback.__name__ for info in app.registered_commands) == sorted(COMMANDS)
    assert all(info.callback.__doc__ for info in app.registered_commands)


def test_a_captioner_of_the_older_system_is_taken_in_and_its_sentences_stand_beside_ours(
    library, make_photos, tmp_path
):
    from tests.unit.vision.captioner.older_system import checkpoint_of, make_parts, save_old, save_wordmap

    checkpoint = save_old(tmp_path / "BEST_checkpoint_old.pth.tar", checkpoint_of(*make_parts()), "zip")
    wordmap = save_wordmap(tmp_path / "WORDMAP_old.json")
    root = make_photos("red.jpg")
    run(library, "add", str(root), "--collection", "c", "--no-objects")
    run(library, "import-checkpoint", str(checkpoint), str(wordmap), "--name", "old")
    assert "already" in refused(library.folder, "import-checkpoint", str(checkpoint), str(wordmap), "--name", "old")
    run(library, "caption", "--model", "old", "--no-objects")
    (photo,) = json.loads(run(library, "export", "--collection", "c"))
    models = [caption["model"] for caption in photo["captions"]]
    assert models[0] == "old"
    assert "show-attend-tell" in models


def test_evaluate_prints_all_digits_twice_the_same(library, make_photos, tmp_path):
    root = make_photos("red.jpg", "green.jpg")
    described = tmp_path / "captions.jsonl"
    lines = [{"image": f"{name}.jpg", "captions": [f"a {name} picture", "a wall"]} for name in ("red", "green")]
    described.write_text("\n".join(json.dumps(line) for line in lines))
    printed = [
        run(library, "evaluate", "--images", str(root), "--captions", str(described), "--json") for _ in range(2)
    ]
    assert printed[0] == printed[1]
    told = json.loads(printed[0])
    assert (told["photos"], told["queries"]) == (2, 4)
    assert {"BLEU-4", "CIDEr-D", "ROUGE-L"} <= told.keys()
    assert set(told["retrieval"]["+ expansion (all)"]) == {"R@1", "R@5", "R@10", "median_rank", "MRR"}
    assert "| + concepts |" in run(library, "evaluate", "--images", str(root), "--captions", str(described))


def test_the_default_collection_is_the_only_one(workspace, make_photos):
    with pytest.raises(CollectionNotFound, match="no collection yet"):
        choose_collection(workspace.library, None)
    workspace.add(str(make_photos("red.jpg")), collection="one")
    assert choose_collection(workspace.library, None) == "one"
    workspace.add(str(make_photos("red.jpg")), collection="two")
    with pytest.raises(CollectionNotFound, match="one, two"):
        choose_collection(workspace.library, None)


def test_a_login_is_warned_of_before_the_first_request(library: Library) -> None:
    result = CliRunner().invoke(app, ["--library", str(library.folder), "add", "instagram:sea", "--login", "nobody"])
    assert "banned accounts" in result.stderr
    assert "ask for your export" in result.stderr
    assert "No session" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ([], []),
        (["caption", "--ray"], ["caption", "--ray", "local"]),
        (["caption", "--ray", "--redo"], ["caption", "--ray", "local", "--redo"]),
        (["caption", "--ray", "head:6379"], ["caption", "--ray", "head:6379"]),
    ],
)
def test_ray_without_an_address_means_this_machine(words, completed):
    assert with_address(words) == completed


@pytest.mark.parametrize(
    ("command", "options", "is_warned"),
    [
        ("update", '{"login": "nobody"}', True),
        ("caption", '{"login": "nobody"}', True),
        ("caption", "{}", False),
        ("retry", '{"login": "nobody"}', False),  # there is nothing to try again
    ],
)
def test_a_login_of_an_earlier_command_is_warned_of(library, monkeypatch, command, options, is_warned):
    monkeypatch.setattr(captioning, "caption_photos", lambda *_, **__: Report())
    library.merge("sea", "instagram", [Listing("C/1", "", "https://example.org/a.jpg")])
    remember_origin(library, "sea", Origin(("instagram:sea",), options))
    arguments = [command, "--collection", "sea", *(["--no-caption"] if command == "update" else [])]
    result = CliRunner().invoke(app, ["--library", str(library.folder), *arguments])
    assert ("banned accounts" in result.stderr) == is_warned
