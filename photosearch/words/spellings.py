"""Spellings of the same word: one table for photos and queries, which `photosearch.words.analyzer` applies.

Each entry begins with the spelling that stands for its others. A spelling that is also another word (*check* for
*cheque*, *curb* for *kerb*, *story* for *storey*) has no entry.
"""

from __future__ import annotations

from collections.abc import Iterator

# American, then British: each stands for its forms, too (greys, colouring).
REGIONAL = """
gray grey, grayish greyish, color colour, armor armour, behavior behaviour, endeavor endeavour, favor favour, favorite
favourite, flavor flavour, glamor glamour, harbor harbour, honor honour, humor humour, labor labour, neighbor
neighbour, neighborhood neighbourhood, odor odour, parlor parlour, rumor rumour, savory savoury, savior saviour, tumor
tumour, vapor vapour, vigor vigour, arbor arbour, center centre, theater theatre, meter metre, kilometer kilometre,
centimeter centimetre, liter litre, fiber fibre, saber sabre, caliber calibre, luster lustre, specter spectre, scepter
sceptre, somber sombre, maneuver manoeuvre, ocher ochre, miter mitre, catalog catalogue, dialog dialogue, monolog
monologue, analog analogue, program programme, jewelry jewellery, jeweler jeweller, jeweled jewelled, traveler
traveller, traveling travelling, traveled travelled, pedaling pedalling, pedaled pedalled, modeling modelling, modeled
modelled, signaling signalling, signaled signalled, canceled cancelled, labeled labelled, labeling labelling,
shoveling shovelling, shoveled shovelled, swiveling swivelling, tunneling tunnelling, marvelous marvellous, woolen
woollen, wooly woolly, chiseled chiselled, councilor councillor, skillful skilful, enrollment enrolment, mustache
moustache, donut doughnut, plow plough, snowplow snowplough, tire tyre, pajamas pyjamas, yogurt yoghurt, cozy cosy,
airplane aeroplane, aluminum aluminium, mold mould, smolder smoulder, axe ax, omelet omelette, license licence,
practice practise, defense defence, offense offence, artifact artefact, whiskey whisky, barbecue barbeque bbq, racket
racquet, wagon waggon, archeology archaeology, archeologist archaeologist, archeological archaeological, pediatric
paediatric, encyclopedia encyclopaedia, medieval mediaeval, judgment judgement, kilogram kilogramme, skeptical
sceptical, sulfur sulphur, hummus houmous, veranda verandah, gypsy gipsy, kebab kabob, lasagna lasagne, tepee teepee
tipi, ukulele ukelele, falafel felafel, peddler pedlar, tidbit titbit, hello hallo, okay ok, analyze analyse, paralyze
paralyse, organize organise, organizer organiser, organization organisation, realize realise, recognize recognise,
apologize apologise, specialize specialise, standardize standardise, colonize colonise, civilization civilisation,
symbolize symbolise, memorize memorise, socialize socialise, vandalize vandalise, fertilize fertilise, fertilizer
fertiliser, moisturize moisturise, mobilize mobilise, motorize motorise, pressurize pressurise, sterilize sterilise,
baptize baptise, harmonize harmonise, synchronize synchronise, modernize modernise, categorize categorise, customize
customise, caramelize caramelise, energize energise, stylize stylise, summarize summarise, sympathize sympathise,
visualize visualise, authorize authorise, finalize finalise, immunize immunise, itemize itemise, magnetize magnetise,
maximize maximise, minimize minimise, polarize polarise, tantalize tantalise, urbanize urbanise, utilize utilise
"""

# One, then many, where no ending tells. A verb's form is one only where photos seldom mean the verb (leaves).
PLURALS = """
child children, person people persons peoples, foot feet, tooth teeth, goose geese, mouse mice, louse lice, ox oxen,
leaf leaves, loaf loaves, calf calves, half halves, knife knives, wife wives, housewife housewives, midwife midwives,
wolf wolves, werewolf werewolves, shelf shelves, scarf scarves, headscarf headscarves, hoof hooves, thief thieves, elf
elves, dwarf dwarves, wharf wharves, sheaf sheaves, penknife penknives, grandchild grandchildren, schoolchild
schoolchildren, stepchild stepchildren, cactus cacti, fungus fungi, octopus octopi, hippopotamus hippopotami, platypus
platypi, crocus croci, larva larvae, alga algae, antenna antennae, nebula nebulae, vertebra vertebrae, oasis oases,
crisis crises, matrix matrices, criterion criteria, chili chilli chillies chilies, phenomenon phenomena, bacterium
bacteria, aquarium aquaria, stadium stadia, millennium millennia, chateau chateaux, bureau bureaux, gateau gateaux,
plateau plateaux, passerby passersby, genus genera
"""
_MEN = """
air battle bats boat bogey bow business busker camera cave chair church clergy coach congress council country crafts
cross dairy dia door dray dutch english ex ferry fire fisher foot french fresh frog front garbage gentle guards gun
hand handy harvest head herds highway horse hunts infantry ink irish iron jury kins lay line lobster mail marks
medicine mer merchant milk minute mid noble oars ombuds outdoors patrol plainclothes plow police post repair rifle
sales scots sea service show snow space spokes sports states strong stunt super swords trades trash tribes under wash
watch weather welsh whale wood work yachts
"""
_WOMEN = "business chair congress council country crafts english fisher french gentle horse irish noble police"
_WOMEN += " sales scots service show spokes sports washer welsh work"

