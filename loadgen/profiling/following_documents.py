"""Fit the widths of documents to a profile's means, by the detail of simulations and by notes."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import defaultdict
from dataclasses import replace
from functools import cache
from typing import Final

import orjson

from loadgen.population.columns import Kind
from loadgen.population.model import CHUNK_TABLES, Population
from loadgen.population.shape import LONGEST_NOTES_BYTES, DocumentShape, Notes, Shape
from loadgen.population.simulation import LONGEST_YEARS, Detail
from loadgen.profiling.format import ColumnShape, Profile

WIDE: Final = {
    "financial_profiles": ("basic_info", "financial_data", "calculations", "optimization_variables"),
    "education_goals": ("costs",),
    "estate_plans": ("plan_data", "documents", "beneficiaries"),
    "chat_messages": ("message", "response"),
    "user_progress": ("progress_data",),
}
"""Columns that can hold notes; monte_carlo_results only where no detail is wide enough."""
_ARRAYS: Final = frozenset({("estate_plans", "documents"), ("estate_plans", "beneficiaries")})
"""Columns of JSON arrays, which have no place for notes."""
_MEMBER_BYTES: Final = len(', "notes": ""')
_CLOSE: Final = 0.05
_TRIED: Final = Population(1_000, 1, dt.date(2026, 1, 1))
_HALVINGS: Final = 60
_STEEPEST: Final = 0.05  # per byte: sizes are a kilobyte apart, so one detail then has all of the weight


def document_shape(profile: Profile, shape: Shape, lacks: list[str]) -> DocumentShape:
    """Documents as in the profile, with the model's own figures where it has none."""
    documents = _nulls(profile, shape.documents, lacks)
    results = _column(profile, "financial_profiles", "monte_carlo_results")
    notes = []
    if results is not None and results.text is not None:
        documents, beyond = _details(documents, results.text.mean_bytes, lacks)
        if beyond:
            notes += _some("financial_profiles", "monte_carlo_results", beyond, lacks)
    for table, columns in WIDE.items():
        for name in columns:
            column = _column(profile, table, name)
            if column is None or column.text is None:
                continue
            notes += _notes(table, name, column.text.mean_bytes, lacks)
    return replace(documents, notes=tuple(notes))


def _column(profile: Profile, table: str, name: str) -> ColumnShape | None:
    shape = profile.table(table)
    return next((column for column in shape.columns if column.name == name), None) if shape else None


def _nulls(profile: Profile, own: DocumentShape, lacks: list[str]) -> DocumentShape:
    """Set the shares of missing documents. The others keep their proportions."""
    results = _column(profile, "financial_profiles", "monte_carlo_results")
    variables = _column(profile, "financial_profiles", "optimization_variables")
    documents = own
    if results is not None and results.null_share is not None:
        present = 1 - results.null_share
        factor = present / (1 - own.not_simulated)
        documents = replace(
            own,
            not_simulated=1 - present,
            summary=own.summary * factor,
            full=own.full * factor,
            paths=own.paths * factor,
        )
    if variables is not None and variables.null_share is not None:
        optimised, simulated = 1 - variables.null_share, 1 - documents.not_simulated
        if optimised > simulated:
            lacks.append(
                f"financial_profiles.optimization_variables: {optimised:.1%} of profiles have them there; here only "
                f"those with monte_carlo_results do, {simulated:.1%}"
            )
        documents = replace(documents, optimised=round(min(optimised / simulated, 1.0), 4) if simulated else 0.0)
    return documents


def _details(own: DocumentShape, mean_bytes: float, lacks: list[str]) -> tuple[DocumentShape, int]:
    """Mix of details with this mean, nearest to the model's own in relative entropy, and bytes beyond the widest.

    It is the own mix with each share times exp(β · bytes), renormalised.
    """
    simulated = 1 - own.not_simulated
    sizes, shares = _bytes_of_details(), (own.summary, own.full, own.paths)
    if not simulated or not any(shares):
        return own, 0
    if mean_bytes < sizes[0] * (1 - _CLOSE):
        limit = f"{sizes[0]:,.0f} bytes of text here at least"
        lacks.append(f"financial_profiles.monte_carlo_results: {limit}, {mean_bytes:,.0f} there")
    low, high = -_STEEPEST, _STEEPEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        mix = _tilted(shares, sizes, middle)
        low, high = (
            (low, middle) if sum(m * s for m, s in zip(mix, sizes, strict=True)) > mean_bytes else (middle, high)
        )
    summary, full, _ = (round(simulated * m, 6) for m in _tilted(shares, sizes, (low + high) / 2))
    paths = max(round(simulated - summary - full, 6), 0.0)
    beyond = mean_bytes - sizes[-1] - _MEMBER_BYTES
    return replace(own, summary=summary, full=full, paths=paths), max(round(beyond), 0)


