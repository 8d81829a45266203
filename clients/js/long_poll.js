// Long polling for the official client (npm `centrifuge`), for where responses that stay open do
// not get through: proxies and virus scanners that gather a whole response before they pass it on.
//
// The client's list of transports is closed, but its `http_stream` takes a `fetch`. longPoll() is
// one: a request to the long polling endpoint is answered by a response whose body never seems to
// end, made of the bodies of many short ones. Everything else goes through as it is.
//
//   open   POST …/connection/long_poll       commands                        200: response 1
//   poll   POST …/connection/long_poll/poll  {"session","node","ack":K}      200: response K+1
//                                                                            204: nothing came
//                                                                            404: no such session
//   leave  POST …/connection/long_poll/poll  {"session","node","close":true} 204
//
// K is how many responses have arrived whole. One that was lost or cut on its way is asked for with
// the same K again, and the server repeats it byte for byte: nothing is lost and nothing comes
// twice.

// What a proxy says when the server did not answer it, or when it wants to be asked later.
const kPassing = [408, 429, 502, 503, 504];
const kBackoffMs = 100; // before the first repetition, twice as much before each next one
const kBackoffMaxMs = 2000;

// Options:
//   fetch     What requests are made with; fetch() of the browser or of Node by itself.
//   path      How addresses end for which this is meant.
//   patience  For how many milliseconds a poll is repeated that brings no answer, before the stream
//             fails and the client connects anew. After long_poll.poll_timeout of the server
//             nothing would be there to be asked for.
//   timeout   After how many milliseconds without an answer a poll is taken for lost. It has to be
//             longer than long_poll.hold of the server.
export function longPoll({
  fetch,
  path = '/connection/long_poll',
  patience = 15_000,
  timeout = 30_000,
} = {}) {
  // The global one is looked up each time, since pages replace it.
  const send = fetch ?? ((...request) => globalThis.fetch(...request));
  return (input, options = {}) => {
    const address = String(input);
    if (!withoutQuery(address).endsWith(path)) return send(input, options);
    return open({ send, address, options, patience, timeout });
  };
}

