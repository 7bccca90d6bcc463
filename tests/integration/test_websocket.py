#!/usr/bin/env python3
"""What amphi-signaling does with WebSockets: who may open one, and every frame that should not be."""

import base64
import json
import os
import socket
import struct
import time
import unittest
import zlib

from signaling_server import (BINARY, BUILD, CLOSE, PING, PONG, TEXT, SignalingServer, WebSocket, WithServer, frame,
                              read_to_end, status_of)



class WithLearner(WithServer):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.server.invite("learner", "Aïcha")

    def open(self, **more):
        client = WebSocket(self.server, **more)
        self.addCleanup(client.close)
        return client

    def join(self, token=None, **more):
        client = self.open(**more)
        self.assertEqual(client.status, 101)
        client.send_json({"type": "hello", "id": 1, "version": 1, "token": token or self.token, "lang": "fr"})
        welcome = client.receive_answer()
        self.assertEqual(welcome["type"], "welcome")
        return client


class Opening(WithLearner):
    def test_a_page_of_this_server_and_a_program_without_origin_may_join(self):
        for origin in ("own", None, f"http://127.0.0.1:{self.server.port}", f"http://[::1]:{self.server.port}"):
            with self.subTest(origin):
                client = self.join(origin=origin)
                self.assertIn(b"Sec-WebSocket-Protocol: amphi.v1", client.head)
                client.send_json({"type": "ping", "id": 2})
                self.assertEqual(client.receive_answer()["to"], 2)

    def test_another_origin_is_403_before_the_upgrade(self):
        port = self.server.port
        for origin in ("https://evil.example", "null", f"https://localhost:{port}", f"http://localhost:{port + 1}",
                       f"http://localhost:{port}/", f"http://localhost:{port}.evil.example", f"HTTP://LOCALHOST:{port}",
                       "http://localhost", f"http://evil.example#http://localhost:{port}"):
            with self.subTest(origin):
                client = self.open(origin=origin)
                self.assertEqual(client.status, 403)
                self.assertIn(b"Connection: close", client.head)

    def test_a_refused_client_that_keeps_sending_frames_is_closed_cleanly(self):
        client = self.open(origin="https://evil.example")
        self.assertEqual(client.status, 403)
        try:
            for _ in range(200):
                client.send(frame(TEXT, b"x" * 1000))
                time.sleep(0.001)
        except OSError:
            pass  # the server has had enough
        answered = read_to_end(client.socket)
        self.assertNotIn(b"HTTP/1.1", answered)

    def test_a_wrong_handshake_is_refused_with_its_status(self):
        key = "Sec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef").decode()
        good = ["Host: x", "Upgrade: websocket", "Connection: keep-alive, Upgrade", key, "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Protocol: amphi.v1"]

        def without(name):
            return [line for line in good if not line.startswith(name)]
        cases = [
            ("no subprotocol", "GET", without("Sec-WebSocket-Protocol"), 400),
            ("another subprotocol", "GET", without("Sec-WebSocket-Protocol") + ["Sec-WebSocket-Protocol: chat"], 400),
            ("a longer subprotocol", "GET", without("Sec-WebSocket-Protocol") + ["Sec-WebSocket-Protocol: amphi.v10"], 400),
            ("no key", "GET", without("Sec-WebSocket-Key"), 400),
            ("a short key", "GET", without("Sec-WebSocket-Key") + ["Sec-WebSocket-Key: YWJj"], 400),
            ("a key that is no base64", "GET", without("Sec-WebSocket-Key") + ["Sec-WebSocket-Key: " + "!" * 22 + "=="], 400),
            ("two keys", "GET", good + [key], 400),
            ("version 8", "GET", without("Sec-WebSocket-Version") + ["Sec-WebSocket-Version: 8"], 426),
            ("no version", "GET", without("Sec-WebSocket-Version"), 426),
            ("no Upgrade", "GET", without("Upgrade"), 426),
            ("Upgrade: h2c", "GET", without("Upgrade") + ["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"], 426),
            ("no Connection", "GET", without("Connection"), 426),
            ("POST", "POST", good, 405),
            ("a body", "GET", good + ["Content-Length: 3", "", "abc"], 400),
        ]
        for why, method, lines, expected in cases:
            with self.subTest(why):
                text = f"{method} /ws HTTP/1.1\r\n" + "\r\n".join(lines)
                text += "" if "" in lines else "\r\n\r\n"
                self.assertEqual(status_of(self.server.exchange(text.encode())), expected)
        self.assertEqual(status_of(self.server.exchange(("GET /ws HTTP/1.0\r\n" + "\r\n".join(good) + "\r\n\r\n").encode())), 426)

    def test_packing_is_agreed_with_who_offers_it_and_no_other_extension_is(self):
        agreed = b"sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        for offer, expected in (("permessage-deflate", True), ("permessage-deflate; client_max_window_bits", True),
                                ("permessage-deflate; server_max_window_bits=9, permessage-deflate", True),
                                ("permessage-deflate; server_max_window_bits=9", False), ("bzip2", False), ("x" * 4000, False)):
            client = self.join(extra=f"Sec-WebSocket-Extensions: {offer}\r\n")
            self.assertEqual(agreed in client.head.lower(), expected, offer)
            self.assertEqual(b"extensions" in client.head.lower(), expected, offer)
            client.close()

    def test_a_packed_message_is_read_and_a_bomb_is_1009(self):
        def packed(text):
            press = zlib.compressobj(9, zlib.DEFLATED, -15)
            return (press.compress(text) + press.flush(zlib.Z_SYNC_FLUSH))[:-4]
        extra = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        client = self.join(extra=extra)
        client.send(frame(TEXT, packed(json.dumps({"type": "ping", "id": 7, "padding": "x" * 60000}).encode()), reserved=4))
        self.assertEqual(client.receive_answer()["to"], 7)
        client.close()
        client = self.join(extra=extra)
        client.send(frame(TEXT, packed(bytes(50_000_000)), reserved=4))
        self.assertEqual(client.close_code(), 1009)
        client = self.join()
        client.send(frame(TEXT, packed(b"{}"), reserved=4))
        self.assertEqual(client.close_code(), 1002)

    def test_frames_that_come_with_the_handshake_are_not_lost(self):
        hello = frame(TEXT, json.dumps({"type": "hello", "id": 1, "version": 1, "token": self.token}).encode())
        key = base64.b64encode(os.urandom(16)).decode()
        connection = self.server.connect()
        connection.sendall(("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Protocol: amphi.v1\r\n\r\n").encode() + hello)
        received = b""
        while b"welcome" not in received:
            more = connection.recv(4096)
            self.assertTrue(more)
            received += more
        connection.close()

    def test_a_client_that_says_nothing_is_closed_after_10_s(self):
        client = self.open()
        started = time.monotonic()
        self.assertIsNotNone(client.close_code())
        self.assertLess(abs(time.monotonic() - started - 10), 2)


