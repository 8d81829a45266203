// Responses that stay open and their sessions, as plain HTTP: for what no client library does.

import http from 'node:http';
import { after } from 'node:test';

import { request } from './harness.mjs';
import { Inbox, withDeadline } from './waiting.mjs';

const open = new Set();

export function closeStreams() {
  for (const stream of open) stream.close();
}
after(closeStreams);

export const kConnect = '{"id":1,"connect":{}}';

// A response that may stay open: its lines in `lines`, and when it is over, `ended`.
export class HttpStream {
  static open(to, path, { method = 'POST', headers = {}, body = kConnect } = {}) {
    const { host, port } = to;
    return withDeadline(
      new Promise((done, fail) => {
        const asked = http.request({ host, port, path, method, headers, agent: false });
        asked.on('error', fail);
        asked.on('response', (response) => done(new HttpStream(asked, response)));
        asked.end(method === 'GET' ? '' : body);
      }),
      `${method} ${path}`,
    );
  }

  constructor(asked, response) {
    this.asked = asked;
    this.response = response;
    this.status = response.statusCode;
    this.headers = response.headers;
    this.lines = new Inbox('a line');
    this.text = ''; // all that came
    open.add(this);
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk) => {
      this.text += chunk;
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop();
      for (const line of lines) this.lines.push(line);
    });
    response.on('error', () => {}); // 'close' follows
    asked.on('error', () => {});
    this.over = new Promise((done) => {
      response.on('close', () => {
        open.delete(this);
        this.lines.end(new Error('the response is over'));
        done();
      });
    });
  }

  // The next line that is a message: parsed, without what SSE puts before it and on other lines.
  async message() {
    for (;;) {
      const line = (await this.lines.next()).replace(/^data: /, '').trim();
      if (line !== '' && !/^(id: |:)/.test(line)) return JSON.parse(line);
    }
  }

  ended() {
    return withDeadline(this.over, 'the end of a response');
  }

  close() {
    this.asked.destroy();
  }
}

// The push by which a client that only listens is told why it is left.
export function disconnectPush({ code, reason }) {
  const comesAgain = code < 3500 || (code >= 4000 && code < 4500);
  return { disconnect: { code, reason, ...(comesAgain && { reconnect: true }) } };
}

// A POST with a JSON body, or a text as it is.
export function post(server, path, body, headers = { 'Content-Type': 'application/json' }) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return request(server, path, { method: 'POST', headers, body: text });
}

// A session of http_stream: {stream, session, node, tell(command)}.
export async function openSession(server, path = '/connection/http_stream') {
  const stream = await HttpStream.open(server, path);
  const { session, node } = (await stream.message()).connect;
  const tell = (data) =>
    post(server, '/emulation', { session, node, data: `${JSON.stringify(data)}\n` });
  return { stream, session, node, tell };
}

// A session of long polling: {session, node, poll(ack)}, an answer being {status, body, messages}.
export async function openPolls(server) {
  const first = withMessages(await post(server, '/connection/long_poll', kConnect));
  const { session, node } = first.messages[0].connect;
  const ask = async (what) =>
    withMessages(await post(server, '/connection/long_poll/poll', { session, node, ...what }));
  const tell = (data) =>
    post(server, '/emulation', { session, node, data: `${JSON.stringify(data)}\n` });
  const poll = (ack) => ask({ ack });
  const leave = () => ask({ close: true });
  return { session, node, poll, leave, tell };
}

function withMessages(answer) {
  const lines = answer.status === 200 ? answer.body.split('\n').filter((line) => line) : [];
  return { ...answer, messages: lines.map((line) => JSON.parse(line)) };
}
