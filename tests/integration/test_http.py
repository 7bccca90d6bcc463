#!/usr/bin/env python3
"""What amphi-signaling does with HTTP: the page's files, and every request that should not be."""

import gzip
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import warnings

from signaling_server import BUILD, ROOT, SignalingServer, WithServer, WithTlsServer, free_port, make_certificate, read_to_end, status_of, tls_context

HOST = b"Host: localhost\r\n"
SAME_PROGRAM = os.path.join(ROOT, "tests", "integration", "same_program.mjs")


class BadRequests(WithServer):
    def expect(self, cases):
        for why, request, expected in cases:
            with self.subTest(why):
                got = status_of(self.server.exchange(request))
                self.assertIn(got, expected if isinstance(expected, tuple) else (expected,))

    def test_a_request_line_that_breaks_the_grammar_is_refused_and_the_connection_closed(self):
        self.expect([
            ("request line of 64 KiB", b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
            ("path of 2 KiB", b"GET /" + b"a" * 2048 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
            ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
            ("HTTP/2.0 with a path", b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
            ("HTTP/0.9", b"GET /\r\n\r\n", 400),
            ("absolute URI", b"GET http://example.org/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
            ("CONNECT", b"CONNECT example.org:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
            ("asterisk", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
            ("two spaces", b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
            ("tab for a space", b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
            ("NUL in the request line", b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
            ("bare line feeds", b"GET / HTTP/1.1\n" + b"Host: x\n\n", 400),
            ("not HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), 400),
            ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", 400),
        ])

    def test_no_spelling_of_a_path_leaves_the_list_of_files(self):
        paths = ["/..", "/../", "/../../etc/passwd", "/./index.html", "/%2e%2e/%2e%2e/etc/passwd", "/.%2e/etc/passwd",
                 "/x/..", "/x/../index.html", "/..%2fetc%2fpasswd", "/%2fetc/passwd", "/index.html%00", "/%00",
                 "/index.html%00.js", "/%", "/%g0", "/%4", "/..\\..\\etc", "/%5c..%5c", "/\x7f", "/index.html%0d%0a",
                 "/modules/../index.html", "/#x"]
        self.expect([(path, f"GET {path} HTTP/1.1\r\n".encode("latin1") + HOST + b"\r\n", 400) for path in paths])
        for path in ["//etc/passwd", "/etc/passwd", "/.git/config", "/modules/preact/package.json",
                     "/modules/typescript/lib/tsc.js", "/index.html/", "/INDEX.HTML", "/package.json", "/data"]:
            with self.subTest(path):
                status, _, body = self.server.request("GET", path)
                self.assertEqual((status, json.loads(body)["code"]), (404, "not_found"))

    def test_headers_that_smuggle_are_refused(self):
        post = b"POST /api/v1/classes HTTP/1.1\r\n" + HOST
        self.expect([
            ("length and chunked", post + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("chunked and length", post + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
            ("two lengths", post + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
            ("the same length twice", post + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
            ("a list of lengths", post + b"Content-Length: 1, 1\r\n\r\na", 400),
            ("a negative length", post + b"Content-Length: -1\r\n\r\n", 400),
            ("a length with a sign", post + b"Content-Length: +1\r\n\r\na", 400),
            ("a hexadecimal length", post + b"Content-Length: 0x1\r\n\r\na", 400),
            ("a length of 2^64", post + b"Content-Length: 18446744073709551616\r\n\r\n", 413),
            ("another coding", post + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
            ("two codings", post + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("chunked in HTTP/1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("space before the colon", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
            ("folded header", b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", 400),
            ("no colon", b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n", 400),
            ("no name", b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n", 400),
            ("bare carriage return", b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n", 400),
            ("NUL in a value", b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
            ("no Host", b"GET / HTTP/1.1\r\n\r\n", 400),
            ("two Hosts", b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
            ("1000 headers", b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"a: b\r\n" for _ in range(1000)) + b"\r\n", 431),
            ("a header of 16 KiB", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 16384 + b"\r\n\r\n", 431),
        ])

    def test_a_chunked_body_that_lies_is_refused(self):
        post = b"POST /api/v1/classes HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        self.expect([
            ("no size", post + b"\r\n", 400),
            ("a size that is no number", post + b"zz\r\n", 400),
            ("a size of 2^64", post + b"10000000000000000\r\n", 400),
            ("a size over the limit", post + b"ffffffff\r\n", 413),
            ("more bytes than said", post + b"1\r\nab\r\n0\r\n\r\n", 400),
            ("an extension", post + b"1;x=y\r\na\r\n0\r\n\r\n", 400),
            ("a trailer", post + b"0\r\nX: y\r\n\r\n", 400),
            ("bare line feeds", post + b"1\na\n0\n\n", 400),
        ])

    def test_a_body_over_64_kib_is_413_however_it_is_sent(self):
        for size, expected in ((65536, 401), (65537, 413), (1 << 30, 413)):
            with self.subTest(size):
                head = b"POST /api/v1/classes HTTP/1.1\r\n" + HOST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % size
                body = b"x" * size if size <= 65537 else b"x" * 200000
                self.assertEqual(status_of(self.server.exchange(head + body)), expected)
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        head = b"POST /api/v1/classes HTTP/1.1\r\n" + HOST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.assertEqual(status_of(self.server.exchange(head + chunk * 4 + b"0\r\n\r\n")), 401)
        self.assertEqual(status_of(self.server.exchange(head + chunk * 4 + b"1\r\nx\r\n0\r\n\r\n")), 413)

    def test_an_error_ends_the_connection_so_that_nothing_behind_it_is_read_as_a_request(self):
        response = self.server.exchange(b"GET /%00 HTTP/1.1\r\n" + HOST + b"\r\nGET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
        self.assertEqual(response.count(b"HTTP/1.1 "), 1)

    def test_connections_that_end_in_the_middle_leave_nothing_behind(self):
        whole = b"POST /api/v1/classes HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\n0123456789"
        for cut in range(0, len(whole), 7):
            connection = self.server.connect()
            connection.sendall(whole[:cut])
            if cut % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

    def test_a_client_that_does_not_read_its_responses_costs_no_memory(self):
        before = self.server.resident_bytes()
        connection = self.server.connect(timeout=2)
        request = b"GET /modules/preact/dist/preact.module.js HTTP/1.1\r\n" + HOST + b"\r\n"
        try:
            for _ in range(3000):
                connection.sendall(request)
        except OSError:
            pass
        time.sleep(0.2)
        self.assertLess(self.server.resident_bytes() - before, 8 << 20)
        connection.close()


class GoodRequests(WithServer):
    def test_the_page_comes_with_its_type_a_validator_and_the_security_headers(self):
        for path in ("/", "/index.html", "/c/anything"):
            status, headers, body = self.server.request("GET", path)
            self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
            self.assertIn(b"<!doctype html>", body.lower())
        self.assertIn("microphone=(self)", headers["Permissions-Policy"])
        self.assertIsNone(headers["Strict-Transport-Security"])
        again, headers, body = self.server.request("GET", "/", headers={"If-None-Match": headers["ETag"]})
        self.assertEqual((again, body), (304, b""))
        self.assertEqual(self.server.request("GET", "/", headers={"If-None-Match": '"other"'})[0], 200)

    def test_the_policy_allows_the_page_and_its_own_socket_and_nothing_else(self):
        _, headers, _ = self.server.request("GET", "/")
        directives = dict(one.strip().split(" ", 1) for one in headers["Content-Security-Policy"].split(";"))
        script = directives.pop("script-src").split(" ")
        self.assertEqual(script[0], "'self'")
        self.assertRegex(" ".join(script[1:]), r"^'sha256-[A-Za-z0-9+/]{43}='$")
        # The socket's source is named for browsers whose 'self' does not cover ws: and wss:. No IPv6 address:
        # there is no form for one.
        self.assertEqual(directives, {
            "default-src": "'self'", "object-src": "'none'",
            "connect-src": f"'self' ws://localhost:{self.server.port} ws://127.0.0.1:{self.server.port}",
            "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"})

    def test_every_answer_carries_the_security_headers(self):
        fixed = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
        for method, path, expected in (("GET", "/", 200), ("HEAD", "/app.js", 200), ("GET", "/nowhere", 404), ("PUT", "/", 405),
                                       ("GET", "/healthz", 503), ("GET", "/api/v1/classes", 401), ("GET", "/ws", 426),
                                       ("OPTIONS", "/whip/x", 204)):
            status, headers, _ = self.server.request(method, path)
            self.assertEqual((path, status), (path, expected))
            # Nothing opens a script as a page.
            policies = (headers["Content-Security-Policy"] or "")[:18], headers["Cross-Origin-Opener-Policy"], headers["Referrer-Policy"]
            self.assertEqual((path, policies), (path, ("", None, None) if path == "/app.js" else ("default-src 'self'", "same-origin", "no-referrer")))
            self.assertEqual((path, {name: headers[name] for name in fixed}), (path, fixed))
            self.assertEqual((path, headers["Permissions-Policy"] is not None), (path, path == "/" and expected == 200))
        answer = self.server.exchange(b"nonsense\r\n\r\n").decode()
        for name, value in (*fixed.items(), ("Referrer-Policy", "no-referrer")):
            self.assertIn(f"{name}: {value}\r\n", answer)

    def test_the_import_map_is_named_by_its_hash(self):
        import base64
        import hashlib
        import re
        _, headers, body = self.server.request("GET", "/")
        inline = re.findall(rb'<script type="importmap">(.*?)</script>', body, re.S)
        self.assertEqual(len(inline), 1)
        digest = base64.b64encode(hashlib.sha256(inline[0]).digest()).decode()
        self.assertIn(f"'sha256-{digest}'", headers["Content-Security-Policy"])
        for path in json.loads(inline[0])["imports"].values():
            status, headers, _ = self.server.request("GET", path)
            self.assertEqual((path, status, headers["Content-Type"]), (path, 200, "text/javascript; charset=utf-8"))

    def test_text_goes_compressed_to_who_takes_it_and_only_to_them(self):
        _, plain_headers, plain = self.server.request("GET", "/app.js", headers={"Accept-Encoding": "identity"})
        self.assertIsNone(plain_headers["Content-Encoding"])
        self.assertEqual(plain_headers["Vary"], "Accept-Encoding")
        for accepted in ("gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP;q=0.2", "*"):
            status, headers, body = self.server.request("GET", "/app.js", headers={"Accept-Encoding": accepted})
            self.assertEqual((status, headers["Content-Encoding"], headers["Vary"]), (200, "gzip", "Accept-Encoding"), accepted)
            self.assertEqual(int(headers["Content-Length"]), len(body))
            self.assertEqual(gzip.decompress(body), plain)
            self.assertNotEqual(headers["ETag"], plain_headers["ETag"])
        for refused in ("deflate, br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0"):
            _, headers, body = self.server.request("GET", "/app.js", headers={"Accept-Encoding": refused})
            self.assertEqual((headers["Content-Encoding"], body), (None, plain), refused)
        # Each form is validated by its own tag.
        compressed = self.server.request("GET", "/app.js", headers={"Accept-Encoding": "gzip"})[1]["ETag"]
        for accepted, tag, expected in (("gzip", compressed, 304), ("identity", compressed, 200),
                                        ("gzip", plain_headers["ETag"], 200), ("identity", plain_headers["ETag"], 304)):
            status, headers, _ = self.server.request("GET", "/app.js",
                                                     headers={"Accept-Encoding": accepted, "If-None-Match": tag})
            self.assertEqual((status, headers["Vary"]), (expected, "Accept-Encoding"))
        status, headers, body = self.server.request("HEAD", "/app.js", headers={"Accept-Encoding": "gzip"})
        self.assertEqual((status, headers["Content-Encoding"], body), (200, "gzip", b""))

    def test_scripts_go_without_their_comments_and_are_the_same_programs(self):
        web = os.path.join(ROOT, "client-demo", "web")
        pairs = {}
        for folder, _, files in os.walk(web):
            for path in (os.path.join(folder, f) for f in files if f.endswith(".js")):
                name = "/" + os.path.relpath(path, web)
                with open(path, encoding="utf-8") as file:
                    pairs[name] = [file.read(), self.server.request("GET", name, headers={"Accept-Encoding": "identity"})[2].decode()]
                self.assertEqual((name, pairs[name][0].count("\n")), (name, pairs[name][1].count("\n")))
                self.assertNotRegex(pairs[name][1], r"(?m)^\s*//")
        self.assertGreater(len(pairs), 40)
        told = subprocess.run(["node", SAME_PROGRAM], input=json.dumps(pairs), capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(told.stdout), [])
        # One that is another program is found.
        pairs["/app.js"][1] = pairs["/app.js"][1].replace("const ", "let ", 1)
        told = subprocess.run(["node", SAME_PROGRAM], input=json.dumps(pairs), capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(told.stdout), ["/app.js"])

    def test_what_a_learner_loads_is_under_125_kb(self):
        """Every file that the page names, followed through the modules' imports, with the responses' heads."""
        transferred, seen, waiting = 0, set(), ["/"]
        imports = {}
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            response = self.server.exchange(f"GET {path} HTTP/1.1\r\n".encode() + HOST +
                                            b"Accept-Encoding: gzip\r\nConnection: close\r\n\r\n")
            self.assertEqual((path, status_of(response)), (path, 200))
            transferred += len(response)
            text = gzip.decompress(response.split(b"\r\n\r\n", 1)[1]).decode()
            if path == "/":
                imports = json.loads(re.search(r'<script type="importmap">(.*?)</script>', text, re.S).group(1))["imports"]
                named = re.findall(r'(?:href|src)="(/[^"]+)"', text)
            else:
                named = re.findall(r'(?<![\w-])(?:from|import)\s*"([\w@./-]+)"', text) if path.endswith("js") else []
                named += set(re.findall(r"styled\('(/[^']+)'\)", text)) - {"/operator.css"}
            waiting += [urllib.parse.urljoin(path, imports.get(name, name)) for name in named]
        self.assertGreater(len(seen), 30, sorted(seen))
        self.assertIn("/modules/preact/dist/preact.module.js", seen)
        self.assertIn("/class.css", seen)
        self.assertLess(transferred, 125_000, sorted(seen))

    def test_files_are_read_only_by_get_and_head(self):
        status, headers, body = self.server.request("HEAD", "/")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["Content-Length"]), 100)
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
            status, headers, _ = self.server.request(method, "/")
            self.assertEqual((method, status, headers["Allow"]), (method, 405, "GET, HEAD"))

    def test_every_method_reaches_the_service_with_its_body(self):
        key = {"Authorization": f"Bearer {self.server.api_key}", "Content-Type": "application/json"}
        status, _, body = self.server.request("POST", "/api/v1/classes", '{"title":"Été"}'.encode(), key)
        self.assertEqual((status, json.loads(body)["title"]), (201, "Été"))
        path = "/api/v1/classes/" + json.loads(body)["class_id"]
        self.assertEqual(self.server.request("GET", path, None, key)[0], 200)
        self.assertEqual(self.server.request("PATCH", path, "{}", key)[0], 405)
        self.assertEqual(self.server.request("BREW", path, None, key)[0], 405)
        self.assertEqual(self.server.request("DELETE", path, "{}", key)[0], 200)
        self.assertEqual(self.server.request("OPTIONS", "/whip/none")[0], 204)
        head = self.server.request("HEAD", "/healthz")
        self.assertEqual((head[0], head[2]), (503, b""))

    def test_a_body_may_come_chunked_in_drips_or_after_100_continue(self):
        key = f"Authorization: Bearer {self.server.api_key}\r\nContent-Type: application/json\r\n".encode()
        head = b"POST /api/v1/classes HTTP/1.1\r\n" + HOST + key
        chunked = head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"tit\r\n9\r\nle\":\"ab\"}\r\n0\r\n\r\n"
        self.assertEqual(status_of(self.server.exchange(chunked)), 201)
        connection = self.server.connect()
        for byte in chunked:
            connection.sendall(bytes([byte]))
        self.assertEqual(status_of(read_to_end(connection)), 201)
        connection.close()
        connection = self.server.connect()
        connection.sendall(head + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 14\r\n\r\n")
        self.assertEqual(connection.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(b'{"title":"ab"}')
        self.assertEqual(status_of(read_to_end(connection)), 201)
        connection.close()

    def test_a_connection_serves_many_requests_also_pipelined_in_order(self):
        requests = b"".join(b"GET /nowhere%d HTTP/1.1\r\n" % i + HOST + b"\r\n" for i in range(50))
        last = b"GET /metrics HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        response = self.server.exchange(b"\r\n" + requests + last)
        self.assertEqual(response.count(b"HTTP/1.1 404 "), 50)
        self.assertEqual(response.count(b"HTTP/1.1 200 OK"), 1)
        self.assertLess(response.rfind(b"HTTP/1.1 404 "), response.find(b"HTTP/1.1 200 OK"))

    def test_http_1_0_closes_unless_asked_to_keep(self):
        response = self.server.exchange(b"GET /nowhere HTTP/1.0\r\n\r\n")
        self.assertEqual(status_of(response), 404)
        self.assertIn(b"Connection: close", response)

    def test_other_pages_may_call_whip_and_whep_from_allowed_origins_only(self):
        origin = {"Origin": self.server.origin}
        _, headers, _ = self.server.request("OPTIONS", "/whip/x", headers=origin)
        self.assertEqual(headers["Access-Control-Allow-Origin"], self.server.origin)
        self.assertIn("PATCH", headers["Access-Control-Allow-Methods"])
        for path, given in (("/whip/x", "https://evil.example"), ("/api/v1/classes", self.server.origin), ("/", self.server.origin)):
            _, headers, _ = self.server.request("OPTIONS", path, headers={"Origin": given})
            self.assertIsNone(headers["Access-Control-Allow-Origin"], path)

    def test_the_api_is_the_one_that_openapi_json_describes(self):
        status, headers, body = self.server.request("GET", "/api/v1/openapi.json")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        with open(os.path.join(ROOT, "docs", "openapi.json"), encoding="utf-8") as file:
            described = json.load(file)
        self.assertEqual(json.loads(body), described)
        key = {"Authorization": f"Bearer {self.server.api_key}"}
        ident = self.server.api("POST", "/classes", {"title": "x"})[1]["class_id"]
        for path, entry in described["paths"].items():
            real = path.replace("{class_id}", ident).replace("{invite_id}", "x").replace("{participant_id}", "1")
            real = real.replace("{session}", "x")
            known = {m.upper() for m in entry if m in ("get", "post", "put", "patch", "delete", "options")}
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                if real.startswith(("/whip/", "/whep/")):
                    continue  # whether a session exists comes first there: test_whip looks at these
                if method == "DELETE" and real == f"/api/v1/classes/{ident}" or real.endswith("/end"):
                    continue  # would end the class that the other paths need
                with self.subTest(f"{method} {path}"):
                    status = self.server.request(method, real, headers=key)[0]
                    (self.assertNotEqual if method in known else self.assertEqual)(status, 405)

    def test_headers_never_appear_in_the_log(self):
        self.server.request("GET", "/nowhere-secret", headers={"Authorization": "Bearer hidden-words"})
        self.assertNotIn("hidden-words", self.server.log())
        self.assertNotIn("nowhere-secret", self.server.log())
        self.assertNotIn("127.0.0.1", self.server.log())


class Processes(unittest.TestCase):
    """Each test with a server of its own."""

    def run_program(self, *options):
        done = subprocess.run([os.path.join(BUILD, "bin", "amphi-signaling"), *options], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=20, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_bad_settings_are_said_in_a_sentence(self):
        for options, named in (
            (["--bind", "nonsense"], "bind"), (["--bind", "0.0.0.0"], "plain-http"), (["--port", "0"], "port"),
            (["--cert", "/x"], "cert"), (["--base-url", "ftp://x"], "base-url"), (["--origin", "evil"], "origin"),
            (["--log-level", "loud"], "log-level"), (["--nonsense"], "nonsense")):
            with self.subTest(options):
                code, _, error = self.run_program(*options)
                self.assertEqual(code, 2)
                self.assertIn(named, error)

    def test_help_and_version(self):
        self.assertIn("--relay-socket", self.run_program("--help")[1])
        self.assertRegex(self.run_program("--version")[1], r"^amphi-signaling \d+\.\d+")

    def test_a_certificate_that_cannot_be_used_is_named(self):
        with tempfile.TemporaryDirectory() as data:
            code, _, error = self.run_program("--port", str(free_port()), "--data", data, "--cert", "/nowhere/cert.pem",
                                              "--key", "/nowhere/key.pem")
            self.assertEqual(code, 1)
            self.assertIn("certificate_unusable file=/nowhere/cert.pem", error)

    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken, tempfile.TemporaryDirectory() as data:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            code, _, error = self.run_program("--port", str(taken.getsockname()[1]), "--data", data)
            self.assertEqual(code, 1)
            self.assertIn("listen_failed", error)
            self.assertIn("in use", error)

    def test_a_key_that_others_can_read_is_refused(self):
        with tempfile.TemporaryDirectory() as data:
            path = os.path.join(data, "api_key")
            with open(path, "w", encoding="ascii") as key:
                key.write("0123456789abcdef0123456789abcdef\n")
            os.chmod(path, 0o644)
            code, _, error = self.run_program("--port", str(free_port()), "--data", data)
            self.assertEqual((code, "key_file_open_to_others" in error), (1, True))
            os.chmod(path, 0o600)
            with open(path, "w", encoding="ascii") as key:
                key.write("short\n")
            code, _, error = self.run_program("--port", str(free_port()), "--data", data)
            self.assertEqual((code, "key_file_unusable" in error), (1, True))

    def test_keys_and_store_are_for_the_owner_only_and_outlive_a_restart(self):
        server = SignalingServer(BUILD)
        try:
            self.assertEqual(os.stat(server.data).st_mode & 0o777, 0o700)
            for name in os.listdir(server.data):
                self.assertEqual((name, os.stat(os.path.join(server.data, name)).st_mode & 0o077), (name, 0))
            key = server.api_key
            status, made = server.api("POST", "/classes", {"title": "Reste"})
            self.assertEqual(status, 201)
            server.process.kill()
            server.process.wait()
            server.start()
            self.assertEqual(server.api_key, key)
            self.assertEqual(server.api("GET", "/classes/" + made["class_id"])[1]["title"], "Reste")
        finally:
            self.assertEqual(server.stop(), 0)

    def test_localhost_is_both_loopbacks(self):
        server = SignalingServer(BUILD, bind="localhost")
        try:
            for address in ("127.0.0.1", "::1"):
                with socket.create_connection((address, server.port), timeout=5) as connection:
                    connection.sendall(b"GET /nowhere HTTP/1.0\r\n\r\n")
                    self.assertEqual(status_of(read_to_end(connection)), 404)
        finally:
            self.assertEqual(server.stop(), 0)

    def test_connections_beyond_the_limit_are_refused_and_taken_again_when_others_leave(self):
        server = SignalingServer(BUILD, "--connections-max", "16")
        try:
            held = [server.connect() for _ in range(40)]
            time.sleep(0.3)
            open_ones = 0
            for connection in held:
                connection.setblocking(False)
                try:
                    self.assertEqual(connection.recv(1), b"")
                except BlockingIOError:
                    open_ones += 1
            self.assertIn(open_ones, (15, 16))  # the one that start() tried may have held a place
            for connection in held:
                connection.close()
            time.sleep(0.3)
            self.assertTrue(server.is_well())
        finally:
            self.assertEqual(server.stop(), 0)


class Tls(WithTlsServer):
    def get(self, path="/healthz", context=None):
        context = context or tls_context(self.cert)
        with context.wrap_socket(self.server.connect(), server_hostname="localhost") as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return connection.version(), connection.selected_alpn_protocol(), read_to_end(connection), connection.getpeercert(True)

    def test_http_over_tls_says_hsts(self):
        version, alpn, response, _ = self.get()
        self.assertEqual((version, alpn, status_of(response)), ("TLSv1.3", "http/1.1", 503))
        self.assertIn(b"Strict-Transport-Security: max-age=", response)

    def test_http_2_is_spoken_to_who_offers_it_and_http_1_1_to_everybody_else(self):
        for offered, chosen in ((("http/1.1", "h2"), "h2"), (("spdy/3", "http/1.1"), "http/1.1"), (("spdy/3",), None)):
            with tls_context(self.cert, *offered).wrap_socket(self.server.connect(), server_hostname="localhost") as connection:
                self.assertEqual(connection.selected_alpn_protocol(), chosen)
        context = ssl.create_default_context(cafile=self.cert)  # offers nothing
        self.assertEqual(status_of(self.get(context=context)[2]), 503)

    def test_tls_1_2_is_the_oldest(self):
        context = tls_context(self.cert)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assertEqual(self.get(context=context)[0], "TLSv1.2")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.get(context=context)

    def test_amphi_ctl_verifies_the_certificate(self):
        for options, expected in ((["--ca", self.cert], 4), ([], 3)):
            done = subprocess.run([os.path.join(BUILD, "bin", "amphi-ctl"), *options, "--url",
                                   f"https://localhost:{self.server.port}", "health"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=20, check=False)
            self.assertEqual(done.returncode, expected, done.stderr)

    def test_a_large_file_comes_whole(self):
        _, _, response, _ = self.get("/modules/uplot/dist/uPlot.esm.js")
        head, _, body = response.partition(b"\r\n\r\n")
        self.assertIn(b"Content-Length: %d\r\n" % len(body), head)
        self.assertGreater(len(body), 50000)

    def test_a_connection_outlives_the_handshakes_time_limit(self):
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with tls_context(self.cert).wrap_socket(self.server.connect(timeout=3), server_hostname="localhost") as connection:
            for wait in (0, 7):  # once a limit of 5 s went on counting: every class lost its socket that often
                time.sleep(wait)
                connection.sendall(request)
                self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 "))

    def test_plain_http_and_garbage_on_the_tls_port_hurt_nobody(self):
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", bytes(1000), b""):
            connection = self.server.connect(timeout=3)
            connection.sendall(data)
            connection.close()
        self.assertEqual(status_of(self.get()[2]), 503)

    def test_what_breaks_tls_is_told_by_an_alert_and_closed(self):
        connection = self.server.connect(timeout=3)
        connection.sendall(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00")  # a hello of no length
        answer = read_to_end(connection)
        connection.close()
        self.assertEqual(answer[:1], b"\x15", answer)

    def test_a_new_certificate_is_taken_on_sighup_and_a_broken_one_is_not(self):
        before = self.get()[3]
        os.rename(self.key, self.key + ".kept")
        with open(self.key, "w", encoding="ascii") as key:
            key.write("nonsense")
        self.server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while "certificate_unusable" not in self.server.log() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertIn(f"certificate_unusable file={self.key}", self.server.log())
        self.assertEqual(self.get()[3], before)
        make_certificate(self.folder.name)
        self.server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                if self.get()[3] != before:
                    return
            except ssl.SSLError:
                pass  # still the old one, which our context no longer trusts
            time.sleep(0.05)
        self.fail("still the old certificate")


if __name__ == "__main__":
    unittest.main()
