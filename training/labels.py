"""ImageNet's labels and what they are a kind of, from WordNet: `python -m training.labels`.

Writes the classifier's 1,000 labels (`models/classifier/labels.json`) and `models/hypernyms`. WordNet 3.0 is Debian's
package `wordnet-base`; which of its synsets are ImageNet's comes with timm.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
from collections import deque
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from photosearch.vision.labels import LABELS
from training.data import DataMissing

log = logging.getLogger("training.labels")
ROOT = Path(__file__).resolve().parents[1] / "models"
TABLE = "hypernyms.txt"

# COCO's names, each with the WordNet noun and the number of the sense that the photos show.
COCO_SENSES = {
    "person": "person 1", "bicycle": "bicycle 1", "car": "car 1", "motorcycle": "motorcycle 1",
    "airplane": "airplane 1", "bus": "bus 1", "train": "train 1", "truck": "truck 1", "boat": "boat 1",
    "traffic light": "traffic_light 1", "fire hydrant": "fireplug 1", "stop sign": "street_sign 1",
    "parking meter": "parking_meter 1", "bench": "bench 1", "bird": "bird 1", "cat": "domestic_cat 1", "dog": "dog 1",
    "horse": "horse 1", "sheep": "sheep 1", "cow": "cattle 1", "elephant": "elephant 1", "bear": "bear 1",
    "zebra": "zebra 1", "giraffe": "giraffe 1", "backpack": "backpack 1", "umbrella": "umbrella 1",
    "handbag": "bag 4", "tie": "necktie 1", "suitcase": "bag 6", "frisbee": "Frisbee 1", "skis": "ski 1",
    "snowboard": "snowboard 1", "sports ball": "ball 1", "kite": "kite 3", "baseball bat": "baseball_bat 1",
    "baseball glove": "baseball_glove 1", "skateboard": "skateboard 1", "surfboard": "surfboard 1",
    "tennis racket": "tennis_racket 1", "bottle": "bottle 1", "wine glass": "wineglass 1", "cup": "cup 1",
    "fork": "fork 1", "knife": "knife 1", "spoon": "spoon 1", "bowl": "bowl 3", "banana": "banana 2",
    "apple": "apple 1", "sandwich": "sandwich 1", "orange": "orange 1", "broccoli": "broccoli 2",
    "carrot": "carrot 3", "hot dog": "hotdog 2", "pizza": "pizza 1", "donut": "doughnut 2", "cake": "cake 3",
    "chair": "chair 1", "couch": "sofa 1", "potted plant": "pot_plant 1", "bed": "bed 1",
    "dining table": "dining_table 1", "toilet": "toilet 2", "tv": "television_receiver 1", "laptop": "laptop 1",
    "mouse": "mouse 4", "remote": "remote_control 1", "keyboard": "computer_keyboard 1",
    "cell phone": "cellular_telephone 1", "microwave": "microwave 2", "oven": "oven 1", "toaster": "toaster 2",
    "sink": "sink 1", "refrigerator": "refrigerator 1", "book": "book 1", "clock": "clock 1", "vase": "vase 1",
    "scissors": "scissors 1", "teddy bear": "teddy 1", "hair drier": "hand_blower 1", "toothbrush": "toothbrush 1",
}  # fmt: skip
# Classes whose photos show another sense than their synset: no punch in a pitcher, but what one drinks from.
SHOWN_INSTEAD = {7930864: "cup 1"}


_MARKER = re.compile(r"\((a|p|ip)\)$")  # where an adjective may stand, at the end of it


def _listed(names: str) -> frozenset[str]:
    return frozenset(" ".join(name.split()) for name in names.split(";"))


# A word stands for a synset only in its first, most frequent sense ("machine" is no car), but for a synset's first
# word and for these.
ALSO_SAID = _listed("""
    armour; bike; burger; cart; cycle; disc; drier; drink; flora; frock; home; mitt; pant; pillar; robe; roll;
    shellfish; sign; television; tin; tv; watercraft
    """)
# Not in the table, in each sense or in that of the number. The first half is too general to be searched for,
# the second means something else in most searches, some of it once the phrase is taken apart ("Old World monkey").
LEFT_OUT = _listed("""
    entity; physical entity; object; whole; unit; artifact; matter; causal agent; instrumentality; living thing;
    organism; abstraction; attribute; relation; part; piece; substance; cause; natural object; way; measure; creation;
    covering; protective covering; commodity; consumer goods; durables; article; ware; contestant; chordate;
    vertebrate; aquatic vertebrate; placental; solid; nutriment; geological formation; location; point;
    geographic point; implement; mechanism; mechanical device; rotating mechanism; surface; horizontal surface; area;
    conveyance; container; device; equipment; system; foodstuff; ingredient; communication; signal; craft;
    self-propelled vehicle; obstruction; bar; produce; plant part; plant organ; reproductive structure;
    natural elevation; sheet; furnishing; establishment; place of business; mercantile establishment; institution;
    restraint; support; supporting structure; structural member; framework; agent; passage; conduit; attachment;
    connection; ligament; associate; peer; participant; medium; work; product; set; gear; control; shape; sphere;
    round shape; fluid; upright; adornment; animate being; article of clothing; article of furniture;
    piece of furniture; piece of cloth; piece of material; woman's clothing; piece of work; habiliment; wearable;
    mortal; durable goods; consumer durables; emblem; design; memory device;

    Old World monkey; New World monkey; Old World buffalo; white goods; white potato; Irish potato; murphy; tater;
    toy dog; toy spaniel; English toy spaniel; game bird; game 4; two-winged insects; brush-footed butterfly;
    four-footed butterfly; heavier-than-air craft; lighter-than-air craft; bird of Jove; bird of Juno;
    bird of Minerva; bird of night; small-arm; side arm; shooting iron; street drug; drug of abuse; drug; red hot;
    house cat; staff of life; chair of state; idiot box; boob tube; goggle box; coat of mail; suit of armor;
    suit of armour; eating apple; winter squash; summer squash; war paint; toilet articles; light microscope;
    hand glass; brute; fish duck; course; runner; turner; winder; racer; plate; circle; top; rail 5; monitor 7;
    litter; convertible; kit; press; fare; shade; screen 5; blind; power saw; pool; ridge; case 5; staff; brass 2;
    ride; jacket 2; bullet train; blower; club 3; wildcat; attire; afters; black mamba; purple gallinule; dressing;
    medical dressing; control surface; pit viper; eared seal; sea cow; personal computer; gun dog; egg-laying mammal
    """)


class Pointer(NamedTuple):
    """From a synset to another: "@" to what it is a kind of, "!" to its opposite."""

    kind: str
    offset: int
    part: str  # of speech
    words: str  # which word of the one relates to which of the other, two hexadecimal digits each; "0000": all to all


@dataclass(frozen=True)
class Synset:
    """A WordNet noun, verb or adjective: its words, the offsets of what it is a kind of, and all its pointers."""

    words: tuple[str, ...]
    parents: tuple[int, ...]
    pointers: tuple[Pointer, ...] = ()
    topic: int = 0  # the number of its lexicographer's file: 18 holds persons
    gloss: str = ""  # what it means, without examples


@dataclass(frozen=True)
class WordNet:
    """WordNet's nouns, or those of another part of speech."""

    synsets: dict[int, Synset]  # by offset
    senses: dict[str, list[int]]  # a word's synsets, the most frequent first; lower case, with underscores

    def sense(self, name: str) -> int:
        """Return the synset of a word and the number of its sense: "mouse 4"."""
        word, number = name.rsplit(" ", 1)
        return self.senses[word.lower()][int(number) - 1]

    def words(self, offset: int) -> tuple[str, ...]:
        """Return the words of a synset that make sense on their own; none when the synset is left out of the table."""
        kept = []
        for position, word in enumerate(self.synsets[offset].words):
            number = self.senses[word.lower().replace(" ", "_")].index(offset) + 1
            is_left_out = bool({word, f"{word} {number}"} & LEFT_OUT)
            if position == 0 and is_left_out:
                return ()
            if not is_left_out and (position == 0 or number == 1 or word in ALSO_SAID):
                kept.append(word)
        return tuple(kept)

    def steps_up(self, start: int) -> dict[int, int]:
        """Return what a synset is a kind of, each with the steps of the shortest way up, nearest first; itself at 0."""
        steps, queue = {start: 0}, deque([start])
        while queue:
            here = queue.popleft()
            for parent in self.synsets[here].parents:
                if parent not in steps:
                    steps[parent] = steps[here] + 1
                    queue.append(parent)
        return steps


