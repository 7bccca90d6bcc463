#!/usr/bin/env python3
"""What every program says to --help, --version, an option or a file that is wrong: one sentence on stderr that
names option or file, line, key and what was expected; exit code 2; nothing on stdout."""

import os
import re
import subprocess
import tempfile
import unittest

from signaling_server import BUILD, ROOT

PROGRAMS = ("amphi-relay", "amphi-signaling", "amphi-ctl", "amphi-client")
LEVELS = "expected error, warn, info, debug or trace, got 'loud'"
LINK = "http://localhost:8443/#a.b.c"

# program, options, what the sentence says
BAD_OPTIONS = (
    [(p, ["--nonsense"], "unknown option '--nonsense'") for p in PROGRAMS] +
    [(p, ["--nonsense=1"], "unknown option '--nonsense=1'") for p in PROGRAMS] +
    [(p, ["-x"], "'-x'") for p in PROGRAMS] +
    [(p, ["--config"], "--config needs a value") for p in PROGRAMS] +
    [(p, ["--config", "/nowhere/a.yaml"],
      "--config: expected a file that can be read, got '/nowhere/a.yaml': No such file or directory") for p in PROGRAMS] +
    [(p, ["--log-level"], "--log-level needs a value") for p in PROGRAMS if p != "amphi-ctl"] +
    [(p, ["--log-level", "loud", *more], "--log-level: " + LEVELS)
     for p, more in (("amphi-relay", []), ("amphi-signaling", []), ("amphi-client", ["--url", LINK]))] + [
        ("amphi-relay", ["extra"], "unexpected 'extra'"),
        ("amphi-relay", ["--media-port", "80"], "--media-port: expected a whole number from 1024 to 65471, got '80'"),
        ("amphi-relay", ["--media-port=4e4"], "--media-port: expected a whole number from 1024 to 65471, got '4e4'"),
        ("amphi-relay", ["--shards", "65"], "--shards: expected a whole number from 0 to 64, got '65'"),
        ("amphi-relay", ["--capacity", "-1"], "--capacity: expected a whole number from 1 to 20000, got '-1'"),
        ("amphi-relay", ["--pin=perhaps"], "--pin: expected true or false, got 'perhaps'"),
        ("amphi-relay", ["--bind", "localhost"], "--bind: expected an IP address, got 'localhost'"),
        ("amphi-relay", ["--bind", "127.0.0.1,127.0.0.2"],
         "--bind: expected one IPv4 and one IPv6 address at most (0.0.0.0 or :: for all), got '127.0.0.2'"),
        ("amphi-relay", ["--bind", "0.0.0.0"],
         "--advertise: expected the address under which participants reach this relay (or lan"),
        ("amphi-relay", ["--bind", "10.0.0.1"], "since a private one is bound"),
        ("amphi-relay", ["--advertise", "example.org"],
         "--advertise: expected an IP address that participants can reach, got 'example.org'"),
        ("amphi-relay", ["--advertise", "0.0.0.0"], "--advertise: expected an IP address that participants can reach"),
        ("amphi-relay", ["--advertise", "2001:db8::1"], "--advertise: expected an address of a family that is bound"),
        ("amphi-relay", ["--advertise", ",".join(f"192.0.2.{i}" for i in range(9))],
         "--advertise: expected at most 8 addresses, got '192.0.2.8'"),
        ("amphi-relay", ["--srtp", "rot13"], "--srtp: expected auto, ipsec-mb, openssl or libsrtp, got 'rot13'"),
        ("amphi-signaling", ["extra"], "unexpected 'extra'"),
        ("amphi-signaling", ["--port", "0"], "--port: expected a whole number from 1 to 65535, got '0'"),
        ("amphi-signaling", ["--port", ""], "--port: expected a whole number from 1 to 65535, got ''"),
        ("amphi-signaling", ["--bind", "example.org"], "--bind: expected an IP address or localhost, got 'example.org'"),
        ("amphi-signaling", ["--bind", "0.0.0.0"],
         "--cert: expected a certificate and its key, or plain-http, off the loopback"),
        ("amphi-signaling", ["--cert", "/x"], "--cert: expected cert and key together, got '/x'"),
        ("amphi-signaling", ["--key", "/x"], "--cert: expected cert and key together"),
        ("amphi-signaling", ["--cert", "/x", "--key", "/y", "--plain-http"],
         "--plain-http: expected no certificate beside it"),
        ("amphi-signaling", ["--base-url", "https://a/b"], "--base-url: expected http(s)://host or http(s)://host:port"),
        ("amphi-signaling", ["--origin", "*"], "--origin: expected http(s)://host or http(s)://host:port, got '*'"),
        ("amphi-signaling", ["--relay-socket", ",".join("abcdefghi")], "--relay-socket: expected at most 8 relays, got 'i'"),
        ("amphi-signaling", ["--data", "d" * 400], "--data: expected a shorter path"),
        ("amphi-signaling", ["--data", "d" * 4000], "--data: expected at most 2047 characters"),
        ("amphi-ctl", [], "a command is missing"),
        ("amphi-ctl", ["nonsense"], "unknown command 'nonsense'"),
        ("amphi-ctl", ["invites", "create", "x", "--role", "boss"],
         "invites create needs --role trainer, co_trainer, assistant, learner, inspector or operator"),
        ("amphi-ctl", ["invites", "create", "x", "--expires-in", "1h"],
         "--expires-in: expected a whole number from 0 to 34560000, got '1h'"),
        ("amphi-client", ["extra"], "unexpected 'extra'"),
        ("amphi-client", [], "--url: expected a class link with its token, got ''"),
        ("amphi-client", ["--url", "http://localhost:8443/"], "--url: expected a class link with its token"),
        ("amphi-client", ["--url", "localhost#a"], "--url: expected a class link with its token"),
        ("amphi-client", ["--learners", "0"], "--learners: expected a whole number from 1 to 5000, got '0'"),
        ("amphi-client", ["--url", LINK, "--lang", "de"], "--lang: expected fr or en, got 'de'"),
        ("amphi-client", ["--url", LINK, "--wav", "/nowhere/a.wav"],
         "--wav: expected a readable WAV file of 16-bit PCM, got '/nowhere/a.wav'"),
        ("amphi-client", ["--url", LINK, "--ivf", os.path.join(ROOT, "README.md")],
         "--ivf: expected a readable IVF file of VP8 or VP9"),
    ])

