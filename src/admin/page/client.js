// The official Centrifuge client in either wire format, with payloads as JSON text on both sides.

import { Centrifuge as JsonCentrifuge } from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';

export function endpoint() {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${location.host}/connection/websocket`;
}

export function makeClient(protocol) {
  const Client = protocol === 'protobuf' ? ProtobufCentrifuge : JsonCentrifuge;
  return new Client(endpoint(), { name: 'playground' });
}

// A JSON connection carries values, a Protobuf one bytes.
export function encode(protocol, value) {
  return protocol === 'protobuf' ? new TextEncoder().encode(JSON.stringify(value)) : value;
}

export function decode(data) {
  return data instanceof Uint8Array ? new TextDecoder().decode(data) : JSON.stringify(data);
}
