"""A caption of a megabyte, as an imported file may hold one, is short on a page."""

from photosearch.records import Caption, Photo, PhotoState
from photosearch.ui.cards import caption_line, caption_with_log_prob, card
from photosearch.ui.text import shortened

LONG = "a dog & a cat " * 100_000


def photo() -> Photo:
    return Photo("1", "c", "folder", "1.jpg", PhotoState.READY, captions=(Caption(LONG, 0.0, "imported"),))


def test_a_long_caption_is_cut_on_the_page():
    assert len(caption_line(photo(), {"dog"})) < 10_000
    assert len(caption_with_log_prob(-1.0, LONG)) < 10_000
    assert len(card(photo(), "", "", "Show")) < 10_000


def test_a_short_text_is_whole():
    assert shortened("a dog") == "a dog"
    assert shortened("x" * 1001) == "x" * 999 + "…"
