/** The order of a class, as the page holds it: modes, rights, the queue, the door, what is heard. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gather, announcements, reachNews } from '../web/announce.js';
import { able, bells, handsInOrder, helperOf, initialState, leads, maySend, ownPlace, ownVoice, reachSubject, reduce, sharer } from '../web/classroom.js';
import { classTimeMs, countdown, waited } from '../web/state/order.js';
import { ROLES, TABLE, may } from '../web/state/roles.js';
import { web } from './module_graph.mjs';

const person = (id, name, more = {}) => ({ id, name, role: 'learner', here: true, hand: null, floor: false, mic: false, sharing: null, media: 'connected', help: null, helper: null, muted: false, ...more });
const trainer = person('3', 'Mme Petit', { role: 'trainer', floor: true });
const server = (state, ...messages) => messages.reduce((s, message) => reduce(s, { type: 'server', message }), state);

function joined(own = person('17', 'Aïcha'), state = {}, klass = {}) {
  return server({ ...initialState(), link: 'open', transport: 'connected' }, {
    type: 'welcome', participant: { id: own.id, name: own.name, role: own.role },
    class: { id: 'c', title: 'Anglais', state: 'open', lead: '3', lobby: false, locked: false, chat: true, mode: 'lecture', ...klass },
    state: {
      people: [trainer, own], count: { trainer: 1, learner: 1, operator: 0 }, slots: {}, speaking: [], mode: { mode: 'lecture', since_ms: 1, until_ms: null },
      rights: { send: [], muted: false }, queue: { length: 0, position: null, since_ms: null }, poll: null, ...state,
    },
  });
}
const withMic = (state, status) => reduce(state, { type: 'mic', mic: { status } });

test('the page\'s table of who may do what is the server\'s', () => {
  const source = readFileSync(join(web, '..', '..', 'signaling', 'core', 'role_policy.c'), 'utf8');
  const columns = ['trainer', 'learner', 'operator', 'co_trainer', 'assistant', 'inspector'];
  const server = Object.fromEntries([...source.matchAll(/\[ROLE_(\w+)\]\s*=\s*\{([^}]*)\}/g)].map(([, name, row]) => [name, row.split(',').map((cell) => cell.trim().toLowerCase())]));
  const names = { share: 'SHARE', hand: 'HAND', hand_lower: 'HAND_LOWER', floor_give: 'FLOOR_GIVE', mute_ask: 'MUTE_ASK', mode: 'MODE', lead_give: 'LEAD_GIVE', lobby: 'LOBBY', lock: 'LOCK',
    kick: 'KICK', ban: 'BAN', chat: 'CHAT_SEND', chat_moderate: 'CHAT_MODERATE', poll_run: 'POLL_RUN', poll_answer: 'POLL_ANSWER', pace: 'PACE', help: 'HELP', staff: 'HEAR_AS_STAFF',
    see_everybody: 'SEE_EVERYBODY', end: 'CLASS_END' };
  for (const ability of Object.keys(TABLE)) {
    assert.ok(server[names[ability]], `${ability} has no row in the server's table`);
    ROLES.forEach((role, i) => assert.equal(TABLE[ability][i], server[names[ability]][columns.indexOf(role)], `${role}, ${ability}`));
  }
});

test('the lead adds to what a co-trainer may do, and a stranger to the table may nothing', () => {
  assert.equal(may('co_trainer', 'ban'), false);
  assert.equal(may('co_trainer', 'ban', { lead: true }), true);
  assert.equal(may('learner', 'share', { floor: true }), true);
  assert.equal(may(/** @type {any} */ ('king'), 'end'), false);
  const co = joined(person('5', 'M. Roux', { role: 'co_trainer', floor: true }));
  assert.equal(able(co, 'lock'), false);
  const led = server(co, { type: 'class', class: { id: 'c', title: 'Anglais', state: 'open', lead: '5' } });
  assert.equal(leads(led) && able(led, 'lock'), true);
});

