/** Three tests in plain words: the sound, the microphone, the line. Before the class, while waiting, and in it. */

import { useState } from 'preact/hooks';
import { playTestTone } from '../devices.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { probeLine } from '../line_probe.js';
import { codeOf, gradesOf, wordOf } from '../state/line.js';
import { teaches } from '../state/roles.js';
import { Icon } from './icons.js';
import { Button, LevelMeter, MicrophoneSelect, Notice } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */

/** @param {{state: State, session: Session}} props */
export function Checks({ state, session }) {
  return html`<div class="checks">
    <${SoundCheck} />
    <${MicrophoneCheck} state=${state} session=${session} trainer=${teaches(state.invite?.role ?? 'learner')} />
    <${LineCheck} />
  </div>`;
}

function SoundCheck() {
  const [step, setStep] = useState(/** @type {'idle'|'playing'|'asking'|'heard'|'unheard'} */ ('idle'));
  const play = () => {
    setStep('playing');
    setTimeout(() => setStep('asking'), playTestTone());
  };
  return html`<section class="check-row" aria-labelledby="sound-title">
    <${CheckHead} id="sound-title" icon="volume" title=${t('sound.title')} good=${step === 'heard'}>
      <p role="status" data-testid="sound-status">${t(`sound.${step}`)}</p>
    <//>
    <div class="check-actions">
      ${step === 'asking'
        ? html`<${Button} label=${t('yes')} icon="check" testid="sound-yes" onClick=${() => setStep('heard')} />
            <${Button} label=${t('no')} testid="sound-no" onClick=${() => setStep('unheard')} />`
        : html`<${Button} label=${t(step === 'idle' ? 'sound.play' : 'sound.again')} disabled=${step === 'playing'}
            testid="sound-test" onClick=${play} />`}
    </div>
  </section>`;
}

/** @param {{state: State, session: Session, trainer: boolean}} props */
function MicrophoneCheck({ state, session, trainer }) {
  const { mic, microphones } = state;
  const open = mic.status === 'ready';
  return html`<section class="check-row" aria-labelledby="mic-title">
    <${CheckHead} id="mic-title" icon="mic" title=${t('mic.title')}>
      ${!open && html`<p>${t(mic.status === 'asking' ? 'mic.asking' : trainer ? 'mic.why_trainer' : 'mic.why_learner')}</p>`}
      ${open && html`<${LevelMeter} track=${session.mic.track} words />`}
    <//>
    ${!open && html`<div class="check-actions">
      <${Button} label=${t(mic.problem ? 'mic.again' : 'mic.test')} disabled=${mic.status === 'asking'}
        kind=${trainer ? 'accent' : 'plain'} testid="mic-test" onClick=${() => session.mic.open()} />
    </div>`}
    ${mic.problem && html`<div class="check-wide" role="alert"><${Notice} text=${t(`problem.${mic.problem}`)} testid="mic-problem" /></div>`}
    ${open && html`<div class="check-wide"><${MicrophoneSelect} list=${microphones} value=${mic.deviceId} onChoose=${(/** @type {string} */ id) => session.mic.choose(id)} /></div>`}
  </section>`;
}

/** The line in words, and the code to read to support. */
export function LineCheck() {
  const [step, setStep] = useState(/** @type {'idle'|'running'|'done'} */ ('idle'));
  const [grades, setGrades] = useState(/** @type {import('../state/line.js').Grades|null} */ (null));
  const run = async () => {
    setStep('running');
    setGrades(gradesOf(await probeLine()));
    setStep('done');
  };
  const done = step === 'done' && grades;
  return html`<section class="check-row" aria-labelledby="line-title">
    <${CheckHead} id="line-title" icon="signal" title=${t('line.check')} good=${Boolean(done && grades.voice >= 5 && grades.screen >= 5)}>
      <div role="status" data-testid="line-status">
        ${!done && html`<p>${t(step === 'idle' ? 'line.idle' : 'line.running')}</p>`}
        ${done && html`<p>${t(`line.voice.${wordOf(grades.voice)}`)} ${t(`line.screen.${wordOf(grades.screen)}`)}</p>
          <p class="line-code">${t('line.code')} <strong data-testid="line-code">${codeOf(grades)}</strong></p>`}
      </div>
    <//>
    <div class="check-actions"><${Button} label=${t(step === 'done' ? 'mic.again' : 'line.test')} disabled=${step === 'running'} testid="line-test" onClick=${run} /></div>
  </section>`;
}

/** @param {{id: string, icon: import('./icons.js').IconName, title: string, good?: boolean, children?: any}} props */
function CheckHead({ id, icon, title, good, children }) {
  return html`<div class="check-head">
    <span class=${`check-icon ${good ? 'is-good' : ''}`}><${Icon} name=${good ? 'check' : icon} /></span>
    <div><h2 id=${id}>${title}</h2>${children}</div>
  </div>`;
}
