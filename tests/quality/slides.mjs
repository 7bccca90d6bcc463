// What the trainer shows and how the learner's picture is read. The functions run inside pages and
// use nothing of the product. Times are Date.now()'s: both browsers run on one machine.

/** The words of slide `number`: common French ones without accents, so that OCR needs no dictionary. */
export function wordsOfSlide(number) {
  const words = ['palette', 'camion', 'hangar', 'livraison', 'contrat', 'facture', 'douane', 'volume', 'moteur', 'chariot', 'semaine', 'client', 'retard', 'parcelle', 'machine', 'entrepot',
    'colis', 'transport', 'commande', 'marchandise', 'fournisseur', 'document', 'signature', 'magasin', 'conteneur', 'navire', 'terminal', 'cargaison', 'bordereau', 'produit', 'reserve', 'surface'];
  const chosen = [];
  for (let i = 0; chosen.length < 24; i++) {
    const word = words[(number * 11 + i * (2 * (number % 16) + 1)) % words.length];
    if (!chosen.includes(word) || i > 200) chosen.push(word);
  }
  return chosen;
}

/** The part of the picture with the words, and the strip of squares above it. */
export const layout = { width: 1280, height: 720, words: { x: 40, y: 96, width: 760, height: 320 }, bits: 24, square: 40, top: 16, left: 40 };

/**
 * Microphone and screen of a trainer: a voice-like sound, and slides that change every `slideMs`
 * (none when 0). Each picture carries its number (16 bits), its slide's number (8) and parity as squares.
 */
export function installSlides({ layout, slideMs, fps, words }) {
  const devices = navigator.mediaDevices;
  const sound = () => {
    const context = new AudioContext({ sampleRate: 48000 });
    const out = context.createMediaStreamDestination();
    const loudness = new GainNode(context, { gain: 0.3 });
    // Harmonics of a voice, and a syllable's rise and fall without a pause.
    for (const [frequency, gain] of [[140, 0.5], [280, 0.4], [700, 0.2], [1220, 0.1], [2600, 0.05]]) {
      const oscillator = new OscillatorNode(context, { frequency });
      const level = new GainNode(context, { gain });
      oscillator.connect(level).connect(loudness);
      oscillator.start();
    }
    const syllables = new OscillatorNode(context, { frequency: 4 });
    const depth = new GainNode(context, { gain: 0.12 });
    syllables.connect(depth).connect(loudness.gain);
    syllables.start();
    loudness.connect(out);
    context.resume();
    return out.stream;
  };
  const screen = () => {
    const canvas = document.createElement('canvas');
    canvas.width = layout.width;
    canvas.height = layout.height;
    const g = canvas.getContext('2d', { alpha: false });
    const shown = { frames: [], slides: [] };
    window.slidesShown = shown;
    const drawSlide = (slide) => {
      g.fillStyle = '#fff';
      g.fillRect(0, 0, layout.width, layout.height);
      g.fillStyle = '#111';
      g.font = '34px sans-serif';
      const area = layout.words;
      words[slide % words.length].forEach((word, i) => g.fillText(word, area.x + 8 + (i % 3) * 250, area.y + 34 + Math.floor(i / 3) * 38));
      g.fillStyle = '#333';
      g.font = '18px sans-serif';
      for (let line = 0; line < 10; line++) g.fillText(`${line + 1}. ${words[(slide + line) % words.length].slice(0, 7).join(' ')}`, 48, 450 + line * 25);
    };
    const drawNumbers = (frame, slide) => {
      const value = frame | (slide << 16);
      let parity = 0;
      const square = (i, black) => {
        g.fillStyle = black ? '#000' : '#fff';
        g.fillRect(layout.left + i * layout.square, layout.top, layout.square, layout.square);
      };
      for (let b = 0; b < layout.bits; b++) {
        parity ^= (value >> b) & 1;
        square(b, ((value >> b) & 1) === 1);
      }
      square(layout.bits, parity === 1);
      square(layout.bits + 1, false);
      square(layout.bits + 2, true);
    };
    let frame = 0;
    let slide = -1;
    const draw = () => {
      const wanted = slideMs ? Math.floor((frame * 1000) / fps / slideMs) % 256 : 0;
      if (wanted !== slide) {
        slide = wanted;
        drawSlide(slide);
        shown.slides.push({ slide, at: Date.now() });
      }
      drawNumbers(frame & 0xffff, slide);
      shown.frames.push(Date.now());
      frame += 1;
    };
    const stream = canvas.captureStream();
    draw();
    setInterval(draw, 1000 / fps);
    return stream;
  };
  devices.getUserMedia = async (constraints) => {
    if (!constraints?.audio) throw new DOMException('no camera here', 'NotFoundError');
    return sound();
  };
  devices.getDisplayMedia = async () => screen();
}

