"""The generator of the embedded data keeps its promises; counting words does not solve it."""

import random
import re
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.demo.message_generator import (
    ALL_WORDS,
    LABELS,
    TRAINING_WORDS,
    WRONG_SHARE,
    Message,
    generate_messages,
    messages_as_jsonl,
    write_exchange,
    write_message,
)
from tuner.demo.phrases import SLOTS, TOPICS, WORDS_PER_SLOT, Topic


def test_same_seed_same_rows() -> None:
    assert messages_as_jsonl(generate_messages(50, seed=1)) == messages_as_jsonl(
        generate_messages(50, seed=1)
    )
    assert messages_as_jsonl(generate_messages(50, seed=1)) != messages_as_jsonl(
        generate_messages(50, seed=2)
    )


def test_first_topic_is_the_largest_and_shares_are_exact() -> None:
    topics = Counter(row.topic for row in generate_messages(600, seed=1))
    assert topics == {LABELS[0]: 180} | dict.fromkeys(LABELS[1:], 84)


@pytest.mark.parametrize("count", [300, 400, 600])
def test_share_of_wrong_labels(count: int) -> None:
    wrong = [row for row in generate_messages(count, seed=1) if row.label != row.topic]
    assert len(wrong) == round(count * WRONG_SHARE)
    assert {row.label for row in wrong} <= set(LABELS)


def test_no_text_twice() -> None:
    rows = generate_messages(600, seed=1, words=TRAINING_WORDS)
    assert len({row.text for row in rows}) == 600


@pytest.mark.parametrize("topic", TOPICS, ids=LABELS)
def test_topic_has_all_its_phrases(topic: Topic) -> None:
    for slot in SLOTS:
        phrases = getattr(topic, slot)
        assert len(phrases) == len(set(phrases)) == WORDS_PER_SLOT


def test_things_belong_to_one_topic() -> None:
    owners = Counter(thing for topic in TOPICS for thing in topic.thing)
    assert set(owners.values()) == {1}


def test_every_message_denies_another_topic() -> None:
    things = {topic.label: topic.thing for topic in TOPICS}
    for row in generate_messages(200, seed=5):
        assert row.denied != row.topic
        for label in (row.topic, row.denied):
            assert any(thing in row.text.lower() for thing in things[label])
        assert re.search(r"\b(not|no|nobody|never)\b", row.text.lower())


def test_denied_clause_comes_first_about_as_often_as_last() -> None:
    things = {topic.label: topic.thing for topic in TOPICS}

    def place_of(text: str, label: str) -> int:
        return min(text.find(thing) for thing in things[label] if thing in text)

    rows = [(row.text.lower(), row) for row in generate_messages(400, seed=6)]
    first = sum(place_of(text, row.denied) < place_of(text, row.topic) for text, row in rows)
    assert 150 < first < 250


def test_training_rows_use_a_third_of_the_phrases() -> None:
    assert len(TRAINING_WORDS) * 3 == len(ALL_WORDS)
    rng = random.Random(0)
    texts = " ".join(
        write_message(rng.choice(TOPICS), rng, TRAINING_WORDS).text.lower() for _ in range(2000)
    )
    for topic in TOPICS:
        used = [thing for thing in topic.thing if f"the {thing} " in texts]
        assert set(used) == {topic.thing[number] for number in TRAINING_WORDS}


def test_crews_serve_two_topics_each() -> None:
    served = Counter(name for topic in TOPICS for name in topic.staff)
    assert set(served.values()) == {2}


def test_reply_names_a_crew_that_the_message_does_not() -> None:
    rng = random.Random(0)
    staff = {name for topic in TOPICS for name in topic.staff}
    for _ in range(100):
        text, reply = write_exchange(rng)
        assert sum(name in reply for name in staff) == 1
        assert not any(name in text for name in staff)


def _counts(rows: list[Message], words: list[str]) -> NDArray[np.float64]:
    column = {word: number for number, word in enumerate(words)}
    counts = np.zeros((len(rows), len(words)))
    for number, row in enumerate(rows):
        for word in re.findall(r"[a-z]+", row.text.lower()):
            if word in column:
                counts[number, column[word]] += 1
    return counts


def _fit_softmax(counts: NDArray[np.float64], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights of a multinomial logistic regression, shape (words, labels), by gradient descent."""
    weights = np.zeros((counts.shape[1], len(LABELS)))
    one_hot_targets = np.eye(len(LABELS))[targets]
    for _ in range(300):
        scores = counts @ weights
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        weights -= 0.5 * (counts.T @ (shares - one_hot_targets) / len(counts) + 1e-3 * weights)
    return weights


@pytest.mark.parametrize("words", [TRAINING_WORDS, ALL_WORDS], ids=["third", "all"])
def test_counting_words_stays_below_the_ceiling(words: tuple[int, ...]) -> None:
    train, validation = generate_messages(600, 1, words), generate_messages(400, 2)
    vocabulary = sorted({w for row in train for w in re.findall(r"[a-z]+", row.text.lower())})
    targets = np.array([LABELS.index(row.label) for row in train])
    weights = _fit_softmax(_counts(train, vocabulary), targets)
    answers = (_counts(validation, vocabulary) @ weights).argmax(1)
    truth = np.array([LABELS.index(row.label) for row in validation])
    accuracy = float((answers == truth).mean())
    assert accuracy < 0.65 < 1 - WRONG_SHARE
