"""Pools of text: names, occupations and places from Faker, texts about money from here.

Faker fills its pools once, with a fixed seed, into ``data/vocabulary.json``; ``python -m
loadgen.population.vocabulary`` rewrites it. Its draws are stable within one version only, and drawing row by row is
a hundred times too slow, so rows index the pools with numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import orjson

from capacity.arrays import Ints
from loadgen.population.streams import Part, Stream
from loadgen.population.text import NUL, Piece, Text, integers, join, pick, pool, quoted_pool

FAKER_SEED: Final = 20260801
_FILE: Final = "vocabulary.json"
_SIZES: Final = {"first_names": 600, "last_names": 900, "occupations": 300, "cities": 400}

EMAIL_DOMAINS: Final = ("example.com", "example.org", "example.net")
"""Domains reserved by RFC 2606, on which no address can receive mail."""

STATES: Final = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA", "ME",
    "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA",
    "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
)  # fmt: skip

QUESTIONS: Final = (
    "Can I afford to retire at {age}?",
    "How much should I put into my 401(k) this year? I was thinking of ${amount:,} a month.",
    "We would like to buy a home in {place} for about ${thousands:,},000. Is that realistic?",
    "Should I pay off my {debt} first or invest ${amount:,} a month?",
    "What happens to my plan if the market falls by {percent} % next year?",
    "How much will college in {year} cost, and am I saving enough?",
    "Is a Roth conversion of ${thousands:,},000 worth it for me?",
    "When should I start taking Social Security, at 62, 67 or 70?",
    "My emergency fund is ${thousands:,},000. Is that enough?",
    "I got a raise of {percent} %. What should I do with it?",
    "Do I need a living trust, or is a will enough in {place}?",
    "What is my asset allocation, and is it too risky for somebody who is {age}?",
    "How did my success probability change since last month?",
    "Can we afford a ${thousands:,},000 kitchen without touching retirement savings?",
    "What if I work part-time from {age} on?",
    "Should I refinance my mortgage at {percent} %?",
    "I want to give ${thousands:,},000 to my children. What about gift tax?",
    "How much term life insurance does my family need until {year}?",
)
ANSWERS: Final = (
    "Based on your profile, yes, with some room: your plan succeeds in {percent2} % of simulated markets. The step "
    "with the largest effect would be saving another ${amount:,} a month until you are {age}.",
    "Let us look at it in order. First, keep three to six months of expenses in cash. Second, pay down any balance "
    "that costs more than about {percent} % a year. What remains, about ${amount:,} a month, can go to retirement.",
    "It depends on {place}'s taxes and on your other income. With the figures in your profile the difference is "
    "about ${amount:,} a year; I have added it to your tax overview.",
    "In a fall of {percent} % your projected balance at {age} drops, but the plan still succeeds in {percent2} % of "
    "paths, because most of the money is not needed before {year}. I would not change the allocation for that alone.",
    "You are a little behind. Saving ${amount:,} more each month, or moving the date by one year, closes the gap.",
    "That looks comfortable. Your cash flow leaves room for it, and your emergency fund stays above six months.",
    "I would wait. At today's rate the costs are recovered only after {year}, and you plan to move before then.",
    "Good question. There are three options: do nothing, ${amount:,} a month, or ${thousands:,},000 at once. "
    "The second has the best result in {percent2} % of the simulations. Shall I set it up as a goal?",
    "Your goal is on track. I have updated its target date to {year}.",
    "Please talk to an attorney in {place} about the documents; I can prepare a list of assets and beneficiaries.",
)
FOLLOW_UPS: Final = (
    "Thanks. And what if it is ${amount:,} instead?",
    "Can you explain that in more detail?",
    "What would that mean for {year}?",
    "And if we move to {place}?",
    "OK, please add it to my goals.",
    "Why {percent} %?",
    "How sure are you about that?",
)
_RENDERED: Final = 4096
_DEBTS: Final = ("student loans", "credit cards", "mortgage", "car loan")

# bcrypt's alphabet. A hash of 23 bytes ends in a character that stands for a multiple of four; "/" stands for one, so
# no password has a hash that ends in it, while the string keeps the format.
_BCRYPT: Final = np.frombuffer(b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", np.uint8)
_SALT_ENDS: Final = np.frombuffer(b".Oeu", np.uint8)
_BCRYPT_PREFIX: Final = b"$2b$12$"
_BCRYPT_LENGTH: Final = 60
_SALT_LAST: Final = 28


@dataclass(frozen=True)
class Vocabulary:
    """Pools filled by Faker."""

    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    occupations: tuple[str, ...]
    cities: tuple[str, ...]


@cache
def vocabulary() -> Vocabulary:
    """Read the packaged pools."""
    pools = orjson.loads(resources.files("loadgen.population").joinpath("data", _FILE).read_bytes())
    return Vocabulary(**{name: tuple(pools[name]) for name in _SIZES})


def fill() -> dict[str, list[str]]:
    """Draw the pools with Faker: distinct entries in drawing order."""
    from faker import Faker

    faker = Faker("en_US", use_weighting=False)
    faker.seed_instance(FAKER_SEED)
    makers: dict[str, Callable[[], str]] = {
        "first_names": faker.first_name,
        "last_names": faker.last_name,
        "occupations": lambda: faker.job().partition(",")[0].lower(),  # noqa: PLW0108 - drawn anew each time
        "cities": faker.city,
    }
    pools = {}
    for name, make in makers.items():
        drawn: dict[str, None] = {}
        while len(drawn) < _SIZES[name]:
            drawn[make()] = None
        pools[name] = list(drawn)
    return pools


@dataclass(frozen=True)
class Pools:
    """The vocabulary as text to pick from by index."""

    first_names: Text
    last_names: Text
    quoted_first_names: Text
    quoted_last_names: Text
    quoted_occupations: Text


@cache
def pools() -> Pools:
    """The packaged pools as text."""
    words = vocabulary()
    return Pools(
        pool(words.first_names),
        pool(words.last_names),
        quoted_pool(words.first_names),
        quoted_pool(words.last_names),
        quoted_pool(words.occupations),
    )


@cache
def _address_parts() -> tuple[Text, Text, Text]:
    words = vocabulary()
    first, last = (
        pool([name.lower().replace(" ", "") for name in names]) for names in (words.first_names, words.last_names)
    )
    return first, last, pool(EMAIL_DOMAINS)


def emails(first_name: Ints, last_name: Ints, user_ids: Ints) -> Text:
    """Addresses, unique by construction because each holds its user's id, on domains that cannot receive mail."""
    first, last, domains = _address_parts()
    parts: tuple[Piece, ...] = (
        pick(first, first_name), b".", pick(last, last_name), b".", integers(user_ids, NUL), b"@",
        pick(domains, user_ids % len(EMAIL_DOMAINS)),
    )  # fmt: skip
    return join(len(user_ids), *parts)