class Frames(WithLearner):
    def test_a_frame_that_breaks_the_protocol_closes_with_its_code(self):
        cases = [
            ("no mask", frame(TEXT, b"{}", masked=False), 1002),
            ("an empty frame without mask", frame(TEXT, b"", masked=False), 1002),
            ("a ping without mask", frame(PING, b"", masked=False), 1002),
            ("reserved bit 1", frame(TEXT, b"{}", reserved=4), 1002),
            ("reserved bit 2", frame(TEXT, b"{}", reserved=2), 1002),
            ("reserved bit 3", frame(PING, b"", reserved=1), 1002),
            ("opcode 3", frame(3, b""), 1002),
            ("opcode 11", frame(11, b""), 1002),
            ("binary", frame(BINARY, b"{}"), 1003),
            ("a continuation of nothing", frame(0, b"{}"), 1002),
            ("a text inside a text", frame(TEXT, b"{", final=False) + frame(TEXT, b"}"), 1002),
            ("a fragmented ping", frame(PING, b"", final=False), 1002),
            ("a ping of 126 bytes", frame(PING, b"x" * 126), 1002),
            ("a close of 126 bytes", frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
            ("length 2^63", frame(TEXT, b"", length=1 << 63), 1002),
            ("length 2^63 - 1", frame(TEXT, b"", length=(1 << 63) - 1), 1009),
            ("64 KiB and one byte", frame(TEXT, b"x" * 65537), 1009),
            ("64 KiB and one byte in fragments", frame(TEXT, b"x" * 65536, final=False) + frame(0, b"x"), 1009),
            ("a length not in its shortest form", b"\x81\xfe\x00\x01\0\0\0\0x", 1002),
            ("a long length not in its shortest form", b"\x81\xff" + struct.pack("!Q", 65535) + b"\0\0\0\0", 1002),
            ("not UTF-8", frame(TEXT, b"\xff\xfe"), 1007),
            ("a character cut short", frame(TEXT, "é".encode()[:1]), 1007),
            ("a surrogate", frame(TEXT, b"\xed\xa0\x80"), 1007),
            ("an overlong character", frame(TEXT, b"\xc0\xaf"), 1007),
            ("1000 empty fragments", frame(TEXT, b"", final=False) + frame(0, b"", final=False) * 1000, 1008),
            ("close with one byte", frame(CLOSE, b"\x03"), 1002),
            ("close with code 1005", frame(CLOSE, b"\x03\xed"), 1002),
            ("close with code 5000", frame(CLOSE, b"\x13\x88"), 1002),
            ("close with a reason not in UTF-8", frame(CLOSE, b"\x03\xe8\xff"), 1007),
        ]
        for why, data, expected in cases:
            with self.subTest(why):
                client = self.join()
                client.send(data)
                self.assertEqual(client.close_code(), expected)

    def test_a_close_is_answered_with_the_same_code_and_the_socket_ends(self):
        for payload, code in ((b"", 1000), (b"\x03\xe8", 1000), (b"\x03\xe9bye", 1001), (b"\x0f\xa0", 4000)):
            client = self.join()
            client.send(frame(CLOSE, payload))
            self.assertEqual(client.close_code(), code)
            self.assertEqual(read_to_end(client.socket), b"")

    def test_messages_come_whole_in_fragments_in_drips_and_with_pings_between(self):
        client = self.join()
        text = json.dumps({"type": "ping", "id": 7, "é": "x" * 300}).encode()
        client.send(frame(TEXT, text[:5], final=False) + frame(PING, b"now") + frame(0, b"", final=False) + frame(0, text[5:]))
        self.assertEqual(client.receive(), (PONG, b"now"))
        self.assertEqual(client.receive_answer()["to"], 7)
        for byte in frame(TEXT, json.dumps({"type": "ping", "id": 8}).encode()):
            client.send(bytes([byte]))
        self.assertEqual(client.receive_answer()["to"], 8)
        client.send(b"".join(frame(TEXT, json.dumps({"type": "ping", "id": i}).encode()) for i in range(10, 40)))
        self.assertEqual([client.receive_answer()["to"] for _ in range(30)], list(range(10, 40)))

    def test_a_text_of_exactly_64_kib_is_taken(self):
        client = self.join()
        text = json.dumps({"type": "ping", "id": 9, "pad": ""})
        text = text[:-2] + "x" * (65536 - len(text)) + text[-2:]
        client.send(frame(TEXT, text.encode()))
        self.assertEqual(client.receive_answer()["to"], 9)

    def test_a_flood_of_pings_is_answered_and_harms_nobody(self):
        client, other = self.join(), self.join(self.server.invite("learner", "Other"))
        for _ in range(50):
            client.send(frame(PING, b"p" * 125) * 100)
            for _ in range(100):
                self.assertEqual(client.receive()[0], PONG)
        other.send_json({"type": "ping", "id": 3})
        self.assertEqual(other.receive_answer()["to"], 3)

    def test_a_client_that_does_not_read_is_closed_and_its_memory_given_back(self):
        before = self.server.resident_bytes()
        slow = []
        for _ in range(20):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(5)
            connection.connect(("127.0.0.1", self.server.port))
            slow.append(self.join(connection=connection))
        flood = frame(PING, b"p" * 125) * 2000
        for client in slow:
            client.socket.setblocking(False)
        deadline = time.monotonic() + 20
        alive = set(slow)
        while alive and time.monotonic() < deadline:
            for client in list(alive):
                try:
                    client.socket.send(flood)
                except BlockingIOError:
                    continue
                except OSError:
                    alive.discard(client)
            time.sleep(0.01)
        self.assertEqual(len(alive), 0)
        self.assertIn("slow_consumer", self.server.log())
        self.assertLess(self.server.resident_bytes() - before, 64 << 20)

    def test_closing_in_every_way_at_every_moment_is_survived(self):
        hello = frame(TEXT, json.dumps({"type": "hello", "id": 1, "version": 1, "token": self.token}).encode())
        for cut in range(0, len(hello), 9):
            client = self.open()
            client.send(hello[:cut])
            if cut % 2:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        for _ in range(20):
            client = self.join()
            client.send(frame(CLOSE, b"\x03\xe8") + frame(TEXT, b"{}") * 10)
            client.close()

    def test_three_hundred_sockets_at_once(self):
        clients = [self.open() for _ in range(300)]
        for client in clients:
            self.assertEqual(client.status, 101)
        for client in clients:
            client.close()


class Slow(WithLearner):
    """What takes half a minute, side by side in one test."""

    def test_pings_come_every_10_s_and_who_is_silent_or_drips_for_25_s_is_dropped(self):
        polite, silent, dripping = self.join(), self.join(), self.join()
        started = time.monotonic()
        drip = frame(TEXT, b"x" * 10000)
        pings, ended = [], {}
        polite.socket.setblocking(False)
        for client in (silent, dripping):
            client.socket.setblocking(False)
        at = 0
        while time.monotonic() - started < 31:
            if "dripping" not in ended:
                try:
                    dripping.send(drip[at:at + 1])
                    at += 1
                except OSError:
                    pass
            for name, client in (("silent", silent), ("dripping", dripping), ("polite", polite)):
                try:
                    data = client.socket.recv(65536)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if not data:
                    ended.setdefault(name, time.monotonic() - started)
                elif name == "polite" and b"\x89\x00" in data:
                    pings.append(time.monotonic() - started)
                    polite.send(frame(PONG))
            time.sleep(0.25)
        self.assertGreaterEqual(len(pings), 2)
        self.assertNotIn("polite", ended)
        for name in ("silent", "dripping"):
            self.assertIn(name, ended)
            self.assertTrue(24 <= ended[name] <= 29, ended)


class Stopping(unittest.TestCase):
    def test_sigterm_says_goodbye_and_closes_with_1001(self):
        server = SignalingServer(BUILD)
        client = WebSocket(server)
        client.send_json({"type": "hello", "id": 1, "version": 1, "token": server.invite()})
        self.assertEqual(client.receive_answer()["type"], "welcome")
        server.process.terminate()
        while True:
            message = client.receive_json()
            if message["type"] == "goodbye":
                break
        self.assertEqual(message["code"], "shutting_down")
        self.assertEqual(client.close_code(), 1001)
        client.close()
        self.assertEqual(server.stop(), 0)

    def test_sigterm_does_not_wait_for_those_who_do_not_answer(self):
        server = SignalingServer(BUILD)
        held = [server.connect() for _ in range(5)] + [WebSocket(server).socket for _ in range(5)]
        started = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - started, 8)
        for connection in held:
            connection.close()


if __name__ == "__main__":
    unittest.main()
