"""Readable short messages that people write to a city, from a seeded generator.

Each message has a clause about its topic and a second clause, about another topic, that is denied:
"The tap in the cellar is leaking, but I am not writing about the pothole on the hill." Either may
come first. Both clauses use the same slots equally often, so that counting the words of a topic
does not tell which is meant.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tuner.demo.phrases import (
    AFFIRMED,
    CLOSINGS,
    DENIED,
    GREETINGS,
    JOINS,
    REPLIES,
    TOPICS,
    WORDS_PER_SLOT,
    Topic,
)

LABELS: Final = tuple(topic.label for topic in TOPICS)
LARGEST_SHARE: Final = 0.3  # of the first label; the others share the rest equally
WRONG_SHARE: Final = 0.06
ALL_WORDS: Final = tuple(range(WORDS_PER_SLOT))
# The labelled training rows use every third word: what the others mean, only pretraining can tell.
TRAINING_WORDS: Final = ALL_WORDS[::3]

# Which slots a clause fills beside its thing: (place, problem).
_SHAPES: Final = ((True, True), (True, False), (False, True))
_SHAPE_WEIGHTS: Final = (0.2, 0.45, 0.35)


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its text, its label, the topic it is about and the topic it denies.

    `label` differs from `topic` in the few mislabelled rows.
    """

    text: str
    label: str
    topic: str
    denied: str


def generate_messages(count: int, seed: int, words: Sequence[int] = ALL_WORDS) -> list[Message]:
    """Return `count` labelled messages whose slots are filled with the phrases numbered in `words`.

    The shares of the labels and of wrong labels are exact up to rounding; no text occurs twice.
    """
    rng = random.Random(seed)
    written: dict[str, Message] = {}
    for topic in _shuffled_topics(count, rng):
        message = write_message(topic, rng, words)
        while message.text in written:
            message = write_message(topic, rng, words)
        written[message.text] = message
    return _with_wrong_labels(list(written.values()), rng)


def write_message(topic: Topic, rng: random.Random, words: Sequence[int] = ALL_WORDS) -> Message:
    """Return one correctly labelled message about `topic`."""
    denied = rng.choice([other_topic for other_topic in TOPICS if other_topic is not topic])
    clauses = [
        _compose_clause(topic, AFFIRMED, rng, words),
        _compose_clause(denied, DENIED, rng, words),
    ]
    rng.shuffle(clauses)
    body = rng.choice(JOINS).format(*clauses)
    text = _capitalize_sentences(rng.choice(GREETINGS) + body + rng.choice(CLOSINGS))
    return Message(text=text, label=topic.label, topic=topic.label, denied=denied.label)


def write_exchange(rng: random.Random) -> tuple[str, str]:
    """Return a message about any topic and the city's reply ("We will send the foremen.")."""
    topic = rng.choice(TOPICS)
    text = write_message(topic, rng).text
    return text, rng.choice(REPLIES).format(staff=rng.choice(topic.staff))


def messages_as_jsonl(rows: Sequence[Message]) -> str:
    """Return the rows as JSON lines with the columns `text` and `label`."""
    lines = (json.dumps({"text": row.text, "label": row.label}) for row in rows)
    return "".join(line + "\n" for line in lines)


def _shuffled_topics(count: int, rng: random.Random) -> list[Topic]:
    largest = round(count * LARGEST_SHARE)
    others = [TOPICS[1 + i % (len(TOPICS) - 1)] for i in range(count - largest)]
    topics = [TOPICS[0]] * largest + others
    rng.shuffle(topics)
    return topics


def _with_wrong_labels(rows: list[Message], rng: random.Random) -> list[Message]:
    for index in rng.sample(range(len(rows)), round(len(rows) * WRONG_SHARE)):
        row = rows[index]
        wrong = rng.choice([label for label in LABELS if label != row.topic])
        rows[index] = replace(row, label=wrong)
    return rows


def _compose_clause(
    topic: Topic,
    frames: Mapping[bool, Sequence[str]],
    rng: random.Random,
    words: Sequence[int],
) -> str:
    has_place, has_problem = rng.choices(_SHAPES, weights=_SHAPE_WEIGHTS)[0]
    thing, place, problem = (
        slot[rng.choice(words)] for slot in (topic.thing, topic.place, topic.problem)
    )
    about = f"{thing} {place}" if has_place else thing
    return rng.choice(frames[has_problem]).format(about=about, problem=problem)


def _capitalize_sentences(text: str) -> str:
    sentences = text.split(". ")
    return ". ".join(sentence[:1].upper() + sentence[1:] for sentence in sentences)
