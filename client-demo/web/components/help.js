/** Keys, and first aid for sound and picture. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Volume } from './bar.js';
import { Dialog, LangSwitch, MicrophoneSelect } from './ui.js';

const STORAGE_KEY = 'amphi.shortcuts';

/** @typedef {{on: boolean, set: (on: boolean) => void}} Shortcuts */

/**
 * Single keys, as long as nobody is typing or asked a question. They can be turned off: people who
 * dictate would set them off by speaking.
 * @param {Record<string, () => void>} keys
 * @returns {Shortcuts}
 */
export function useShortcuts(keys) {
  const latest = useRef(keys);
  latest.current = keys;
  const [on, setOn] = useState(() => readSetting());
  useEffect(() => {
    if (!on) return undefined;
    const pressed = (/** @type {KeyboardEvent} */ event) => {
      const target = /** @type {HTMLElement|null} */ (event.target);
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
      if (target?.closest('input:not([type=range]), textarea, select, dialog')) return;
      const action = latest.current[event.key.toLowerCase()];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [on]);
  return { on, set: (value) => { writeSetting(value); setOn(value); } };
}

function readSetting() {
  try {
    return localStorage.getItem(STORAGE_KEY) !== 'off';
  } catch {
    return true;
  }
}

/** @param {boolean} on */
function writeSetting(on) {
  try {
    localStorage.setItem(STORAGE_KEY, on ? 'on' : 'off');
  } catch {
    // Then it holds until the next visit.
  }
}

/**
 * @param {object} props
 * @param {import('../classroom.js').State} props.state
 * @param {import('../session.js').Session} props.session
 * @param {boolean} props.trainer
 * @param {Shortcuts} props.shortcuts
 * @param {(l: any) => void} props.onLang
 * @param {() => void} props.onClose
 */
export function Help({ state, session, trainer, shortcuts, onLang, onClose }) {
  const keys = trainer ? ['m', 'f', 'z', '?'] : ['h', 'm', 'c', 'f', 'z', '?'];
  return html`<${Dialog} title=${t('help.title')} testid="help-panel" onClose=${onClose}>
    <h3>${t('help.first_aid')}</h3>
    <ul class="help-list">
      ${['no_sound', 'no_screen', 'small_text', trainer ? 'share' : 'speak'].map((key) => html`<li><strong>${t(`help.${key}.q`)}</strong> ${t(`help.${key}.a`)}</li>`)}
    </ul>
    <h3>${t('help.settings')}</h3>
    <div class="settings">
      <${LangSwitch} onLang=${onLang} testid="help-lang" />
      <${Volume} state=${state} session=${session} testid="help-volume" />
      ${state.mic.status !== 'off' && html`<${MicrophoneSelect} list=${state.microphones} value=${state.mic.deviceId}
        onChoose=${(/** @type {string} */ id) => session.mic.choose(id)} />`}
    </div>
    <h3>${t('help.keys')}</h3>
    <dl class="keys">
      ${keys.map((key) => html`<div><dt><kbd>${key.toUpperCase()}</kbd></dt><dd>${t(`help.key.${key === '?' ? 'help' : key}`)}</dd></div>`)}
    </dl>
    <label class="check">
      <input type="checkbox" data-testid="shortcuts" checked=${shortcuts.on}
        onChange=${(/** @type {any} */ e) => shortcuts.set(e.target.checked)} />
      <span>${t('help.keys_on')}</span>
    </label>
  <//>`;
}
