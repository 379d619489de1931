/** `/client/<tech>/<agents>/<queues>`: everything that a ticket of this scope tells, as the service names it. */

import '../styles/main.css';
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import '../elements/agent-table.js';
import '../elements/queue-card.js';
import { agentsInOrder, queuesInOrder, statesInQueue, unheard } from '../store/select.js';
import { keyOf, type State } from '../store/state.js';
import { count, TECH } from '../text/en.js';
import { clientPath, readAddress, TECHS } from './address.js';
import { LivePage } from './live-page.js';

const CALLERS_SHOWN = 4;
const address = readAddress(location.pathname);

class ClientPage extends LivePage {
  constructor() {
    super(address.scope, address.tech);
  }

  protected override heading(state: State): TemplateResult {
    const queues = count(state.queues.size, 'queue', 'queues');
    return html`<h1>Client</h1>
      <p>${count(agentsInOrder(state).length, 'agent', 'agents')} · ${queues}</p>`;
  }

  protected override controls(): TemplateResult {
    return html`<nav class="switch" aria-label="Transport">
      ${TECHS.map(
        (tech) =>
          html`<a
            href=${clientPath(tech, address.scope)}
            aria-current=${tech === address.tech ? 'page' : nothing}
            >${TECH[tech]}</a
          >`,
      )}
    </nav>`;
  }

  protected override content(state: State): TemplateResult {
    const queues = queuesInOrder(state);
    const rows = agentsInOrder(state);
    const showPbx = state.pbxs.size > 1;
    return html`<section class="queues" aria-labelledby="queues-title">
        <h2 id="queues-title" class="vh">Queues</h2>
        ${repeat(
          queues,
          (queue) => keyOf(queue.pbx, queue.name),
          (queue) =>
            html`<pbxis-queue-card
              .queue=${queue}
              .states=${statesInQueue(rows, queue)}
              .until=${this.untilOf(queue.pbx)}
              .shown=${CALLERS_SHOWN}
              .showPbx=${showPbx}
            ></pbxis-queue-card>`,
        )}
      </section>
      <section aria-labelledby="agents-title">
        <h2 id="agents-title">Agents</h2>
        ${rows.length === 0
          ? html`<p class="empty">No agent yet.</p>`
          : html`<pbxis-agent-table
              .rows=${rows}
              .queues=${queues}
              .untilOf=${this.untilOf}
              .showPbx=${showPbx}
            ></pbxis-agent-table>`}
        ${this.#unheard(state)}
      </section>`;
  }

  /** Names in the address that no PBX knows are likely misspelt. */
  #unheard(state: State): TemplateResult | typeof nothing {
    const { agents, queues } = unheard(state);
    const names = [...agents, ...queues];
    if (this.client.state !== 'live' || names.length === 0) return nothing;
    return html`<p class="empty">Nothing was heard of: <span translate="no">${names.join(', ')}</span></p>`;
  }
}

customElements.define('pbxis-client-page', ClientPage);
