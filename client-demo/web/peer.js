/**
 * The one RTCPeerConnection: one offer at join, fixed slots, tracks put in and taken out by
 * `replaceTrack`. When the way to the relay breaks it is helped (ICE restart), then made anew;
 * what is being sent goes on in the new one without asking the user again.
 */

import {
  BOTH_SILENT_MS, RECEIVE_LINES, RESTART_AFTER_MS, SEND_LIMITS, SEND_LINES, chooseVideoCodecs, encodingChoices, encodingLimits, findCodec, nextRecovery, offerRetryMs, offerVoiceRepair,
  screenFormat, withoutLines,
} from './media_policy.js';
import { VoiceAgeWatch } from './voice_age.js';
import { VoiceBuffer } from './voice_buffer.js';
import { RELAY_AFTER_MS, WayWatch } from './way_watch.js';

/** @typedef {import('./media_policy.js').SendSlot} SendSlot */
/** @typedef {import('./media_policy.js').ReceiveSlot} ReceiveSlot */
/** @typedef {{senders: Map<SendSlot, RTCRtpTransceiver>, receivers: Map<ReceiveSlot, RTCRtpTransceiver>}} Lines */
/** @typedef {'none'|'connecting'|'connected'|'disconnected'|'no_relay'|'failed'} TransportState */

/** How long the addresses that were gathered ahead are believed. */
const PREPARED_FOR_MS = 60_000;
/** And when they are gathered again, at the next sign of life. */
const PREPARED_AGAIN_MS = 40_000;

/** Not the screen's sound: the picture would wait with it. @type {readonly ReceiveSlot[]} */
const VOICE_LINES = ['voice_0', 'voice_1', 'voice_2'];

export class Peer {
  /**
   * @param {object} options
   * @param {(sdp: string, restart: boolean) => Promise<string>} options.exchange
   *   sends an offer, gives the answer; rejects with an error that has a `code`
   * @param {(slot: ReceiveSlot, track: MediaStreamTrack) => void} options.onTrack
   * @param {(state: TransportState) => void} options.onState
   * @param {() => void} [options.onSuspect] nothing comes in any more: is the way to the server good?
   * @param {() => void} [options.onReturn] something does again
   */
  constructor({ exchange, onTrack, onState, onSuspect = () => {}, onReturn = () => {} }) {
    this.onSuspect = onSuspect;
    this.onReturn = onReturn;
    /** Where else media can go through: TURN servers. @type {RTCIceServer[]} */
    this.iceServers = [];
    /** Direct ways have failed here. */
    this.needsRelay = false;
    /** @type {any} */
    this.relayTimer = null;
    /** @type {WayWatch|null} */
    this.watch = null;
    /** @type {VoiceBuffer|null} */
    this.voiceBuffer = null;
    /** @type {VoiceAgeWatch|null} */
    this.voiceAge = null;
    this.exchange = exchange;
    this.onTrack = onTrack;
    this.onState = onState;
    /** @type {RTCPeerConnection|null} */
    this.pc = null;
    /** @type {Map<SendSlot, RTCRtpTransceiver>} */
    this.senders = new Map();
    /** @type {Map<ReceiveSlot, RTCRtpTransceiver>} */
    this.receivers = new Map();
    /** Made ahead of the first `rebuild`: with its offer, on a slow phone the longest part of a join.
     * @type {{pc: RTCPeerConnection, lines: Lines, offer: Promise<RTCSessionDescriptionInit>, sdp: string, at: number}|null} */
    this.prepared = null;
    /** What is sent now; outlives a connection. @type {Map<SendSlot, MediaStreamTrack>} */
    this.tracks = new Map();
    /** The format for the screen, by what everybody can read. */
    this.screenCodec = '';
    /** This computer is too weak for AV1. */
    this.isWeak = false;
    /** What is received of what is sent, as the server said last. @type {Map<SendSlot, boolean[]>} */
    this.wanted = new Map();
    /** The answer of the present connection has arrived. */
    this.negotiated = false;
    /** A new one whose offer is being made or is under way. @type {RTCPeerConnection|null} */
    this.offering = null;
    this.refusals = 0;
    /** When the connection stopped being up, by `performance.now()`. @type {number|null} */
    this.downAt = null;
    this.restarts = 0;
    /** The one that is in the middle of a restart. @type {RTCPeerConnection|null} */
    this.restarting = null;
    /** The socket came back while nothing came in here. */
    this.bothDied = false;
    /** @type {any} */
    this.timer = null;
  }

