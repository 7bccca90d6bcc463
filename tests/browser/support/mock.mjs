// The page without a server: its files from a small web server with the product's own policy, its socket and its
// connection played by this test inside the page. For states that a real class reaches rarely or slowly.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromiumPage } from './browsers.mjs';
import { root } from './stack.mjs';
import { atEnd } from './tap.mjs';

const web = join(root, 'client-demo', 'web');
const modules = join(root, 'client-demo', 'node_modules');
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };

/** Serves the page; counts what a visit costs on the line. */
export async function servePage() {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname)).replace(/^(\.\.[/\\])+/, '');
    const file = path === '/' ? join(web, 'index.html') : path.startsWith('/modules/') ? join(modules, path.slice(9)) : join(web, path);
    try {
      const body = gzipSync(readFileSync(file));
      const headers = {
        'content-type': types[extname(file)] ?? 'text/plain', 'content-encoding': 'gzip', 'content-length': body.length, 'cache-control': 'no-cache',
        'content-security-policy': "default-src 'self'; script-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' blob: mediastream:; object-src 'none'; base-uri 'none'",
      };
      response.writeHead(200, headers).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  atEnd(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}/` };
}

/** A link as the server makes it; its signature is never read here. */
export function linkFor(url, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${url}#${part({ alg: 'HS256' })}.${part({ title: 'Anglais logistique', ...claims })}.c2ln`;
}

/** Runs in the page before its scripts. `hello` is the first answer: a welcome, waiting or error without `to`. */
function installMock({ hello, media, slide, lang }) {
  try {
    localStorage.setItem('amphi.lang', lang);
  } catch { /* not allowed: French then */ }
  const mock = { sent: [], sockets: [], answers: {}, helloTo: 0, emit: (message) => mock.sockets.at(-1)?.onmessage?.({ data: JSON.stringify(message) }) };
  window.mock = mock;
  window.WebSocket = class {
    constructor() {
      mock.sockets.push(this);
      this.readyState = 0;
      setTimeout(() => {
        this.readyState = 1;
        this.onopen?.();
      }, 0);
    }
    send(text) {
      const message = JSON.parse(text);
      mock.sent.push(message);
      const reply = (body) => setTimeout(() => this.onmessage?.({ data: JSON.stringify({ ...body, to: message.id }) }), 0);
      if (message.type === 'hello') {
        mock.helloTo = message.id;
        if (hello) reply(hello);
      } else if (message.type === 'offer') reply({ type: 'answer', sdp: 'v=0' });
      else if (mock.answers[message.type]) reply(mock.answers[message.type]);
      else reply({ type: 'ok' });
    }
    close() {}
  };
  const picture = () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1600, height: 900 });
    const g = canvas.getContext('2d');
    const draw = () => {
      g.fillStyle = '#ffffff';
      g.fillRect(0, 0, 1600, 900);
      g.fillStyle = '#0b3d66';
      g.fillRect(0, 0, 1600, 130);
      g.fillStyle = '#ffffff';
      g.font = '600 58px system-ui, sans-serif';
      g.fillText(slide[0], 60, 86);
      g.fillStyle = '#17262a';
      g.font = '40px system-ui, sans-serif';
      slide.slice(1).forEach((line, i) => g.fillText(line, 90, 230 + i * 82));
    };
    draw();
    setInterval(draw, 200);
    return canvas.captureStream(5).getVideoTracks()[0];
  };
  let context = null;
  const tone = () => {
    context ??= new AudioContext();
    const out = context.createMediaStreamDestination();
    const gain = new GainNode(context, { gain: 0.3 });
    const oscillator = new OscillatorNode(context, { frequency: 300 });
    oscillator.connect(gain).connect(out);
    oscillator.start();
    context.resume();
    return out.stream.getAudioTracks()[0];
  };
  const silence = () => {
    context ??= new AudioContext();
    return context.createMediaStreamDestination().stream.getAudioTracks()[0];
  };
  window.RTCPeerConnection = class {
    constructor() {
      this.videos = 0;
      this.iceConnectionState = 'new';
      this.connectionState = 'new';
      this.signalingState = 'stable';
    }
    addTransceiver(kind, { direction }) {
      const first = kind === 'video' && direction === 'recvonly' && this.videos++ === 0;
      const track = direction !== 'recvonly' ? null : kind === 'audio' ? silence() : first && slide ? picture() : document.createElement('canvas').captureStream(0).getVideoTracks()[0];
      const sender = { track: null, replaceTrack: async (t) => { sender.track = t; }, getParameters: () => ({ encodings: [{}] }), setParameters: async () => {} };
      return { mid: String(Math.random()), direction, sender, receiver: { track, getStats: async () => new Map() }, setCodecPreferences() {} };
    }
    async createOffer() { return { type: 'offer', sdp: 'v=0' }; }
    async setLocalDescription() {}
    async setRemoteDescription() {
      if (media !== 'connected') return;
      this.iceConnectionState = this.connectionState = 'connected';
      this.oniceconnectionstatechange?.();
      this.onconnectionstatechange?.();
    }
    async getStats() { return new Map(); }
    close() {}
  };
  window.RTCRtpSender.getCapabilities = () => null;
  window.RTCRtpReceiver.getCapabilities = () => null;
  const devices = navigator.mediaDevices;
  devices.getUserMedia = async () => new MediaStream([tone()]);
  devices.getDisplayMedia = async () => new MediaStream([picture()]);
}

