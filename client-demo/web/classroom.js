/**
 * What the page knows, as one value, and how each event changes it. Pure: no browser, no clock.
 *
 * The server's messages arrive as `{type: 'server', message}`; the rest is what this page itself
 * does. What can be worked out from the state is a function below, not a field.
 */

import { initialChat, reduceChat } from './state/chat.js';
import { deliveryOf, levelOf } from './state/delivery.js';
import { applyOrder, initialOrder, reduceOrder, withoutFeature } from './state/order.js';
import { applyPolls, initialPolls, reducePolls } from './state/polls.js';
import { may, teaches } from './state/roles.js';

/** @typedef {import('./state/roles.js').Role} Role */
/** @typedef {'none'|'connecting'|'connected'|'quiet'} ServerMedia */
/**
 * @typedef {object} Person
 * @property {string} id
 * @property {string} name
 * @property {Role} role
 * @property {boolean} here
 * @property {number|null} hand ms since 1970
 * @property {boolean} floor
 * @property {boolean} mic
 * @property {null|'screen'} sharing
 * @property {ServerMedia} media
 * @property {number|null} [help] since when the bell rings
 * @property {string|null} [helper] who comes
 * @property {string|null} [aside] with whom it speaks in private; for staff
 * @property {boolean} [muted]
 */
/** @typedef {{trainer: number, learner: number, operator: number, [role: string]: number}} Count */
/** @typedef {{id: string, title: string, state: string, lead?: string|null, lobby?: boolean, locked?: boolean, chat?: boolean, realised_ms?: number}} Klass */
/** @typedef {Record<string, string|null>} Slots slot name to participant id */
/**
 * `asking`: the browser's question is open. `ready`: a microphone is held, nothing is sent.
 * @typedef {'off'|'asking'|'ready'|'live'|'muted'} MicStatus
 */
/** @typedef {{id: number, key: string, params: Record<string, string|number>, level: 'info'|'good'|'bad'|'call'}} Notice */
/**
 * @typedef {object} State
 * @property {'loading'|'lobby'|'joining'|'waiting'|'class'|'stopped'} phase
 * @property {string|null} stopped why the page stopped: a key of the strings under `stopped.`
 * @property {string} stoppedBecause what the server's people wrote about it; '' mostly
 * @property {{role: Role, name: string, title: string}|null} invite
 * @property {Person|{id: string, name: string, role: Role}|null} me
 * @property {Klass|null} klass
 * @property {Record<string, Person>} people
 * @property {Count} count
 * @property {Slots} slots
 * @property {Record<string, number>} loses of whom how much of the voice is lost on its way to the server, in percent
 * @property {Record<string, number>} loses whose voice is lost on its way to the server, and how much of it, in percent
 * @property {Record<string, string>} names of those who are on a slot, also where nobody told who they are
 * @property {string[]} speaking
 * @property {import('./state/order.js').Order} order
 * @property {import('./state/chat.js').Chat} chat
 * @property {import('./state/polls.js').Polls} polls
 * @property {import('./state/delivery.js').Delivery|null} delivery who is reached, as the server counts; null: not told
 * @property {import('./state/delivery.js').Delivered[]} delivered the same one by one, when it was asked for
 * @property {boolean} unreached the server sees that nothing arrives here, though the connection was made again
 * @property {{level: import('./state/delivery.js').ScreenLevel|null, rttMs: number|null}} line this page's own
 * @property {number} clockOffsetMs the server's clock less this computer's
 * @property {'closed'|'connecting'|'open'|'waiting'} link the WebSocket
 * @property {'none'|'connecting'|'connected'|'disconnected'|'no_relay'|'failed'} transport as this browser sees it
 * @property {'udp'|'tcp'|'relay'|null} path the way that media takes now; null: not known
 * @property {''|'own'|'theirs'} weak much of the sound is lost: on the own line, or the speaker's
 * @property {import('./send_judges.js').Poorly} sendsPoorly the own line loses what is said here, or holds the shared screen back
 * @property {{status: MicStatus, problem: string|null, deviceId: string, wanted: boolean}} mic `wanted`: on unless something is in the way
 * @property {{id: string, label: string}[]} microphones
 * @property {{status: 'off'|'asking'|'live', audio: boolean, problem: string|null}} share
 * @property {{blocked: boolean, volume: number, fresh: boolean}} playback `fresh`: a picture of the present share has been seen
 * @property {Notice[]} notices
 * @property {any|null} overview
 * @property {{t: number, cpu: number, participants: number, bps_in: number, bps_out: number}[]} history
 */

