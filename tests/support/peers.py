"""The independent peers of tests/interop as Python objects, for other tests too."""

import json
import os
import shutil
import subprocess
import tempfile

INTEROP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "interop")


def build_pion():
    """Debian ships pion for GOPATH mode; the source is copied there, since a versioned import path needs it.
    Returns (folder to remove, program)."""
    go = next((p for p in ("/usr/lib/go-1.19/bin/go", "/usr/lib/go/bin/go") if os.path.exists(p)), "go")
    path = tempfile.mkdtemp(prefix="amphi-pion-")
    source = os.path.join(path, "src", "pion-peer")
    shutil.copytree(os.path.join(INTEROP, "pion"), source)
    program = os.path.join(path, "pion-peer")
    environment = dict(os.environ, GO111MODULE="off", GOPATH=f"{path}:/usr/share/gocode", GOFLAGS="", GOTOOLCHAIN="local")
    subprocess.run([go, "build", "-o", program, "."], cwd=source, env=environment, check=True, timeout=300)
    return path, program


class Peer:
    """A peer program under way; `report()` waits for its last line of JSON."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_connected(self):
        line = self.process.stdout.readline()
        if '"connected"' not in line:
            raise RuntimeError(f"no connection: {line} {self.process.stderr.read()[-2000:]}")

    def report(self, timeout=60):
        out, err = self.process.communicate(timeout=timeout)
        if self.process.returncode != 0:
            raise RuntimeError(f"exit {self.process.returncode}: {err[-2000:]}")
        return json.loads(out.strip().splitlines()[-1])


def python_peer(program, action, url, token, seconds, *more):
    return Peer("/usr/bin/python3", os.path.join(INTEROP, program), action, "--url", url, "--token", token, "--seconds",
                seconds, *more)
