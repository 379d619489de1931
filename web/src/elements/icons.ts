/** Icons, 16 by 16, in the colour of the text. Each state has a shape of its own, so that colour is never all. */

import { html, svg, type SVGTemplateResult, type TemplateResult } from 'lit';
import type { AgentState } from '../store/agent-state.js';

const icon = (shape: SVGTemplateResult): TemplateResult =>
  html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${shape}</svg>`;

const HANDSET = svg`<path d="M4.3 1.9 6.2 1.7a.9.9 0 0 1 .9.6l.9 2.3a.9.9 0 0 1-.3 1l-1.2 1a8 8 0 0 0 3.2 3.2l1-1.2a.9.9 0 0 1 1-.3l2.3.9a.9.9 0 0 1 .6.9l-.2 1.9a1.8 1.8 0 0 1-2 1.6C6.9 13.1 2.9 9.1 2.4 3.9a1.8 1.8 0 0 1 1.9-2Z"/>`;
const BELL = svg`<path d="M8 1.5a4.2 4.2 0 0 0-4.2 4.2v2.7L2.5 11a.5.5 0 0 0 .45.7h10.1a.5.5 0 0 0 .45-.7l-1.3-2.6V5.7A4.2 4.2 0 0 0 8 1.5ZM6.3 12.7a1.75 1.75 0 0 0 3.4 0Z"/>`;
const BARS = svg`<path d="M4 3h2.7v10H4zM9.3 3H12v10H9.3z"/>`;
const HOLD = svg`<path fill-rule="evenodd" d="M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5.6 5h1.7v6H5.6zm3.1 0h1.7v6H8.7z"/>`;
const DISC = svg`<circle cx="8" cy="8" r="5"/>`;
const RING = svg`<circle cx="8" cy="8" r="4.2" fill="none" stroke="currentColor" stroke-width="1.8"/>`;
const DASH = svg`<path d="M4 7.1h8v1.8H4z"/>`;

const OF_STATE: Readonly<Record<AgentState, SVGTemplateResult>> = {
  ringing: BELL,
  incall: HANDSET,
  hold: HOLD,
  paused: BARS,
  available: DISC,
  offline: RING,
  unknown: DASH,
};

export const stateIcon = (state: AgentState): TemplateResult => icon(OF_STATE[state]);

export const inboundIcon = (): TemplateResult =>
  icon(svg`<path d="M12.7 4.5 6.9 10.3H11V12H4V5h1.7v4.1l5.8-5.8z"/>`);

export const outboundIcon = (): TemplateResult =>
  icon(svg`<path d="M3.3 11.5 9.1 5.7H5V4h7v7h-1.7V6.9l-5.8 5.8z"/>`);

export const warningIcon = (): TemplateResult =>
  icon(
    svg`<path fill-rule="evenodd" d="M8 1.3a1 1 0 0 1 .87.5l6.2 11a1 1 0 0 1-.87 1.5H1.8a1 1 0 0 1-.87-1.5l6.2-11A1 1 0 0 1 8 1.3ZM7.2 5.5v4h1.6v-4zm0 5.2v1.7h1.6v-1.7z"/>`,
  );

export const logo = (): TemplateResult => html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
  <rect class="logo-ground" width="32" height="32" rx="8" />
  <path class="logo-bars" d="M7 17h4v8H7zM14 11h4v14h-4zM21 7h4v18h-4z" />
</svg>`;
