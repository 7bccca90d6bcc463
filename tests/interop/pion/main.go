// An independent WebRTC peer (pion) that publishes by WHIP or receives by WHEP, and says in JSON what
// it sent or what arrived.
//
//	pion publish --url WHIP --token T --seconds 10 --profile gcm|cm [--marker file]
//	pion receive --url WHEP --token T --seconds 10 --profile gcm|cm --count 50 [--loss 5]
//
// With a loss it drops every so many packets in a hundred of what comes, at random and before anything
// looks at them, and takes no RTX: what it misses it asks for again as it was, voice too.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

type stream struct {
	Packets, Lost, Duplicates, OutOfOrder int
	Bytes                                 int
	FirstMs                               float64
	first, highest                        uint64
	seen                                  map[uint64]bool
	PayloadsBad                           int
	counters                              map[uint32]bool
	CounterFirst, CounterLast             uint32
	CounterMissing                        int
	started                               bool
}

func (s *stream) add(p *rtp.Packet, since time.Time) {
	seq := uint64(p.SequenceNumber) + 0x10000
	if !s.started {
		s.started = true
		s.first, s.highest = seq, seq
		s.FirstMs = float64(time.Since(since).Microseconds()) / 1000
		s.seen = map[uint64]bool{}
		s.counters = map[uint32]bool{}
	} else {
		delta := int16(p.SequenceNumber - uint16(s.highest))
		seq = uint64(int64(s.highest) + int64(delta))
		if delta < 0 {
			s.OutOfOrder++
		} else {
			s.highest = seq
		}
	}
	if s.seen[seq] {
		s.Duplicates++
		return
	}
	s.seen[seq] = true
	s.Packets++
	s.Bytes += len(p.Payload)
}

// noteCounter reads the running number that publish writes at the end of each payload.
func (s *stream) noteCounter(payload []byte) {
	if len(payload) < 8 || !bytes.Equal(payload[len(payload)-8:len(payload)-4], []byte("AMPH")) {
		s.PayloadsBad++
		return
	}
	n := binary.BigEndian.Uint32(payload[len(payload)-4:])
	if len(s.counters) == 0 || n < s.CounterFirst {
		s.CounterFirst = n
	}
	if n > s.CounterLast {
		s.CounterLast = n
	}
	s.counters[n] = true
}

func (s *stream) finish() {
	if !s.started {
		return
	}
	s.Lost = int(s.highest-s.first) + 1 - s.Packets
	if len(s.counters) > 0 {
		s.CounterMissing = int(s.CounterLast-s.CounterFirst) + 1 - len(s.counters)
	}
}

// lossy loses RTP and RTCP (RFC 7983) on its way in, percent of it.
type lossy struct {
	net.PacketConn
	percent int
}

func (l lossy) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := l.PacketConn.ReadFrom(p)
		if err != nil || n == 0 || p[0] < 128 || p[0] > 191 || rand.Intn(100) >= l.percent {
			return n, from, err
		}
	}
}

func newAPI(profile string, loss int) *webrtc.API {
	media := &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}
	var audioFeedback []webrtc.RTCPFeedback
	if loss > 0 {
		audioFeedback = []webrtc.RTCPFeedback{{Type: "nack"}}
	}
	check(media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1", RTCPFeedback: audioFeedback}, PayloadType: 111}, webrtc.RTPCodecTypeAudio))
	check(media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback}, PayloadType: 96}, webrtc.RTPCodecTypeVideo))
	if loss == 0 {
		check(media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "video/rtx", ClockRate: 90000, SDPFmtpLine: "apt=96"}, PayloadType: 97}, webrtc.RTPCodecTypeVideo))
	}
	check(media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: "urn:ietf:params:rtp-hdrext:sdes:mid"}, webrtc.RTPCodecTypeAudio))
	check(media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: "urn:ietf:params:rtp-hdrext:sdes:mid"}, webrtc.RTPCodecTypeVideo))
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	if loss > 0 {
		socket, err := net.ListenPacket("udp4", "0.0.0.0:0")
		check(err)
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
		settings.SetICEUDPMux(webrtc.NewICEUDPMux(nil, lossy{socket, loss}))
	}
	if profile == "cm" {
		settings.SetSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	} else {
		settings.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
	}
	registry := &interceptor.Registry{}
	check(webrtc.RegisterDefaultInterceptors(media, registry))
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(registry))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// exchange posts the offer and sets the answer; it returns the session's address.
func exchange(pc *webrtc.PeerConnection, url, token string) (string, error) {
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		return "", err
	}
	request, _ := http.NewRequest("POST", url, bytes.NewBufferString(offer.SDP))
	request.Header.Set("Content-Type", "application/sdp")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != 201 {
		return "", fmt.Errorf("POST %s: %d %s", url, response.StatusCode, body)
	}
	location, err := response.Location()
	if err != nil {
		return "", err
	}
	return location.String(), pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(body)})
}

func hangUp(location, token string) {
	request, _ := http.NewRequest("DELETE", location, nil)
	request.Header.Set("Authorization", "Bearer "+token)
	if response, err := http.DefaultClient.Do(request); err == nil {
		response.Body.Close()
	}
}

