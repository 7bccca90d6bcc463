/** The controls at the foot of the class. */

import { hasFloor, ownHand } from '../classroom.js';
import { canShareScreen } from '../devices.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Icon } from './icons.js';
import { Button, LevelMeter } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */
/**
 * @typedef {object} BarProps
 * @property {State} state
 * @property {Session} session
 * @property {boolean} full
 * @property {boolean} zoom
 * @property {() => void} onZoom
 * @property {() => void} onFull
 * @property {() => void} onLeave
 * @property {() => void} onEnd
 */

/** @param {BarProps} props */
export function LearnerBar({ state, session, full, zoom, onZoom, onFull, onLeave }) {
  const floor = hasFloor(state);
  return html`<section class="bar" aria-label=${t('controls')}>
    <div class="bar-main">
      ${floor ? html`<${MicButton} state=${state} session=${session} />` : html`<${HandButton} state=${state} session=${session} />`}
      ${floor && canShareScreen() && html`<${ShareButton} state=${state} session=${session} />`}
    </div>
    <div class="bar-more">
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
      <${MicButton} state=${state} session=${session} />
      ${canShareScreen() && html`<${ShareButton} state=${state} session=${session} />`}
    </div>
    <div class="bar-more">
      <${Volume} state=${state} session=${session} />
      ${(watching || full) && html`<${ViewButtons} full=${full} zoom=${zoom} onZoom=${onZoom} onFull=${onFull} />`}
      <${Button} label=${t('leave')} icon="leave" kind="quiet" testid="leave" onClick=${onLeave} />
      <${Button} label=${t('end')} icon="stop" kind="danger" testid="class-end" onClick=${onEnd} />
    </div>
  </section>`;
}

/** @param {{state: State, session: Session}} props */
function MicButton({ state, session }) {
  const { status } = state.mic;
  const on = status === 'live';
  return html`<div class="mic-control">
    <${Button} label=${t(on ? 'mic.turn_off' : status === 'asking' ? 'mic.asking_short' : 'mic.turn_on')} icon=${on ? 'mic' : 'mic-off'}
      kind=${on ? 'on' : 'primary'} size="large" testid="mic-toggle" shortcut="m" disabled=${status === 'asking'}
      onClick=${() => session.mic.toggle()} />
    <p class="mic-state" data-testid="mic-state" data-status=${status}>
      <span>${t(on ? 'mic.is_on' : 'mic.is_off')}</span>${on && html`<${LevelMeter} track=${session.mic.track} />`}
    </p>
  </div>`;
}

/** @param {{state: State, session: Session}} props */
function HandButton({ state, session }) {
  const raised = ownHand(state) !== null;
  return html`<${Button} label=${t(raised ? 'hand.lower' : 'hand.raise')} icon="hand" kind=${raised ? 'call' : 'primary'} size="large"
      testid="hand" shortcut="h" pressed=${raised} onClick=${() => session.toggleHand()} />
    <p class=${`hand-state ${raised ? 'is-up' : ''}`} data-testid="hand-state">${t(raised ? 'hand.is_up' : 'hand.is_down')}</p>`;
}

/** @param {{state: State, session: Session}} props */
function ShareButton({ state, session }) {
  const live = state.share.status === 'live';
  return html`<${Button} label=${t(live ? 'share.stop' : 'share.start_short')} icon=${live ? 'screen-off' : 'screen'} size="large"
    kind=${live ? 'danger' : 'plain'} testid="share-toggle" disabled=${state.share.status === 'asking'}
    onClick=${() => (live ? session.share.stop() : session.share.start())} />`;
}

/** @param {{state: State, session: Session}} props */
function Volume({ state, session }) {
  return html`<label class="volume">
    <${Icon} name="volume" /><span class="unseen">${t('volume')}</span>
    <input type="range" min="0" max="1" step="0.05" data-testid="volume" value=${state.playback.volume}
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