def _tilted(shares: tuple[float, ...], sizes: tuple[float, ...], slope: float) -> list[float]:
    exponents = [slope * size for size in sizes]
    weights = [share * math.exp(e - max(exponents)) for share, e in zip(shares, exponents, strict=True)]
    return [weight / sum(weights) for weight in weights]


def _notes(table: str, name: str, mean_bytes: float, lacks: list[str]) -> list[Notes]:
    """Notes that bring a column to its mean bytes."""
    own_bytes = _model_bytes()[table, name]
    missing = mean_bytes - own_bytes
    if missing < -_CLOSE * own_bytes or (missing > _CLOSE * own_bytes and (table, name) in _ARRAYS):
        lacks.append(f"{table}.{name}: {own_bytes:,.0f} bytes of text here, {mean_bytes:,.0f} there")
    if missing <= _CLOSE * own_bytes or (table, name) in _ARRAYS:
        return []
    return _some(table, name, missing - (1 if table == "chat_messages" else _MEMBER_BYTES), lacks)


def _some(table: str, name: str, mean_bytes: float, lacks: list[str]) -> list[Notes]:
    """Notes of ``mean_bytes``, within their limit."""
    if mean_bytes > LONGEST_NOTES_BYTES:
        lacks.append(f"{table}.{name}: filled up with {LONGEST_NOTES_BYTES:,} bytes, {mean_bytes:,.0f} are missing")
    return [Notes(table, name, min(max(round(mean_bytes), 1), LONGEST_NOTES_BYTES))]


@cache
def _model_bytes() -> dict[tuple[str, str], float]:
    """Mean bytes of the model's own values that are not NULL, in the server's spelling, by table and column."""
    lengths: dict[tuple[str, str], list[int]] = defaultdict(list)
    rows = [
        *(rows for n in range(_TRIED.chunks) for rows in _TRIED.chunk_rows(n, dict.fromkeys(CHUNK_TABLES, 1)).tables),
        _TRIED.chat_rows(_TRIED.chat_slice(0)),
    ]
    for table in rows:
        for column in table.columns:
            if column.name not in WIDE.get(table.table, ()):
                continue
            lengths[table.table, column.name] += [
                _as_written(value) if column.kind is Kind.JSONB else len(value)
                for value in column.to_list()
                if isinstance(value, bytes)
            ]
    return {key: sum(sizes) / len(sizes) for key, sizes in lengths.items()}


@cache
def _bytes_of_details() -> tuple[float, float, float]:
    """Mean bytes of monte_carlo_results as text, by detail: summary, full, paths."""
    lengths: dict[Detail, list[int]] = defaultdict(list)
    for chunk in range(_TRIED.chunks):
        for rows in _TRIED.chunk_rows(chunk, dict.fromkeys(CHUNK_TABLES, 1)).tables:
            for column in rows.columns:
                if column.name == "monte_carlo_results":
                    for value in column.to_list():
                        if isinstance(value, bytes):
                            lengths[_detail(value)].append(_as_written(value))
    means = {detail: sum(sizes) / len(sizes) for detail, sizes in lengths.items()}
    return means[Detail.SUMMARY], means[Detail.FULL], means[Detail.PATHS]


def _detail(document: bytes) -> Detail:
    projection = orjson.loads(document)
    if "sample_paths" in projection:
        return Detail.PATHS
    return Detail.FULL if len(projection["bands"]["p50"]) == LONGEST_YEARS + 1 else Detail.SUMMARY


def _as_written(document: bytes) -> int:
    """Bytes of a document in jsonb's spelling, with a blank after each comma and colon."""
    return len(json.dumps(orjson.loads(document), ensure_ascii=False).encode())
