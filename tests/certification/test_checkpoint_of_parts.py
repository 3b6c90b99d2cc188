"""`keeping`: an observer that writes the proof so far."""

from __future__ import annotations

from pathlib import Path

import pytest

from supnorm.certification import checkpoint, solution_error
from supnorm.certification.checkpoint import keeping
from supnorm.checker import check
from supnorm.problem import Domain
from supnorm.problem.equations import Burgers


@pytest.mark.slow
def test_the_proof_so_far_is_written_and_is_a_file_to_go_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jax.numpy as jnp

    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE", 0.0)
    front = lambda x: 0.5 - 0.5 * jnp.tanh((x[:, 0] - 0.5 - 0.5 * x[:, 1]) / 0.4)  # noqa: E731
    problem = (
        lambda x: front(x) + 1e-3 * x[:, 0],
        Burgers(0.1, initial=front, boundary=front),
        Domain(x=(0.0, 1.0), t=(0.0, 0.5)),
    )
    seen: list[str] = []
    path = tmp_path / "so-far.json"

    def note(event: object) -> None:
        seen.append(event.name)  # type: ignore[attr-defined]
        if len(seen) == 2:  # what is written is that of the first event, when the barrier is not known yet
            assert check(path).accepted

    whole = solution_error(*problem, ratio=1.5, observer=keeping(path, note))
    assert len(seen) > 1
    assert check(path).accepted
    again = solution_error(*problem, ratio=1.5, resume=path)
    assert again.status.code == "proved"
    assert again.lower == pytest.approx(whole.lower, rel=1e-6)
