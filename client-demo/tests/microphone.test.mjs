/** The own microphone: what is sent, what is heard, and that nothing goes on by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStore, initialState, reduce } from '../web/classroom.js';
import { Microphone } from '../web/microphone.js';

let opened = 0;
Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { mediaDevices: {
  async getUserMedia() {
    opened += 1;
    const track = { kind: 'audio', enabled: true, stopped: false, stop() { track.stopped = true; }, getSettings: () => ({ deviceId: 'd' }) };
    return { getAudioTracks: () => [track] };
  },
  enumerateDevices: async () => [],
} } });

const person = (more) => ({ id: '17', name: 'A', role: 'learner', here: true, hand: null, floor: false, mic: false, sharing: null, media: 'connected', ...more });

function learner(role = 'learner', send = []) {
  const store = createStore(reduce, initialState());
  store.dispatch({ type: 'server', message: {
    type: 'welcome', participant: { id: '17', name: 'A', role }, class: { id: 'c', title: 'T', state: 'open' },
    state: { people: [person({ role, floor: role === 'trainer' })], slots: {}, speaking: [], rights: { send, muted: false } },
  } });
  const sent = [];
  const told = [];
  const mic = new Microphone(store, async (track) => { sent.push(track); }, (on) => told.push(on));
  const hear = async (...messages) => {
    for (const message of messages) {
      store.dispatch({ type: 'server', message });
      await mic.handleRights();
    }
  };
  return { store, mic, sent, told, hear, status: () => store.state.mic.status };
}

test('in the queue the microphone sends already, so that the first syllable after the floor is not lost', async () => {
  const { mic, sent, hear, status, told } = learner();
  await mic.want(true);
  await hear({ type: 'person', person: person({ hand: 5 }) });
  assert.equal(sent.at(-1), mic.track);
  assert.equal(mic.track.enabled, true);
  assert.equal(status(), 'ready');
  assert.deepEqual(told, [], 'nobody is told that it is heard');
  const before = mic.track;
  await hear({ type: 'rights', send: ['mic'], muted: false }, { type: 'floor', granted: true, by: '3' });
  assert.equal(mic.track, before, 'the device was opened anew');
  assert.equal(status(), 'live');
  assert.deepEqual(told.filter((on) => on), [true]);
});

test('either order of the two messages about a floor keeps the microphone', async () => {
  const { mic, hear, status } = learner();
  await mic.want(true);
  await hear({ type: 'person', person: person({ hand: 5 }) });
  await hear({ type: 'floor', granted: true, by: '3' });
  assert.ok(mic.track);
  await hear({ type: 'rights', send: ['mic'], muted: false });
  assert.equal(status(), 'live');
});

test('the floor taken gives the device back, and the next floor does not open it', async () => {
  const { mic, sent, hear, status } = learner();
  await mic.want(true);
  await hear({ type: 'rights', send: ['mic'], muted: false }, { type: 'floor', granted: true, by: '3' });
  const { track } = mic;
  await hear({ type: 'rights', send: [], muted: false }, { type: 'floor', granted: false, by: '3' });
  assert.equal(track.stopped, true);
  assert.equal(sent.at(-1), null);
  const count = opened;
  await hear({ type: 'rights', send: ['mic'], muted: false }, { type: 'floor', granted: true, by: '3' });
  assert.equal(opened, count, 'a microphone was opened without being asked for');
  assert.equal(status(), 'off');
});

test('a discussion opens no microphone by itself; one press does', async () => {
  const { mic, hear, status, told } = learner();
  await hear({ type: 'rights', send: ['mic'], muted: false });
  assert.equal(status(), 'off');
  await mic.toggle();
  assert.equal(status(), 'live');
  assert.deepEqual(told, [true]);
});

test('switched off by its owner it sends silence, and is heard again without the device being opened', async () => {
  const { mic, sent, hear } = learner();
  await hear({ type: 'rights', send: ['mic'], muted: false });
  await mic.want(true);
  const count = opened;
  await mic.want(false);
  assert.equal(mic.track.enabled, false);
  assert.equal(sent.at(-1), mic.track);
  await mic.want(true);
  assert.equal(mic.track.enabled, true);
  assert.equal(opened, count);
});

test('a trainer\'s microphone comes back after a break by itself', async () => {
  const { mic, hear, status } = learner('trainer', ['mic']);
  await mic.want(true);
  assert.equal(status(), 'live');
  await hear({ type: 'mode', mode: 'break' }, { type: 'rights', send: [], muted: false });
  assert.equal(status(), 'ready');
  await hear({ type: 'mode', mode: 'lecture' }, { type: 'rights', send: ['mic'], muted: false });
  assert.equal(status(), 'live');
});

test('a lowered hand gives the device back', async () => {
  const { mic, hear } = learner();
  await mic.want(true);
  await hear({ type: 'person', person: person({ hand: 5 }) });
  const { track } = mic;
  await hear({ type: 'person', person: person({ hand: null }) });
  assert.equal(track.stopped, true);
});

test('a raised hand is not heard when a discussion opens every microphone, and with the floor it is at once', async () => {
  const { mic, hear, status, told } = learner();
  await mic.want(true);
  await hear({ type: 'person', person: person({ hand: 5 }) });
  await hear({ type: 'rights', send: ['mic'], muted: false }, { type: 'mode', mode: 'discussion' });
  assert.equal(status(), 'muted');
  assert.equal(mic.track.enabled, false);
  assert.deepEqual(told, [false], 'the server waits for a word before the class hears anything');
  await hear({ type: 'floor', granted: true, by: '3' });
  assert.equal(status(), 'live');
  await hear({ type: 'floor', granted: false, by: '3' });
  assert.equal(status(), 'muted', 'the floor is gone, and with it the wish');
});

test('loaded anew in a discussion with its hand up, the page says what its microphone does', async () => {
  const { mic, hear, told } = learner('learner', ['mic']);
  await hear({ type: 'person', person: person({ hand: 5 }) });
  assert.deepEqual(told, [false]);
  await mic.want(true);
  assert.deepEqual(told, [false, true]);
});

test('the wish of a raised hand waits through a discussion for the next lecture', async () => {
  const { mic, hear, status } = learner();
  await mic.want(true);
  await hear({ type: 'person', person: person({ hand: 5 }) });
  await hear({ type: 'rights', send: ['mic'], muted: false }, { type: 'mode', mode: 'discussion' });
  await hear({ type: 'rights', send: [], muted: false }, { type: 'mode', mode: 'lecture' });
  assert.equal(mic.track.enabled, true);
  assert.equal(status(), 'ready');
  await hear({ type: 'floor', granted: true, by: '3' }, { type: 'rights', send: ['mic'], muted: false });
  assert.equal(status(), 'live');
});

test('who turned the microphone off in a discussion is not heard with the floor', async () => {
  const { mic, hear, status } = learner();
  await mic.want(true);
  await hear({ type: 'person', person: person({ hand: 5 }) }, { type: 'rights', send: ['mic'], muted: false });
  await mic.want(false);
  await hear({ type: 'floor', granted: true, by: '3' });
  assert.equal(status(), 'muted');
});

test('a talk in private turns on no microphone of a raised hand', async () => {
  const { mic, hear, status, told } = learner();
  await mic.want(true);
  await hear({ type: 'person', person: person({ hand: 5 }) });
  await hear({ type: 'aside', with: { id: '3', name: 'T' }, by: '3' });
  assert.equal(status(), 'muted');
  assert.deepEqual(told, []);
});
