"""One WebSocket connection of the Python package websockets, for a program on the other end of two pipes.

Standard input and output carry packets: a byte that says what it is, a length of 4 bytes (little endian), and so many bytes. In: a
binary message to send (M), the end (C). Out: the connection is open, with its extensions (O), a binary message (M), a ping of ours
was answered with its payload (P), the end, with its code (C).
"""
import asyncio
import struct
import sys

import websockets


def out(kind, data=b""):
    sys.stdout.buffer.write(kind + struct.pack("<I", len(data)) + data)
    sys.stdout.buffer.flush()


async def pings(ws):
    """The answer must bring back what was sent; the library sees to that."""
    for i in range(1 << 30):
        await asyncio.sleep(0.6)
        await (await ws.ping(bytes([i & 255]) * 100))
        out(b"P")


async def receive(ws):
    async for message in ws:
        out(b"M", message)


async def send(ws, stdin):
    while True:
        kind, n = struct.unpack("<cI", await stdin.readexactly(5))
        data = await stdin.readexactly(n)
        if kind == b"C":
            return
        await ws.send(data)


async def main(url, protocol):
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    async with websockets.connect(url, subprotocols=[protocol], ping_interval=None, max_size=1 << 20) as ws:
        out(b"O", ws.response_headers.get("Sec-WebSocket-Extensions", "").encode())
        tasks = [asyncio.ensure_future(t) for t in (pings(ws), receive(ws), send(ws, stdin))]
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for t in rest:
            t.cancel()
        for t in done:
            if t.exception() and not isinstance(t.exception(), asyncio.IncompleteReadError):
                print(repr(t.exception()), file=sys.stderr)
    out(b"C", struct.pack("<H", ws.close_code or 1006))


asyncio.run(main(*sys.argv[1:]))
