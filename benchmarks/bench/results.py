"""The file of results: what is known of each task, and of each tool its version, the machine, and every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.bench.tasks import VERSION
from supnorm.results import BadInput, write_whole

Content = dict[str, Any]


def empty() -> Content:
    """No results."""
    return {"bank": VERSION, "tasks": {}, "tools": {}}


def read(path: Path, must: bool = False) -> Content:
    """The results of a file; empty ones if there is none.

    Args:
        must: whether there has to be one.

    Raises:
        BadInput: no such file, another kind of file, or results of another version of the bank.
    """
    if not path.exists():
        if must:
            raise BadInput(f"{path}: there is no such file of results")
        return empty()
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise BadInput(f"{path}: not a file of results ({error})") from error
    if not isinstance(content, dict) or not empty().keys() <= content.keys() or content["bank"] != VERSION:
        raise BadInput(f"{path}: not a file of results of version {VERSION} of the bank; run the tools again")
    return content


def joined(contents: list[Content]) -> Content:
    """Several files as one; a tool that is in two of them has the runs of the last, a task what the first says of it."""
    tasks: dict[str, Any] = {}
    tools: dict[str, Any] = {}
    for content in contents:
        tasks = content["tasks"] | tasks
        tools |= content["tools"]
    return empty() | {"tasks": tasks, "tools": tools}


def runs(content: Content, name: str, head: dict[str, Any]) -> dict[str, Any]:
    """The runs of a tool that were made with the same version, seed and limit of time."""
    held = content["tools"].get(name, {})
    same = all(held.get(key) == head[key] for key in ("version", "seconds", "seed"))
    return dict(held["runs"]) if held and same else {}


def add(content: Content, name: str, head: dict[str, Any], task: str, run: dict[str, Any]) -> None:
    """Put one run beside the others of its tool; those of another version, seed or limit are dropped."""
    content["tools"][name] = head | {"runs": runs(content, name, head) | {task: run}}


def write(path: Path, content: Content) -> None:
    """JSON with a line for each task and each run."""
    tasks = ",\n".join(f"{json.dumps(name)}: {json.dumps(task)}" for name, task in content["tasks"].items())
    tools = []
    for name, tool in content["tools"].items():
        head = json.dumps({key: value for key, value in tool.items() if key != "runs"})[:-1]
        lines = ",\n".join(f"{json.dumps(task)}: {json.dumps(run)}" for task, run in tool["runs"].items())
        tools.append(f'{json.dumps(name)}: {head}, "runs": {{\n{lines}\n}}}}')
    parts = f'"tasks": {{\n{tasks}\n}},\n"tools": {{\n' + ",\n".join(tools)
    write_whole(path, f'{{"bank": {content["bank"]},\n{parts}\n}}}}\n')
