"""Runs an image as ECS does, against PostgreSQL and Valkey of this machine: the whole round, and an end while a stream is open.

    run.py ROOTFS INSPECTED WORK PROGRAM

PROGRAM is the one of the image, for the servers beside it, which run on this machine itself.

Models stand beside it (stand_in.py). Ends with status 0, or with 1 and what was wrong.
"""

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPConnection
from pathlib import Path

from container import Image
from stand_in import DIMENSIONS, StandIn, sentence
from writes import writable

# Defaults of the program, as the handbook tells them.
DRAIN_SECONDS, SHUTDOWN_SECONDS = 15, 20
PASSWORD = "only-for-this-test"


def need(holds, fault):
    if not holds:
        raise SystemExit(f"image: {fault}")


def until(what, seconds, holds):
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not holds():
        need(time.monotonic() < end, f"{what} did not come within {seconds} s")
        time.sleep(0.05)


class Services:
    """PostgreSQL and Valkey, by the program of the image run on this machine. They end with our end of the pipe."""

    def __init__(self, program):
        command = [program, "services", "--ephemeral"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told = json.loads(self.process.stdout.readline())
        need("postgres" in told, f"the services do not start: {told.get('error')}")
        self.admin, self.valkey = told["postgres"]["url"], told["valkey"]
        self.psql = str(Path(told["postgres"]["bin_dir"]) / "psql")
        self.app = f"postgres://pidima_app:{PASSWORD}@127.0.0.1:{told['postgres']['port']}/postgres"

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def free_port():
    """A port that nobody listens at, below those that a system gives to connections on their way out."""
    while True:
        port = random.randrange(10_000, 20_000)
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Server:
    """The image as it serves, on a port of its own."""

    def __init__(self, image, env, arguments=()):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        begun = time.monotonic()
        self.container = image.start(arguments, {**env, "PIDIMA_LISTEN": f"0.0.0.0:{self.port}"})
        until("the server", 60, lambda: self.status("/readyz") == 200 or not self.container.is_running())
        need(self.container.is_running(), f"the server has ended: {self.container.log.read_text()}")
        print(f"ready {time.monotonic() - begun:.2f} s after its start")

    def status(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def stop(self):
        """Sends SIGTERM; gives the status of its end, and the seconds that it took."""
        begun = time.monotonic()
        self.container.kill("TERM")
        return self.ended(begun)

    def ended(self, begun):
        status, _, _ = self.container.wait(SHUTDOWN_SECONDS + 40)
        return status, time.monotonic() - begun


class Stream:
    """An answer while it is written."""

    def __init__(self, server, key, question):
        self.connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "accept": "text/event-stream"}
        self.connection.request("POST", "/v1/answers", json.dumps({"question": question}), headers)
        self.response = self.connection.getresponse()
        if self.response.status != 200:
            raise SystemExit(f"image: the question got {self.response.status}: {self.response.read()[:500]}")
        self.events = []

    def next(self):
        """The next event, or none at the end."""
        while line := self.response.readline().decode():
            if line.startswith("data:"):
                event = json.loads(line[5:])
                self.events.append(event)
                return event
        return None

    def texts(self):
        return [event["text"] for event in self.events if event["type"] == "delta"]


def upload(server, key):
    """A document that the questions are about, in search when this returns."""
    text = "# Keys\n\nThe word1 key of the word2 gate lives for 90 days.\n"
    head = 'Content-Disposition: form-data; name="file"; filename="keys.md"\r\nContent-Type: text/markdown'
    body = f"--edge\r\n{head}\r\n\r\n{text}\r\n--edge--\r\n".encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "multipart/form-data; boundary=edge"}
    request = urllib.request.Request(f"{server.url}/v1/documents?wait=ready", body, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        document = json.load(response)
    need(document["state"] == "ready", f"the document is {document}")


def ends_in_the_middle(image, env, key, model, words, pause):
    """Asks, sends SIGTERM at the first text, reads on: the events, texts before the signal, status, and seconds to the end."""
    model.words, model.pause = words, pause
    server = Server(image, env)
    upload(server, key)
    stream = Stream(server, key, "For how long does the word1 key of the word2 gate live?")
    while not stream.texts():
        need(stream.next() is not None, f"the stream ended without a text: {stream.events}")
    begun = time.monotonic()
    server.container.kill("TERM")
    until("an end of new connections", 5, lambda: server.status("/healthz") is None)
    need(server.container.is_running(), "the process ended while its stream was open")
    before = len(stream.texts())
    while stream.next():
        pass
    streamed = time.monotonic() - begun
    status, seconds = server.ended(begun)
    need(status == 0, f"the process ended with {status}: {server.container.log.read_text()[-2000:]}")
    return stream, before, streamed, seconds


def stays_inside(image, server):
    """What the process may write, tried from its own place and with its own rights; and by the program itself."""
    open_places = writable(server.container.pid())
    need(open_places == ["/tmp"], f"the process can write to {open_places}, not to /tmp alone")
    for path, expected in (("/pidima.json", 1), ("/etc/pidima/x", 1), ("/tmp/x", 0)):
        status, said = server.container.exec("/pidima", "openapi", "--output", path)
        need((status == 0) == (expected == 0), f"writing {path} ended with {status}: {said}")
        print(f"writing {path}: {said.strip().rsplit(': ', 1)[-1] if status else 'done'}")
    status, said = server.container.exec("/bin/sh", "-c", "true")
    need(status != 0, "there is a shell")


def main():
    rootfs, inspected, work, program = sys.argv[1:]
    image = Image(rootfs, inspected, work)
    services = Services(program)
    try:
        probe(image, StandIn(), services)
    finally:
        image.end()
        services.stop()


def probe(image, model, services):
    image.run(["migrate"], {"PIDIMA_ADMIN_DATABASE_URL": services.admin, "PIDIMA_APP_PASSWORD": PASSWORD})
    print("migrated by the image")
    env = {
        "DATABASE_URL": services.app,
        "PIDIMA_REDIS_URL": services.valkey,
        "PIDIMA_OBJECTS_DIR": "/tmp/objects",
        "PIDIMA_EMBEDDING_PROVIDER": "openai",
        "PIDIMA_EMBEDDING_BASE_URL": model.url,
        "PIDIMA_EMBEDDING_MODEL": "words",
        "PIDIMA_EMBEDDING_DIMENSIONS": str(DIMENSIONS),
        "PIDIMA_LOG_FORMAT": "json",
    }
    key = image.run(["tenant", "create", "image"], env).strip()
    admin = {**env, "PIDIMA_ADMIN_DATABASE_URL": services.admin}
    analyst = image.run(["tenant", "grant-analyst", "image"], admin).strip()

    server = Server(image, env)
    need(server.status("/healthz") == 200, "/healthz does not answer")
    status, said = server.container.exec("/pidima", "healthcheck")
    need(status == 0, f"/pidima healthcheck ended with {status}: {said}")
    print("/healthz and /pidima healthcheck: alive")
    stays_inside(image, server)
    told = {"PIDIMA_URL": server.url, "PIDIMA_API_KEY": key, "DATABASE_URL_ANALYST": analyst, "PSQL": services.psql}
    script = Path(__file__).parent.parent / "round.sh"
    subprocess.run(["sh", str(script)], env={**os.environ, **told}, check=True)
    status, seconds = server.stop()
    need(status == 0, f"an idle server ended with {status}")
    print(f"an idle server ends with 0, {seconds:.2f} s after SIGTERM")

    worker = image.start(["worker"], env)
    until("the worker", 60, lambda: '"working"' in worker.log.read_text())
    worker.kill("TERM")
    status, _, said = worker.wait(60)
    need(status == 0, f"an idle worker ended with {status}: {said}")
    print("a worker ends with 0 after SIGTERM")

    asked = {
        **env,
        "PIDIMA_MODEL_PROVIDER": "openai",
        "PIDIMA_OPENAI_BASE_URL": model.url,
        "PIDIMA_OPENAI_MODEL": "slow",
    }
    drained(image, asked, key, model)
    cut(image, asked, key, model)
    print("image: all is well")


def drained(image, env, key, model):
    """An answer that takes half of the drain time is completed, word for word."""
    words = 50
    stream, before, streamed, seconds = ends_in_the_middle(image, env, key, model, words, DRAIN_SECONDS / 2 / words)
    last = stream.events[-1]
    need(last["type"] == "done" and last["answer"]["outcome"] == "answered", f"the stream ended with {last}")
    text = "".join(stream.texts())
    need(text == sentence(words) == last["answer"]["content"], f"the answer is not whole: {text}")
    need(seconds < DRAIN_SECONDS, f"the process took {seconds:.2f} s")
    print(f"SIGTERM after {before} of {len(stream.texts())} pieces of an answer: all {words} words came, whole {streamed:.2f} s "
          f"after the signal; status 0 after {seconds:.2f} s of {DRAIN_SECONDS} s ({seconds / DRAIN_SECONDS:.2f})")


def cut(image, env, key, model):
    """One that takes four times as long is cut, its reader is told so, and the process ends in time all the same."""
    words = 200
    stream, before, streamed, seconds = ends_in_the_middle(image, env, key, model, words, DRAIN_SECONDS * 4 / words)
    last = stream.events[-1]
    told = last["type"] == "done" and (last["answer"]["outcome"], last["answer"].get("outcome_reason")) == ("partial", "interrupted")
    need(told, f"a stream beyond the drain time ended with {last}")
    need(DRAIN_SECONDS <= seconds < SHUTDOWN_SECONDS, f"the process took {seconds:.2f} s")
    print(f"SIGTERM in an answer of {DRAIN_SECONDS * 4} s: cut, told as partial {streamed:.2f} s after the signal; "
          f"status 0 after {seconds:.2f} s of {SHUTDOWN_SECONDS} s ({seconds / SHUTDOWN_SECONDS:.2f})")


main()
