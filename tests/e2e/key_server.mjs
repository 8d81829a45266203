// The place where a server fetches public keys: a JWK set over HTTP.

import http from 'node:http';

import { freePort } from './harness.mjs';

export class KeyServer {
  static async make() {
    return new KeyServer(await freePort());
  }

  constructor(port) {
    this.port = port;
    this.origin = `http://127.0.0.1:${port}`;
    this.url = `${this.origin}/.well-known/jwks.json`;
    this.keys = []; // as jwk
    this.byPath = {}; // instead of these
    this.asked = []; // the paths of the requests
    this.status = 200;
    this.held = null; // what its answers wait for
  }

  // From now on nobody is answered, until the function that it returns is called.
  hold() {
    let release;
    this.held = new Promise((done) => (release = done));
    return release;
  }

  start() {
    this.listener = http.createServer(async (request, response) => {
      this.asked.push(request.url);
      await this.held;
      response.writeHead(this.status, { 'Content-Type': 'application/json', Connection: 'close' });
      response.end(JSON.stringify({ keys: this.byPath[request.url] ?? this.keys }));
    });
    return new Promise((done) => this.listener.listen(this.port, '127.0.0.1', done));
  }

  stop() {
    return new Promise((done) => (this.listener ? this.listener.close(done) : done()));
  }
}
