/** Messages, polls, what is delivered and the line in words, as the page holds them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catchUpAfterMs, initialChat, linkParts, openQuestions, reduceChat } from '../web/state/chat.js';
import { hearsOf, seesOf } from '../web/state/staff.js';
import { deliveredOf, deliveryOf, levelOf, ownReport, pathOf, sentencesOf } from '../web/state/delivery.js';
import { codeOf, gradesOf, readCode, roundTripMs, steadiness, wordOf } from '../web/state/line.js';
import { applyPolls, bars, draftOf, initialPolls, reducePolls, scaleValues } from '../web/state/polls.js';

const message = (id, more = {}) => ({ id: String(id), from: '9', name: 'Zoé', role: 'learner', to: 'all', text: 'x', at_ms: Number(id), question: false, answered_ms: null, ...more });
const chat = (state, ...events) => events.reduce((s, event) => reduceChat(s, event, '17'), state);
const said = (id, more) => ({ type: 'chat', message: message(id, more) });

test('messages stand in the order of time, once each, whichever way they came', () => {
  const state = chat(initialChat(), said(2), said(3), { type: 'chat_history', messages: [message(1), message(2)], more: false }, said(3));
  assert.deepEqual(state.messages.map((m) => m.id), ['1', '2', '3']);
});

test('a class that comes back from one cut asks for what it missed at 200 a second at most; a small one at once', () => {
  const wait = (learner, random) => catchUpAfterMs({ trainer: 1, learner, operator: 0 }, () => random);
  assert.equal(wait(1, 0.999) < 10, true);
  assert.equal(wait(399, 0), 0);
  assert.equal(wait(399, 0.5), 1000);
  assert.equal(wait(1500, 0.999) <= 5000, true);
  const asked = [...Array(900).keys()].map((n) => wait(899, n / 900));
  for (let second = 0; second < 5; second++) assert.ok(asked.filter((at) => Math.floor(at / 1000) === second).length <= 200);
});

test('what came by itself before the answer hides nothing of what was missed', () => {
  const before = chat(initialChat(), { type: 'chat_history', messages: [message(3)], more: true }, { type: 'chat_seen', open: false }, said(6));
  const after = chat(before, { type: 'chat_history', newest: true, messages: [message(2), message(3), message(4), message(6)], more: true });
  assert.deepEqual(after.messages.map((m) => m.id), ['2', '3', '4', '6']);
  assert.equal(after.unread, 2, '6, and 4 that was missed');
});

test('after the line was away, what was written or deleted meanwhile is there, and counts as unread', () => {
  const before = chat(initialChat(), { type: 'chat_history', messages: [message(1), message(2), message(3)], more: true }, { type: 'chat_seen', open: false });
  const newest = (messages, more) => ({ type: 'chat_history', newest: true, messages, more });
  const after = chat(before, newest([message(2), message(4), message(5, { from: '17' })], true));
  assert.deepEqual(after.messages.map((m) => m.id), ['1', '2', '4', '5'], 'the third was deleted');
  assert.equal(after.unread, 1, 'but for one\'s own');
  assert.equal(after.more, true);
  const gap = chat(before, newest([message(8), message(9)], true));
  assert.deepEqual(gap.messages.map((m) => m.id), ['8', '9'], 'nothing old with a hole behind it');
  assert.equal(gap.more, true, 'the rest can be asked for');
  assert.deepEqual(chat(before, newest([], false)).messages, []);
  assert.equal(chat(chat(before, { type: 'chat_seen', open: true }), newest([message(4)], false)).unread, 0);
});

test('what others write while nobody looks is counted, and read when the panel opens', () => {
  const state = chat(initialChat(), said(1), said(2, { from: '17' }), said(3));
  assert.equal(state.unread, 2);
  const open = chat(state, { type: 'chat_seen', open: true }, said(4));
  assert.equal(open.unread, 0);
});

test('a deleted message is gone; an answered question is no longer open', () => {
  const state = chat(initialChat(), said(1, { question: true }), said(2, { question: true }));
  assert.equal(openQuestions(chat(state, { type: 'chat_changed', id: '1', answered_ms: 9, deleted: false })).length, 1);
  assert.deepEqual(chat(state, { type: 'chat_changed', id: '1', answered_ms: null, deleted: true }).messages.map((m) => m.id), ['2']);
});

test('a flood of messages keeps the page small', () => {
  let state = initialChat();
  for (let i = 0; i < 700; i++) state = chat(state, said(i));
  assert.equal(state.messages.length, 500);
  assert.equal(state.messages[499].id, '699');
});

test('only honest web addresses become links, and nothing of a text is lost', () => {
  const table = [
    ['voir https://example.org/a?b=1#c, merci', ['https://example.org/a?b=1#c']],
    ['(http://example.org)', ['http://example.org/']],
    ['javascript:alert(1) data:text/html,x file:///etc/passwd', []],
    ['https://good.example@evil.example/', []],
    ['https:// http://', []],
    ['HTTPS://EXAMPLE.ORG/X', ['https://example.org/X']],
    ['<a href="https://example.org/">x</a>', ['https://example.org/']],
    ['https://example.org/<script>', ['https://example.org/']],
  ];
  for (const [text, expected] of table) {
    const parts = linkParts(text);
    assert.deepEqual(parts.filter((p) => p.href).map((p) => p.href), expected, text);
    assert.equal(parts.map((p) => p.text).join(''), text);
    for (const { href } of parts) if (href) assert.match(href, /^https?:\/\//);
  }
});

const poll = (more = {}) => ({ id: 'p', kind: 'single', question: 'Q', options: ['a', 'b'], open: true, shown: false, at_ms: 1, ...more });

test('results belong to the poll that is there, and an answer does not outlive it', () => {
  let state = reducePolls(initialPolls(), { type: 'poll', poll: poll() });
  state = reducePolls(state, { type: 'poll_results', id: 'other', answered: 9, counts: [9, 0] });
  assert.equal(state.results, null);
  state = reducePolls(state, { type: 'poll_results', id: 'p', answered: 4, counts: [3, 1] });
  state = reducePolls(state, { type: 'poll_answered', answer: { poll: 'p', choices: [0] } });
  assert.deepEqual(bars(state.poll, state.results).map((b) => [b.label, b.count, b.share]), [['a', 3, 0.75], ['b', 1, 0.25]]);
  state = reducePolls(state, { type: 'poll', poll: poll({ open: false }) });
  assert.equal(state.answer.choices[0], 0);
  state = reducePolls(state, { type: 'poll', poll: poll({ id: 'p2' }) });
  assert.equal(state.answer, null);
  assert.equal(state.results, null);
});

test('a page that comes back has its poll, its answer, the results and its score', () => {
  const scale = applyPolls(initialPolls(), { poll: poll({ kind: 'scale', min: 0, max: 5, answer: [3] }), poll_results: null, poll_score: { score: 2, streak: 1 } });
  assert.deepEqual(scale.answer, { poll: 'p', value: 3 });
  assert.deepEqual([scale.score.score, scale.score.streak], [2, 1]);
  assert.deepEqual(applyPolls(initialPolls(), { poll: poll({ answer: [0, 1] }) }).answer, { poll: 'p', choices: [0, 1] });
  assert.deepEqual(applyPolls(initialPolls(), { poll: poll({ kind: 'text', answer: 'oui' }) }).answer, { poll: 'p', text: 'oui' });
  assert.equal(applyPolls(scale, { poll: null }).poll, null);
  assert.equal(applyPolls(scale, {}), scale, 'a server without polls');
});

test('a scale has its values, and never more than the server takes', () => {
  assert.deepEqual(scaleValues({ min: 1, max: 5 }), [1, 2, 3, 4, 5]);
  assert.equal(scaleValues({ min: 0, max: 99 }).length, 11);
  assert.deepEqual(scaleValues({ min: 5, max: 1 }), []);
});

test('a typed question is sent as the server takes it, or the page says what is missing', () => {
  const form = { kind: 'single', question: ' Où ? ', options: ['', 'ici', ' là ', ''], correct: [2], answers: '', min: 1, max: 5 };
  assert.deepEqual(draftOf(form), { draft: { kind: 'single', question: 'Où ?', options: ['ici', 'là'], correct: [1] } });
  assert.deepEqual(draftOf({ ...form, question: ' ' }), { missing: 'question' });
  assert.deepEqual(draftOf({ ...form, options: ['a', ''] }), { missing: 'options' });
  assert.deepEqual(draftOf({ ...form, kind: 'text', answers: 'Paris\n\n paris ' }), { draft: { kind: 'text', question: 'Où ?', correct: ['Paris', 'paris'] } });
  assert.deepEqual(draftOf({ ...form, kind: 'scale', min: 3, max: 3 }), { missing: 'scale' });
  assert.deepEqual(draftOf({ ...form, kind: 'scale', min: 0, max: 11 }), { missing: 'scale' });
  assert.deepEqual(draftOf({ ...form, kind: 'scale', min: 0, max: 10 }), { draft: { kind: 'scale', question: 'Où ?', min: 0, max: 10 } });
});

test('nobody is called deaf or blind for a number that is missing', () => {
  const [one] = deliveredOf({ people: [{ id: '1' }, { id: 5 }, null] });
  assert.deepEqual([one.deaf, one.blind, one.loss, one.rttMs], [false, false, null, null]);
  assert.deepEqual(deliveredOf({}), []);
  assert.deepEqual(deliveryOf({}), { total: 0, ok: 0, deaf: [], blind: [], poor: [], late: [], reduced: [], narrow: [], unknown: [], claimed: [], sounds: {} });
});

test('the list says yes only of whom something is known, and of the screen only while there is one', () => {
  const table = [
    [{}, 'unknown', 'unknown'],
    [{ reached: true }, 'yes', 'yes'],
    [{ hears: 'yes' }, 'yes', 'yes'],
    [{ reached: true, hears: 'poorly', behind_s: 4 }, 'badly', 'behind'],
    [{ deaf: true, blind: true }, 'no', 'no'],
  ];
  for (const [told, hears, sees] of table) {
    const [one] = deliveredOf({ people: [{ id: '1', ...told }] });
    assert.deepEqual([hearsOf(one), seesOf(one, true), seesOf(one, false)], [hears, sees, 'nothing'], JSON.stringify(told));
  }
});

test('who hears nothing stands first in the list, then who sees nothing, then whose line loses most', () => {
  const list = deliveredOf({ people: [{ id: '1', loss: 1 }, { id: '2', blind: true }, { id: '3', deaf: true, blind: true }, { id: '4', loss: 9 }, { id: '5', screen: 'still' }] });
  assert.deepEqual(list.map((d) => d.id), ['3', '2', '5', '4', '1']);
});

test('the trainer\'s line names each learner once, with the worst that is known', () => {
  const told = (/** @type {any} */ message, shares = true) => sentencesOf(deliveryOf(message), shares).map(({ key, ids, s }) => [key, ids.join(), ...(s === undefined ? [] : [s])]);
  const table = [
    [{}, []],
    [{ deaf: ['1'], blind: ['1', '2'] }, [['deaf', '1'], ['blind', '2']]],
    [{ deaf: ['1', '2', '3'], claimed: ['2', '3'], sounds: { 2: 'muted', 3: 'blocked' } }, [['muted', '2'], ['blocked', '3'], ['deaf', '1']]],
    [{ deaf: ['1'], claimed: ['1'], sounds: { 1: 'silent' } }, [['deaf', '1']]],
    [{ late: [{ id: '4', behind_s: 9 }, { id: '5', behind_s: 4 }], poor: ['5'], reduced: ['4', '6'] }, [['poor', '5'], ['late', '4', 9], ['reduced', '6']]],
    [{ unknown: ['1', '2'], deaf: ['2'], narrow: ['1'] }, [['deaf', '2'], ['unknown', '1']]],
    [{ reduced: ['6'], narrow: ['6', '7'] }, [['reduced', '6'], ['narrow', '7']]],
    [{ late: [{ id: 4 }, null, { id: '7', behind_s: 'x' }], sounds: null }, []],
  ];
  for (const [message, expected] of table) assert.deepEqual(told(message), expected);
  assert.deepEqual(told({ blind: ['1'], late: [{ id: '2', behind_s: 3 }], reduced: ['3'], narrow: ['3'] }, false), [], 'nobody shares');
});

