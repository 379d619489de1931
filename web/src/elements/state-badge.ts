/** Templates shared by the elements: a state with its shape and word, a call, a state's share of a bar. */

import { html, nothing, svg, type TemplateResult } from 'lit';
import type { Call } from '../client/events.js';
import type { AgentState } from '../store/agent-state.js';
import { ANONYMOUS, STATE } from '../text/en.js';
import { inboundIcon, outboundIcon, stateIcon } from './icons.js';

export const stateBadge = (state: AgentState, word: string = STATE[state]): TemplateResult =>
  html`<span class="state st-${state}">${stateIcon(state)}<span class="word">${word}</span></span>`;

export const numberOf = (call: Pick<Call, 'number'>): string =>
  call.number === 'anonymous' ? ANONYMOUS : call.number;

export const callLine = (call: Call): TemplateResult => html`<span class="call">
  <span class="dir">
    ${call.direction === 'inbound' ? inboundIcon() : outboundIcon()}<span class="vh"
      >${call.direction === 'inbound' ? 'from' : 'to'}</span
    >
  </span>
  <span class="number" translate="no">${numberOf(call)}</span>
  ${call.name ? html`<span class="who" translate="no">${call.name}</span>` : nothing}
</span>`;

const BAR_ORDER: readonly AgentState[] = ['available', 'incall', 'hold', 'ringing', 'paused'];

/** How many agents are in each state: a bar, and the same in words. */
export function stateBar(counts: ReadonlyMap<AgentState, number>, withWords: boolean): TemplateResult {
  const parts = BAR_ORDER.map((state) => ({ state, n: counts.get(state) ?? 0 })).filter(({ n }) => n > 0);
  const all = parts.reduce((sum, { n }) => sum + n, 0);
  let x = 0;
  const segments = parts.map(({ state, n }) => {
    const width = (n / all) * 100;
    const segment = svg`<rect class="fill-${state}" x=${x} y="0" width=${Math.max(0.2, x + width > 99.9 ? width : width - 0.5)} height="8"></rect>`;
    x += width;
    return segment;
  });
  return html`<div class="state-bar">
    <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="fill-none" width="100" height="8"></rect>
      ${segments}
    </svg>
    <ul class="legend">
      ${parts.map(
        ({ state, n }) => html`<li class="st-${state}">
          ${stateIcon(state)}<b>${n}</b><span class=${withWords ? 'word' : 'vh'}>${STATE[state].toLowerCase()}</span>
        </li>`,
      )}
    </ul>
  </div>`;
}
