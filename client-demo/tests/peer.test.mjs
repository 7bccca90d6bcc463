/** The connection's own course, over connections that do what the test says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOTH_SILENT_MS } from '../web/media_policy.js';
import { Peer } from '../web/peer.js';

const settle = () => new Promise((done) => setImmediate(done));

class FakeConnection {
  constructor() {
    FakeConnection.made.push(this);
    Object.assign(this, { signalingState: 'stable', iceConnectionState: 'new', connectionState: 'new', restarts: 0, closed: false, mids: 0, answers: [] });
  }
  addTransceiver(kind) {
    const sender = { replaceTrack: async () => {}, getParameters: () => ({ encodings: [{}] }), setParameters: async () => {} };
    return { mid: String(this.mids++), sender, receiver: { track: { kind }, getStats: async () => new Map() }, setCodecPreferences() {} };
  }
  async createOffer({ iceRestart } = {}) {
    if (iceRestart) this.restarts += 1;
    return { type: 'offer', sdp: 'offer' };
  }
  async setLocalDescription({ type }) { this.signalingState = type === 'rollback' ? 'stable' : 'have-local-offer'; }
  async setRemoteDescription(answer) {
    this.signalingState = 'stable';
    this.remoteDescription = answer;
    this.answers.push(answer.sdp);
  }
  getReceivers() { return []; }
  async getStats() { return new Map(); }
  close() { this.closed = true; this.signalingState = 'closed'; }
  become(state) {
    this.iceConnectionState = this.connectionState = state;
    this.oniceconnectionstatechange();
    this.onconnectionstatechange();
  }
}

/** A peer that is connected; `asked` holds the offers that wait for their answers. */
async function connected(t) {
  FakeConnection.made = [];
  globalThis.window = { RTCRtpSender: {}, RTCRtpReceiver: {} };
  globalThis.RTCPeerConnection = FakeConnection;
  const world = { made: FakeConnection.made, asked: [], states: [] };
  const exchange = (sdp, restart) => new Promise((answer, refuse) => world.asked.push({ restart, answer: () => answer('answer'), refuse: (code) => refuse({ code }) }));
  world.peer = new Peer({ exchange, onTrack: () => {}, onState: (state) => world.states.push(state) });
  t.after(() => world.peer.close());
  world.peer.rebuild();
  await settle();
  world.asked.shift().answer();
  await settle();
  world.made[0].become('connected');
  return world;
}

/** As if nothing had come in for so long. */
const silence = (world, ms) => Object.defineProperty(world.peer.watch, 'silentMs', { value: ms }) && Object.defineProperty(world.peer.watch, 'hears', { value: ms === 0 });

test('a socket that comes back while media is silent tells of another network: a new connection at once', async (t) => {
  const world = await connected(t);
  silence(world, BOTH_SILENT_MS);
  world.peer.handleLinkOpen();
  await settle();
  assert.equal(world.made.length, 2);
  assert.ok(world.made[0].closed);
  assert.equal(world.asked.at(-1).restart, false);
});

test('a socket that comes back while media flows leaves the connection alone', async (t) => {
  const world = await connected(t);
  silence(world, 0);
  world.peer.handleLinkOpen();
  await settle();
  assert.equal(world.made.length, 1);
  assert.equal(world.asked.length, 0);
});

test('that the old transport has ended is no reason to make a connection twice', async (t) => {
  const world = await connected(t);
  silence(world, BOTH_SILENT_MS);
  world.peer.handleLinkOpen();
  world.peer.handleMediaReset();
  await settle();
  world.peer.handleMediaReset();
  assert.equal(world.made.length, 2);
  world.asked.shift().answer();
  await settle();
  world.peer.handleMediaReset(); // said of the new one
  assert.equal(world.made.length, 3);
});

test('an offer that was refused does not keep a later reset from being heard', async (t) => {
  const world = await connected(t);
  world.peer.handleMediaReset();
  await settle();
  world.asked.shift().refuse('offline');
  await settle();
  world.peer.handleMediaReset();
  assert.equal(world.made.length, 3);
});

test('while there is nobody to ask a connection is left alone, and may come back by itself', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const world = await connected(t);
  silence(world, 0);
  world.peer.downAt = performance.now() - 2500;
  world.peer.handleLinkOpen();
  await settle();
  world.asked.shift().refuse('offline');
  await settle();
  await settle();
  assert.equal(world.made[0].signalingState, 'stable'); // for voices that begin anew
  for (let i = 0; i < 20; i++) {
    t.mock.timers.tick(1500);
    await settle();
  }
  assert.equal(world.made[0].restarts, 1);
  assert.equal(world.made.length, 1);
  world.peer.handleLinkOpen();
  await settle();
  assert.equal(world.asked.length, 1);
});

test('a restart of a connection that is gone does not stand in the way of the next one\'s, nor end it', async (t) => {
  const world = await connected(t);
  const helped = async () => {
    world.peer.downAt = performance.now() - 2500;
    world.peer.handleLinkOpen();
    await settle();
  };
  await helped();
  const old = world.asked.shift();
  assert.equal(old.restart, true);
  world.peer.rebuild();
  await settle();
  world.asked.shift().answer();
  await settle();
  world.made[1].become('connected');
  await helped();
  assert.equal(world.asked.length, 1); // the new one's restart is under way
  old.answer();
  await settle();
  world.peer.restarts = 0;
  await helped();
  assert.equal(world.asked.length, 1); // and still guarded: one at a time
  assert.equal(world.made[1].restarts, 1);
});

const ANSWER = [4, 5, 6, 8].map((mid) => `m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:${mid}\r\na=sendonly\r\n`).join('');

test('voices that are old begin anew: their lines go off and on again, nobody is asked', async (t) => {
  const world = await connected(t);
  const [pc] = world.made;
  pc.remoteDescription.sdp = ANSWER;
  pc.answers.length = 0;
  world.peer.voiceAge.onOld();
  world.peer.voiceAge.onOld(); // once is enough
  await settle();
  assert.deepEqual(pc.answers, [ANSWER.replace(/(mid:[456]\r\na=)sendonly/g, '$1inactive'), ANSWER]);
  assert.equal(world.asked.length, 0);
  assert.equal(world.made.length, 1);
  world.peer.voiceAge.onOld();
  await settle();
  assert.equal(pc.answers.length, 4);
});

test('a browser that cannot do so gets a new connection', async (t) => {
  const world = await connected(t);
  world.made[0].setRemoteDescription = async () => { throw new Error('no'); };
  world.peer.voiceAge.onOld();
  await settle();
  assert.equal(world.made.length, 2);
});
