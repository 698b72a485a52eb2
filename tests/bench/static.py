"""Pages of a set, rendered once into files → a server that does nothing but send them: the far end costs nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path

import httpx

_DEFINITION = {"LogicalName": "account", "EntitySetName": "accounts", "PrimaryIdAttribute": "accountid"}


def render(address: str, token: str, folder: Path) -> int:
    """Save the pages behind an address as files, each linking to the next by its number; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    number, link = 0, address
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=120, trust_env=False) as client:
        while link:
            body = client.get(link).raise_for_status().content
            start = body.rfind(b',"@odata.nextLink":"')
            link = json.loads(body[start + 20 - 1 : -1]) if start >= 0 else ""
            if link:
                following = f"http://127.0.0.1:PORT0/api/data/v9.2/accounts?page={number + 1}"
                body = body[:start] + f',"@odata.nextLink":"{following}"}}'.encode()
            (folder / f"{number}.json").write_bytes(body)
            number += 1
    return number


async def _serve(folder: Path) -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    loop = asyncio.get_running_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _request(reader):
            target = head.split(b" ", 2)[1].decode()
            if "EntityDefinitions" in target:
                body = json.dumps({"value": [_DEFINITION]}).encode()
            else:
                number = target.partition("page=")[2] or "0"
                body = await loop.run_in_executor(None, (folder / f"{number}.json").read_bytes)
                tail = body[-200:].replace(b":PORT0/", f":{port}/".encode())
                body = body[:-200] + tail
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json; odata.metadata=minimal\r\nOData-Version: 4.0\r\n"
                b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n"
            )
            writer.write(body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, sock=listener, limit=1 << 20)
    sys.stdout.write(json.dumps({"dv": f"http://127.0.0.1:{port}/api/data/v9.2", "token": "none"}) + "\n")
    sys.stdout.flush()
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


async def _request(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
