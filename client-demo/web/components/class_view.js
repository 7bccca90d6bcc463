/** The class, for trainers and learners: top line, what is in the way, the screen, the controls. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { connection, hasFloor, roleOf, speakers } from '../classroom.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { toggleFullScreen, useFullScreen } from './full_screen.js';
import { Help, useShortcuts } from './help.js';
import { Icon, Logo } from './icons.js';
import { LearnerBar, TrainerBar } from './bar.js';
import { Banners, Toasts } from './banners.js';
import { Side } from './side.js';
import { Stage } from './stage.js';
import { Button, Confirm, LangSwitch } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {'end'|'leave'|'help'|null} Open which dialog */

/** @param {{state: State, session: Session, onLang: (l: any) => void}} props */
export function ClassView({ state, session, onLang }) {
  const root = useRef(/** @type {HTMLDivElement|null} */ (null));
  const [open, setOpen] = useState(/** @type {Open} */ (null));
  const [zoom, setZoom] = useState(false);
  const { full, idle } = useFullScreen(root);
  const trainer = roleOf(state) === 'trainer';
  const fullScreen = () => toggleFullScreen(root.current);
  const shortcuts = useShortcuts({
    m: () => (trainer || hasFloor(state)) && session.mic.toggle(),
    h: () => !trainer && !hasFloor(state) && session.toggleHand(),
    f: fullScreen,
    z: () => setZoom(!zoom),
    '?': () => setOpen('help'),
  });
  useEffect(() => {
    document.title = t('page_title', { title: state.klass?.title || t('lobby.title') });
  });
  const Bar = trainer ? TrainerBar : LearnerBar;
  return html`<div ref=${root} data-testid="class" data-role=${roleOf(state)}
    class=${`class ${trainer ? 'for-trainer' : 'for-learner'} ${full ? 'is-full' : ''} ${full && idle ? 'is-idle' : ''}`}>
    <header class="top">
      <${Logo} />
      <div class="top-text">
        <h1 data-testid="class-title">${state.klass?.title || t('lobby.title')}</h1>
        <${Speaking} state=${state} />
      </div>
      <${Connection} state=${state} />
      <${LangSwitch} onLang=${onLang} />
      <${Button} label=${t('help.open')} icon="help" iconOnly kind="quiet" testid="help" shortcut="?" onClick=${() => setOpen('help')} />
    </header>
    <${Banners} state=${state} session=${session} />
    <main class="work">
      <${Stage} state=${state} session=${session} zoom=${zoom} />
      ${trainer && html`<${Side} state=${state} session=${session} />`}
    </main>
    <${Bar} state=${state} session=${session} full=${full} zoom=${zoom} onZoom=${() => setZoom(!zoom)}
      onFull=${fullScreen} onLeave=${() => setOpen('leave')} onEnd=${() => setOpen('end')} />
    <${Toasts} notices=${state.notices} />
    ${open === 'help' && html`<${Help} state=${state} session=${session} trainer=${trainer} shortcuts=${shortcuts} onLang=${onLang}
      onClose=${() => setOpen(null)} />`}
    ${open === 'end' && html`<${Confirm} title=${t('end.title')} text=${t('end.text', { n: state.count.learner })}
      yes=${t('end.yes')} onYes=${() => session.endClass()} onClose=${() => setOpen(null)} />`}
    ${open === 'leave' && html`<${Confirm} title=${t('leave.title')} text=${t(trainer ? 'leave.text_trainer' : 'leave.text')}
      yes=${t('leave.yes')} onYes=${() => session.leave()} onClose=${() => setOpen(null)} />`}
  </div>`;
}

/** @param {{state: State}} props */
function Speaking({ state }) {
  const people = speakers(state);
  const own = state.me?.id;
  const names = people.map((p) => (p.id === own ? t('you') : p.name)).join(', ');
  return html`<p class=${`speaking ${people.length ? 'is-on' : ''}`} data-testid="speaking">
    <${Icon} name="wave" /><span>${people.length ? t('speaking', { names }) : t('speaking.nobody')}</span>
  </p>`;
}

/** @param {{state: State}} props */
export function Connection({ state }) {
  const how = connection(state);
  const good = how === 'good' || how === 'weak';
  const way = { udp: t('path.udp'), tcp: t('path.tcp'), relay: t('path.relay') };
  return html`<p class=${`connection is-${how}`} data-testid="connection" data-state=${how} data-path=${state.path ?? ''} title=${state.path ? way[state.path] : ''}>
    <${Icon} name=${good ? 'signal' : 'signal-off'} /><span>${t(`connection.${how}`)}</span>
  </p>`;
}