test('who is late or hears badly stands before those who are well', () => {
  const list = deliveredOf({ people: [{ id: '1' }, { id: '2', hears: 'poorly' }, { id: '3', blind: true }, { id: '4', behind_s: 9, reached: true, voice_delay_ms: 40, path: 'tls', estimate_bps: 2e5 }] });
  assert.deepEqual(list.map((d) => d.id), ['3', '2', '4', '1']);
  assert.deepEqual([list[2].behindS, list[2].delayMs, list[2].path, list[2].estimateBps], [9, 40, 'tls', 2e5]);
});

test('a page claims trouble with its own playing only where it is sure', () => {
  const fine = { blocked: false, volume: 1, othersSpeak: false, voiceArrives: false, pictureMissingMs: 0 };
  const table = [
    [fine, 'ok', 'ok'],
    [{ ...fine, othersSpeak: true, voiceArrives: true }, 'ok', 'ok'],
    [{ ...fine, othersSpeak: true }, 'silent', 'ok'],
    [{ ...fine, volume: 0, othersSpeak: true }, 'muted', 'ok'],
    [{ ...fine, volume: 0, blocked: true }, 'blocked', 'ok'],
    [{ ...fine, pictureMissingMs: 2400 }, 'ok', 'ok'],
    [{ ...fine, pictureMissingMs: 2500 }, 'ok', 'frozen'],
  ];
  for (const [now, sound, picture] of table) assert.deepEqual(ownReport(now), { sound, picture });
});

