"""Fitted models as Fortran source: compiled, run, and compared bit for bit with the C."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.training.test_emit import BOX, CC, every_operation

import supnorm as sn
from supnorm.program import Node, Program
from supnorm.training.c_code import c_source
from supnorm.training.fortran_code import fortran_source
from supnorm.training.source_code import Vectors

FC = shutil.which("gfortran")
needs_fc = pytest.mark.skipif(FC is None or CC is None, reason="no Fortran compiler")
STRICT = ["-std=f2008", "-Wall", "-Wextra", "-pedantic", "-Werror"]
# The points and the bits of the values, from either source: what is printed is compared as text.
C_BITS = """
#include <stdio.h>
#include <stdint.h>
#include <string.h>
int main(void)
{
    double x[NX], y[NY];
    while (1) {
        for (int i = 0; i < NX; i++) if (scanf("%lf", &x[i]) != 1) return 0;
        supnorm_model(x, y);
        for (int i = 0; i < NY; i++) { uint64_t b; memcpy(&b, &y[i], 8); printf("%016llX\\n", (unsigned long long)b); }
    }
}
"""
FORTRAN_BITS = """
program bits
  use, intrinsic :: iso_fortran_env, only: dp => real64, int64
  use supnorm_model_module, only: supnorm_model
  implicit none
  real(dp) :: x(NX), y(NY)
  integer :: i, status
  do
    read (*, *, iostat=status) x
    if (status /= 0) exit
    call supnorm_model(x, y)
    do i = 1, NY
      print '(z16.16)', transfer(y(i), 0_int64)
    end do
  end do
