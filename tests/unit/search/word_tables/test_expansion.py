"""The table of related words: read, refused where damaged, and what the committed one holds."""

import csv

import pytest

from photosearch.errors import ModelError
from photosearch.search.word_tables import Expansion
from photosearch.settings import MODELS_DIR
from photosearch.words.analyzer import respelled, terms

PATH = MODELS_DIR / "expansion" / "expansion.txt"


def test_a_table_is_read_with_its_weights(tmp_path):
    (tmp_path / "t.txt").write_text("# a comment\nkid\tchild 0.31 young 0.22\n\ndog\t\n")
    table = Expansion.load(tmp_path / "t.txt")
    assert table.related("kid") == (("child", 0.31), ("young", 0.22))
    assert table.related("dog") == table.related("unheard") == ()
    assert len(table) == 2


@pytest.mark.parametrize(
    "line", ["kid\tchild", "kid\tchild x", "kid\tchild 0", "kid\tchild 1", "kid\tchild nan", "\tchild 0.2"]
)
def test_a_damaged_line_is_named(tmp_path, line):
    (tmp_path / "t.txt").write_text(f"dog\tpet 0.2\n{line}\n")
    with pytest.raises(ModelError, match=r"t\.txt is damaged in line 2"):
        Expansion.load(tmp_path / "t.txt")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.txt cannot be read"):
        Expansion.load(tmp_path / "none.txt")


def test_a_file_of_other_bytes_is_named(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match=r"t\.txt is damaged"):
        Expansion.load(tmp_path / "t.txt")


def test_the_committed_table_relates_terms_of_the_analyzer():
    table = Expansion.load(PATH)
    assert len(table) > 1000
    for line in PATH.read_text(encoding="utf-8").splitlines()[1:]:
        term = respelled(line.split("\t")[0])
        related = table.related(term)
        assert 1 <= len(related) <= 8
        assert [w for _, w in related] == sorted((w for _, w in related), reverse=True)
        assert term not in {other for other, _ in related}


@pytest.mark.parametrize(("asked", "counts"), [("kid", "child"), ("bike", "bicycle"), ("woman", "lady")])
def test_it_knows_what_goes_with_what(asked, counts):
    (term,), (other,) = terms(asked), terms(counts)
    assert other in {related for related, _ in Expansion.load(PATH).related(term)}


def test_of_the_pairs_that_were_judged_by_eye_most_make_sense():
    """They are the committed table's."""
    with (PATH.parent / "judged.csv").open(encoding="utf-8", newline="") as file:
        judged = list(csv.DictReader(file))
    lines = [line.split("\t") for line in PATH.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    kept = {(term, other) for term, related in lines for other in related.split()[::2]}
    pairs = {(row["query"], row["photo"]) for row in judged}
    assert len(judged) == len(pairs) == 200
    assert pairs <= kept
    assert sum(row["sensible"] == "yes" for row in judged) >= 160