NUMBERS = """
zero 0, one 1, two 2, three 3, four 4, five 5, six 6, seven 7, eight 8, nine 9, ten 10, eleven 11, twelve 12, thirteen
13, fourteen 14, fifteen 15, sixteen 16, seventeen 17, eighteen 18, nineteen 19, twenty 20, thirty 30, forty 40, fifty
50, sixty 60, seventy 70, eighty 80, ninety 90, hundred 100, thousand 1000, first 1st, second 2nd, third 3rd, fourth
4th, fifth 5th, sixth 6th, seventh 7th, eighth 8th, ninth 9th, tenth 10th
"""

# Written as one word, as two, or with a hyphen. Those with a space here count as two words, so that *shirt* finds a
# t-shirt; those with a hyphen count as one, whose halves mean something else.
COMPOUNDS = """
t shirt, ice cream, hot dog, cell phone, smart phone, hard hat, fire truck, fire engine, fire hydrant, traffic light,
street light, stop light, parking lot, swimming pool, living room, dining room, show room, teddy bear, roller coaster,
race car, high chair, trash can, window sill, counter top, table top, roof top, dirt bike, knee pad, life jacket, life
vest, life guard, boogie board, paddle board, body board, dog house, bird house, bird cage, bird bath, wine glass, eye
glass, flower pot, flower bed, lamp post, street car, sea plane, bus stop, rain storm, snow storm, snow field, snow
drift, river bank, corn field, wheat field, ball park, ball player, ball game, water park, water slide, water ski, jet
ski, speed boat, motor boat, house boat, tree house, farm house, school bus, school yard, barn yard, blue jeans, hair
dryer, hair dresser, hair brush, shower head, light bulb, fish tank, video game, double decker, half pipe, piggy back,
top hat, guard rail, web cam, sweat pants, tank top, flip flop, face paint, skate park, book case, book shelf, book
shelves, bath robe, neck tie, para sailing, tool box, lunch box, match box, sand castle, bare chested, red head, red
headed, head stand, bed side, ring side, paddle boarding, scuba diver, sky dive, sky diving, work shop, work bench,
draw bridge, snow shoe, shoe lace, sauce pan, frying pan, sun hat, turtle neck, rain boot, coffee pot, coffee cup,
race-track, roller-blade, roller-blader, snow-suit, snow-bank, pool-side, water-skier, water-skiing, tug-boat, class-
room, court-yard, farm-land, grass-land, rain-forest, hand-rail, play-pen, wheel-barrow, head-dress, pony-tail, pig-
tail, skate-board, snow-board, surf-board, wake-board, kite-board, card-board, board-walk, key-board, bill-board,
skate-boarder, snow-boarder, surf-boarder, wake-boarder, kite-boarder, skate-boarding, snow-boarding, surf-boarding,
wake-boarding, kite-boarding, air-port, base-ball, basket-ball, foot-ball, volley-ball, soft-ball, snow-ball, paint-
ball, sail-boat, row-boat, life-boat, motor-bike, motor-cycle, motor-cyclist, snow-mobile, wheel-chair, suit-case,
brief-case, stair-case, fire-place, fire-fighter, fire-work, camp-fire, bath-room, bed-room, bath-tub, tooth-brush,
tooth-paste, hair-cut, hair-style, head-band, head-phone, head-light, head-scarf, head-scarves, sun-glasses,
sun-flower, sun-set, sun-rise, sun-light, sun-bathing, sun-screen, swim-suit, wet-suit, rain-coat, sweat-shirt,
hand-bag, hand-stand, hand- shake, back-pack, back-yard, back-ground, drive-way, run-way, rail-way, rail-road,
door-way, hall-way, walk-way, path- way, stair-way, sub-way, free-way, high-way, gate-way, side-walk, cross-walk,
cross-road, road-side, sea-side, hill- side, mountain-side, country-side, river-side, sea-shore, sea-shell, sea-gull,
sea-weed, shore-line, water-fall, water-melon, light-house, play-house, play-ground, fair-ground, camp-ground,
news-paper, horse-back, horse-shoe, table-cloth, tea-cup, tea-pot, cup-cake, pan-cake, cheese-cake, pop-corn,
milk-shake, gold-fish, star-fish, jelly- fish, butter-fly, dragon-fly, lady-bug, sheep-dog, humming-bird, snow-man,
snow-flake, snow-plow, spider-man, wind- surfing, wind-surfer, wind-mill, sky-scraper, sky-line, sky-diver, rain-bow,
rain-drop, birth-day, week-end, night- time, day-time, lap-top, desk-top, hill-top, tree-top, mountain-top, down-town,
down-hill, up-hill, out-doors, in- doors, under-water, under-wear, air-plane, jet-liner, bi-plane, mini-van,
grand-mother, grand-father, grand-son, grand-daughter, grand-parent, ginger-bread, straw-berry, blue-berry,
black-berry, pine-apple, grape-fruit, mail-box, sand-box, ear-ring, eye-brow, finger-nail, arm-chair, bed-spread,
hard-wood, flat-bed, door-mat, door-bell, bare-foot, store-front, water-way, alley-way, over-pass, over-head,
over-coat, mid-air, along-side, near-by, foot-path, foot- print, foot-bridge, see-saw, drum-stick, wrist-band,
wrist-watch, neck-lace, house-wife, house-wives, swim-wear
"""

