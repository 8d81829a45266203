// The playground in a real browser: Debian's Chromium, without a window.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import { chromium } from 'playwright-core';

import { connect, encode } from './clients.mjs';
import { makeFolder, startServer } from './harness.mjs';
import { until } from './waiting.mjs';

const kChromium = process.env.MILLRACE_CHROMIUM ?? '/usr/bin/chromium';
const kMissing = !existsSync(kChromium) && `no browser at ${kChromium} (Debian package chromium)`;
const kFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const kUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('the playground', { skip: kMissing }, () => {
  let server;
  let browser;
  const pages = [];
  const screenshots = process.env.MILLRACE_SCREENSHOTS ?? makeFolder();

  // A page that has connected. `complaints` collects what a user's console would show, and requests
  // to anybody else.
  const openPage = async (options = {}) => {
    const page = await browser.newPage({ viewport: { width: 1360, height: 860 }, ...options });
    pages.push(page);
    page.setDefaultTimeout(10_000);
    page.complaints = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text());
    });
    page.on('pageerror', (error) => page.complaints.push(String(error)));
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      const own = protocol === 'data:' || host === new URL(server.url).host;
      if (!own) page.complaints.push(`request to ${request.url()}`);
    });
    await page.goto(server.url);
    await page.waitForSelector('#state[data-state="connected"]');
    await page.waitForSelector('.chip[data-state="subscribed"]');
    return page;
  };
  const publish = async (page, channel, payload) => {
    await page.fill('#target', channel);
    await page.fill('#payload', JSON.stringify(payload));
    await page.press('#payload', 'Control+Enter');
  };
  const shoot = async (page, name) => {
    mkdirSync(screenshots, { recursive: true });
    const path = join(screenshots, `${name}.png`);
    await page.screenshot({ path });
    assert.ok(statSync(path).size > 10_000, `${path} shows something`);
  };

  before(async () => {
    server = await startServer();
    browser = await chromium.launch({ executablePath: kChromium, args: kFlags });
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) {
      await page.close();
      assert.deepEqual(page.complaints, []);
    }
  });
  after(async () => {
    await browser?.close();
    await server.becomesIdle();
    await server.stop();
  });

  test('it_connects_by_itself_and_shows_who_it_is', async () => {
    const page = await openPage();
    assert.match(await page.textContent('#client'), kUuid);
    assert.equal((await page.textContent('#endpoint')).trim(), server.wsUrl);
    assert.equal(await page.textContent('#connect'), 'Disconnect');
    await page.waitForSelector('#health[data-state="ok"]');
    await shoot(page, 'connected');
  });

  for (const protocol of ['json', 'protobuf']) {
    test(`a_message_published_here_is_shown_with_its_round_trip_over_${protocol}`, async () => {
      const page = await openPage();
      if (protocol === 'protobuf') {
        await page.check('input[value="protobuf"]');
        await page.waitForSelector('#state[data-state="connected"]');
        await page.waitForSelector('.chip[data-state="subscribed"]');
      }
      await publish(page, 'demo', { text: `über ${protocol}`, n: [1, null] });
      const row = page.locator('#list li:not(.event)').first();
      await row.waitFor();
      assert.equal(
        await row.locator('pre').textContent(),
        `{"text": "über ${protocol}", "n": [1, null]}`,
      );
      assert.equal(await row.locator('.name').textContent(), 'demo');
      assert.match(await row.locator('.took.own').textContent(), /^[\d.,]+ ms$/);
      assert.match(await row.locator('time').textContent(), /^\d\d:\d\d:\d\d\.\d{3}$/);
      await page.waitForFunction(
        () => document.querySelector('#publish-note').textContent === 'Published to demo.',
      );
    });
  }

  test('messages_of_others_are_shown_too', async () => {
    const page = await openPage();
    const other = await connect(server);
    await other.publish('demo', encode(other, 'from elsewhere'));
    const row = page.locator('#list li:not(.event)').first();
    await row.waitFor();
    assert.equal(await row.locator('pre').textContent(), '"from elsewhere"');
    assert.equal(await row.locator('.took').textContent(), 'received');
    assert.equal(await page.textContent('.chip .count'), '1');
    other.disconnect();
  });

  test('two_windows_talk_to_each_other', async () => {
    const [left, right] = [await openPage(), await openPage()];
    await publish(left, 'demo', 'to the right');
    await right.waitForFunction(
      () => document.querySelector('#list pre')?.textContent === '"to the right"',
    );
    await publish(right, 'demo', 'to the left');
    await left.waitForFunction(
      () => document.querySelector('#list pre')?.textContent === '"to the left"',
    );
  });

  test('channels_are_added_and_removed', async () => {
    const page = await openPage();
    await page.fill('#channel', 'orders, chat.lobby');
    await page.press('#channel', 'Enter');
    await page.waitForFunction(
      () => document.querySelectorAll('.chip[data-state="subscribed"]').length === 3,
    );
    const subscriptions = (count) =>
      until(
        async () => (await server.metrics()).value('millrace_subscriptions') === count,
        `${count} subscriptions`,
      );
    await subscriptions(3);
    await page.click('button[aria-label="Unsubscribe from orders"]');
    await subscriptions(2);
    assert.deepEqual(await page.locator('.chip .name').allTextContents(), ['demo', 'chat.lobby']);
  });

  test('a_refused_subscription_says_why', async () => {
    const page = await openPage();
    await page.fill('#channel', 'no-such-namespace:1');
    await page.press('#channel', 'Enter');
    await page.waitForSelector('.chip[data-state="unsubscribed"]');
    assert.equal(
      await page.textContent('.chip[data-state="unsubscribed"] .why'),
      'unknown channel',
    );
  });

  test('a_payload_that_is_not_json_is_marked_and_not_sent', async () => {
    const page = await openPage();
    await page.fill('#payload', '{"text": ');
    await page.click('#publish button');
    assert.equal(await page.getAttribute('#payload', 'aria-invalid'), 'true');
    assert.match(await page.textContent('#publish-note'), /not JSON/);
    await page.fill('#payload', '{"text": 1}');
    await page.click('#publish button');
    await page.waitForSelector('#list pre');
    assert.equal(await page.getAttribute('#payload', 'aria-invalid'), null);
  });

  test('a_burst_comes_back_whole_and_the_figures_live', async () => {
    const page = await openPage();
    await page.fill('#burst-count', '2000');
    await page.click('#burst button');
    await page.waitForFunction(() =>
      /^2,000 published in .* All came back: round trip p50 .* ms, p99 .* ms\.$/.test(
        document.querySelector('#burst-result').textContent,
      ),
    );
    assert.equal(await page.textContent('.chip .count'), '2,000');
    assert.equal(await page.locator('#list li').count(), 200);
    for (const id of ['connections', 'subscriptions']) {
      await page.waitForSelector(`#tile-${id} p:text-is("1")`);
    }
    assert.match(await page.textContent('#tile-memory p'), /^[\d.]+ MiB$/);
    await page.waitForFunction(() =>
      /^≤ \d+ · ≤ \d+ ms$/.test(document.querySelector('#tile-latency p').textContent),
    );
    await page.waitForFunction(() =>
      document.querySelector('#tile-connections .spark-line').getAttribute('d').includes('L'),
    );
    await shoot(page, 'burst');
  });

  test('pause_and_clear_do_what_they_say', async () => {
    const page = await openPage();
    await publish(page, 'demo', 1);
    await page.waitForSelector('#list pre');
    await page.click('#clear');
    assert.equal(await page.locator('#list li').count(), 0);
    await page.waitForSelector('#empty', { state: 'visible' });
    await page.click('#pause');
    await publish(page, 'demo', 2);
    await page.waitForFunction(() => document.querySelector('.chip .count').textContent === '2');
    assert.equal(await page.locator('#list pre').count(), 0);
    await page.click('#pause');
    await publish(page, 'demo', 3);
    await page.waitForFunction(() => document.querySelector('#list pre')?.textContent === '3');
  });

  test('disconnecting_and_connecting_again', async () => {
    const page = await openPage();
    await page.click('#connect');
    await page.waitForSelector('#state[data-state="disconnected"]');
    await until(
      async () => (await server.metrics()).value('millrace_sessions') === 0,
      'the session is gone',
    );
    assert.equal(await page.textContent('#client'), '–');
    await page.click('#publish button');
    assert.equal(await page.textContent('#publish-note'), 'Connect first.');
    await page.click('#connect');
    await page.waitForSelector('#state[data-state="connected"]');
    await page.waitForSelector('.chip[data-state="subscribed"]');
  });

  test('it_fits_a_phone_and_follows_the_dark_scheme', async () => {
    const page = await openPage({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    await publish(page, 'demo', { long: 'x'.repeat(300) });
    await page.waitForSelector('#list pre');
    const { width, background } = await page.evaluate(() => ({
      width: document.scrollingElement.scrollWidth,
      background: getComputedStyle(document.body).backgroundColor,
    }));
    assert.ok(width <= 360, `${width} pixels wide`);
    const [red, green, blue] = background.match(/\d+/g).map(Number);
    assert.ok(red + green + blue < 150, `dark: ${background}`);
    await shoot(page, 'phone');
  });

  test('everything_that_can_be_used_has_a_name_and_the_keyboard_reaches_it', async () => {
    const page = await openPage();
    const unnamed = await page.evaluate(() =>
      [...document.querySelectorAll('button, input, textarea, summary')]
        .filter(
          (control) => !(control.labels?.length || control.ariaLabel || control.textContent.trim()),
        )
        .map((control) => control.outerHTML),
    );
    assert.deepEqual(unnamed, []);
    const reached = new Set();
    for (let i = 0; i < 25; i++) {
      await page.keyboard.press('Tab');
      reached.add(
        await page.evaluate(
          () => document.activeElement.id || document.activeElement.textContent.trim(),
        ),
      );
    }
    for (const control of [
      'connect',
      'channel',
      'target',
      'payload',
      'Publish',
      'burst-count',
      'pause',
      'clear',
    ]) {
      assert.ok(reached.has(control), `Tab reaches ${control}: ${[...reached]}`);
    }
  });

  test('it_comes_back_after_a_restart_of_the_server', async () => {
    const page = await openPage();
    const before = await page.textContent('#client');
    await server.stop();
    await page.waitForSelector('#state[data-state="connecting"]');
    server = await startServer({ port: server.port });
    await page.waitForSelector('#state[data-state="connected"]', { timeout: 30_000 });
    assert.notEqual(await page.textContent('#client'), before);
    await page.waitForSelector('#list .event:has-text("shutdown (3001)")');
    // The browser itself tells of each refused attempt while there was no server.
    page.complaints = page.complaints.filter(
      (text) => !/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/.test(text),
    );
  });
});
