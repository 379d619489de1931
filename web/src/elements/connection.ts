/** `<pbxis-connection>`: whether the figures are live, in one word: the connection and every PBX must be. */

import { html, type TemplateResult } from 'lit';
import type { ConnectionStatus } from '../client/pbx-client.js';
import { CONNECTION, NOT_LIVE, PARTLY_LIVE } from '../text/en.js';
import { LightElement } from './light.js';

export class Connection extends LightElement {
  static override properties = { status: { attribute: false }, pbxs: { attribute: false }, notLive: { attribute: false } };
  declare status: ConnectionStatus;
  /** How many PBXs there are, and how many of them are not online. */
  declare pbxs: number;
  declare notLive: number;

  protected override render(): TemplateResult {
    const { state } = this.status;
    const halted = state === 'live' && this.notLive > 0;
    const word = !halted ? CONNECTION[state] : this.notLive < this.pbxs ? PARTLY_LIVE : NOT_LIVE;
    return html`<span class="pill is-${halted ? 'stale' : state}" role="status" data-state=${state}>
      <span class="dot"></span>${word}
    </span>`;
  }
}

customElements.define('pbxis-connection', Connection);