  /** Makes the first connection while the person reads the page; nothing is sent. Again after a while: the addresses grow old. */
  prepare() {
    if (this.pc || (this.prepared && performance.now() - this.prepared.at < PREPARED_AGAIN_MS)) return;
    const pc = this.prepared?.pc ?? new RTCPeerConnection(this.#configuration());
    const lines = this.prepared?.lines ?? this.#addLines(pc);
    const offer = (this.prepared?.offer ?? Promise.resolve()).then(() => applyOffer(pc, { iceRestart: Boolean(pc.localDescription) }));
    const prepared = { pc, lines, offer, sdp: '', at: performance.now() };
    this.prepared = prepared;
    offer.then(({ sdp }) => (prepared.sdp = sdp ?? ''), () => {}); // `rebuild` will see it
  }

  /** The offer that `rebuild` is going to make, where it is known by now; else empty. */
  get preparedOffer() {
    return this.prepared && !this.#isOutdated(this.prepared) ? this.prepared.sdp : '';
  }

  /** @returns {[ReceiveSlot, MediaStreamTrack][]} what `rebuild` is going to receive with */
  get preparedTracks() {
    return [...(this.prepared?.lines.receivers ?? [])].map(([slot, line]) => [slot, line.receiver.track]);
  }

  /** Of no use when the relay behind TLS is needed. @param {{at: number}} prepared */
  #isOutdated({ at }) {
    return this.needsRelay || performance.now() - at > PREPARED_FOR_MS;
  }

