"""`benchmarks.scale proofs`: the command, and what it says of processor seconds."""

import pytest
from benchmarks.scale import proofs


@pytest.mark.slow
def test_a_small_problem_is_proved_and_checked_alone_and_on_workers(capsys):
    assert proofs.main(["--quick", "--runs", "1"]) == 0
    certify, check = capsys.readouterr().out.splitlines()
    assert "certify of" in certify
    assert "check of" in check
    assert "the same proof: True" in certify


def test_what_two_workers_can_do_at_best():
    row = {"alone_cpu": 20.0, "driver_cpu": 2.0, "workers_cpu": 18.0, "alone": 20.0, "two": 12.5}
    assert proofs.faster(row) == pytest.approx(1.6)
    assert proofs.possible(row) == pytest.approx(20.0 / 11.0)
