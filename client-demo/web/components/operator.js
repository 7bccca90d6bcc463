/** The operator's page: every class, every relay, the machine, and what is left. */

import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { bitRate, clockTime, has, memory, number, percent, t } from '../i18n.js';
import { Toasts } from './banners.js';
import { Connection } from './connection.js';
import { Icon, Logo } from './icons.js';
import { HourPlot } from './plot.js';
import { readCode, wordOf } from '../state/line.js';
import { Button, Confirm, LangSwitch } from './ui.js';

/** @typedef {import('../classroom.js').State} State */
/** @typedef {import('../session.js').Session} Session */

/** Of a large class those are shown who need a look; the rest is a number. */
const ROWS_MAX = 40;
/** Percent of packets above which people notice. */
const LOSS_HIGH = 5;

/** @param {{state: State, session: Session, onLang: (l: any) => void}} props */
export function Operator({ state, session, onLang }) {
  const [ending, setEnding] = useState(/** @type {any} */ (null));
  useEffect(() => {
    document.title = t('page_title', { title: t('operator.title') });
  });
  const { overview } = state;
  return html`<div class="paper operator" data-testid="operator">
    <header class="paper-head">
      <div class="brand"><${Logo} /><h1>${t('operator.title')}</h1></div>
      ${overview && html`<p class="as-of" data-testid="as-of">${t('operator.as_of', { time: new Date(overview.time_ms).toLocaleTimeString(document.documentElement.lang) })}</p>`}
      <${Connection} state=${state} />
      <${LangSwitch} onLang=${onLang} />
    </header>
    <main class="operator-main">
      ${!overview && html`<p class="card" role="status">${t('operator.waiting')}</p>`}
      ${overview && html`
        <${Figures} overview=${overview} />
        <section aria-labelledby="hour-title" class="card">
          <h2 id="hour-title">${t('plot.title')}</h2>
          <${HourPlot} history=${state.history} />
        </section>
        <section aria-labelledby="classes-title">
          <h2 id="classes-title" class="section-title">${t('classes')}<span class="badge" data-testid="classes-count">${overview.classes?.length ?? 0}</span></h2>
          ${(overview.classes ?? []).length === 0 && html`<p class="card">${t('classes.none')}</p>`}
          ${[...(overview.classes ?? [])].sort(byTrouble).map((/** @type {any} */ c) => html`<${ClassCard} key=${c.id} klass=${c} onEnd=${() => setEnding(c)} />`)}
        </section>
        <${Relays} relays=${overview.relays ?? []} />
        <${CodeReader} />`}
    </main>
    <${Toasts} notices=${state.notices} />
    ${ending && html`<${Confirm} title=${t('end.title_named', { title: ending.title })} text=${t('end.text', { n: countOf(ending, 'learner') })}
      yes=${t('end')} onYes=${() => session.endClass(ending.id)} onClose=${() => setEnding(null)} />`}
  </div>`;
}

/** Classes with somebody in trouble first, then the older ones. @param {any} a @param {any} b */
function byTrouble(a, b) {
  return troubledOf(b) - troubledOf(a) || (a.started_ms ?? 0) - (b.started_ms ?? 0);
}

/** @param {any} klass */
function troubledOf(klass) {
  return (klass.participants ?? []).filter(inTrouble).length;
}

/** @param {any} p */
function inTrouble(p) {
  return p.media === 'quiet' || p.loss_in >= LOSS_HIGH || p.loss_out >= LOSS_HIGH;
}

/** What a learner reads over the telephone, in words. */
function CodeReader() {
  const [text, setText] = useState('');
  const whole = text.replace(/\D/g, '').length >= 6;
  const grades = whole ? readCode(text) : null;
  return html`<section class="card code-reader" aria-labelledby="code-title">
    <h2 id="code-title">${t('operator.code')}</h2>
    <label class="field"><span class="field-help">${t('operator.code_help')}</span>
      <input type="text" inputmode="numeric" maxlength="9" autocomplete="off" value=${text} data-testid="line-code-read" onInput=${(/** @type {any} */ e) => setText(e.target.value)} /></label>
    <p role="status" data-testid="line-code-words">${whole && !grades && html`<span class="bad-text">${t('operator.code_bad')}</span>`}
      ${grades && html`${t(`line.voice.${wordOf(grades.voice)}`)} ${t(`line.screen.${wordOf(grades.screen)}`)}
        ${' '}<span class="soft">${t('operator.code_figures', { rtt: grades.rtt, jitter: grades.jitter, rate: grades.rate })}</span>`}</p>
  </section>`;
}