  /** A new connection in place of the present one, if any. */
  async rebuild() {
    const prepared = this.prepared;
    this.#closeConnection();
    const pc = prepared?.pc ?? new RTCPeerConnection(this.#configuration());
    let made = prepared?.offer;
    if (prepared && this.#isOutdated(prepared)) {
      pc.setConfiguration(this.#configuration());
      made = prepared.offer.then(() => applyOffer(pc, { iceRestart: true }));
      made.catch(() => {});
    }
    this.pc = this.offering = pc;
    this.onState('connecting');
    this.#useLines(prepared?.lines ?? this.#addLines(pc));
    pc.oniceconnectionstatechange = () => this.pc === pc && this.#handleIceState();
    pc.onconnectionstatechange = () => this.pc === pc && this.#handleConnectionState();
    if (this.iceServers.length && !this.needsRelay) this.relayTimer = setTimeout(() => this.#resortToRelay(), RELAY_AFTER_MS);
    await Promise.all([...this.tracks].map(([slot, track]) => this.setTrack(slot, track)));
    if (this.pc !== pc) return;
    await this.#negotiate(pc, false, made);
  }

  /**
   * Fills or empties a sending slot. No negotiation.
   * @param {SendSlot} slot
   * @param {MediaStreamTrack|null} track
   */
  async setTrack(slot, track) {
    if (track) this.tracks.set(slot, track);
    else this.tracks.delete(slot);
    const sender = this.senders.get(slot)?.sender;
    if (!sender) return;
    try {
      await sender.replaceTrack(track);
      if (track && this.negotiated) await this.#limit(slot, sender);
    } catch {
      // This connection was closed meanwhile; the next one takes the track from `tracks`.
    }
  }

  /**
   * Which encodings of a slot anybody receives, best first. Holds for the present connection.
   * @param {SendSlot} slot
   * @param {boolean[]} wanted
   */
  async setWanted(slot, wanted) {
    this.wanted.set(slot, wanted);
    const sender = this.senders.get(slot)?.sender;
    if (sender && this.negotiated) await this.#limit(slot, sender);
  }

  /** Everybody who receives a screen can read this format. @param {string} codec */
  async setScreenCodec(codec) {
    if (codec === this.screenCodec) return;
    this.screenCodec = codec;
    const sender = this.senders.get('screen')?.sender;
    if (sender && this.negotiated) await this.#limit('screen', sender);
  }

  /** Making the screen's pictures takes too long here. */
  async lightenScreen() {
    if (this.isWeak) return;
    this.isWeak = true;
    const sender = this.senders.get('screen')?.sender;
    if (sender && this.negotiated) await this.#limit('screen', sender);
  }

  /** The socket is back: what could not be asked for meanwhile is asked now. */
  handleLinkOpen() {
    this.bothDied = (this.watch?.silentMs ?? 0) >= BOTH_SILENT_MS;
    if (this.bothDied) this.downAt ??= performance.now();
    if (this.downAt !== null) this.#recover();
  }

  /** The relay has no transport for us any more: said of the last one, unless its successor is asked for already. */
  handleMediaReset() {
    if (!this.offering) this.rebuild();
  }

  /** This computer has another network now. */
  handleNetworkChange() {
    this.watch?.doubt();
  }

  close() {
    this.prepared?.pc.close();
    this.#closeConnection();
    this.tracks.clear();
    this.onState('none');
  }

  /** @returns {RTCConfiguration} */
  #configuration() {
    return { bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require', iceServers: this.needsRelay ? this.iceServers : [] };
  }

  /**
   * @param {RTCPeerConnection} pc
   * @returns {Lines}
   */
  #addLines(pc) {
    /** @type {Lines} */
    const lines = { senders: new Map(), receivers: new Map() };
    for (const { slot, kind } of SEND_LINES) {
      const line = addSendLine(pc, kind, SEND_LIMITS[slot].encodings);
      if (kind === 'video') offerFewCodecs(line, window.RTCRtpSender);
      lines.senders.set(slot, line);
    }
    for (const { slot, kind } of RECEIVE_LINES) {
      const line = pc.addTransceiver(kind, { direction: 'recvonly' });
      if (kind === 'video') offerFewCodecs(line, window.RTCRtpReceiver);
      lines.receivers.set(slot, line);
    }
    return lines;
  }

  /** @param {Lines} lines */
  #useLines({ senders, receivers }) {
    this.senders = senders;
    this.receivers = receivers;
    for (const [slot, line] of receivers) this.onTrack(slot, line.receiver.track);
  }

  /** @param {RTCPeerConnection} pc @param {boolean} restart @param {Promise<RTCSessionDescriptionInit>} [made] */
  async #negotiate(pc, restart, made) {
    try {
      const offer = await (made ?? applyOffer(pc, { iceRestart: restart }));
      if (this.pc !== pc) return;
      const sdp = await this.exchange(offer.sdp ?? '', restart);
      this.#endOffering(pc);
      if (this.pc !== pc) return;
      await pc.setRemoteDescription({ type: 'answer', sdp });
      // What was said before was said of the connection before.
      if (!restart) this.wanted.clear();
      this.negotiated = true;
      this.refusals = 0;
      for (const [slot, line] of this.senders) await this.#limit(slot, line.sender);
    } catch (error) {
      this.#endOffering(pc);
      if (this.pc === pc) this.#offerFailed(pc, restart, /** @type {any} */ (error)?.code ?? 'internal');
    }
  }