test('words of the server and of browsers for ways and levels are the page\'s, unknown ones are none', () => {
  assert.deepEqual(['udp', 'tcp', 'relay', 'tls', 'pigeon', null].map(pathOf), ['udp', 'tcp', 'tls', 'tls', null, null]);
  assert.deepEqual(['full', 'reduced', 'still', 'off', 'x'].map(levelOf), ['full', 'reduced', 'still', 'voice', null]);
});

test('a code of a line is read back as it was, and a misread digit or two that changed places are noticed', () => {
  const grades = gradesOf({ rttMs: 45, jitterMs: 4, rateBps: 5e6, failed: 0 });
  const code = codeOf(grades);
  assert.deepEqual(readCode(code), grades);
  assert.deepEqual(readCode(code.replace('-', ' ')), grades);
  const digits = code.replace('-', '');
  for (let i = 0; i < 6; i++) for (let d = 0; d < 10; d++) {
    if (digits[i] === String(d)) continue;
    assert.equal(readCode(digits.slice(0, i) + d + digits.slice(i + 1)), null, `${digits}: ${d} at ${i}`);
  }
  assert.equal(readCode('12'), null);
});

test('the words about a line are those that a class there would bear out', () => {
  const table = [
    [{ rttMs: 15, jitterMs: 2, rateBps: 20e6, failed: 0 }, 'good', 'good'],
    [{ rttMs: 60, jitterMs: 12, rateBps: 1.2e6, failed: 0 }, 'good', 'fair'],
    [{ rttMs: 120, jitterMs: 30, rateBps: 300e3, failed: 0 }, 'good', 'poor'],
    [{ rttMs: 700, jitterMs: 250, rateBps: 80e3, failed: 10 }, 'poor', 'poor'],
    [{ rttMs: 9999, jitterMs: 0, rateBps: 0, failed: 100 }, 'poor', 'poor'],
  ];
  for (const [sample, voice, screen] of table) {
    const grades = gradesOf(sample);
    assert.deepEqual([wordOf(grades.voice), wordOf(grades.screen)], [voice, screen], JSON.stringify(sample));
  }
  assert.deepEqual(steadiness([20, 22, 21, 90, 20]), { rttMs: 21, jitterMs: 1 });
});

test('the round trip is the median of what was loaded over the line', () => {
  const loaded = (took, transferSize = 300, requestStart = 50) => ({ transferSize, requestStart, responseStart: requestStart + took });
  assert.equal(roundTripMs([]), 0);
  assert.equal(roundTripMs([loaded(90), loaded(1000), loaded(60)]), 90);
  assert.equal(roundTripMs([loaded(2, 0), loaded(2, 0), loaded(2, 0), loaded(80)]), 80); // out of the cache
  assert.equal(roundTripMs([loaded(2, 300, 0)]), 0); // not told
});
