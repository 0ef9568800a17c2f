"""What a claim will train, before it trains anything."""

import pytest

from mlpcore.claims import CLAIMS
from mlpcore.claims.forecast import first_training


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_says_what_it_trains_first_and_what_share_that_is(name: str) -> None:
    experiments, share = first_training(CLAIMS[name])
    assert 0 < share <= 1
    assert bool(experiments) == (name != "cost"), "which measures times and trains nothing"


def test_the_claim_about_overfitting_names_all_its_runs_with_every_seed() -> None:
    experiments, share = first_training(CLAIMS["overfitting"])
    assert len(experiments) == len(set(experiments)) == 24
    assert share == 0.95
