/** The light sheet on which everything outside the class stands. */

import { html } from '../html.js';
import { t } from '../i18n.js';
import { Logo } from './icons.js';
import { LangSwitch } from './ui.js';

/** @param {{onLang: (l: any) => void, children?: any}} props */
export function Paper({ onLang, children }) {
  return html`<div class="paper">
    <header class="paper-head">
      <div class="brand"><${Logo} /><span>${t('brand')}</span></div>
      <${LangSwitch} onLang=${onLang} />
    </header>
    ${children}
  </div>`;
}
