/** The browser library: live events of a call centre. No dependency. */

export type * from './events.js';
export { PbxClient } from './pbx-client.js';
export type { ClientState, ConnectionStatus, PbxClientOptions } from './pbx-client.js';
export type { Tech } from './transport/transport.js';
