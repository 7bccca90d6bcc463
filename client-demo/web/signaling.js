/**
 * The WebSocket to the server: hello and resume, requests with answers, and coming back by itself.
 * Clock, randomness and sockets are passed in, so that the tests play minutes in milliseconds.
 */

export const PROTOCOL = 'amphi.v1';
const VERSION = 1;
/** TCP asks again after 1, 3 and 7 s; a network that was gone and is back is found sooner by a new socket. Up to a quarter shorter. */
const OPEN_WITHIN_MS = 4000;
/** Firefox goes on opening those that were given up, six at once. */
export const OPEN_WITHIN_FIREFOX_MS = 12000;
/** Then twice the time: who fails often is held back for up to 5 s by Chromium. */
const OFTEN_FOR_MS = 48000;
/** The first ones: a line may be slow, not gone. */
const OPEN_SLOWLY_MS = 10000;
/** Where the line is known not to be slow: behind two of TCP's three attempts in that time; then twice as long. */
const OPEN_SOON_MS = 2500;
/** Three round trips, on a line that has just become four times slower. */
const OPEN_ROUND_TRIPS = 12;
const WELCOME_WITHIN_MS = 6000;
const REQUEST_WITHIN_MS = 10000;
const PING_EVERY_MS = 10000;
const SILENCE_MAX_MS = 16000;
/** For the answer to one question while media is silent as well: a round trip of a slow line. */
const PROBE_WITHIN_MS = 700;
/** And when another socket is opened besides: where the network has changed it is ready by then. */
const SPARE_AFTER_MS = 300;
/** TCP waits twice as long each time that a segment is lost again, a new socket does not: an answer that takes longer makes doubt, next time twice as long. */
const DOUBT_AFTER_MS = 2000;
const SOCKET_OPEN = 1; // WebSocket.OPEN
/** A welcome that does not last this long does not count as being back. */
const STABLE_AFTER_MS = 2000;
/** How long a socket opened ahead is kept or replaced. */
const WARM_FOR_MS = 60_000;
/** One that ends sooner was refused, not forgotten. */
const WARM_LASTS_MS = 2000;
/** A socket that opens for so long may sit out TCP's wait. */
const RETRIED_AFTER_MS = 1000;
const WAIT_FIRST_MS = 250;
const WAIT_MAX_MS = 4000;

/** Answers to `hello` that trying again will not change. */
const FINAL_CODES = [
  'invalid_token', 'expired_token', 'class_ended', 'class_full', 'version', 'not_allowed', 'bad_message', 'unknown_type',
  'class_locked', 'lobby_full', 'banned',
];
/** Farewells after which the page stays away. */
const FINAL_GOODBYES = ['class_ended', 'taken_over', 'revoked', 'removed', 'not_now', 'banned'];

/** @typedef {{now(): number, setTimeout(f: () => void, ms: number): any, clearTimeout(id: any): void}} Clock */

/** @type {Clock} */
export const browserClock = {
  now: () => performance.now(),
  setTimeout: (f, ms) => setTimeout(f, ms),
  clearTimeout: (id) => clearTimeout(id),
};

/** A request that the server refused, or that could not be sent (`offline`, `timeout`). */
export class RequestError extends Error {
  /** @param {string} code @param {string} [text] the server's sentence for people */
  constructor(code, text = '') {
    super(text || code);
    this.code = code;
    this.text = text;
  }
}

/**
 * The wait before reconnection number `attempt` (from 0), since the last one began: at once, then 0.25 s doubled up to 4 s,
 * each shortened by a random part, so that a class does not come back in one instant.
 * @param {number} attempt
 * @param {number} random from 0 to 1
 */
export function reconnectWaitMs(attempt, random) {
  if (attempt <= 0) return 0;
  return Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** (attempt - 1)) * (1 - random / 2);
}

/**
 * @typedef {object} Credentials
 * @property {string} token the invite's
 * @property {string} name what the person typed
 * @property {string} lang
 * @property {string|null} resume the last welcome's resume token
 */