/** Keeps every connection the page makes, and what happened when on the way into the class. */
export function keepConnections() {
  const Real = window.RTCPeerConnection;
  const RealSocket = window.WebSocket;
  window.connections = [];
  window.timeline = [];
  const note = (what) => window.timeline.length < 60 && window.timeline.push([Date.now(), what]);
  addEventListener('click', () => note('click'), true);
  window.RTCPeerConnection = class extends Real {
    constructor(...more) {
      super(...more);
      const entry = { connection: this, upAt: 0 };
      window.connections.push(entry);
      note('connection made');
      this.addEventListener('iceconnectionstatechange', () => note(`ice ${this.iceConnectionState}`));
      this.addEventListener('connectionstatechange', () => {
        note(`connection ${this.connectionState}`);
        if (this.connectionState === 'connected') entry.upAt ||= Date.now();
      });
      this.addEventListener('signalingstatechange', () => note(`signaling ${this.signalingState}`));
    }
  };
  window.WebSocket = class extends RealSocket {
    constructor(...more) {
      super(...more);
      note('socket made');
      this.addEventListener('open', () => note('socket open'));
      this.addEventListener('close', ({ code, reason }) => note(`socket closed ${code} ${reason}`));
      this.addEventListener('message', ({ data }) => note(`got ${JSON.parse(data).type}`));
    }

    send(data) {
      note(`sent ${JSON.parse(data).type}`);
      super.send(data);
    }
  };
}

/**
 * Reads each picture the learner's screen really shows: its number, and, when the area with the words
 * has changed, that area in grey for OCR afterwards.
 */
export function watchSlides({ selector, layout }) {
  const watch = { startedAt: Date.now(), pictures: [], kept: [], firstVoiceAt: 0, audio: [], width: 0, height: 0 };
  window.slidesSeen = watch;
  const canvas = new OffscreenCanvas(layout.width, layout.height);
  const g = canvas.getContext('2d', { willReadFrequently: true });
  const area = layout.words;
  let last = null;
  const read = (video, at, receivedAt) => {
    watch.width = video.videoWidth;
    watch.height = video.videoHeight;
    g.drawImage(video, 0, 0, layout.width, layout.height);
    const strip = g.getImageData(layout.left, layout.top + layout.square / 2, layout.square * (layout.bits + 3), 1).data;
    const level = (i) => strip[4 * (i * layout.square + layout.square / 2) + 1];
    const middle = (level(layout.bits + 1) + level(layout.bits + 2)) / 2;
    let value = 0;
    let parity = 0;
    for (let b = 0; b < layout.bits; b++) {
      const bit = level(b) < middle ? 1 : 0;
      value |= bit << b;
      parity ^= bit;
    }
    const good = level(layout.bits + 1) - level(layout.bits + 2) > 100 && (level(layout.bits) < middle ? 1 : 0) === parity;
    watch.pictures.push([at, good ? value : -1, receivedAt]);
    const pixels = g.getImageData(area.x, area.y, area.width, area.height).data;
    let changed = 0;
    let looked = 0;
    for (let i = 1; i < pixels.length; i += 4 * 13) {
      looked += 1;
      if (!last || Math.abs(pixels[i] - last[(i - 1) / 4]) > 12) changed += 1;
    }
    if (changed * 1000 < looked || watch.kept.length > 500) return;
    last = new Uint8Array(area.width * area.height);
    for (let i = 0; i < last.length; i++) last[i] = pixels[4 * i + 1];
    watch.kept.push({ at, value: good ? value : -1, grey: last });
  };
  let followed = null;
  const follow = () => {
    const video = document.querySelector(selector);
    if (!video || video === followed) return;
    followed = video;
    const next = () => video.requestVideoFrameCallback((now, { receiveTime }) => {
      if (video === followed && video.videoWidth) read(video, performance.timeOrigin + now, performance.timeOrigin + (receiveTime ?? 0));
      next();
    });
    next();
  };
  setInterval(() => {
    follow();
    for (const { connection } of watch.firstVoiceAt ? [] : window.connections) {
      for (const receiver of connection.getReceivers()) {
        if (receiver.track.kind !== 'audio') continue;
        const source = receiver.getSynchronizationSources()[0];
        if (source && source.audioLevel > 0.001) watch.firstVoiceAt ||= Date.now();
      }
    }
  }, 10);
}

