/** `<pbxis-connection>`: whether the figures are live, in one word. */

import { html, type TemplateResult } from 'lit';
import type { ConnectionStatus } from '../client/pbx-client.js';
import { CONNECTION } from '../text/en.js';
import { LightElement } from './light.js';

export class Connection extends LightElement {
  static override properties = { status: { attribute: false } };
  declare status: ConnectionStatus;

  protected override render(): TemplateResult {
    const { state } = this.status;
    return html`<span class="pill is-${state}" role="status" data-state=${state}>
      <span class="dot"></span>${CONNECTION[state]}
    </span>`;
  }
}

customElements.define('pbxis-connection', Connection);
