/**
 * Written messages: what this page has of them, in order, once each. And how a text becomes words and
 * safe links. Pure.
 */

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {string|null} from
 * @property {string} name
 * @property {string} role
 * @property {string} to `all`, `staff` or a participant's id
 * @property {string} text
 * @property {number} at_ms
 * @property {boolean} question
 * @property {number|null} answered_ms
 */
/** @typedef {{messages: Message[], more: boolean, loaded: boolean, unread: number, open: boolean}} Chat `open`: the reader looks at it now */

/** Older ones are still at the server. */
export const KEPT_MAX = 500;
export const TEXT_MAX = 1000;
const CATCH_UP_EACH_MS = 5;
const CATCH_UP_MAX_MS = 5000;

/**
 * How long to wait with the question for what was missed: a class that comes back from one cut asks one
 * after the other, 200 a second at most, and not all in the moment in which everything else is asked as well.
 * @param {import('../classroom.js').Count} count who is in class @param {() => number} random below 1
 */
export function catchUpAfterMs(count, random = Math.random) {
  const people = Object.values(count).reduce((sum, n) => sum + n, 0);
  return Math.min(CATCH_UP_MAX_MS, people * CATCH_UP_EACH_MS) * random();
}

/** @returns {Chat} */
export function initialChat() {
  return { messages: [], more: false, loaded: false, unread: 0, open: false };
}

/** @param {Chat} chat @param {any} event @param {string|null} ownId @returns {Chat} */
export function reduceChat(chat, event, ownId) {
  switch (event.type) {
    case 'chat':
      return add(chat, event.message, ownId);
    case 'chat_changed':
      return change(chat, event);
    case 'chat_history':
      if (event.newest && chat.loaded) return Array.isArray(event.messages) ? catchUp(chat, event, ownId) : chat;
      return { ...chat, messages: merge(chat.messages, event.messages ?? []), more: Boolean(event.more), loaded: true };
    case 'chat_seen':
      return { ...chat, open: event.open, unread: event.open ? 0 : chat.unread };
    default:
      return chat;
  }
}

/** @param {Chat} chat @param {Message} message @param {string|null} ownId */
function add(chat, message, ownId) {
  if (!message || chat.messages.some((m) => m.id === message.id)) return chat;
  const counts = !chat.open && message.from !== ownId;
  return { ...chat, messages: merge(chat.messages, [message]).slice(-KEPT_MAX), unread: chat.unread + (counts ? 1 : 0) };
}

/** @param {Chat} chat @param {any} event */
function change(chat, { id, answered_ms: answered, deleted }) {
  const messages = deleted
    ? chat.messages.filter((m) => m.id !== id)
    : chat.messages.map((m) => (m.id === id ? { ...m, answered_ms: answered ?? null } : m));
  return { ...chat, messages };
}

/**
 * The newest messages, asked for after the line was away: what was written, answered or deleted meanwhile.
 * Older ones are kept where nothing can be missing between.
 * @param {Chat} chat @param {any} event @param {string|null} ownId
 */
function catchUp(chat, event, ownId) {
  /** @type {Message[]} */
  const fresh = event.messages;
  const known = new Set(chat.messages.map((m) => m.id));
  const first = chat.messages.length ? Number(chat.messages[0].id) : 0; // some may have come since
  const touches = !event.more || fresh.some((m) => known.has(m.id));
  const older = touches && fresh.length ? chat.messages.filter((m) => Number(m.id) < Number(fresh[0].id)) : [];
  const missed = fresh.filter((m) => Number(m.id) > first && !known.has(m.id) && m.from !== ownId).length;
  return {
    ...chat, messages: merge(older, fresh).slice(-KEPT_MAX), more: older.length ? chat.more : Boolean(event.more),
    unread: chat.open ? 0 : chat.unread + missed,
  };
}

/** @param {Message[]} old @param {Message[]} fresh */
function merge(old, fresh) {
  const known = new Map(old.map((m) => [m.id, m]));
  for (const message of fresh) known.set(message.id, message);
  return [...known.values()].sort((a, b) => a.at_ms - b.at_ms || Number(a.id) - Number(b.id) || 0);
}

/** Questions that nobody has answered, the oldest first. @param {Chat} chat */
export function openQuestions(chat) {
  return chat.messages.filter((m) => m.question && !m.answered_ms);
}

/**
 * A text cut into words and links. Only addresses with http:// or https:// and a host become links, and
 * only when the browser reads the same address out of it.
 * @param {string} text @returns {{text: string, href?: string}[]}
 */
export function linkParts(text) {
  /** @type {{text: string, href?: string}[]} */
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"'\x60{}|\\^]+/giu)) {
    const shown = match[0].replace(/[.,;:!?)\]»”’]+$/u, '');
    const href = safeAddress(shown);
    if (!href) continue;
    if (match.index > at) parts.push({ text: text.slice(at, match.index) });
    parts.push({ text: shown, href });
    at = match.index + shown.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at) });
  return parts;
}

/** @param {string} text @returns {string} '' when it must not become a link */
function safeAddress(text) {
  try {
    const url = new URL(text);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return '';
    // A name before the host is there to deceive, as in good.example@evil.example
    return url.username || url.password || !url.hostname ? '' : url.href;
  } catch {
    return '';
  }
}
