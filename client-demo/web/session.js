/**
 * One visit to a class: joins store, socket, peer connection and devices. The rules are in
 * classroom.js, media_policy.js and signaling.js; here they meet.
 */

import { hasFloor, ownHand, roleOf, upstreamLoss } from './classroom.js';
import { lang } from './i18n.js';
import { judgeWeak, repairRequests } from './media_policy.js';
import { Microphone, openedBy } from './microphone.js';
import { Peer } from './peer.js';
import { Playback } from './playback.js';
import { clearResume, saveResume } from './resume_store.js';
import { ScreenShare } from './share.js';
import { OPEN_WITHIN_FIREFOX_MS, PROTOCOL, RequestError, Signaling } from './signaling.js';
import { catchUpAfterMs } from './state/chat.js';
import { deliveredOf, ownReport, pathOf } from './state/delivery.js';
import { roundTripMs } from './state/line.js';
import { EncoderJudge, UplinkJudge } from './send_judges.js';
import { teaches } from './state/roles.js';
import { audioLoss, readStats } from './stats.js';

/** @typedef {import('./classroom.js').State} State */
/** @typedef {{state: State, dispatch(event: any): void, subscribe(f: (s: State) => void): () => void}} Store */

const STATS_EVERY_MS = 2000;
/** Until a browser has chosen among the ways that it has found. */
const PATH_SETTLES_MS = 1500;
const NOTICE_FOR_MS = 7000;

const SIGNS_OF_LIFE = ['pointermove', 'pointerdown', 'keydown', 'focusin'];

/** @type {('voice_0'|'voice_1'|'voice_2')[]} */
const VOICE_SLOTS = ['voice_0', 'voice_1', 'voice_2'];

export class Session {
  /** @param {Store} store @param {string} token */
  constructor(store, token) {
    this.store = store;
    this.token = token;
    this.name = '';
    this.noticeId = 0;
    /** What was reported of the own playing. */
    this.reported = '';
    this.othersSpoke = false;
    this.looked = { othersSpeak: false, voiceArrives: true };
    /** @type {number|null} */
    this.pictureMissingSince = null;
    /** An offer sent before the welcome. @type {{sdp: string, answer: Promise<any>}|null} */
    this.ahead = null;
    /** With whom this page speaks in private, by the last word of the server. @type {string|null} */
    this.aside = null;
    /** @type {string|null} the participant whom the present connection belongs to */
    this.participantId = null;
    this.playback = new Playback({
      onBlocked: (blocked) => {
        store.dispatch({ type: 'playback', playback: { blocked } });
        this.#report();
      },
      onPicture: () => store.dispatch({ type: 'playback', playback: { fresh: true } }),
      onVolume: () => this.#report(),
    });
    this.peer = new Peer({
      exchange: (sdp, restart) => this.#exchange(sdp, restart),
      onTrack: (slot, track) => this.playback.setTrack(slot, track),
      onState: (transport) => this.#handleTransport(transport),
      onSuspect: () => this.signaling.probe(),
      onReturn: () => this.signaling.poke(),
    });
    this.mic = new Microphone(store, (track) => this.peer.setTrack('mic', track), (on) => this.#tellMic(on));
    this.share = new ScreenShare(
      store, (slot, track) => this.peer.setTrack(slot, track), (type, fields) => this.signaling.request(type, fields),
    );
    this.signaling = new Signaling({
      open: () => new WebSocket(webSocketUrl(location), PROTOCOL),
      onMessage: (message) => this.#handleMessage(message),
      onLink: (link) => store.dispatch({ type: 'link', link }),
      onEnd: (code, _text, reason) => this.#stop(code, reason),
      onHello: () => this.#offerAhead(),
      roundTripMs: () => roundTripMs(performance.getEntriesByType('resource')),
      openWithinMs: /Firefox/.test(navigator.userAgent) ? OPEN_WITHIN_FIREFOX_MS : undefined,
    });
    this.#watchState();
    this.#watchBrowser();
  }

  /** @param {import('./doorway.js').FirstStep} step */
  begin(step) {
    if (step.kind === 'stop') this.#stop(step.reason);
    else if (step.kind === 'resume') this.#comeAgain(step.saved);
    else if (step.kind === 'enter') this.#connect('', null, false);
    else this.#waitAtTheDoor();
  }

  /** @param {import('./resume_store.js').Saved} saved */
  #comeAgain(saved) {
    this.aside = saved.aside;
    this.#connect(saved.name, saved.resume, saved.micOn);
  }

