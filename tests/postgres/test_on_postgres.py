"""Runs the tests of a library in a file, and of corrections whose pictures change, once more with one on a server."""

import inspect

from tests.unit.library import test_corrections, test_elsewhere, test_library, test_merging
from tests.unit.pipeline import test_worker

OF_FILES = {  # tests of the database file, or of the folder, which is the same for both
    "test_a_fresh_library_has_the_newest_schema_and_the_tables_of_the_metadata",
    "test_a_library_can_be_opened_again",
    "test_the_library_of_a_newer_version_is_refused_and_left_as_it_is",
    "test_a_damaged_page_is_a_library_error",
    "test_the_same_thumbnail_may_be_written_by_two_threads_at_once",
    "test_a_glance_at_the_lock_does_not_turn_a_worker_away",
    "test_a_folder_that_cannot_be_locked_is_a_library_error",
    "test_a_lock_of_an_index_that_cannot_be_written_is_one_line",
}
for module in (test_elsewhere, test_library, test_merging, test_worker):
    for name, test in vars(module).items():
        of_library = name.startswith("test_") and "library" in inspect.signature(test).parameters
        if of_library and name not in OF_FILES:
            globals()[name] = test

photos, corrected = test_corrections.photos, test_corrections.corrected  # fixtures of the tests of corrections
for name, test in vars(test_corrections).items():
    if name.startswith("test_") and {"corrected", "workspace"} <= {*inspect.signature(test).parameters}:
        globals()[name] = test
