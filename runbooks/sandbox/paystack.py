"""A fake Paystack: every transaction it is asked for has succeeded. `python -P -m ...paystack LISTENING_FD`."""

from __future__ import annotations

import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_AMOUNT_KOBO = 1_000_000


async def verify(request: Request) -> JSONResponse:
    """Answers in the shape of Paystack's own "verify transaction"."""
    if not request.headers.get("authorization", "").startswith("Bearer "):
        return JSONResponse({"status": False, "message": "No Authorization Header was found"}, status_code=401)
    data = {
        "reference": request.path_params["reference"],
        "status": "success",
        "amount": _AMOUNT_KOBO,
        "currency": "NGN",
        "gateway_response": "Approved",
    }
    return JSONResponse({"status": True, "message": "Verification successful", "data": data})


async def health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


def build() -> Starlette:
    return Starlette(routes=[Route("/transaction/verify/{reference}", verify), Route("/health", health)])


def main() -> None:
    config = uvicorn.Config(
        build(), loop="uvloop", http="httptools", ws="none", lifespan="off", log_level="warning",
        timeout_graceful_shutdown=1,
        # longer than the application keeps one: a slow line must not make it send into a connection just closed
        timeout_keep_alive=75,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
