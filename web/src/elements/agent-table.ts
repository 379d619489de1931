/** `<pbxis-agent-table>`: agents by queues; on a narrow screen the same as cards. */

import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { stateOf } from '../store/agent-state.js';
import { UNKNOWN } from '../store/format.js';
import type { AgentRow } from '../store/select.js';
import { keyOf, type Queue } from '../store/state.js';
import './agent-tile.js';
import { LightElement } from './light.js';
import { memberBadge } from './member-badge.js';
import { callLine, stateBadge } from './state-badge.js';

const narrow = window.matchMedia('(max-width: 52rem)');

export class AgentTable extends LightElement {
  static override properties = {
    rows: { attribute: false },
    queues: { attribute: false },
    untilOf: { attribute: false },
    showPbx: { attribute: false },
  };
  declare rows: readonly AgentRow[];
  declare queues: readonly Queue[];
  declare untilOf: (pbx: string) => number | null;
  declare showPbx: boolean;

  #redraw = (): void => this.requestUpdate();

  override connectedCallback(): void {
    super.connectedCallback();
    narrow.addEventListener('change', this.#redraw);
  }

  override disconnectedCallback(): void {
    narrow.removeEventListener('change', this.#redraw);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    return narrow.matches ? this.#tiles() : this.#table();
  }

  #tiles(): TemplateResult {
    return html`<div class="tiles">
      ${repeat(
        this.rows,
        (row) => row.key,
        (row) =>
          html`<pbxis-agent-tile
            .row=${row}
            .queues=${this.queues.filter((queue) => queue.pbx === row.pbx)}
            .until=${this.untilOf(row.pbx)}
            .showPbx=${this.showPbx}
          ></pbxis-agent-tile>`,
      )}
    </div>`;
  }

  #table(): TemplateResult {
    return html`<div class="table-frame card" role="region" aria-label="Agents by queue" tabindex="0">
      <table class="agents">
        <thead>
          <tr>
            <th scope="col">Agent</th>
            <th scope="col">Phone</th>
            <th scope="col">Call</th>
            <th scope="col" class="num">For</th>
            ${this.queues.map(
              (queue) =>
                html`<th scope="col" translate="no">
                  ${queue.name}${this.showPbx ? html` <small>${queue.pbx}</small>` : nothing}
                </th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${repeat(
            this.rows,
            (row) => row.key,
            (row) => this.#row(row),
          )}
        </tbody>
      </table>
    </div>`;
  }

  #row(row: AgentRow): TemplateResult {
    const { agent, name, pbx, about, standing } = row;
    const until = this.untilOf(pbx);
    const extension = about?.extension ?? null;
    return html`<tr
      class=${until === null ? '' : 'not-live'}
      data-agent=${agent}
      data-pbx=${pbx}
      data-state=${standing.state}
    >
      <th scope="row">
        <span class="name" translate="no">${name ?? agent}</span>
        ${name !== null && name !== agent ? html`<span class="ext">${agent}</span>` : nothing}
        ${this.showPbx ? html`<span class="ext" translate="no">${pbx}</span>` : nothing}
      </th>
      <td data-figure="extension">
        ${extension === null ? html`<span class="none">${UNKNOWN}</span>` : stateBadge(stateOf(extension))}
      </td>
      <td data-figure="call">
        ${(about?.calls ?? []).map((call) => html`<span class="call-in-row is-${call.state}">${callLine(call)}</span>`)}
      </td>
      <td class="num">
        ${standing.call === null
          ? nothing
          : html`<pbxis-timer .since=${standing.call.since} .until=${until}></pbxis-timer>`}
      </td>
      ${this.queues.map(
        (queue) =>
          html`<td data-queue=${queue.name}>
            ${queue.pbx === pbx ? memberBadge(row.members.get(keyOf(queue.pbx, queue.name))) : nothing}
          </td>`,
      )}
    </tr>`;
  }
}

customElements.define('pbxis-agent-table', AgentTable);
