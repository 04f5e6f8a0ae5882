"""Text for Streamlit: literal text where Markdown is read, sizes in words."""

import re

MAX_CAPTION_CHARS = 1000  # that are shown; as many as a correction may have
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def plain(text: str) -> str:
    """Escape a text so that Markdown shows it as it is."""
    return _MARKS.sub(r"\\\1", text)


def shortened(text: str, max_chars: int = MAX_CAPTION_CHARS) -> str:
    """Return a text of at most `max_chars` characters; a longer one ends in an ellipsis."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"


def file_size(n_bytes: int) -> str:
    """Return a number of bytes as people read it, such as "1.5 MB"."""
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1000:,.0f} kB"
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:,.2f} GB"
