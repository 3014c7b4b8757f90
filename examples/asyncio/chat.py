"""A chat room over TCP, and its clock over UDP: asyncio's streams, datagrams, tasks and signals."""
import asyncio
import signal

rooms = {}  # who is there: name -> writer


async def tell(text, but=None):
    for name, writer in list(rooms.items()):
        if name != but:
            writer.write(f"{text}\n".encode())
            await writer.drain()


async def greet(reader, writer):
    """One person, from their first line, the name, to the end of what they send."""
    name = (await asyncio.wait_for(reader.readline(), 30)).decode().strip()
    if not name or name in rooms:
        writer.write(b"! another name, please\n")
    else:
        rooms[name] = writer
        await tell(f"* {name} came, {len(rooms)} here", but=name)
        writer.write(f"* welcome, {name}\n".encode())
        async for line in reader:
            await tell(f"{name}: {line.decode().strip()}", but=name)
        del rooms[name]
        await tell(f"* {name} left, {len(rooms)} here")
    writer.close()
    await writer.wait_closed()


class Counter(asyncio.DatagramProtocol):
    """Answers each datagram with its number and its text turned round."""

    count = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.count += 1
        self.transport.sendto(b"%d " % self.count + data[::-1], address)


async def main():
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    await loop.create_datagram_endpoint(Counter, local_addr=("0.0.0.0", 9001))
    async with await asyncio.start_server(greet, "0.0.0.0", 9000):
        print("the room is open", flush=True)
        await end.wait()
        await tell("* the room closes")
    print("the room is closed", flush=True)


asyncio.run(main())
