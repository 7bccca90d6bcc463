"""A WebRTC peer whose SDP, RTP and RTCP a test writes by hand; ICE, DTLS and SRTP are aioice's, aiortc's and libsrtp's. For what clients
do that no browser does."""

import asyncio
import re
import struct
import time

import aiohttp
from aiortc import RTCCertificate, RTCDtlsTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceGatherer, RTCIceParameters, RTCIceTransport

OPUS = "a=rtpmap:111 opus/48000/2"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


def media(kind, mid, payload_types, direction, *lines):
    """One m-section without what every line of the bundle says alike."""
    return [f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, payload_types))}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}", f"a={direction}", *lines]


def audio(mid, direction, *lines, payload_type=111):
    return media("audio", mid, [payload_type], direction, f"a=rtpmap:{payload_type} opus/48000/2", *lines)


def vp8(mid, direction, *lines, payload_type=96):
    return media("video", mid, [payload_type], direction, f"a=rtpmap:{payload_type} VP8/90000", *lines)


def elements(pairs, two_byte=False):
    """A header extension block of (id, bytes), RFC 8285."""
    body = b"".join(bytes([number, len(data)]) + data if two_byte else bytes([number << 4 | len(data) - 1]) + data for number, data in pairs)
    body += b"\0" * (-len(body) % 4)
    return struct.pack("!HH", 0x1000 if two_byte else 0xbede, len(body) // 4) + body


def rtp(payload_type, seq, timestamp, ssrc, payload, marker=False, csrcs=(), extension=b"", padding=0):
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extension else 0) | len(csrcs)
    head = struct.pack("!BBHII", first, payload_type | (0x80 if marker else 0), seq & 0xffff, timestamp & 0xffffffff, ssrc)
    head += b"".join(struct.pack("!I", csrc) for csrc in csrcs) + extension
    return head + payload + (b"\0" * (padding - 1) + bytes([padding]) if padding else b"")


def bye(*ssrcs):
    return struct.pack("!BBH", 0x80 | len(ssrcs), 203, len(ssrcs)) + b"".join(struct.pack("!I", ssrc) for ssrc in ssrcs)


def empty_report(ssrc):
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc)


def parse_rtp(data):
    """{pt, seq, timestamp, ssrc, marker, payload} of a packet; extensions and padding are passed over."""
    first, second, seq, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
    at = 12 + 4 * (first & 15)
    if first & 0x10:
        at += 4 + 4 * struct.unpack("!H", data[at + 2:at + 4])[0]
    end = len(data) - (data[-1] if first & 0x20 else 0)
    return {"pt": second & 127, "seq": seq, "timestamp": timestamp, "ssrc": ssrc, "marker": second > 127, "payload": data[at:end]}


class RawPeer:
    def __init__(self, setup="actpass"):
        self.setup = setup
        self.packets, self.reports = [], []
        self.status, self.answer, self.location = None, "", None

    def offer(self, sections, bundle=True, session=(), newline="\r\n", candidates=True):
        ice = self.gatherer.getLocalParameters()
        print_of = next(f for f in self.dtls.getLocalParameters().fingerprints if f.algorithm == "sha-256")
        transport = [f"a=ice-ufrag:{ice.usernameFragment}", f"a=ice-pwd:{ice.password}", f"a=fingerprint:sha-256 {print_of.value}",
                     f"a=setup:{self.setup}", "a=rtcp-mux"]
        if candidates:
            transport += [f"a=candidate:{c.foundation} {c.component} {c.protocol} {c.priority} {c.ip} {c.port} typ {c.type}"
                          for c in self.gatherer.getLocalCandidates()]
        mids = [line[6:] for section in sections for line in section if line.startswith("a=mid:")]
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", *session]
        lines += [f"a=group:BUNDLE {' '.join(mids)}"] if bundle else []
        for section in sections:
            lines += section + transport
        return newline.join(lines) + newline

    async def post(self, url, token, sections, **more):
        """Offers; the answer's status."""
        self.gatherer = RTCIceGatherer()
        await self.gatherer.gather()
        self.ice = RTCIceTransport(self.gatherer)
        self.dtls = RTCDtlsTransport(self.ice, [RTCCertificate.generateCertificate()])
        self.dtls._handle_rtp_data = self._take_rtp
        self.dtls._handle_rtcp_data = self._take_rtcp
        self.token = token
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        async with aiohttp.ClientSession() as http, http.post(url, data=self.offer(sections, **more), headers=headers) as answer:
            self.status, self.answer = answer.status, await answer.text()
            if self.status == 201:
                self.location = "/".join(url.split("/")[:3]) + answer.headers["Location"]
        return self.status

    def _value(self, name):
        return re.search(rf"^a={name}:(.*?)\r?$", self.answer, re.M).group(1)

    async def connect(self):
        for line in re.findall(r"^a=candidate:(.*?)\r?$", self.answer, re.M):
            part = line.split()
            if part[2] == "udp":
                await self.ice.addRemoteCandidate(RTCIceCandidate(component=1, foundation=part[0], ip=part[4], port=int(part[5]),
                                                                  priority=int(part[3]), protocol="udp", type="host"))
        await self.ice.addRemoteCandidate(None)
        self.ice._connection.ice_controlling = True
        await asyncio.wait_for(self.ice.start(RTCIceParameters(usernameFragment=self._value("ice-ufrag"), password=self._value("ice-pwd"),
                                                               iceLite=True)), 10)
        self.dtls._set_role("client" if self._value("setup") == "passive" else "server")
        algorithm, value = self._value("fingerprint").split()
        await asyncio.wait_for(self.dtls.start(RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(algorithm=algorithm, value=value)])), 10)
        if self.dtls.state != "connected":
            raise ConnectionError(self.dtls.state)

    async def join(self, url, token, sections, **more):
        if await self.post(url, token, sections, **more) != 201:
            raise RuntimeError(f"{self.status} {self.answer}")
        await self.connect()
        return self

    async def _take_rtp(self, data, arrival_time_ms=None):
        self.packets.append(parse_rtp(data))

    async def _take_rtcp(self, data):
        self.reports.append((time.monotonic(), data))

    async def send(self, packet):
        await self.dtls._send_rtp(packet)

    def skip(self, packet):
        """The packet that the network loses: for SRTP it was sent."""
        self.dtls._tx_srtp.protect(packet)

    async def patch(self, body):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/trickle-ice-sdpfrag"}
        async with aiohttp.ClientSession() as http, http.patch(self.location, data=body, headers=headers) as answer:
            return answer.status

    async def leave(self):
        if self.location:
            async with aiohttp.ClientSession() as http, http.delete(self.location, headers={"Authorization": f"Bearer {self.token}"}):
                pass
        await self.dtls.stop()
        await self.ice.stop()
