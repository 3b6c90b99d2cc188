"""``supnorm fields PREDICTION TRUTH``: compare gridded predictions with the truth at every grid point, write a page."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.fields import made, with_options_of
from supnorm.cli.run import RunContext, with_run
from supnorm.results.option import option, plain_number
from supnorm.results.printable import file_word
from supnorm.results.status import BadInput

if TYPE_CHECKING:
    from supnorm.fields import FieldReport

DATA = "NetCDF file, Zarr store or GRIB file"


@dataclass(frozen=True, kw_only=True)
class FieldOptions:
    """Options of the verb that are one number or one word."""

    events: int = option("--events", "Events in the result. [default: 20]", default=20, kind=int, low=0)
    kappa: float = option(
        "--kappa",
        "Smallest error of a grid point of an event, in RMS errors of its lead time and level. [default: 5]",
        default=5.0,
        kind=float,
        above=0,
    )
    threshold: float | None = option(
        "--threshold",
        "The same as a number in the unit of the variable, instead of --kappa.",
        default=None,
        kind=float,
        above=0,
    )
    spectra: int = option(
        "--spectra",
        "Compute the spectrum of each N-th field; 0: of none. [default: 8]",
        default=8,
        kind=int,
        low=0,
    )
    seconds: float | None = option("--seconds", "Time limit.", default=None, kind=float, low=0.1)
    workers: int = option("--workers", "Threads. [default: 1]", default=1, kind=int, low=1)
    lead_unit: str | None = option("--lead-unit", "Unit of plain lead times.", default=None, metavar="UNIT")
    dask: str | None = option(
        "--dask",
        "Compare on the workers of a Dask scheduler, which read the files.",
        default=None,
        metavar="ADDRESS",
    )


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("fields")(command)


def _folder(prediction: Path) -> Path:
    return Path(f"{prediction.stem or 'fields'}-fields")


def _many(name: str, metavar: str, help: str) -> Any:
    return typer.Option(name, metavar=metavar, help=f"{help} May be given several times.")


@with_run(_folder, "Folder of the run. [default: PREDICTION-fields]")
@with_options_of(FieldOptions)
def command(
    prediction: Annotated[Path, typer.Argument(metavar="PREDICTION", help=f"{DATA}.")],
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help=f"{DATA}.")],
    run: RunContext,
    var: Annotated[
        list[str] | None, _many("--var", "NAME[=TRUTH]", "Variable, and its name in the truth.")
    ] = None,
    tolerance: Annotated[list[str] | None, _many("--tolerance", "[NAME=]E", "Largest error allowed.")] = None,
    bounds: Annotated[
        list[str] | None, _many("--bounds", "NAME=LOW:HIGH", "Bounds of the prediction; one may be left out.")
    ] = None,
    dims: Annotated[
        list[str] | None, _many("--dims", "ROLE=NAME", "Dimension that is init, lead, level, member, y or x.")
    ] = None,
    member: Annotated[
        str | None,
        typer.Option(
            "--member", metavar="each|mean", help="Compare each member of an ensemble, or its mean."
        ),
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", metavar="N,W,S,E", help="Compare this part of the globe alone.")
    ] = None,
    weights: Annotated[
        str,
        typer.Option("--weights", metavar="area|none", help="How rows of latitudes are weighed."),
    ] = "area",
    ignore_units: Annotated[
        bool, typer.Option("--ignore-units", help="Compare the numbers although the units differ.")
    ] = False,
    ignore_valid_range: Annotated[
        bool,
        typer.Option(
            "--ignore-valid-range",
            help="Compare also values outside of valid_range, valid_min, valid_max, and default fill values.",
        ),
    ] = False,
    **given: Any,
) -> int:
    """Compare gridded predictions with the truth at every grid point: where is the largest error?"""
    from supnorm.cli.folder import demand_no_other_run, demand_not_written_over, work_in
    from supnorm.evaluation.scheduler import connected
    from supnorm.fields import EventOptions, PairingOptions, audit_fields

    options = made(FieldOptions, given)
    if options.dask is not None and given["workers"] is not None:
        raise BadInput("--dask and --workers: give one of them; the scheduler knows its workers")
    if weights not in ("area", "none"):
        raise BadInput(f"--weights must be area or none, got {weights!r}")
    if member not in (None, "each", "mean"):
        raise BadInput(f"--member must be each or mean, got {member!r}")
    pairing = PairingOptions(
        dims=dict(_named("--dims", dims)),
        lead_unit=options.lead_unit,
        member=member,
        ignore_units=ignore_units,
        ignore_valid_range=ignore_valid_range,
        area=weights == "area",
        region=_region(region),
    )
    demand_no_other_run(run.directory, "fields.json")
    demand_not_written_over(run.directory, (prediction, truth))
    with work_in(run.directory):
        report = audit_fields(
            prediction,
            truth,
            variables=dict((n, o or n) for n, o in _pairs("--var", var)) or None,
            tolerance=_tolerance(tolerance),
            bounds={name: _bounds(name, text) for name, text in _named("--bounds", bounds)},
            pairing=pairing,
            events=EventOptions(
                most=options.events, kappa=options.kappa, threshold=options.threshold, spectra=options.spectra
            ),
            folder=run.directory,
            resume=run.resume,
            seconds=options.seconds,
            workers=options.workers if options.dask is None else connected(options.dask),
            observer=run.observer(),
        )
        words = [
            *_words("--var", var),
            *_words("--tolerance", tolerance),
            *_words("--bounds", bounds),
            *_words("--dims", dims),
        ]
        words += _given(
            {
                "--member": member,
                "--region": region,
                "--out": run.directory if run.named else None,
            }
        )
        words += _given({"--weights": None if weights == "area" else weights} | _numbers(options))
        words += ["--ignore-units"] if ignore_units else []
        words += ["--ignore-valid-range"] if ignore_valid_range else []
        line = " ".join(["supnorm fields", file_word(prediction), file_word(truth), *words])
        report = replace(report, record=report.record.changed(command=line))
        with run.writing(lambda: run.tell(report.to_json, lambda: _summary(report))):
            save(report, run.directory)
    page = run.directory / "fields.html"
    run.tell(report.to_json, lambda: [*_summary(report), f"saved in {run.directory}; open {page}"])
    return int(report.status.exit)


def save(report: FieldReport, folder: Path) -> None:
    """Write the numbers and the page."""
    from supnorm.pages import write_fields_page

    report.save(folder)
    write_fields_page(report, folder / "fields.html")


def _numbers(options: FieldOptions) -> dict[str, Any]:
    default = FieldOptions()
    return {
        f"--{n.replace('_', '-')}": v
        for n, v in vars(options).items()
        if v is not None and v != getattr(default, n)
    }


def _given(words: dict[str, Any]) -> list[str]:
    return [w for name, value in words.items() if value is not None for w in (name, shlex.quote(str(value)))]


def _words(name: str, values: Sequence[str] | None) -> list[str]:
    return [w for value in values or () for w in (name, shlex.quote(value))]


def _pairs(name: str, values: Sequence[str] | None) -> list[tuple[str, str]]:
    return [(v.partition("=")[0].strip(), v.partition("=")[2].strip()) for v in values or ()]


def _named(name: str, values: Sequence[str] | None) -> list[tuple[str, str]]:
    """The texts NAME=VALUE of an option.

    Raises:
        BadInput: for one without "=".
    """
    for value in values or ():
        if "=" not in value:
            raise BadInput(f"{name} {value!r}: give a name and a value, as in {name} NAME=...")
    return _pairs(name, values)


def _number(text: str, what: str) -> float:
    try:
        return plain_number(text)
    except ValueError:
        raise BadInput(f"{what}: {text!r} is no number") from None


def _tolerance(values: Sequence[str] | None) -> float | dict[str, float] | None:
    if not values:
        return None
    plain = [v for v in values if "=" not in v]
    if plain and len(values) > 1:
        raise BadInput(
            f"--tolerance {plain[0]!r}: one number for all variables, or NAME=NUMBER for each, not both"
        )
    if plain:
        return _number(plain[0], "--tolerance")
    return {name: _number(text, f"--tolerance of {name}") for name, text in _pairs("--tolerance", values)}


def _bounds(name: str, text: str) -> tuple[float, float]:
    low, colon, high = text.partition(":")
    if not colon:
        raise BadInput(
            f"--bounds {name}={text!r}: give LOW:HIGH, one of which may be left out, as in --bounds q=0:"
        )
    ends = [
        _number(t, f"--bounds of {name}") if t.strip() else end
        for t, end in ((low, -float("inf")), (high, float("inf")))
    ]
    return ends[0], ends[1]


def _region(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    parts = [_number(t, "--region") for t in text.split(",")]
    if len(parts) != 4 or not parts[0] > parts[2]:
        raise BadInput(f"--region must be NORTH,WEST,SOUTH,EAST in degrees, got {text!r}")
    return parts[0], parts[1], parts[2], parts[3]


def _summary(report: FieldReport) -> list[str]:
    from supnorm.pages import fields_summary

    lines: Callable[[Any], list[str]] = fields_summary
    return lines(report.record)
