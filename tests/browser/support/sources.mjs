// What a test participant sends, and what a receiver really decoded. The functions are run inside
// pages; they use nothing of the product.

/**
 * Replaces the page's microphone and screen by known ones, before its scripts run:
 * - getUserMedia({audio}) gives a tone of `toneHz`, on while `window.fakeMicrophone.on` is true;
 * - getDisplayMedia gives a canvas of 1280x720 with text and a counter that goes up by one a frame.
 */
export function installSources({ toneHz, fps }) {
  const bits = 16;
  // One context for all that is ever asked for: a page that asks at each raised hand would have dozens running.
  const audio = () => {
    if (!window.fakeMicrophone) {
      const context = new AudioContext({ sampleRate: 48000 });
      const oscillator = new OscillatorNode(context, { frequency: toneHz });
      const gain = new GainNode(context, { gain: 0.5 });
      oscillator.connect(gain);
      oscillator.start();
      window.fakeMicrophone = { context, gain, set volume(v) { gain.gain.value = v; }, set hz(f) { oscillator.frequency.value = f; } };
    }
    const { context, gain } = window.fakeMicrophone;
    const out = context.createMediaStreamDestination();
    gain.connect(out);
    context.resume();
    const [track] = out.stream.getAudioTracks();
    const stop = track.stop.bind(track);
    track.stop = () => {
      gain.disconnect(out);
      stop();
      track.stop = stop;
    };
    return out.stream;
  };
  const screen = () => {
    const canvas = document.createElement('canvas');
    canvas.width = 1280;
    canvas.height = 720;
    const g = canvas.getContext('2d', { alpha: false });
    let frame = 0;
    const draw = () => {
      g.fillStyle = '#fff';
      g.fillRect(0, 0, 1280, 720);
      g.fillStyle = '#111';
      g.font = '22px sans-serif';
      for (let line = 0; line < 20; line++) g.fillText(`Ligne ${line + 1} : le quai de chargement est fermé de 12 h à 14 h. (${frame})`, 40, 140 + line * 28);
      // The counter as squares of 64 px: a white and a black one for reference, 16 bits, and parity.
      let parity = 0;
      const square = (i, black) => {
        g.fillStyle = black ? '#000' : '#fff';
        g.fillRect(32 + i * 64, 16, 64, 64);
      };
      square(0, false);
      square(1, true);
      for (let b = 0; b < bits; b++) {
        const bit = (frame >> b) & 1;
        parity ^= bit;
        square(2 + b, bit === 1);
      }
      square(2 + bits, parity === 1);
      window.fakeScreen.frame = frame;
    };
    // Each draw is a picture: a rate would sample them, and miss some when it is slow.
    const stream = canvas.captureStream();
    window.fakeScreen = { frame: 0, canvas, stream };
    // What stands for longer than a second is sent once more, as a browser does with a screen: a busy encoder may have left it out.
    const next = () => {
      frame = (frame + 1) & 0xffff;
      draw();
      if (fps < 1) setTimeout(draw, 1000);
    };
    next();
    window.fakeScreen.timer = setInterval(next, 1000 / fps);
    return stream;
  };
  const devices = navigator.mediaDevices;
  devices.getUserMedia = async (constraints) => {
    if (!constraints?.audio) throw new DOMException('no camera here', 'NotFoundError');
    return audio();
  };
  devices.getDisplayMedia = async () => screen();
}

