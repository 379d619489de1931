/** `<pbxis-agent-tile>`: one agent on a small card; with `queues`, his standing in each of them. */

import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { AgentRow } from '../store/select.js';
import { keyOf, type Queue } from '../store/state.js';
import { STATE } from '../text/en.js';
import { stateIcon } from './icons.js';
import { LightElement } from './light.js';
import { memberBadge } from './member-badge.js';
import { callLine } from './state-badge.js';

const sameRow = (a: AgentRow, b: AgentRow | undefined): boolean =>
  b !== undefined && a.key === b.key && a.about === b.about && a.members === b.members;

export class AgentTile extends LightElement {
  static override properties = {
    row: { attribute: false, hasChanged: (a: AgentRow, b: AgentRow | undefined) => !sameRow(a, b) },
    queues: { attribute: false },
    until: { attribute: false },
    showPbx: { attribute: false },
  };
  declare row: AgentRow;
  declare queues: readonly Queue[];
  declare until: number | null;
  declare showPbx: boolean;

  protected override updated(changed: PropertyValues): void {
    if (changed.has('until')) this.classList.toggle('not-live', this.until !== null);
  }

  protected override render(): TemplateResult {
    const { agent, name, standing, pbx } = this.row;
    const { state, call, reason, since } = standing;
    return html`<article class="card tile st-${state}" data-agent=${agent} data-pbx=${pbx} data-state=${state}>
      <h3>
        ${stateIcon(state)}<span class="name" translate="no">${name ?? agent}</span>
      </h3>
      ${since === null || state === 'offline'
        ? nothing
        : html`<pbxis-timer .since=${since} .until=${this.until}></pbxis-timer>`}
      <p class="what">
        ${call === null
          ? html`<span class="word">${state === 'paused' && reason ? reason : STATE[state]}</span>`
          : html`<span class="vh">${STATE[state]}</span>${callLine(call)}`}
      </p>
      ${name === agent && !this.showPbx
        ? nothing
        : html`<span class="ext" translate="no">${agent}${this.showPbx ? `@${pbx}` : ''}</span>`}
      ${this.queues.length === 0 ? nothing : this.#queues()}
    </article>`;
  }

  #queues(): TemplateResult {
    return html`<dl class="memberships">
      ${this.queues.map(
        (queue) => html`<div>
          <dt translate="no">${queue.name}</dt>
          <dd>${memberBadge(this.row.members.get(keyOf(queue.pbx, queue.name)))}</dd>
        </div>`,
      )}
    </dl>`;
  }
}

customElements.define('pbxis-agent-tile', AgentTile);
