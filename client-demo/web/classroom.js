/**
 * What the page knows, as one value, and how each event changes it. Pure: no browser, no clock.
 *
 * The server's messages arrive as `{type: 'server', message}`; the rest is what this page itself
 * does. What can be worked out from the state is a function below, not a field.
 */

/** @typedef {'trainer'|'learner'|'operator'} Role */
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
 */
/** @typedef {{trainer: number, learner: number, operator: number}} Count */
/** @typedef {Record<string, string|null>} Slots slot name to participant id */
/**
 * `asking`: the browser's question is open. `ready`: a microphone is held, nothing is sent.
 * @typedef {'off'|'asking'|'ready'|'live'|'muted'} MicStatus
 */
/** @typedef {{id: number, key: string, params: Record<string, string|number>, level: 'info'|'good'|'bad'}} Notice */
/**
 * @typedef {object} State
 * @property {'loading'|'lobby'|'joining'|'class'|'stopped'} phase
 * @property {string|null} stopped why the page stopped: a key of the strings under `stopped.`
 * @property {{role: Role, name: string, title: string}|null} invite
 * @property {Person|{id: string, name: string, role: Role}|null} me
 * @property {{id: string, title: string, state: string}|null} klass
 * @property {Record<string, Person>} people
 * @property {Count} count
 * @property {Slots} slots
 * @property {string[]} speaking
 * @property {'closed'|'connecting'|'open'|'waiting'} link the WebSocket
 * @property {'none'|'connecting'|'connected'|'disconnected'|'no_relay'|'failed'} transport as this browser sees it
 * @property {'udp'|'tcp'|'relay'|null} path the way that media takes now; null: not known
 * @property {boolean} weak much of the sound is lost on the way
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
    invite: null,
    me: null,
    klass: null,
    people: {},
    count: { trainer: 0, learner: 0, operator: 0 },
    slots: EMPTY_SLOTS,
    speaking: [],
    link: 'closed',
    transport: 'none',
    path: null,
    weak: false,
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
 * @param {State} state
 * @param {any} event
 * @returns {State}
 */
export function reduce(state, event) {
  switch (event.type) {
    case 'server':
      return reduceServer(state, event.message);
    case 'phase':
      return { ...state, phase: event.phase, stopped: event.stopped ?? null };
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
    case 'mic':
      return { ...state, mic: { ...state.mic, ...event.mic } };
    case 'microphones':
      return { ...state, microphones: event.microphones };
    case 'share':
      return { ...state, share: { ...state.share, ...event.share } };
    case 'playback':
      return { ...state, playback: { ...state.playback, ...event.playback } };
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
        message.state ?? {},
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
      return withSlots(state, message.slots);
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
    default:
      return state;
  }
}

/** @param {State} state @param {any} snapshot @returns {State} */
function applySnapshot(state, snapshot) {
  const people = snapshot.people
    ? Object.fromEntries(snapshot.people.map((/** @type {Person} */ p) => [p.id, p]))
    : state.people;
  const next = withSlots(state, snapshot.slots ?? state.slots);
  return withMe({
    ...next,
    people,
    count: snapshot.count ?? state.count,
    speaking: snapshot.speaking ?? [],
    klass: snapshot.class ?? state.klass,
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

/** A picture of somebody else's share is an old one. @param {State} state @param {Slots} slots */
function withSlots(state, slots) {
  const same = state.slots.screen === slots.screen;
  const playback = same ? state.playback : { ...state.playback, fresh: false };
  return { ...state, slots: { ...EMPTY_SLOTS, ...slots }, playback };
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
  return state.me.role === 'trainer' || ('floor' in state.me && state.me.floor);
}

/** @param {State} state @returns {Role} */
export function roleOf(state) {
  return state.me?.role ?? state.invite?.role ?? 'learner';
}

/** Raised hands, the longest waiting first. @param {State} state @returns {Person[]} */
export function handsInOrder(state) {
  return Object.values(state.people)
    .filter((p) => p.hand !== null && p.hand !== undefined && !p.floor)
    .sort((a, b) => Number(a.hand) - Number(b.hand) || compareNames(a, b));
}

/** Learners who have the floor. @param {State} state @returns {Person[]} */
export function floorHolders(state) {
  return Object.values(state.people).filter((p) => p.role === 'learner' && p.floor).sort(compareNames);
}

/** Trainers first, then by name. @param {State} state @returns {Person[]} */
export function peopleInOrder(state) {
  return Object.values(state.people)
    .filter((p) => p.role !== 'operator')
    .sort((a, b) => Number(b.role === 'trainer') - Number(a.role === 'trainer') || compareNames(a, b));
}

/** @param {Person} a @param {Person} b */
function compareNames(a, b) {
  return a.name.localeCompare(b.name, undefined, { sensitivity: 'base', numeric: true });
}

/** Who is heard now, this participant included. @param {State} state @returns {Person[]} */
export function speakers(state) {
  return state.speaking.map((id) => state.people[id]).filter(Boolean);
}

/** Whose screen everybody sees. @param {State} state @returns {Person|null} */
export function sharer(state) {
  const id = state.slots.screen;
  return (id && state.people[id]) || null;
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
      return state.weak ? 'weak' : 'good';
    case 'disconnected':
    case 'failed':
      return 'media_lost';
    case 'no_relay':
      return 'no_relay';
    default:
      return 'connecting';
  }
}
