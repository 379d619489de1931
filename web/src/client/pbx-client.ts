/**
 * The client: a ticket, a stream, and coming back when the stream ends.
 *
 *     idle ─start()→ connecting ─ready→ live ─silence→ stale ─┐
 *                        ↑                │                    │ (a new attempt at once)
 *                        └── waiting ←lost┴────────────────────┘      closed: for good
 *
 * Figures are live in the state `live` alone. Events come in order and once: repeated ids are dropped, and
 * every new stream resumes after the last id. When that is impossible the service says `reset`; where a
 * stream must begin anew without an id, the client says it to its listeners itself, so that a listener which
 * clears on `reset` and applies all else is always right.
 *
 * A ticket that the service does not know any more is replaced. A stream that the service closes after it was
 * live (`closed`, 1008, 4500–4999, 404), and a refused ticket, end in `closed`. A service that stops says when to
 * come back; that is no failure, and nothing is added to it.
 */

import { backoffMs, DEFAULT_BACKOFF, type BackoffLimits } from './backoff.js';
import type { StreamEvent } from './events.js';
import { browser, type Platform } from './platform.js';
import { isBefore, isRepeated } from './position.js';
import { ServerClock } from './server-clock.js';
import { requestTicket, type TicketScope } from './ticket.js';
import { longPoll } from './transport/long-poll.js';
import { sse } from './transport/sse.js';
import type { End, Tech, Transport } from './transport/transport.js';
import { websocket } from './transport/websocket.js';

export type ClientState = 'idle' | 'connecting' | 'live' | 'stale' | 'waiting' | 'closed';

/** The connection as a page shows it. Instants are on the service's clock. */
export interface ConnectionStatus {
  readonly state: ClientState;
  /** When figures were last known to be right; null if never. */
  readonly liveUntil: number | null;
  /** When the next attempt comes; null unless `waiting`. */
  readonly retryAt: number | null;
  /** Why it is not live, in words; null while live or on the first attempt. */
  readonly reason: string | null;
}

export interface PbxClientOptions {
  /** Where the service is; default: where the page came from. */
  readonly baseUrl?: string | URL;
  readonly tech?: Tech;
  /** Names; `"*"` is all. */
  readonly agents?: readonly string[];
  readonly queues?: readonly string[];
  readonly callers?: boolean;
  readonly summaryEvents?: boolean;
  /** An API key, asked for before every ticket. */
  readonly getToken?: () => string | Promise<string>;
  readonly backoff?: BackoffLimits;
  readonly platform?: Platform;
  readonly transports?: Readonly<Partial<Record<Tech, Transport>>>;
}

type Listener = (event: never) => void;
type EventOf<K extends StreamEvent['type']> = Extract<StreamEvent, { type: K }>;

const TRANSPORTS: Readonly<Record<Tech, Transport>> = { websocket, sse, 'long-poll': longPoll };
/** A connection that held so long was a good one: the next failure is the first again. */
const GOOD_AFTER_MS = 10_000;
/** The least and the most that is believed when a service says when to come back. */
const COME_BACK_MS = { least: 100, most: 30_000 };
/** How long a ticket may take. */
const TICKET_TIMEOUT_MS = 15_000;

export class PbxClient {
  readonly scope: TicketScope;
  readonly #base: URL;
  readonly #transport: Transport;
  readonly #platform: Platform;
  readonly #clock: ServerClock;
  readonly #backoff: BackoffLimits;
  readonly #getToken: (() => string | Promise<string>) | null;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #statusListeners = new Set<(status: ConnectionStatus) => void>();

  #state: ClientState = 'idle';
  #reason: string | null = null;
  #ticket: string | null = null;
  #lastId: string | null = null;
  /** Whether listeners hold anything that a new beginning must clear. */
  #delivered = false;
  /** Whether a snapshot is on its way, so that no answer makes us live but `ready`. */
  #awaitingReady = true;
  #failures = 0;
  #retryAt: number | null = null;
  #liveSince: number | null = null;
  #liveUntil: number | null = null;
  #heard = { monotonic: 0, wall: 0 };
  #endAttempt: (() => void) | null = null;
  #cancelTimer: (() => void) | null = null;
  #endWake: (() => void) | null = null;