def password_hashes(stream: Stream, users: int) -> Text:
    """Strings in bcrypt's format that are the hash of no password."""
    text = np.empty((users, _BCRYPT_LENGTH), np.uint8)
    text[:, : len(_BCRYPT_PREFIX)] = np.frombuffer(_BCRYPT_PREFIX, np.uint8)
    # Six bits a character, and ten characters of each word.
    words = stream.words(users * -(-_BCRYPT_LENGTH // 10)).reshape(users, -1)
    digits = (words[:, :, None] >> np.arange(0, 60, 6, dtype=np.uint64)) & np.uint64(63)
    digits = digits.reshape(users, -1)[:, :_BCRYPT_LENGTH]
    text[:, len(_BCRYPT_PREFIX) :] = _BCRYPT[digits[:, len(_BCRYPT_PREFIX) :]]
    text[:, _SALT_LAST] = _SALT_ENDS[digits[:, _SALT_LAST] % 4]
    text[:, -1] = _BCRYPT[1]
    return text


@dataclass(frozen=True)
class ChatTexts:
    """Questions, follow-ups and answers of chat."""

    asked: tuple[bytes, ...]
    questions: int
    """Number of texts in ``asked`` that begin a session; the others follow up."""
    answers: tuple[bytes, ...]


@cache
def chat_texts() -> ChatTexts:
    """Render sentences from the templates, once a process: formatting each row's own takes longer than storing it."""
    stream = Stream(0, Part.VOCABULARY)
    questions, follow_ups, answers = (_render(stream, templates) for templates in (QUESTIONS, FOLLOW_UPS, ANSWERS))
    return ChatTexts(questions + follow_ups, len(questions), answers)


def _render(stream: Stream, templates: tuple[str, ...]) -> tuple[bytes, ...]:
    cities = vocabulary().cities
    return tuple(
        templates[int(a * len(templates))].format(
            age=50 + int(b * 25), amount=50 + 25 * int(c * 118), thousands=5 + int(b * 700), percent=3 + int(c * 38),
            percent2=55 + int(d * 44), year=2027 + int(d * 30), place=cities[int(b * len(cities))],
            debt=_DEBTS[int(d * len(_DEBTS))],
        ).encode()
        for a, b, c, d in stream.table(_RENDERED, 4).tolist()
    )  # fmt: skip


if __name__ == "__main__":
    import sys
    from pathlib import Path

    text = orjson.dumps(fill(), option=orjson.OPT_INDENT_2) + b"\n"
    Path(__file__).with_name("data").joinpath(_FILE).write_bytes(text)
    sys.stderr.write(f"{_FILE}: {len(text)} bytes\n")
