"""Completion of the word that is being typed, with words of the collection, in the browser's own list."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from photosearch.api import PREFIX
from photosearch.ui.pictures import origin

_HTML = '<datalist id="words-that-occur"></datalist>'
_JS = r"""
const DELAY_MS = 120;
const MIN_CHARS = 2;

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector("datalist");
  const box = document.querySelector(`input[aria-label="${data.label}"]`);
  if (!box) return;
  let latest = 0, waiting;
  const ask = async (start) => {
    const answer = await fetch(data.url + encodeURIComponent(start));
    return answer.ok ? answer.json() : [];
  };
  const complete = async () => {
    const number = ++latest;
    const start = box.value.match(/[\p{L}\p{N}]+$/u)?.[0] ?? "";
    const words = start.length < MIN_CHARS ? [] : await ask(start).catch(() => []);
    if (number !== latest) return;
    const before = box.value.slice(0, box.value.length - start.length);
    const offered = words.filter((word) => word !== start).map((word) => before + word);
    // Browsers show only what holds the typed text in its value or label: café for cafe needs a label.
    const label = (text) => (text.toLowerCase().includes(box.value.toLowerCase()) ? text : `${box.value} → ${text}`);
    list.replaceChildren(...offered.map((text) => new Option(label(text), text)));
  };
  const typed = () => {
    clearTimeout(waiting);
    waiting = setTimeout(complete, DELAY_MS);
  };
  list.forget?.();
  list.forget = () => {
    clearTimeout(waiting);
    latest = -1;
    box.removeEventListener("input", typed);
  };
  box.addEventListener("input", typed);
  box.setAttribute("list", list.id);
  if (document.activeElement === box) typed();  // who types quickly began before this was here
  return list.forget;
}
"""

_completion = st.components.v2.component("photosearch_completion", html=_HTML, js=_JS, isolate_styles=False)


def complete_words(label: str, collection: str) -> None:
    """Offer words of a collection that complete the last word in the text box with this label."""
    url = f"{origin()}{PREFIX}/v1/words?name={quote(collection, safe='')}&start="
    with st.container(key="completion"):
        _completion(key="words", data={"label": label, "url": url})