# German words whose plural has an umlaut, for libraries with German texts: all that many photos show. Others, such as
# schön and schon, differ by it.
GERMAN_PLURALS = """
baum bäume, haus häuser, blatt blätter, kuh kühe, ball bälle, mann männer, vater väter, mutter mütter, bruder brüder,
tochter töchter, sohn söhne, hand hände, fuß füße, zahn zähne, kopf köpfe, hals hälse, bauch bäuche, bart bärte, brust
brüste, gans gänse, maus mäuse, huhn hühner, hahn hähne, vogel vögel, wolf wölfe, fuchs füchse, frosch frösche, lamm
lämmer, kalb kälber, schwan schwäne, storch störche, laus läuse, nacht nächte, stadt städte, strand strände, schloss
schlösser, dorf dörfer, wald wälder, garten gärten, apfel äpfel, nuss nüsse, frucht früchte, hut hüte, zug züge, turm
türme, tuch tücher, buch bücher, rad räder, fluss flüsse, bach bäche, wand wände, platz plätze, markt märkte, gras
gräser, kraut kräuter, strauch sträucher, strauß sträuße, kranz kränze, dach dächer, glas gläser, krug krüge, topf
töpfe, fass fässer, korb körbe, sack säcke, schrank schränke, stuhl stühle, bank bänke, rock röcke, mantel mäntel,
strumpf strümpfe, knopf knöpfe, ofen öfen, boden böden, bogen bögen, hof höfe, hafen häfen, laden läden, saal säle,
gang gänge, zaun zäune, graben gräben, sprung sprünge, lauf läufe, kampf kämpfe, tanz tänze, gast gäste, arzt ärzte,
land länder, volk völker, wurst würste, schatz schätze, schlauch schläuche, stamm stämme, stall ställe, stock stöcke,
ast äste, busch büsche, sturm stürme, brand brände, loch löcher, horn hörner, korn körner, wort wörter, kloster
klöster, damm dämme, draht drähte, schlag schläge, schwamm schwämme, braut bräute, pass pässe, magd mägde, kunst
künste, kuss küsse, traum träume, raum räume, hang hänge, abhang abhänge, bahnhof bahnhöfe, flughafen flughäfen, anzug
anzüge, umzug umzüge, ausflug ausflüge, flug flüge, pflug pflüge, kahn kähne, floß flöße, vorhang vorhänge, großvater
großväter, großmutter großmütter
"""


def spellings(table: str) -> Iterator[tuple[str, str]]:
    """Yield each other spelling of a table with the one that stands for it."""
    for entry in table.split(","):
        chosen, *others = entry.split()
        yield from ((other, chosen) for other in others)


def plurals() -> Iterator[tuple[str, str]]:
    """Yield each irregular plural with its singular."""
    yield from spellings(PLURALS)
    yield from ((f"{start}men", f"{start}man") for start in ("", *_MEN.split()))
    yield from ((f"{start}women", f"{start}woman") for start in ("", *_WOMEN.split()))


def compounds() -> tuple[dict[str, tuple[str, str]], dict[tuple[str, str], str]]:
    """Return the words that count as two, with these two, and the pairs of words that count as one, with this one."""
    split: dict[str, tuple[str, str]] = {}
    joined: dict[tuple[str, str], str] = {}
    for entry in COMPOUNDS.split(","):
        first, second = entry.replace("-", " ").split()
        for half in (second, _plural(second)):
            if "-" in entry:
                joined[first, half] = first + half
            else:
                split[first + half] = (first, half)
    return split, joined


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeou":
        return f"{word[:-1]}ies"
    return word + ("es" if word.endswith(("s", "sh", "ch", "x")) else "s")