def read_wordnet(folder: Path, part: str = "noun") -> WordNet:
    """Read a part of WordNet's database, `data.PART` and `index.PART`; raises `DataMissing`."""
    data, index = folder / f"data.{part}", folder / f"index.{part}"
    for path in (data, index):
        if not path.is_file():
            raise DataMissing(f"{path} is missing. Debian's package wordnet-base has it; --wordnet says where it lies.")
    synsets = {}
    for line in data.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue  # the licence
        entry, _, gloss = line.partition(" | ")
        fields = entry.split()
        n_words = int(fields[3], 16)
        words = tuple(_MARKER.sub("", fields[4 + 2 * i]).replace("_", " ") for i in range(n_words))
        rest = fields[5 + 2 * n_words :]
        pointers = tuple(
            Pointer(rest[4 * i], int(rest[4 * i + 1]), rest[4 * i + 2], rest[4 * i + 3])
            for i in range(int(fields[4 + 2 * n_words]))
        )
        parents = tuple(pointer.offset for pointer in pointers if pointer.kind in ("@", "@i"))
        synsets[int(fields[0])] = Synset(words, parents, pointers, int(fields[1]), gloss.partition('; "')[0].strip())
    senses = {}
    for line in index.read_text(encoding="utf-8").splitlines():
        if not line.startswith(" "):
            fields = line.split()
            senses[fields[0]] = [int(offset) for offset in fields[-int(fields[2]) :]]
    return WordNet(synsets, senses)


