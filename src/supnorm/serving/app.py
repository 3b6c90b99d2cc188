"""The HTTP side of the service: routes, limits, the token, and a page of the schema that needs no network."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from supnorm.results.numbers import num
from supnorm.results.printable import one_line
from supnorm.results.versions import __version__
from supnorm.serving import schema
from supnorm.serving.page import docs_page
from supnorm.serving.reading import Refused
from supnorm.serving.service import Service
from supnorm.serving.threads import in_thread

ROUTES = ("/predict", "/guard", "/health", "/metrics", "/docs", "/openapi.json", "/")
OPEN = ("/health",)  # without a token
LOCAL = ("127.0.0.1", "localhost", "[::1]")
SAFE = {  # answers are data: no browser may take them for anything else, or keep them
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:",
}
Handler = Callable[[bytes], tuple[int, dict[str, Any]]]


def app_of(service: Service, token: str | None = None) -> FastAPI:
    """The application.

    Args:
        service: what answers.
        token: what each request has to carry as ``Authorization: Bearer TOKEN``, but for /health. None: nothing; then only
            requests to a name of this machine are answered, so that no page of a browser can reach it under another name.
    """
    app = FastAPI(
        title="supnorm serve",
        version=__version__,
        description=f"A guarded model of {', '.join(service.names)}.",
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # an address made of the Host header of a request
    )

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        what = f"{error.detail}: {request.method} {one_line(request.url.path, 60)}; /docs lists the requests"
        response = _json(error.status_code, {"error": what})
        response.headers.update(error.headers or {})
        return response

    @app.middleware("http")
    async def watched(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        begin = time.perf_counter()
        try:
            _demand_caller(request, token)
            response = await proceed(request)
        except Refused as error:
            response = _json(error.code, {"error": str(error)})
        except ClientDisconnect:
            response = _json(499, {"error": "the caller went away"})
        # A fault of ours: the answer is JSON too, and names no path of this machine.
        except Exception as error:
            response = _json(500, {"error": f"a bug of supnorm: {type(error).__name__}"})
        path = request.url.path if request.url.path in ROUTES else "other"
        service.metrics.request(path, response.status_code, time.perf_counter() - begin)
        response.headers.update(SAFE)
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    async def answered(request: Request, handler: Handler) -> Response:
        body = await _body(request, service.limits.body, service.limits.reading)
        try:
            code, answer = await asyncio.wait_for(in_thread(handler, body), service.limits.seconds)
        except TimeoutError:
            return _json(503, {"error": f"no answer within {num(service.limits.seconds)} s"})
        return _json(code, answer)

    @app.post("/predict", summary="Values of points", **schema.PREDICT)
    async def predict(request: Request) -> Response:
        """The model's value where it is trusted, else the reference's, else null."""
        return await answered(request, service.predict)

    @app.post("/guard", summary="Which points would be accepted", **schema.LOOK)
    async def look(request: Request) -> Response:
        """The guard alone: the reference is not called, and no value is given."""
        return await answered(request, service.look)

    @app.get("/guard", summary="What is known of the guard", response_class=Response)
    async def about() -> Response:
        """What is promised, in words, and the record that guard.json holds."""
        return _json(200, service.about())

    @app.get("/health", summary="Whether the service answers", response_class=Response)
    async def health() -> Response:
        """Without a token too."""
        return _json(200, service.health())

    @app.get("/metrics", summary="Counters for Prometheus", response_class=Response)
    async def metrics() -> Response:
        """Requests, rows, reasons, failures of the reference, times, shadow checks."""
        return Response(service.counters(), media_type="text/plain; version=0.0.4")

    @app.get("/docs", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi(), service))

    return app


def _json(code: int, answer: dict[str, Any]) -> Response:
    return Response(json.dumps(answer, allow_nan=False), code, media_type="application/json")


def _demand_caller(request: Request, token: str | None) -> None:
    """Check who asks.

    Raises:
        Refused: 401 without the token, 421 for another name of this machine, 415 for a body that is not declared as JSON
            (what a page of a browser can send without asking first) or is declared as compressed.
    """
    if token is not None and request.url.path not in OPEN:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip(" ").encode("utf-8", "replace"), token.encode())
        if scheme.lower() != "bearer" or not right:
            raise Refused(401, "give the token: Authorization: Bearer TOKEN")
    if token is None:
        host = request.headers.get("host", "")
        if host.rpartition(":")[0] not in LOCAL and host not in LOCAL:
            raise Refused(421, "this service answers at 127.0.0.1, localhost and [::1] only")
    if request.method == "POST":
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(415, "send the points as Content-Type: application/json")
        coding = ", ".join(request.headers.getlist("content-encoding")).strip()
        if coding.lower() not in ("", "identity"):
            raise Refused(415, f"send the body as it is, without Content-Encoding: {one_line(coding, 40)}")


async def _body(request: Request, most: int, seconds: float) -> bytes:
    """The text of a request.

    Raises:
        Refused: 413 as soon as it is too long, 408 when it does not arrive in time.
    """
    if (
        request.headers.get("content-length", "0").isdigit()
        and int(request.headers.get("content-length", "0")) > most
    ):
        raise Refused(413, f"the body is longer than {most} bytes; send the points in parts")

    async def read() -> bytes:
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise Refused(413, f"the body is longer than {most} bytes; send the points in parts")
            parts.append(part)
        return b"".join(parts)

    try:
        return await asyncio.wait_for(read(), seconds)
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {num(seconds)} s") from None
