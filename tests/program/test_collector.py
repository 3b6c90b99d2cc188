"""The garbage collector is at rest while something is proved, and is afterwards as it was, whatever happens meanwhile."""

from __future__ import annotations

import subprocess
import sys

HEAD = "import gc, threading\nfrom supnorm.program.collector import at_rest, awake, objects_of\n"


def run(code: str) -> None:
    """In a process of its own: `gc.freeze` hides all objects of this one."""
    done = subprocess.run([sys.executable, "-c", HEAD + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_two_threads_leave_it_as_it_was() -> None:
    """One looks for objects while the other ends: then nothing may be frozen for good."""
    run(
        "begun, looks, ended = (threading.Event() for _ in range(3))\n"
        "def other():\n"
        "    with at_rest():\n"
        "        begun.wait()\n"
        "def mine():\n"
        "    with at_rest():\n"
        "        begun.set()\n"
        "        thread.join()\n"
        "        assert gc.get_freeze_count() > 0\n"
        "        with awake():\n"
        "            assert gc.get_freeze_count() == 0\n"
        "        assert gc.get_freeze_count() > 0\n"
        "thread = threading.Thread(target=other)\n"
        "thread.start()\n"
        "while not gc.get_freeze_count():\n"
        "    pass\n"
        "mine()\n"
        "assert gc.get_freeze_count() == 0\n"
    )


def test_errors_leave_it_as_it_was() -> None:
    run(
        "for error in (KeyboardInterrupt, ValueError):\n"
        "    try:\n"
        "        with at_rest(), awake():\n"
        "            raise error\n"
        "    except error:\n"
        "        pass\n"
        "    assert gc.get_freeze_count() == 0\n"
    )


def test_nothing_useless_is_kept_where_a_program_has_frozen_its_objects() -> None:
    run(
        "class Own: pass\n"
        "gc.collect(); gc.freeze(); gc.disable()\n"
        "one = Own(); one.itself = one; del one\n"
        "with at_rest():\n"
        "    objects_of(type(None))\n"
        "assert gc.get_freeze_count() > 1000\n"
        "gc.unfreeze()\n"
        "assert not objects_of(Own)\n"
    )
