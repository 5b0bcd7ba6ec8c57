"""What all measurements share: the stub, the servers, the requests, the load, and what /proc says of a process."""
import base64
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import time
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "run")
SPINE = os.environ.get("SPINE") or os.path.join(HERE, "../target/spine")
STUB = "http://127.0.0.1:4100"
DEALS = 10_000
TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")


def load(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return json.load(file)


SERVERS, QUERIES = load("servers.json"), load("queries.json")


def choice(name, default):
    """A setting from the environment: words with commas between them."""
    return (os.environ.get(name) or default).split(",")


def number(name, default):
    return int(os.environ.get(name) or default)


def post(url, body=b"", headers=None, method="POST", timeout=60):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, parts.path, body, {"content-type": "application/json", **(headers or {})})
        return connection.getresponse().read()
    finally:
        connection.close()


# Requests.

def cursor(deal):
    """Spine's cursor behind a deal: the system's own mark of the page that begins there, and no row to skip."""
    return base64.urlsafe_b64encode(json.dumps({"p": f"0:{deal}", "s": 0}).encode()).decode().rstrip("=")


def body(server, query, n):
    """The request that asks a server for a query about deal number n, or about the deals behind it."""
    spec, asked = SERVERS[server], QUERIES[query]
    spine = spec.get("dialect") == "spine"
    variables = {key: f"d{n}" if value == "dN" else value for key, value in asked["variables"].items()}
    if spine and "after" in variables:
        variables["after"] = cursor(variables["after"])
    text = asked["spine" if spine else "others"].replace("ID!", spec.get("id_type", "ID!"))
    return json.dumps({"operationName": query, "query": text, "variables": variables})


def deals(count, start=0):
    """So many numbers of deals, in an order that is the same every time and does not follow the records."""
    numbers = list(range(start, start + count))
    random.Random(7).shuffle(numbers)
    return numbers


# Processes.

class Process:
    """A server as its own process group; its output goes to run/NAME.log."""

    def __init__(self, name, command, port, env=None):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise SystemExit(f"something listens at port {port} already, so {name} cannot")
        os.makedirs(RUN, exist_ok=True)
        node = os.path.join(HERE, "peers/node/node_modules/.bin")
        env = {**os.environ, "PATH": f"{node}:{os.environ['PATH']}", "NODE_ENV": "production", "PORT": str(port),
               **(env or {})}
        self.log = os.path.join(RUN, f"{name}.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, cwd=HERE, env=env, stdout=log, stderr=log, start_new_session=True)
        self.pid = self.process.pid

    def stop(self):
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, sign)
                self.process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def family(self):
        """The process and all that descend from it."""
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                        todo += map(int, file.read().split())
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def _sum(self, path, value):
        total = 0
        for pid in self.family():
            try:
                with open(f"/proc/{pid}/{path}", encoding="utf-8") as file:
                    total += value(file.read())
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total

    def cpu_us(self):
        """Time on a core so far, user and system."""
        return self._sum("stat", lambda text: sum(map(int, text.rsplit(")", 1)[1].split()[11:13]))) * TICK_US

    def memory_mb(self, field="VmRSS"):
        """Resident memory; with `VmHWM` its peak since `forget_peak`."""
        def kb(text):
            return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(field))
        return round(self._sum("status", kb) / 1024, 1)

    def forget_peak(self):
        for pid in self.family():
            with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")

    def come_to_rest(self, at_most=15):
        """Waits until it works no more."""
        end, before = time.monotonic() + at_most, self.cpu_us()
        while time.monotonic() < end:
            time.sleep(0.1)
            now = self.cpu_us()
            if now - before <= TICK_US:
                return
            before = now


class Stub(Process):
    """The systems that everybody reads."""

    def __init__(self, records=DEALS):
        super().__init__("stub", ["target/release/stub"], urlsplit(STUB).port, {"DEALS": str(records)})
        wait_for(self, lambda: self.calls() is not None)

    def latency(self, ms):
        post(f"{STUB}/latency/{ms}")

    def reset(self):
        post(f"{STUB}/stats/reset")

    def calls(self):
        return json.loads(post(f"{STUB}/stats", method="GET"))["total"]


class Server(Process):
    """A server of servers.json in one of its modes."""

    def __init__(self, name, mode="cold", wrapper=(), env=None):
        spec = SERVERS[name]
        how = spec["modes"][mode]
        port = how.get("port", spec["port"])
        self.name, self.mode, self.headers = name, mode, how.get("headers", {})
        self.url = f"http://127.0.0.1:{port}/graphql"
        os.makedirs(RUN, exist_ok=True)
        places = {"$SPINE": SPINE, "$CONFIG": self.config(port, how.get("config", ""))}
        command = [*wrapper, *(places.get(word, word) for word in spec["start"])]
        super().__init__(f"{name}-{mode}", command, port, {**how.get("env", {}), **(env or {})})
        wait_for(self, lambda: b'"errors"' not in self.ask("Q1", 0))

    def config(self, port, more):
        """Spine's configuration in this mode."""
        path = os.path.join(RUN, f"spine-{self.mode}.toml")
        with open(os.path.join(HERE, "spine.toml"), encoding="utf-8") as base:
            text = base.read().replace(":4201", f":{port}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{text}\n{more}")
        return path

    def ask(self, query, n):
        return post(self.url, body(self.name, query, n).encode(), self.headers)


class Demo:
    """`spine demo`: an invented company, its systems, and Spine over them. Its log goes to run/demo.log."""

    def __init__(self, *options):
        os.makedirs(RUN, exist_ok=True)
        with open(os.path.join(RUN, "demo.log"), "ab") as log:
            command = [SPINE, "demo", "--port", "0", "--json", *options]
            self.process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{SPINE} demo does not start: see {log.name}")
        self.urls = json.loads(line)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def wait_for(process, ready):
    """Waits until a server answers as it should; under valgrind, or on a busy machine, that takes a while."""
    end = time.monotonic() + 180
    while time.monotonic() < end and process.process.poll() is None:
        try:
            if ready():
                return
        except (OSError, http.client.HTTPException, ValueError):
            pass
        time.sleep(0.1)
    process.stop()
    raise SystemExit(f"{process.process.args[0]} does not answer: see {process.log}")


# Load.

def fire(server, query, numbers, connections, secs, offset=0):
    """Keeps so many connections busy for so long with a query about each of these deals in turn; what wrk saw."""
    bodies = os.path.join(RUN, "bodies.jsonl")
    with open(bodies, "w", encoding="utf-8") as file:
        file.writelines(body(server.name, query, n) + "\n" for n in numbers)
    headers = "".join(f"{name}: {value}\n" for name, value in server.headers.items())
    env = {**os.environ, "BODIES": bodies, "HEADERS": headers, "OFFSET": str(offset)}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{secs}s", "--timeout", "10s", "-s", f"{HERE}/load.lua", server.url]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=secs + 60, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:])
    raise RuntimeError(done.stdout + done.stderr)


def at(times, part):
    """The value below which this part of the times lies, in ms."""
    return round(sorted(times)[min(int(len(times) * part), len(times) - 1)] * 1000, 2) if times else None


class Results:
    """A file of run/ with a JSON object a line."""

    def __init__(self, name):
        os.makedirs(RUN, exist_ok=True)
        self.path = os.path.join(RUN, name)
        with open(self.path, "w", encoding="utf-8"):
            pass

    def add(self, **row):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
