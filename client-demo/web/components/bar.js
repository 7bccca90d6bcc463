/** The controls at the foot of the class: first whether one is heard, then what one can do about it. */

import { useState } from 'preact/hooks';
import { able, hasFloor, maySend, ownHand, ownPlace, ownVoice } from '../classroom.js';
import { canShareScreen } from '../devices.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Waited } from './clock.js';
import { Icon } from './icons.js';
import { Count, waitingAt } from './side.js';
import { Button, LevelMeter } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */
/**
 * @typedef {object} BarProps
 * @property {State} state
 * @property {Session} session
 * @property {boolean} full
 * @property {boolean} zoom
 * @property {import('./class_view.js').Panel} panel
 * @property {() => void} onZoom
 * @property {() => void} onFull
 * @property {() => void} onLeave
 * @property {() => void} onEnd
 */

/** @param {BarProps} props */
export function LearnerBar({ state, session, full, zoom, panel, onZoom, onFull, onLeave }) {
  const floor = hasFloor(state);
  const speaks = maySend(state, 'mic') || floor;
  const { features, mode } = state.order;
  return html`<section class="bar" aria-label=${t('controls')}>
    <div class="bar-main">
      <${OwnVoice} state=${state} session=${session} />
      ${speaks ? html`<${MicButton} state=${state} session=${session} />` : html`<${HandButton} state=${state} session=${session} />`}
      ${floor && canShareScreen() && html`<${ShareButton} state=${state} session=${session} />`}
      ${features.help && !state.order.aside && (mode.mode === 'practical' || rings(state)) && html`<${BellButton} state=${state} session=${session} />`}
    </div>
    <div class="bar-more">
      <${PanelButtons} state=${state} panel=${panel} />
      ${features.pace && html`<${Pace} state=${state} session=${session} />`}
      <${Volume} state=${state} session=${session} />
      <${ViewButtons} full=${full} zoom=${zoom} onZoom=${onZoom} onFull=${onFull} />
      <${Button} label=${t('leave')} icon="leave" kind="quiet" testid="leave" onClick=${onLeave} />
    </div>
  </section>`;
}

/** @param {BarProps} props */
export function TrainerBar({ state, session, full, zoom, onZoom, onFull, onLeave, onEnd }) {
  const watching = state.slots.screen !== null && state.share.status !== 'live';
  return html`<section class="bar" aria-label=${t('controls')}>
    <div class="bar-main">
      <${OwnVoice} state=${state} session=${session} />
      <${MicButton} state=${state} session=${session} />
      ${canShareScreen() && html`<${ShareButton} state=${state} session=${session} />`}
    </div>
    <div class="bar-more">
      <${Volume} state=${state} session=${session} />
      ${(watching || full) && html`<${ViewButtons} full=${full} zoom=${zoom} onZoom=${onZoom} onFull=${onFull} />`}
      <${Button} label=${t('leave')} icon="leave" kind="quiet" testid="leave" onClick=${onLeave} />
      ${able(state, 'end') && html`<${Button} label=${t('end')} icon="stop" kind="danger" testid="class-end" onClick=${onEnd} />`}
    </div>
  </section>`;
}

/** Assistants, who speak only with the floor, and inspectors, who never do. @param {BarProps} props */
export function GuestBar({ state, session, full, zoom, onZoom, onFull, onLeave }) {
  const speaks = maySend(state, 'mic') || hasFloor(state);
  const inspector = state.me?.role === 'inspector';
  return html`<section class="bar" aria-label=${t('controls')}>
    <div class="bar-main">
      ${inspector ? html`<p class="hand-state"><${Icon} name="eye" /> ${t('inspector.note')}</p>` : html`<${OwnVoice} state=${state} session=${session} />`}
      ${speaks && html`<${MicButton} state=${state} session=${session} />`}
      ${speaks && hasFloor(state) && canShareScreen() && html`<${ShareButton} state=${state} session=${session} />`}
    </div>
    <div class="bar-more">
      <${Volume} state=${state} session=${session} />
      <${ViewButtons} full=${full} zoom=${zoom} onZoom=${onZoom} onFull=${onFull} />
      <${Button} label=${t('leave')} icon="leave" kind="quiet" testid="leave" onClick=${onLeave} />
    </div>
  </section>`;
}

/** @param {{state: State, session: Session}} props */
function MicButton({ state, session }) {
  const { status } = state.mic;
  const on = status === 'live';
  return html`<${Button} label=${t(on ? 'mic.turn_off' : status === 'asking' ? 'mic.asking_short' : 'mic.turn_on')} icon=${on ? 'mic-off' : 'mic'}
    kind=${on ? 'plain' : 'primary'} size="large" testid="mic-toggle" shortcut="m" disabled=${status === 'asking' || state.order.mode.mode === 'break'}
    onClick=${() => session.mic.toggle()} />`;
}

/** @param {{state: State, session: Session}} props */
function HandButton({ state, session }) {
  const raised = ownHand(state) !== null;
  const place = raised ? ownPlace(state) : null;
  return html`<div class="hand-control">
    <${Button} label=${t(raised ? 'hand.lower' : 'hand.raise')} icon="hand" kind=${raised ? 'call' : 'primary'} size="large"
      testid="hand" shortcut="h" pressed=${raised} disabled=${state.order.mode.mode === 'break'} onClick=${() => session.toggleHand()} />
    <p class=${`hand-state ${raised ? 'is-up' : ''}`} data-testid="hand-state" data-position=${place?.position ?? ''}>
      ${!raised && t('hand.is_down')}
      ${place && (place.position === null ? t('hand.is_up') : place.position === 1 ? t('hand.next') : t('hand.position', { place: place.position }))}
      ${place && html` <span class="hand-waited">${t('hand.waiting')} <${Waited} state=${state} since=${Number(place.since_ms)} /></span>`}
    </p>
  </div>`;
}

