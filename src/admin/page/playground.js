// The playground: one client, its subscriptions, and what they say. The page's other modules know
// nothing of each other.

import { Burst } from './burst.js';
import { decode, encode, endpoint, makeClient } from './client.js';
import { Feed, channelName } from './feed.js';
import { Figures } from './figures.js';
import { RoundTrips } from './roundtrips.js';

const find = (id) => document.getElementById(id);
const kFirstChannel = 'demo';

class Playground {
  constructor() {
    this.feed = new Feed();
    this.roundtrips = new RoundTrips();
    this.channels = new Map(); // name -> {chip, count, subscription}
    this.protocol = 'json';
    this.client = null;
    this.burst = new Burst({
      publish: (channel, value) => this.publish(channel, value),
      batch: (work) => this.batch(work),
    });
    const [host, path] = endpoint().split(/(?=\/connection)/);
    find('endpoint').append(host, document.createElement('wbr'), path);
    find('snippet').textContent = [
      "import { Centrifuge } from 'centrifuge';",
      '',
      `const client = new Centrifuge('${endpoint()}');`,
      `const sub = client.newSubscription('${kFirstChannel}');`,
      "sub.on('publication', (ctx) => console.log(ctx.data));",
      'sub.subscribe();',
      'client.connect();',
      "await sub.publish({ text: 'Hello from my code' });",
    ].join('\n');
    this.listen();
    this.addChannel(kFirstChannel);
    this.open();
    new Figures().run();
  }

