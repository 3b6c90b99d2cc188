"""The network and the test set that the package calibration-nn (GPL-3, `import cann`) ships, read without running its code.

Both files are zip archives of raw little-endian float32 arrays beside a pickle. The pickle of the weights holds tensors alone:
`torch.load` reads it with `weights_only=True`, which refuses anything else. The pickle of the test set would need classes of
the package: it is left unread, and the three arrays are taken from the archive by their place (parameters (n, 5), market inputs
(n, 3), observed volatility (n,)), which the byte counts confirm. The network takes its inputs as they are, without scaling.
"""

import zipfile
from importlib.metadata import files

import numpy as np
import torch

WIDTHS = (8, 400, 400, 400, 400, 1)


def network():
    """The ReLU network of 485,201 weights, in float32 as it is shipped: eight inputs to implied volatility."""
    layers = [torch.nn.Linear(a, b) for a, b in zip(WIDTHS[:-1], WIDTHS[1:], strict=True)]
    model = torch.nn.Sequential(*(part for layer in layers for part in (layer, torch.nn.ReLU())))[:-1]
    model.load_state_dict(torch.load(_shipped("model_state_"), map_location="cpu", weights_only=True))
    return model.eval()


def test_inputs():
    """The 99,956 shipped test points, shape (n, 8); the training points have the same law but are not shipped."""
    return _test_set()[0]


def test_labels():
    """The implied volatilities that the package holds for true at `test_inputs`, shape (n,)."""
    return _test_set()[1]


def _test_set():
    with zipfile.ZipFile(_shipped("test_dataset_")) as archive:
        names = {name.rpartition("/data/")[2]: name for name in archive.namelist() if "/data/" in name}
        arrays = [np.frombuffer(archive.read(names[k]), dtype="<f4") for k in "012"]
    n = len(arrays[2])
    if [len(a) for a in arrays] != [5 * n, 3 * n, n]:
        raise ValueError(
            f"expected 5 n, 3 n and n numbers, got {[len(a) for a in arrays]}; calibration-nn 0.2.0?"
        )
    x = np.hstack([arrays[0].reshape(n, 5), arrays[1].reshape(n, 3)])
    return x.astype(np.float64), arrays[2].astype(np.float64)


def _shipped(start):
    """The file of the Heston volatility model whose name starts so."""
    for path in files("calibration-nn"):
        if path.parent.name == "heston_iv_v1" and path.name.startswith(start):
            return path.locate()
    raise FileNotFoundError(
        f"heston_iv_v1/{start}* in calibration-nn: pip install --no-deps calibration-nn==0.2.0"
    )
