// Very many clients in one process: no more than a WebSocket, and a line to compare.

import assert from 'node:assert/strict';

import { BreakableSocket } from './breakable.mjs';
import { withDeadline } from './waiting.mjs';

const kComes = 60_000; // ms

export class Member {
  // Connects as this user, and subscribes to the channels: there when all of it is granted. One who
  // `listens` hears of the joins and leaves.
  static async come(server, user, token, channels, listens = false) {
    const member = new Member(new BreakableSocket(server.wsUrl), user, channels.length);
    const commands = [{ id: 1, connect: { token } }];
    for (const channel of channels) {
      const id = commands.length + 1;
      commands.push({ id, subscribe: { channel, join_leave: listens } });
    }
    member.socket.on('open', () => {
      member.socket.send(commands.map((command) => JSON.stringify(command)).join('\n'));
    });
    await withDeadline(member.ready, `${user} is there`, kComes);
    return member;
  }

  constructor(socket, user, missing) {
    Object.assign(this, { socket, user, missing });
    this.events = new Map(); // by channel
    this.ready = new Promise((resolve, reject) => {
      socket.on('message', (data) => {
        for (const line of data.toString().split('\n')) this.take(JSON.parse(line), resolve);
      });
      socket.on('close', (code) => reject(new Error(`${user} was closed with ${code}`)));
    });
  }

  take(message, ready) {
    if (message.push) return this.hear(message.push);
    if (!message.id) return this.socket.send('{}'); // a ping
    assert.equal(message.error, undefined, this.user);
    if (message.connect) this.client = message.connect.client;
    else if ((this.missing -= 1) === 0) ready();
  }

  hear({ channel, join, leave }) {
    const { client, user } = (join ?? leave).info;
    const events = this.at(channel);
    events.heard += 1;
    if (events.clients.has(client) === (join !== undefined)) events.unpaired += 1;
    if (join) events.clients.add(client);
    else events.clients.delete(client);
    events.users.set(user, (events.users.get(user) ?? 0) + (join ? 1 : -1));
    if (events.users.get(user) === 0) events.users.delete(user);
  }

  // What it has heard in a channel: the number of joins and leaves, the clients and the users that
  // came more often than they went, and how many events there were of clients that were there
  // already, or were not.
  at(channel) {
    if (!this.events.has(channel)) {
      const [clients, users] = [new Set(), new Map()];
      this.events.set(channel, { heard: 0, clients, users, unpaired: 0 });
    }
    return this.events.get(channel);
  }

  leave() {
    this.socket.leave();
  }

  reset() {
    this.socket.reset();
  }
}