  /** What a join needs is made ready meanwhile, so that a voice is heard a moment after the click. */
  #waitAtTheDoor() {
    const ready = () => {
      if (this.store.state.phase !== 'lobby') {
        for (const sign of SIGNS_OF_LIFE) removeEventListener(sign, ready);
        return;
      }
      this.peer.prepare();
      for (const [slot, track] of this.peer.preparedTracks) this.playback.prepare(slot, track);
      this.signaling.warm();
    };
    for (const sign of SIGNS_OF_LIFE) addEventListener(sign, ready, { passive: true });
    // After the page has been drawn.
    setTimeout(ready, 0);
  }

  /** The large button: a gesture, so sound may play from here on. @param {string} name */
  enter(name) {
    this.playback.unlock();
    // A trainer comes to speak: whoever has not tried the microphone is asked for it now.
    const trainer = teaches(roleOf(this.store.state));
    if (!trainer) this.mic.release();
    this.#connect(name, null, trainer);
  }

  async leave() {
    clearResume();
    await this.signaling.request('leave', {}, 1500).catch(() => {});
    this.#stop('left');
  }

  /** After leaving, or when another window had taken over. */
  comeBack() {
    if (this.store.state.stopped === 'taken_over') this.#connect(this.name, this.signaling.credentials.resume, false);
    else location.reload();
  }

  async toggleHand() {
    const raised = ownHand(this.store.state) === null;
    if (raised) this.mic.want(true); // asks now, so that no question stands between the floor and the first word
    else if (!hasFloor(this.store.state)) this.mic.release();
    await this.ask('hand', { raised });
  }

  /** @param {'fast'|'fine'|'lost'|'none'} value */
  async setPace(value) {
    const before = this.store.state.order.ownPace;
    this.store.dispatch({ type: 'own_pace', value });
    if (!(await this.ask('pace', { value }))) this.store.dispatch({ type: 'own_pace', value: before });
  }

  /** @param {boolean} on */
  async ringBell(on) {
    if (await this.ask('help', { on })) this.store.dispatch({ type: 'own_help', since: on ? Date.now() : null });
  }

  /** @param {{text: string, to: string, question: boolean}} message @returns {Promise<boolean>} sent */
  async sayInWriting({ text, to, question }) {
    return Boolean(await this.ask('chat_send', { text, to, ...(question ? { question } : {}) }));
  }

  /** The messages before those that the page has. */
  async loadChat() {
    const { messages, loaded } = this.store.state.chat;
    const before = loaded && messages.length ? { before: messages[0].id } : {};
    const answer = await this.ask('chat_history', before);
    if (answer) this.store.dispatch({ ...answer, type: 'chat_history' });
  }

  /** At the beginning, and after each time that the line was away: nothing written may be missed. */
  async #catchUpWithChat() {
    const { participantId } = this;
    await new Promise((done) => setTimeout(done, catchUpAfterMs(this.store.state.count)));
    if (this.participantId !== participantId) return;
    const answer = await this.signaling.request('chat_history').catch(() => null);
    if (answer) this.store.dispatch({ ...answer, type: 'chat_history', newest: true });
  }

  /** @param {string} poll @param {{choices?: number[], text?: string, value?: number}} answer */
  async answerPoll(poll, answer) {
    if (!(await this.ask('poll_answer', { poll, ...answer }))) return false;
    this.store.dispatch({ type: 'poll_answered', answer: { poll, ...answer } });
    return true;
  }

  /** Who sees and hears, one by one. */
  async loadDelivered() {
    const answer = await this.signaling.request('delivery_list').catch(() => null);
    if (answer) this.store.dispatch({ type: 'delivered', delivered: deliveredOf(answer) });
  }

  /** @param {string} gift */
  async importPolls(gift) {
    const answer = await this.ask('poll_import', { gift });
    if (!answer) return;
    const read = (answer.questions ?? []).map((/** @type {any} */ { line, ...question }) => question);
    const drafts = [...this.store.state.polls.drafts, ...read];
    this.store.dispatch({ type: 'poll_drafts', drafts, errors: answer.errors ?? [] });
  }

  /** @param {string} [classId] operators name it */
  endClass(classId) {
    return this.ask('class_end', classId ? { class: classId } : {});
  }

  /** @param {number} volume */
  setVolume(volume) {
    this.playback.setVolume(volume);
    this.store.dispatch({ type: 'playback', playback: { volume } });
  }

  stats() {
    return readStats(this.peer);
  }

  /**
   * A request whose refusal the person is told.
   * @param {string} type @param {Record<string, any>} [fields] @returns {Promise<any>} null when refused
   */
  async ask(type, fields = {}) {
    try {
      return await this.signaling.request(type, fields);
    } catch (error) {
      const code = error instanceof RequestError ? error.code : 'internal';
      // An older server: what it cannot do is no longer offered.
      if (code === 'unknown_type') this.store.dispatch({ type: 'unsupported', request: type });
      this.notify(`refused.${code}`, {}, 'bad');
      return null;
    }
  }

  /** @param {string} key @param {Record<string, string|number>} [params] @param {'info'|'good'|'bad'|'call'} [level] */
  notify(key, params = {}, level = 'info') {
    const id = ++this.noticeId;
    this.store.dispatch({ type: 'notice', notice: { id, key, params, level } });
    setTimeout(() => this.store.dispatch({ type: 'notice_gone', id }), NOTICE_FOR_MS);
  }

  /** @param {string} name @param {string|null} resume @param {boolean} micOn */
  #connect(name, resume, micOn) {
    this.name = name;
    this.store.dispatch({ type: 'mic', mic: { wanted: micOn } });
    this.store.dispatch({ type: 'phase', phase: 'joining' });
    this.signaling.start({ token: this.token, name, lang: lang(), resume });
    this.#holdScreenAwake();
  }

  /** @param {State['transport']} transport */
  #handleTransport(transport) {
    this.store.dispatch({ type: 'transport', transport });
    if (transport !== 'connected') return;
    this.reported = ''; // what was claimed ended with the connection before
    const tell = () => this.stats().then(({ path }) => {
      this.store.dispatch({ type: 'path', path });
      this.#report();
    });
    tell();
    setTimeout(tell, PATH_SETTLES_MS);
  }

  /** @param {any} message */
  #handleMessage(message) {
    const { wanted } = this.store.state.mic;
    this.store.dispatch({ type: 'server', message });
    this.#handleAside(message, wanted);
    if (message.class?.screen_codec) this.peer.setScreenCodec(message.class.screen_codec);
    switch (message.type) {
      case 'welcome':
        this.#handleWelcome(message);
        break;
      case 'waiting':
        this.#sentBack();
        break;
      case 'mute_asked':
        this.notify('muted.asked', {}, 'call');
        break;
      case 'media_reset':
        this.peer.handleMediaReset();
        break;
      case 'send_encodings':
        this.peer.setWanted(message.slot, message.wanted);
        break;
      case 'class_ended':
        clearResume();
        break;
      case 'floor':
        if (!message.granted) this.notify('floor.taken'); // the floor given has its own banner
        break;
    }
  }

  /**
   * Who has spoken in private and may be heard by the class is heard by it again when that is over. It is by its own word,
   * or its microphone is turned off first: the next sentence may still be meant for one. Whichever message tells of it: it
   * may have ended while this page was away.
   * @param {any} message @param {boolean} wanted the microphone, before the message
   */
  #handleAside(message, wanted) {
    const { state } = this.store;
    const before = this.aside;
    this.aside = state.order.aside?.id ?? null;
    if (this.aside === before) return;
    if (this.aside) for (const slot of VOICE_SLOTS) this.playback.unhush(slot); // the voice comes on one of them
    if (!before) return;
    const surprised = message.type !== 'aside' || message.by !== state.me?.id;
    if (surprised) this.mic.want(false);
    const off = surprised && wanted;
    const pause = (message.mode ?? state.order.mode.mode) === 'break'; // the news of the mode comes behind this
    const heard = wanted && hasFloor(state);
    this.notify(off ? 'aside.over_off' : pause ? 'aside.over_break' : heard ? 'aside.over_heard' : 'aside.over', {}, off ? 'call' : 'info');
  }

  /** Before the door, or before it again: nothing of the class is held meanwhile. */
  #sentBack() {
    this.share.stop();
    this.mic.release();
    this.peer.close();
    this.playback.close();
    this.participantId = null;
  }

  /** @param {any} welcome */
  #handleWelcome(welcome) {
    this.#save();
    if (typeof welcome.server_time_ms === 'number') this.store.dispatch({ type: 'clock', offsetMs: welcome.server_time_ms - Date.now() });
    const same = welcome.participant.id === this.participantId;
    this.participantId = welcome.participant.id;
    if (welcome.participant.role === 'operator') {
      this.ask('watch', { on: true });
      return;
    }
    this.reported = '';
    this.peer.iceServers = welcome.ice_servers ?? [];
    // A reload, a new participant or a relay that has forgotten us: start over. Else media never stopped.
    if (!same || welcome.media === 'none' || !this.peer.negotiated) this.peer.rebuild();
    else this.peer.handleLinkOpen();
    this.#repair(welcome);
    if (this.store.state.mic.wanted && hasFloor(this.store.state) && !this.mic.track) this.mic.open();
    if (this.store.state.order.features.chat) this.#catchUpWithChat();
  }

  /** @param {any} welcome */
  #repair(welcome) {
    this.mic.apply();
    const own = welcome.state?.people?.find((/** @type {any} */ p) => p.id === welcome.participant.id);
    const local = { micOn: this.mic.live, sharing: this.share.sharing, shareAudio: Boolean(this.share.audio) };
    for (const { type, ...fields } of repairRequests(local, own)) {
      this.signaling.request(type, fields).catch((error) => {
        if (type === 'share_start' && error.code === 'floor_required') this.share.stop();
      });
    }
  }

  /** @param {boolean} on */
  #tellMic(on) {
    this.#save();
    this.signaling.request('mic', { on }).catch(() => {}); // offline: told after the reconnection
  }

  /** The offer that was made ready goes out right behind `hello`: its answer comes with the welcome. */
  #offerAhead() {
    const sdp = this.peer.preparedOffer;
    if (!sdp) return;
    this.ahead = { sdp, answer: this.signaling.requestAhead('offer', { sdp }, 12000) };
    this.ahead.answer.catch(() => {}); // `#exchange` looks
  }

  /** @param {string} sdp @param {boolean} restart @returns {Promise<string>} */
  async #exchange(sdp, restart) {
    const { ahead } = this;
    this.ahead = null;
    if (ahead?.sdp === sdp && !restart) {
      try {
        return (await ahead.answer).sdp;
      } catch (error) {
        // The door was closed then.
        if (/** @type {any} */ (error)?.code !== 'not_authenticated') throw error;
      }
    }
    const answer = await this.signaling.request('offer', restart ? { sdp, restart: true } : { sdp }, 12000);
    return answer.sdp;
  }

  /** @param {string} reason @param {string} [because] */
  #stop(reason, because = '') {
    this.signaling.stop();
    this.share.stop();
    this.mic.release();
    this.peer.close();
    this.playback.close();
    this.participantId = null;
    if (reason !== 'taken_over') clearResume();
    this.store.dispatch({ type: 'phase', phase: 'stopped', stopped: reason, because });
  }

  #save() {
    const resume = this.signaling.credentials.resume;
    if (resume) saveResume(this.token, { resume, name: this.name, micOn: this.mic.live, aside: this.aside, at: Date.now() });
  }

  /** What follows from a change of state, whichever message brought it. */
  #watchState() {
    let floor = false;
    let rights = '';
    let screen = /** @type {string|null} */ (null);
    /** @type {Map<string, string|null>} */
    const voices = new Map(VOICE_SLOTS.map((slot) => [slot, null]));
    this.store.subscribe((state) => {
      if (state.phase !== 'class') return;
      const now = [openedBy(state), ownHand(state) !== null].join();
      if (now !== rights) {
        rights = now;
        this.mic.handleRights();
      }
      if (hasFloor(state) !== floor) {
        floor = hasFloor(state);
        if (!floor) this.share.stop();
      }
      if (state.slots.screen !== screen) {
        screen = state.slots.screen;
        if (screen) this.playback.awaitPicture();
      }
      for (const slot of VOICE_SLOTS) {
        const holder = state.slots[slot] ?? null;
        if (holder === voices.get(slot)) continue;
        if (holder) this.playback.unhush(slot);
        else this.playback.hush(slot);
        voices.set(slot, holder);
      }
    });
  }

  #watchBrowser() {
    addEventListener('pagehide', () => this.store.state.phase === 'class' && this.#save());
    const changed = () => {
      this.peer.handleNetworkChange();
      this.signaling.poke();
    };
    addEventListener('online', changed);
    /** @type {any} */ (navigator).connection?.addEventListener?.('change', changed);
    addEventListener('hashchange', () => location.reload());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible') return;
      this.signaling.poke();
      this.#holdScreenAwake();
    });
    navigator.mediaDevices?.addEventListener?.('devicechange', () => this.mic.refreshList());
    const judge = new EncoderJudge();
    const uplinkJudge = new UplinkJudge();
    let before = /** @type {Record<string, any>} */ ({});
    let weakness = /** @type {import('./media_policy.js').Weakness} */ ({ whose: '', looks: 0, own: 0 });
    setInterval(async () => {
      if (this.store.state.transport !== 'connected') return;
      this.#save();
      const { receive, rttMs, path, encoder, uplink } = await this.stats();
      if (judge.look(this.share.sharing ? encoder : null, performance.now())) this.peer.lightenScreen();
      if (uplink) this.store.dispatch({ type: 'uplink', poor: uplinkJudge.look(uplink, this.share.sharing) });
      this.store.dispatch({ type: 'path', path });
      this.store.dispatch({ type: 'line', line: { rttMs } });
      this.#look(before, receive);
      const loss = audioLoss(before, receive);
      before = receive;
      weakness = judgeWeak(weakness, loss ?? 0, upstreamLoss(this.store.state).percent);
      this.store.dispatch({ type: 'weak', weak: weakness.whose });
    }, STATS_EVERY_MS);
  }

  /** @param {Record<string, any>} before @param {Record<string, any>} after a look later */
  #look(before, after) {
    const { state } = this.store;
    const others = state.speaking.some((id) => id !== state.me?.id);
    const packets = (/** @type {Record<string, any>} */ stats) => VOICE_SLOTS.reduce((sum, slot) => sum + (stats[slot]?.packets ?? 0), 0);
    this.looked = { othersSpeak: others && this.othersSpoke, voiceArrives: packets(after) > packets(before) };
    const awaited = state.slots.screen !== null && state.slots.screen !== state.me?.id && !state.playback.fresh && document.visibilityState === 'visible';
    this.pictureMissingSince = awaited ? this.pictureMissingSince ?? performance.now() : null;
    this.othersSpoke = others;
    this.#report();
  }

  /** Tells the trainer's page, through the server, when this one plays nothing: at once when it changes. */
  #report() {
    const { state } = this.store;
    if (!state.order.features.chat || state.transport !== 'connected' || teaches(roleOf(state))) return;
    const report = ownReport({
      ...this.looked, blocked: state.playback.blocked, volume: this.playback.loudest,
      pictureMissingMs: this.pictureMissingSince === null ? 0 : performance.now() - this.pictureMissingSince,
    });
    const path = pathOf(state.path);
    const said = JSON.stringify({ ...report, path });
    if (said === this.reported) return;
    this.reported = said;
    this.signaling.request('report', path ? { ...report, path } : report).catch((error) => {
      if (error.code !== 'unknown_type') this.reported = ''; // said again at the next look
    });
  }

  /** A phone that goes dark loses the class. */
  async #holdScreenAwake() {
    if (!['joining', 'class'].includes(this.store.state.phase)) return;
    await navigator.wakeLock?.request('screen').catch(() => {});
  }
}

/** @param {{protocol: string, host: string}} place @returns {string} */
export function webSocketUrl(place) {
  return `${place.protocol === 'https:' ? 'wss' : 'ws'}://${place.host}/ws`;
}
