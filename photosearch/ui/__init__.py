"""The Streamlit pages' server and their parts; nothing else in the package imports streamlit."""

from pathlib import Path

from photosearch.settings import shipped_path

PAGES = shipped_path("pages")
INSPECT = PAGES / "inspect.py"


def site_path() -> Path:
    """Return the path of the script behind every page; Streamlit runs it, nothing imports it."""
    return Path(__file__).with_name("site.py")