def imagenet_synsets(wordnet: WordNet) -> list[int]:
    """Return what ImageNet's 1,000 classes show, in the order of the classes."""
    text = (resources.files("timm") / "data" / "_info" / "imagenet_synsets.txt").read_text(encoding="utf-8")
    synsets = [int(name.removeprefix("n")) for name in text.split()]
    return [wordnet.sense(SHOWN_INSTEAD[synset]) if synset in SHOWN_INSTEAD else synset for synset in synsets]


def label_texts(wordnet: WordNet) -> list[str]:
    """Return the classes' synonyms; where two classes, or one and COCO's, have the same ones, a hypernym is added."""
    synsets = imagenet_synsets(wordnet)
    labels = [", ".join(wordnet.synsets[synset].words) for synset in synsets]
    meant: dict[str, set[int]] = {}
    for label, synset in [*zip(labels, synsets, strict=True), *coco_synsets(wordnet).items()]:
        meant.setdefault(label, set()).add(synset)
    labels = [
        f"{label} ({wordnet.synsets[wordnet.synsets[synset].parents[0]].words[0]})" if len(meant[label]) > 1 else label
        for label, synset in zip(labels, synsets, strict=True)
    ]
    if len(set(labels)) < len(labels):
        raise RuntimeError("two of ImageNet's classes have the same label")
    return labels


def coco_synsets(wordnet: WordNet) -> dict[str, int]:
    """Return what COCO's classes show."""
    return {name: wordnet.sense(sense) for name, sense in COCO_SENSES.items()}


def table_line(label: str, synset: int, wordnet: WordNet) -> str:
    """Return a label's line in the table: each word once, at its nearest; what the label itself says is left out."""
    said = {word.lower() for word in label.split(" (")[0].split(", ")}
    groups: dict[int, list[str]] = {}
    for offset, n_steps in wordnet.steps_up(synset).items():
        for word in wordnet.words(offset):
            if word.lower() not in said:
                said.add(word.lower())
                groups.setdefault(n_steps, []).append(word)
    return "\t".join([label, *(f"{n_steps}:{', '.join(words)}" for n_steps, words in groups.items())])


def write_hypernyms(folder: Path, wordnet_folder: Path) -> list[str]:
    """Write the table and WordNet's licence; returns ImageNet's labels."""
    wordnet = read_wordnet(wordnet_folder)
    labels = label_texts(wordnet)
    synsets = dict(zip(labels, imagenet_synsets(wordnet), strict=True)) | coco_synsets(wordnet)
    lines = [
        "# From WordNet 3.0, Copyright 2006 by Princeton University; its licence is beside this file.",
        *(table_line(label, synset, wordnet) for label, synset in sorted(synsets.items())),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = (wordnet_folder / "data.noun").read_text(encoding="utf-8").splitlines()
    notice = [line.strip().partition(" ")[2] for line in data if line.startswith(" ")]  # after the line's number
    (folder / "LICENSE").write_text("\n".join(notice) + "\n", encoding="utf-8")
    log.info("%s: %d labels", folder, len(synsets))
    return labels


def write_labels(path: Path, labels: list[str]) -> None:
    """Write the classifier's labels, in the order of its network's outputs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(labels, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    log.info("%s: %d labels", path, len(labels))


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="WordNet 3.0's folder")
    parser.add_argument("--out", type=Path, default=ROOT)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_labels(options.out / "classifier" / LABELS, write_hypernyms(options.out / "hypernyms", options.wordnet))


if __name__ == "__main__":
    main()
