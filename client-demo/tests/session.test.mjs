/** One visit to a class, where what the page knows meets the devices: a talk in private ends, in every way that it can. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStore, initialState, reduce } from '../web/classroom.js';

const quiet = { dataset: {}, append() {}, addEventListener() {} };
Object.assign(globalThis, {
  document: { ...quiet, createElement: () => ({ ...quiet }), body: quiet, visibilityState: 'visible' },
  addEventListener() {}, setInterval: () => 0,
});
const { setTimeout: later } = globalThis;
globalThis.setTimeout = /** @type {any} */ ((f, ms) => later(f, ms).unref());
Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { mediaDevices: {
  getUserMedia: async () => ({ getAudioTracks: () => [{ kind: 'audio', enabled: true, stop() {}, getSettings: () => ({ deviceId: 'd' }) }] }),
  enumerateDevices: async () => [],
} } });
const { Session } = await import('../web/session.js');

const PRIVATE = { id: '9', name: 'B' };
const OPEN = { send: ['mic', 'screen'], muted: false };
const CLOSED = { send: ['screen'], muted: false };

function snapshot(role, more) {
  const own = { id: '17', name: 'A', role, here: true, hand: null, floor: role !== 'learner', mic: false, sharing: null, media: 'connected' };
  return { type: 'welcome', participant: { id: '17', name: 'A', role }, class: { id: 'c', title: 'T', state: 'open' },
    state: { people: [own, { ...own, ...PRIVATE, role: 'learner', floor: false }], slots: {}, speaking: [], mode: { mode: 'practical' }, rights: CLOSED, aside: PRIVATE, ...more } };
}

/** A page that speaks in private, its microphone on. */
async function inPrivate(role, { floor = role !== 'learner' } = {}) {
  const store = createStore(reduce, initialState());
  const session = new Session(store, 'token');
  session.peer = /** @type {any} */ ({ negotiated: true, rebuild() {}, handleLinkOpen() {}, setTrack: async () => {} });
  const hear = (...messages) => messages.forEach((message) => session.signaling.onMessage(message));
  hear(snapshot(role));
  hear({ type: 'person', person: { ...store.state.people[17], floor } });
  await session.mic.want(true);
  assert.equal(store.state.mic.status, 'live');
  return { session, store, hear, mic: () => [store.state.mic.wanted, session.mic.track?.enabled ?? false], said: () => store.state.notices.map((n) => n.key) };
}

test('a private talk that ended while the page was away leaves the microphone off, and the page says so', async () => {
  for (const role of ['trainer', 'assistant']) {
    const { hear, mic, said } = await inPrivate(role);
    hear(snapshot(role, { aside: null, rights: OPEN }));
    assert.deepEqual(mic(), [false, false], role);
    assert.deepEqual(said(), ['aside.over_off']);
  }
});

test('a private talk that ended while the page was loaded anew leaves the microphone off', async () => {
  const store = createStore(reduce, initialState());
  const session = new Session(store, 'token');
  session.signaling.start = () => {};
  session.peer = /** @type {any} */ ({ negotiated: false, rebuild() {}, setTrack: async () => {} });
  session.begin({ kind: 'resume', saved: { resume: 'r', name: 'A', micOn: true, aside: '9', at: 0 } });
  session.signaling.onMessage(snapshot('trainer', { aside: null, rights: OPEN }));
  assert.equal(store.state.mic.wanted, false);
  assert.deepEqual(store.state.notices.map((n) => n.key), ['aside.over_off']);
});

test('a private talk ended by somebody else turns the microphone off, whoever may be heard by the class then', async () => {
  for (const role of ['trainer', 'co_trainer', 'assistant', 'learner']) {
    const { hear, mic, said } = await inPrivate(role, { floor: true });
    hear({ type: 'aside', with: null, by: '9' }, { type: 'rights', ...OPEN });
    assert.deepEqual(mic(), [false, false], role);
    assert.deepEqual(said(), ['aside.over_off']);
  }
});

test('a private talk that a discussion ends turns the learner\'s microphone off', async () => {
  const { hear, mic, said } = await inPrivate('learner');
  hear({ type: 'aside', with: null, by: '3' }, { type: 'rights', ...OPEN }, { type: 'mode', mode: 'discussion' });
  assert.deepEqual(mic(), [false, false]);
  assert.deepEqual(said(), ['aside.over_off']);
});

test('who begins the break in private is not told that the class hears it; nor is who had the microphone off', async () => {
  const pause = [{ type: 'aside', with: null, by: '17', mode: 'break' }, { type: 'rights', send: [], muted: false }, { type: 'mode', mode: 'break' }];
  const one = await inPrivate('trainer');
  one.hear(...pause);
  assert.deepEqual(one.said(), ['aside.over_break']);
  const other = await inPrivate('learner');
  await other.session.mic.want(false);
  other.hear(...pause);
  assert.deepEqual(other.said(), ['aside.over_break']);
});

test('another private talk than the one that was left turns the microphone off, too', async () => {
  const { hear, mic } = await inPrivate('learner');
  hear(snapshot('learner', { aside: { id: '3', name: 'C' } }));
  assert.deepEqual(mic(), [false, false]);
});

test('who ends the private talk itself is heard by the class again, and is told so', async () => {
  const { hear, mic, said } = await inPrivate('trainer');
  hear({ type: 'aside', with: null, by: '17' }, { type: 'rights', ...OPEN });
  assert.deepEqual(mic(), [true, true]);
  assert.deepEqual(said(), ['aside.over_heard']);
});

test('a line that was away in the middle of a private talk changes nothing in it', async () => {
  const { hear, mic, said } = await inPrivate('learner');
  hear(snapshot('learner'));
  assert.deepEqual(mic(), [true, true]);
  assert.deepEqual(said(), []);
});
