"""Instagram's own descriptions of pictures (`accessibility_caption`), without the phrases that it puts around them.

A description begins with who posted the picture, in English whatever the language of the rest: "Photo by NAME on May
01, 2024.", "Photo shared by NAME in PLACE tagging @user.". What follows is in a language of the reader, and until about
2020 was worded otherwise than today. Instagram documents none of it. `PHRASES` has what alt texts of posts showed that
public repositories had kept in October 2026, each of its rows by several of them; posts of Facebook, whose descriptions
come from the same models, are the source where no post of Instagram was found. How these descriptions read in other
languages, and in German today, was not found: such texts stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    """What Instagram writes around a description in one language; patterns for texts without case."""

    language: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    nothing: tuple[str, ...] = ()  # in place of a description


# "May be" alone goes where what follows says more than that it is a picture: "a cartoon of text", "memem ...".
PHRASES: tuple[Phrases, ...] = (
    Phrases(  # Instagram, 2018 to 2026
        "English",
        before=("May be (?:an? (?:image|photo|picture) of )?", "Image may contain: ?"),
        nothing=("No photo description available", "May be an image", "an image", "a photo"),
    ),
    Phrases("German", before=("Bild könnte enthalten: ?",)),  # Facebook, until 2020
    Phrases(  # Instagram, 2020 and 2025; Facebook, 2023
        "French",
        before=("Peut[- ]être (?:une image de )?", "L['’]image contient peut-être ?: ?"),
        nothing=("Aucune description de photo disponible",),
    ),
    Phrases(  # Instagram, 2026; Facebook, 2017 to 2022
        "Spanish",
        before=("Puede ser (?:una imagen de )?", "La imagen puede contener: ?"),
        nothing=("No hay (?:ninguna )?descripción de la foto disponible",),
    ),
    Phrases(  # Instagram, 2020 and 2026
        "Portuguese",
        before=("Pode ser (?:uma imagem de )?", "(?:A imagem p|P)ode conter: ?"),
        nothing=("Nenhuma descrição de foto disponível",),
    ),
    Phrases(  # Instagram, 2026; Facebook
        "Italian",
        before=("Potrebbe essere (?:un['’]immagine raffigurante )?", "L['’]immagine può contenere: ?"),
    ),
    Phrases(  # Instagram, 2020
        "Dutch",
        before=("Afbeelding kan het volgende bevatten: ?",),
        nothing=("Geen fotobeschrijving beschikbaar",),
    ),
    Phrases("Swedish", before=("Kan vara (?:en bild av )?",)),  # Facebook
    Phrases(  # Instagram, 2019; Facebook, 2022
        "Polish",
        before=("Może być (?:(?:zdjęciem|obrazem) przedstawiającym )?", "Obraz może zawierać: ?"),
        nothing=("Brak dostępnego opisu zdjęcia",),
    ),
    Phrases(  # Instagram, 2026; Facebook, 2017
        "Turkish",
        before=("Görüntünün olası içeriği: ?",),
        after=("(?: şunun)?(?: bir)? görseli olabilir",),
    ),
    Phrases(  # Instagram, 2020; Facebook
        "Russian", before=("Возможно, это изображение ", "На изображении может находиться: ?")
    ),
    Phrases(  # Instagram and Threads, 2026; Facebook, until 2020
        "Japanese",
        before=("画像に含まれている可能性があるもの[:：] ?",),
        after=("の画像のようです",),
        nothing=("写真の説明はありません",),
    ),
    Phrases("Korean", before=("이미지: ?",), nothing=("사진 설명이 없습니다",)),  # Instagram, 2020
    Phrases(  # Instagram, 2019; Facebook, 2025
        "Indonesian", before=("Mungkin gambar ", "Gambar mungkin berisi: ?")
    ),
    Phrases(  # Facebook, 2018 to 2026
        "Vietnamese",
        before=("Có thể là hình ảnh về ", "Trong hình ảnh có thể có: ?"),
        nothing=("Không có mô tả ảnh",),
    ),
    Phrases("Thai", before=("อาจเป็นรูปภาพของ ?",), nothing=("ไม่มีคำอธิบายรูปภาพ",)),  # Facebook, 2020 and 2022
    Phrases(  # Instagram, 2024; Facebook
        "Arabic", before=("قد تكون صورة ",), nothing=("لا يتوفر وصف للصورة",)
    ),
    Phrases(  # Instagram and Facebook, 2026
        "Chinese", before=("可能是 ?(?=.*的圖像)",), after=(" ?的圖像",), nothing=("未提供相片說明",)
    ),
)

_KINDS = "Photo|Image|Video|Reel|Carousel|Album"
_BEFORE = "|".join(pattern for phrases in PHRASES for pattern in phrases.before)
_AFTER = "|".join(pattern for phrases in PHRASES for pattern in phrases.after)
_NOTHING = "|".join(pattern for phrases in PHRASES for pattern in phrases.nothing)
_STOP = "[.。]"
_OPENING = re.compile(_BEFORE, re.IGNORECASE)
_ENDING = re.compile(rf"(?:{_AFTER}){_STOP}?$", re.IGNORECASE)
_SAYS_NOTHING = re.compile(rf"(?:{_NOTHING})?{_STOP}?", re.IGNORECASE)
# Who posted it: up to a phrase of the table; else up to the end of the sentence that has the date; else up to that of
# the first sentence, where no small letter follows, since names and places have full stops. "Photo by the sea" is a
# person's own text.
_POSTED_BY = re.compile(
    rf"(?:{_KINDS})(?: shared)? by "
    rf"(?:.*?{_STOP}\s*(?={_BEFORE}|{_NOTHING})"
    rf"|.*?\b[A-Z][a-z]+ \d{{1,2}}, \d{{4}}\b(?:[^.]|\.(?!\s))*(?:\.\s*|$)"
    rf"|(?!(?:the|an?|my|our) )(?:[^.]|\.(?!\s)|\.\s+(?=[a-z]))*(?:\.\s*|$))"
    "|相片由.+?發布。",
    re.DOTALL,
)
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # marks of the direction in which to read


def described(accessibility: str | None) -> str:
    """Return what Instagram's description says of the picture, without who posted it and when; "" for nothing."""
    text = _DIRECTIONS.sub("", accessibility or "").strip()
    if posted := _POSTED_BY.match(text):
        text = text[posted.end() :].strip()
    if _SAYS_NOTHING.fullmatch(text):
        return ""
    if opening := _OPENING.match(text):
        text = text[opening.end() :]
    return _ENDING.sub("", text).strip()
