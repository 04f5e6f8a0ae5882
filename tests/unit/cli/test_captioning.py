"""Captioning from the command line."""

import pytest

from photosearch.cli.captioning import expect_pictures
from photosearch.pictures.decoding import pool
from photosearch.pipeline import ray_process
from photosearch.settings import Settings


@pytest.mark.parametrize(("ray", "expected"), [("", [2]), ("10.0.0.1:6379", ["10.0.0.1:6379"])])
def test_what_decodes_or_else_what_drives_the_cluster_is_started_before(tmp_path, monkeypatch, ray, expected):
    started: list[object] = []
    monkeypatch.setattr(pool, "start_processes", started.append)
    monkeypatch.setattr(ray_process, "start_ahead", started.append)
    expect_pictures(Settings(tmp_path, ray=ray))
    assert started == expected
    expect_pictures(Settings(tmp_path, ray=ray), captions=False)  # fetching needs what decodes
    assert started == [*expected, 2]