/** @param {State} state */
function rings(state) {
  return Boolean(state.me && 'help' in state.me && state.me.help);
}

/** What came of it stands in a banner. Who rings can stop in whatever mode. @param {{state: State, session: Session}} props */
function BellButton({ state, session }) {
  const on = rings(state);
  return html`<${Button} label=${t(on ? 'bell.stop' : 'bell.ring')} icon="bell" kind=${on ? 'call' : 'plain'} size="large" testid="bell" pressed=${on} onClick=${() => session.ringBell(!on)} />`;
}

/** @param {{state: State, session: Session}} props */
function ShareButton({ state, session }) {
  const live = state.share.status === 'live';
  return html`<${Button} label=${t(live ? 'share.stop' : 'share.start_short')} icon=${live ? 'screen-off' : 'screen'} size="large"
    kind=${live ? 'danger' : 'plain'} testid="share-toggle" disabled=${state.share.status === 'asking'}
    onClick=${() => (live ? session.share.stop() : session.share.start())} />`;
}

/** @param {{state: State, panel: import('./class_view.js').Panel}} props */
function PanelButtons({ state, panel }) {
  // Without a question there is nothing behind the second one.
  const asked = state.polls.poll !== null;
  return /** @type {const} */ (['chat', 'poll']).map((name) => panel.has(name) && (name === 'chat' || asked) && html`<button type="button" class="button is-quiet" data-testid=${`open-${name}`}
    aria-expanded=${panel.isOpen(name)} aria-keyshortcuts=${name === 'chat' ? 'c' : undefined} onClick=${() => panel.toggle(name)}>
    <span class="counted"><${Icon} name=${name} /><${Count} n=${waitingAt(state, name)} /></span><span>${t(`tab.${name}`)}</span>
  </button>`);
}

/** Anonymous, and one press to take back. @param {{state: State, session: Session}} props */
function Pace({ state, session }) {
  const [open, setOpen] = useState(false);
  const own = state.order.ownPace;
  const say = (/** @type {'fast'|'fine'|'lost'} */ value) => { session.setPace(own === value ? 'none' : value); setOpen(false); };
  return html`<div class="pop" onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === 'Escape' && setOpen(false)}>
    <button type="button" class="button is-quiet" data-testid="pace" aria-expanded=${open} onClick=${() => setOpen(!open)}><${Icon} name="pace" /><span>${t('pace')}</span></button>
    ${open && html`<div class="pop-box" role="group" aria-label=${t('pace.ask')}>
      <p>${t('pace.ask')}</p>
      ${/** @type {const} */ (['fast', 'fine', 'lost']).map((value) => html`<${Button} label=${t(`pace.${value}`)} testid=${`pace-${value}`} pressed=${own === value} kind=${own === value ? 'accent' : 'plain'} onClick=${() => say(value)} />`)}
      <p class="field-help">${t('pace.note')}</p>
    </div>`}
  </div>`;
}

/** @param {{state: State, session: Session, testid?: string}} props */
export function Volume({ state, session, testid = 'volume' }) {
  return html`<label class="volume">
    <${Icon} name="volume" /><span class="unseen">${t('volume')}</span>
    <input type="range" min="0" max="1" step="0.05" data-testid=${testid} value=${state.playback.volume}
      onInput=${(/** @type {any} */ e) => session.setVolume(Number(e.target.value))} />
  </label>`;
}

/** @param {{full: boolean, zoom: boolean, onZoom: () => void, onFull: () => void}} props */
function ViewButtons({ full, zoom, onZoom, onFull }) {
  return html`<${Button} label=${t(zoom ? 'zoom.out' : 'zoom.in')} icon=${zoom ? 'zoom-out' : 'zoom-in'} kind="quiet" testid="zoom"
      shortcut="z" onClick=${onZoom} />
    <${Button} label=${t(full ? 'full.leave' : 'full.enter')} icon=${full ? 'shrink' : 'expand'} kind="quiet" testid="full-screen"
      shortcut="f" onClick=${onFull} />`;
}

/** "Am I heard?": the one answer that nobody may misread. In words, with a sign, and in colour. @param {{state: State, session: Session}} props */
function OwnVoice({ state, session }) {
  const voice = ownVoice(state);
  const heard = voice === 'heard' || voice === 'private';
  const why = voice === 'closed' && ownHand(state) !== null ? 'waits' : voice;
  return html`<div class=${`voice is-${why}`} data-testid="mic-state" data-status=${state.mic.status} data-voice=${voice}>
    <${Icon} name=${heard ? 'mic' : voice === 'cut_off' ? 'warning' : 'mic-off'} />
    <div class="voice-text">
      <p><strong>${t(voice === 'private' ? 'voice.one' : heard ? 'voice.yes' : 'voice.no', { name: state.order.aside?.name ?? '' })}</strong>${voice !== 'heard' && html`<span class="voice-why">${t(`voice.${why}`)}</span>`}</p>
      ${heard && html`<${LevelMeter} track=${session.mic.track} />`}
    </div>
  </div>`;
}