  /** @param {RTCPeerConnection} pc */
  #endOffering(pc) {
    if (this.offering === pc) this.offering = null;
  }

  /** @param {RTCPeerConnection} pc @param {boolean} restart @param {string} code */
  #offerFailed(pc, restart, code) {
    // Without a socket there is nobody to ask: the next welcome starts over.
    if (code === 'offline') {
      if (restart) this.restarts = Math.max(0, this.restarts - 1);
      this.#disarm();
      return;
    }
    if (code === 'bad_sdp') {
      this.onState('failed');
      return;
    }
    if (restart && code !== 'media_gone') return; // the recovery timer asks again
    if (code === 'no_relay') this.onState('no_relay');
    this.refusals += 1;
    const wait = code === 'media_gone' && this.refusals === 1 ? 0 : offerRetryMs(this.refusals, code);
    this.#arm(wait, () => this.pc === pc && this.rebuild());
  }

  /** @param {SendSlot} slot @param {RTCRtpSender} sender */
  async #limit(slot, sender) {
    const { degradation } = SEND_LIMITS[slot];
    try {
      const parameters = sender.getParameters();
      if (!parameters.encodings?.length) return;
      const limits = (/** @type {number} */ i) => encodingLimits(slot, i, this.wanted.get(slot));
      const codec = slot === 'screen' ? findCodec(parameters.codecs ?? [], screenFormat(this.screenCodec, this.isWeak)) : undefined;
      parameters.encodings.forEach((encoding, i) => Object.assign(encoding, limits(i), codec ? { codec } : {}));
      if (degradation) /** @type {any} */ (parameters).degradationPreference = degradation;
      await sender.setParameters(parameters);
    } catch {
      await limitBitrateOnly(slot, sender, this.wanted.get(slot));
    }
  }

  #handleIceState() {
    const state = this.pc?.iceConnectionState;
    if (state === 'connected' || state === 'completed') {
      this.downAt = null;
      this.restarts = 0;
      this.bothDied = false;
      this.#disarm();
      if (this.pc?.connectionState === 'connected') this.onState('connected');
    } else if (state === 'disconnected' || state === 'failed') {
      // What still comes in comes by another way; the restart makes that one official.
      if (!this.watch?.hears) this.onState('disconnected');
      if (this.downAt === null) this.downAt = performance.now();
      this.#recover();
    }
  }

  #handleConnectionState() {
    const state = this.pc?.connectionState;
    if (state === 'connected') {
      this.onState('connected');
      if (this.pc && !this.watch) this.watch = new WayWatch(this.pc, (what) => this.#handleWay(what));
      const voices = this.#voiceLines().map(({ receiver }) => receiver);
      this.voiceBuffer ??= new VoiceBuffer(voices);
      this.voiceAge ??= new VoiceAgeWatch(voices, () => this.pc && this.#beginVoicesAnew(this.pc));
    } else if (state === 'failed') {
      this.onState('failed');
      this.needsRelay ||= this.iceServers.length > 0;
      this.refusals += 1;
      // At once the first time; a relay that never answers is not asked in a loop.
      this.#arm(this.refusals === 1 ? 0 : offerRetryMs(this.refusals + 1, ''), () => this.rebuild());
    }
  }

  /** @param {'back'|'suspect'|'dead'} what */
  #handleWay(what) {
    if (what === 'back') {
      this.onReturn(); // the socket may not know yet
      // The browser itself may never have noticed, and then says nothing.
      const state = this.pc?.iceConnectionState;
      if (this.downAt !== null && (state === 'connected' || state === 'completed')) this.#handleIceState();
      return;
    }
    this.onSuspect();
    if (what !== 'dead' || this.restarts > 0) return;
    this.onState('disconnected');
    this.downAt = Math.min(this.downAt ?? Infinity, performance.now() - RESTART_AFTER_MS); // no need to wait any longer
    this.#recover();
  }

  /** Nothing has come through directly: with a relay, everything anew. */
  #resortToRelay() {
    if (!this.pc || !this.negotiated || this.pc.connectionState === 'connected') return;
    this.needsRelay = true;
    this.rebuild();
  }

  #recover() {
    if (this.downAt === null || !this.pc) return;
    const step = nextRecovery({ downMs: performance.now() - this.downAt, restarts: this.restarts, bothDied: this.bothDied && !this.watch?.hears });
    if (step.action === 'rebuild') {
      this.rebuild();
      return;
    }
    if (step.action === 'restart' && this.restarts > 0 && this.iceServers.length && !this.needsRelay) {
      this.needsRelay = true;
      this.rebuild();
      return;
    }
    if (step.action === 'restart') {
      this.restarts += 1;
      this.#restart(this.pc);
    }
    this.#arm(step.againInMs, () => this.#recover());
  }

  /** @param {RTCPeerConnection} pc */
  async #restart(pc) {
    if (this.restarting === pc || !this.negotiated) return;
    this.restarting = pc;
    await this.#negotiate(pc, true);
    // An offer that got no answer leaves the connection in the middle.
    if (pc.signalingState === 'have-local-offer') await pc.setLocalDescription({ type: 'rollback' }).catch(() => {});
    if (this.restarting === pc) this.restarting = null; // meanwhile another connection may be in the middle of its own
  }

  #voiceLines() {
    return VOICE_LINES.flatMap((slot) => this.receivers.get(slot) ?? []);
  }

  /**
   * What the voices' players hold is old. They cannot be told to forget it: lines that are turned off and on again get
   * new ones. The relay hears nothing of this, its answer holds for both.
   * @param {RTCPeerConnection} pc
   */
  async #beginVoicesAnew(pc) {
    const answer = pc.remoteDescription?.sdp;
    if (!answer || this.restarting || pc.signalingState !== 'stable') return;
    this.restarting = pc;
    const lines = this.#voiceLines();
    const off = withoutLines(answer, lines.map(({ mid }) => mid ?? ''));
    try {
      for (const direction of /** @type {RTCRtpTransceiverDirection[]} */ (['inactive', 'recvonly'])) {
        for (const line of lines) line.direction = direction;
        await pc.setLocalDescription(await pc.createOffer());
        await pc.setRemoteDescription({ type: 'answer', sdp: direction === 'inactive' ? off : answer });
      }
    } catch {
      if (this.pc === pc) this.rebuild();
    }
    if (this.restarting === pc) this.restarting = null;
    if (this.pc === pc) this.voiceBuffer?.forget();
  }

  /** @param {number} ms @param {() => void} f */
  #arm(ms, f) {
    this.#disarm();
    this.timer = setTimeout(f, ms);
  }

  #disarm() {
    clearTimeout(this.timer);
  }

  #closeConnection() {
    this.#disarm();
    clearTimeout(this.relayTimer);
    this.watch?.stop();
    this.watch = null;
    this.voiceBuffer?.stop();
    this.voiceBuffer = null;
    this.voiceAge?.stop();
    this.voiceAge = null;
    const pc = this.pc;
    this.pc = null;
    this.negotiated = false;
    this.downAt = null;
    this.restarts = 0;
    this.restarting = null;
    this.bothDied = false;
    this.offering = null;
    this.senders = new Map();
    this.receivers = new Map();
    this.wanted.clear();
    pc?.close();
    this.prepared = null;
  }
}
/** @param {RTCPeerConnection} pc @param {RTCOfferOptions} options */
async function applyOffer(pc, options) {
  const offer = await pc.createOffer(options);
  await pc.setLocalDescription(offer);
  return { type: offer.type, sdp: offerVoiceRepair(offer.sdp ?? '') };
}