const SLIDE = ['Unit 4 – At the loading dock', '•  Where is the forklift?', '•  The pallet is on the left, next to the ramp.', '•  Please sign the delivery note here.', '•  Mind your step: the floor is wet.', 'Say it aloud, then answer the question in the chat.'];

/** A page with a played server. `welcome` null: the page stays before the class. */
export async function mockPage(url, claims, { hello = null, media = 'connected', slide = SLIDE, lang = 'fr', ...more } = {}) {
  const page = await chromiumPage({ sources: { install: installMock, options: { hello, media, slide, lang } }, ...more });
  await page.goto(linkFor(url, claims));
  page.tell = (...messages) => page.evaluate((all) => all.forEach((m) => window.mock.emit(m)), messages);
  page.asked = (type) => page.evaluate((t) => window.mock.sent.filter((m) => m.type === t), type);
  return page;
}

export const person = (id, name, more = {}) => ({ id, name, role: 'learner', here: true, hand: null, floor: false, mic: false, sharing: null, media: 'connected', help: null, helper: null, muted: false, ...more });

/** A welcome of a server that has everything. */
export function welcomeFor(own, people, state = {}) {
  const klass = { id: 'c', title: 'Anglais logistique', state: 'open', lead: '3', lobby: true, locked: false, chat: true, realised_ms: 0, mode: state.mode?.mode ?? 'lecture' };
  const all = [...people.filter((p) => p.id !== own.id), own];
  const teaching = ['trainer', 'co_trainer'].includes(own.role);
  return {
    type: 'welcome', version: 1, participant: { id: own.id, name: own.name, role: own.role }, class: klass, resume_token: 'r', resume_for_s: 60,
    resumed: false, media: 'none', server_time_ms: Date.now(),
    state: {
      people: all, count: { trainer: 1, learner: all.filter((p) => p.role === 'learner').length, operator: 0 },
      slots: { voice_0: '3', screen: null }, names: { 3: 'Mme Petit' }, speaking: ['3'], class: klass,
      mode: { mode: 'lecture', since_ms: Date.now(), until_ms: null },
      aside: null, rights: { send: teaching ? ['mic', 'screen', 'screen_audio', 'camera'] : [], muted: false },
      queue: { length: 0, position: null, since_ms: null, ...(teaching || own.role === 'assistant' ? { queue: [] } : {}) }, poll: null, ...state,
    },
  };
}
