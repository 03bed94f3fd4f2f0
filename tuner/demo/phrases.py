"""What the messages are made of: the words of each topic and the sentence frames they fill.

A clause has a thing, and a place or a problem or both. All of them come from one topic, so the
company a word keeps tells what it is about; the frame alone tells whether the clause is meant or
denied.
"""

from dataclasses import dataclass
from typing import Final

SLOTS: Final = ("thing", "place", "problem")
WORDS_PER_SLOT: Final = 12


@dataclass(frozen=True, slots=True)
class Topic:
    """One department of the city: its label, twelve phrases for each slot, and who works there."""

    label: str
    thing: tuple[str, ...]
    place: tuple[str, ...]
    problem: tuple[str, ...]
    staff: tuple[str, ...]


WASTE: Final = Topic(
    label="waste",
    thing=(
        "garbage bag",
        "glass container",
        "compost bin",
        "recycling box",
        "rubbish heap",
        "old mattress",
        "trash can",
        "bulky sofa",
        "litter basket",
        "cardboard pile",
        "scrap metal",
        "dumped fridge",
    ),
    place=(
        "behind the kitchen",
        "by the garage",
        "in the courtyard",
        "under the stairwell",
        "next to the supermarket",
        "at the depot",
        "along the alley",
        "beside the shed",
        "in the backyard",
        "near the loading ramp",
        "at the collection point",
        "in front of the bakery",
    ),
    problem=(
        "smells terrible",
        "was not emptied",
        "is overflowing",
        "attracts rats",
        "was left behind by the lorry",
        "is full of maggots",
        "has been tipped over",
        "is crawling with wasps",
        "should have been collected",
        "stinks in the sun",
        "was sorted wrongly",
        "spills food everywhere",
    ),
    staff=("street crew", "foremen"),
)

ROADS: Final = Topic(
    label="roads",
    thing=(
        "pothole",
        "zebra crossing",
        "traffic light",
        "speed bump",
        "kerb",
        "street sign",
        "cycle lane",
        "parking meter",
        "pavement slab",
        "tram rail",
        "lane marking",
        "bollard",
    ),
    place=(
        "at the junction",
        "outside the school",
        "on the bridge",
        "by the roundabout",
        "on the main avenue",
        "at the bus stop",
        "before the tunnel",
        "near the petrol station",
        "on the hill",
        "at the motorway exit",
        "on the corner",
        "across from the station",
    ),
    problem=(
        "damaged my tyre",
        "confuses drivers",
        "makes cyclists fall",
        "slows every car",
        "is a danger to pedestrians",
        "causes a jam at rush hour",
        "nearly made me crash",
        "does not stop speeding",
        "forces lorries to swerve",
        "trips people in wheelchairs",
        "bent my wheel",
        "cannot be seen by motorists",
    ),
    staff=("street crew", "foremen"),
)

WATER: Final = Topic(
    label="water",
    thing=(
        "water pipe",
        "drain",
        "hydrant",
        "sewer",
        "tap",
        "pump",
        "gutter",
        "boiler",
        "hot water valve",
        "toilet cistern",
        "water main",
        "shower hose",
    ),
    place=(
        "in the basement",
        "below the bathroom",
        "under the sink",
        "beneath our floor",
        "in the laundry room",
        "behind the washing machine",
        "in the cellar",
        "above the ceiling",
        "next to the bathtub",
        "inside the wall",
        "on the ground floor",
        "in the boiler room",
    ),
    problem=(
        "is leaking",
        "has flooded everything",
        "drips all night",
        "lost its pressure",
        "runs brown",
        "burst in the frost",
        "is clogged",
        "does not drain",
        "tastes of chlorine",
        "makes the plaster damp",
        "has frozen solid",
        "gurgles and backs up",
    ),
    staff=("technicians", "ground crew"),
)

PARKS: Final = Topic(
    label="parks",
    thing=(
        "oak tree",
        "playground slide",
        "flower bed",
        "hedge",
        "picnic table",
        "lawn",
        "garden bench",
        "duck pond",
        "sandpit",
        "rose bush",
        "climbing frame",
        "gravel path",
    ),
    place=(
        "in the park",
        "beside the meadow",
        "near the pavilion",
        "under the chestnuts",
        "in the botanical garden",
        "by the lake",
        "around the monument",
        "at the dog run",
        "in the orchard",
        "near the greenhouse",
        "on the football field",
        "along the stream",
    ),
    problem=(
        "is overgrown with weeds",
        "needs a gardener",
        "was not pruned",
        "has splinters",
        "is covered in moss",
        "was planted too late",
        "dies of drought",
        "has been trampled",
        "is full of dead leaves",
        "looks withered",
        "was dug up by foxes",
        "has a rotten branch on it",
    ),
    staff=("technicians", "ground crew"),
)

