// What is measured: the rows of the table.
//
// A case is {name, title, unit, can, steps, value}:
//   can      what a peer must list in its `can` to take part
//   steps    runs of the generator, each against a server that has just been started: a list of
//            {scenario, args}; functions of what a peer reached in a calibrating run where `load`
//            is true
//   value    the figure, from the results of these steps
//   unit     of that figure; less is better, always
//   latency  false where what the generator says of latencies is only how long connecting took

const kPayload = ['--payload', '125'];

const perDelivery = ([result]) => result.server.cpu_ns_per_delivery;

function fanout(name, subscribers, window) {
  const count = subscribers.toLocaleString('en');
  const args = ['--subscribers', subscribers, '--publishers', 1, '--window', window, ...kPayload];
  return {
    name,
    title: `fan-out to ${count} subscribers of one channel, ${window} in flight`,
    unit: 'CPU ns per delivery',
    can: 'fanout',
    steps: [{ scenario: 'fanout', args }],
    value: perDelivery,
  };
}

// The case that tells what a peer can carry, for those that run at part of that load.
export const kCalibration = fanout('fanout-1', 1000, 1);
export const messagesPerSecond = (result) => result.deliveries_per_second / 1000;

function idle(name, title, args, can = 'idle') {
  return {
    name,
    title,
    unit: 'bytes of memory per connection',
    latency: false,
    can,
    steps: [{ scenario: 'idle', args: ['--connections', 15_000, ...args] }],
    value: ([result]) => result.server.rss_bytes_per_connection,
  };
}

const kManyChannels = ['--channels', 10_000, '--subscribers', 10, '--connections', 10_000];
const kStorm = ['--connections', 15_000, '--in-progress', 100];
const kBare = ['--channel', 'bare:bench', '--channels'];

export const kCases = [
  kCalibration,
  fanout('fanout-16', 1000, 16),
  fanout('fanout-64', 1000, 64),
  fanout('fanout-15000', 15_000, 1),
  {
    name: 'channels',
    title: 'random publishes to 10,000 channels × 10 subscribers, 10,000 connections, 64 in flight',
    unit: 'CPU ns per delivery',
    can: 'channels',
    steps: [{ scenario: 'channels', args: [...kManyChannels, '--window', 64, ...kPayload] }],
    value: perDelivery,
  },
  {
    name: 'connect',
    title: '15,000 clients connect and subscribe to one channel, 100 of them at a time',
    unit: 'CPU µs per connection',
    can: 'connect',
    steps: [{ scenario: 'connect', args: [...kStorm, '--channels', 1] }],
    value: ([result]) => result.server.cpu_us_per_connection,
  },
  idle('idle', '15,000 idle connections, all subscribed to one channel', ['--channels', 1]),
  {
    name: 'channel',
    title: '15,000 channels with one subscriber and no history each, against one channel for all',
    unit: 'bytes of memory per channel',
    latency: false,
    can: 'namespaces',
    steps: [15_000, 1].map((channels) => ({
      scenario: 'idle',
      args: ['--connections', 15_000, ...kBare, channels],
      recoverable: false,
    })),
    value: ([own, shared]) =>
      own.server.rss_bytes_per_connection - shared.server.rss_bytes_per_connection,
  },
  {
    name: 'latency',
    title: 'fan-out to 1,000 subscribers at half of what uWebSockets carries (or itself, if less)',
    unit: 'µs to delivery, p99',
    can: 'fanout',
    load: true,
    steps: (rate) => [
      {
        scenario: 'fanout',
        args: ['--subscribers', 1000, '--publishers', 1, '--rate', rate, ...kPayload],
      },
    ],
    value: ([result]) => result.latency_us.p99,
  },
  {
    name: 'echo',
    title: 'raw echo, 200 connections, one message in flight each',
    unit: 'CPU ns per message',
    can: 'echo',
    steps: [{ scenario: 'echo', args: ['--connections', 200, '--window', 1, ...kPayload] }],
    value: ([result]) => result.server.cpu_ns_per_message,
  },
  {
    name: 'publish',
    title: "publish with reply into a channel of one's own, 200 connections, one in flight each",
    unit: 'CPU ns per round trip',
    can: 'publish',
    steps: [{ scenario: 'publish', args: ['--connections', 200, '--window', 1, ...kPayload] }],
    value: ([result]) => result.server.cpu_ns_per_message,
  },
];