  listen() {
    find('connect').addEventListener('click', () => (this.wanted ? this.close() : this.open()));
    for (const radio of document.querySelectorAll('input[name="protocol"]')) {
      radio.addEventListener('change', () => this.useProtocol(radio.value));
    }
    find('subscribe').addEventListener('submit', (event) => {
      event.preventDefault();
      for (const name of find('channel')
        .value.split(/[\s,]+/)
        .filter(Boolean))
        this.addChannel(name);
      find('channel').value = '';
    });
    find('publish').addEventListener('submit', (event) => {
      event.preventDefault();
      this.publishTyped();
    });
    find('payload').addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
        find('publish').requestSubmit();
    });
    find('burst').addEventListener('submit', (event) => {
      event.preventDefault();
      this.runBurst(find('burst-count').valueAsNumber);
    });
  }

  // ---- Connection ----

  get wanted() {
    return this.client !== null && this.client.state !== 'disconnected';
  }

  useProtocol(protocol) {
    this.protocol = protocol;
    if (!this.wanted) return;
    this.close();
    this.open();
  }

  open() {
    const client = makeClient(this.protocol);
    this.client = client;
    const ours = (handle) => (context) => client === this.client && handle(context);
    client.on(
      'connecting',
      ours(({ code, reason }) => {
        this.showState('connecting');
        if (code !== 0)
          this.feed.event(`Connection lost: ${reason} (${code}), reconnecting`, 'bad');
      }),
    );
    client.on(
      'connected',
      ours((context) => {
        this.showState('connected', context.client);
        this.feed.event(`Connected over ${this.protocol === 'json' ? 'JSON' : 'Protobuf'}`);
      }),
    );
    client.on(
      'disconnected',
      ours(({ code, reason }) => {
        this.showState(code === 0 ? 'disconnected' : 'failed');
        this.feed.event(
          code === 0 ? 'Disconnected' : `Disconnected: ${reason} (${code})`,
          code === 0 ? '' : 'bad',
        );
      }),
    );
    for (const name of this.channels.keys()) this.subscribe(name);
    client.connect();
  }

  close() {
    this.client.disconnect();
  }

  showState(state, client = '–') {
    if (state !== 'connected') this.roundtrips.clear();
    find('state').dataset.state = state;
    find('state').querySelector('span').textContent = state === 'failed' ? 'disconnected' : state;
    find('client').textContent = client;
    find('connect').textContent = this.wanted ? 'Disconnect' : 'Connect';
    find('connect').classList.toggle('primary', !this.wanted);
  }

  // ---- Channels ----

  addChannel(name) {
    if (this.channels.has(name)) {
      if (this.channels.get(name).subscription?.state !== 'unsubscribed') return;
      this.removeChannel(name);
    }
    const chip = document.createElement('li');
    chip.className = 'chip';
    const count = Object.assign(document.createElement('span'), {
      className: 'count',
      textContent: '0',
    });
    const why = Object.assign(document.createElement('span'), { className: 'why' });
    const remove = Object.assign(document.createElement('button'), {
      type: 'button',
      textContent: '×',
    });
    remove.setAttribute('aria-label', `Unsubscribe from ${name}`);
    remove.addEventListener('click', () => this.removeChannel(name));
    chip.append(channelName(name), count, why, remove);
    find('chips').append(chip);
    this.channels.set(name, { chip, count, why, received: 0, subscription: null });
    find('targets').append(new Option('', name));
    if (this.client) this.subscribe(name);
  }

  removeChannel(name) {
    const { chip, subscription } = this.channels.get(name);
    this.channels.delete(name);
    chip.remove();
    [...find('targets').children].find((option) => option.value === name)?.remove();
    this.roundtrips.forget(name);
    if (!subscription) return;
    subscription.unsubscribe();
    this.client.removeSubscription(subscription);
  }

  subscribe(name) {
    const channel = this.channels.get(name);
    const subscription = this.client.newSubscription(name);
    channel.subscription = subscription;
    const show = (state, why = '') => {
      channel.chip.dataset.state = state;
      channel.why.textContent = why;
    };
    const ours = (handle) => (context) =>
      this.channels.get(name)?.subscription === subscription && handle(context);
    show('subscribing');
    subscription.on(
      'subscribing',
      ours(() => show('subscribing')),
    );
    subscription.on(
      'subscribed',
      ours(() => show('subscribed')),
    );
    subscription.on(
      'unsubscribed',
      ours(({ code, reason }) => {
        show('unsubscribed', reason);
        this.feed.event(`${name}: ${reason} (${code})`, 'bad');
      }),
    );
    subscription.on(
      'publication',
      ours((context) => this.received(channel, context)),
    );
    subscription.subscribe();
  }

  received(channel, context) {
    const text = decode(context.data);
    const own = context.info?.client === find('client').textContent;
    const took = own ? this.roundtrips.arrived(context.channel, text) : null;
    channel.received += 1;
    channel.count.textContent = channel.received.toLocaleString('en');
    this.feed.message(context.channel, text, took);
    if (took !== null) this.burst.heard(context.channel, took);
  }

  // ---- Publishing ----

  subscribed(name) {
    return this.channels.get(name)?.subscription?.state === 'subscribed';
  }

  publish(channel, value) {
    if (this.channels.has(channel)) this.roundtrips.sent(channel, JSON.stringify(value));
    return this.client.publish(channel, encode(this.protocol, value));
  }

  batch(work) {
    this.client.startBatching();
    try {
      work();
    } finally {
      this.client.stopBatching();
    }
  }

  async publishTyped() {
    const payload = find('payload');
    let value;
    try {
      value = JSON.parse(payload.value);
    } catch (error) {
      payload.setAttribute('aria-invalid', 'true');
      payload.focus();
      this.note('publish-note', `This is not JSON: ${error.message}`, 'bad');
      return;
    }
    payload.removeAttribute('aria-invalid');
    await this.report('publish-note', async () => {
      const channel = find('target').value.trim();
      await this.publish(channel, value);
      return this.subscribed(channel)
        ? `Published to ${channel}.`
        : `Published to ${channel}, which is not subscribed to here.`;
    });
  }

  async runBurst(count) {
    const button = find('burst').querySelector('button');
    button.disabled = true;
    this.note('burst-result', 'Sending …');
    const channel = find('target').value.trim();
    await this.report('burst-result', () =>
      this.burst.run(channel, count, this.subscribed(channel)),
    );
    button.disabled = false;
  }

  // Says what `work` resolved to, or why it failed.
  async report(id, work) {
    if (!this.wanted) {
      this.note(id, 'Connect first.', 'bad');
      return;
    }
    try {
      this.note(id, await work());
    } catch (error) {
      this.note(id, `Not published: ${error.message} (${error.code})`, 'bad');
    }
  }

  note(id, text, state = '') {
    find(id).dataset.state = state;
    find(id).textContent = text;
  }
}

new Playground();
