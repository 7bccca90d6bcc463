/**
 * The order of a class: its mode, what this page may send, the queue for the floor, who waits at the
 * door, the bells and the pace. As values and how each event changes them. Pure.
 */

/** @typedef {'lecture'|'discussion'|'practical'|'quiz'|'break'} Mode */
/** @typedef {{mode: Mode, since_ms: number|null, until_ms: number|null}} ModeState */
/** @typedef {{id: string, since_ms: number}} Waiter */
/** @typedef {{list: Waiter[]|null, length: number, position: number|null, since_ms: number|null}} Queue `list` for staff only */
/** @typedef {{id: string, name: string, since_ms: number}} Knocker somebody in the lobby */
/** @typedef {{fast: number, fine: number, lost: number}} Pace */
/**
 * What this server offers: a page talks to older ones, too.
 * @typedef {{modes: boolean, rights: boolean, queue: boolean, lobby: boolean, lock: boolean, chat: boolean, polls: boolean, pace: boolean, help: boolean, aside: boolean, moderation: boolean}} Features
 */
/**
 * @typedef {object} Order
 * @property {Features} features
 * @property {ModeState} mode
 * @property {string[]|null} send what the relay forwards of this page; null: this server does not say
 * @property {boolean} muted
 * @property {Queue} queue
 * @property {{waiting: Knocker[], count: number}} lobby
 * @property {{id: string, name: string, title: string, since_ms: number}|null} waiting this page waits to be let in
 * @property {Pace|null} pace
 * @property {'fast'|'fine'|'lost'|'none'} ownPace
 * @property {{id: string|null, name: string}|null} helper who comes to help this learner
 * @property {{id: string, name: string}|null} aside with whom this page speaks in private
 */

export const MODES = /** @type {const} */ (['lecture', 'discussion', 'practical', 'quiz', 'break']);

const NOTHING = { modes: false, rights: false, queue: false, lobby: false, lock: false, chat: false, polls: false, pace: false, help: false, aside: false, moderation: false };

/** @returns {Order} */
export function initialOrder() {
  return {
    features: NOTHING,
    mode: { mode: 'lecture', since_ms: null, until_ms: null },
    send: null,
    muted: false,
    queue: { list: null, length: 0, position: null, since_ms: null },
    lobby: { waiting: [], count: 0 },
    waiting: null,
    pace: null,
    ownPace: 'none',
    helper: null,
    aside: null,
  };
}

/**
 * What a welcome shows of the server's abilities.
 * @param {any} welcome @returns {Features}
 */
export function featuresOf(welcome) {
  const state = welcome.state ?? {};
  const klass = { ...welcome.class, ...state.class };
  const rights = Array.isArray(welcome.send) || Array.isArray(state.rights?.send);
  const modes = klass.mode !== undefined || state.mode !== undefined;
  const chat = klass.chat !== undefined;
  return {
    modes, rights, chat,
    queue: state.queue !== undefined,
    lobby: klass.lobby !== undefined,
    lock: klass.locked !== undefined,
    polls: 'poll' in state || 'polls' in state,
    pace: chat,
    help: chat,
    aside: 'aside' in state,
    moderation: rights,
  };
}

/**
 * @param {Order} order @param {any} message a server's event
 * @returns {Order} the same object when it does not concern the order
 */
export function reduceOrder(order, message) {
  switch (message.type) {
    case 'mode':
      return { ...order, mode: modeOf(message, order.mode) };
    case 'rights':
      return { ...order, ...rightsOf(message, order) };
    case 'queue':
      return { ...order, queue: queueOf(message) };
    case 'class':
      return message.class?.mode && message.class.mode !== order.mode.mode
        ? { ...order, mode: { mode: message.class.mode, since_ms: null, until_ms: null } } : order;
    case 'lobby':
      return { ...order, lobby: lobbyOf(message) };
    case 'waiting':
      return { ...order, waiting: { id: message.id, name: message.name ?? '', title: message.class?.title ?? '', since_ms: message.since_ms } };
    case 'pace':
      return { ...order, pace: { fast: message.fast ?? 0, fine: message.fine ?? 0, lost: message.lost ?? 0 } };
    case 'help_coming':
      return { ...order, helper: { id: message.by ?? null, name: message.name ?? '' } };
    case 'aside':
      return { ...order, aside: message.with ?? null };
    default:
      return order;
  }
}

