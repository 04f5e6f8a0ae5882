"""A photo and the words of a sentence; hovering over a word or picking it shows where the model looked."""

from __future__ import annotations

import base64
from collections.abc import Callable

import streamlit as st

from photosearch.ui.drawing import as_webp, heat_map
from photosearch.ui.inspect.subject import Subject
from photosearch.vision.captioner.attention import Inspection

END = "(end)"
_HEIGHT_REM = 28  # the photo's height where there is room

_HTML = '<div class="viewer"></div>'
_CSS = """
.viewer { font-family: var(--st-font); color: var(--st-text-color); }
.figure { position: relative; margin: 0 auto; border-radius: 0.5rem;
  overflow: hidden; background: var(--st-secondary-background-color); }
.figure .photo { display: block; width: 100%; }
.heat { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.figure .heat { opacity: 0; transition: opacity 0.15s; }
.figure .heat.on { opacity: 1; }
.label { min-height: 1.5em; margin: 0.35rem 0; text-align: center; font-size: 0.9rem; }
.label b { font-weight: 650; }
.words { display: flex; flex-wrap: wrap; gap: 0.4rem; justify-content: center; }
.word { flex: 0 0 auto; padding: 0.2rem; border: 2px solid transparent; border-radius: 0.5rem; cursor: pointer;
  background: none; color: inherit; font: inherit; font-size: 0.8rem; text-align: center; width: 5.4rem; }
.word:hover, .word:focus-visible { background: var(--st-secondary-background-color); outline: none;
  border-color: var(--st-border-color); }
.word[aria-pressed="true"] { border-color: var(--st-primary-color); }
.map { position: relative; display: block; width: 100%; overflow: hidden; border-radius: 0.3rem; }
.map img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: fill; }
.word .name { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 600; }
.word .sure { opacity: 0.75; font-variant-numeric: tabular-nums; }
"""
_JS = """
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".viewer");
  const make = (tag, name, text) => {
    const made = document.createElement(tag);
    made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const picture = (name, src, alt) => {
    const made = make("img", name);
    made.src = src;
    made.alt = alt;
    return made;
  };
  const show = (index) => {
    root.querySelectorAll(".figure .heat").forEach((heat, i) => heat.classList.toggle("on", i === index));
    const label = root.querySelector(".label");
    label.replaceChildren();
    const word = data.words[index];
    if (word) label.append(make("b", "", word.name), " " + word.sure);
    else label.append(data.hint);
    root.dataset.shown = index ?? "";
  };
  const content = JSON.stringify([data.image, data.words.map((word) => [word.name, word.sure, word.heat])]);
  if (root.dataset.content !== content) {
    root.dataset.content = content;
    const figure = make("div", "figure");
    figure.style.width = data.width;
    figure.style.aspectRatio = data.aspect;  // the page does not move when the photo has loaded
    figure.append(picture("photo", data.image, data.alt));
    const words = make("div", "words");
    data.words.forEach((word, index) => {
      figure.append(picture("heat", word.heat, ""));
      const button = make("button", "word");
      button.type = "button";
      button.title = word.name;
      const map = make("span", "map");
      map.style.aspectRatio = data.aspect;
      map.append(picture("small", data.image, ""), picture("heat", word.heat, ""));
      button.append(map, make("span", "name", word.name), make("span", "sure", word.sure));
      words.append(button);
    });
    root.replaceChildren(figure, make("div", "label"), words);
  }
  root.querySelectorAll(".word").forEach((button, index) => {
    button.setAttribute("aria-pressed", String(index === data.picked));
    button.onmouseenter = button.onfocus = () => show(index);
    button.onmouseleave = button.onblur = () => show(data.picked);
    button.onclick = () => setTriggerValue("picked", index);
  });
  show(data.picked);
}
"""

_viewer = st.components.v2.component("photosearch_caption_viewer", html=_HTML, css=_CSS, js=_JS)


def show_viewer(
    inspection: Inspection,
    subject: Subject,
    alt: str,
    picked: int | None,
    on_pick: Callable[[int], None],
    key: str,
) -> None:
    """Show the photo with the attention for one word over it, and a small attention map for each word.

    Args:
        inspection: the words with their attention.
        subject: the picture.
        alt: a description of the picture.
        picked: the index of the picked word; None: no word is picked.
        on_pick: called with the index of a word that is clicked.
        key: the viewer's key in the session.
    """

    def pick() -> None:
        index = st.session_state[key].picked
        if index is not None:
            on_pick(int(index))

    words = [
        {"name": step.word or END, "sure": percent(step.prob), "heat": _heat_url(inspection, i)}
        for i, step in enumerate(inspection.steps)
    ]
    hint = "Hover over a word, or pick one, to see where the model looked."
    data = {
        "image": subject.image,
        "alt": alt,
        "aspect": round(subject.aspect, 3),
        "width": f"min(100%, {_HEIGHT_REM * subject.aspect:.1f}rem)",
        "words": words,
        "picked": picked,
        "hint": hint,
    }
    _viewer(key=key, data=data, on_picked_change=pick)


def percent(prob: float) -> str:
    """Return a probability as a percentage, such as "42%" or "under 1%"."""
    return f"{prob:.0%}" if prob >= 0.01 or prob == 0 else "under 1%"


def _heat_url(inspection: Inspection, index: int) -> str:
    heat = as_webp(heat_map(inspection.attention[index], inspection.grid))
    return f"data:image/webp;base64,{base64.b64encode(heat).decode()}"
