import pytest

from photosearch.sources.instagram.descriptions import PHRASES, described

WRITTEN = {  # by language: what Instagram writes, and what it says of the picture
    "English": {
        "No photo description available.": "",
        "May be an image.": "",
        "May be an image of text that says 'HELLO'.": "text that says 'HELLO'.",
        "May be a closeup of a bee.": "a closeup of a bee.",
        "Photo by Ann on May 1, 2020. Image may contain: 2 people, sky and outdoor": "2 people, sky and outdoor",
        "May be a doodle of \u200etext that says '\u200eHI\u200e'\u200e.": "a doodle of text that says 'HI'.",
    },
    "German": {"Bild könnte enthalten: Golf, Gras und Natur": "Golf, Gras und Natur"},
    "French": {
        "Photo by Ann on January 07, 2025. Peut être une image de 1 personne, affiche et texte": (
            "1 personne, affiche et texte"
        ),
        "Photo shared by Ann on November 9, 2020 tagging @a, and @b.c. L’image contient peut-être : 2 personnes.": (
            "2 personnes."
        ),
        "Aucune description de photo disponible.": "",
    },
    "Spanish": {
        "Photo by Ann in Valparaíso. Puede ser una imagen de playa.": "playa.",
        "La imagen puede contener: texto": "texto",
        "No hay ninguna descripción de la foto disponible.": "",
    },
    "Portuguese": {
        'Pode ser uma imagem de texto que diz "GOL"': 'texto que diz "GOL"',
        "Photo shared by Ann on April 06, 2020 tagging @b. A imagem pode conter: 1 pessoa e close-up": (
            "1 pessoa e close-up"
        ),
        "Nenhuma descrição de foto disponível.": "",
    },
    "Italian": {"Photo by Ann on October 8, 2026. Potrebbe essere un'immagine raffigurante cielo": "cielo"},
    "Dutch": {
        "Photo by Ann in Pailón del Diablo. Afbeelding kan het volgende bevatten: plant en water": "plant en water",
        "Photo by Ann in New York, New York. Geen fotobeschrijving beschikbaar.": "",
    },
    "Swedish": {"Kan vara en bild av ost och text": "ost och text"},
    "Polish": {
        "Może być zdjęciem przedstawiającym tekst": "tekst",
        "Może być memem przedstawiającym kot": "memem przedstawiającym kot",
        "Obraz może zawierać: na zewnątrz i woda": "na zewnątrz i woda",
        "Brak dostępnego opisu zdjęcia.": "",
    },
    "Turkish": {
        "Photo by Ann on May 01, 2026. motosiklet ve metin görseli olabilir.": "motosiklet ve metin",
        "Görüntünün olası içeriği: yazı": "yazı",
    },
    "Russian": {
        "Возможно, это изображение 1 человек": "1 человек",
        "Photo by Ann on December 22, 2020. На изображении может находиться: небо, снег и на улице.": (
            "небо, снег и на улице."
        ),
    },
    "Japanese": {
        "Photo by Ann on May 01, 2026. ポスター、夜、テキストの画像のようです。": "ポスター、夜、テキスト",
        "画像に含まれている可能性があるもの:空、海": "空、海",
        "写真の説明はありません。": "",
    },
    "Korean": {
        "Photo by Ann in Haeundae, Busan. 이미지: 사람 1명, 바다": "사람 1명, 바다",
        "사진 설명이 없습니다.": "",
    },
    "Indonesian": {
        "Mungkin gambar terompet dan klarinet": "terompet dan klarinet",
        "Gambar mungkin berisi: teks": "teks",
    },
    "Vietnamese": {
        "Có thể là hình ảnh về 2 người và văn bản": "2 người và văn bản",
        "Trong hình ảnh có thể có: giày và văn bản": "giày và văn bản",
        "Không có mô tả ảnh.": "",
    },
    "Thai": {"อาจเป็นรูปภาพของ กำลังนั่ง": "กำลังนั่ง", "ไม่มีคำอธิบายรูปภาพ": ""},
    "Arabic": {"Photo by Ann GmbH in Ann GmbH. قد تكون صورة ‏رواق‏.": "رواق.", "لا يتوفر وصف للصورة.": ""},
    "Chinese": {"相片由 ann.b 於 August 20, 2026 發布。可能是文字的圖像": "文字", "未提供相片說明。": ""},
}


@pytest.mark.parametrize("language", WRITTEN)
def test_set_phrases_go_and_what_the_picture_shows_stays(language):
    assert {written: described(written) for written in WRITTEN[language]} == WRITTEN[language]


def test_each_language_of_the_table_has_an_example():
    assert list(WRITTEN) == [phrases.language for phrases in PHRASES]


@pytest.mark.parametrize(
    ("written", "description"),
    [
        (None, ""),
        ("Photo by Anna on May 01, 2024.", ""),
        ("Photo by Dr. Anna B. Smith on May 01, 2024. May be an image of 2 people and beach.", "2 people and beach."),
        ("Photo shared by Anna on May 1, 2024 tagging @ben, and @c.d. May be an image of dog.", "dog."),
        ("Photo by Anna in St. Moritz. May be an image of snow.", "snow."),
        ("Photo by Anna. No photo description available.", ""),
        ("Photo by Anna on May 1, 2024. Et bilde av en båt.", "Et bilde av en båt."),
    ],
)
def test_who_posted_it_goes(written, description):
    assert described(written) == description


@pytest.mark.parametrize(
    "written",
    [
        "A red boat by the sea",
        "Photo of a dog",
        "Image by the sea",
        "Ein Bild von Anna am Meer. Es könnte ein Bild von Oma sein.",
        "मेरी फ़ोटो",
        "可能是最後一次看到的海",
    ],
)
def test_texts_of_people_and_of_other_languages_stay(written):
    assert described(written) == written
