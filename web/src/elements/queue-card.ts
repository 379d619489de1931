/** `<pbxis-queue-card>`: how many wait, for how long, who, and who could answer. */

import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { AgentState } from '../store/agent-state.js';
import { figure } from '../store/format.js';
import { longestSince } from '../store/select.js';
import type { Queue } from '../store/state.js';
import { LightElement } from './light.js';
import { numberOf, stateBar } from './state-badge.js';

export class QueueCard extends LightElement {
  static override properties = {
    queue: { attribute: false },
    states: { attribute: false },
    until: { attribute: false },
    shown: { type: Number },
    showPbx: { attribute: false },
  };
  declare queue: Queue;
  declare states: ReadonlyMap<AgentState, number>;
  /** When the figures stopped being live; null while they are. */
  declare until: number | null;
  /** How many callers to list. */
  declare shown: number;
  declare showPbx: boolean;

  protected override updated(changed: PropertyValues): void {
    if (changed.has('until')) this.classList.toggle('not-live', this.until !== null);
  }

  protected override render(): TemplateResult {
    const { queue, until } = this;
    const since = longestSince(queue);
    return html`<article class="card queue" data-queue=${queue.name} data-pbx=${queue.pbx}>
      <h3 translate="no">${queue.name}${this.showPbx ? html` <small>${queue.pbx}</small>` : nothing}</h3>
      <div class="figures">
        <p class="waiting">
          <b class="big" data-figure="count">${figure(queue.count)}</b><span class="label">waiting</span>
        </p>
        ${queue.callers === null
          ? nothing
          : html`<p class="longest">
              <b><pbxis-timer .since=${since} .until=${until}></pbxis-timer></b><span class="label">longest</span>
            </p>`}
      </div>
      ${stateBar(this.states, false)} ${this.#callers()}
    </article>`;
  }

  #callers(): TemplateResult | typeof nothing {
    const callers = this.queue.callers ?? [];
    if (this.shown === 0 || callers.length === 0) return nothing;
    const more = callers.length - this.shown;
    return html`<ol class="callers">
      ${callers.slice(0, this.shown).map(
        (caller) => html`<li>
          <span class="number" translate="no">${numberOf(caller)}</span>
          <span class="who" translate="no">${caller.name ?? ''}</span>
          <pbxis-timer .since=${caller.since} .until=${this.until}></pbxis-timer>
        </li>`,
      )}
      ${more > 0 ? html`<li class="more">and ${more} more</li>` : nothing}
    </ol>`;
  }
}

customElements.define('pbxis-queue-card', QueueCard);
