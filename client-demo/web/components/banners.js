/** What is in the way now, each with what to do; and short messages that go by themselves. */

import { useEffect, useState } from 'preact/hooks';
import { able, hasFloor, helperOf, maySend, roleOf, trouble, upstreamLoss } from '../classroom.js';
import { html } from '../html.js';
import { has, t } from '../i18n.js';
import { Icon } from './icons.js';
import { Button, Notice } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */

const CONNECTING_LONG_MS = 8000;

/** @param {{state: State, session: Session, onChat: (() => void)|null}} props `onChat` opens the messages, where there are any */
export function Banners({ state, session, onChat }) {
  return html`<section class="banners" aria-label=${t('notices')}>
    <${SoundBlocked} state=${state} session=${session} />
    <${Broken} state=${state} onChat=${onChat} />
    <${Muted} state=${state} />
    <${Aside} state=${state} session=${session} />
    <${Bell} state=${state} />
    <${Floor} state=${state} session=${session} />
    <${MicProblem} state=${state} session=${session} />
    ${state.share.problem && state.share.problem !== 'share_cancelled' && html`<div role="alert">
      <${Notice} text=${t(`problem.${state.share.problem}`)} testid="share-problem" />
    </div>`}
  </section>`;
}

/** @param {{state: State, session: Session}} props */
function SoundBlocked({ state, session }) {
  if (!state.playback.blocked) return null;
  return html`<${Notice} text=${t('problem.sound_blocked')} testid="sound-blocked" level="call" icon="volume">
    <${Button} label=${t('sound.unblock')} kind="primary" size="large" icon="volume" testid="sound-unblock"
      onClick=${() => session.playback.unlock()} />
  <//>`;
}

/**
 * The connection in words, with what the person can do: mostly, nothing. Where no media passes, writing
 * and answering still do.
 * @param {{state: State, onChat: (() => void)|null}} props
 */
function Broken({ state, onChat }) {
  const how = trouble(state);
  const slow = useLong(how === 'connecting');
  if (how === 'good' || (how === 'connecting' && !slow)) return null;
  const cut = ['connecting', 'media_lost', 'no_relay', 'unreached'].includes(how);
  const writes = onChat && cut;
  return html`<${Notice} text=${t(`trouble.${how}`, upstreamLoss(state))} testid="trouble" level=${cut || how === 'reconnecting' ? 'bad' : 'info'} icon="signal-off">
    ${writes && html`<${Button} label=${t('chat.write')} icon="chat" testid="trouble-chat" onClick=${onChat} />`}
  <//>`;
}

/** @param {boolean} on */
function useLong(on) {
  const [long, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (!on) return undefined;
    const timer = setTimeout(() => setLong(true), CONNECTING_LONG_MS);
    return () => clearTimeout(timer);
  }, [on]);
  return long;
}

/** The learner rang: does anybody come? @param {{state: State}} props */
function Bell({ state }) {
  const own = state.me && 'help' in state.me ? state.me : null;
  if (!own?.help || state.order.aside) return null;
  const comes = helperOf(state);
  const name = comes?.name || t('trainer');
  return html`<div role="status"><${Notice} text=${comes ? t('bell.comes', { name }) : t('bell.rings')} testid="bell-state" level=${comes ? 'good' : 'info'} icon="bell" /></div>`;
}

/** In private: who hears this page, and that the class does not. @param {{state: State, session: Session}} props */
function Aside({ state, session }) {
  const { aside } = state.order;
  if (!aside) return null;
  const { status, problem } = state.mic;
  const on = status === 'live';
  const text = on ? 'aside.with' : able(state, 'staff') ? 'aside.with_off' : 'aside.to_you';
  return html`<${Notice} text=${t(text, { name: aside.name })} testid="aside" level=${on ? 'good' : 'call'} icon=${on ? 'mic' : 'mic-off'}>
    ${!on && !problem && html`<${Button} label=${t('mic.turn_on')} kind="primary" icon="mic" testid="aside-mic" disabled=${status === 'asking'} onClick=${() => session.mic.want(true)} />`}
    <${Button} label=${t('aside.stop')} icon="close" testid="aside-stop" onClick=${() => session.ask('aside_stop')} />
  <//>`;
}

/** @param {{state: State}} props */
function Muted({ state }) {
  if (!state.order.muted || state.order.mode.mode !== 'discussion') return null;
  return html`<${Notice} text=${t('muted.now')} testid="muted" level="info" icon="mic-off" />`;
}

/** @param {{state: State, session: Session}} props */
function Floor({ state, session }) {
  const open = maySend(state, 'mic') || hasFloor(state);
  if (!['learner', 'assistant'].includes(roleOf(state)) || !open || state.order.aside) return null;
  const { status, problem } = state.mic;
  const floor = hasFloor(state);
  if (!floor && status === 'live') return null; // in a discussion, the sign by the microphone is enough
  const on = status === 'live';
  if (problem && !on) return null; // one banner says both
  const text = !floor ? 'floor.discussion' : on ? 'floor.live' : status === 'muted' ? 'floor.muted' : 'floor.ask_mic';
  return html`<${Notice} text=${t(text)} testid="floor" level=${on ? 'good' : 'call'} icon=${on ? 'mic' : 'mic-off'}>
    ${!on && html`<${Button} label=${t('mic.turn_on')} kind="primary" icon="mic" testid="floor-mic"
      disabled=${status === 'asking'} onClick=${() => session.mic.want(true)} />`}
  <//>`;
}

/** @param {{state: State, session: Session}} props */
function MicProblem({ state, session }) {
  const { problem, status } = state.mic;
  if (!problem) return null;
  const floor = roleOf(state) === 'learner' && (hasFloor(state) || maySend(state, 'mic')) && status !== 'live';
  const text = t(`problem.${problem}`);
  return html`<div role="alert"><${Notice} text=${floor ? t('floor.but', { problem: text }) : text} testid="mic-problem">
    ${status === 'off' && html`<${Button} label=${t('mic.again')} testid="mic-again" onClick=${() => session.mic.want(true)} />`}
  <//></div>`;
}

/** @param {{notices: import('../classroom.js').Notice[]}} props */
export function Toasts({ notices }) {
  return html`<div class="toasts" role="status" data-testid="toasts">
    ${notices.map((n) => html`<p key=${n.id} class=${`toast is-${n.level}`}>
      <${Icon} name=${n.level === 'good' ? 'check' : n.level === 'bad' ? 'warning' : n.level === 'call' ? 'mic-off' : 'info'} />
      ${has(n.key) ? t(n.key, n.params) : t('refused.internal')}
    </p>`)}
  </div>`;
}
