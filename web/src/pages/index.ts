/** `/`: the whole call centre, live. */

import '../styles/main.css';
import { html, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import '../elements/agent-tile.js';
import '../elements/queue-card.js';
import { stateBar } from '../elements/state-badge.js';
import { figure } from '../store/format.js';
import { agentsInOrder, queuesInOrder, statesInQueue, totals, type AgentRow, type Totals } from '../store/select.js';
import { keyOf, type Queue, type State } from '../store/state.js';
import { count, TECH } from '../text/en.js';
import { clientPath, TECHS } from './address.js';
import { LivePage } from './live-page.js';

const EVERYTHING = { agents: ['*'], queues: ['*'] };
const NO_QUEUES: readonly Queue[] = []; // the same one each time, so that a tile sees no change

class OverviewPage extends LivePage {
  constructor() {
    super(EVERYTHING, 'websocket');
  }

  protected override heading(state: State): TemplateResult {
    const pbxs = [...state.pbxs.keys()].join(', ');
    return html`<h1>Call centre</h1>
      <p translate="no">${pbxs}</p>`;
  }

  protected override controls(): TemplateResult {
    return html`<nav class="links" aria-label="The same as a client page">
      ${TECHS.map((tech) => html`<a href=${clientPath(tech, EVERYTHING)}>${TECH[tech]}</a>`)}
    </nav>`;
  }

  protected override content(state: State): TemplateResult {
    const queues = queuesInOrder(state);
    const rows = agentsInOrder(state);
    const showPbx = state.pbxs.size > 1;
    return html`${this.#totals(totals(queues, rows), queues, rows)}
      <section class="queues" aria-labelledby="queues-title">
        <h2 id="queues-title" class="vh">Queues</h2>
        ${repeat(
          queues,
          (queue) => keyOf(queue.pbx, queue.name),
          (queue) =>
            html`<pbxis-queue-card
              .queue=${queue}
              .states=${statesInQueue(rows, queue)}
              .until=${this.untilOf(queue.pbx)}
              .shown=${0}
              .showPbx=${showPbx}
            ></pbxis-queue-card>`,
        )}
      </section>
      <section aria-labelledby="agents-title">
        <h2 id="agents-title" class="vh">Agents</h2>
        <div class="tiles">
          ${repeat(
            rows,
            (row) => row.key,
            (row) =>
              html`<pbxis-agent-tile
                .row=${row}
                .queues=${NO_QUEUES}
                .until=${this.untilOf(row.pbx)}
                .showPbx=${showPbx}
              ></pbxis-agent-tile>`,
          )}
        </div>
      </section>`;
  }

  #totals(all: Totals, queues: readonly Queue[], rows: readonly AgentRow[]): TemplateResult {
    // A sum is live only if all its parts are.
    const ends = [...this.state.pbxs.keys()].flatMap((pbx) => this.untilOf(pbx) ?? []);
    const until = ends.length === 0 ? null : Math.min(...ends);
    return html`<section
      class="totals card ${until === null ? '' : 'not-live'}"
      aria-labelledby="totals-title"
    >
      <h2 id="totals-title" class="vh">Totals</h2>
      <div>
        <span class="label">Waiting now</span><b class="big" data-figure="waiting">${figure(all.waiting)}</b>
        <span class="label">in ${count(queues.length, 'queue', 'queues')}</span>
      </div>
      <div>
        <span class="label">Longest wait</span>
        <b class="big"><pbxis-timer .since=${all.longestSince} .until=${until}></pbxis-timer></b>
      </div>
      <div class="wide">
        <span class="label">${count(rows.length, 'agent', 'agents')}</span>
        ${stateBar(all.states, true)}
      </div>
    </section>`;
  }
}

customElements.define('pbxis-overview-page', OverviewPage);
