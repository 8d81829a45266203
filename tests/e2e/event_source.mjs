// EventSource as browsers have it (HTML, section 9.2), over fetch: Node 20 has none. What the tests
// do not use is left out: `readyState` aside, only the three on… handlers, and no credentials.

import { EventEmitter } from 'node:events';

const kRetryMs = 50; // a browser waits for seconds; `retry:` sets it here too

export class EventSource extends EventEmitter {
  constructor(url) {
    super();
    this.url = url;
    this.readyState = 0;
    this.lastEventId = '';
    this.retryMs = kRetryMs;
    this.aborter = new AbortController();
    this.run();
  }

  close() {
    this.readyState = 2;
    this.aborter.abort();
  }

  get closed() {
    return this.readyState === 2;
  }

  async run() {
    while (!this.closed) {
      const isFinal = await this.connect();
      if (this.closed) return;
      this.readyState = isFinal ? 2 : 0;
      this.tell('error', {});
      await new Promise((done) => setTimeout(done, this.retryMs));
    }
  }

  // One connection, to its end: whether there shall not be another one.
  async connect() {
    const { signal } = this.aborter;
    const headers = { Accept: 'text/event-stream' };
    if (this.lastEventId) headers['Last-Event-ID'] = this.lastEventId;
    try {
      const response = await fetch(this.url, { headers, signal, cache: 'no-store' });
      const type = response.headers.get('Content-Type') ?? '';
      if (response.status !== 200 || !type.startsWith('text/event-stream')) {
        await response.body?.cancel();
        return true;
      }
      this.readyState = 1;
      this.tell('open', {});
      await this.read(response.body);
    } catch {
      // A connection that failed or broke is made again.
    }
    return false;
  }

  async read(body) {
    const event = { data: [], type: '' };
    let text = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      // A line ends with CR, LF or both; after a CR at the end of what came, LF may be under way.
      const lines = text.split(/\r\n|\n|\r(?=[^])/);
      text = lines.pop();
      for (const line of lines) this.line(line, event);
    }
  }

  line(line, event) {
    if (line === '') return this.dispatch(event);
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === 'data') event.data.push(value);
    else if (name === 'event') event.type = value;
    else if (name === 'id' && !value.includes('\0')) event.id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  dispatch(event) {
    if (event.id !== undefined) this.lastEventId = event.id;
    const { data, type } = event;
    Object.assign(event, { data: [], type: '', id: undefined });
    if (data.length === 0 || this.closed) return;
    this.tell(type || 'message', { data: data.join('\n'), lastEventId: this.lastEventId });
  }

  // For on…, and for once() and eventOf(). An 'error' that nobody listens for is no exception.
  tell(name, event) {
    this[`on${name}`]?.(event);
    if (name !== 'error' || this.listenerCount(name) > 0) this.emit(name, event);
  }
}
