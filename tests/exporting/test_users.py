"""Users drawn by pgbench's expressions against those that the engine draws."""

from pathlib import Path

import numpy as np
import pytest
from exporting_samples import debugged
from scipy import stats

from loadgen.database.target import Target
from loadgen.exporting import users as exported_users
from loadgen.exporting.users import UserDraw, rejected_share
from loadgen.population.activity import zipf_ranks

THETAS = [0.0, 0.6, 0.99, 1.0, 1.0 + 1e-9, 1.4]


def draw(target: Target, pgbench, path: Path, drawn: UserDraw, count: int, *, quick: bool = True):
    """Ranks and users of ``count`` draws by pgbench."""
    lines = [*drawn.commands("user", quick=quick), "\\set shown debug(:rank)", "\\set shown debug(:user)"]
    path.write_text("\n".join(lines) + "\n")
    found = np.array(debugged(pgbench(target, "-t", str(count), "-f", path)))
    return found[::2], found[1::2]


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    ("users", "seed"), [(1, 1), (2, 5), (7, 2), (300, 1), (4_097, 3), (65_536, 4), (1_000_000, 9), (50_000_000, 2**62)]
)
def test_ranks_have_the_users_that_the_stored_rows_follow(
    users: int, seed: int, quick: bool, server: Target, pgbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if users > 10_000_000:  # trying all of their ranks takes seconds; these walk less far
        monkeypatch.setattr(exported_users.ActivityRanks, "longest_walk", lambda self: 20)
    drawn = UserDraw.of(users, seed, 0.6)  # more of the tail than a run draws
    ranks, found = draw(server, pgbench, tmp_path / "draw.sql", drawn, 400, quick=quick)
    assert len(found) == 400
    assert np.array_equal(found, drawn.ranks.user_of(ranks))


@pytest.mark.parametrize("theta", THETAS)
def test_ranks_follow_the_law_of_the_engine(theta: float, server: Target, pgbench, tmp_path: Path) -> None:
    users, size = 300, 20_000
    drawn = UserDraw.of(users, 1, theta)
    ranks, _ = draw(server, pgbench, tmp_path / "draw.sql", drawn, size)
    weights = np.arange(1.0, users + 1) ** -theta
    assert stats.chisquare(np.bincount(ranks, minlength=users + 1)[1:], size * weights / weights.sum()).pvalue > 0.001
    engine = zipf_ranks(np.random.default_rng(3), users, theta, size)
    both = np.array([np.bincount(some, minlength=users + 1)[1:] for some in (ranks, engine)])
    assert stats.chi2_contingency(both[:, both.min(axis=0) >= 5]).pvalue > 0.001


def test_another_law_would_be_noticed(server: Target, pgbench, tmp_path: Path) -> None:
    users, size = 300, 20_000
    ranks, _ = draw(server, pgbench, tmp_path / "draw.sql", UserDraw.of(users, 1, 1.05), size)
    weights = np.arange(1.0, users + 1) ** -0.99
    assert stats.chisquare(np.bincount(ranks, minlength=users + 1)[1:], size * weights / weights.sum()).pvalue < 1e-6


@pytest.mark.parametrize("theta", THETAS)
@pytest.mark.parametrize("users", [2, 300, 100_000])
def test_the_stated_error_is_that_of_a_draw_whose_last_try_is_taken(users: int, theta: float) -> None:
    # A rank's proposal is its rounding interval of the integral; the first one's begins a whole unit below 1.5.
    k = np.arange(1.0, users + 1)

    def integral(x: np.ndarray) -> np.ndarray:
        return np.log(x) if theta == 1 else np.expm1((1 - theta) * np.log(x)) / (1 - theta)

    area = integral(k + 0.5) - integral(np.maximum(k - 0.5, 1.0))
    area[0] = 1.0
    rejected = 1 - (k**-theta).sum() / area.sum()
    assert rejected_share(users, theta) == pytest.approx(rejected, rel=1e-6, abs=1e-9)
    drawn = UserDraw.of(users, 1, theta)
    proposed, meant = area / area.sum(), k**-theta / (k**-theta).sum()
    actual = max(rejected, 0.0) ** drawn.tries * np.abs(proposed - meant).sum() / 2
    assert actual <= drawn.error + 1e-15
    assert drawn.error <= 2e-8


def test_ranks_beyond_those_summed_one_by_one_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = rejected_share(200_000, 0.99)
    monkeypatch.setattr(exported_users, "_SUMMED_RANKS", 20_000)
    assert rejected_share(200_000, 0.99) == pytest.approx(exact, rel=1e-3)
