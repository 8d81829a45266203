// A browser's own EventSource that can't connect: whether it comes again is what the status of the
// response decides. Debian's Chromium, without a window.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import http from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';

import { chromium } from 'playwright-core';

import { startServer } from './harness.mjs';
import { inSeconds, kSecret, tokenOf } from './tokens.mjs';

const kChromium = process.env.MILLRACE_CHROMIUM ?? '/usr/bin/chromium';
const kMissing = !existsSync(kChromium) && `no browser at ${kChromium} (Debian package chromium)`;
const kFlags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
const kLong = 20_000;

// In the page: an EventSource, and what becomes of it.
function listen(url) {
  globalThis.opened = 0;
  globalThis.heard = [];
  globalThis.states = []; // at each error
  globalThis.source = new EventSource(url);
  source.onopen = () => (opened += 1);
  source.onmessage = ({ data }) => heard.push(JSON.parse(data));
  source.onerror = () => states.push(source.readyState);
}

describe("a browser's event source that can't connect", { skip: kMissing }, () => {
  let server;
  let browser;
  let pages;
  let page;

  before(async () => {
    pages = http.createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><meta charset="utf-8">');
    });
    await new Promise((done) => pages.listen({ host: '127.0.0.1', port: 0 }, done));
    pages.url = `http://127.0.0.1:${pages.address().port}`;
    server = await startServer({
      dev: false,
      config: {
        workers: 4,
        client: { allowed_origins: [pages.url], token: { hmac_secret_key: kSecret } },
        uni_sse: {
          enabled: true,
          connect_code_to_http_response: {
            enabled: true,
            transforms: [
              { code: 109, to: { status_code: 204 } },
              { code: 3500, to: { status_code: 403, body: '{"error":"who are you?"}' } },
            ],
          },
        },
      },
    });
    browser = await chromium.launch({ executablePath: kChromium, args: kFlags });
  });
  afterEach(() => page.close());
  after(async () => {
    await browser?.close();
    pages.close();
    await server.becomesIdle(kLong);
    await server.stop();
  });

  const openPage = async () => {
    page = await browser.newPage();
    page.setDefaultTimeout(kLong);
    await page.goto(pages.url);
  };
  const listensWith = async (token) => {
    await openPage();
    const connect = encodeURIComponent(JSON.stringify({ token }));
    await page.evaluate(listen, `${server.url}/connection/uni_sse?cf_connect=${connect}`);
  };
  const kClosed = 2;
  const expired = () => tokenOf({ sub: '42', exp: inSeconds(-10) });
  const foreign = () => tokenOf({ sub: '42' }, { key: 'somebody else has this secret, and signs.' });

  for (const [status, token] of [
    [204, expired],
    [403, foreign],
  ]) {
    test(`is_closed_for_good_by_a_${status}`, async () => {
      await listensWith(await token());
      await page.waitForFunction(() => states.length > 0);
      const [states, opened] = await page.evaluate(() => [globalThis.states, globalThis.opened]);
      assert.deepEqual([states, opened], [[kClosed], 0]);
    });
  }

  test('comes_again_when_it_was_told_on_a_stream', async () => {
    await listensWith(''); // which is no token: 3501 has no response
    await page.waitForFunction(() => opened >= 2 && heard.length >= 2);
    const [states, heard] = await page.evaluate(() => [globalThis.states, globalThis.heard]);
    assert.ok(!states.includes(kClosed), `${states}`);
    assert.deepEqual(heard[1], { disconnect: { code: 3501, reason: 'bad request' } });
    await page.evaluate(() => source.close());
  });

  test('lets_its_page_read_why_by_fetch', async () => {
    await openPage();
    const connect = encodeURIComponent(JSON.stringify({ token: await foreign() }));
    const answer = await page.evaluate(
      async (url) => {
        const response = await fetch(url, { credentials: 'include' });
        return [response.status, await response.json()];
      },
      `${server.url}/connection/uni_sse?cf_connect=${connect}`,
    );
    assert.deepEqual(answer, [403, { error: 'who are you?' }]);
  });
});
