/**
 * This participant's microphone. It is heard when three things agree: the person wants it, the server
 * has opened its slot, and there is a device.
 *
 * Who waits in the queue with a microphone that is wanted sends already, and the relay drops it: when
 * the floor comes nothing has to be started, and the first syllable is heard. Muted by its owner, a
 * microphone that may be heard stays attached and sends silence, for the same reason.
 */

import { hasFloor, maySend, ownHand } from './classroom.js';
import { teaches } from './state/roles.js';
import { DeviceError, listMicrophones, openMicrophone } from './devices.js';

/** @typedef {import('./classroom.js').State} State */

/**
 * What lets this page's microphone be heard, the first of: a talk in private, the floor, the mode of the class.
 * @param {State} state @returns {'aside'|'floor'|'mode'|'nothing'}
 */
export function openedBy(state) {
  if (state.order.aside) return 'aside';
  if (!maySend(state, 'mic')) return 'nothing';
  return hasFloor(state) ? 'floor' : 'mode';
}

export class Microphone {
  /**
   * @param {{state: State, dispatch(event: any): void}} store
   * @param {(track: MediaStreamTrack|null) => Promise<void>} send fills or empties the sending slot
   * @param {(on: boolean) => void} tell the others
   */
  constructor(store, send, tell) {
    this.store = store;
    this.send = send;
    this.tell = tell;
    /** @type {MediaStreamTrack|null} */
    this.track = null;
    this.live = false;
    this.asking = false;
    /** What the server was told last; null: it is told in any case. @type {boolean|null} */
    this.told = false;
    /** Why it may send, when that was last looked at; null: it was not yet. @type {ReturnType<typeof openedBy>|null} */
    this.opened = null;
    /** What the raised hand wished, while something else than the floor has opened the slot. */
    this.wish = false;
  }

  /** Holds the microphone without sending. @param {string} [deviceId] @returns {Promise<boolean>} */
  async open(deviceId = this.store.state.mic.deviceId) {
    if (this.asking) return false;
    this.asking = true;
    this.#show({ status: 'asking', problem: null });
    try {
      this.#hold(await openMicrophone(deviceId), deviceId);
    } catch (error) {
      this.#show({ problem: error instanceof DeviceError ? error.code : 'mic_failed' });
    }
    this.asking = false;
    // The question may have stood open until nobody wanted the answer any more.
    if (this.#isPointless()) this.release();
    await this.apply();
    this.refreshList();
    return this.track !== null;
  }

  /** @param {string} deviceId */
  async choose(deviceId) {
    this.#show({ deviceId });
    this.#letGo();
    await this.open(deviceId);
  }

  async toggle() {
    await this.want(!this.live);
  }

  /** @param {boolean} on */
  async want(on) {
    this.wish = false;
    this.#show({ wanted: on, ...(on ? {} : { problem: null }) });
    if (on && !this.track) await this.open();
    else await this.apply();
  }

  /**
   * The server opened or closed the slot, or the hand went up or down. A hand raised was the wish to
   * speak: with the floor the microphone is on at once, and not when a discussion or a talk in private
   * opens the slot. Closed again, the wish is over; a trainer's stays, since only a break closes it.
   */
  async handleRights() {
    const { state } = this.store;
    // The news of a floor and that of the slot are two messages: neither alone closes anything.
    const closed = !maySend(state, 'mic') && !hasFloor(state) && ownHand(state) === null;
    if (!teaches(state.me?.role ?? 'learner')) {
      if (closed) this.release();
      else this.#waitForTheFloor();
    }
    this.opened = openedBy(state);
    await this.apply();
  }

  /** What the hand wished is kept for the floor. */
  #waitForTheFloor() {
    const { state } = this.store;
    const opened = openedBy(state);
    const hand = ownHand(state) !== null;
    if (!hand && !hasFloor(state)) this.wish = false;
    // The server waits for a word before the class hears anything of who asked for the floor alone.
    if (hand && opened === 'mode' && this.opened !== 'mode') this.told = null;
    const unasked = opened === 'mode' || (opened === 'aside' && this.opened === 'nothing');
    if (this.opened !== null && opened !== this.opened && unasked) {
      this.wish = hand && (state.mic.wanted || this.wish);
      this.#show({ wanted: false });
    } else if (this.wish && (opened === 'floor' || opened === 'nothing')) {
      this.wish = false;
      this.#show({ wanted: true });
    }
  }

  /** Makes what is sent agree with what is wanted, allowed and there. */
  async apply() {
    const { state } = this.store;
    const inClass = state.phase === 'class';
    const allowed = inClass && maySend(state, 'mic');
    const waits = inClass && ownHand(state) !== null;
    this.live = Boolean(this.track && state.mic.wanted && allowed);
    // Before the class, the level is shown: then it listens, and sends nothing.
    if (this.track) this.track.enabled = state.mic.wanted || !inClass;
    const off = this.asking ? 'asking' : 'off';
    const held = this.live ? 'live' : allowed ? 'muted' : 'ready';
    this.#show({ status: this.track ? held : off });
    if (this.told !== this.live) {
      this.told = this.live;
      this.tell(this.live);
    }
    await this.send(allowed || waits ? this.track : null);
  }

  /** Gives the device back to the system: its light goes out. */
  release() {
    this.wish = false;
    this.#letGo();
    this.#show({ status: 'off', wanted: false, problem: null });
  }

  async refreshList() {
    this.store.dispatch({ type: 'microphones', microphones: await listMicrophones() });
  }

  /** @param {MediaStreamTrack} track @param {string} deviceId */
  #hold(track, deviceId) {
    this.#letGo();
    this.track = track;
    track.onended = () => this.track === track && this.#lost();
    track.onmute = () => this.track === track && this.#show({ problem: 'mic_system_muted' });
    track.onunmute = () => this.track === track && this.#show({ problem: null });
    this.#show({ deviceId: track.getSettings().deviceId ?? deviceId, problem: null });
  }

  /** Unplugged in class: another one may be there. */
  async #lost() {
    this.track = null;
    const opened = await this.open('');
    if (!opened) this.#show({ problem: 'mic_lost' });
  }

  #isPointless() {
    const { phase, mic } = this.store.state;
    const closed = !maySend(this.store.state, 'mic') && !hasFloor(this.store.state) && ownHand(this.store.state) === null;
    return phase === 'stopped' || (phase === 'class' && !mic.wanted && closed);
  }

  #letGo() {
    if (!this.track) return;
    this.track.onended = this.track.onmute = this.track.onunmute = null;
    this.track.stop();
    this.track = null;
  }

  /** @param {Partial<State['mic']>} mic */
  #show(mic) {
    this.store.dispatch({ type: 'mic', mic });
  }
}
