"""Write forecast/series.csv, the public series of the forecast benchmark, from three packages that carry them.

Run once in a throw-away environment: ``pip install statsmodels==0.15.0 vega_datasets==0.9.0 sktime==1.2.0``. The file
is kept beside this script, so the benchmark itself needs none of them but statsmodels, and that for its peer only.
The choice was made before any was forecast: every positive level series of the packages' plain time-series data sets
with at least 20 points, monthly, quarterly or yearly (daily and weekly ones as monthly means), the latest 160 points.
Left out: series in logs or changes, copper (its author keeps the rights), countries of ``fertility`` but every 25th.
Licences: statsmodels BSD-3-Clause and its data in the public domain (fertility: World Bank, CC BY); vega_datasets MIT;
sktime BSD-3-Clause.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

OUT = Path(__file__).parent / "forecast" / "series.csv"
LATEST = 160
FLOWS = {"realgdp", "realcons", "realinv", "nile", "sunspots", "airline", "lynx", "pbs", "shampoo", "seatbelts"}
"""Amounts per period: these enter cumulated as well, as a count of users is the sum of those who came."""

Found = tuple[str, str, int, "list[float]"]


def folder(package: str, *parts: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed; see the top of this file")
    return Path(found.origin).parent.joinpath(*parts)


def monthly(dates: pd.Series, values: pd.Series) -> list[float]:
    """Means by calendar month, complete by interpolation, the last month left out as it may be partial."""
    series = pd.Series(values.to_numpy(float), pd.to_datetime(dates)).resample("MS").mean().interpolate()
    return [round(float(v), 4) for v in series.iloc[:-1]]


def of_statsmodels() -> Iterator[Found]:
    data = folder("statsmodels", "datasets")
    macro = pd.read_csv(data / "macrodata" / "macrodata.csv")
    for name in ("realgdp", "realcons", "realinv", "realgovt", "realdpi", "cpi", "m1", "tbilrate", "unemp", "pop"):
        yield "statsmodels", name, 4, macro[name].tolist()
    co2 = pd.read_csv(data / "co2" / "co2.csv")
    yield "statsmodels", "co2", 12, monthly(pd.to_datetime(co2["date"].astype(str)), co2["co2"])
    elnino = pd.read_csv(data / "elnino" / "elnino.csv").drop(columns="YEAR")
    yield "statsmodels", "elnino", 12, elnino.to_numpy(float).ravel().tolist()
    equipment = pd.read_csv(data / "elec_equip" / "elec_equip.csv")
    yield "statsmodels", "elec_equip", 12, equipment.iloc[:, 1].tolist()
    yield "statsmodels", "nile", 1, pd.read_csv(data / "nile" / "nile.csv").iloc[:, 1].tolist()
    yield "statsmodels", "sunspots", 1, pd.read_csv(data / "sunspots" / "sunspots.csv").iloc[:, 1].tolist()
    bonds = pd.read_csv(data / "interest_inflation" / "E6.csv")
    yield "statsmodels", "german_rate", 4, bonds["R"].tolist()
    danish = pd.read_csv(data / "danish_data" / "data.csv")
    for name in ("ibo", "ide"):
        yield "statsmodels", f"danish_{name}", 4, danish[name].tolist()
    fertility = pd.read_csv(data / "fertility" / "fertility.csv")
    whole = fertility.dropna(subset=[str(year) for year in range(1960, 2012)])
    for _, row in whole.iloc[::25].iterrows():
        yield "statsmodels", f"fertility_{row['Country Code']}", 1, row[[str(y) for y in range(1960, 2012)]].tolist()
    grunfeld = pd.read_csv(data / "grunfeld" / "grunfeld.csv")
    for firm in ("General Motors", "US Steel", "General Electric", "IBM"):
        for column in ("invest", "capital"):
            values = grunfeld.loc[grunfeld["firm"] == firm, column].tolist()
            yield "statsmodels", f"grunfeld_{firm.replace(' ', '_').lower()}_{column}", 1, values


def of_vega() -> Iterator[Found]:
    data = folder("vega_datasets", "_data")
    jobs = pd.read_csv(data / "us-employment.csv")
    for name in jobs.columns.drop(["month", "nonfarm_change"]):
        yield "vega_datasets", f"jobs_{name}", 12, jobs[name].tolist()
    stocks = pd.read_csv(data / "stocks.csv")
    for symbol, rows in stocks.groupby("symbol", sort=True):
        yield "vega_datasets", f"stock_{symbol}", 12, rows["price"].tolist()
    driving = pd.DataFrame(json.loads((data / "driving.json").read_text())).sort_values("year")
    for name in ("miles", "gas"):
        yield "vega_datasets", f"driving_{name}", 1, driving[name].tolist()
    weather = pd.read_csv(data / "seattle-weather.csv")
    for name in ("temp_max", "wind"):
        yield "vega_datasets", f"seattle_{name}", 12, monthly(weather["date"], weather[name])
    wheat = pd.DataFrame(json.loads((data / "wheat.json").read_text()))
    for name in ("wheat", "wages"):
        yield "vega_datasets", f"{name}_by_5_years", 1, wheat[name].dropna().tolist()


def of_sktime() -> Iterator[Found]:
    data = folder("sktime", "datasets", "data")
    for name, path, season in (
        ("airline", "Airline/Airline.csv", 12),
        ("lynx", "Lynx/Lynx.csv", 1),
        ("pbs", "PBS_dataset/PBS_dataset.csv", 12),
        ("shampoo", "ShampooSales/ShampooSales.csv", 12),
        ("seatbelts", "seatbelts/seatbelts.csv", 12),
    ):
        yield "sktime", name, season, pd.read_csv(data / path).iloc[:, 1].tolist()


def main() -> None:
    OUT.parent.mkdir(exist_ok=True)
    with OUT.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("package", "series", "form", "periods_a_year", "values"))
        for package, name, season, values in (*of_statsmodels(), *of_vega(), *of_sktime()):
            if len(values) < 20 or min(values) < 0:
                raise SystemExit(f"{name}: {len(values)} values from {min(values)}: not of the declared kind")
            latest = [float(v) for v in values[-LATEST:]]
            out.writerow((package, name, "level", season, " ".join(f"{v:.10g}" for v in latest)))
            if name in FLOWS:
                summed = pd.Series(latest).cumsum()
                out.writerow((package, name, "cumulated", season, " ".join(f"{v:.10g}" for v in summed)))


if __name__ == "__main__":
    main()