const withoutQuery = (address) => /^[^?#]*/.exec(address)[0];

async function open({ send, address, options, patience, timeout }) {
  const response = await send(address, options);
  if (response.status !== 200) return response;
  const type = new Headers(options.headers).get('Content-Type') ?? '';
  const format = type.startsWith('application/octet-stream') ? kProtobuf : kJson;
  const bytes = new Uint8Array(await response.arrayBuffer());
  // There is nothing to repeat: only this response says what session it is.
  if (!format.isWhole(bytes)) throw new TypeError('the first response was cut');
  const id = format.sessionOf(bytes);
  // Whoever was not let in reads why, and no more.
  const body = id
    ? new Session({ send, address, options, patience, timeout, format, id }).stream(bytes)
    : bytes;
  return new Response(body, { headers: response.headers });
}

class Session {
  constructor({ send, address, options, patience, timeout, format, id }) {
    Object.assign(this, { send, patience, timeout, format, id });
    const { body, signal, ...rest } = options;
    this.signal = signal;
    this.address = address.replace(withoutQuery(address), '$&/poll');
    // The server doesn't look at the type, and for this one browsers ask no permission first.
    const headers = new Headers(options.headers);
    headers.set('Content-Type', 'text/plain');
    this.options = { ...rest, headers };
    this.received = 1; // responses that have arrived whole
    this.over = false;
    this.stop = () => {}; // ends what is being waited for
  }

  // The bodies of all responses one after another, `first` before them. A poll is made when the
  // last body was taken: that acknowledges it.
  stream(first) {
    let stream; // its controller
    const abort = () => {
      this.leave();
      finish();
      stream.error(this.signal.reason);
    };
    // A page that is left tells nobody else, and its user would stay present. If the browser keeps
    // it, and shows it again, the client connects anew.
    const hide = () => {
      this.leave();
      finish();
      stream.close();
    };
    const finish = () => {
      this.over = true;
      this.signal?.removeEventListener('abort', abort);
      globalThis.removeEventListener?.('pagehide', hide);
    };
    return new ReadableStream({
      start: (controller) => {
        stream = controller;
        stream.enqueue(first);
        this.signal?.addEventListener('abort', abort);
        globalThis.addEventListener?.('pagehide', hide);
        if (this.signal?.aborted) abort();
      },
      pull: async () => {
        try {
          const bytes = await this.next();
          if (this.over) return;
          if (bytes) return stream.enqueue(bytes);
          finish();
          stream.close();
        } catch (error) {
          this.leave();
          finish();
          throw error;
        }
      },
      cancel: () => {
        this.leave();
        finish();
      },
    });
  }

  // The body of the next response, or null when there is no session any more.
  async next() {
    let lost = 0; // polls in a row that brought no answer
    let since = 0;
    while (!this.over) {
      const { status, bytes, error, passes } = await this.poll();
      if (this.over || status === 404) return null;
      if (bytes) {
        this.received += 1;
        return bytes;
      }
      if (status === 204) {
        lost = 0;
        continue;
      }
      if (lost === 0) since = Date.now();
      if (!passes || Date.now() - since >= this.patience) throw error;
      await this.pause(Math.min(kBackoffMs * 2 ** lost, kBackoffMaxMs));
      lost += 1;
    }
    return null;
  }

  // Makes one poll: the {bytes} of a response, the {status} if that says all, or an {error} and
  // whether it `passes`.
  async poll() {
    const aborter = new AbortController();
    this.stop = () => aborter.abort();
    const timer = setTimeout(this.stop, this.timeout);
    try {
      const response = await this.post({ ack: this.received }, { signal: aborter.signal });
      // A long body on a slow line is no lost poll.
      clearTimeout(timer);
      const { status } = response;
      if (status === 204 || status === 404) return { status };
      if (status !== 200) {
        const error = new TypeError(`a poll was answered with ${status}`);
        return { error, passes: kPassing.includes(status) };
      }
      const bytes = new Uint8Array(await response.arrayBuffer());
      // The length does not always show it: a proxy may have removed it.
      if (!this.format.isWhole(bytes)) throw new TypeError('a response was cut');
      return { bytes };
    } catch (error) {
      return { error, passes: true };
    } finally {
      clearTimeout(timer);
    }
  }

  post(what, more) {
    const body = JSON.stringify({ ...this.id, ...what });
    return this.send(this.address, { ...this.options, ...more, method: 'POST', body });
  }

  // Somewhere between half of `ms` and all of it, so that many clients do not come at once.
  pause(ms) {
    return new Promise((done) => {
      const timer = setTimeout(done, ms * (0.5 + Math.random() / 2));
      this.stop = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  // The server need not wait for more polls. The request outlives the page.
  leave() {
    if (this.over) return;
    this.over = true;
    this.stop();
    this.post({ close: true }, { keepalive: true }).catch(() => {});
  }
}

// ---- How messages follow one another in a body, and what the first says of the session ----

const kJson = {
  isWhole: (bytes) => bytes.at(-1) === 0x0a,

  sessionOf(bytes) {
    const line = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0x0a)));
    return idOf(JSON.parse(line).connect);
  },
};

// Each message has its length before it. Numbers of fields are those of the protocol's schema.
const kReplyConnect = 5;
const kConnectSession = 9;
const kConnectNode = 10;

const kProtobuf = {
  isWhole(bytes) {
    let at = 0;
    while (at < bytes.length) {
      const size = varint(bytes, at);
      if (!size) return false;
      at = size.end + size.value;
    }
    return at > 0 && at === bytes.length;
  },

  sessionOf(bytes) {
    const { value, end } = varint(bytes, 0);
    const connect = fieldsOf(bytes.subarray(end, end + value)).get(kReplyConnect);
    if (!connect) return null;
    const fields = fieldsOf(connect);
    const text = (number) => new TextDecoder().decode(fields.get(number) ?? new Uint8Array());
    return idOf({ session: text(kConnectSession), node: text(kConnectNode) });
  },
};

const idOf = (connect) =>
  connect?.session ? { session: connect.session, node: connect.node } : null;

// {value, end}, or null when the bytes end before it. Numbers beyond 2^53 are not exact, and nobody
// here looks at such.
function varint(bytes, start) {
  let value = 0;
  for (let at = start; at < bytes.length; at++) {
    value += (bytes[at] & 0x7f) * 2 ** (7 * (at - start));
    if (bytes[at] < 0x80) return { value, end: at + 1 };
  }
  return null;
}

// The fields of a message that have a length, by their numbers.
function fieldsOf(message) {
  const fields = new Map();
  let at = 0;
  const next = () => {
    const read = varint(message, at);
    if (!read) throw new TypeError('a malformed message');
    at = read.end;
    return read.value;
  };
  while (at < message.length) {
    const tag = next();
    const wireType = tag & 7;
    if (wireType === 0) next();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType === 2) {
      const size = next();
      fields.set(tag >> 3, message.subarray(at, at + size));
      at += size;
    } else throw new TypeError('a malformed message');
  }
  return fields;
}
