/** The class, for all but operators: top line, mode, what is in the way, the screen, the panel, the controls. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { able, maySend, ownVoice, roleOf, speakers } from '../classroom.js';
import { teaches } from '../state/roles.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { inspectors } from '../state/staff.js';
import { GuestBar, LearnerBar, TrainerBar } from './bar.js';
import { Banners, Toasts } from './banners.js';
import { Connection, LineDialog } from './connection.js';
import { Help, useShortcuts } from './help.js';
import { Icon, Logo } from './icons.js';
import { ModeBadge, ModeBar } from './modes.js';
import { Side, tabsOf } from './side.js';
import { Stage } from './stage.js';
import { Button, Confirm, LangSwitch } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('./side.js').Tab} Tab */
/** @typedef {'end'|'leave'|'help'|'line'|null} Open which dialog */

const IDLE_AFTER_MS = 3500;

/** @param {{state: State, session: Session, onLang: (l: any) => void}} props */
export function ClassView({ state, session, onLang }) {
  const root = useRef(/** @type {HTMLDivElement|null} */ (null));
  const [open, setOpen] = useState(/** @type {Open} */ (null));
  const [zoom, setZoom] = useState(false);
  const { full, idle } = useFullScreen(root);
  const role = roleOf(state);
  const watches = able(state, 'see_everybody');
  const panel = usePanel(state, watches);
  const talks = maySend(state, 'mic') || teaches(role);
  const fullScreen = () => toggleFullScreen(root.current);
  const shortcuts = useShortcuts({
    m: () => talks && session.mic.toggle(),
    h: () => able(state, 'hand') && !maySend(state, 'mic') && session.toggleHand(),
    c: () => panel.toggle('chat'),
    f: fullScreen,
    z: () => setZoom(!zoom),
    '?': () => setOpen('help'),
  });
  useEffect(() => {
    document.title = t('page_title', { title: state.klass?.title || t('lobby.title') });
  });
  const Bar = teaches(role) ? TrainerBar : role === 'learner' ? LearnerBar : GuestBar;
  const names = ['class', watches ? 'for-trainer' : 'for-learner', ownVoice(state) === 'heard' && 'is-heard', panel.shown && 'has-side',
    full && 'is-full', full && idle && 'is-idle'].filter(Boolean).join(' ');
  return html`<div ref=${root} data-testid="class" data-role=${role} class=${names}>
    <header class="top">
      <${Logo} />
      <div class="top-text">
        <h1 data-testid="class-title">${state.klass?.title || t('lobby.title')}</h1>
        <${ModeBadge} state=${state} />
        <${Speaking} state=${state} />
        <${Inspected} state=${state} />
      </div>
      <${Connection} state=${state} onOpen=${() => setOpen('line')} />
      <${LangSwitch} onLang=${onLang} />
      <${Button} label=${t('help.title')} icon="help" iconOnly kind="quiet" testid="help" shortcut="?" onClick=${() => setOpen('help')} />
    </header>
    <${ModeBar} state=${state} session=${session} />
    <${Banners} state=${state} session=${session} onChat=${panel.has('chat') ? () => panel.open('chat') : null} />
    <main class="work">
      <${Stage} state=${state} session=${session} zoom=${zoom} />
      ${panel.shown && html`<${Side} state=${state} session=${session} tab=${panel.tab} onTab=${panel.open} onClose=${watches ? null : panel.close} />`}
    </main>
    <${Bar} state=${state} session=${session} full=${full} zoom=${zoom} panel=${panel} onZoom=${() => setZoom(!zoom)}
      onFull=${fullScreen} onLeave=${() => setOpen('leave')} onEnd=${() => setOpen('end')} />
    <${Toasts} notices=${state.notices} />
    ${open === 'help' && html`<${Help} state=${state} session=${session} trainer=${teaches(role)} shortcuts=${shortcuts} onLang=${onLang}
      onClose=${() => setOpen(null)} />`}
    ${open === 'line' && html`<${LineDialog} state=${state} onClose=${() => setOpen(null)} />`}
    ${open === 'end' && html`<${Confirm} title=${t('end.title')} text=${t('end.text', { n: state.count.learner })}
      yes=${t('end')} onYes=${() => session.endClass()} onClose=${() => setOpen(null)} />`}
    ${open === 'leave' && html`<${Confirm} title=${t('leave.title')} text=${t(teaches(role) ? 'leave.text_trainer' : 'leave.text')}
      yes=${t('leave.yes')} onYes=${() => session.leave()} onClose=${() => setOpen(null)} />`}
  </div>`;
}

