/** The small parts that every view is made of. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { watchLevel } from '../devices.js';
import { html } from '../html.js';
import { LANGS, lang, t } from '../i18n.js';
import { Icon, Logo } from './icons.js';

/**
 * @param {object} props
 * @param {string} props.label what it does, always in words
 * @param {() => void} props.onClick
 * @param {string} props.testid
 * @param {import('./icons.js').IconName} [props.icon]
 * @param {'primary'|'plain'|'danger'|'call'|'quiet'|'accent'|'on'} [props.kind]
 * @param {boolean} [props.pressed] for a switch
 * @param {boolean} [props.disabled]
 * @param {boolean} [props.iconOnly] the label is for screen readers and the tooltip
 * @param {'large'|'small'|'wide'} [props.size]
 * @param {string} [props.shortcut]
 * @param {string} [props.about] more for screen readers: whom it concerns
 */
export function Button({ label, onClick, testid, icon, kind = 'plain', pressed, disabled, iconOnly, size, shortcut, about }) {
  const names = ['button', `is-${kind}`, size && `is-${size}`, iconOnly && 'is-icon'].filter(Boolean).join(' ');
  const full = about ? `${label} ${about}` : label;
  return html`<button
    type="button" class=${names} data-testid=${testid} disabled=${disabled} aria-pressed=${pressed}
    aria-label=${iconOnly || about ? full : undefined} aria-keyshortcuts=${shortcut} title=${iconOnly ? full : undefined}
    onClick=${onClick}
  >
    ${icon && html`<${Icon} name=${icon} />`}${!iconOnly && html`<span>${label}</span>`}
  </button>`;
}

/**
 * How loud a microphone is, and in words whether it is heard.
 * @param {{track: MediaStreamTrack|null, words?: boolean}} props
 */
export function LevelMeter({ track, words = false }) {
  const bar = useRef(/** @type {HTMLDivElement|null} */ (null));
  const [heard, setHeard] = useState(/** @type {'waiting'|'heard'|'silent'} */ ('waiting'));
  useEffect(() => {
    if (!track) return undefined;
    let loudAt = 0;
    const startedAt = performance.now();
    setHeard('waiting');
    return watchLevel(track, (level) => {
      bar.current?.style.setProperty('--level', level.toFixed(2));
      const now = performance.now();
      if (level > 0.35) loudAt = now;
      if (loudAt && now - loudAt < 5000) setHeard('heard');
      else if (now - Math.max(loudAt, startedAt) > 5000) setHeard('silent');
    });
  }, [track]);
  return html`<div class="level">
    <div class="level-track" data-testid="mic-level" ref=${bar} aria-hidden="true"><div class="level-fill"></div></div>
    ${words && html`<p class=${`level-words is-${heard}`} data-testid="mic-level-words" role="status">
      ${heard === 'heard' && html`<${Icon} name="check" />`}${t(`level.${heard}`)}
    </p>`}
  </div>`;
}

/**
 * A question or a text in front of the page. The browser's own dialog keeps the keyboard inside.
 * @param {object} props
 * @param {string} props.title
 * @param {any} props.children
 * @param {() => void} props.onClose
 * @param {string} props.testid
 */
export function Dialog({ title, children, onClose, testid }) {
  const ref = useRef(/** @type {HTMLDialogElement|null} */ (null));
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return html`<dialog class="dialog" ref=${ref} data-testid=${testid} aria-labelledby=${`${testid}-title`} onClose=${onClose}
    onClick=${(/** @type {Event} */ e) => e.target === ref.current && ref.current?.close()}>
    <div class="dialog-inner">
      <div class="dialog-head">
        <h2 id=${`${testid}-title`}>${title}</h2>
        <${Button} label=${t('close')} icon="close" iconOnly kind="quiet" testid=${`${testid}-close`} onClick=${() => ref.current?.close()} />
      </div>
      ${children}
    </div>
  </dialog>`;
}

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.text
 * @param {string} props.yes
 * @param {() => void} props.onYes
 * @param {() => void} props.onClose
 */
export function Confirm({ title, text, yes, onYes, onClose }) {
  return html`<${Dialog} title=${title} testid="confirm" onClose=${onClose}>
    <p>${text}</p>
    <div class="dialog-actions">
      <${Button} label=${t('cancel')} testid="confirm-no" onClick=${onClose} />
      <${Button} label=${yes} kind="danger" testid="confirm-yes" onClick=${() => { onYes(); onClose(); }} />
    </div>
  <//>`;
}

/** @param {{onLang: (lang: import('../i18n.js').Lang) => void, testid?: string}} props */
export function LangSwitch({ onLang, testid = 'lang' }) {
  return html`<div class="langs" role="group" aria-label=${t('language')}>
    ${LANGS.map((code) => html`<button type="button" class="lang" lang=${code} data-testid=${`${testid}-${code}`}
      aria-pressed=${code === lang()} aria-label=${t(`language.${code}`)} onClick=${() => onLang(code)}>${code.toUpperCase()}</button>`)}
  </div>`;
}

/** The light sheet on which everything outside the class stands. @param {{onLang: (l: any) => void, children?: any}} props */
export function Paper({ onLang, children }) {
  return html`<div class="paper">
    <header class="paper-head">
      <div class="brand"><${Logo} /><span>${t('brand')}</span></div>
      <${LangSwitch} onLang=${onLang} />
    </header>
    ${children}
  </div>`;
}

/**
 * What is in the way, and what to do about it.
 * @param {object} props
 * @param {string} props.text
 * @param {string} props.testid
 * @param {'bad'|'info'|'good'|'call'} [props.level]
 * @param {import('./icons.js').IconName} [props.icon]
 * @param {any} [props.children] what the person can press
 */
export function Notice({ text, testid, level = 'bad', icon = level === 'bad' ? 'warning' : 'info', children }) {
  return html`<div class=${`notice is-${level}`} data-testid=${testid}>
    <${Icon} name=${icon} /><p>${text}</p>${children}
  </div>`;
}

/**
 * A microphone's list, once the browser tells their names.
 * @param {{list: {id: string, label: string}[], value: string, onChoose: (id: string) => void}} props
 */
export function MicrophoneSelect({ list, value, onChoose }) {
  if (list.length < 2) return null;
  const chosen = list.some((m) => m.id === value) ? value : list[0].id;
  return html`<label class="field">
    <span class="field-label">${t('mic.which')}</span>
    <select data-testid="mic-select" value=${chosen} onChange=${(/** @type {any} */ e) => onChoose(e.target.value)}>
      ${list.map((m, i) => html`<option value=${m.id} selected=${m.id === chosen}>${m.label || t('mic.number', { number: i + 1 })}</option>`)}
    </select>
  </label>`;
}