test('a class of an older server: no mode, no rights; then the floor alone decides', () => {
  const old = server({ ...initialState(), link: 'open' }, {
    type: 'welcome', participant: { id: '17', name: 'A', role: 'learner' }, class: { id: 'c', title: 'T', state: 'open' },
    state: { people: [trainer, person('17', 'A')], count: {}, slots: {}, speaking: [] },
  });
  assert.deepEqual(Object.values(old.order.features).filter(Boolean), []);
  assert.equal(maySend(old, 'mic'), false);
  assert.equal(maySend(server(old, { type: 'floor', granted: true, by: '3' }), 'mic'), true);
});

test('what a server does not know is no longer offered', () => {
  const state = joined();
  assert.equal(state.order.features.modes, true);
  assert.equal(reduce(state, { type: 'unsupported', request: 'mode_set' }).order.features.modes, false);
  assert.equal(reduce(state, { type: 'unsupported', request: 'tomorrow' }).order.features, state.order.features);
});

test('a mode is taken from the event and from the class; an unknown one changes nothing', () => {
  const pause = server(joined(), { type: 'mode', mode: 'break', since_ms: 10, until_ms: 600 });
  assert.deepEqual(pause.order.mode, { mode: 'break', since_ms: 10, until_ms: 600 });
  assert.equal(server(pause, { type: 'mode', mode: 'party' }).order.mode.mode, 'break');
  assert.equal(server(pause, { type: 'class', class: { id: 'c', title: 'T', state: 'open', mode: 'lecture' } }).order.mode.mode, 'lecture');
});

test('"you are heard" needs the server, the person, a device and the way there', () => {
  const open = server(joined(), { type: 'rights', send: ['mic'], muted: false });
  const table = [
    [joined(), 'closed'],
    [open, 'off'],
    [withMic(open, 'asking'), 'asking'],
    [withMic(open, 'muted'), 'off'],
    [withMic(open, 'live'), 'heard'],
    [{ ...withMic(open, 'live'), transport: 'disconnected' }, 'cut_off'],
    [{ ...withMic(open, 'live'), link: 'waiting' }, 'cut_off'],
    [withMic(joined(), 'live'), 'closed'],
    [server(joined(), { type: 'rights', send: [], muted: true }), 'muted'],
    [server(joined(), { type: 'mode', mode: 'break' }), 'break'],
  ];
  for (const [state, expected] of table) assert.equal(ownVoice(state), expected);
});

test('in private, "hears you" is not said of one who is away or whose media is', () => {
  const own = person('3', 'Mme Petit', { role: 'trainer', floor: true });
  const together = (other) => withMic(server(joined(own, { aside: { id: '20', name: 'Zoé' } }), ...other.map((p) => ({ type: 'person', person: p }))), 'live');
  assert.equal(ownVoice(together([])), 'private', 'one of whom this page is told nothing');
  assert.equal(ownVoice(together([person('20', 'Zoé')])), 'private');
  assert.equal(ownVoice(together([person('20', 'Zoé', { here: false })])), 'cut_off');
  for (const media of ['none', 'connecting', 'quiet']) assert.equal(ownVoice(together([person('20', 'Zoé', { media })])), 'cut_off', media);
});

test('who has promised to come comes no more when it is gone', () => {
  const own = (more) => ({ type: 'person', person: person('17', 'Aïcha', { help: 5, ...more }) });
  const waits = server(joined(), own({}));
  const comes = server(waits, { type: 'help_coming', by: '3', name: 'Mme Petit' }, own({ helper: '3' }));
  assert.deepEqual(helperOf(comes), { id: '3', name: 'Mme Petit' });
  assert.deepEqual(announcements(waits, comes).map((a) => a.key), ['say.comes']);
  assert.equal(helperOf(server(comes, own({ helper: null }))), null);
});

test('the queue is the server\'s order, not that of the raised hands', () => {
  const own = person('3', 'Mme Petit', { role: 'trainer', floor: true });
  const state = server(joined(own), { type: 'person', person: person('20', 'Zoé', { hand: 5 }) }, { type: 'person', person: person('21', 'Ali', { hand: 9 }) },
    { type: 'queue', queue: [{ id: '21', since_ms: 9 }, { id: '20', since_ms: 5 }], length: 2, position: null, since_ms: null });
  assert.deepEqual(handsInOrder(state).map((p) => p.name), ['Ali', 'Zoé']);
  assert.deepEqual(handsInOrder(server(state, { type: 'queue', queue: [], length: 0, position: null })), []);
});

