"""Read-heavy: what a person sees on opening the application, and the progress and questions that are written meanwhile.

    locust -f scenarios/dashboard.py
    loadgen run dashboard --users 20 --duration 5m

Weights, think time and skew below are an assumption until production's statement mix is known.
"""

import random

from loadgen.engine.scenario import PostgresUser, Transaction, draw, exponential

SECTIONS = ("profile", "cash_flow", "goals", "retirement", "education", "estate", "insurance", "tax")
QUESTIONS = (
    "Am I on track to retire when I planned to?",
    "How would paying the mortgage off early change my plan?",
    "What should I put into the 529 plan this year?",
    "Is my emergency fund large enough?",
)


@draw
def section(rng: random.Random) -> str:
    """A section of the application that the person has just worked through."""
    return rng.choice(SECTIONS)


@draw
def progress(rng: random.Random) -> str:
    """Progress of the person in that section."""
    steps = rng.randint(1, 12)
    return f'{{"step": {steps}, "of": 12, "completed": {str(steps == 12).lower()}, "seconds": {rng.randint(5, 900)}}}'


@draw
def question(rng: random.Random) -> str:
    """Question of the person to the assistant."""
    return rng.choice(QUESTIONS)


class Dashboard(PostgresUser):
    """A person looking at their plan."""

    think_time = exponential(mean_s=5.0)
    user_skew = 0.99

    transactions = (
        Transaction(
            "open_dashboard",
            45,
            ("profile_summary", "open_goals", "progress_overview", "achievements", "latest_messages"),
        ),
        Transaction("view_goals", 15, ("all_goals", "cash_flow")),
        Transaction("view_retirement", 14, ("cash_flow", "retirement_projection")),
        Transaction("view_education", 7, ("education",)),
        Transaction("view_estate", 6, ("estate",)),
        Transaction("read_chat", 5, ("latest_messages",)),
        Transaction("save_progress", 6, ("save_progress",)),
        Transaction("ask_question", 2, ("latest_messages", "ask_question")),
    )