/**
 * The panel beside the screen: staff always has it, learners open it; a question opens it for them.
 * @param {State} state @param {boolean} always
 */
function usePanel(state, always) {
  const [tab, setTab] = useState(/** @type {Tab} */ (always ? 'class' : 'chat'));
  const [open, setOpen] = useState(false);
  const tabs = tabsOf(state);
  const asked = state.polls.poll?.open && able(state, 'poll_answer') ? state.polls.poll.id : null;
  useEffect(() => {
    if (!asked) return;
    setTab('poll');
    setOpen(true);
  }, [asked]);
  const shown = tabs.length > 0 && (always || open);
  return {
    shown, tab,
    has: (/** @type {Tab} */ name) => tabs.includes(name),
    isOpen: (/** @type {Tab} */ name) => shown && tab === name,
    open: (/** @type {Tab} */ name) => { setTab(name); setOpen(true); },
    close: () => setOpen(false),
    toggle: (/** @type {Tab} */ name) => {
      if (!tabs.includes(name)) return;
      if (open && tab === name && !always) setOpen(false);
      else { setTab(name); setOpen(true); }
    },
  };
}

/** @typedef {ReturnType<typeof usePanel>} Panel */

/** @param {{state: State}} props */
function Speaking({ state }) {
  const people = speakers(state);
  const own = state.me?.id;
  const names = people.map((p) => (p.id === own ? t('you') : p.name)).join(', ');
  return html`<p class=${`speaking ${people.length ? 'is-on' : ''}`} data-testid="speaking">
    <${Icon} name="wave" /><span>${people.length ? t('speaking', { names }) : t('speaking.nobody')}</span>
  </p>`;
}

/** Nobody is watched without knowing it. @param {{state: State}} props */
function Inspected({ state }) {
  const people = inspectors(state);
  if (people.length === 0) return null;
  return html`<p class="inspected" data-testid="inspected"><${Icon} name="eye" /><span>${t('inspected', { names: people.map((p) => (p.id === state.me?.id ? t('you') : p.name)).join(', ') })}</span></p>`;
}

/** The class in full screen; its controls hide while nobody moves. @param {{current: HTMLElement|null}} root */
function useFullScreen(root) {
  const [full, setFull] = useState(false);
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    /** @type {any} */
    let timer = null;
    const stir = () => {
      setIdle(false);
      clearTimeout(timer);
      // A keyboard user who stands on a control keeps it in sight.
      timer = setTimeout(() => setIdle(!root.current?.querySelector('.bar :focus-visible')), IDLE_AFTER_MS);
    };
    const changed = () => {
      setFull(document.fullscreenElement === root.current && root.current !== null);
      stir();
    };
    const signs = ['pointermove', 'pointerdown', 'keydown', 'focusin'];
    document.addEventListener('fullscreenchange', changed);
    for (const sign of signs) document.addEventListener(sign, stir, { passive: true });
    return () => {
      clearTimeout(timer);
      document.removeEventListener('fullscreenchange', changed);
      for (const sign of signs) document.removeEventListener(sign, stir);
    };
  }, []);
  return { full, idle };
}

/** @param {HTMLElement|null} root */
function toggleFullScreen(root) {
  if (document.fullscreenElement) {
    document.exitFullscreen();
    return;
  }
  if (root?.requestFullscreen) {
    // A phone is turned for the reader; other devices cannot, and say so.
    const turn = () => /** @type {any} */ (screen.orientation)?.lock?.('landscape');
    root.requestFullscreen().then(turn).catch(() => {});
    return;
  }
  // iPhones give full screen to a video only.
  /** @type {any} */ (root?.querySelector('video'))?.webkitEnterFullscreen?.();
}
