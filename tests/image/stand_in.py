"""A server that speaks OpenAI's protocol: vectors made of letters, and an answer that comes slowly, word for word.

What stands in for the hosted models that no image is tried with: the program is the real one, and only what it is told is
made here. Texts whose words begin alike are near each other.
"""

import json
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

DIMENSIONS = 1024


def vector(text):
    """Counts of three letters in a row at the places that their digests name; never all zero."""
    counts = [0.0] * DIMENSIONS
    for word in "".join(c.lower() if c.isalnum() else " " for c in text).split():
        for start in range(len(word)):
            counts[zlib.crc32(f" {word} "[start : start + 3].encode()) % DIMENSIONS] += 1.0
    counts[0] += 0.01
    return counts


def sentence(words):
    """An answer of so many words, each with its number, that cites the first passage."""
    return " ".join(f"word{number}" for number in range(1, words)) + " end [1]."


class StandIn:
    """Runs until the process ends. `words` and `pause`, in seconds, hold for each answer from then on."""

    def __init__(self):
        self.words, self.pause = 10, 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path.endswith("/embeddings"):
                    data = [{"index": i, "embedding": vector(text)} for i, text in enumerate(asked["input"])]
                    self.whole({"data": data})
                elif asked.get("stream"):
                    self.stream(sentence(outer.words), outer.pause)
                else:
                    message = {"role": "assistant", "content": sentence(outer.words)}
                    self.whole({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

            def whole(self, body):
                body = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self, text, pause):
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                try:
                    for piece in text.split(" "):
                        piece = piece if piece == "word1" else f" {piece}"
                        self.event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
                        # A model takes its time.
                        time.sleep(pause)
                    self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                    self.event({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": outer.words}})
                    self.wfile.write(b"data: [DONE]\n\n")
                except (BrokenPipeError, ConnectionResetError):
                    # The program hangs up where it cuts an answer.
                    pass

            def event(self, body):
                self.wfile.write(f"data: {json.dumps(body)}\n\n".encode())
                self.wfile.flush()

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/v1"
