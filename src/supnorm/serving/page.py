"""The page of the schema: one HTML file without any address of another machine."""

from __future__ import annotations

import json
from typing import Any

from supnorm.pages.guard_page import narrator, promise
from supnorm.pages.rendering import render
from supnorm.serving.service import Service


def docs_page(document: dict[str, Any], service: Service) -> str:
    """The page, from the OpenAPI document."""
    record = service.guard.record
    rows = [
        {
            "method": method.upper(),
            "path": path,
            "summary": route.get("summary", ""),
            "what": route.get("description", ""),
            "codes": [(code, one.get("description", "")) for code, one in sorted(route["responses"].items())],
            "body": _schema(route.get("requestBody")),
            "answer": _schema(route["responses"].get("200")),
        }
        for path, routes in document["paths"].items()
        for method, route in routes.items()
    ]
    say = narrator(record).html
    middle = [0.5 * (axis.low + axis.high) for axis in service.guard.domain.axes]
    return render(
        "serve.html.j2",
        {
            "title": f"{record.title or 'model'}: supnorm serve",
            "problem_title": record.title,
            "skip": "routes",
            "menu": [("promise", "Promise"), ("inputs", "Inputs"), ("routes", "Requests")],
            "promise": say(*promise(record)),
            "advice": record.status.advice,
            "axes": [(axis.name, axis.low, axis.high, axis.unit) for axis in record.axes],
            "rows": rows,
            "example": json.dumps({"x": [middle]}),
            "limits": service.limits,
        },
    )


def _schema(part: dict[str, Any] | None) -> str:
    content = (part or {}).get("content", {}).get("application/json", {}).get("schema")
    return json.dumps(content, indent=2) if content else ""