/** @param {any} klass @param {string} role */
function countOf(klass, role) {
  return (klass.participants ?? []).filter((/** @type {any} */ p) => p.role === role).length;
}

/** @param {{overview: any}} props */
function Figures({ overview }) {
  const machine = overview.machine ?? {};
  const relays = overview.relays ?? [];
  const sum = (/** @type {(x: any) => number} */ f) => relays.reduce((/** @type {number} */ n, /** @type {any} */ r) => n + f(r), 0);
  const shards = (/** @type {string} */ key) => sum((r) => (r.shards ?? []).reduce((/** @type {number} */ n, /** @type {any} */ s) => n + (s[key] ?? 0), 0));
  const cpu = machine.cpu ?? 0;
  // Relays measure the machine: without one there is nothing to show.
  const measured = relays.some((/** @type {any} */ r) => r.connected);
  const known = (/** @type {string} */ value) => (measured ? value : t('unknown'));
  return html`<section class="figures" aria-label=${t('figures')}>
    <${Figure} testid="left" title=${t('left.title')} value=${known(number(overview.left?.learners ?? 0))} note=${t('left.note')} />
    <${Figure} testid="participants" title=${t('people')} value=${number(sum((r) => r.participants ?? 0))}
      note=${t('participants.note', { n: overview.classes?.length ?? 0 })} />
    <${Figure} testid="cpu" title=${t('cpu')} value=${known(percent(cpu))} note=${measured ? t('cpu.note', { n: machine.cores ?? 1 }) : ''} load=${measured ? cpu : undefined} />
    <${Figure} testid="memory" title=${t('memory.title')} value=${known(memory(machine.memory_available ?? 0))}
      note=${measured ? t('memory.note', { total: memory(machine.memory_total ?? 0) }) : ''}
      load=${measured && machine.memory_total ? 1 - machine.memory_available / machine.memory_total : undefined} />
    <${Figure} testid="rates" title=${t('rates.title')} value=${known(bitRate(shards('bps_out')))} note=${measured ? t('rates.note', { rate: bitRate(shards('bps_in')) }) : ''} />
  </section>`;
}

/** @param {{title: string, value: string, note: string, testid: string, load?: number}} props */
function Figure({ title, value, note, testid, load }) {
  return html`<div class="card figure" data-testid=${`figure-${testid}`}>
    <h2>${title}</h2><p class="figure-value">${value}</p>
    ${load !== undefined && html`<${Load} value=${load} />`}
    <p class="figure-note">${note}</p>
  </div>`;
}

/** @param {{value: number}} props */
function Load({ value }) {
  const level = value > 0.85 ? 'is-high' : value > 0.65 ? 'is-mid' : '';
  return html`<div class=${`load ${level}`} style=${{ '--load': String(Math.min(1, Math.max(0, value))) }} aria-hidden="true"></div>`;
}

/** @param {{relays: any[]}} props */
function Relays({ relays }) {
  return html`<section class="card" aria-labelledby="relays-title">
    <h2 id="relays-title">${t('relays')}</h2>
    ${relays.length === 0 && html`<p class="bad-text">${t('relays.none')}</p>`}
    ${relays.map((relay, i) => html`<div class="relay" data-testid="relay">
      <p class="relay-state">${t('relay.name', { number: i + 1 })}
        <span class=${`tag ${relay.connected ? 'is-good' : 'is-bad'}`} data-testid="relay-connected">${t(relay.connected ? 'relay.connected' : 'relay.away')}</span>
        ${relay.connected && html`<span class="soft">${t('relay.full', { participants: number(relay.participants ?? 0), capacity: number(relay.capacity ?? 0) })}</span>`}
      </p>
      ${(relay.shards ?? []).length > 0 && html`<${Shards} shards=${relay.shards} />`}
      <${Drops} drops=${relay.drops_s ?? {}} />
    </div>`)}
  </section>`;
}

