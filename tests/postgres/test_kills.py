"""Processes that are killed at random moments in all that changes a library, kept on a server."""

import random
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from photosearch.library import schema
from photosearch.library.postgres import Postgres
from photosearch.settings import Settings
from tests.killed import OPERATIONS, kill_and_check, migrate_and_check, prepare
from tests.unit.library.test_older_libraries import CONTENT

N_KILLS = 9  # of each of six kinds


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_was_said_to_be_done_is_done(tmp_path, tiny_models, make_photos, database, operation):
    settings = Settings(tmp_path / "library", models_dir=tiny_models, database=database)
    photos = make_photos("red.jpg", "green.jpg")
    prepare(settings, photos, operation)
    assert kill_and_check(operation, settings, photos, tmp_path, N_KILLS, seed=1) >= N_KILLS


def test_a_migration_is_done_whole_or_not_at_all(tmp_path, make_database):
    moments = random.Random(2)
    for n in range(N_KILLS):
        url = make_database()
        older = Postgres(url)
        config = Config()
        config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
        with older.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            for statement in CONTENT:
                connection.exec_driver_sql(statement)
        older.engine.dispose()
        migrate_and_check(tmp_path / f"library-{n}", url, moments.uniform(0, 1.0))