  constructor(options: PbxClientOptions) {
    this.#platform = options.platform ?? browser();
    this.#base = new URL(options.baseUrl ?? '/', globalThis.location?.href);
    this.#transport = { ...TRANSPORTS, ...options.transports }[options.tech ?? 'websocket'];
    this.#clock = new ServerClock(
      () => this.#platform.monotonic(),
      () => this.#platform.wall(),
    );
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
    this.#getToken = options.getToken ?? null;
    this.scope = {
      agents: [...(options.agents ?? [])],
      queues: [...(options.queues ?? [])],
      callers: options.callers ?? false,
      summaryEvents: options.summaryEvents ?? false,
    };
  }

  get state(): ClientState {
    return this.#state;
  }

  get status(): ConnectionStatus {
    const liveUntil = this.#state === 'live' ? this.now() : this.#liveUntil;
    return { state: this.#state, liveUntil, retryAt: this.#retryAt, reason: this.#reason };
  }

  /** The service's clock, in milliseconds since the epoch. */
  now(): number {
    return this.#clock.now();
  }

  /** Hear events of one type, or all by `"*"`. The answer ends it. */
  on<K extends StreamEvent['type']>(type: K, fn: (event: EventOf<K>) => void): () => void;
  on(type: '*', fn: (event: StreamEvent) => void): () => void;
  on(type: string, fn: Listener): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(fn));
    return () => listeners.delete(fn);
  }

  /** Hear changes of the connection. The answer ends it. */
  onStatus(fn: (status: ConnectionStatus) => void): () => void {
    this.#statusListeners.add(fn);
    return () => this.#statusListeners.delete(fn);
  }

  start(): this {
    if (this.#state !== 'idle') return this;
    this.#endWake = this.#platform.onWake(() => this.#wake());
    this.#attempt();
    return this;
  }

  /** End for good. */
  close(): void {
    this.#finish(null);
  }

  /** Try again at once, whatever the back-off says. */
  retryNow(): void {
    if (this.#state === 'waiting') this.#attempt();
  }

  // Attempts

  #attempt(): void {
    this.#stop();
    this.#retryAt = null;
    this.#set(this.#state === 'stale' ? 'stale' : 'connecting', this.#reason);
    if (this.#ticket === null) this.#fetchTicket();
    else this.#openStream(this.#ticket);
  }

  #fetchTicket(): void {
    const abort = new AbortController();
    this.#endAttempt = () => abort.abort();
    this.#cancelTimer = this.#platform.later(TICKET_TIMEOUT_MS, () =>
      this.#lost('the service does not answer', 0),
    );
    void this.#askForTicket(abort.signal).then((answer) => {
      if (abort.signal.aborted) return;
      if (answer.kind === 'refused') return this.#finish(answer.reason);
      if (answer.kind === 'failed') return this.#lost(answer.reason, answer.retryAfterMs);
      this.#ticket = answer.ticket;
      this.#openStream(answer.ticket);
    });
  }

  async #askForTicket(signal: AbortSignal): ReturnType<typeof requestTicket> {
    let token: string | null = null;
    try {
      token = this.#getToken === null ? null : await this.#getToken();
    } catch (error) {
      return { kind: 'failed', reason: `no key: ${String(error)}`, retryAfterMs: 0 };
    }
    return requestTicket(this.#platform, this.#base, this.scope, token, signal);
  }

  #openStream(ticket: string): void {
    this.#stop();
    if (this.#lastId === null) {
      this.#awaitingReady = true;
      if (this.#delivered) this.#emit({ type: 'reset' });
      this.#delivered = false;
    }
    this.#hear();
    this.#watch();
    let open = true; // a transport that is told to end may already have its next call under way
    const guarded =
      <A extends unknown[]>(fn: (...args: A) => void) =>
      (...args: A): void => {
        if (open) fn(...args);
      };
    const end = this.#transport.open(
      { platform: this.#platform, base: this.#base, ticket, after: () => this.#lastId },
      {
        alive: guarded(() => this.#hear()),
        event: guarded((event) => this.#take(event)),
        caughtUp: guarded(() => {
          if (!this.#awaitingReady) this.#live();
        }),
        ended: guarded((why) => this.#ended(why)),
      },
    );
    this.#endAttempt = () => {
      open = false;
      end();
    };
  }

  // What the stream says

  #take(event: StreamEvent): void {
    switch (event.type) {
      case 'ready':
        this.#clock.sample(event.now);
        // At the same place too: the id may say what else we were told.
        if (typeof event.id === 'string' && !isBefore(event.id, this.#lastId)) this.#lastId = event.id;
        this.#awaitingReady = false;
        this.#live();
        return this.#emit(event);
      case 'ping':
        this.#clock.sample(event.now);
        return this.#emit(event);
      case 'reset':
        this.#lastId = null;
        this.#awaitingReady = true;
        this.#delivered = false;
        this.#set('connecting', 'the service starts again from a snapshot');
        return this.#emit(event);
      case 'closed':
      case 'close':
        this.#emit(event);
        return this.#ended(
          this.#liveSince === null
            ? { kind: 'no-ticket' }
            : { kind: 'refused', reason: closedReason(event) },
        );
      default:
        return this.#takeAboutPbx(event);
    }
  }

  #takeAboutPbx(event: Extract<StreamEvent, { pbx: string }>): void {
    if (event.id !== undefined) {
      if (isRepeated(event.id, this.#lastId)) return;
      this.#lastId = event.id;
    }
    this.#delivered = true;
    this.#emit(event);
  }

  #ended(why: End): void {
    if (why.kind === 'refused') return this.#finish(why.reason);
    if (why.kind === 'lost') return this.#lost(why.reason, why.retryAfterMs ?? 0);
    if (why.kind === 'moved') return this.#moved(why.reason, why.inMs);
    if (this.#liveSince !== null) return this.#finish('the ticket is not valid any more');
    this.#ticket = null;
    this.#lost('the ticket has expired', 0);
  }

  #live(): void {
    this.#liveSince ??= this.#platform.monotonic();
    if (this.#state !== 'live') this.#set('live', null);
  }

  // Silence and loss

  #hear(): void {
    this.#heard = { monotonic: this.#platform.monotonic(), wall: this.#platform.wall() };
  }

  /** How long nothing came. A sleeping machine may stop either clock, so the longer one counts. */
  #silence(): number {
    const { monotonic, wall } = this.#heard;
    return Math.max(this.#platform.monotonic() - monotonic, this.#platform.wall() - wall);
  }

  #watch(): void {
    const left = Math.max(0, this.#transport.silenceMs - this.#silence());
    this.#cancelTimer = this.#platform.later(left + 1, () => this.#checkSilence());
  }

  #checkSilence(): void {
    this.#cancelTimer?.();
    if (this.#silence() < this.#transport.silenceMs) return this.#watch();
    const reason = 'nothing was heard from the service';
    if (this.#state !== 'live') return this.#lost(reason, 0);
    this.#rememberLive();
    this.#set('stale', reason);
    this.#attempt();
  }

  #wake(): void {
    if (this.#state === 'waiting') this.#attempt();
    else if (this.#state === 'live') this.#checkSilence();
  }

  #lost(reason: string, atLeastMs: number): void {
    this.#rememberLive();
    this.#failures += 1;
    const backoff = backoffMs(this.#failures, this.#platform.random(), this.#backoff);
    this.#comeBack(Math.max(atLeastMs, backoff), reason);
  }

  #moved(reason: string, inMs: number): void {
    this.#rememberLive();
    this.#comeBack(Math.min(COME_BACK_MS.most, Math.max(COME_BACK_MS.least, inMs)), reason);
  }

  #comeBack(waitMs: number, reason: string): void {
    this.#stop();
    this.#retryAt = this.now() + waitMs;
    this.#cancelTimer = this.#platform.later(waitMs, () => this.#attempt());
    this.#set('waiting', reason);
  }

  #rememberLive(): void {
    if (this.#liveSince === null) return;
    if (this.#platform.monotonic() - this.#liveSince >= GOOD_AFTER_MS) this.#failures = 0;
    this.#liveUntil = this.now() - (this.#platform.monotonic() - this.#heard.monotonic);
    this.#liveSince = null;
  }

  #finish(reason: string | null): void {
    if (this.#state === 'closed') return;
    this.#rememberLive();
    this.#stop();
    this.#endWake?.();
    this.#retryAt = null;
    this.#set('closed', reason);
  }

  #stop(): void {
    this.#endAttempt?.();
    this.#cancelTimer?.();
    this.#endAttempt = this.#cancelTimer = null;
  }

  // Telling

  #set(state: ClientState, reason: string | null): void {
    if (this.#state === 'live' && state !== 'live') this.#rememberLive();
    this.#state = state;
    this.#reason = reason;
    for (const fn of [...this.#statusListeners]) fn(this.status);
  }

  #emit(event: StreamEvent): void {
    for (const type of [event.type, '*']) {
      for (const fn of [...(this.#listeners.get(type) ?? [])]) {
        try {
          (fn as (event: StreamEvent) => void)(event);
        } catch (error) {
          // A listener's fault must neither end the stream nor keep the event from the others, nor be hidden.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }
  }
}

function closedReason(event: StreamEvent): string {
  return event.type === 'closed' && typeof event.reason === 'string'
    ? event.reason
    : 'the service closed the stream';
}