test('a learner knows the own place, and none without a hand', () => {
  const waiting = server(joined(person('17', 'Aïcha', { hand: 50 })), { type: 'queue', length: 4, position: 2, since_ms: 50 });
  assert.deepEqual(ownPlace(waiting), { position: 2, since_ms: 50 });
  assert.equal(ownPlace(joined()), null);
});

test('who waits at the door is seen, and who stands there has left the class\'s people behind', () => {
  const own = person('3', 'Mme Petit', { role: 'trainer', floor: true });
  const asked = server(joined(own), { type: 'lobby', waiting: [{ id: 'w', name: 'Bruno', since_ms: 4 }], count: 1 });
  assert.equal(asked.order.lobby.waiting[0].name, 'Bruno');
  const out = server(joined(), { type: 'waiting', to: 1, id: '9', name: 'Aïcha', class: { id: 'c', title: 'Anglais' }, since_ms: 7 });
  assert.equal(out.phase, 'waiting');
  assert.deepEqual(out.people, {});
  assert.equal(out.order.waiting.title, 'Anglais');
});

test('people who changed together come together', () => {
  const own = person('3', 'Mme Petit', { role: 'trainer', floor: true });
  const state = server(joined(own), { type: 'people', people: [person('20', 'Zoé', { hand: 5 }), { ...own, mic: true }] });
  assert.equal(state.people['20'].hand, 5);
  assert.equal(state.me.mic, true);
});

test('bells are answered in the order in which they rang', () => {
  const own = person('3', 'Mme Petit', { role: 'trainer', floor: true });
  const state = server(joined(own), { type: 'person', person: person('20', 'Zoé', { help: 9 }) }, { type: 'person', person: person('21', 'Ali', { help: 3 }) });
  assert.deepEqual(bells(state).map((p) => p.name), ['Ali', 'Zoé']);
});

test('whoever is on a slot has a name, also where nobody told who it is', () => {
  const state = server(joined(), { type: 'slots', slots: { screen: '44', voice_0: '44' }, names: { 44: 'Inès' } });
  assert.equal(sharer(state).name, 'Inès');
  assert.equal(sharer(server(joined(), { type: 'slots', slots: { screen: '44', names: { 44: 'Inès' } } })).name, 'Inès');
});

test('waiting times are told in the unit that a person would use', () => {
  const table = [[-5, 'seconds', 0], [4000, 'seconds', 0], [59000, 'seconds', 55], [60000, 'minutes', 1], [3599000, 'minutes', 59], [7200000, 'hours', 2]];
  for (const [ms, unit, n] of table) assert.deepEqual(waited(ms), { unit, n });
  const clocks = [[0, '0:00'], [-5, '0:00'], [999, '0:01'], [65000, '1:05'], [600000, '10:00'], [3725000, '1:02:05']];
  for (const [ms, text] of clocks) assert.equal(countdown(ms), text);
});

test('a burst of news is a few sentences to a screen reader: of each kind the newest', () => {
  const own = person('3', 'Mme Petit', { role: 'trainer', floor: true });
  let state = server(joined(own), { type: 'queue', queue: [], length: 0 });
  let pending = [];
  const list = [];
  for (let i = 0; i < 30; i++) {
    list.push({ id: String(100 + i), since_ms: i });
    const next = server(state, { type: 'queue', queue: [...list], length: list.length }, { type: 'chat', message: { id: String(i), from: '9', name: 'Z', to: 'all', text: 'x', at_ms: i, question: false } });
    pending = gather(pending, announcements(state, next));
    state = next;
  }
  assert.equal(pending.length, 2);
  assert.deepEqual(pending.map((a) => a.key.replace(/s$/, '')).sort(), ['say.chat', 'say.hand']);
  assert.equal(pending.find((a) => a.key === 'say.chat').params.n, 30);
});

