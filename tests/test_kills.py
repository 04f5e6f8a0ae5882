"""Processes that are killed at random moments in all that changes a library, kept in a file."""

import random

import pytest

from photosearch.settings import Settings
from tests.killed import OPERATIONS, kill_and_check, migrate_and_check, prepare
from tests.unit.library.test_older_libraries import older_library

N_KILLS = 9  # of each of six kinds


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_was_said_to_be_done_is_done(tmp_path, tiny_models, make_photos, operation):
    settings = Settings(tmp_path / "library", models_dir=tiny_models)
    photos = make_photos("red.jpg", "green.jpg")
    prepare(settings, photos, operation)
    assert kill_and_check(operation, settings, photos, tmp_path, N_KILLS, seed=1) >= N_KILLS


def test_a_migration_is_done_whole_or_not_at_all(tmp_path):
    moments = random.Random(2)
    for n in range(N_KILLS):
        path = older_library(tmp_path / f"old-{n}", "0001")
        migrate_and_check(path.parent, None, moments.uniform(0, 1.0))
