"""Calls each method of notes.proto with gRPC's own client: python3 client.py [ADDRESS]"""

import queue
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

SERVICE = "/kino.example.Notes/"


def varint(number):
    number &= (1 << 64) - 1
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def encode(note):
    """A pair of text and number as notes.proto has it: what protoc would write for you."""
    text, number = note
    data = text.encode()
    return (b"\x0a" + varint(len(data)) + data if data else b"") + (b"\x10" + varint(number) if number else b"")


def decode(data):
    text, number, at = "", 0, 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        if take() == 0x0A:
            length = take()
            text = data[at:at + length].decode()
            at += length
        else:
            number = take()
            number -= (number >> 63) << 64
    return text, number


class Notes:
    def __init__(self, channel):
        codec = {"request_serializer": encode, "response_deserializer": decode}
        self.echo = channel.unary_unary(SERVICE + "Echo", **codec)
        self.count = channel.unary_stream(SERVICE + "Count", **codec)
        self.sum = channel.stream_unary(SERVICE + "Sum", **codec)
        self.chat = channel.stream_stream(SERVICE + "Chat", **codec)
        self.unknown = channel.unary_unary(SERVICE + "Unknown", **codec)


def failure(name, call):
    try:
        result = call()
        print(f"{name}: answered {result}")
    except grpc.RpcError as error:
        print(f"{name}: {error.code().name}, {error.details()}")


def unary(notes):
    (text, number), call = notes.echo.with_call(("hello", -7), metadata=[("x-name", "Python")], timeout=60)
    trailers = dict(call.trailing_metadata())
    print(f"Echo: {text}, {number}, x-length {trailers['x-length']}, {call.code().name}")
    text, _ = notes.echo(("long" * 250_000, 0), timeout=60)
    print(f"Echo of a megabyte: {len(text)} characters back")


def streams(notes):
    print("Count:", *[number for _, number in notes.count(("", 5), timeout=60)])
    print("Count of many:", sum(1 for _ in notes.count(("", 20_000), timeout=60)))
    print("Sum:", *notes.sum((("", number) for number in range(1, 5)), timeout=60))
    print("Sum of nothing:", *notes.sum(iter(()), timeout=60))
    print("Sum of many:", *notes.sum((("x" * 1000, 1) for _ in range(5_000)), timeout=60))


def chat(notes, words):
    """Says the next word only when it has heard the answer to the one before."""
    said = queue.Queue()
    call = notes.chat(iter(said.get, None), timeout=60)
    for word in words:
        said.put((word, 0))
        yield next(call)[0]
    said.put(None)
    yield f"{sum(1 for _ in call)} more, {call.code().name}"


def both_ways(notes):
    print("Chat:", *chat(notes, ["how", "are", "you"]))


def failures(notes):
    failure("Echo without a text", lambda: notes.echo(("", 0), timeout=60))
    failure("A method that isn't there", lambda: notes.unknown(("", 0), timeout=60))
    failure("Count without an end, in half a second", lambda: list(notes.count(("", 0), timeout=0.5)))

    call = notes.count(("", 0))
    first = [next(call)[1] for _ in range(3)]
    call.cancel()
    failure(f"Count without an end, cancelled after {first}", lambda: list(call))


def many(notes):
    """Many calls at once on one connection."""
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: notes.echo(("note", number), timeout=60), range(1_000)))
        print("1,000 calls of 50 threads:", "all answered" if [n for _, n in answers] == list(range(1_000)) else answers)
        chats = set(pool.map(lambda _: " ".join(chat(notes, ["and", "you"])), range(50)))
        print("50 chats at once:", *chats)


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"
    with grpc.insecure_channel(address) as channel:
        notes = Notes(channel)
        for step in [unary, streams, both_ways, failures, many]:
            step(notes)


if __name__ == "__main__":
    main()
