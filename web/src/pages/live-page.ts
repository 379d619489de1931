/**
 * What all live pages have: a client, the state, and one redraw a frame however many events come.
 *
 * A page shows `shown`: the state, or after a minute without a connection the same rows without figures.
 */

import { html, type TemplateResult } from 'lit';
import { PbxClient, type ConnectionStatus } from '../client/pbx-client.js';
import type { Tech } from '../client/transport/transport.js';
import '../elements/connection.js';
import { logo } from '../elements/icons.js';
import { LightElement } from '../elements/light.js';
import '../elements/notices.js';
import { everySecond, now, useClock } from '../elements/ticker.js';
import '../elements/timer.js';
import { reduce } from '../store/reduce.js';
import { notLiveSince, pbxsNotLive } from '../store/select.js';
import { empty, forget, type Scope, type State } from '../store/state.js';
import { CONNECTION } from '../text/en.js';

const FORGET_AFTER_MS = 60_000;

export abstract class LivePage extends LightElement {
  protected readonly client: PbxClient;
  protected state: State;
  #frame: number | null = null;

  constructor(scope: Scope, tech: Tech) {
    super();
    this.state = empty(scope);
    this.client = new PbxClient({ tech, agents: scope.agents, queues: scope.queues, callers: true });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    useClock(() => this.client.now());
    this.client.on('*', (event) => {
      this.state = reduce(this.state, event);
      this.#redraw();
    });
    this.client.onStatus(() => this.#redraw());
    everySecond(() => {
      if (this.client.state !== 'live') this.#redraw();
    });
    this.client.start();
  }

  protected get status(): ConnectionStatus {
    return this.client.status;
  }

  /** When the figures of a PBX stopped being live; null while they are. */
  protected untilOf = (pbx: string): number | null => {
    const { state, liveUntil } = this.status;
    const pbxUntil = notLiveSince(this.state, pbx);
    if (state === 'live') return pbxUntil;
    const until = liveUntil ?? now();
    return pbxUntil === null ? until : Math.min(until, pbxUntil);
  };

  protected get shown(): State {
    const { state, liveUntil } = this.status;
    const tooOld = state !== 'live' && liveUntil !== null && now() - liveUntil > FORGET_AFTER_MS;
    return tooOld ? forget(this.state) : this.state;
  }

  protected abstract heading(state: State): TemplateResult;
  protected abstract controls(): TemplateResult;
  protected abstract content(state: State): TemplateResult;

  protected override render(): TemplateResult {
    const { shown, status } = this;
    const notLive = pbxsNotLive(shown);
    return html`<header class="top">
        <a class="brand" href="/">${logo()}<span>pbxis</span></a>
        <div class="heading">${this.heading(shown)}</div>
        <pbxis-connection .status=${status} .pbxs=${shown.pbxs.size} .notLive=${notLive.length}></pbxis-connection>
        ${this.controls()}
      </header>
      <pbxis-notices
        .status=${status}
        .pbxs=${notLive}
        .tick=${Math.floor(now() / 1000)}
        @retry=${() => this.client.retryNow()}
      ></pbxis-notices>
      <main>${this.content(shown)}</main>`;
  }

  protected override updated(): void {
    document.documentElement.dataset['connection'] = this.client.state;
    const page = document.title.replace(/^.* · /, '');
    document.title = this.client.state === 'live' ? page : `${CONNECTION[this.client.state]} · ${page}`;
  }

  #redraw(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.requestUpdate();
    });
  }
}