/** The figures of the connection's statistics that the tables need. */
export async function readStatistics() {
  const sum = { concealed: 0, silentConcealed: 0, samples: 0, audioLost: 0, audioLate: 0, audioReceived: 0, nackSent: 0, pliSent: 0, freezeCount: 0, freezeMs: 0, framesDecoded: 0, framesDropped: 0, videoBytes: 0, videoLost: 0, videoReceived: 0, audioBytes: 0, jitterBufferMs: 0, retransmitted: 0,
    fecReceived: 0, insertedForDeceleration: 0, removedForAcceleration: 0,
    pliReceived: 0, firReceived: 0, keyFramesSent: 0, videoBytesSent: 0, audioBytesSent: 0, framesSent: 0, nackReceived: 0, limitedBy: '', rttMs: 0, availableOutgoing: 0, codec: '',
    audioDiscarded: 0, concealmentEvents: 0, videoTarget: 0, sendDelayMs: 0, videoPacketsSent: 0, relayLostAudio: 0, relayAudioJitterMs: 0, relayLostVideo: 0, audioTargetMs: 0, quality: 0 };
  for (const { connection } of window.connections) {
    if (connection.connectionState === 'closed') continue;
    const report = await connection.getStats();
    for (const s of report.values()) {
      if (s.type === 'inbound-rtp' && s.kind === 'audio') {
        sum.concealed += s.concealedSamples ?? 0;
        sum.silentConcealed += s.silentConcealedSamples ?? 0;
        sum.samples += s.totalSamplesReceived ?? 0;
        sum.audioLost += s.packetsLost;
        sum.audioLate += s.packetsDiscarded ?? 0;
        sum.audioDiscarded += s.packetsDiscarded ?? 0;
        sum.concealmentEvents += s.concealmentEvents ?? 0;
        if (s.packetsReceived > 50) sum.audioTargetMs = Math.round((1000 * s.jitterBufferTargetDelay) / (s.jitterBufferEmittedCount || 1));
        sum.audioReceived += s.packetsReceived;
        sum.audioBytes += s.bytesReceived + s.headerBytesReceived;
        sum.fecReceived += s.fecPacketsReceived ?? 0;
        sum.insertedForDeceleration += s.insertedSamplesForDeceleration ?? 0;
        sum.removedForAcceleration += s.removedSamplesForAcceleration ?? 0;
        if (s.packetsReceived > 50) sum.jitterBufferMs = Math.round((1000 * s.jitterBufferDelay) / (s.jitterBufferEmittedCount || 1));
      } else if (s.type === 'inbound-rtp' && s.kind === 'video') {
        sum.nackSent += s.nackCount;
        sum.pliSent += s.pliCount + (s.firCount ?? 0);
        sum.freezeCount += s.freezeCount ?? 0;
        sum.freezeMs += Math.round(1000 * (s.totalFreezesDuration ?? 0));
        sum.framesDecoded += s.framesDecoded ?? 0;
        sum.framesDropped += s.framesDropped ?? 0;
        sum.videoLost += s.packetsLost;
        sum.videoReceived += s.packetsReceived;
        sum.videoBytes += s.bytesReceived + s.headerBytesReceived;
        sum.retransmitted += s.retransmittedPacketsReceived ?? 0;
        if (s.packetsReceived > 10) sum.codec = report.get(s.codecId)?.mimeType ?? sum.codec;
      } else if (s.type === 'outbound-rtp' && s.kind === 'video') {
        sum.pliReceived += s.pliCount ?? 0;
        sum.firReceived += s.firCount ?? 0;
        sum.nackReceived += s.nackCount ?? 0;
        sum.keyFramesSent += s.keyFramesEncoded ?? 0;
        sum.videoBytesSent += s.bytesSent;
        sum.framesSent += s.framesSent ?? 0;
        sum.videoTarget += s.targetBitrate ?? 0;
        sum.videoPacketsSent += s.packetsSent;
        sum.sendDelayMs += Math.round(1000 * (s.totalPacketSendDelay ?? 0));
        sum.quality += s.qpSum ?? 0;
        if (s.qualityLimitationReason && s.qualityLimitationReason !== 'none') sum.limitedBy = s.qualityLimitationReason;
      } else if (s.type === 'outbound-rtp' && s.kind === 'audio') {
        sum.audioBytesSent += s.bytesSent;
      } else if (s.type === 'remote-inbound-rtp') {
        if (s.kind === 'audio') {
          sum.relayLostAudio += s.packetsLost ?? 0;
          sum.relayAudioJitterMs = Math.max(sum.relayAudioJitterMs, Math.round(1000 * (s.jitter ?? 0)));
        } else sum.relayLostVideo += s.packetsLost ?? 0;
      } else if (s.type === 'candidate-pair' && s.nominated) {
        sum.rttMs = Math.round(1000 * (s.currentRoundTripTime ?? 0));
        sum.availableOutgoing = s.availableOutgoingBitrate ?? 0;
      }
    }
  }
  return sum;
}