# program, text of the file, what the sentence says behind the file's name
BAD_FILES = (
    [(p, "# nothing\n\nnonsense: 1\n", ":3: nonsense: expected a key of --help") for p in PROGRAMS] +
    [(p, "- a\n", ": expected lines of 'key: value'") for p in PROGRAMS] +
    [(p, "just words\n", ": expected lines of 'key: value'") for p in PROGRAMS] +
    [(p, b"\xff\xfe\x00", ": expected lines of 'key: value'") for p in PROGRAMS] +
    [(p, '{"nonsense": ', ":1: nonsense: expected a key of --help") for p in PROGRAMS] +
    [(p, "log-level: warn\nlog-level: info\n", ":1: log-level: expected once, got it twice")
     for p in PROGRAMS if p != "amphi-ctl"] +
    [("amphi-relay", "log-level: loud\n", ":1: log-level: " + LEVELS),
     ("amphi-signaling", "port: 1\nlog-level: loud\n", ":2: log-level: " + LEVELS),
     ("amphi-client", f"url: {LINK}\n\nlog-level: loud\n", ":3: log-level: " + LEVELS),
     ("amphi-relay", "shards: 2\nmedia-port: many\n", ":2: media-port: expected a whole number from 1024 to 65471, got 'many'"),
     ("amphi-relay", "pin: perhaps\n", ":1: pin: expected true or false, got 'perhaps'"),
     ("amphi-relay", "shards: [1, 2]\n", ":1: shards: expected one value"),
     ("amphi-relay", "bind: [127.0.0.1, localhost]\n", ":1: bind: expected an IP address, got 'localhost'"),
     ("amphi-relay", "bind: {a: b}\n", ":1: bind: expected a list of at most 16 values"),
     ("amphi-relay", "lan: false\nadvertise: example.org\n",
      ":2: advertise: expected an IP address that participants can reach, got 'example.org'"),
     ("amphi-signaling", "port: 65536\n", ":1: port: expected a whole number from 1 to 65535, got '65536'"),
     ("amphi-signaling", "bind: 0.0.0.0\ncert: /x\n", ":2: cert: expected cert and key together, got '/x'"),
     ("amphi-signaling", "\nbase-url: x\n", ":2: base-url: expected http(s)://host or http(s)://host:port, got 'x'"),
     ("amphi-signaling", "port:\n  - 1\n", ":1: port: expected one value"),
     ("amphi-ctl", "json: perhaps\n", ":1: json: expected true or false, got 'perhaps'"),
     ("amphi-client", "learners: all\n", ":1: learners: expected a whole number from 1 to 5000, got 'all'"),
     ("amphi-client", "url: x\n", ":1: url: expected a class link with its token, got 'x'")])


def run(program, *options):
    done = subprocess.run([os.path.join(BUILD, "bin", program), *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=20, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class CommandLines(unittest.TestCase):
    def expect_refusal(self, program, options, said):
        with self.subTest([program, *options]):
            code, out, error = run(program, *options)
            self.assertEqual((code, out), (2, ""), error)
            lines = error.splitlines()
            self.assertTrue(lines[0].startswith(program + ": "), error)
            self.assertIn(said, lines[0])
            self.assertEqual(lines[1:] or [f"See {program} --help."], [f"See {program} --help."], error)

    def test_a_bad_option_is_said_in_one_sentence(self):
        for program, options, said in BAD_OPTIONS:
            self.expect_refusal(program, options, said)

    def test_a_bad_file_is_named_with_line_key_and_what_was_expected(self):
        for program, text, said in BAD_FILES:
            with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
                file.flush()
                self.expect_refusal(program, ["--config", file.name], file.name + said)

    def test_the_command_line_wins_over_the_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("log-level: warn\nbind: nonsense\n")
            file.flush()
            for program in ("amphi-relay", "amphi-signaling"):
                self.expect_refusal(program, ["--bind", "other", "--config", file.name], "--bind: expected an IP address")

    def test_help_names_every_option_and_version_is_the_projects(self):
        with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as text:
            version = re.search(r"project\(amphi VERSION ([0-9.]+)", text.read()).group(1)
        for program in PROGRAMS:
            with self.subTest(program):
                code, out, error = run(program, "--help")
                self.assertEqual((code, error), (0, ""))
                self.assertRegex(out, rf"^{program}: .+\n\nUsage: {program} ")
                for option in ("--config FILE", "--help", "--version"):
                    self.assertIn(f"  {option} ", out)
                # Every line of the table says what its option is for.
                for line in re.findall(r"^  --.*$", out, re.M):
                    self.assertRegex(line, r"^  --[a-z-]+( TEXT| N| VALUE,...| FILE)? +\S")
                self.assertEqual(run(program, "--version"), (0, f"{program} {version}\n", ""))
                self.assertEqual(run(program, "--version", "--nonsense")[0], 0)


if __name__ == "__main__":
    unittest.main()
