/** The pages' own elements render into the page itself: one set of styles, and everything findable and printable. */

import { LitElement } from 'lit';

export class LightElement extends LitElement {
  protected override createRenderRoot(): HTMLElement {
    return this;
  }
}
