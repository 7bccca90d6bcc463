import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connection, connectionSign, floorHolders, handsInOrder, hasFloor, initialState, ownHand, peopleInOrder, reduce, sharer, speakers, upstreamLoss, trouble } from '../web/classroom.js';

const person = (id, name, more = {}) => ({
  id, name, role: 'learner', here: true, hand: null, floor: false, mic: false, sharing: null, media: 'connected', ...more,
});
const trainer = person('3', 'Mme Petit', { role: 'trainer', floor: true });
const slots = (more = {}) => ({
  voice_0: null, voice_1: null, voice_2: null, screen: null, screen_audio: null, camera_0: null, camera_1: null, camera_2: null, ...more,
});
const server = (state, message) => reduce(state, { type: 'server', message });

function joined(own = person('17', 'Aïcha'), more = {}) {
  return server({ ...initialState(), link: 'open' }, {
    type: 'welcome', participant: { id: own.id, name: own.name, role: own.role },
    class: { id: 'c', title: 'Anglais', state: 'open' },
    state: { people: [trainer, own], count: { trainer: 1, learner: 1, operator: 0 }, slots: slots(), speaking: [], ...more },
  });
}

test('a welcome opens the class and makes the own entry of people the own self', () => {
  const state = joined(person('17', 'Aïcha', { hand: 5 }));
  assert.equal(state.phase, 'class');
  assert.equal(state.klass.title, 'Anglais');
  assert.equal(ownHand(state), 5);
  assert.equal(state.me, state.people['17']);
});

test('a snapshot after a resume replaces everybody who has gone meanwhile', () => {
  const before = server(joined(), { type: 'person', person: person('20', 'Bruno') });
  const after = server(before, { type: 'state', people: [trainer], count: { trainer: 1, learner: 0, operator: 0 }, slots: slots() });
  assert.deepEqual(Object.keys(after.people), ['3']);
  assert.equal(after.count.learner, 0);
});

test('a person who leaves is gone, and one who is unknown changes nothing', () => {
  const before = joined();
  assert.equal(server(before, { type: 'person_left', id: '3', reason: 'left' }).people['3'], undefined);
  assert.equal(server(before, { type: 'person_left', id: '99', reason: 'left' }), before);
});

test('a person event about oneself changes oneself', () => {
  const state = server(joined(), { type: 'person', person: person('17', 'Aïcha', { floor: true }) });
  assert.equal(hasFloor(state), true);
});

test('the floor given lowers the hand, and the floor taken is taken at once', () => {
  const given = server(joined(person('17', 'Aïcha', { hand: 5 })), { type: 'floor', granted: true, by: '3' });
  assert.equal(hasFloor(given), true);
  assert.equal(ownHand(given), null);
  assert.equal(hasFloor(server(given, { type: 'floor', granted: false, by: '3' })), false);
});

test('a trainer always has the floor', () => {
  assert.equal(hasFloor(joined(person('3', 'Mme Petit', { role: 'trainer', floor: false }))), true);
});

test('hands are in the order in which they went up, and who has the floor no longer waits', () => {
  let state = joined();
  for (const p of [person('1', 'Zoé', { hand: 30 }), person('2', 'Ali', { hand: 10 }), person('4', 'Max', { hand: 20, floor: true })])
    state = server(state, { type: 'person', person: p });
  assert.deepEqual(handsInOrder(state).map((p) => p.name), ['Ali', 'Zoé']);
  assert.deepEqual(floorHolders(state).map((p) => p.name), ['Max']);
});

test('people are listed trainers first, then by name as a person would', () => {
  let state = joined();
  for (const p of [person('1', 'élodie'), person('2', 'Zoé'), person('4', 'Aïcha 10'), person('5', 'Aïcha 2'), person('6', 'Op', { role: 'operator' })])
    state = server(state, { type: 'person', person: p });
  assert.deepEqual(peopleInOrder(state).map((p) => p.name), ['Mme Petit', 'Aïcha', 'Aïcha 2', 'Aïcha 10', 'élodie', 'Zoé']);
});

test('slots say who is seen, and names that this page was not told are left out', () => {
  const state = server(server(joined(), { type: 'slots', slots: slots({ screen: '3', voice_0: '77' }) }), { type: 'speaking', ids: ['77', '3'] });
  assert.equal(sharer(state).name, 'Mme Petit');
  assert.deepEqual(speakers(state).map((p) => p.id), ['3']);
});

test('a picture is fresh until somebody else shares', () => {
  const first = server(joined(), { type: 'slots', slots: slots({ screen: '3' }) });
  const shown = reduce(first, { type: 'playback', playback: { fresh: true } });
  assert.equal(server(shown, { type: 'slots', slots: slots({ screen: '3', voice_0: '3' }) }).playback.fresh, true);
  assert.equal(server(shown, { type: 'slots', slots: slots({ screen: '17' }) }).playback.fresh, false);
});

