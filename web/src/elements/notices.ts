/** `<pbxis-notices>`: what stands between the reader and live figures, said where it cannot be missed. */

import { html, nothing, type TemplateResult } from 'lit';
import type { ConnectionStatus } from '../client/pbx-client.js';
import { timeOfDay } from '../store/format.js';
import type { Pbx } from '../store/state.js';
import { PBX } from '../text/en.js';
import { warningIcon } from './icons.js';
import { LightElement } from './light.js';
import { now } from './ticker.js';

export class Notices extends LightElement {
  static override properties = {
    status: { attribute: false },
    pbxs: { attribute: false },
    tick: { attribute: false },
  };
  declare status: ConnectionStatus;
  /** Those that are not online. */
  declare pbxs: readonly Pbx[];
  /** Changes each second, for the countdown. */
  declare tick: number;

  protected override render(): TemplateResult {
    return html`<div class="notices" role="status">${this.#connection()} ${this.pbxs.map((pbx) => this.#pbx(pbx))}</div>`;
  }

  #connection(): TemplateResult | typeof nothing {
    const { state, liveUntil, reason, retryAt } = this.status;
    if (state === 'live' || state === 'idle' || (state === 'connecting' && reason === null)) return nothing;
    const title = state === 'closed' ? 'The stream has ended' : liveUntil === null ? 'No connection' : 'Connection lost';
    return html`<p class="notice is-lost">
      ${warningIcon()}
      <span
        ><b>${title}</b>${liveUntil === null ? nothing : html` – figures from ${timeOfDay(liveUntil)}`}${reason === null
          ? nothing
          : html` – <span>${reason}</span>`}</span
      >
      ${state === 'waiting' && retryAt !== null
        ? html`<span class="countdown" aria-live="off"
              >trying again in ${Math.max(0, Math.ceil((retryAt - now()) / 1000))} s</span
            ><button type="button" @click=${this.#retry}>Try now</button>`
        : nothing}
      ${state === 'closed' ? html`<button type="button" @click=${() => location.reload()}>Start again</button>` : nothing}
    </p>`;
  }

  #pbx({ name, status, since, reason }: Pbx): TemplateResult {
    return html`<p class="notice ${status === 'syncing' ? 'is-syncing' : 'is-lost'}" data-pbx=${name} data-status=${status}>
      ${warningIcon()}
      <span
        ><b><span translate="no">${name}</span> ${PBX[status]}</b> since ${timeOfDay(since)} – its figures are not
        live${reason === null ? nothing : html` – <span>${reason}</span>`}</span
      >
    </p>`;
  }

  #retry = (): void => {
    this.dispatchEvent(new CustomEvent('retry'));
  };
}

customElements.define('pbxis-notices', Notices);
