// The Autobahn testsuite's cases 12 and 13 (permessage-deflate), by their numbers, against the echo
// endpoint. Autobahn sends a thousand messages in each; here it is as many as make about half a
// MiB, and 300 at most.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { kOpcode } from './clients.mjs';
import { Peer, deflate, fragmented, frame, inflate, parseAgreement } from './conformance_peer.mjs';
import { startServer } from './harness.mjs';

const kBytesPerCase = 512 * 1024;
const kMessagesMax = 300;
const kPatterns = 4; // different messages in a case
const kOffer = 'permessage-deflate; client_no_context_takeover; client_max_window_bits';

// [bytes, bytes of a fragment] of the messages in each group of 18 cases.
const kSizes = [
  ...[16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072].map((size) => [size, size]),
  ...[8192, 16_384, 32_768, 65_536, 131_072].map((size) => [size, 256]),
  ...[1024, 4096, 32_768].map((fragment) => [131_072, fragment]),
];

const shown = ([size, fragment]) => `${size} bytes in fragments of ${fragment}`;

let server;
before(async () => (server = await startServer({ config: { websocket: { compression: true } } })));
after(() => server.stop());

// ---- What is sent: as compressible as Autobahn's files are ----

// A generator of its own, so that every run sends the same.
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function repeat(bytes, make) {
  const parts = [];
  for (let size = 0, i = 0; size < bytes; i++) {
    const part = Buffer.from(make(i));
    parts.push(part);
    size += part.length;
  }
  return Buffer.concat(parts);
}

function makeData() {
  const random = numbers(7);
  const kFaust =
    'ihr naht euch wieder schwankende Gestalten die früh sich einst dem trüben Blick – “Æon”';
  const kWords = kFaust.split(' ');
  const word = () => kWords[random(kWords.length)];
  const kBytes = 200_000;
  return {
    json: [
      'text',
      repeat(
        kBytes,
        (i) =>
          JSON.stringify({ id: i, name: word(), value: random(1e6), tags: [word(), word()] }) +
          ',\n',
      ),
    ],
    bitmap: [
      'binary',
      repeat(kBytes, (i) => [i & 0xff, (i >> 3) & 0xff, random(8) + (i >> 9)].map((v) => v & 0xff)),
    ],
    prose: ['text', repeat(kBytes, (i) => word() + (i % 9 === 8 ? ',\n' : ' '))],
    html: [
      'text',
      repeat(
        kBytes,
        (i) => `<li class="row-${i % 7}"><a href="/${random(9999)}">${word()} €${i}</a></li>\n`,
      ),
    ],
    noise: ['binary', repeat(kBytes, () => [random(256)])],
  };
}

// `size` bytes from somewhere in the data; of text, with spaces for characters that were cut.
function slice(type, data, size, at) {
  const start = at % (data.length - size);
  const bytes = Buffer.from(data.subarray(start, start + size));
  if (type === 'binary') return bytes;
  for (let i = 0; i < size && (bytes[i] & 0xc0) === 0x80; i++) bytes[i] = 0x20;
  for (let back = 1; back <= Math.min(3, size); back++) {
    const lead = bytes[size - back];
    if (lead < 0x80) break;
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
    if (length > back) bytes.fill(0x20, size - back);
    if (length > 0) break;
  }
  return bytes;
}

const kData = makeData();

// Sends a case's messages, compressed, and expects each back. Without an agreement they go as they
// are.
async function echo(peer, [type, data], [size, fragment]) {
  const opcode = kOpcode[type];
  const messages = Array.from({ length: kPatterns }, (_, i) => {
    const payload = slice(type, data, size, i * 7919);
    const windowBits = peer.agreement?.clientWindowBits;
    const sent = peer.agreement ? deflate(payload, { windowBits }) : payload;
    return { payload, bytes: fragmented(opcode, sent, fragment, { rsv: peer.agreement ? 4 : 0 }) };
  });
  const count = Math.max(kPatterns, Math.min(kMessagesMax, Math.ceil(kBytesPerCase / size)));
  let compressed = 0;
  for (let i = 0; i < count; i++) {
    const { payload, bytes } = messages[i % kPatterns];
    peer.write(bytes);
    const event = await peer.expect(type, payload);
    if (event.compressed) compressed++;
  }
  await peer.finish();
  return compressed / count;
}

describe('12 compression of different data', () => {
  Object.entries(kData).forEach(([name, data], group) =>
    kSizes.forEach((sizes, i) =>
      test(`12.${group + 1}.${i + 1} ${name}, ${shown(sizes)}`, async () => {
        const peer = await Peer.open(server, { offer: kOffer });
        assert.ok(peer.agreement, 'the offer is accepted');
        assert.ok(peer.agreement.serverNoContext && peer.agreement.clientNoContext);
        const share = await echo(peer, data, sizes);
        if (name === 'noise') assert.equal(share, 0, 'what does not get shorter goes as it is');
        else if (sizes[0] >= 4096) assert.equal(share, 1, 'what gets shorter goes compressed');
      }),
    ),
  );
});