const NOTICES_MAX = 3;
const HISTORY_MAX = 360;

/** @type {Slots} */
const EMPTY_SLOTS = {
  voice_0: null, voice_1: null, voice_2: null, screen: null, screen_audio: null,
  camera_0: null, camera_1: null, camera_2: null,
};

/** @returns {State} */
export function initialState() {
  return {
    phase: 'loading',
    stopped: null,
    stoppedBecause: '',
    invite: null,
    me: null,
    klass: null,
    people: {},
    count: { trainer: 0, learner: 0, operator: 0 },
    slots: EMPTY_SLOTS,
    names: {},
    loses: {},
    speaking: [],
    order: initialOrder(),
    chat: initialChat(),
    polls: initialPolls(),
    delivery: null,
    delivered: [],
    line: { level: null, rttMs: null },
    unreached: false,
    clockOffsetMs: 0,
    link: 'closed',
    transport: 'none',
    path: null,
    weak: '',
    sendsPoorly: '',
    mic: { status: 'off', problem: null, deviceId: '', wanted: false },
    microphones: [],
    share: { status: 'off', audio: false, problem: null },
    playback: { blocked: false, volume: 1, fresh: false },
    notices: [],
    overview: null,
    history: [],
  };
}

/**
 * One state, changed by events only.
 * @template S, E
 * @param {(state: S, event: E) => S} reduce a pure function; returns the same object when nothing changed
 * @param {S} initial
 */