func publish(url, token, profile string, seconds, fps, kbps int) {
	pc, err := newAPI(profile, 0).NewPeerConnection(webrtc.Configuration{})
	check(err)
	audio, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "pion")
	check(err)
	video, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "pion")
	check(err)
	var pli, nacks int
	var lock sync.Mutex
	keyWanted := true
	for _, track := range []webrtc.TrackLocal{audio, video} {
		transceiver, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		check(err)
		go func(sender *webrtc.RTPSender) {
			for {
				packets, _, err := sender.ReadRTCP()
				if err != nil {
					return
				}
				for _, p := range packets {
					lock.Lock()
					switch p.(type) {
					case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
						pli++
						keyWanted = true
					case *rtcp.TransportLayerNack:
						nacks++
					}
					lock.Unlock()
				}
			}
		}(transceiver.Sender())
	}
	connected := make(chan struct{})
	var once sync.Once
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	location, err := exchange(pc, url, token)
	check(err)
	select {
	case <-connected:
	case <-time.After(10 * time.Second):
		fmt.Fprintln(os.Stderr, "not connected within 10 s")
		os.Exit(1)
	}
	fmt.Println(`{"connected":true}`)
	var audioSeq, videoSeq uint16
	var audioSent, videoSent, keyFrames uint32
	var frame uint32
	started := time.Now()
	nextAudio, nextVideo := started, started
	payload := make([]byte, 1100)
	stamp := func(p []byte, n uint32) {
		copy(p[len(p)-8:], "AMPH")
		binary.BigEndian.PutUint32(p[len(p)-4:], n)
	}
	for time.Since(started) < time.Duration(seconds)*time.Second {
		now := time.Now()
		if !now.Before(nextAudio) {
			body := make([]byte, 80)
			body[0] = 0x78 // CELT, 20 ms, mono
			stamp(body, audioSent)
			_ = audio.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: audioSeq, Timestamp: audioSent * 960, PayloadType: 111}, Payload: body})
			audioSeq++
			audioSent++
			nextAudio = nextAudio.Add(20 * time.Millisecond)
		}
		if !now.Before(nextVideo) {
			lock.Lock()
			key := keyWanted
			keyWanted = false
			lock.Unlock()
			perFrame := kbps * 1000 / 8 / fps / len(payload)
			if perFrame < 1 {
				perFrame = 1
			}
			if key {
				keyFrames++
				perFrame *= 3
			}
			for i := 0; i < perFrame; i++ {
				body := make([]byte, len(payload))
				if i == 0 {
					body[0] = 0x10
				}
				body[1] = 1 // inter frame
				if key {
					body[1] = 0
					copy(body[4:], []byte{0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02})
				}
				stamp(body, videoSent)
				_ = video.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, Marker: i == perFrame-1, SequenceNumber: videoSeq, Timestamp: frame * uint32(90000/fps), PayloadType: 96}, Payload: body})
				videoSeq++
				videoSent++
			}
			frame++
			nextVideo = nextVideo.Add(time.Second / time.Duration(fps))
		}
		time.Sleep(2 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond)
	lock.Lock()
	defer lock.Unlock()
	report(map[string]interface{}{"audio_sent": audioSent, "video_sent": videoSent, "key_frames": keyFrames, "pli": pli, "nacks": nacks})
	hangUp(location, token)
	_ = pc.Close()
}

func receiveOne(url, token, profile string, seconds, loss int, out *map[string]interface{}) error {
	pc, err := newAPI(profile, loss).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	defer pc.Close()
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return err
		}
	}
	var lock sync.Mutex
	streams := map[string]*stream{"audio": {}, "video": {}}
	posted := time.Now()
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			lock.Lock()
			s := streams[track.Kind().String()]
			s.add(p, posted)
			s.noteCounter(p.Payload)
			lock.Unlock()
		}
	})
	location, err := exchange(pc, url, token)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	lock.Lock()
	for _, s := range streams {
		s.finish()
	}
	*out = map[string]interface{}{"audio": *streams["audio"], "video": *streams["video"]}
	lock.Unlock()
	hangUp(location, token)
	return nil
}

func receive(url, token, profile string, seconds, count, loss int) {
	results := make([]map[string]interface{}, count)
	var wait sync.WaitGroup
	var lock sync.Mutex
	errors := []string{}
	for i := 0; i < count; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			if err := receiveOne(url, token, profile, seconds, loss, &results[i]); err != nil {
				lock.Lock()
				errors = append(errors, err.Error())
				lock.Unlock()
			}
		}(i)
		time.Sleep(10 * time.Millisecond)
	}
	wait.Wait()
	sort.Strings(errors)
	report(map[string]interface{}{"receivers": results, "errors": errors})
}

func report(value interface{}) {
	text, err := json.Marshal(value)
	check(err)
	fmt.Println(string(text))
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: pion publish|receive --url URL --token TOKEN ...")
		os.Exit(2)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	url := flags.String("url", "", "WHIP or WHEP endpoint")
	token := flags.String("token", "", "invite token")
	profile := flags.String("profile", "gcm", "gcm or cm")
	seconds := flags.Int("seconds", 10, "how long")
	count := flags.Int("count", 1, "receivers")
	loss := flags.Int("loss", 0, "percent of what comes, and no RTX")
	fps := flags.Int("fps", 30, "frames per second")
	kbps := flags.Int("kbps", 1000, "video bit rate")
	check(flags.Parse(os.Args[2:]))
	if os.Args[1] == "publish" {
		publish(*url, *token, *profile, *seconds, *fps, *kbps)
	} else {
		receive(*url, *token, *profile, *seconds, *count, *loss)
	}
}
