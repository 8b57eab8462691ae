"""El contador de visitas del curso: una página que cuenta en redis cuántas veces se ha pedido."""

import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REDIS_HOST = os.environ.get("REDIS_HOST", "redis")


def count_visit() -> int:
    """Suma uno a la clave «visitas» y devuelve cuántas van. Habla el protocolo de redis (RESP) a mano."""
    with socket.create_connection((REDIS_HOST, 6379), timeout=2) as redis:
        redis.sendall(b"*2\r\n$4\r\nINCR\r\n$7\r\nvisitas\r\n")
        return int(redis.makefile("rb").readline()[1:])


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        try:
            status, text = 200, f"Visitas: {count_visit()}\n"
        except OSError as error:
            status, text = 503, f"No encuentro redis en «{REDIS_HOST}»: {error}\n"
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    print(f"Contador en el puerto 5000; redis en «{REDIS_HOST}»", flush=True)
    ThreadingHTTPServer(("", 5000), Page).serve_forever()
