"""The servers that the benchmark measures, each pinned to one core. Standard library only."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.stack import Stack, relay_delays  # noqa: E402

JANUS_LIBRARIES = "/usr/lib/x86_64-linux-gnu/janus"


class Amphi:
    """A relay of one shard and the signalling service, as ./run starts them."""

    def __init__(self, build, address, core, shards=1):
        self.stack = PinnedStack(build, address, core, shards)
        self.url = self.stack.base_url
        self.pids = [self.stack.relay.pid, self.stack.signaling.pid]

    def load_options(self):
        class_id = self.stack.new_class("Mesure")
        return ["--server", "amphi", "--class", class_id,
                "--trainer-token", self.stack.invite(class_id, "trainer", "Formatrice")["token"],
                "--learner-token", self.stack.invite(class_id, "learner", "Apprenant")["token"]]

    def watch(self):
        """Notes the relay's own figures each second until stop(): [(unix time, metrics)]."""
        self.samples, self.over = [], threading.Event()

        def run():
            while not self.over.wait(1):
                try:
                    self.samples.append((time.time(), self.stack.metrics()))
                except OSError:
                    pass
        self.watcher = threading.Thread(target=run)
        self.watcher.start()

    def between(self, began, ended):
        """What the relay counted within that time, to its reports' two seconds: {name with labels: difference}."""
        inside = [metrics for at, metrics in self.samples if began + 2 <= at <= ended + 1]
        if len(inside) < 2:
            return {}
        return {name: value - inside[0].get(name, 0) for name, value in inside[-1].items()}

    def relay_delays(self, began, ended):
        """Delay that the relay added, by its own clock."""
        return relay_delays(self.between(began, ended))

    def stop(self):
        if hasattr(self, "over"):
            self.over.set()
            self.watcher.join()
        self.stack.stop()


class PinnedStack(Stack):
    def __init__(self, build, address, core, shards):
        self.cores = set(range(core, core + shards))
        super().__init__(build, shards=shards, address=address)

    def _start(self, name, *arguments):
        process = super()._start(name, *arguments)
        os.sched_setaffinity(process.pid, self.cores)
        return process


class Janus:
    """Debian's Janus with the VideoRoom plugin and the HTTP transport alone."""

    def __init__(self, address, core, event_loops):
        self.folder = tempfile.TemporaryDirectory(prefix="amphi-janus-")
        self.write_configuration(address, event_loops)
        self.url = f"http://{address}:8088"
        self.log = open(os.path.join(self.folder.name, "log"), "wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), "janus", "-F", self.folder.name, "-C", os.path.join(self.folder.name, "janus.jcfg")],
            stdout=self.log, stderr=self.log)
        self.pids = [self.process.pid]
        self.wait_ready()

    def write_configuration(self, address, event_loops):
        def names(kind, keep):
            return ",".join(n for n in sorted(os.listdir(os.path.join(JANUS_LIBRARIES, kind))) if n.endswith(".so") and keep not in n)

        loops = f"event_loops = {event_loops}" if event_loops else ""
        files = {
            "janus.jcfg": f"""
general: {{ configs_folder = "{self.folder.name}" plugins_folder = "{JANUS_LIBRARIES}/plugins"
  transports_folder = "{JANUS_LIBRARIES}/transports" events_folder = "{JANUS_LIBRARIES}/events"
  loggers_folder = "{JANUS_LIBRARIES}/loggers" debug_level = 3 interface = "{address}" {loops} }}
media: {{ ipv6 = false }}
nat: {{ ice_tcp = false ice_enforce_list = "{address}" }}
plugins: {{ disable = "{names('plugins', 'videoroom')}" }}
transports: {{ disable = "{names('transports', 'http')}" }}
events: {{ broadcast = false }}
""",
            "janus.transport.http.jcfg": f'general: {{ json = "compact" base_path = "/janus" http = true port = 8088 ip = "{address}" https = false }}\n'
                                         "admin: { admin_http = false }\n",
            "janus.plugin.videoroom.jcfg": "general: { }\n",
        }
        for name, text in files.items():
            with open(os.path.join(self.folder.name, name), "w", encoding="ascii") as file:
                file.write(text)

    def wait_ready(self):
        deadline = time.monotonic() + 15
        while True:
            try:
                with urllib.request.urlopen(self.url + "/janus/info", timeout=2) as answer:
                    self.version = re.search(rb'"version_string":\s*"([^"]+)"', answer.read()).group(1).decode()
                    return
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.log.flush()
                    with open(self.log.name, encoding="utf-8", errors="replace") as log:
                        raise RuntimeError("janus did not start: " + log.read()[-2000:]) from None
                time.sleep(0.1)

    def load_options(self):
        return ["--server", "janus"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()
