/**
 * The events of the stream, as the service publishes them.
 *
 * A state is the full current value and replaces the one before it; a moment happened once. Instants are
 * milliseconds since the epoch on the service's clock. `id` is on live events, never on those of a snapshot.
 * More properties and more types may come: ignore what you do not know.
 */

export type DeviceStatus =
  | 'not_inuse'
  | 'inuse'
  | 'busy'
  | 'ringing'
  | 'ringinuse'
  | 'onhold'
  | 'unavailable'
  | 'unknown';
export type ExtensionWord = Exclude<DeviceStatus, 'unknown'>;
export type MemberWord = DeviceStatus | 'loggedoff' | 'paused';
export type CallState = 'ringing' | 'dialing' | 'connected' | 'held';
export type Direction = 'inbound' | 'outbound';
export type PbxWord = 'online' | 'syncing' | 'offline' | 'auth_failed';

/** What every event about a PBX has. */
export interface AboutPbx {
  readonly pbx: string;
  readonly id?: string;
}

/** What every state has; `gone` marks the last value of something that no longer exists. */
export interface StateOfPbx extends AboutPbx {
  readonly gone?: boolean;
}

export interface AgentName extends StateOfPbx {
  readonly type: 'agentName';
  readonly agent: string;
  readonly name: string;
}

export interface ExtensionStatus extends StateOfPbx {
  readonly type: 'extensionStatus';
  readonly agent: string;
  readonly status: ExtensionWord;
}

export interface QueueMemberStatus extends StateOfPbx {
  readonly type: 'queueMemberStatus';
  readonly agent: string;
  readonly queue: string;
  readonly status: MemberWord;
  /** The phone's own state, also while paused. */
  readonly deviceStatus: DeviceStatus;
  readonly paused: boolean;
  readonly pausedReason: string | null;
  readonly penalty: number;
  readonly callsTaken: number;
  readonly lastCall: number | null;
  /** When `status` became what it is. */
  readonly since: number | null;
}

export interface Call {
  readonly uniqueId: string;
  /** `"anonymous"` when withheld. */
  readonly number: string;
  readonly name: string | null;
  readonly queue: string | null;
  readonly direction: Direction;
  readonly state: CallState;
  readonly since: number;
}

/** `number` is `null` only when there is no call; what stands outside `calls` is the call in front. */
export interface PhoneNumber extends StateOfPbx {
  readonly type: 'phoneNumber';
  readonly agent: string;
  readonly number: string | null;
  readonly name: string | null;
  readonly queue: string | null;
  readonly direction: Direction | null;
  readonly uniqueId: string | null;
  readonly since: number | null;
  readonly calls: readonly Call[];
}

export interface QueueCount extends StateOfPbx {
  readonly type: 'queueCount';
  readonly queue: string;
  readonly count: number;
}

export interface WaitingCaller {
  readonly uniqueId: string;
  readonly number: string;
  readonly name: string | null;
  /** From 1. */
  readonly position: number;
  readonly since: number;
}

export interface QueueCallers extends StateOfPbx {
  readonly type: 'queueCallers';
  readonly queue: string;
  readonly callers: readonly WaitingCaller[];
}

/** Asterisk's own figures of a queue; times in seconds, `serviceLevelPerf` in per cent. */
export interface QueueSummary extends StateOfPbx {
  readonly type: 'QueueSummary';
  readonly queue: string;
  readonly available: number;
  readonly holdTime: number;
  readonly loggedIn: number;
  readonly longestHoldTime: number;
  readonly talkTime: number;
  readonly abandoned: number;
  readonly completed: number;
  readonly serviceLevel: number;
  readonly serviceLevelPerf: number;
  readonly calls: number;
}

export interface MemberFigures {
  readonly agent: string;
  readonly location: string;
  readonly memberName: string;
  readonly callsTaken: number;
  readonly lastCall: number | null;
  readonly incall: boolean;
  readonly paused: boolean;
  readonly pausedReason: string | null;
  readonly penalty: number;
  readonly status: DeviceStatus;
}

export interface MemberSummary extends StateOfPbx {
  readonly type: 'MemberSummary';
  readonly queue: string;
  readonly members: readonly MemberFigures[];
}

/** The figures of a PBX are live only while `status` is `online`. */
export interface PbxStatus extends StateOfPbx {
  readonly type: 'pbxStatus';
  readonly status: PbxWord;
  readonly since: number;
  readonly reason: string | null;
}

export interface AgentComplete extends AboutPbx {
  readonly type: 'agentComplete';
  readonly agent: string;
  readonly queue: string;
  readonly uniqueId: string;
  readonly talkTime: number;
  readonly holdTime: number;
  readonly recording: string | null;
  readonly reason: string;
}

export interface OriginateFailed extends AboutPbx {
  readonly type: 'originateFailed';
  readonly actionId: string;
  readonly agent: string;
  readonly reason: string;
}

export interface Parking extends AboutPbx {
  readonly type: 'parkedCall' | 'parkedCallGiveUp' | 'parkedCallTimeOut' | 'unParkedCall';
  readonly callerId: string;
  readonly channel: string;
  readonly parkedExt: string;
  readonly parkedBy: string | null;
  readonly timeout: number;
}

/** Moments were lost between the PBX and the service; states are right all the same. */
export interface EventsLost extends AboutPbx {
  readonly type: 'eventsLost';
  readonly count: number;
  readonly since: number;
}

/** The snapshot is complete (or the stream was resumed): from here on everything is live. */
export interface Ready {
  readonly type: 'ready';
  readonly resumed: boolean;
  readonly now: number;
  readonly id: string;
}

export interface Ping {
  readonly type: 'ping';
  readonly now: number;
}

/** Forget the state; a new snapshot and `ready` follow. In an event stream it has an id, which is no place. */
export interface Reset {
  readonly type: 'reset';
  readonly id?: string;
}

/** No further events will come. */
export interface Closed {
  readonly type: 'closed';
  readonly reason?: string;
}

export interface Close {
  readonly type: 'close';
}

export type PbxEvent =
  | AgentName
  | ExtensionStatus
  | QueueMemberStatus
  | PhoneNumber
  | QueueCount
  | QueueCallers
  | QueueSummary
  | MemberSummary
  | PbxStatus
  | AgentComplete
  | OriginateFailed
  | Parking
  | EventsLost;

export type ControlEvent = Ready | Ping | Reset | Closed | Close;

export type StreamEvent = PbxEvent | ControlEvent;

/**
 * Read one event from JSON text. Returns null for what is not an object with a string `type`:
 * a client must survive what it does not understand.
 */
export function parseEvent(text: string): StreamEvent | null {
  try {
    return asEvent(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The value as an event, or null if it is none. */
export function asEvent(value: unknown): StreamEvent | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return typeof (value as { type?: unknown }).type === 'string' ? (value as StreamEvent) : null;
}
