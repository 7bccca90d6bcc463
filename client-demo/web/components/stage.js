/** The shared screen, or what stands in its place. */

import { useEffect, useRef } from 'preact/hooks';
import { roleOf, sharer } from '../classroom.js';
import { teaches } from '../state/roles.js';
import { canShareScreen } from '../devices.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { LevelChip } from './connection.js';
import { Icon } from './icons.js';
import { Break } from './modes.js';
import { Button } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */

/** @param {{state: State, session: Session, zoom: boolean}} props */
export function Stage({ state, session, zoom }) {
  const box = useRef(/** @type {HTMLDivElement|null} */ (null));
  useEffect(() => {
    session.playback.attach(box.current);
    return () => session.playback.attach(null);
  }, []);
  const own = state.share.status === 'live';
  const shown = sharer(state);
  const ownShown = own && (!shown || shown.id === state.me?.id);
  const pause = state.order.mode.mode === 'break';
  const covered = pause || ownShown || !shown || !state.playback.fresh;
  return html`<section class=${`stage ${zoom && !covered ? 'is-zoomed' : ''}`} aria-label=${t('stage')} data-testid="stage"
    data-showing=${pause ? 'nothing' : ownShown ? 'own' : covered ? 'nothing' : 'screen'}>
    <div class="stage-screen" ref=${box} tabindex=${zoom && !covered ? 0 : undefined} role=${zoom && !covered ? 'region' : undefined}
      aria-label=${zoom && !covered ? t('stage.zoomed') : undefined}></div>
    ${!covered && html`<${LevelChip} state=${state} />`}
    ${covered && html`<div class="stage-cover">
      ${pause ? html`<${Break} state=${state} session=${session} />` : ownShown
        ? html`<${OwnShare} state=${state} session=${session} />`
        : html`<${Placeholder} state=${state} session=${session} coming=${shown} />`}
    </div>`}
  </section>`;
}

/** @param {{state: State, session: Session}} props */
function OwnShare({ state, session }) {
  const video = useRef(/** @type {HTMLVideoElement|null} */ (null));
  useEffect(() => {
    if (!video.current || !session.share.video) return;
    video.current.srcObject = new MediaStream([session.share.video]);
    video.current.play().catch(() => {});
  }, [session.share.video]);
  const confirmed = state.slots.screen === state.me?.id;
  return html`<div class="own-share" data-testid="own-share">
    <div class="own-share-head">
      <p><span class="dot-live" aria-hidden="true"></span>${t(confirmed ? 'share.seen' : 'share.starting')}
        ${' '}<span class="own-share-sound">${t(state.share.audio ? 'share.with_sound' : 'share.without_sound')}</span></p>
    </div>
    <video ref=${video} data-testid="own-preview" muted playsinline autoplay aria-label=${t('share.preview')}></video>
  </div>`;
}

/** @param {{state: State, session: Session, coming: import('../classroom.js').Person|null}} props */
function Placeholder({ state, session, coming }) {
  if (coming) {
    return html`<div class="placeholder" data-testid="screen-coming">
      <span class="spinner" aria-hidden="true"></span><p class="placeholder-title">${t('stage.coming', { name: coming.name })}</p>
      <${LevelChip} state=${state} />
    </div>`;
  }
  const trainer = teaches(roleOf(state));
  return html`<div class="placeholder" data-testid="placeholder">
    <span class="placeholder-icon"><${Icon} name="screen" /></span>
    <p class="placeholder-title">${t(trainer ? 'stage.empty_trainer' : 'stage.empty')}</p>
    <p class="placeholder-who" data-testid="who-is-here">${whoIsHere(state)}</p>
    ${trainer && html`<${ShareStart} state=${state} session=${session} />`}
  </div>`;
}

/** @param {{state: State, session: Session}} props */
function ShareStart({ state, session }) {
  if (!canShareScreen()) return html`<p class="placeholder-note">${t('problem.share_unsupported')}</p>`;
  return html`<${Button} label=${t('share.start')} icon="screen" kind="primary" size="large" testid="share-start"
      disabled=${state.share.status === 'asking'} onClick=${() => session.share.start()} />
    <p class="placeholder-note">${t('share.hint')}</p>`;
}

/** @param {State} state */
function whoIsHere(state) {
  const trainers = Object.values(state.people).filter((p) => teaches(p.role) && p.here && p.id !== state.me?.id);
  const learners = t('here.learners', { n: state.count.learner });
  if (teaches(roleOf(state))) return learners;
  if (!trainers.length) return `${t('here.no_trainer')} ${learners}`;
  return `${t('here.trainers', { n: trainers.length, names: trainers.map((p) => p.name).join(', ') })} ${learners}`;
}