test('whose voice is lost on the way is known of those who are heard, and not of oneself', () => {
  const heard = server(joined(), { type: 'slots', slots: slots({ voice_0: '3', voice_1: '17' }), names: { 3: 'Mme Petit', 17: 'Karim' }, loses: { 3: 12, 17: 40, 9: 90 } });
  assert.deepEqual(upstreamLoss({ ...heard, me: { ...heard.me, id: '17' } }), { name: 'Mme Petit', percent: 12 });
  assert.equal(upstreamLoss(server(heard, { type: 'slots', slots: slots({ voice_0: '3' }) })).percent, 0); // also of a server that does not say
});

test('the connection is one word', () => {
  const table = [
    [{ link: 'open', transport: 'connected' }, 'good'],
    [{ link: 'open', transport: 'connected', weak: 'own' }, 'weak'],
    [{ link: 'open', transport: 'connected', weak: 'theirs' }, 'good'],
    [{ link: 'open', transport: 'connecting' }, 'connecting'],
    [{ link: 'open', transport: 'disconnected' }, 'media_lost'],
    [{ link: 'open', transport: 'failed' }, 'media_lost'],
    [{ link: 'open', transport: 'no_relay' }, 'no_relay'],
    [{ link: 'waiting', transport: 'connected' }, 'reconnecting'],
    [{ link: 'connecting', transport: 'connected' }, 'reconnecting'],
  ];
  for (const [change, expected] of table) assert.equal(connection({ ...joined(), ...change }), expected);
});

test('the sign at the top says weak where the page says so below', () => {
  const up = { link: 'open', transport: 'connected' };
  const line = (level) => ({ ...up, line: { level, rttMs: 20 }, slots: slots({ screen: '3' }) });
  const table = [
    [up, 'good'],
    [line('full'), 'good'],
    [line(null), 'good'],
    [line('reduced'), 'weak'],
    [line('voice'), 'weak'],
    [{ ...line('voice'), slots: slots() }, 'good'], // nobody shares any more
    [{ ...up, sendsPoorly: 'voice' }, 'good'], // nothing is sent any more
    [{ ...up, sendsPoorly: 'screen', share: { ...joined().share, status: 'live' } }, 'weak'],
    [{ ...up, sendsPoorly: 'voice', mic: { ...joined().mic, status: 'live' } }, 'weak'],
    [{ ...up, sendsPoorly: 'screen', mic: { ...joined().mic, status: 'live' } }, 'good'], // the share has stopped: no word was lost
    [{ ...line('voice'), transport: 'failed' }, 'media_lost'],
  ];
  for (const [change, expected] of table) assert.equal(connectionSign({ ...joined(), ...change }), expected, JSON.stringify(change));
});

test('of two troubles of one line the one is said that everybody has', () => {
  const up = { ...joined(), link: 'open', transport: 'connected', weak: 'own' };
  const live = { ...up.share, status: 'live' };
  const table = [
    [{}, 'weak'],
    [{ sendsPoorly: 'screen', share: live }, 'sends_screen_poorly'],
    [{ sendsPoorly: 'voice', mic: { ...up.mic, status: 'live' } }, 'sends_poorly'],
    [{ unreached: true, sendsPoorly: 'screen', share: live }, 'unreached'],
    [{ link: 'waiting', sendsPoorly: 'screen', share: live }, 'reconnecting'],
    [{ weak: 'theirs' }, 'good'], // nobody who speaks loses anything any more
  ];
  for (const [change, expected] of table) assert.equal(trouble({ ...up, ...change }), expected, JSON.stringify(change));
});

test('the history of an hour starts whole, grows by one and never by the same point twice', () => {
  const point = (t) => ({ t, cpu: 0, participants: 0, bps_in: 0, bps_out: 0 });
  let state = server(joined(), { type: 'overview', history: [point(1), point(2)] });
  state = server(state, { type: 'overview', history: [point(2)] });
  state = server(state, { type: 'overview', history: [point(3)] });
  assert.deepEqual(state.history.map((p) => p.t), [1, 2, 3]);
  for (let t = 4; t < 500; t++) state = server(state, { type: 'overview', history: [point(t)] });
  assert.equal(state.history.length, 360);
  assert.equal(state.history[359].t, 499);
});

test('a message of a type that this page does not know changes nothing', () => {
  const state = joined();
  assert.equal(server(state, { type: 'tomorrow' }), state);
});

test('messages on the screen are few, and the same one stands there once', () => {
  let state = initialState();
  for (let id = 1; id <= 9; id++)
    state = reduce(state, { type: 'notice', notice: { id, key: `k${id % 4}`, params: {}, level: 'info' } });
  assert.equal(state.notices.length, 3);
  assert.equal(new Set(state.notices.map((n) => n.key)).size, 3);
});