/**
 * @param {RTCPeerConnection} pc @param {'audio'|'video'} kind
 * @param {Record<string, any>[]} encodings
 */
function addSendLine(pc, kind, encodings) {
  for (const sendEncodings of encodingChoices(encodings)) {
    try {
      return pc.addTransceiver(kind, { direction: 'sendonly', sendEncodings });
    } catch {
      // Not this way.
    }
  }
  return pc.addTransceiver(kind, { direction: 'sendonly' });
}

/** @param {RTCRtpTransceiver} line @param {typeof RTCRtpSender|typeof RTCRtpReceiver} side */
function offerFewCodecs(line, side) {
  try {
    const codecs = side.getCapabilities?.('video')?.codecs ?? [];
    const chosen = chooseVideoCodecs(codecs);
    if (chosen.length) line.setCodecPreferences(chosen);
  } catch {
    // The browser's own order works too.
  }
}

/** @param {SendSlot} slot @param {RTCRtpSender} sender @param {boolean[]|undefined} wanted */
async function limitBitrateOnly(slot, sender, wanted) {
  try {
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return;
    parameters.encodings.forEach((encoding, i) => {
      const { maxBitrate, active } = encodingLimits(slot, i, wanted);
      Object.assign(encoding, { maxBitrate, active });
    });
    await sender.setParameters(parameters);
  } catch {
    // The browser's own limits then hold.
  }
}
