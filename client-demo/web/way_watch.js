/**
 * Looks whether anything still comes in from the relay, which says something to everybody at least
 * every 0.8 s. Browsers take from 2.5 to 10 s to notice that a way is dead; this takes a second.
 * Counts its own looks, not the clock: a page that slept has missed nothing.
 */

export const LOOK_EVERY_MS = 200;
/** Looks without a packet after which a dense stream (a voice: 50 packets a second) is suspect. */
export const SUSPECT_LOOKS = 2;
/** And after which the way counts as dead, whatever flowed on it. */
export const SILENT_LOOKS = 6;
const DENSE_LOOKS = 4;

/**
 * A relay behind TLS is the last way, tried when the direct ones have not led anywhere for this long:
 * whoever needs none should not have one made.
 */
export const RELAY_AFTER_MS = 3500;

/** What looks add up to. Pure. */
export class WayJudge {
  constructor() {
    this.alive = 0;
    this.silent = 0;
    this.dense = false;
  }

  /**
   * @param {boolean} heard something came since the last look
   * @returns {'alive'|'back'|'suspect'|'dead'|null} what has begun with this look
   */
  look(heard) {
    if (heard) {
      const wasDead = this.silent >= SILENT_LOOKS;
      this.alive += 1;
      this.silent = 0;
      this.dense = this.alive >= DENSE_LOOKS;
      return wasDead ? 'back' : 'alive';
    }
    this.alive = 0;
    this.silent += 1;
    if (this.silent === SILENT_LOOKS) return 'dead';
    return this.dense && this.silent === SUSPECT_LOOKS ? 'suspect' : null;
  }

  /** The network of this computer has changed: the next silent look is enough. */
  doubt() {
    if (this.silent < SILENT_LOOKS) this.silent = SILENT_LOOKS - 1;
  }
}

/**
 * Bytes that have come by the chosen pair of candidates, and which way that is.
 * @param {Iterable<any>} reports of getStats
 * @returns {{bytes: number, path: 'udp'|'tcp'|'relay'|null}}
 */
export function readWay(reports) {
  const all = [...reports];
  const transport = all.find((r) => r.type === 'transport' && r.selectedCandidatePairId);
  // Firefox marks the pair itself.
  const pair = all.find((r) => (transport ? r.id === transport.selectedCandidatePairId : r.type === 'candidate-pair' && r.selected));
  const bytes = all.reduce((sum, r) => sum + (r.type === 'candidate-pair' ? r.bytesReceived ?? 0 : 0), 0);
  const local = pair && all.find((r) => r.id === pair.localCandidateId);
  if (!local) return { bytes, path: null };
  if (local.candidateType === 'relay') return { bytes, path: 'relay' };
  return { bytes, path: local.protocol === 'tcp' ? 'tcp' : 'udp' };
}

/** Watches one RTCPeerConnection until stopped. */
export class WayWatch {
  /**
   * @param {RTCPeerConnection} pc
   * @param {(what: 'back'|'suspect'|'dead') => void} onChange
   */
  constructor(pc, onChange) {
    this.pc = pc;
    this.onChange = onChange;
    this.judge = new WayJudge();
    this.bytes = -1;
    this.heardLast = '';
    this.looking = false;
    this.timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  stop() {
    clearInterval(this.timer);
  }

  doubt() {
    this.judge.doubt();
  }

  /** Something has come since the last look but one. */
  get hears() {
    return this.judge.silent === 0;
  }

  /** For how long nothing has come. */
  get silentMs() {
    return this.judge.silent * LOOK_EVERY_MS;
  }

  async #look() {
    if (this.looking) return;
    this.looking = true;
    const heard = await this.#heardAnything().catch(() => true);
    this.looking = false;
    if (this.pc.signalingState === 'closed') return;
    const what = this.judge.look(heard);
    if (what && what !== 'alive') this.onChange(what);
  }

  /** While a voice flows the cheap question is enough. */
  async #heardAnything() {
    const newest = this.pc.getReceivers().map((r) => r.getSynchronizationSources?.()[0]?.timestamp ?? 0).join();
    if (newest !== this.heardLast) {
      this.heardLast = newest;
      return true;
    }
    const { bytes } = readWay((await this.pc.getStats()).values());
    const heard = bytes !== this.bytes;
    this.bytes = bytes;
    return heard;
  }
}