/** @param {{shards: any[]}} props */
function Shards({ shards }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t('shards')}><table data-testid="shards">
    <thead><tr><th scope="col">${t('shard')}</th><th scope="col">${t('shard.load')}</th><th scope="col">${t('people')}</th><th scope="col">${t('rate.in')}</th>
      <th scope="col">${t('rate.out')}</th><th scope="col">${t('packets.out')}</th><th scope="col">${t('loop')}</th></tr></thead>
    <tbody>${shards.map((s, i) => html`<tr data-testid="shard"><th scope="row">${i + 1}</th>
      <td><span class="cell-load">${percent(s.cpu ?? 0)}<${Load} value=${s.cpu ?? 0} /></span></td><td>${number(s.participants ?? 0)}</td>
      <td>${bitRate(s.bps_in ?? 0)}</td><td>${bitRate(s.bps_out ?? 0)}</td><td>${number(s.packets_out_s ?? 0, { maximumFractionDigits: 0 })}</td>
      <td>${t('unit.us_pair', { half: number(s.loop_p50_us ?? 0), most: number(s.loop_p99_us ?? 0) })}</td></tr>`)}</tbody>
  </table></div>`;
}

/** @param {{drops: Record<string, number>}} props */
function Drops({ drops }) {
  const some = Object.entries(drops).filter(([, n]) => n > 0);
  if (some.length === 0) return null;
  return html`<p class="soft" data-testid="drops">${t('drops')} ${some.map(([reason, n]) => t('drops.one', { reason: has(`drop.${reason}`) ? t(`drop.${reason}`) : reason, rate: number(n, { maximumFractionDigits: 1 }) })).join(', ')}</p>`;
}

/** @param {{klass: any, onEnd: () => void}} props */
function ClassCard({ klass, onEnd }) {
  const people = [...(klass.participants ?? [])].sort((a, b) => urgency(b) - urgency(a));
  return html`<article class="card class-card" data-testid="class-card" data-id=${klass.id}>
    <header>
      <div>
        <h3>${klass.title || t('lobby.title')} ${troubledOf(klass) > 0 && html`<span class="tag is-bad"><${Icon} name="warning" />${t('class.trouble', { n: troubledOf(klass) })}</span>`}</h3>
        <p class="soft">${klass.started_ms ? t('class.since', { time: clockTime(klass.started_ms) }) : ''} ${t('here.learners', { n: countOf(klass, 'learner') })}
          ${' '}<span class="rates">${t('class.rates', { in: bitRate(klass.bps_in ?? 0), out: bitRate(klass.bps_out ?? 0) })}</span></p>
      </div>
      ${klass.state !== 'ended' && html`<${Button} label=${t('end')} icon="stop" kind="danger" size="small" testid="operator-end"
        about=${t('end.about', { title: klass.title })} onClick=${onEnd} />`}
    </header>
    ${people.length > 0 && html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t('class.people', { title: klass.title })}><table>
      <thead><tr><th scope="col">${t('name')}</th><th scope="col">${t('role')}</th><th scope="col">${t('media')}</th><th scope="col">${t('sends')}</th>
        <th scope="col">${t('rate.in')}</th><th scope="col">${t('rate.out')}</th><th scope="col">${t('loss.in')}</th><th scope="col">${t('loss.out')}</th><th scope="col">${t('rtt')}</th></tr></thead>
      <tbody>${people.slice(0, ROWS_MAX).map((/** @type {any} */ p) => html`<${PersonRow} key=${p.id} person=${p} />`)}</tbody>
    </table></div>`}
    ${people.length > ROWS_MAX && html`<p class="soft">${t('class.more', { n: people.length - ROWS_MAX })}</p>`}
  </article>`;
}

/** Trainers first, then who is in trouble. @param {any} p */
function urgency(p) {
  if (p.role === 'trainer') return 3;
  if (inTrouble(p)) return 2;
  return p.sending?.length ? 1 : 0;
}

/** @param {{person: any}} props */
function PersonRow({ person: p }) {
  const good = p.media === 'connected';
  return html`<tr data-testid="operator-person" data-id=${p.id}>
    <th scope="row">${p.name}</th><td>${t(`role.${p.role}`)}</td>
    <td><span class=${`tag ${good ? 'is-good' : p.media === 'quiet' ? 'is-bad' : ''}`}>${t(`media.${p.media ?? 'none'}`)}</span></td>
    <td>${(p.sending ?? []).map((/** @type {string} */ slot) => t(`slot.${slot}`)).join(', ') || t('sends.nothing')}</td>
    <td>${bitRate(p.bps_in ?? 0)}</td><td>${bitRate(p.bps_out ?? 0)}</td>
    <td>${loss(p.loss_in)}</td><td>${loss(p.loss_out)}</td>
    <td>${!p.rtt_ms || p.media === 'none' ? t('unknown') : t('unit.ms', { value: number(p.rtt_ms, { maximumFractionDigits: 0 }) })}</td>
  </tr>`;
}

/** @param {number|null|undefined} value percent */
function loss(value) {
  if (value === undefined || value === null) return t('unknown');
  const text = number(value / 100, { style: 'percent', maximumFractionDigits: 1 });
  return html`<span class=${value >= LOSS_HIGH ? 'bad-text' : ''}>${value >= LOSS_HIGH && html`<${Icon} name="warning" />`}${text}</span>`;
}
