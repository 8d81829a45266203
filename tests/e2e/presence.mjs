// Watching who is in a channel.

import { api } from './streams.mjs';
import { Inbox, eventOf } from './waiting.mjs';

// A live subscription whose events are in `heard`, as [kind, user], in the order in which they
// came.
export async function watch(client, channel, options) {
  const subscription = client.newSubscription(channel, options);
  subscription.heard = new Inbox(`an event in ${channel}`);
  subscription.on('subscribed', () => subscription.heard.push(['subscribed', '']));
  for (const kind of ['join', 'leave']) {
    subscription.on(kind, ({ info }) => subscription.heard.push([kind, info.user]));
  }
  subscription.subscribe();
  await eventOf(subscription, 'subscribed');
  return subscription;
}

// How many clients, of how many users, are in a channel.
export async function membersOf(server, channel) {
  const { num_clients, num_users } = await api(server, 'presence_stats', { channel });
  return [num_clients, num_users];
}
