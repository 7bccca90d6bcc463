/** This participant's shared screen, from the browser's question to its own "stop sharing" bar. */

import { DeviceError, openScreen } from './devices.js';

/** @typedef {import('./classroom.js').State} State */

export class ScreenShare {
  /**
   * @param {{state: State, dispatch(event: any): void}} store
   * @param {(slot: 'screen'|'screen_audio', track: MediaStreamTrack|null) => Promise<void>} send
   * @param {(type: 'share_start'|'share_stop', fields: Record<string, any>) => Promise<any>} ask the server
   */
  constructor(store, send, ask) {
    this.store = store;
    this.send = send;
    this.ask = ask;
    /** @type {MediaStreamTrack|null} */
    this.video = null;
    /** @type {MediaStreamTrack|null} */
    this.audio = null;
  }

  get sharing() {
    return this.video !== null;
  }

  async start() {
    if (this.store.state.share.status !== 'off') return;
    this.#show({ status: 'asking', problem: null });
    try {
      const { video, audio } = await openScreen();
      this.video = video;
      this.audio = audio;
      video.onended = () => this.video === video && this.stop();
      this.#show({ status: 'live', audio: Boolean(audio) });
      await Promise.all([
        this.ask('share_start', { audio: Boolean(audio) }),
        this.send('screen', video),
        this.send('screen_audio', audio),
      ]);
    } catch (error) {
      const code = /** @type {any} */ (error)?.code ?? 'share_failed';
      // Offline: the share starts by itself when the socket is back.
      if (this.video && (code === 'offline' || code === 'timeout')) return;
      this.#end();
      this.#show({ status: 'off', problem: error instanceof DeviceError ? code : 'share_refused' });
    }
  }

  async stop() {
    if (!this.sharing) return;
    this.#end();
    this.#show({ status: 'off', audio: false, problem: null });
    // Offline: the reconnection tells it.
    await this.ask('share_stop', {}).catch(() => {});
  }

  #end() {
    for (const track of [this.video, this.audio]) {
      if (!track) continue;
      track.onended = null;
      track.stop();
    }
    this.video = this.audio = null;
    this.send('screen', null);
    this.send('screen_audio', null);
  }

  /** @param {Partial<State['share']>} share */
  #show(share) {
    this.store.dispatch({ type: 'share', share });
  }
}
