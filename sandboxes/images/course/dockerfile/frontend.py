"""What BuildKit runs for `# syntax=docker/dockerfile:1`: hands the build back to the reader of Dockerfiles that the engine has.

The lab has no way to Docker's own image, and a Dockerfile copied from the web must build all the same. BuildKit speaks gRPC
over a frontend's standard input and output (frontend/gateway/pb/gateway.proto): this asks it to solve the same build with
its own `dockerfile.v0`, and returns what came of it, as it came. Options say which syntax was asked for, so that it is not
asked for again. Refuses to read the Dockerfile.
"""

import base64
import os
import sys
from urllib.parse import unquote

import h2.config
import h2.connection
import h2.events

SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
OPTIONS = "BUILDKIT_FRONTEND_OPT_"


class Failure(Exception):
    """The engine's own answer to a call: a google.rpc.Status, encoded."""


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, data):
    """One length-delimited field of a message."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def flag(number):
    return varint(number << 3) + b"\x01"


def fields(message):
    """The length-delimited fields of a message, as (number, data)."""
    at = 0

    def read():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = read()
        size = read()
        if key & 7 == 2:
            yield key >> 3, message[at : at + size]
            at += size


def options():
    """What the build was asked with."""
    return [value.partition("=")[::2] for name, value in os.environ.items() if name.startswith(OPTIONS)]


class Bridge:
    """The engine, at the other end of our standard streams."""

    def __init__(self):
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._flush()

    def call(self, method, message):
        stream = self._connection.get_next_available_stream_id()
        asked = {
            ":method": "POST", ":scheme": "http", ":path": SERVICE + method, ":authority": "localhost",
            "content-type": "application/grpc", "te": "trailers",
        }  # fmt: skip
        self._connection.send_headers(stream, list(asked.items()))
        body = b"\0" + len(message).to_bytes(4, "big") + message
        while body:
            room = min(self._connection.local_flow_control_window(stream), self._connection.max_outbound_frame_size, len(body))
            if room:
                self._connection.send_data(stream, body[:room], end_stream=room == len(body))
                body = body[room:]
                self._flush()
            else:
                self._events()
        return self._answer(stream)

    def _answer(self, stream):
        said, headers = b"", {}
        while True:
            for event in self._events():
                if getattr(event, "stream_id", None) != stream:
                    continue
                match event:
                    case h2.events.DataReceived():
                        said += event.data
                        self._connection.acknowledge_received_data(event.flow_controlled_length, stream)
                    case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                        headers.update(event.headers)
                    case h2.events.StreamReset():
                        raise EOFError
                    case h2.events.StreamEnded():
                        if headers.get("grpc-status") != "0":
                            raise Failure(status_of(headers))
                        return said[5:]
            self._flush()

    def _events(self):
        heard = os.read(0, 65536)
        if not heard:
            raise EOFError
        found = self._connection.receive_data(heard)
        self._flush()
        return found

    def _flush(self):
        left = self._connection.data_to_send()
        while left:
            left = left[os.write(1, left) :]


def status_of(headers):
    details = headers.get("grpc-status-details-bin")
    if details:
        return base64.b64decode(details + "=" * (-len(details) % 4))
    return varint(1 << 3) + varint(int(headers.get("grpc-status", "2"))) + field(2, unquote(headers.get("grpc-message", "")).encode())


def main():
    bridge = Bridge()
    asked = field(2, b"dockerfile.v0")
    for name, value in options():
        asked += field(3, field(1, name.encode()) + field(2, value.encode()))
    try:
        solved = bridge.call("Solve", asked + flag(5) + flag(6))
        answer = b"".join(field(1, data) for number, data in fields(solved) if number == 3)
    except Failure as failure:
        answer = field(2, failure.args[0])
    bridge.call("Return", answer)


if __name__ == "__main__":
    sys.exit(main())
