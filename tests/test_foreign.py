"""Which files are the user's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from supnorm import foreign
from supnorm.sources.unnamed_files import Folders


@pytest.mark.parametrize("folder", ["/usr/src/app", "/usr/local/src/run", "/usr/app"])
def test_code_of_a_container_is_the_users_where_images_put_it(folder):
    assert not foreign.is_foreign(f"{folder}/model.py")
    folders = Folders.of([Path(folder) / "model.py"])
    assert folders.contain(f"{folder}/weights.npy")
    assert not folders.contain("/usr/src/linux/weights.npy")
    assert not folders.contain(f"{folder}/.venv/lib/python3.11/site-packages/torch/lib.so")


@pytest.mark.parametrize(
    "file", ["/usr/share/x.npy", "/usr/local/share/x.npy", "/etc/hosts", os.__file__, np.__file__]
)
def test_files_of_the_system_and_of_packages_are_not(file):
    assert foreign.is_foreign(file)


def test_an_environment_in_such_a_folder_is_not_the_users(monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/usr/src/app/env")
    monkeypatch.setattr(foreign, "INSTALLED", foreign._installed())
    assert foreign.is_foreign("/usr/src/app/env/lib/x.py")
    assert not foreign.is_foreign("/usr/src/app/model.py")


def test_python_in_usr_local_leaves_its_sources_to_the_user(monkeypatch):
    for name in ("prefix", "base_prefix", "exec_prefix"):
        monkeypatch.setattr(sys, name, "/usr/local")
    monkeypatch.setattr(foreign, "INSTALLED", foreign._installed())
    assert not foreign.is_foreign("/usr/local/src/run/model.py")
    assert foreign.is_foreign("/usr/local/lib/python3.11/os.py")


def test_packages_that_pip_installed_for_one_user_are_not_code_of_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """mpmath among them, imported by the first call of a model, was said to replace what supnorm computes with."""
    monkeypatch.setattr(
        foreign.site, "getusersitepackages", lambda: "/home/me/.local/lib/python3.11/site-packages"
    )
    monkeypatch.setattr(foreign, "INSTALLED", foreign._installed())
    assert foreign.is_foreign("/home/me/.local/lib/python3.11/site-packages/mpmath/usertools.py")
    assert not foreign.is_foreign("/home/me/.local/share/model.py")


@pytest.mark.parametrize("folder", ["/apps/scipy/lib/python3.11/site-packages", "/apps/numpy/dist-packages/"])
def test_packages_of_another_folder_on_the_path_are_not_code_of_the_user(folder, monkeypatch) -> None:
    """Of a .pth file, or of PYTHONPATH on a cluster: SciPy, of which a run imports more, was said to replace itself."""
    monkeypatch.setattr(sys, "path", [*sys.path, folder, "/home/me/models"])
    monkeypatch.setattr(foreign, "INSTALLED", foreign._installed())
    assert foreign.is_foreign(f"{folder.rstrip('/')}/scipy/_lib/_array_api.py")
    assert not foreign.is_foreign("/home/me/models/model.py")
    assert not foreign.is_foreign(f"{folder.rstrip('/')}.old/model.py")
