// Browsers without WebSockets, on pages of another origin: Debian's Chromium, without a window.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import http from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';

import * as esbuild from 'esbuild';
import { chromium } from 'playwright-core';

import { startProxy } from './crooked_proxy.mjs';
import { connectionsOver, sessionsEnd } from './fallbacks.mjs';
import { startServer } from './harness.mjs';
import { api, configOf, freshChannel, publishAll, range } from './streams.mjs';
import { until } from './waiting.mjs';
import { Wire } from './wire.mjs';

const kChromium = process.env.MILLRACE_CHROMIUM ?? '/usr/bin/chromium';
const kMissing = !existsSync(kChromium) && `no browser at ${kChromium} (Debian package chromium)`;
const kFlags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
const kLong = 20_000;
const kScript = `
  import { Centrifuge as JsonCentrifuge } from 'centrifuge';
  import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
  import { longPoll } from './clients/js/long_poll.js';
  Object.assign(globalThis, { JsonCentrifuge, ProtobufCentrifuge, longPoll });
`;
const kFallbacks = [
  ['http_stream', 'http_stream', 'json'],
  ['http_stream', 'http_stream', 'protobuf'],
  ['sse', 'sse', 'json'],
  ['long_poll', 'http_stream', 'json'],
  ['long_poll', 'http_stream', 'protobuf'],
];

// Serves an empty page with the client in it.
async function startPages() {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: kScript, resolveDir: new URL('../..', import.meta.url).pathname },
    bundle: true,
    write: false,
  });
  const script = outputFiles[0].text.replaceAll('</script', '<\\/script');
  const page = `<!doctype html><meta charset="utf-8"><script>${script}</script>`;
  const pages = http.createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(page);
  });
  await new Promise((done) => pages.listen({ host: '127.0.0.1', port: 0 }, done));
  pages.url = `http://127.0.0.1:${pages.address().port}`;
  return pages;
}

// In the page: a client over `transports` that subscribes and keeps what it hears.
function join({ protocol, transports, emulationEndpoint, channel }) {
  const Client = protocol === 'protobuf' ? ProtobufCentrifuge : JsonCentrifuge;
  const options = { emulationEndpoint, fetch: longPoll(), minReconnectDelay: 20, timeout: 2000 };
  const client = new Client(transports, options);
  globalThis.client = client;
  globalThis.heard = [];
  globalThis.states = [];
  client.on('state', ({ newState }) => states.push(newState));
  const subscription = client.newSubscription(channel);
  subscription.on('publication', ({ data }) => {
    heard.push(data instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(data)) : data);
  });
  const subscribed = new Promise((done) => subscription.on('subscribed', () => done()));
  subscription.subscribe();
  client.connect();
  return subscribed;
}