describe('13 compression with different parameters', () => {
  // What a client asks of the server: no context takeover, and a window.
  const offer = ([noContext, windowBits]) =>
    'permessage-deflate; client_max_window_bits' +
    (noContext ? '; server_no_context_takeover' : '') +
    (windowBits ? `; server_max_window_bits=${windowBits}` : '');
  const kVariants = [
    [[false, 0]],
    [[true, 0]],
    [[false, 9]],
    [[false, 15]],
    [[true, 9]],
    [[true, 15]],
    [
      [true, 9],
      [true, 0],
      [false, 0],
    ],
  ];
  kVariants.forEach((variant, group) =>
    kSizes.forEach((sizes, i) => {
      const offers = variant.map(offer).join(', ');
      test(`13.${group + 1}.${i + 1} ${shown(sizes)}; ${offers}`, async () => {
        const peer = await Peer.open(server, { offer: offers });
        // RFC 7692 lets a server decline a window that it does not support, and only that.
        if (variant.some(([, bits]) => bits === 0 || bits === 15)) assert.ok(peer.agreement);
        const smallest = Math.min(...variant.map(([, bits]) => bits || 15));
        if (peer.agreement && variant.length === 1)
          assert.ok(peer.agreement.serverWindowBits <= smallest);
        const share = await echo(peer, kData.json, sizes);
        if (peer.agreement && sizes[0] >= 4096) assert.equal(share, 1);
      });
    }),
  );
});

describe('what Autobahn does not ask', () => {
  const open = (offer = kOffer) => Peer.open(server, { offer });

  for (const offer of [
    'permessage-deflate; server_max_window_bits=8',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; client_max_window_bits=16',
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; unknown',
    'x-webkit-deflate-frame',
  ]) {
    test(`declines ${offer}`, async () => {
      const peer = await open(offer);
      assert.equal(peer.agreement, null);
      await peer.finish();
    });
    test(`takes a plain offer behind ${offer}`, async () => {
      const peer = await open(`${offer}, permessage-deflate`);
      assert.ok(peer.agreement);
      await peer.finish();
    });
  }

  const fails = (name, bytes, code) =>
    test(name, async () => {
      const peer = await open();
      peer.write(bytes);
      await peer.expectClose(code);
    });
  fails('a corrupt stream fails', frame(kOpcode.text, Buffer.from([0x07]), { rsv: 4 }), 1007);
  fails(
    'compressed text that is not UTF-8 fails',
    frame(kOpcode.text, deflate(Buffer.from([0xff])), { rsv: 4 }),
    1007,
  );
  fails('RSV1 on a ping fails', frame(kOpcode.ping, '', { rsv: 4 }), 1002);
  fails(
    'RSV1 on a continuation fails',
    Buffer.concat([
      frame(kOpcode.text, '', { fin: false, rsv: 4 }),
      frame(kOpcode.continuation, '', { rsv: 4 }),
    ]),
    1002,
  );
  fails('RSV2 fails', frame(kOpcode.text, '', { rsv: 6 }), 1002);
  const bomb = deflate(Buffer.alloc(32 * 1024 * 1024), { level: 9 });
  fails(
    'a message that inflates to more than 16 MiB fails',
    frame(kOpcode.binary, bomb, { rsv: 4 }),
    1009,
  );

  test('the client inflates the examples of RFC 7692, and its windows are strict', () => {
    assert.equal(inflate(Buffer.from('f248cdc9c90700', 'hex')).toString(), 'Hello');
    const far = Buffer.concat([kData.noise[1].subarray(0, 2000), kData.noise[1].subarray(0, 2000)]);
    assert.ok(inflate(deflate(far, { level: 9 })).equals(far));
    assert.throws(
      () => inflate(deflate(far, { level: 9 }), { windowBits: 9, strict: true }),
      /too far back/,
    );
  });
  test('the client refuses answers that RFC 7692 does not allow', () => {
    for (const answer of [
      'permessage-deflate; unknown',
      'permessage-deflate; server_max_window_bits=16',
      'permessage-deflate; server_no_context_takeover=1',
      'permessage-deflate; client_max_window_bits=10',
      'permessage-bzip2',
    ]) {
      assert.throws(
        () => parseAgreement(answer, 'permessage-deflate'),
        assert.AssertionError,
        answer,
      );
    }
    assert.equal(parseAgreement(undefined, kOffer), null);
  });
});
