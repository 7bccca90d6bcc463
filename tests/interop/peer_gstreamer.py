"""An independent WebRTC peer (GStreamer's webrtcbin): publishes a tone and a test picture by WHIP, or
receives by WHEP and says in JSON what it decoded. Debian's GStreamer 1.22 negotiates AES-CM alone.

    peer_gstreamer.py publish|receive --url URL --token TOKEN --seconds N
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

SEND = ("webrtcbin name=peer bundle-policy=max-bundle "
        "audiotestsrc is-live=true freq=440 ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=97 ! "
        "application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer. "
        "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! "
        "vp8enc deadline=1 keyframe-max-dist=150 ! rtpvp8pay pt=96 picture-id-mode=2 ! "
        "application/x-rtp,media=video,encoding-name=VP8,payload=96 ! peer.")
AUDIO_CAPS = "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2"
VIDEO_CAPS = ("application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000,"
              "rtcp-fb-nack=true,rtcp-fb-nack-pli=true")


class Peer:
    def __init__(self, arguments):
        self.arguments = arguments
        self.loop = GLib.MainLoop()
        self.seen = {"audio_buffers": 0, "loud": 0, "video_frames": 0, "size": None, "rms_db": None}
        self.location = None
        self.failure = None
        self.connected_at = None
        if arguments.action == "publish":
            self.pipeline = Gst.parse_launch(SEND)
            self.peer = self.pipeline.get_by_name("peer")
        else:
            self.pipeline = Gst.Pipeline.new()
            self.peer = Gst.ElementFactory.make("webrtcbin", "peer")
            self.peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
            self.pipeline.add(self.peer)
            for caps in (AUDIO_CAPS, VIDEO_CAPS):
                self.peer.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY,
                               Gst.Caps.from_string(caps))
            self.peer.connect("pad-added", self.on_pad)
        # No UPnP: it would speak to the network around, and its discovery can hold up gathering.
        self.ice = self.peer.get_property("ice-agent")  # kept: letting go of it here would free webrtcbin's own
        self.agent = self.ice.get_property("agent")
        self.agent.set_property("upnp", False)
        self.peer.connect("on-negotiation-needed", self.on_negotiation_needed)
        self.peer.connect("notify::ice-gathering-state", self.on_gathering)
        self.peer.connect("notify::connection-state", self.on_connection)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)
        bus.connect("message::element", self.on_element)

    def stop(self, failure=None):
        self.failure = self.failure or failure
        self.loop.quit()

    def on_error(self, _, message):
        error, detail = message.parse_error()
        self.stop(f"{error.message}: {detail}")

    def on_element(self, _, message):
        structure = message.get_structure()
        if structure and structure.get_name() == "level":
            self.seen["audio_buffers"] += 1
            rms = structure.get_value("rms")[0]
            self.seen["rms_db"] = rms
            self.seen["loud"] += int(rms > -30)

    def on_negotiation_needed(self, _):
        self.peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer, None, None))

    def on_offer(self, promise, *_):
        promise.wait()
        self.reply = promise.get_reply()  # kept: the description lies in it
        self.offer = self.reply.get_value("offer")
        self.peer.emit("set-local-description", self.offer, Gst.Promise.new())

    def on_gathering(self, *_):
        if self.peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.post)

    def post(self):
        if self.location:
            return False
        sdp = self.peer.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(self.arguments.url, data=sdp.encode(), method="POST", headers={
            "Content-Type": "application/sdp", "Authorization": f"Bearer {self.arguments.token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read().decode()
                self.location = answer.headers["Location"]
        except urllib.error.HTTPError as error:
            self.stop(f"POST: {error.code} {error.read().decode()}")
            return False
        if not self.location.startswith("http"):
            self.location = "/".join(self.arguments.url.split("/")[:3]) + self.location
        _, message = GstSdp.SDPMessage.new_from_text(text)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.peer.emit("set-remote-description", answer, Gst.Promise.new())
        return False

    def on_connection(self, *_):
        state = self.peer.get_property("connection-state")
        if state == GstWebRTC.WebRTCPeerConnectionState.CONNECTED and not self.connected_at:
            self.connected_at = time.monotonic()
            print(json.dumps({"connected": True}), flush=True)
            GLib.timeout_add(int(self.arguments.seconds * 1000), self.stop)
        if state == GstWebRTC.WebRTCPeerConnectionState.FAILED:
            self.stop("the connection failed")

    def on_pad(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        tail = ("rtpopusdepay ! opusdec ! audioconvert ! level interval=20000000 ! fakesink sync=false" if kind == "audio"
                else "rtpvp8depay ! vp8dec ! fakesink name=frames sync=false signal-handoffs=true")
        branch = Gst.parse_bin_from_description("queue ! " + tail, True)
        if kind == "video":
            branch.get_by_name("frames").connect("handoff", self.on_frame)
        self.pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    def on_frame(self, sink, *_):
        self.seen["video_frames"] += 1
        caps = sink.get_static_pad("sink").get_current_caps()
        if caps and not self.seen["size"]:
            structure = caps.get_structure(0)
            self.seen["size"] = [structure.get_value("width"), structure.get_value("height")]

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        GLib.timeout_add_seconds(15, lambda: (None if self.connected_at else self.stop("not connected within 15 s")) and False)
        self.loop.run()
        if self.location:
            request = urllib.request.Request(self.location, method="DELETE",
                                             headers={"Authorization": f"Bearer {self.arguments.token}"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                self.seen["delete_status"] = answer.status
        self.pipeline.set_state(Gst.State.NULL)
        if self.failure:
            sys.exit(self.failure)
        print(json.dumps(self.seen), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["publish", "receive"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--seconds", type=float, default=10)
    Gst.init(None)
    Peer(parser.parse_args()).run()


main()