export class Signaling {
  /**
   * @param {object} options
   * @param {() => WebSocket} options.open makes a socket; may throw
   * @param {(message: any) => void} options.onMessage welcome and every event
   * @param {(link: 'closed'|'connecting'|'open'|'waiting') => void} options.onLink
   * @param {(code: string, text: string, reason: string) => void} options.onEnd it will not come back; why.
   *   `reason` is what a person wrote about it
   * @param {() => void} [options.onHello] `hello` with a link has been said: the place for `requestAhead`
   * @param {number} [options.openWithinMs]
   * @param {() => number} [options.roundTripMs] of this line; 0: not known
   * @param {Clock} [options.clock]
   * @param {() => number} [options.random]
   */
  constructor({ open, onMessage, onLink, onEnd, onHello = () => {}, openWithinMs = OPEN_WITHIN_MS, roundTripMs = () => 0, clock = browserClock, random = Math.random }) {
    this.open = open;
    this.onHello = onHello;
    this.openWithinMs = openWithinMs;
    this.roundTripMs = roundTripMs;
    this.onMessage = onMessage;
    this.onLink = onLink;
    this.onEnd = onEnd;
    this.clock = clock;
    this.random = random;
    /** @type {Credentials} */
    this.credentials = { token: '', name: '', lang: 'fr', resume: null };
    /** @type {WebSocket|null} */
    this.socket = null;
    /** @type {'closed'|'connecting'|'open'|'waiting'} */
    this.link = 'closed';
    this.attempt = 0;
    this.openedAt = 0;
    this.hastened = -1;
    this.nextId = 1;
    /** @type {Map<number, {type: string, at: number, resolve: (m: any) => void, reject: (e: RequestError) => void, timer: any}>} */
    this.pending = new Map();
    this.lastHeardAt = 0;
    this.probing = false;
    this.doubtAfterMs = DOUBT_AFTER_MS;
    this.openTookMs = 0;
    /** What the server knows this page by, where its welcome was lost or an older `hello` arrives behind a newer one. */
    this.visit = '';
    /** A socket opened ahead, on which nothing was said yet. @type {WebSocket|null} */
    this.spare = null;
    this.warmUntil = 0;
    /** @type {any} */
    this.retryTimer = null;
    /** @type {any} */
    this.stableTimer = null;
    /** @type {any} */
    this.pingTimer = null;
  }

  /** @param {Credentials} credentials */
  start(credentials) {
    this.credentials = { ...credentials };
    this.attempt = 0;
    this.visit = crypto.getRandomValues(new Uint32Array(4)).join('-');
    this.#connect();
  }

  /**
   * Opens a socket ahead of `start`, which saves three round trips. The server closes one on which nothing is said
   * for some seconds; then there is another one, for a while after the last call: one at each sign that the person is about to enter.
   */
  warm() {
    this.warmUntil = this.clock.now() + WARM_FOR_MS;
    if (this.link === 'closed') this.#openSpare();
  }

