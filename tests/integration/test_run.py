#!/usr/bin/env python3
"""./run as a newcomer meets it: it starts, says where, keeps both services alive, and stops them.

    python3 tests/integration/test_run.py --build build/release      (./run builds and uses build/release itself)
"""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from support.stack import ROOT, free_port, take_build_option  # noqa: E402

RUN = os.path.join(ROOT, "run")
FIRST_START_S = 300  # may have to build
SECOND_START_S = 10
FIELDS = {"base_url", "api_key", "class_id", "trainer_url", "learner_url", "operator_url", "signaling_pid", "relay_pid",
          "media_ports"}


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as text:
            return text.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def command_line(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as text:
        return text.read().decode().split("\0")


class Running:
    """One ./run in a process group of its own, so that Ctrl-C is what a terminal makes of it."""

    def __init__(self, data, *options, wait=FIRST_START_S):
        self.data, self.port = data, free_port()
        self.media_port = free_port(socket.SOCK_DGRAM, 2)
        self.output = tempfile.TemporaryFile()
        started = time.monotonic()
        self.process = subprocess.Popen(
            [RUN, "--port", str(self.port), "--media-port", str(self.media_port), "--shards", "2", "--data", data, *options],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, start_new_session=True,
            # Whoever starts the tests in the background leaves Ctrl-C ignored; a shell could not trap it then.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        try:
            self.until("run.json", lambda: os.path.exists(os.path.join(data, "run.json")), wait)
            self.started_in = time.monotonic() - started
            self.until("the links are printed", lambda: "Ctrl-C stops everything" in self.said(), 5)
        except BaseException:
            self.stop(signal.SIGTERM)
            raise

    def until(self, what, condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError(f"./run ended before {what}: {self.said()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}: {self.said()}")
            time.sleep(0.05)

    def said(self):
        if self.output.closed:
            return self.last_words
        self.output.seek(0)
        return self.output.read().decode()

    def info(self):
        with open(os.path.join(self.data, "run.json"), encoding="utf-8") as text:
            return json.load(text)

    def health(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def stop(self, number=signal.SIGINT):
        """Ctrl-C; the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        try:
            code = self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            code = "did not stop"
        self.last_words = self.said()
        self.output.close()
        return code


class Life(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="amphi-run-")
        cls.data = os.path.join(cls.folder.name, "data dir")  # a space must not matter
        cls.running = Running(cls.data)

    @classmethod
    def tearDownClass(cls):
        cls.running.stop()
        cls.folder.cleanup()

    def test_run_json_has_every_promised_field_and_they_are_true(self):
        info = self.running.info()
        self.assertEqual(set(info), FIELDS)
        self.assertEqual(info["base_url"], f"http://localhost:{self.running.port}")
        self.assertEqual(info["media_ports"], [self.running.media_port, self.running.media_port + 1])
        for role in ("trainer", "learner", "operator"):
            self.assertRegex(info[f"{role}_url"], "^" + re.escape(info["base_url"]) + r"/#[\w-]+\.[\w-]+\.[\w-]+$")
            self.assertIn(f"{role}   {info[f'{role}_url']}".replace("operator  ", "operator "), self.running.said())
        self.assertEqual(len({info[f"{role}_url"] for role in ("trainer", "learner", "operator")}), 3)
        self.assertTrue(command_line(info["signaling_pid"])[0].endswith("/amphi-signaling"))
        self.assertTrue(command_line(info["relay_pid"])[0].endswith("/amphi-relay"))
        self.assertEqual(self.running.health(), 200)
        request = urllib.request.Request(f"http://127.0.0.1:{self.running.port}/api/v1/classes/{info['class_id']}",
                                         headers={"Authorization": f"Bearer {info['api_key']}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            self.assertEqual(json.load(answer)["state"], "open")

    def test_secrets_are_files_for_the_owner_alone_and_on_no_command_line(self):
        info = self.running.info()
        self.assertEqual(stat.S_IMODE(os.stat(self.data).st_mode), 0o700)
        for folder, _, names in os.walk(self.data):
            for name in names:
                path = os.path.join(folder, name)
                if name.startswith("build-"):
                    continue  # the compiler's log, in a folder that is closed
                self.assertEqual((path, stat.S_IMODE(os.stat(path).st_mode) & 0o077), (path, 0))
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.data, "api_key")).st_mode), 0o600)
        for pid in (info["signaling_pid"], info["relay_pid"], self.running.process.pid):
            with open(f"/proc/{pid}/environ", "rb") as environment:
                self.assertNotIn(info["api_key"].encode(), environment.read())
            self.assertNotIn(info["api_key"], " ".join(command_line(pid)))
        with open(RUN, encoding="utf-8") as script:  # what it gives to amphi-ctl is too short-lived to be watched
            self.assertRegex(script.read(), r'amphi-ctl" .*--key-file "\$data/api_key" ')

    def test_a_killed_service_comes_back_by_itself(self):
        for field in ("signaling_pid", "relay_pid"):
            with self.subTest(field):
                before = self.running.info()
                os.kill(before[field], signal.SIGKILL)
                self.running.until("run.json names the new process", lambda: self.running.info()[field] != before[field], 5)
                self.running.until("healthy again", lambda: self.running.health() == 200, 10)
                after = self.running.info()
                self.assertEqual({k: v for k, v in after.items() if k != field}, {k: v for k, v in before.items() if k != field})
                self.assertFalse(is_alive(before[field]))
        self.assertIn("The relay has ended (code 137): started again.", self.running.said())


class StopAndAgain(unittest.TestCase):
    def test_ctrl_c_stops_everything_and_a_second_start_takes_seconds(self):
        with tempfile.TemporaryDirectory(prefix="amphi-run-") as data:
            classes = []
            for start in range(2):
                running = Running(data, wait=SECOND_START_S if start else FIRST_START_S)
                info = running.info()
                classes.append(info["class_id"])
                self.assertEqual(running.stop(), 0, running.said())
                for field in ("signaling_pid", "relay_pid"):
                    self.assertFalse(is_alive(info[field]), field)
                self.assertFalse(os.path.exists(os.path.join(data, "run.json")))
                self.assertNotIn("Building", running.said() if start else "")
                with socket.socket() as again:
                    again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    again.bind(("127.0.0.1", running.port))  # nobody holds it
            self.assertLess(running.started_in, SECOND_START_S)
            self.assertEqual(classes[0], classes[1])

    def test_services_do_not_outlive_a_script_that_is_killed(self):
        with tempfile.TemporaryDirectory(prefix="amphi-run-") as data:
            running = Running(data)
            info = running.info()
            running.process.kill()
            running.stop()
            deadline = time.monotonic() + 10
            while any(is_alive(info[f]) for f in ("signaling_pid", "relay_pid")) and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertFalse(is_alive(info["signaling_pid"]) or is_alive(info["relay_pid"]))

    def test_a_file_gives_the_same_options_and_the_command_line_wins(self):
        with tempfile.TemporaryDirectory(prefix="amphi-run-") as folder:
            config = os.path.join(folder, "amphi.yaml")
            with open(config, "w", encoding="utf-8") as text:
                text.write('# a comment\n\nport: 1\ntitle: "Anglais: l\'été"\nplain-http: true\nname: 127.0.0.1\r\n')
            running = Running(os.path.join(folder, "data"), "--config", config)
            try:
                info = running.info()
                self.assertEqual(info["base_url"], f"http://127.0.0.1:{running.port}")
                request = urllib.request.Request(f"{info['base_url']}/api/v1/classes/{info['class_id']}",
                                                 headers={"Authorization": f"Bearer {info['api_key']}"})
                with urllib.request.urlopen(request, timeout=5) as answer:
                    self.assertEqual(json.load(answer)["title"], "Anglais: l'été")
            finally:
                self.assertEqual(running.stop(signal.SIGTERM), 0)


    def test_a_name_that_leads_nowhere_from_here_and_its_own_certificate_are_no_obstacle(self):
        """As behind a router that does not turn round, or with a certificate of the house."""
        with tempfile.TemporaryDirectory(prefix="amphi-run-") as folder:
            cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-days", "2", "-subj", "/CN=classe.invalid", "-addext", "subjectAltName=DNS:classe.invalid",
                            "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
            running = Running(os.path.join(folder, "data"), "--name", "classe.invalid", "--cert", cert, "--key", key)
            try:
                self.assertEqual(running.info()["base_url"], f"https://classe.invalid:{running.port}")
                self.assertTrue(running.info()["learner_url"].startswith(running.info()["base_url"] + "/#"))
            finally:
                self.assertEqual(running.stop(), 0)

    def test_behind_a_reverse_proxy_links_and_origin_are_the_public_ones(self):
        with tempfile.TemporaryDirectory(prefix="amphi-run-") as data:
            running = Running(data, "--public-url", "https://classe.invalid/")
            try:
                info = running.info()
                self.assertEqual(info["base_url"], "https://classe.invalid")
                self.assertTrue(info["learner_url"].startswith("https://classe.invalid/#"))
                self.assertIn("--behind-proxy", command_line(info["signaling_pid"]))
                self.assertNotIn("--this-machine", command_line(info["relay_pid"]))  # learners come from elsewhere
                for origin, status in (("https://classe.invalid", 101), ("https://other.invalid", 403)):
                    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as wire:
                        wire.sendall((f"GET /ws HTTP/1.1\r\nHost: classe.invalid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                      f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n"
                                      f"Sec-WebSocket-Protocol: amphi.v1\r\nOrigin: {origin}\r\n\r\n").encode())
                        self.assertIn(f" {status} ".encode(), wire.recv(4096).split(b"\r\n")[0], origin)
            finally:
                self.assertEqual(running.stop(), 0)


class Options(unittest.TestCase):
    def run_script(self, *options):
        done = subprocess.run([RUN, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_a_bad_option_is_said_in_a_sentence_before_anything_is_done(self):
        with tempfile.TemporaryDirectory(prefix="amphi-run-") as folder:
            data = os.path.join(folder, "data")
            for options, said in (
                    (["--nonsense", "1"], "command line: unknown option 'nonsense'"),
                    (["nonsense"], "unexpected 'nonsense'"),
                    (["--port"], "--port needs a value"),
                    (["--port", "http"], "port: expected a number from 1 to 65535, got 'http'"),
                    (["--port", "0"], "port: expected a number from 1 to 65535, got '0'"),
                    (["--port", "65536"], "port: expected a number"),
                    (["--media-port", "-1"], "media-port: expected a number"),
                    (["--shards", "many"], "shards: expected a number"),
                    (["--media-port", "65535", "--shards", "2"], "media-port: 2 ports from 65535 on go past 65535"),
                    (["--cert", "/x"], "--cert and --key go together"),
                    (["--cert", "/nowhere/c", "--key", "/nowhere/k"], "cannot read '/nowhere/c'"),
                    (["--public-url", "https://x.invalid/path"], "public-url: expected a URL without a path"),
                    (["--public-url", "https://x.invalid", "--turn"], "public-url: --turn brings a proxy of its own"),
                    (["--config"], "--config needs a file"),
                    (["--config", "/nowhere/amphi.yaml"], "cannot read '/nowhere/amphi.yaml'")):
                with self.subTest(options):
                    code, out, error = self.run_script("--data", data, *options)
                    self.assertEqual((code, out), (2, ""))
                    self.assertIn(said, error)
                    self.assertIn("See ./run --help.", error)
                    self.assertFalse(os.path.exists(data))

    def test_a_bad_file_is_named_with_line_key_and_what_was_expected(self):
        for text, said in (
                ("port: 8443\nmedia-port: x\n", ":2: media-port: expected a number from 1 to 65535, got 'x'"),
                ("\n# c\nnonsense: 1\n", ":3: unknown option 'nonsense'"),
                ("port 8443\n", ":1: expected 'key: value', got 'port 8443'"),
                ("plain-http: maybe\n", ":1: plain-http: expected true or false, got 'maybe'")):
            with self.subTest(text), tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(text)
                file.flush()
                code, out, error = self.run_script("--config", file.name)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(file.name + said, error)

    def test_help_and_the_readme_name_the_same_options(self):
        code, out, _ = self.run_script("--help")
        self.assertEqual(code, 0)
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
            rows = re.findall(r"^\| `(--.*?)` \|", readme.read(), re.M)
        named = {option for row in rows for option in re.findall(r"--[a-z-]+", row)}
        self.assertGreater(len(named), 8)
        self.assertEqual(named, set(re.findall(r"^  (--[a-z-]+)", out, re.M)) - {"--help"})
        self.assertRegex(self.run_script("--version")[1], r"^amphi \d+\.\d+\.\d+\n$")

    def test_a_port_in_use_ends_the_start_with_the_reason(self):
        with socket.socket() as taken, tempfile.TemporaryDirectory(prefix="amphi-run-") as data:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            code, _, error = self.run_script("--port", str(taken.getsockname()[1]), "--media-port",
                                             str(free_port(socket.SOCK_DGRAM)), "--shards", "1", "--data", data)
            self.assertEqual(code, 1)
            self.assertIn("Amphi did not start", error)
            self.assertIn("in use", error)


class PageLibraries(unittest.TestCase):
    """npm_install of scripts/setup.sh, with an npm that only says how it was called."""

    def install(self, *options, installed=None):
        """How npm was called, None when it was not; `installed`: npm's own list of what is there."""
        with tempfile.TemporaryDirectory(prefix="amphi-npm-") as folder:
            page = os.path.join(folder, "page")
            os.makedirs(os.path.join(page, "node_modules"))
            for path, text in (("page/package-lock.json", "{}"), ("page/node_modules/.package-lock.json", installed),
                               ("npm", "#!/bin/sh\necho called \"$@\"\n")):
                if text is not None:
                    with open(os.path.join(folder, path), "w", encoding="ascii") as file:
                        file.write(text)
            os.chmod(os.path.join(folder, "npm"), 0o755)
            script = 'root="$1"; log_dir="$2"; . "$1/scripts/setup.sh"; shift 2; for time in 1 2; do npm_install "$@"; cat "$log_dir/npm.log"; rm -f "$log_dir/npm.log"; done'
            done = subprocess.run(["bash", "-uc", script, "bash", ROOT, folder, page, *options], check=True, capture_output=True, text=True,
                                  env=dict(os.environ, PATH=folder + ":" + os.environ["PATH"]))
            calls = re.findall(r"^called (.*)$", done.stdout, re.M)
            self.assertEqual(len(calls), 1, "the second time there is nothing to do")
            return calls[0]

    def test_run_fetches_what_the_page_needs_and_no_more(self):
        self.assertIn("--omit=dev", self.install("--omit=dev"))
        self.assertNotIn("--omit=dev", self.install())

    def test_run_leaves_a_developer_the_libraries_that_the_checks_need(self):
        full = '{"packages": {"node_modules/typescript": {"dev": true}}}'
        self.assertNotIn("--omit=dev", self.install("--omit=dev", installed=full))


if __name__ == "__main__":
    take_build_option()  # ./run builds its own
    unittest.main()
