"""Captioning from the command line."""

import pytest

from photosearch.cli.captioning import expect_pictures
from photosearch.pictures.decoding import pool
from photosearch.settings import Settings


@pytest.mark.parametrize(("ray", "n_started"), [("", [2]), ("10.0.0.1:6379", [])])
def test_processes_that_decode_are_started_here_unless_a_cluster_captions(tmp_path, monkeypatch, ray, n_started):
    started: list[int] = []
    monkeypatch.setattr(pool, "start_processes", started.append)
    expect_pictures(Settings(tmp_path, ray=ray))
    assert started == n_started
