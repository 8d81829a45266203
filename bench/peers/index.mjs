// The servers that are compared, in the order of the table.
//
// A peer is {name, title, dialect, can, missing, start}:
//   dialect   what `millrace bench` is told to speak with it
//   can       the scenarios of the generator that this server can take part in
//   missing   says why it cannot run here; null when it can
//   start     starts it on `host.core`; resolves once it listens: {url, pids, stop}, the pids being
//             those whose CPU time and memory count. `host` is {core, folder, binary}: a folder for
//             what it writes, and the program under test.

import centrifugo from './centrifugo.mjs';
import millrace from './millrace.mjs';
import nats from './nats.mjs';
import nchan from './nchan.mjs';
import raw from './raw.mjs';
import socketio from './socketio.mjs';
import uwebsockets from './uwebsockets.mjs';
import ws from './ws.mjs';

export const kPeers = [raw, uwebsockets, millrace, centrifugo, nats, nchan, ws, socketio];

// The one that ratios are given to.
export const kReference = uwebsockets.name;