test('of who sees and hears nothing is said that cannot be known now', () => {
  const own = trainer;
  const lecture = joined(own, { people: [own], slots: { screen: '3' } });
  const table = [
    [lecture, 'sees'],
    [server(lecture, { type: 'slots', slots: { screen: null } }), 'hears'],
    [server(lecture, { type: 'mode', mode: 'break', since_ms: 2, until_ms: null }), 'break'],
    [{ ...lecture, link: 'waiting' }, 'unknown'],
    [{ ...lecture, transport: 'disconnected' }, 'unknown'],
    [{ ...lecture, transport: 'no_relay' }, 'unknown'],
  ];
  for (const [state, expected] of table) assert.equal(reachSubject(state), expected);
  const assistant = { ...joined(person('4', 'Paul', { role: 'assistant' })), transport: 'failed' };
  assert.equal(reachSubject(assistant), 'hears', 'an assistant\'s own sound is not the class\'s');
});

/** What a screen reader is told at each look, of these states one after another. */
function toldOf(...states) {
  let reach = { subject: '', now: [], told: [], news: [] };
  return states.map((state) => {
    reach = reachNews(reach, state);
    return reach.news.map((a) => a.key).join();
  });
}

test('a screen reader is told who is in trouble for more than a moment, and once that all are well again', () => {
  const share = joined(trainer, { people: [trainer, person('17', 'Aïcha'), person('18', 'Karim')], slots: { screen: '3' } });
  const told = (/** @type {any} */ more) => server(share, { type: 'delivery', total: 2, ok: 2, ...more });
  const [well, deaf, both] = [told({}), told({ deaf: ['17'] }), told({ deaf: ['17', '18'] })];
  assert.deepEqual(toldOf(well, deaf, well, well), ['', '', '', ''], 'a join');
  assert.deepEqual(toldOf(well, deaf, deaf, deaf, well, deaf, well, well, well), ['', '', 'say.unreached', '', '', '', '', 'say.reached', '']);
  assert.deepEqual(toldOf(deaf, deaf, both, both), ['', 'say.unreached', '', 'say.unreached']);
  const narrow = told({ late: [{ id: '17', behind_s: 3 }], narrow: ['17'] });
  assert.deepEqual(toldOf(narrow, narrow, well, narrow, narrow), ['', '', '', '', ''], 'each slide is late on a narrow line');
  assert.deepEqual(toldOf(...Array(2).fill(told({ late: [{ id: '17', behind_s: 9 }] }))), ['', 'say.unreached']);
  assert.deepEqual(toldOf(deaf, { ...deaf, me: { ...deaf.me, role: 'learner' } }, { ...deaf, me: { ...deaf.me, role: 'learner' } }), ['', '', ''], 'only staff');
});

test('everybody is reached again when that was measured, not when there is nothing more to see', () => {
  const late = server(joined(trainer, { people: [trainer], slots: { screen: '3' } }), { type: 'delivery', total: 1, ok: 0, late: [{ id: '17', behind_s: 4 }] });
  const behind = (/** @type {any} */ message) => {
    const after = server(late, message);
    return toldOf(late, late, after, after, after).slice(2);
  };
  assert.deepEqual(behind({ type: 'delivery', total: 1, ok: 1 }), ['', 'say.reached', '']);
  assert.deepEqual(behind({ type: 'slots', slots: { screen: null } }), ['', '', '']);
  assert.deepEqual(behind({ type: 'mode', mode: 'break', since_ms: 2, until_ms: null }), ['', '', '']);
  assert.deepEqual(toldOf(late, late, { ...late, link: 'waiting' }, late), ['', 'say.unreached', '', ''], 'what is not known is no news');
});

test('the time of a class stands still in a break', () => {
  assert.equal(classTimeMs({ mode: 'lecture', since_ms: 1000, until_ms: null }, 60000, 31000), 90000);
  assert.equal(classTimeMs({ mode: 'break', since_ms: 1000, until_ms: null }, 60000, 31000), 60000);
  assert.equal(classTimeMs({ mode: 'lecture', since_ms: null, until_ms: null }, 0, 31000), 0);
  assert.equal(classTimeMs({ mode: 'quiz', since_ms: 1000, until_ms: null }, 5, 0), 5, 'a clock that is behind');
});
