"""Text for Streamlit: literal text where Markdown is read, sizes in words."""

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def plain(text: str) -> str:
    """Escape a text so that Markdown shows it as it is."""
    return _MARKS.sub(r"\\\1", text)


def file_size(n_bytes: int) -> str:
    """Return a number of bytes as people read it, such as "1.5 MB"."""
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1000:,.0f} kB"
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:,.2f} GB"
