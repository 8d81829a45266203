// A plain server (see `millrace bench`) on uWebSockets: uwebsockets.mjs PORT

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// The package's entry falls back to JavaScript where its library does not load, which nobody wants
// to measure; so the library is loaded without it.
const require = createRequire(import.meta.url);
const package_ = require.resolve('@trufflesuite/uws-js-unofficial/package.json');
const library = join(
  dirname(package_),
  `binaries/uws_${process.platform}_${process.arch}_${process.versions.modules}.node`,
);
if (!existsSync(library)) throw new Error(`uWebSockets has no library for Node ${process.version}`);
const uws = require(library);

const kPublish = 'P'.charCodeAt(0);
const publishes = (message) => new Uint8Array(message)[0] === kPublish;
const app = uws.App();

const options = {
  compression: uws.DISABLED,
  maxPayloadLength: 1 << 20,
  maxBackpressure: 64 << 20, // over it, messages are dropped
  idleTimeout: 120,
};

// Whoever comes by `/sub` alone is upgraded by the core, without JavaScript.
function everybody(path, subscribes) {
  app.ws(path, {
    ...options,
    open: (socket) => subscribes && socket.subscribe('everybody'),
    message(_, message, isBinary) {
      if (publishes(message)) app.publish('everybody', message, isBinary);
    },
  });
}

function channels(path, subscribes) {
  app.ws(`${path}/:channel`, {
    ...options,
    upgrade(response, request, context) {
      response.upgrade(
        { channel: `channel/${request.getParameter(0)}` },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open: (socket) => subscribes && socket.subscribe(socket.getUserData().channel),
    message(socket, message, isBinary) {
      if (publishes(message)) app.publish(socket.getUserData().channel, message, isBinary);
    },
  });
}

for (const [path, subscribes] of [['/sub', true], ['/pub', false]]) {
  everybody(path, subscribes);
  channels(path, subscribes);
}
app.ws('/echo', {
  ...options,
  message: (socket, message, isBinary) => socket.send(message, isBinary, false),
});
app.listen('127.0.0.1', Number(process.argv[2]), (listening) => {
  if (!listening) process.exit(1);
});