  /** @param {() => void} [onOpen] */
  #openSpare(onOpen) {
    if (this.spare) return;
    const openedAt = this.clock.now();
    let socket;
    try {
      socket = this.open();
    } catch {
      return; // `start` will see the same and try again
    }
    this.spare = socket;
    socket.onopen = () => this.spare === socket && onOpen?.();
    socket.onclose = () => {
      if (this.spare !== socket) return;
      this.spare = null;
      const now = this.clock.now();
      if (this.link === 'closed' && now < this.warmUntil && now - openedAt >= WARM_LASTS_MS) this.#openSpare();
    };
    socket.onerror = () => {};
  }

  #closeSpare() {
    this.spare?.close();
    this.spare = null;
  }

  /** Ends it for good, without a word to the server. */
  stop() {
    this.warmUntil = 0;
    this.#closeSpare();
    this.#drop();
    this.clock.clearTimeout(this.retryTimer);
    this.#setLink('closed');
  }

  /** The network or the tab is back: no wait is sat out, no silent socket trusted. */
  poke() {
    const { clock, link, socket } = this;
    const mayRetry = link === 'connecting' && socket?.readyState !== SOCKET_OPEN && this.hastened !== this.attempt && clock.now() - this.openedAt > RETRIED_AFTER_MS;
    if (mayRetry) this.hastened = this.attempt; // once: a line may be slow
    if (link === 'waiting' || mayRetry) {
      this.clock.clearTimeout(this.retryTimer);
      this.#connect();
    } else if (this.link === 'open' && this.clock.now() - this.lastHeardAt > 3000) {
      this.request('ping', {}, 2500).catch((error) => {
        if (error.code === 'timeout') this.#lost();
      });
    }
  }

  /** An answer is overdue. Before the welcome the newer socket is used as soon as it is open. */
  #doubt() {
    const within = this.doubtAfterMs / 2;
    this.doubtAfterMs *= 2;
    if (this.link === 'open') this.probe(within, true);
    else this.#openSpare(() => this.link === 'connecting' && this.#connect());
  }

  /**
   * Media has fallen silent: if this socket does not answer either, another one is made at once. Where only an answer is overdue
   * (`isOverdue`) the line may have become slow: then it is used when it is open, if nothing was heard on this one till then.
   */
  probe(withinMs = PROBE_WITHIN_MS, isOverdue = false) {
    if (this.link === 'waiting') this.poke();
    if (this.link !== 'open' || this.probing) return;
    const socket = this.socket;
    const spareTimer = this.clock.setTimeout(() => this.socket === socket && this.#openSpare(), SPARE_AFTER_MS);
    const forget = () => {
      this.probing = false;
      this.clock.clearTimeout(spareTimer);
    };
    this.probing = true;
    const askedAt = this.clock.now();
    this.request('ping', {}, withinMs).then(() => {
      forget();
      this.#closeSpare();
    }, (error) => {
      forget();
      if (error.code !== 'timeout' || this.socket !== socket) return;
      const replace = () => {
        if (this.socket !== socket) return;
        if (isOverdue && this.lastHeardAt >= askedAt) this.#closeSpare();
        else this.#connect();
      };
      if (!isOverdue || !this.spare || this.spare.readyState === SOCKET_OPEN) replace();
      else this.spare.onopen = replace;
    });
  }

  /**
   * @param {string} type
   * @param {Record<string, any>} [fields]
   * @param {number} [withinMs]
   * @returns {Promise<any>} the answer; rejects with a RequestError
   */
  request(type, fields = {}, withinMs = REQUEST_WITHIN_MS) {
    if (this.link !== 'open') return Promise.reject(new RequestError('offline'));
    return this.#send(type, fields, withinMs);
  }

  /**
   * A request right behind `hello`, which saves a round trip. Before a closed door it is refused
   * (`not_authenticated`).
   * @param {string} type @param {Record<string, any>} fields @param {number} withinMs @returns {Promise<any>}
   */
  requestAhead(type, fields, withinMs) {
    return this.#send(type, fields, withinMs);
  }

  /** @param {string} type @param {Record<string, any>} fields @param {number} withinMs @returns {Promise<any>} */
  #send(type, fields, withinMs) {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimeout(() => {
        this.pending.delete(id);
        reject(new RequestError('timeout'));
      }, withinMs);
      this.pending.set(id, { type, at: this.clock.now(), resolve, reject, timer });
      const doubtAfterMs = this.doubtAfterMs;
      if (withinMs > doubtAfterMs) this.clock.setTimeout(() => this.pending.has(id) && this.doubtAfterMs === doubtAfterMs && this.#doubt(), Math.max(doubtAfterMs, this.openTookMs) * (1 + this.random() / 2));
      this.socket?.send(JSON.stringify({ type, id, ...fields }));
    });
  }

  #connect() {
    this.#drop();
    this.#setLink('connecting');
    this.openedAt = this.clock.now();
    let socket = this.spare;
    this.spare = null;
    try {
      socket ??= this.open();
    } catch {
      this.#lost();
      return;
    }
    this.socket = socket;
    // A socket that was given up may still call back: it is no longer ours.
    const ours = () => this.socket === socket;
    socket.onopen = () => ours() && this.#hello();
    socket.onmessage = (event) => ours() && this.#receive(event.data);
    socket.onclose = () => ours() && this.#lost();
    socket.onerror = () => {};
    this.stableTimer = this.clock.setTimeout(() => ours() && this.#lost(), this.#mayOpenForMs() * (1 - this.random() / 4));
    if (socket.readyState === SOCKET_OPEN) this.#hello();
  }

  #mayOpenForMs() {
    const { attempt, openWithinMs, credentials: { resume } } = this;
    const often = openWithinMs * (attempt * openWithinMs < OFTEN_FOR_MS ? 1 : 2);
    if (resume && attempt !== 1) return often;
    const slowly = Math.max(often, OPEN_SLOWLY_MS);
    const roundTripMs = this.roundTripMs();
    if (resume || !roundTripMs) return slowly;
    return Math.min(slowly, Math.max((OPEN_SOON_MS * openWithinMs) / OPEN_WITHIN_MS, OPEN_ROUND_TRIPS * roundTripMs) * 2 ** attempt);
  }

  #hello() {
    this.clock.clearTimeout(this.stableTimer);
    this.openTookMs = this.clock.now() - this.openedAt;
    const { token, name, lang, resume } = this.credentials;
    const who = resume ? { resume } : { token, ...(name ? { name } : {}) };
    this.#send('hello', { version: VERSION, lang, visit: this.visit, ...who }, WELCOME_WITHIN_MS).then(
      () => {},
      (error) => this.#helloRefused(error, Boolean(resume)),
    );
    if (!resume) this.onHello();
  }

  /** @param {RequestError} error @param {boolean} resumed */
  #helloRefused(error, resumed) {
    if (error.code === 'offline') return;
    if (resumed && ['invalid_token', 'expired_token', 'not_authenticated', 'bad_message'].includes(error.code)) {
      // Away too long: the link itself is still good, as a new participant.
      this.credentials.resume = null;
      this.#connect();
    } else if (FINAL_CODES.includes(error.code)) {
      this.#end(error.code, error.text);
    } else {
      this.#lost();
    }
  }

  /** @param {any} data */
  #receive(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    this.lastHeardAt = this.clock.now();
    if (message.type === 'welcome') this.#welcomed(message);
    if (message.type === 'waiting') this.#mustWait(message);
    if (typeof message.to === 'number') this.#answer(message);
    else if (message.type === 'goodbye') this.#goodbye(message);
    else this.onMessage(message);
  }

  /** @param {any} message */
  #welcomed(message) {
    this.credentials.resume = message.resume_token ?? null;
    this.clock.clearTimeout(this.stableTimer);
    this.stableTimer = this.clock.setTimeout(() => (this.attempt = this.hastened = 0), STABLE_AFTER_MS);
    this.#setLink('open');
    this.#armPing();
    this.#closeSpare();
    this.onMessage(message);
  }

  /** In the lobby: the socket is good, a welcome comes when somebody opens the door. @param {any} message */
  #mustWait(message) {
    this.clock.clearTimeout(this.stableTimer);
    this.stableTimer = this.clock.setTimeout(() => (this.attempt = this.hastened = 0), STABLE_AFTER_MS);
    this.#setLink('open');
    this.#armPing();
    // Who answers `hello` is passed on below; who is sent back from the class comes without `to`.
    if (typeof message.to === 'number') this.onMessage(message);
  }

  /** @param {any} message */
  #answer(message) {
    const waiting = this.pending.get(message.to);
    if (!waiting) return;
    this.pending.delete(message.to);
    this.clock.clearTimeout(waiting.timer);
    if (!['hello', 'ping'].includes(waiting.type)) this.doubtAfterMs = Math.max(DOUBT_AFTER_MS, 2 * (this.clock.now() - waiting.at));
    if (message.type === 'error') waiting.reject(new RequestError(message.code, message.text));
    else waiting.resolve(message);
  }

  /** @param {any} message */
  #goodbye(message) {
    if (FINAL_GOODBYES.includes(message.code)) this.#end(message.code, message.text ?? '', message.reason ?? '');
    else this.#lost();
  }

  #armPing() {
    this.clock.clearTimeout(this.pingTimer);
    this.pingTimer = this.clock.setTimeout(() => {
      if (this.clock.now() - this.lastHeardAt > SILENCE_MAX_MS) {
        this.#lost();
        return;
      }
      this.request('ping').catch(() => {});
      this.#armPing();
    }, PING_EVERY_MS);
  }

  #lost() {
    const took = this.link === 'connecting' ? this.clock.now() - this.openedAt : 0;
    this.#drop();
    this.#setLink('waiting');
    const wait = Math.max(0, reconnectWaitMs(this.attempt++, this.random()) - took);
    this.clock.clearTimeout(this.retryTimer);
    this.retryTimer = this.clock.setTimeout(() => this.#connect(), wait);
  }

  /** @param {string} code @param {string} text @param {string} [reason] */
  #end(code, text, reason = '') {
    this.stop();
    this.onEnd(code, text, reason);
  }

  #drop() {
    const socket = this.socket;
    this.socket = null;
    this.clock.clearTimeout(this.stableTimer);
    this.clock.clearTimeout(this.pingTimer);
    const pending = [...this.pending.values()];
    this.pending.clear();
    for (const waiting of pending) {
      this.clock.clearTimeout(waiting.timer);
      waiting.reject(new RequestError('offline'));
    }
    try {
      socket?.close();
    } catch {
      // It was never open.
    }
  }

  /** @param {'closed'|'connecting'|'open'|'waiting'} link */
  #setLink(link) {
    if (this.link === link) return;
    this.link = link;
    this.onLink(link);
  }
}
