"""What /predict and /guard take and answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

NUMBERS = {"type": "array", "items": {"type": "number"}}
REQUEST = {
    "type": "object",
    "required": ["x"],
    "additionalProperties": False,
    "properties": {
        "x": {
            "description": "the points: a list of rows, or an object with a list of numbers for each input",
            "oneOf": [
                {"type": "array", "items": NUMBERS},
                {"type": "object", "additionalProperties": NUMBERS},
            ],
        },
        "fallback": {
            "type": "boolean",
            "default": True,
            "description": "ask the reference where the model is not trusted",
        },
    },
}
FLAGS: dict[str, Any] = {
    "flag": {
        "type": "array",
        "items": {"type": "integer", "enum": [0, 1, 2]},
        "description": "for each row 0: the model's value, 1: the reference's value, 2: no value",
    },
    "estimate": {
        "type": "array",
        "items": {"type": ["number", "null"]},
        "description": "for accepted rows an estimate of the error, else null; no bound",
    },
    "reason": {
        "type": "array",
        "items": {"type": "string"},
        "description": "why a row was not accepted; empty where it was, or proven",
    },
}
VALUES = {
    "y": {
        "type": "array",
        "items": {"type": "array", "items": {"type": ["number", "null"]}},
        "description": "for each row the outputs; null where there is no value",
    }
}
ERROR = {"type": "object", "properties": {"error": {"type": "string"}}}
CODES = {
    400: "the body is no such object",
    401: "the token is missing or wrong",
    408: "the body did not arrive in time",
    413: "too many rows or bytes",
    415: "the body is not declared as JSON",
    421: "the request came under another name than 127.0.0.1 or localhost, and there is no token",
    503: "the reference gives no value for any row, or there was no answer in time",
}


def _route(properties: dict[str, Any]) -> dict[str, Any]:
    answer = {"type": "object", "properties": properties}
    responses: dict[int, Any] = {
        200: {"description": "for each row", "content": {"application/json": {"schema": answer}}}
    }
    for code, what in CODES.items():
        responses[code] = {"description": what, "content": {"application/json": {"schema": ERROR}}}
    body = {"required": True, "content": {"application/json": {"schema": REQUEST}}}
    return {"responses": responses, "openapi_extra": {"requestBody": body}}


PREDICT = _route({**VALUES, **FLAGS})
LOOK = _route(FLAGS)
