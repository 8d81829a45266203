// An application's backend that is asked who a client is, as its server's connect proxy asks it.

import http from 'node:http';

import { freePort } from './harness.mjs';
import { Inbox } from './waiting.mjs';

export class AppBackend {
  static async start() {
    const backend = new AppBackend(await freePort());
    await backend.start();
    return backend;
  }

  constructor(port) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}/connect`;
    this.reset();
  }

  // What it answers: a function of {body, headers} to {status, body}, where `body` is made JSON if it
  // is no text; or null for no answer, which then is release()'s.
  reset(answer = () => ({ body: { result: { user: '42' } } })) {
    this.answer = answer;
    this.asked = new Inbox('a question to the backend');
    this.held = [];
  }

  start() {
    this.sockets = new Set();
    this.listener = http.createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8');
      request.on('data', (chunk) => (text += chunk));
      request.on('end', () => {
        const asked = { body: JSON.parse(text), headers: request.headers, raw: request.rawHeaders };
        const answer = this.answer(asked);
        if (answer === null) this.held.push(response);
        else this.reply(response, answer);
        this.asked.push({ ...asked, path: request.url, method: request.method });
      });
    });
    this.listener.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    return new Promise((done) => this.listener.listen(this.port, '127.0.0.1', done));
  }

  reply(response, { status = 200, body = {}, headers = {} }) {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  release(answer = { body: { result: { user: '42' } } }) {
    for (const response of this.held.splice(0)) this.reply(response, answer);
  }

  stop() {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((done) => this.listener.close(done));
  }
}
