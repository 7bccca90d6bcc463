/**
 * What a screen reader is told when the state changes: what matters for taking part, and no more.
 * Pure; the sentences are under `say.` in the strings.
 */

import { able, bells, connection, handsInOrder, hasFloor, helperOf, lessOfScreen, maySend, ownPlace, ownVoice, reachSubject, roleOf, sharer, trouble, upstreamLoss } from './classroom.js';
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
  ];
}

/**
 * What is still to be said, after more has happened: of one kind only the newest, of all the last few.
 * @param {Announcement[]} pending @param {Announcement[]} fresh @returns {Announcement[]}
 */
export function gather(pending, fresh) {
  const kind = (/** @type {Announcement} */ a) => a.key.replace(/^((level|trouble|connection)\.).*|s$/, '$1');
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

/** Of a line that is up: what it does now, and to whom. @param {State} before @param {State} after @returns {Announcement[]} */
function connectionChange(before, after) {
  const [was, is] = [connection(before), connection(after)];
  const up = (/** @type {string} */ c) => c === 'good' || c === 'weak';
  if (!up(was) || !up(is)) return was === is ? [] : [{ key: `connection.${is}` }];
  const now = trouble(after);
  const { line: { level }, slots } = after;
  return [
    ...(now !== 'good' && now !== trouble(before) ? [{ key: `trouble.${now}`, params: upstreamLoss(after) }] : []),
    ...(level && slots.screen && lessOfScreen(after) !== lessOfScreen(before) ? [{ key: `level.${level}` }] : []),
  ];
}

/** @typedef {{subject: string, now: string[], told: string[], news: Announcement[]}} Reach one look: about what, who is in trouble, of whom that was said, what is to be said */

/** Between two looks at who sees and hears. */
export const REACH_EVERY_MS = 3000;

/**
 * Who is in trouble at two looks in a row, and that at two looks all are well again: a join is trouble for a moment, and on a line
 * that is known to be narrow each slide is late. Seconds that pass are no news, and who no longer counts because a share or the
 * class's work has stopped is not reached again.
 * @param {Reach} before @param {State} state @returns {Reach}
 */
export function reachNews(before, state) {
  const subject = reachSubject(state);
  const { delivery, slots, people } = state;
  if (!able(state, 'staff') || !delivery || subject === 'unknown') return { ...before, news: [] };
  const now = sentencesOf(delivery, slots.screen !== null).filter((one) => !isMild(one))
    .flatMap(({ key, ids }) => (key === 'late' ? ids.filter((id) => !delivery.narrow.includes(id)) : ids));
  const again = subject === before.subject ? before.now : [];
  const fresh = now.filter((id) => again.includes(id) && !before.told.includes(id));
  const told = [...before.told.filter((id) => now.includes(id) || again.includes(id)), ...fresh];
  const well = before.told.length && !told.length && subject === before.subject;
  const news = fresh.length ? [{ key: 'say.unreached', params: { n: fresh.length, names: people[fresh[0]]?.name ?? '' } }] : well ? [{ key: 'say.reached' }] : [];
  return { subject, now, told, news };
}