/**
 * @param {Order} order @param {any} snapshot `state` of a welcome or of the event of that name
 * @param {any} [welcome] the welcome around it
 * @returns {Order}
 */
export function applyOrder(order, snapshot, welcome) {
  const features = welcome ? featuresOf(welcome) : order.features;
  const rights = snapshot.rights ?? (welcome?.send ? { send: welcome.send, muted: welcome.muted } : null);
  const mode = snapshot.mode ?? snapshot.class?.mode;
  return {
    ...order,
    features,
    waiting: welcome ? null : order.waiting,
    mode: mode === undefined ? order.mode : modeOf(typeof mode === 'string' ? { ...snapshot, mode } : mode, order.mode),
    ...(rights ? rightsOf(rights, order) : {}),
    queue: snapshot.queue === undefined ? order.queue : queueOf(Array.isArray(snapshot.queue) ? snapshot : snapshot.queue),
    lobby: snapshot.lobby === undefined ? order.lobby : lobbyOf(Array.isArray(snapshot.lobby) ? { waiting: snapshot.lobby } : snapshot.lobby),
    pace: snapshot.pace === undefined ? order.pace : paceOf(snapshot.pace),
    aside: snapshot.aside === undefined ? order.aside : snapshot.aside,
    ownPace: snapshot.own_pace ?? order.ownPace,
  };
}

/** @param {any} message @param {ModeState} before @returns {ModeState} */
function modeOf(message, before) {
  if (!MODES.includes(message?.mode)) return before;
  return { mode: message.mode, since_ms: message.since_ms ?? null, until_ms: message.until_ms ?? null };
}

/** @param {any} message @param {Order} before */
function rightsOf(message, before) {
  return { send: Array.isArray(message.send) ? message.send : before.send, muted: Boolean(message.muted ?? before.muted) };
}

/** @param {any} message @returns {Queue} */
function queueOf(message) {
  const list = Array.isArray(message?.queue) ? message.queue : null;
  return { list, length: message?.length ?? list?.length ?? 0, position: message?.position ?? null, since_ms: message?.since_ms ?? null };
}

/** @param {any} message */
function lobbyOf(message) {
  const waiting = Array.isArray(message?.waiting) ? message.waiting : [];
  return { waiting, count: message?.count ?? waiting.length };
}

/** @param {any} pace @returns {Pace|null} */
function paceOf(pace) {
  return pace && typeof pace.fast === 'number' ? { fast: pace.fast, fine: pace.fine ?? 0, lost: pace.lost ?? 0 } : null;
}

/** @param {Features} features @param {string} request that the server did not know */
export function withoutFeature(features, request) {
  const feature = REQUEST_FEATURE[request];
  return feature ? { ...features, [feature]: false } : features;
}

/** @type {Record<string, keyof Features>} */
const REQUEST_FEATURE = {
  mode_set: 'modes', floor_next: 'queue', hand_lower: 'queue', lobby_set: 'lobby', lobby_admit: 'lobby', lock: 'lock',
  chat_send: 'chat', chat_history: 'chat', chat_open: 'chat', poll_start: 'polls', poll_import: 'polls', poll_answer: 'polls',
  pace: 'pace', help: 'help', help_answer: 'help', aside_start: 'aside', kick: 'moderation', mute: 'moderation', mute_ask: 'moderation',
};

/**
 * Waiting time for people: minutes, and seconds in the first one.
 * @param {number} ms @returns {{unit: 'seconds'|'minutes'|'hours', n: number}}
 */
export function waited(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return { unit: 'seconds', n: seconds - (seconds % 5) };
  if (seconds < 3600) return { unit: 'minutes', n: Math.floor(seconds / 60) };
  return { unit: 'hours', n: Math.floor(seconds / 3600) };
}

/**
 * How long the class has been at work, by the server's clock: it stands still in a break.
 * @param {ModeState} mode @param {number} realisedMs before this mode @param {number} now
 */
export function classTimeMs(mode, realisedMs, now) {
  return realisedMs + (mode.mode !== 'break' && mode.since_ms !== null ? Math.max(0, now - mode.since_ms) : 0);
}

/** What is left of a break, as 9:05. @param {number} ms */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest.replace(/^0/, '');
}
