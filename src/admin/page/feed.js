// The list of messages, newest first, with their rate. Arrivals are gathered and drawn once per
// frame, so that a flood costs one layout a frame; only the newest are kept.

import { Sparkline } from './sparkline.js';

const kRowsMax = 200;
const kTextMax = 2000; // characters of one payload that are shown
const kLineMax = 44; // characters of a payload's line, if it can be broken

const kToken =
  /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// A hue of its own for each channel, so that its messages are found at a glance.
export function hueOf(channel) {
  let hash = 0;
  for (const character of channel) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
  return (hash * 47) % 360;
}

export function channelName(channel) {
  const name = element('span', 'name', channel);
  name.title = channel;
  name.style.setProperty('--hue', hueOf(channel));
  return name;
}

function membersOf(value, write) {
  if (Array.isArray(value)) return value.map(write);
  return Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${write(member)}`);
}

function onOneLine(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = membersOf(value, onOneLine).join(', ');
  return Array.isArray(value) ? `[${members}]` : `{${members}}`;
}

// JSON indented only where it would not fit on a line.
function indented(value, indent = '') {
  const line = onOneLine(value);
  if (line.length + indent.length <= kLineMax || value === null || typeof value !== 'object')
    return line;
  const inner = `${indent}  `;
  const members = membersOf(value, (member) => indented(member, inner)).join(`,\n${inner}`);
  return Array.isArray(value)
    ? `[\n${inner}${members}\n${indent}]`
    : `{\n${inner}${members}\n${indent}}`;
}

// Coloured JSON; anything else as it is.
function payload(text) {
  const shown = element('pre');
  let pretty;
  try {
    pretty = indented(JSON.parse(text));
  } catch {
    shown.textContent = text.slice(0, kTextMax);
    return shown;
  }
  const cut = pretty.slice(0, kTextMax);
  let end = 0;
  for (const match of cut.matchAll(kToken)) {
    shown.append(cut.slice(end, match.index));
    const [, string, colon, number] = match;
    const kind = string ? (colon ? 'key' : 'string') : number ? 'number' : 'literal';
    shown.append(element('span', `json-${kind}`, string ?? match[0]), colon ?? '');
    end = match.index + match[0].length;
  }
  shown.append(cut.slice(end));
  if (pretty.length > kTextMax) {
    shown.append(
      element('span', 'cut', ` … ${text.length.toLocaleString('en')} characters in all`),
    );
  }
  return shown;
}

function clock(when) {
  const time = element(
    'time',
    '',
    `${when.toTimeString().slice(0, 8)}.${String(when.getMilliseconds()).padStart(3, '0')}`,
  );
  time.dateTime = when.toISOString();
  return time;
}

export function duration(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString('en')} ms`;
}

export class Feed {
  constructor() {
    const find = (id) => document.getElementById(id);
    this.list = find('list');
    this.empty = find('empty');
    this.rate = find('rate');
    this.totalText = find('total');
    this.pauseButton = find('pause');
    this.spark = new Sparkline(find('rate-line'), {
      label: 'Messages per second, last minute',
      fill: 0,
    });
    this.waiting = []; // rows to draw, oldest first
    this.total = 0;
    this.lastTotal = 0;
    this.frame = 0;
    this.paused = false;
    this.pauseButton.addEventListener('click', () => this.pause(!this.paused));
    find('clear').addEventListener('click', () => this.clear());
    setInterval(() => this.tick(), 1000);
  }

  // `took` is the round trip in milliseconds, or null for a message from elsewhere.
  message(channel, text, took) {
    this.total += 1;
    if (!this.paused) this.add({ when: new Date(), channel, text, took });
  }

  // A word about the connection or a subscription, between the messages.
  event(text, state = '') {
    this.add({ when: new Date(), event: text, state });
  }

  add(row) {
    this.waiting.push(row);
    if (this.waiting.length > kRowsMax) this.waiting.shift();
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    const rows = this.waiting.map((row) => this.row(row)).reverse();
    this.waiting = [];
    const top = this.list.scrollTop;
    const height = this.list.scrollHeight;
    this.list.prepend(...rows);
    while (this.list.childElementCount > kRowsMax) this.list.lastElementChild.remove();
    // Who has scrolled down to read keeps what is read in place.
    if (top > 0) this.list.scrollTop = top + this.list.scrollHeight - height;
    this.empty.hidden = this.list.childElementCount > 0;
    this.totalText.textContent = this.total.toLocaleString('en');
  }

  row({ when, channel, text, took, event, state }) {
    const item = element('li', event ? 'event' : '');
    if (event) {
      item.dataset.state = state;
      item.append(clock(when), element('span', '', event));
      return item;
    }
    const badge =
      took === null
        ? element('span', 'took', 'received')
        : element('span', 'took own', duration(took));
    badge.title = took === null ? 'From another client' : 'Round trip: published here, heard here';
    item.append(clock(when), channelName(channel), payload(text), badge);
    return item;
  }

  tick() {
    const rate = this.total - this.lastTotal;
    this.lastTotal = this.total;
    this.rate.textContent = rate.toLocaleString('en');
    this.totalText.textContent = this.total.toLocaleString('en');
    this.spark.push(rate);
  }

  pause(paused) {
    this.paused = paused;
    this.pauseButton.setAttribute('aria-pressed', String(paused));
    this.pauseButton.textContent = paused ? 'Resume' : 'Pause';
  }

  clear() {
    this.waiting = [];
    this.list.replaceChildren();
    this.empty.hidden = false;
    this.total = 0;
    this.lastTotal = 0;
    this.totalText.textContent = '0';
  }
}
