"""A real HTTP server on this machine that answers chat completions, or misbehaves as told. Standard library only."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Writer = asyncio.StreamWriter


@dataclass
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


@dataclass
class Server:
    """Answers each request with the next of `script`, and with `usual` when that is used up."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    script: list[Behaviour] = field(default_factory=list)
    usual: Behaviour | None = None
    most_at_once: int = 0
    _open: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
                body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))))
                self.received.append(Received(first.split()[1], headers, body, time.monotonic()))
                self._open += 1
                self.most_at_once = max(self.most_at_once, self._open)
                behaviour = self.script.pop(0) if self.script else self.usual
                assert behaviour is not None
                try:
                    await behaviour(writer, body)
                finally:
                    self._open -= 1
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


Behaviour = Callable[[Writer, dict[str, Any]], Any]


def response(status: str, content: bytes, extra: Sequence[str] = ()) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Content-Type: application/json", *extra]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def completion(text: str | None, finish: str = "stop", usage: tuple[int, int] | None = (100, 20)) -> bytes:
    found: dict[str, Any] = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]}
    if usage:
        found["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return json.dumps(found).encode()


def says(text: str | None, delay_s: float = 0.0, **more: Any) -> Behaviour:
    async def behave(writer: Writer, body: dict[str, Any]) -> None:
        await asyncio.sleep(delay_s)
        writer.write(response("200 OK", completion(text, **more)))

    return behave


def computes(answer: Callable[[dict[str, Any]], str], delay_s: float = 0.0) -> Behaviour:
    """The text that `answer` makes of the request's body."""

    async def behave(writer: Writer, body: dict[str, Any]) -> None:
        await asyncio.sleep(delay_s)
        writer.write(response("200 OK", completion(answer(body))))

    return behave


def status(line: str, *extra: str, content: bytes = b"{}") -> Behaviour:
    async def behave(writer: Writer, body: dict[str, Any]) -> None:
        writer.write(response(line, content, extra))

    return behave


def raw(content: bytes) -> Behaviour:
    """A 200 with this content."""
    return status("200 OK", content=content)


def hangs(seconds: float = 30.0) -> Behaviour:
    async def behave(writer: Writer, body: dict[str, Any]) -> None:
        await asyncio.sleep(seconds)

    return behave


def cuts(after: int = 0) -> Behaviour:
    """Breaks the connection off after so many bytes of a good response."""

    async def behave(writer: Writer, body: dict[str, Any]) -> None:
        writer.write(response("200 OK", completion('{"reason": "", "choice": "A"}'))[:after])
        await writer.drain()
        writer.transport.abort()

    return behave


def drips(every_s: float) -> Behaviour:
    """A good response, a byte at a time."""

    async def behave(writer: Writer, body: dict[str, Any]) -> None:
        for byte in response("200 OK", completion('{"reason": "", "choice": "A"}')):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(every_s)

    return behave


def floods(num_bytes: int) -> Behaviour:
    """A 200 whose content does not end for so many bytes."""

    async def behave(writer: Writer, body: dict[str, Any]) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {num_bytes}\r\n\r\n".encode())
        for _ in range(num_bytes // 65536):
            writer.write(b" " * 65536)
            await writer.drain()

    return behave


@contextmanager
def running(usual: Behaviour | None = None, *script: Behaviour) -> Iterator[Server]:
    """The server in a thread, until the context ends."""
    server = Server(script=list(script), usual=usual)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    listeners: list[asyncio.Server] = []

    async def serve() -> None:
        listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
        listeners.append(listener)
        server.port = listener.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:

        async def end() -> None:
            listeners[0].close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
