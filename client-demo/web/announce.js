/**
 * What a screen reader is told when the state changes: what matters for taking part, and no more.
 * Pure; the sentences are under `say.` in the strings.
 */

import { able, bells, connection, handsInOrder, hasFloor, helperOf, maySend, ownPlace, ownVoice, reachSubject, roleOf, sharer } from './classroom.js';
import { isMild, sentencesOf } from './state/delivery.js';
import { teaches } from './state/roles.js';

/** @typedef {import('./classroom.js').State} State */
/** @typedef {{key: string, params?: Record<string, string|number>}} Announcement */

/** Between two sentences to a screen reader; a burst becomes one. */
export const SAY_EVERY_MS = 1500;
/** In one go at most: older ones give way. */
const SAID_MAX = 4;

/** @param {State} before @param {State} after @returns {Announcement[]} */
export function announcements(before, after) {
  if (after.phase !== 'class' || before.phase !== 'class') return [];
  return [
    ...modeChange(before, after), ...floorChange(before, after), ...voiceChange(before, after), ...shareChange(before, after),
    ...handChange(before, after), ...placeChange(before, after), ...bellChange(before, after), ...asideChange(before, after), ...doorChange(before, after),
    ...chatChange(before, after), ...pollChange(before, after), ...connectionChange(before, after),
    ...reachChange(before, after),
  ];
}

/**
 * What is still to be said, after more has happened: of one kind only the newest, of all the last few.
 * @param {Announcement[]} pending @param {Announcement[]} fresh @returns {Announcement[]}
 */
export function gather(pending, fresh) {
  const kind = (/** @type {Announcement} */ a) => a.key.replace(/s$/, '');
  const kinds = new Set(fresh.map(kind));
  return [...pending.filter((a) => !kinds.has(kind(a))), ...fresh].slice(-SAID_MAX);
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function modeChange(before, after) {
  const [was, is] = [before.order.mode.mode, after.order.mode.mode];
  return was === is ? [] : [{ key: 'say.mode', params: { mode: `mode.${is}` } }];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function floorChange(before, after) {
  if (teaches(roleOf(after)) || hasFloor(before) === hasFloor(after)) return [];
  return [{ key: hasFloor(after) ? 'say.floor_given' : 'say.floor_taken' }];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function voiceChange(before, after) {
  if (after.order.muted && !before.order.muted) return [{ key: 'voice.muted' }];
  const [was, is] = [ownVoice(before) === 'heard', ownVoice(after) === 'heard'];
  if (was === is || before.order.aside !== after.order.aside) return [];
  // What took it away is said already: the floor, the mode or the connection.
  if (!is && (!maySend(after, 'mic') || connection(after) !== connection(before))) return [];
  return [{ key: is ? 'say.heard' : 'say.not_heard' }];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function shareChange(before, after) {
  const [was, is] = [sharer(before), sharer(after)];
  if (was?.id === is?.id) return [];
  return [is ? { key: 'say.share_started', params: { name: is.name } } : { key: 'say.share_stopped' }];
}

/** Only staff, and only when one more hand is up. @param {State} before @param {State} after @returns {Announcement[]} */
function handChange(before, after) {
  if (!able(after, 'hand_lower')) return [];
  const known = new Set(handsInOrder(before).map((p) => p.id));
  const fresh = handsInOrder(after).filter((p) => !known.has(p.id));
  if (fresh.length === 0) return [];
  return fresh.length === 1
    ? [{ key: 'say.hand', params: { name: fresh[0].name } }]
    : [{ key: 'say.hands', params: { n: fresh.length } }];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function placeChange(before, after) {
  const [was, is] = [ownPlace(before)?.position, ownPlace(after)?.position];
  return is === 1 && was !== 1 ? [{ key: 'say.next' }] : [];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function bellChange(before, after) {
  const helped = (/** @type {State} */ s) => helperOf(s) !== null;
  if (!able(after, 'staff')) return helped(after) && !helped(before) ? [{ key: 'say.comes' }] : [];
  const known = new Set(bells(before).map((p) => p.id));
  const fresh = bells(after).filter((p) => !known.has(p.id));
  return fresh.length ? [{ key: 'say.bell', params: { name: fresh[0].name } }] : [];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function asideChange(before, after) {
  const [was, is] = [before.order.aside, after.order.aside];
  if (was?.id === is?.id) return [];
  return [is ? { key: 'say.aside', params: { name: is.name } } : { key: 'aside.over' }];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function doorChange(before, after) {
  const [was, is] = [before.order.lobby.count, after.order.lobby.count];
  return is > was ? [{ key: 'say.door', params: { n: is } }] : [];
}

/** Whoever reads the messages is not told that there are some. @param {State} before @param {State} after @returns {Announcement[]} */
function chatChange(before, after) {
  if (after.chat.unread <= before.chat.unread) return [];
  const last = after.chat.messages[after.chat.messages.length - 1];
  if (last?.question && able(after, 'staff')) return [{ key: 'say.question', params: { name: last.name } }];
  return [{ key: 'say.chat', params: { n: after.chat.unread } }];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function pollChange(before, after) {
  const [was, is] = [before.polls.poll, after.polls.poll];
  if (is?.open && was?.id !== is.id) return [{ key: 'say.poll', params: { question: is.question } }];
  return was?.open && is && !is.open && was.id === is.id ? [{ key: 'poll.closed' }] : [];
}

/** @param {State} before @param {State} after @returns {Announcement[]} */
function connectionChange(before, after) {
  const [was, is] = [connection(before), connection(after)];
  const up = (/** @type {string} */ c) => c === 'good' || c === 'weak';
  if (was === is || (up(was) && up(is))) return [];
  return [{ key: `connection.${is}` }];
}

/**
 * Only who is newly not reached, and that all are again; seconds that pass are no news, and who no longer counts
 * because a share or the class's work has stopped is not reached again.
 * @param {State} before @param {State} after @returns {Announcement[]}
 */
function reachChange(before, after) {
  if (!able(after, 'staff') || !before.delivery || !after.delivery) return [];
  const troubled = (/** @type {State} */ s) => (s.delivery ? sentencesOf(s.delivery, s.slots.screen !== null) : []).filter((one) => !isMild(one)).flatMap((one) => one.ids);
  const [was, is] = [troubled(before), troubled(after)];
  const fresh = is.filter((id) => !was.includes(id));
  if (fresh.length) return [{ key: 'say.unreached', params: { n: fresh.length, names: after.people[fresh[0]]?.name ?? '' } }];
  return was.length && !is.length && reachSubject(before) === reachSubject(after) ? [{ key: 'say.reached' }] : [];
}
