"""Starts the services for a Python test: a relay and a signalling service on free ports, in an empty
data directory, and stops them. Standard library only."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def take_build_option():
    """--build DIR, taken off sys.argv before unittest sees it; the release build when it is left out."""
    if "--build" not in sys.argv:
        return os.path.join(ROOT, "build", "release")
    at = sys.argv.index("--build")
    build = os.path.abspath(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    return build


def free_port(kind=socket.SOCK_STREAM, count=1):
    """The first of `count` free ports in a row; with SOCK_DGRAM free in UDP and in TCP, as media ports are. Below those that the
    kernel gives to connections, and anywhere among them: tests beside this one look for theirs as well."""
    kinds = {kind, socket.SOCK_STREAM}
    while True:
        base = random.randrange(10240, 32000 - count)
        try:
            for port in range(base, base + count):
                for each in kinds:
                    with socket.socket(socket.AF_INET, each) as probe:
                        probe.bind(("", port))  # on every address: some programs take them all
            return base
        except OSError:
            continue


def delay_buckets(counted, kind):
    """{upper edge in seconds: packets of all shards that were in the relay so long at most}, from counters of Stack.metrics()."""
    buckets = {}
    for name, value in counted.items():
        found = re.match(r'amphi_delay_seconds_bucket\{.*kind="%s",le="([^"]+)"\}' % kind, name)
        if found:
            edge = float(found.group(1))
            buckets[edge] = buckets.get(edge, 0) + value
    return buckets


def relay_delays(counted):
    """Delay that the relay added by its own clock, from counters of Stack.metrics(): {kind: {"p50": ms, ...}}, upper edges of its
    histogram's buckets."""
    out = {}
    for kind in ("voice", "video"):
        buckets = delay_buckets(counted, kind)
        total = buckets.get(float("inf"), 0)
        if total > 0:
            out[kind] = {f"p{share:g}": next(edge for edge in sorted(buckets) if buckets[edge] >= total * share / 100) * 1000
                         for share in (50, 95, 99, 99.9, 100)}
    return out


def relay_share_later(counted, kind, milliseconds):
    """The share of packets that were in the relay for longer, from the same counters. An edge of the histogram."""
    buckets = delay_buckets(counted, kind)
    return 1 - buckets[milliseconds / 1000] / buckets[float("inf")]


def waited_s(pid, name=""):
    """How long a process was ready to run and others had its core, in seconds: the longest of any thread whose name begins so."""
    waited = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as comm, open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as stat:
                if comm.read().startswith(name):
                    waited.append(int(stat.read().split()[1]) / 1e9)
        except FileNotFoundError:
            continue  # a thread that has just ended
    return max(waited)


class Stack:
    def __init__(self, build, shards=2, environment=None, address="127.0.0.1", relay_options=()):
        self.relay_options = relay_options
        self.bin = os.path.join(build, "bin")
        self.folder = tempfile.TemporaryDirectory(prefix="amphi-test-")
        self.data = self.folder.name
        self.address = address
        self.port = free_port()
        self.media_port = free_port(socket.SOCK_DGRAM, max(shards, 1))
        self.base_url = f"http://{address}:{self.port}"
        self.environment = dict(os.environ, **(environment or {}))
        self.shards = shards
        self.relay = self.signaling = None
        try:
            self.start_relay()
            self.start_signaling()
            self.wait_ready()
        except BaseException:
            self.stop()  # nothing is left running of what did not come up
            raise

    def _start(self, name, *arguments):
        log = open(os.path.join(self.data, f"{name}.log"), "ab")
        process = subprocess.Popen([os.path.join(self.bin, f"amphi-{name}"), *map(str, arguments)], stdout=log,
                                   stderr=log, env=self.environment)
        log.close()
        return process

    def start_relay(self):
        self.relay = self._start("relay", "--bind", self.address, "--advertise", self.address, "--media-port", self.media_port, "--shards",
                                 self.shards, "--control-socket", os.path.join(self.data, "relay.sock"), *self.relay_options)

    def start_signaling(self):
        self.signaling = self._start(
            "signaling", "--bind", self.address, "--port", self.port, "--data", self.data, "--base-url", self.base_url,
            "--relay-socket", os.path.join(self.data, "relay.sock"), "--web-root",
            os.path.join(ROOT, "client-demo", "web"), "--modules-root",
            os.path.join(ROOT, "client-demo", "node_modules"), "--plain-http")

    def wait_ready(self, seconds=20):
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(self.base_url + "/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        break
            except (urllib.error.URLError, OSError):
                pass
            for name in ("relay", "signaling"):
                if getattr(self, name).poll() is not None:
                    raise RuntimeError(f"amphi-{name} ended: {self.log(name)[-2000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError("not ready: " + self.log("relay")[-1000:] + self.log("signaling")[-1000:])
            time.sleep(0.05)
        with open(os.path.join(self.data, "api_key"), encoding="ascii") as key:
            self.api_key = key.read().strip()

    def log(self, name):
        with open(os.path.join(self.data, f"{name}.log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def request(self, method, path, body=None, token=None, content_type="application/json", headers=None):
        """(status, headers, body bytes). `token` is the bearer; the API key for /api/ when None."""
        data = body
        if isinstance(body, (dict, list)):
            data = json.dumps(body).encode()
        elif isinstance(body, str):
            data = body.encode()
        request = urllib.request.Request(self.base_url + path, data=data, method=method, headers=headers or {})
        if token is None and path.startswith("/api/"):
            token = self.api_key
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if data is not None:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def api(self, method, path, body=None):
        status, _, text = self.request(method, "/api/v1" + path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {text!r}")
        return json.loads(text) if text else None

    def new_class(self, title="Essai"):
        return self.api("POST", "/classes", {"title": title})["class_id"]

    def invite(self, class_id, role, name="", **more):
        return self.api("POST", f"/classes/{class_id}/invites",
                        dict({"role": role, "name": name, "expires_in_s": 3600, "single_use": False}, **more))

    def participants(self, class_id):
        return self.api("GET", f"/classes/{class_id}/participants")["participants"]

    def metrics(self):
        """{name with labels: value}"""
        _, _, text = self.request("GET", "/metrics")
        values = {}
        for line in text.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
        return values

    def stop(self):
        started = [process for process in (self.signaling, self.relay) if process is not None]
        for process in started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        codes = []
        for process in started:
            try:
                codes.append(process.wait(timeout=10))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append("did not stop on SIGTERM")
        self.codes = codes
        self.logs = {name: self.log(name) for name in ("relay", "signaling") if getattr(self, name) is not None}
        self.folder.cleanup()
        return codes
