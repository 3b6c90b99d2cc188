"""Pictures of the potential temperature: equations, network, and what is between them, as in the original's README."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from reproduce.miniweather import guards
from reproduce.miniweather.equations import Array
from reproduce.miniweather.samples import grid_of
from reproduce.miniweather.surrogates import FluxStep
from reproduce.miniweather.tables import Networks, rolled

CELL = 6  # pixels of a cell
GAP, LINE = 8, 16
# Blue, white, red for deviations; white, amber, plum for sizes of errors.
SIGNED = np.array([[33, 60, 120], [120, 160, 210], [246, 246, 246], [222, 130, 90], [120, 25, 40]], float)
SIZES = np.array([[250, 248, 242], [243, 217, 164], [231, 160, 60], [206, 90, 30], [50, 16, 46]], float)


def coloured(values: Array, low: float, high: float, stops: Array) -> Array:
    """Colours of a field, (nz, nx) to (nz, nx, 3); what is not finite is grey."""
    part = np.clip((np.nan_to_num(values) - low) / (high - low), 0, 1) * (len(stops) - 1)
    colours = np.stack([np.interp(part, np.arange(len(stops)), stops[:, k]) for k in range(3)], axis=-1)
    colours[~np.isfinite(values)] = 128
    return colours


def draw(made: Networks, path: Path) -> None:
    """Write the picture: a row for each roll-out, with its words above it."""
    model = made.models["flux"]
    differ = guards.disagreement(made.train, model, made.models["flux, other seed"], made.scale)
    ranges = guards.in_ranges(made.train)
    rows = [
        ("thermal, the training case", "thermal", model, None),
        ("warm, no guard", "warm", model, None),
        ("warm, guarded by ranges or two networks", "warm", model, guards.either(ranges, differ)),
        ("warm, repaired network, no guard", "warm", made.models["flux, repaired"], None),
    ]
    strips = []
    for words, case, one, flag in rows:
        grid = grid_of(case)
        result = rolled(FluxStep(grid, one, flag), grid, made.effort.seconds)
        truth, network = (grid.theta(state) for state in (result.reference[0], result.model[0]))
        strips.append(strip(words, truth, network, result.record.by_step[-1].step))
    width, height = strips[0].width, sum(s.height for s in strips)
    sheet = Image.new("RGB", (width, height), "white")
    down = 0
    for one_strip in strips:
        sheet.paste(one_strip, (0, down))
        down += one_strip.height
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(128).save(path, "PNG", optimize=True)


def strip(words: str, truth: Array, network: Array, step: int) -> Image.Image:
    """Equations, network and error side by side, with their limits."""
    size = max(float(np.abs(truth).max()), 1e-12)
    error = np.abs(network - truth)
    most = float(np.max(error[np.isfinite(error)], initial=0.0)) or 1.0
    parts = [
        (f"equations, -{size:.1f} to {size:.1f} K", coloured(truth, -size, size, SIGNED)),
        ("network, the same colours", coloured(network, -size, size, SIGNED)),
        (f"|error|, 0 to {most:.2g} K", coloured(error, 0.0, most, SIZES)),
    ]
    nz, nx = truth.shape
    wide, tall = nx * CELL, nz * CELL
    made = Image.new("RGB", (3 * wide + 2 * GAP, tall + 2 * LINE + GAP), "white")
    pen = ImageDraw.Draw(made)
    pen.text((0, 1), f"{words}: step {step}", fill="black")
    for k, (label, colours) in enumerate(parts):
        picture = Image.fromarray(colours[::-1].round().astype(np.uint8)).resize(
            (wide, tall), Image.Resampling.NEAREST
        )
        made.paste(picture, (k * (wide + GAP), LINE))
        pen.text((k * (wide + GAP), LINE + tall + 2), label, fill="black")
    return made
