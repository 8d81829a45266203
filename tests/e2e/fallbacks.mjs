// Clients without WebSockets: the official one over what the server has instead.

import { longPoll } from '../../clients/js/long_poll.js';
import { EventSource } from './event_source.mjs';
import { until } from './waiting.mjs';

// The entries of the client's list of transports.
const kEntries = {
  websocket: (url) => ({
    transport: 'websocket',
    endpoint: `${url.replace('http', 'ws')}/connection/websocket`,
  }),
  http_stream: (url) => ({ transport: 'http_stream', endpoint: `${url}/connection/http_stream` }),
  sse: (url) => ({ transport: 'sse', endpoint: `${url}/connection/sse` }),
  long_poll: (url) => ({ transport: 'http_stream', endpoint: `${url}/connection/long_poll` }),
};

// Each fallback in each protocol that it has.
export const kFallbacks = [
  ['http_stream', 'json'],
  ['http_stream', 'protobuf'],
  ['sse', 'json'],
  ['long_poll', 'json'],
  ['long_poll', 'protobuf'],
];

// Options of makeClient(): over these transports, in this order. `at` is a server, or what stands
// before it.
export function over(at, transports, options = {}) {
  return {
    endpoint: transports.map((name) => kEntries[name](at.url)),
    emulationEndpoint: `${at.url}/emulation`,
    eventsource: EventSource,
    fetch: longPoll(),
    ...options,
  };
}

// How many connections there are over a transport.
export async function connectionsOver(server, transport) {
  const scrape = await server.metrics();
  return scrape.value('millrace_transport_connections', { transport });
}

// Until every session is gone. Connections stay open for a while, for requests to come.
export function sessionsEnd(server, within) {
  return until(
    async () => (await server.metrics()).value('millrace_sessions') === 0,
    'all sessions have ended',
    within,
  );
}

// What Node keeps open for more requests is gone after some seconds.
export const kKeptAliveMs = 15_000;