/** Counts frames that a video element really shows, by the counter in the picture. */
export function watchPicture(selector) {
  const small = document.createElement('canvas');
  small.width = 1280;
  small.height = 96;
  const g = small.getContext('2d', { willReadFrequently: true });
  const seen = { reads: 0, bad: 0, frames: 0, last: -1, lastAt: 0, firstAt: 0, longestGapMs: 0, width: 0, height: 0, started: performance.now(), backwards: 0 };
  window.pictureSeen = seen;
  window.pictureReset = () => Object.assign(seen, { reads: 0, bad: 0, frames: 0, longestGapMs: 0, lastAt: 0, backwards: 0 });
  const read = () => {
    const video = document.querySelector(selector);
    if (!video || !video.videoWidth || video.readyState < 2) return;
    seen.width = video.videoWidth;
    seen.height = video.videoHeight;
    g.drawImage(video, 0, 0, video.videoWidth, (video.videoHeight * 96) / 720, 0, 0, 1280, 96);
    const level = (i) => g.getImageData(32 + i * 64 + 32, 48, 1, 1).data[1];
    const white = level(0);
    const black = level(1);
    seen.reads += 1;
    if (white - black < 100) {
      seen.bad += 1;
      return;
    }
    const middle = (white + black) / 2;
    let value = 0;
    let parity = 0;
    for (let b = 0; b < 16; b++) {
      const bit = level(2 + b) < middle ? 1 : 0;
      value |= bit << b;
      parity ^= bit;
    }
    if ((level(18) < middle ? 1 : 0) !== parity) {
      seen.bad += 1;
      return;
    }
    if (value === seen.last) return;
    const now = performance.now();
    if (seen.last >= 0 && ((value - seen.last) & 0xffff) > 0x8000) seen.backwards += 1;
    if (seen.lastAt) seen.longestGapMs = Math.max(seen.longestGapMs, now - seen.lastAt);
    seen.firstAt ||= now;
    seen.frames += 1;
    seen.last = value;
    seen.lastAt = now;
  };
  setInterval(read, 20);
}

/**
 * Listens to every <audio> and <video> element of the page that has a stream and plays: measures, in
 * blocks of 20 ms, whether a tone is there and its frequency by zero crossings.
 */
export function listen() {
  const context = new AudioContext({ sampleRate: 48000 });
  const heard = { blocks: 0, loud: 0, frequencies: {}, longestSilenceMs: 0, silentSince: 0, firstLoudAt: 0, lastLoudAt: 0, loudNow: false, wavelengths: 0, sources: 0 };
  window.soundHeard = heard;
  window.soundReset = () => Object.assign(heard, { blocks: 0, loud: 0, frequencies: {}, longestSilenceMs: 0, silentSince: 0, firstLoudAt: 0 });
  const mix = new GainNode(context);
  const node = context.createScriptProcessor(1024, 1, 1);
  mix.connect(node);
  node.connect(context.destination);
  context.resume();
  /** What is listened to, by track. @type {Map<MediaStreamTrack, MediaStreamAudioSourceNode>} */
  const ears = new Map();
  const listenTo = (track) => {
    ears.get(track)?.disconnect();
    ears.set(track, context.createMediaStreamSource(new MediaStream([track])));
    ears.get(track).connect(mix);
  };
  // Between a track and an AudioContext Chromium keeps up to 100 ms: filled by one moment in which the machine stands
  // still, and never again emptied. No ear at an <audio> element hears that; whoever measures delays begins afresh.
  window.soundAfresh = () => [...ears.keys()].filter((track) => track.readyState === 'live').forEach(listenTo);
  setInterval(() => {
    for (const element of document.querySelectorAll('audio,video')) {
      const stream = element.srcObject;
      if (!stream || element.paused || element.muted) continue;
      for (const track of stream.getAudioTracks()) {
        if (ears.has(track) || track.readyState !== 'live') continue;
        heard.sources += 1;
        listenTo(track);
      }
    }
  }, 50);
  node.onaudioprocess = (event) => {
    const samples = event.inputBuffer.getChannelData(0);
    const now = performance.now();
    let energy = 0;
    let crossings = 0;
    for (let i = 0; i < samples.length; i++) {
      energy += samples[i] * samples[i];
      if (i > 0 && samples[i - 1] < 0 !== samples[i] < 0) crossings += 1;
    }
    heard.blocks += 1;
    const loud = Math.sqrt(energy / samples.length) > 0.02;
    heard.loudNow = loud;
    if (loud) {
      heard.loud += 1;
      heard.firstLoudAt ||= now;
      heard.lastLoudAt = now;
      heard.silentSince = 0;
      const hz = Math.round((crossings * 48000) / 2 / samples.length / 50) * 50;
      heard.frequencies[hz] = (heard.frequencies[hz] ?? 0) + 1;
    } else if (heard.firstLoudAt) {
      heard.silentSince ||= now;
      heard.longestSilenceMs = Math.max(heard.longestSilenceMs, now - heard.silentSince + 21);
    }
  };
}
