/** Before entering: who, with which microphone, and is anything heard. */

import { useState } from 'preact/hooks';
import { playTestTone } from '../devices.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { cleanName } from '../invite.js';
import { Icon, Logo } from './icons.js';
import { Button, LangSwitch, LevelMeter, MicrophoneSelect, Notice } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */

/** @param {{state: State, session: Session, onLang: (l: any) => void}} props */
export function Lobby({ state, session, onLang }) {
  const invite = state.invite;
  const [name, setName] = useState(invite?.name ?? '');
  const [missing, setMissing] = useState(false);
  const trainer = invite?.role === 'trainer';
  const enter = () => {
    const typed = cleanName(name);
    setMissing(!typed);
    if (typed) session.enter(typed);
    else document.getElementById('name')?.focus();
  };
  return html`<div class="paper">
    <header class="paper-head">
      <div class="brand"><${Logo} /><span>${t('brand')}</span></div>
      <${LangSwitch} onLang=${onLang} />
    </header>
    <main class="lobby" data-testid="lobby">
      <p class="lobby-role">${t(`lobby.as_${invite?.role ?? 'learner'}`)}</p>
      <h1 data-testid="class-title">${invite?.title || t('lobby.title')}</h1>
      <form class="card lobby-form" onSubmit=${(/** @type {Event} */ e) => { e.preventDefault(); enter(); }}>
        <${NameField} fixed=${Boolean(invite?.name)} name=${name} missing=${missing} onName=${(/** @type {string} */ n) => { setName(n); setMissing(false); }} />
        <${SoundTest} />
        <${MicrophoneTest} state=${state} session=${session} trainer=${trainer} />
        <button type="submit" class="button is-primary is-large is-wide" data-testid="enter">
          <${Icon} name="enter" /><span>${t('lobby.enter')}</span>
        </button>
        <p class="lobby-hint">${t(trainer ? 'lobby.hint_trainer' : 'lobby.hint_learner')}</p>
      </form>
    </main>
  </div>`;
}

/** An invite that names somebody cannot be renamed: the server would ignore it. @param {any} props */
function NameField({ fixed, name, missing, onName }) {
  return html`<div class="field">
    <label class="field-label" for="name">${t('lobby.name')}</label>
    <input id="name" data-testid="name" type="text" autocomplete="name" maxlength="64" value=${name} readonly=${fixed}
      aria-invalid=${missing} aria-describedby=${missing ? 'name-missing' : 'name-help'}
      onInput=${(/** @type {any} */ e) => onName(e.target.value)} />
    ${missing
      ? html`<p class="field-error" id="name-missing" role="alert"><${Icon} name="warning" />${t('lobby.name_missing')}</p>`
      : html`<p class="field-help" id="name-help">${t(fixed ? 'lobby.name_fixed' : 'lobby.name_help')}</p>`}
  </div>`;
}

function SoundTest() {
  const [step, setStep] = useState(/** @type {'idle'|'playing'|'asking'|'heard'|'unheard'} */ ('idle'));
  const play = () => {
    setStep('playing');
    setTimeout(() => setStep('asking'), playTestTone());
  };
  return html`<section class="test" aria-labelledby="sound-title">
    <div class="test-head">
      <span class="test-icon"><${Icon} name="volume" /></span>
      <div>
        <h2 id="sound-title">${t('sound.title')}</h2>
        <p role="status" data-testid="sound-status">${t(`sound.${step}`)}</p>
      </div>
    </div>
    <div class="test-actions">
      ${step === 'asking'
        ? html`<${Button} label=${t('yes')} icon="check" testid="sound-yes" onClick=${() => setStep('heard')} />
            <${Button} label=${t('no')} testid="sound-no" onClick=${() => setStep('unheard')} />`
        : html`<${Button} label=${t(step === 'idle' ? 'sound.play' : 'sound.again')} disabled=${step === 'playing'}
            testid="sound-test" onClick=${play} />`}
    </div>
  </section>`;
}

/** @param {{state: State, session: Session, trainer: boolean}} props */
function MicrophoneTest({ state, session, trainer }) {
  const { mic, microphones } = state;
  const open = mic.status === 'ready';
  return html`<section class="test" aria-labelledby="mic-title">
    <div class="test-head">
      <span class="test-icon"><${Icon} name="mic" /></span>
      <div>
        <h2 id="mic-title">${t('mic.title')}</h2>
        ${!open && html`<p>${t(mic.status === 'asking' ? 'mic.asking' : trainer ? 'mic.why_trainer' : 'mic.why_learner')}</p>`}
        ${open && html`<${LevelMeter} track=${session.mic.track} words />`}
      </div>
    </div>
    ${!open && html`<div class="test-actions">
      <${Button} label=${t(mic.problem ? 'mic.again' : 'mic.test')} disabled=${mic.status === 'asking'}
        kind=${trainer ? 'accent' : 'plain'} testid="mic-test" onClick=${() => session.mic.open()} />
    </div>`}
    ${mic.problem && html`<div role="alert"><${Notice} text=${t(`problem.${mic.problem}`)} testid="mic-problem" /></div>`}
    ${open && html`<${MicrophoneSelect} list=${microphones} value=${mic.deviceId} onChoose=${(/** @type {string} */ id) => session.mic.choose(id)} />`}
  </section>`;
}