end program bits
"""


def compared(text: str, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """The source compiled as its header says, without a warning, and run."""
    (folder / "m.F90").write_text(text)
    command = [str(FC), "-O2", *STRICT, "-DSUPNORM_TEST", "-ffp-contract=off", *flags, "m.F90", "-o", "m"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run([str(folder / "m")], capture_output=True, text=True, check=False)


def bits(compiler: str, path: Path, program: Program, x: np.ndarray) -> list[str]:
    """The bits of the values of compiled source at points, as hexadecimal words."""
    flags = ["-O2", "-march=native", "-ffp-contract=off", f"-DNX={program.d}", f"-DNY={program.m}"]
    subprocess.run([compiler, *flags, path.name, "-lm", "-o", "bits"], cwd=path.parent, check=True)
    given = "\n".join(" ".join(map(repr, row)) for row in x.tolist()) + "\n"
    run = subprocess.run([str(path.parent / "bits")], input=given, capture_output=True, text=True, check=True)
    return run.stdout.split()


def both(program: Program, domain: sn.Domain, folder: Path) -> tuple[list[str], list[str]]:
    """Bits of the C and of the Fortran source at the test vectors."""
    x = Vectors.of(program, domain).x
    (folder / "m.c").write_text(c_source(program, domain) + C_BITS)
    (folder / "m.F90").write_text(fortran_source(program, domain) + FORTRAN_BITS)
    return bits(str(CC), folder / "m.c", program, x), bits(str(FC), folder / "m.F90", program, x)


def network(seed: int, widths: tuple[int, ...]) -> Program:
    """A network with the activations whose code differs most between the languages."""
    rng = np.random.default_rng(seed)
    nodes = [Node("input", (), 2)]
    for i, width in enumerate(widths):
        scale = rng.normal(size=(width, nodes[-1].width))
        nodes.append(Node("affine", (len(nodes) - 1,), width, weight=scale, bias=rng.normal(size=width)))
        op = ("tanh", "softplus", "silu", "sigmoid")[i % 4]
        nodes.append(Node(op, (len(nodes) - 1,), width))
    return Program(tuple(nodes))


@needs_fc
@pytest.mark.slow
def test_all_operations_compile_without_a_warning_and_agree_with_the_test_vectors(tmp_path: Path) -> None:
    done = compared(fortran_source(every_operation(), BOX), tmp_path)
    assert (done.returncode, done.stdout) == (0, "0 values differ\n")
    done = compared(fortran_source(every_operation(), BOX), tmp_path, "-ffpe-trap=invalid,zero,overflow")
    assert done.returncode == 0  # no case that is not taken is computed


@needs_fc
@pytest.mark.slow
def test_a_wrong_weight_is_noticed_by_the_test_vectors(tmp_path: Path) -> None:
    program = every_operation()
    weight = repr(float(np.asarray(program.nodes[1].weight)[0, 0]))
    text = fortran_source(program, BOX)
    assert text.count(weight) == 1
    assert compared(text.replace(weight, repr(float(weight) * (1 + 1e-9))), tmp_path).returncode == 1


@needs_fc
@pytest.mark.slow
def test_c_and_fortran_give_the_same_bits_within_the_bound_of_the_network(tmp_path: Path) -> None:
    """With fused multiply-add in the machine and forbidden by the option, for exponents of many kinds too."""
    powers = [Node("input", (), 2)]
    for p in (-3.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 7.3, 17.0):
        powers.append(Node("pow", (0,), 2, parameter=p))
    powers.append(Node("concat", tuple(range(1, len(powers))), 2 * (len(powers) - 1)))
    for program in (
        every_operation(),
        Program(tuple(powers)),
        network(1, (40, 300, 3)),
        network(2, (7, 5, 4, 3)),
    ):
        c, fortran = both(program, BOX, tmp_path)
        assert len(c) == 32 * program.m
        assert c == fortran
        values = np.array([int(word, 16) for word in fortran], dtype=np.uint64).view(np.float64)
        vectors = Vectors.of(program, BOX)
        assert (np.abs(values.reshape(-1, program.m) - vectors.y) <= vectors.allowed).all()


@needs_fc
@pytest.mark.slow
def test_numbers_without_a_literal_and_values_that_overflow(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    small = (rng.random(6) * 2.0**-1030 * 2.0 ** rng.integers(-40, 8, 6)).tolist()
    value = np.array([np.inf, -np.inf, np.nan, -0.0, 5e-324, -2.2e-308, 1.7976931348623157e308, *small])
    nodes = [
        Node("input", (), 2),
        Node("affine", (0,), 2, weight=np.diag([900.0, 1.0]), bias=np.array([0.0, -0.5])),
        Node("exp", (1,), 2),
        Node("log", (1,), 2),
        Node("add", (2, 3), 2),
        Node("constant", (), len(value), value=value),
        Node("concat", (4, 5), 2 + len(value)),
    ]
    program = Program(tuple(nodes))
    done = compared(fortran_source(program, BOX), tmp_path)
    assert (done.returncode, done.stdout) == (0, "0 values differ\n")
    c, fortran = both(program, BOX, tmp_path)
    assert [w for i, w in enumerate(c) if i % (len(value) + 2) not in (0, 1, 4)] == [
        w for i, w in enumerate(fortran) if i % (len(value) + 2) not in (0, 1, 4)
    ]  # NaN has many bits
    held = np.array([int(word, 16) for word in fortran[2 : 2 + len(value)]], dtype=np.uint64).view(np.float64)
    np.testing.assert_array_equal(held, value)


@needs_fc
def test_fast_math_is_refused_by_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "m.F90").write_text(fortran_source(every_operation(), BOX))
    done = subprocess.run(
        [str(FC), "-c", "-ffast-math", "m.F90"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "without -ffast-math" in done.stderr


@pytest.mark.parametrize("name", ["Sqrt", "c_exp", "dp", "Compare", "v3", "_model", "a b", "x" * 60])
def test_a_name_that_fortran_cannot_take_is_refused(name: str) -> None:
    with pytest.raises(sn.BadInput, match="the name of a Fortran function"):
        fortran_source(every_operation(), BOX, name)


def test_lines_and_statements_are_as_long_as_the_standard_allows() -> None:
    hostile = "' & ! \n#error\n" * 9
    program = Program(
        (
            Node("input", (), 1),
            Node(
                "affine", (0,), 1500, weight=-np.full((1500, 1), 1.2345678901234567e-100), bias=np.zeros(1500)
            ),
            Node("affine", (1,), 2, weight=-np.full((2, 1500), 1.2345678901234567e-300), bias=np.zeros(2)),
        )
    )
    lines = fortran_source(program, sn.Domain(**{hostile: (0.0, 1.0)})).splitlines()
    assert max(map(len, lines)) <= 132
    ends = [i for i, line in enumerate(lines) if not line.endswith("&")]
    assert max(b - a for a, b in itertools.pairwise(ends)) <= 255
    assert not any(line.startswith("#error") and "fast" not in line for line in lines)