describe('a browser', { skip: kMissing }, () => {
  let server;
  let browser;
  let pages;
  let refusing; // a proxy that refuses WebSockets
  let page;
  let wire; // what a test cuts, if it does

  before(async () => {
    pages = await startPages();
    const log = { history_size: 100, history_ttl: '300s', force_recovery: true, presence: true };
    server = await startServer({
      config: configOf(
        { log },
        {
          workers: 4,
          client: { allowed_origins: [pages.url], insecure: true },
          uni_sse: { enabled: true },
        },
      ),
    });
    refusing = await startProxy(server);
    browser = await chromium.launch({ executablePath: kChromium, args: kFlags });
  });
  afterEach(async () => {
    await page.close();
    await sessionsEnd(server, kLong);
    wire?.close();
  });
  after(async () => {
    await browser?.close();
    refusing.close();
    pages.close();
    await server.becomesIdle(kLong);
    await server.stop();
  });

  const openPage = async (url = pages.url) => {
    page = await browser.newPage();
    page.setDefaultTimeout(kLong);
    await page.goto(url);
  };
  const enter = async ([path, transport, protocol], at, channel, before = []) => {
    const transports = [...before, { transport, endpoint: `${at.url}/connection/${path}` }];
    const emulationEndpoint = `${at.url}/emulation`;
    await page.evaluate(join, { protocol, transports, emulationEndpoint, channel });
  };
  const hears = async (values) => {
    await page.waitForFunction((count) => heard.length >= count, values.length);
    assert.deepEqual(await page.evaluate(() => heard), values);
  };
  const publishHere = (channel, value) =>
    page.evaluate(
      ([to, text]) =>
        client.publish(
          to,
          client instanceof ProtobufCentrifuge ? new TextEncoder().encode(text) : JSON.parse(text),
        ),
      [channel, JSON.stringify(value)],
    );

  for (const kind of kFallbacks) {
    const [path, , protocol] = kind;

    test(`talks_with_another_origin_over_${path}_in_${protocol}`, async () => {
      const channel = freshChannel('log');
      await openPage();
      await page.evaluate(() => delete globalThis.WebSocket);
      const websocket = { transport: 'websocket', endpoint: server.wsUrl };
      await enter(kind, server, channel, [websocket]);
      assert.equal(await connectionsOver(server, path), 1);
      await publishAll(server, channel, range(1, 20));
      for (const i of range(21, 25)) await publishHere(channel, i);
      await hears(range(1, 25));
      assert.deepEqual(await page.evaluate(() => states), ['connecting', 'connected']);
    });

    test(`finds_${path}_where_websockets_are_refused_in_${protocol}`, async () => {
      const channel = freshChannel('log');
      await openPage();
      const websocket = { transport: 'websocket', endpoint: refusing.wsUrl };
      await enter(kind, refusing, channel, [websocket]);
      assert.equal(await connectionsOver(server, path), 1);
      await publishAll(server, channel, range(1, 5));
      await publishHere(channel, 6);
      await hears(range(1, 6));
    });

    test(`recovers_over_${path}_in_${protocol}`, async () => {
      const channel = freshChannel('log');
      wire = await Wire.to(server);
      await openPage();
      await enter(kind, wire, channel);
      for (const from of [0, 10, 20]) {
        const publishing = publishAll(server, channel, range(from + 1, from + 10));
        wire.cut();
        await publishing;
      }
      await hears(range(1, 30));
    });

    test(`is_not_present_any_more_when_it_leaves_over_${path}_in_${protocol}`, async () => {
      const channel = freshChannel('log');
      const present = async () => (await api(server, 'presence_stats', { channel })).num_clients;
      await openPage();
      await enter(kind, server, channel);
      await until(async () => (await present()) === 1, 'it is present');
      await page.goto('about:blank');
      await until(async () => (await present()) === 0, 'it is gone');
    });
  }

  test('is_shut_out_when_its_origin_is_not_allowed', async () => {
    await openPage(pages.url.replace('127.0.0.1', 'localhost'));
    const outcomes = await page.evaluate(
      (url) =>
        Promise.all(
          ['/connection/http_stream', '/connection/long_poll', '/emulation'].map((path) =>
            fetch(url + path, { method: 'POST', body: '{"id":1,"connect":{}}' }).then(
              ({ status }) => status,
              () => 'blocked',
            ),
          ),
        ),
      server.url,
    );
    assert.deepEqual(outcomes, ['blocked', 'blocked', 'blocked']);
  });

  test('reads_uni_sse_and_resumes_by_itself_with_every_message_once', async () => {
    const channel = freshChannel('log');
    wire = await Wire.to(server);
    await openPage();
    await page.evaluate(
      (url) =>
        new Promise((done) => {
          globalThis.heard = [];
          globalThis.opened = 0;
          globalThis.source = new EventSource(url);
          source.onopen = () => (opened += 1);
          source.onmessage = ({ data }) => {
            const { connect, pub } = JSON.parse(data);
            for (const sub of Object.values(connect?.subs ?? {})) {
              for (const missed of sub.publications ?? []) heard.push(missed.data);
            }
            if (pub) heard.push(pub.data);
            if (connect) done();
          };
        }),
      `${wire.url}/connection/uni_sse?channel=${channel}`,
    );
    await publishAll(server, channel, range(1, 10));
    await hears(range(1, 10));
    for (const round of [1, 2]) {
      const from = 10 * round;
      wire.cut();
      await publishAll(server, channel, range(from + 1, from + 10));
      await hears(range(1, from + 10));
      assert.equal(await page.evaluate(() => opened), round + 1);
    }
    await page.evaluate(() => source.close());
  });
});
