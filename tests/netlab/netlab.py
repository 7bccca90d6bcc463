"""A network laboratory: network namespaces joined by emulated lines (netlab-link). Needs root.

    with Lab() as lab:
        line = lab.join("server", "learner", seed=7, settings=["delay 10ms rate 20M"])
        lab.run("learner", ["ping", "-c", "3", line.near_ipv4])
        line.change("at 10 down rate 400k")

Namespaces carry the process's id in their name. They go when the `with` ends, however it ends; what
a killed process left behind is cleared away by the next one.
"""

import glob
import json
import os
import re
import shutil
import signal
import subprocess

PREFIX = "amphi-lab"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def why_not():
    """None when a laboratory can be had here, else the reason."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/dev/net/tun"):
        return "/dev/net/tun is missing"
    if not _programs():
        return "netlab-link is not built (./test quality builds it)"
    if shutil.which("ip") is None:
        return "iproute2 is missing"
    probe = f"{PREFIX}-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)
    if made.returncode != 0:
        return "no network namespaces: " + made.stderr.decode("utf-8", "replace").strip()
    subprocess.run(["ip", "netns", "del", probe], check=False)
    return None


def _programs():
    return glob.glob(os.path.join(ROOT, "build", "*", "bin", "netlab-link"))


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


run_ip = _ip  # for what a test sets up besides lines


def _is_alive(pid):
    return os.path.exists(f"/proc/{pid}")


def _clear_leftovers():
    listing = subprocess.run(["ip", "netns", "list"], capture_output=True, check=False).stdout.decode()
    for name, pid in re.findall(rf"^({PREFIX}-(\d+)-\S+)", listing, re.M):
        if not _is_alive(pid):
            # Only what a laboratory started lives in its namespaces.
            inside = subprocess.run(["ip", "netns", "pids", name], capture_output=True, check=False).stdout.split()
            for left in inside:
                try:
                    os.kill(int(left), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
            shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)


class Line:
    """One emulated line; `near` is the first namespace given to Lab.join. "down" leads from it."""

    def __init__(self, process, number):
        self.process = process
        self.near_ipv4, self.far_ipv4 = f"10.77.{number}.1", f"10.77.{number}.2"
        self.near_ipv6, self.far_ipv6 = f"fd77:{number:x}::1", f"fd77:{number:x}::2"

    def _ask(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()

    def change(self, text):
        """A line as in link_script.h; "at" counts from now. Raises ValueError when refused."""
        answer = self._ask(text)
        if answer != "ok":
            raise ValueError(f"{text!r}: {answer}")

    def stats(self):
        return json.loads(self._ask("stats"))


class Lab:
    """`build` is the folder with netlab-link; without it, the one built last in this checkout."""

    def __init__(self, build=None):
        self.program = os.path.join(build, "bin", "netlab-link") if build else max(_programs(), key=os.path.getmtime)
        self.names, self.lines, self.processes = {}, [], []

    def __enter__(self):
        _clear_leftovers()
        return self

    def __exit__(self, *_):
        self.close()

    def namespace(self, short):
        """The full name of namespace `short`, made when new."""
        if short not in self.names:
            name = f"{PREFIX}-{os.getpid()}-{short}"
            _ip("netns", "add", name)
            self.names[short] = name
            # Without a wait for duplicates an address is there at once: one that comes 2 s later is a change of the network
            # to a browser, which then drops what it loads (ERR_NETWORK_CHANGED).
            _ip("netns", "exec", name, "sh", "-c", "cd /proc/sys/net/ipv6/conf; echo 0 >all/accept_dad; echo 0 >default/accept_dad")
            _ip("-n", name, "link", "set", "lo", "up")
        return self.names[short]

    def join(self, near, far, seed=1, settings=()):
        """Joins two namespaces, each with the other's address and a default route from `far`."""
        number = len(self.lines) + 1
        spaces, device = [self.namespace(near), self.namespace(far)], f"line{number}"
        process = subprocess.Popen([self.program, f"{spaces[0]}:{device}", f"{spaces[1]}:{device}", str(seed)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = Line(process, number)
        self.lines.append(line)
        self.processes.append(process)
        if process.stdout.readline().strip() != b"ready":
            raise RuntimeError("netlab-link did not start")
        for space, ipv4, ipv6 in zip(spaces, (line.near_ipv4, line.far_ipv4), (line.near_ipv6, line.far_ipv6)):
            _ip("-n", space, "addr", "add", f"{ipv4}/24", "dev", device)
            _ip("-n", space, "addr", "add", f"{ipv6}/64", "dev", device, "nodad")
            _ip("-n", space, "link", "set", device, "mtu", "1500", "up")
        # Of several lines into one namespace the first is preferred.
        _ip("-n", spaces[1], "route", "add", "default", "via", line.near_ipv4, "metric", str(number))
        for text in settings:
            line.change(text)
        return line

    def name_host(self, short, host, address):
        """What runs in namespace `short` finds `host` there."""
        folder = f"/etc/netns/{self.namespace(short)}"  # ip netns exec lays it over /etc
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "hosts"), "w", encoding="ascii") as hosts:
            hosts.write(f"127.0.0.1 localhost\n{address} {host}\n")
        # What the file does not say (the other family) is refused at once, and not asked for until a time-out.
        with open(os.path.join(folder, "resolv.conf"), "w", encoding="ascii") as resolver:
            resolver.write("nameserver 127.0.0.1\n")

    def command(self, short, command):
        """`command` as it runs inside namespace `short`."""
        return ["ip", "netns", "exec", self.namespace(short), *command]

    def run(self, short, command, **options):
        return subprocess.run(self.command(short, command), check=False, **options)

    def start(self, short, command, **options):
        """A process group of its own; ended with the laboratory."""
        process = subprocess.Popen(self.command(short, command), start_new_session=True, **options)
        self.processes.append(process)
        return process

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is not None:
                continue
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGTERM)
            else:
                process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in self.processes:
            for stream in (process.stdin, process.stdout):
                if stream is not None and not stream.closed:
                    stream.close()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
            shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)
        self.names, self.lines, self.processes = {}, [], []