export function createStore(reduce, initial) {
  let state = initial;
  /** @type {Set<(state: S) => void>} */
  const listeners = new Set();
  return {
    get state() {
      return state;
    },
    /** @param {E} event */
    dispatch(event) {
      const next = reduce(state, event);
      if (next === state) return;
      state = next;
      for (const listener of listeners) listener(state);
    },
    /** @param {(state: S) => void} listener @returns {() => void} ends the subscription */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * @param {State} state
 * @param {any} event
 * @returns {State}
 */
export function reduce(state, event) {
  switch (event.type) {
    case 'server':
      return reduceServer(state, event.message);
    case 'phase':
      return { ...state, phase: event.phase, stopped: event.stopped ?? null, stoppedBecause: event.because ?? '' };
    case 'invite':
      return { ...state, invite: event.invite };
    case 'link':
      return state.link === event.link ? state : { ...state, link: event.link };
    case 'transport':
      return state.transport === event.transport ? state : { ...state, transport: event.transport };
    case 'path':
      return state.path === event.path ? state : { ...state, path: event.path };
    case 'weak':
      return state.weak === event.weak ? state : { ...state, weak: event.weak };
    case 'uplink':
      return state.sendsPoorly === event.poor ? state : { ...state, sendsPoorly: event.poor };
    case 'mic':
      return { ...state, mic: { ...state.mic, ...event.mic } };
    case 'microphones':
      return { ...state, microphones: event.microphones };
    case 'share':
      return { ...state, share: { ...state.share, ...event.share } };
    case 'playback':
      return { ...state, playback: { ...state.playback, ...event.playback } };
    case 'line':
      return { ...state, line: { ...state.line, ...event.line } };
    case 'delivered':
      return { ...state, delivered: event.delivered };
    case 'clock':
      return { ...state, clockOffsetMs: event.offsetMs };
    case 'own_pace':
      return { ...state, order: { ...state.order, ownPace: event.value } };
    case 'own_help':
      return withOwn({ ...state, order: { ...state.order, helper: null } }, { help: event.since });
    case 'unsupported':
      return { ...state, order: { ...state.order, features: withoutFeature(state.order.features, event.request) } };
    case 'chat_seen':
    case 'chat_history':
      return { ...state, chat: reduceChat(state.chat, event, state.me?.id ?? null) };
    case 'poll_answered':
    case 'poll_drafts':
      return { ...state, polls: reducePolls(state.polls, event) };
    case 'notice':
      return { ...state, notices: addNotice(state.notices, event.notice) };
    case 'notice_gone':
      return { ...state, notices: state.notices.filter((n) => n.id !== event.id) };
    default:
      return state;
  }
}

/** @param {Notice[]} notices @param {Notice} notice */
function addNotice(notices, notice) {
  const others = notices.filter((n) => n.key !== notice.key);
  return [...others, notice].slice(-NOTICES_MAX);
}

/** @param {State} state @param {any} message @returns {State} */
function reduceServer(state, message) {
  switch (message.type) {
    case 'welcome':
      return applySnapshot(
        { ...state, phase: 'class', me: message.participant, klass: message.class },
        message.state ?? {}, message,
      );
    case 'state':
      return applySnapshot(state, message);
    case 'person':
      return withMe({ ...state, people: { ...state.people, [message.person.id]: message.person } });
    case 'people': {
      const changed = message.people.map((/** @type {Person} */ p) => [p.id, p]);
      return withMe({ ...state, people: { ...state.people, ...Object.fromEntries(changed) } });
    }
    case 'person_left': {
      const { [message.id]: gone, ...people } = state.people;
      return gone ? { ...state, people } : state;
    }
    case 'count':
      return { ...state, count: message.count };
    case 'slots':
      return withSlots(state, message);
    case 'speaking':
      return { ...state, speaking: message.ids };
    case 'floor':
      return withOwn(state, { floor: message.granted, hand: message.granted ? null : ownHand(state) });
    case 'overview':
      return {
        ...state,
        overview: message,
        history: mergeHistory(state.history, message.history ?? []),
      };
    case 'waiting':
      return { ...state, phase: 'waiting', people: {}, order: reduceOrder(state.order, message) };
    case 'class':
      return { ...state, klass: { ...state.klass, ...message.class }, order: reduceOrder(state.order, message) };
    case 'mode':
    case 'rights':
    case 'queue':
    case 'lobby':
    case 'pace':
    case 'help_coming':
    case 'aside':
      return { ...state, order: reduceOrder(state.order, message) };
    case 'chat':
    case 'chat_changed':
      return { ...state, chat: reduceChat(state.chat, message, state.me?.id ?? null) };
    case 'poll':
    case 'poll_results':
    case 'poll_score':
      return { ...state, polls: reducePolls(state.polls, message) };
    case 'delivery':
      return { ...state, delivery: deliveryOf(message) };
    case 'reached':
      return { ...state, unreached: !message.reached };
    case 'quality':
      return { ...state, line: { ...state.line, level: levelOf(message.screen ?? message.level) } };
    default:
      return state;
  }
}

/** @param {State} state @param {any} snapshot @param {any} [welcome] @returns {State} */
function applySnapshot(state, snapshot, welcome) {
  const people = snapshot.people
    ? Object.fromEntries(snapshot.people.map((/** @type {Person} */ p) => [p.id, p]))
    : state.people;
  const next = withSlots(state, snapshot);
  return withMe({
    ...next,
    people,
    order: applyOrder(state.order, snapshot, welcome),
    polls: applyPolls(state.polls, snapshot),
    delivery: snapshot.delivery ? deliveryOf(snapshot.delivery) : state.delivery,
    count: snapshot.count ?? state.count,
    speaking: snapshot.speaking ?? [],
    klass: snapshot.class ? /** @type {Klass} */ ({ ...state.klass, ...snapshot.class }) : state.klass,
  });
}

/** `me` is this participant's own entry of `people`, as soon as there is one. @param {State} state */
function withMe(state) {
  const own = state.me && state.people[state.me.id];
  return own && own !== state.me ? { ...state, me: own } : state;
}

/** @param {State} state @param {Partial<Person>} change @returns {State} */
function withOwn(state, change) {
  if (!state.me) return state;
  const me = /** @type {Person} */ ({ ...state.me, ...change });
  const people = state.people[me.id] ? { ...state.people, [me.id]: me } : state.people;
  return { ...state, me, people };
}

/**
 * A picture of somebody else's share is an old one.
 * @param {State} state @param {any} said
 */
function withSlots(state, { slots = state.slots, names, loses }) {
  const { names: inside, ...map } = slots;
  const same = state.slots.screen === map.screen;
  const playback = same ? state.playback : { ...state.playback, fresh: false };
  return { ...state, slots: { ...EMPTY_SLOTS, ...map }, names: names ?? inside ?? state.names, loses: loses ?? {}, playback };
}

/** @param {State['history']} history @param {State['history']} points */
function mergeHistory(history, points) {
  const last = history.length ? history[history.length - 1].t : -Infinity;
  // A second `watch` sends the whole hour again.
  if (points.length > 1) return points.slice(-HISTORY_MAX);
  const fresh = points.filter((p) => p.t > last);
  return fresh.length ? [...history, ...fresh].slice(-HISTORY_MAX) : history;
}

/** @param {State} state @returns {number|null} */
export function ownHand(state) {
  return state.me && 'hand' in state.me ? state.me.hand : null;
}

/** @param {State} state */
export function hasFloor(state) {
  if (!state.me) return false;
  return teaches(state.me.role) || ('floor' in state.me && state.me.floor);
}

/** Whether this page leads the class: by its role, or because the lead was handed over. @param {State} state */
export function leads(state) {
  if (!state.me) return false;
  const lead = state.klass?.lead;
  return lead === undefined ? state.me.role === 'trainer' : lead === state.me.id;
}

/**
 * Whether this page may do something, as far as the page knows.
 * @param {State} state @param {import('./state/roles.js').Ability} ability
 */
export function able(state, ability) {
  return may(roleOf(state), ability, { floor: hasFloor(state), lead: leads(state) });
}

/**
 * Whether the relay forwards what this page sends on a slot. The server says so; one that does not is
 * one where the floor alone decides. A microphone in private goes to one person, and not to the class.
 * @param {State} state @param {'mic'|'screen'|'screen_audio'|'camera'} slot
 */
export function maySend(state, slot) {
  if (slot === 'mic' && state.order.aside) return true;
  return state.order.send ? state.order.send.includes(slot) : hasFloor(state);
}

/** Who comes to help this learner, and has not left. @param {State} state @returns {{id: string|null, name: string}|null} */
export function helperOf(state) {
  const { helper } = state.order;
  if (!state.me || !('helper' in state.me)) return helper;
  const id = state.me.helper;
  return id ? { id, name: state.people[id]?.name ?? helper?.name ?? '' } : null;
}

/**
 * Is this person heard, and if not, why: the one word that the page shows by its microphone (`voice.*`).
 * @param {State} state
 * @returns {'heard'|'private'|'cut_off'|'break'|'muted'|'off'|'asking'|'closed'}
 */
export function ownVoice(state) {
  const allowed = maySend(state, 'mic');
  if (state.mic.status === 'live' && allowed) return isCutOff(state) ? 'cut_off' : state.order.aside ? 'private' : 'heard';
  if (state.order.mode.mode === 'break') return 'break';
  if (!allowed) return state.order.muted ? 'muted' : 'closed';
  return state.mic.status === 'asking' ? 'asking' : 'off';
}

/** What is said in private is heard by nobody else when the other one is not there. @param {State} state */
function isCutOff(state) {
  const other = state.order.aside && state.people[state.order.aside.id];
  return !['good', 'weak'].includes(connection(state)) || (other && (!other.here || other.media !== 'connected'));
}

/** @param {State} state @returns {Role} */
export function roleOf(state) {
  return state.me?.role ?? state.invite?.role ?? 'learner';
}

/** Raised hands, the longest waiting first; in the server's order where it gives one. @param {State} state @returns {Person[]} */
export function handsInOrder(state) {
  const { list } = state.order.queue;
  if (list) return list.map(({ id, since_ms }) => ({ ...someone(state, id), hand: since_ms }));
  return Object.values(state.people)
    .filter((p) => p.hand !== null && p.hand !== undefined && !p.floor)
    .sort((a, b) => Number(a.hand) - Number(b.hand) || compareNames(a, b));
}

/** @param {State} state @param {string} id @returns {Person} */
function someone(state, id) {
  return state.people[id]
    ?? { id, name: state.names[id] ?? '', role: 'learner', here: true, hand: null, floor: false, mic: false, sharing: null, media: 'none' };
}

/** Who rang the bell, the longest waiting first. @param {State} state @returns {Person[]} */
export function bells(state) {
  return Object.values(state.people).filter((p) => p.help).sort((a, b) => Number(a.help) - Number(b.help));
}

/** Own place in the queue, or null. @param {State} state @returns {{position: number|null, since_ms: number}|null} */
export function ownPlace(state) {
  const since = state.order.queue.since_ms ?? ownHand(state);
  return ownHand(state) === null && state.order.queue.position === null ? null : { position: state.order.queue.position, since_ms: Number(since) };
}

/** Learners who have the floor. @param {State} state @returns {Person[]} */
export function floorHolders(state) {
  return Object.values(state.people).filter((p) => !teaches(p.role) && p.floor).sort(compareNames);
}

/** @type {Record<Role, number>} */
const RANK = { trainer: 0, co_trainer: 1, assistant: 2, inspector: 3, learner: 4, operator: 5 };

/** Trainers first, then by name. @param {State} state @returns {Person[]} */
export function peopleInOrder(state) {
  return Object.values(state.people)
    .filter((p) => p.role !== 'operator')
    .sort((a, b) => RANK[a.role] - RANK[b.role] || compareNames(a, b));
}

/** One for all: making it costs more than a thousand comparisons. */
const byName = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

/** @param {Person} a @param {Person} b */
function compareNames(a, b) {
  return byName.compare(a.name, b.name);
}

/** Who is heard now, this participant included. @param {State} state @returns {Person[]} */
export function speakers(state) {
  return state.speaking.filter((id) => state.people[id] || state.names[id]).map((id) => someone(state, id));
}

/** Whose screen everybody sees. @param {State} state @returns {Person|null} */
export function sharer(state) {
  const id = state.slots.screen;
  return id && (state.people[id] || state.names[id]) ? someone(state, id) : null;
}

/**
 * Of those who are heard here, who loses most of the voice on its own line.
 * @param {State} state @returns {{name: string, percent: number}}
 */
export function upstreamLoss(state) {
  const { slots, loses, me } = state;
  let worst = { name: '', percent: 0 };
  for (const id of [slots.voice_0, slots.voice_1, slots.voice_2]) {
    const percent = (id && id !== me?.id && loses[id]) || 0;
    if (id && percent > worst.percent) worst = { name: someone(state, id).name, percent };
  }
  return worst;
}

/**
 * What can be said of who sees and hears. What was measured before is not known to hold while this page hears nothing
 * from the server, or while a trainer's own media is cut; in a break nothing is sent.
 * @param {State} state @returns {'unknown'|'break'|'sees'|'hears'}
 */
export function reachSubject(state) {
  const up = teaches(roleOf(state)) ? ['good', 'weak'].includes(connection(state)) : state.link === 'open';
  if (!up) return 'unknown';
  if (state.order.mode.mode === 'break') return 'break';
  return state.slots.screen !== null ? 'sees' : 'hears';
}

/**
 * How the connection is, as one word that the strings explain (`connection.*`).
 * @param {State} state
 * @returns {'good'|'weak'|'connecting'|'reconnecting'|'media_lost'|'no_relay'}
 */
export function connection(state) {
  if (state.link !== 'open') return state.phase === 'joining' ? 'connecting' : 'reconnecting';
  if (roleOf(state) === 'operator') return 'good';
  switch (state.transport) {
    case 'connected':
      return state.weak === 'own' ? 'weak' : 'good';
    case 'disconnected':
    case 'failed':
      return 'media_lost';
    case 'no_relay':
      return 'no_relay';
    default:
      return 'connecting';
  }
}

/**
 * The same as the sign at the top has it: weak is also a line of which the page says elsewhere that it
 * carries less of the screen, or sends badly.
 * @param {State} state
 */
export function connectionSign(state) {
  const how = connection(state);
  return how === 'good' && (lessOfScreen(state) || sendsPoorly(state)) ? 'weak' : how;
}

/** What comes of the screen where that is less than all; '': nothing to say. @param {State} state */
export function lessOfScreen({ line: { level }, slots }) {
  return level && level !== 'full' && slots.screen ? level : '';
}

/** @param {State} state @returns {''|'sends_screen_poorly'|'sends_poorly'} */
function sendsPoorly({ sendsPoorly: poorly, share, mic }) {
  if (poorly && share.status === 'live') return 'sends_screen_poorly';
  return poorly === 'voice' && mic.status === 'live' ? 'sends_poorly' : '';
}

/**
 * The one thing to say of the connection (`trouble.*`; good: nothing). What a line does to everybody goes before what it does to this page.
 * @param {State} state
 */
export function trouble(state) {
  const how = connection(state);
  if (how !== 'good' && how !== 'weak') return how;
  if (state.unreached) return 'unreached';
  return sendsPoorly(state) || (state.weak === 'theirs' && upstreamLoss(state).percent > 0 ? 'theirs' : how);
}