NOISE: Final = Topic(
    label="noise",
    thing=(
        "drilling",
        "loud music",
        "barking",
        "car alarm",
        "karaoke",
        "leaf blower",
        "shouting",
        "drum practice",
        "church bell",
        "jackhammer",
        "birthday party",
        "loudspeaker",
    ),
    place=(
        "in the flat upstairs",
        "at the nightclub",
        "from the bar next door",
        "on the terrace",
        "at the building site",
        "from the neighbours",
        "in the rehearsal room",
        "on the balcony",
        "from the beer garden",
        "at the concert hall",
        "through the bedroom window",
        "from the fairground",
    ),
    problem=(
        "keeps me awake",
        "never stops",
        "starts at midnight",
        "wakes the baby",
        "shakes the walls",
        "goes on until dawn",
        "gives me a headache",
        "drowns out the television",
        "does not let us sleep",
        "is deafening",
        "begins before sunrise",
        "echoes for hours",
    ),
    staff=("officials", "inspectors"),
)

PAPERS: Final = Topic(
    label="papers",
    thing=(
        "passport",
        "birth certificate",
        "residence permit",
        "driving licence",
        "identity card",
        "tax form",
        "marriage record",
        "visa application",
        "voting card",
        "pension statement",
        "housing benefit letter",
        "business registration",
    ),
    place=(
        "for my daughter",
        "in my maiden name",
        "from the registry office",
        "for my employer",
        "from the consulate",
        "at counter three",
        "for my grandfather",
        "in the online portal",
        "from the ministry",
        "for our landlord",
        "from the immigration desk",
        "in your archive",
    ),
    problem=(
        "has expired",
        "was not stamped",
        "shows the wrong date",
        "got lost in the mail",
        "needs a signature",
        "was rejected",
        "is still being processed",
        "has a spelling mistake",
        "lacks a photo",
        "must be renewed",
        "was sent to another address",
        "does not list my surname",
    ),
    staff=("officials", "inspectors"),
)

TOPICS: Final = (WASTE, ROADS, WATER, PARKS, NOISE, PAPERS)

# Frames by whether the clause names a problem. Several denials differ from an affirmation by one
# word, and some problems hold a "not" of their own, so that spotting "not" anywhere is not enough.
AFFIRMED: Final = {
    False: (
        "I am writing about the {about}",
        "my complaint is about the {about}",
        "the trouble is the {about}",
        "please look at the {about}",
        "what worries us is the {about}",
        "someone has to see to the {about}",
    ),
    True: (
        "the {about} {problem}",
        "I am writing because the {about} {problem}",
        "it bothers us that the {about} {problem}",
        "it is true that the {about} {problem}",
        "once again the {about} {problem}",
        "my problem is that the {about} {problem}",
    ),
}
DENIED: Final = {
    False: (
        "I am not writing about the {about}",
        "my complaint is not about the {about}",
        "the trouble is not the {about}",
        "please do not look at the {about}",
        "we have no worries about the {about}",
        "nobody has to see to the {about}",
    ),
    True: (
        "nobody says the {about} {problem}",
        "I am not writing because the {about} {problem}",
        "it does not bother us that the {about} {problem}",
        "it is not true that the {about} {problem}",
        "never mind that the {about} {problem}",
        "my problem is not that the {about} {problem}",
    ),
}

JOINS: Final = ("{0}, but {1}.", "{0}. {1}.", "{0}; {1}.")
GREETINGS: Final = ("", "", "", "Hello, ", "Good morning, ", "Dear team, ", "Hi, ")
CLOSINGS: Final = (
    "",
    "",
    "",
    " Thank you.",
    " Please help.",
    " Can you do something?",
    " Regards, Anna",
)

# What the city answers. Only pretraining sees it. Each crew serves two topics, so that the replies
# teach which clause is meant but not the topic itself: that is left to the labelled rows.
REPLIES: Final = ("We will send the {staff}.", "We told the {staff}.", "The {staff} will come.")
