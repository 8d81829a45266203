// The Autobahn testsuite's cases, by their numbers, against the echo endpoint: framing, pings,
// reserved bits, opcodes, fragmentation, UTF-8, closing, sizes. Only strict behaviour passes.
// Compression: conformance_deflate.test.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { kOpcode } from './clients.mjs';
import {
  Peer,
  binary,
  close,
  continuation,
  fragmented,
  frame,
  masked,
  ping,
  pong,
  text,
} from './conformance_peer.mjs';
import { kGreek, kUtf8Cases } from './conformance_utf8.mjs';
import { startServer } from './harness.mjs';

const kHello = 'Hello, world!';
const kBytes = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);
const kAllText = 'Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!';
const KiB = 1024;
const MiB = 1024 * KiB;
const kProtocolError = 1002;
const kInvalidPayload = 1007;
const kTooBig = 1009;

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

// One connection for one case; gone afterwards, whatever happened.
function autobahn(number, what, run) {
  test(`${number} ${what}`, async () => {
    const peer = await Peer.open(server);
    try {
      await run(peer);
    } finally {
      peer.socket.destroy();
    }
  });
}

// How a case hands its frames to the kernel: all at once, a frame at a time, or a byte at a time.
const kWays = {
  'in one piece': async (peer, frames) => peer.write(...frames),
  'frame by frame': async (peer, frames) => {
    for (const one of frames) await peer.chop(one, one.length);
  },
  'byte by byte': (peer, frames) => peer.chop(Buffer.concat(frames), 1),
};

describe('1 framing', () => {
  for (const [group, type, make, byte] of [
    ['1.1', 'text', text, '*'],
    ['1.2', 'binary', binary, 0xfe],
  ]) {
    [0, 125, 126, 127, 128, 65_535, 65_536].forEach((size, i) =>
      autobahn(`${group}.${i + 1}`, `${type} of ${size} bytes`, async (peer) => {
        const payload = Buffer.alloc(size, byte);
        peer.write(make(payload));
        await peer.expect(type, payload);
        await peer.finish();
      }),
    );
    autobahn(`${group}.8`, `${type} of 65536 bytes in chops of 997`, async (peer) => {
      const payload = Buffer.alloc(65_536, byte);
      await peer.chop(make(payload), 997);
      await peer.expect(type, payload);
      await peer.finish();
    });
  }
});

describe('2 pings and pongs', () => {
  for (const [number, payload] of [
    ['2.1', ''],
    ['2.2', kHello],
    ['2.3', kBytes],
    ['2.4', Buffer.alloc(125, 0xfe)],
  ]) {
    autobahn(number, `a ping of ${payload.length} bytes is answered`, async (peer) => {
      peer.write(ping(payload));
      await peer.expect('pong', payload);
      await peer.finish();
    });
  }
  autobahn('2.5', 'a ping of 126 bytes fails', async (peer) => {
    peer.write(ping(Buffer.alloc(126, 0xfe)));
    await peer.expectClose(kProtocolError);
  });
  autobahn('2.6', 'a ping of 125 bytes, byte by byte', async (peer) => {
    const payload = Buffer.alloc(125, 0xfe);
    await peer.chop(ping(payload), 1);
    await peer.expect('pong', payload);
    await peer.finish();
  });
  autobahn('2.7', 'an unsolicited pong without payload is ignored', async (peer) => {
    peer.write(pong());
    await peer.finish();
  });
  autobahn('2.8', 'an unsolicited pong with payload is ignored', async (peer) => {
    peer.write(pong('unsolicited pong payload'));
    await peer.finish();
  });
  autobahn('2.9', 'an unsolicited pong, then a ping', async (peer) => {
    peer.write(pong('unsolicited pong payload'), ping('ping payload'));
    await peer.expect('pong', 'ping payload');
    await peer.finish();
  });
  for (const [number, way] of [
    ['2.10', 'in one piece'],
    ['2.11', 'byte by byte'],
  ]) {
    autobahn(number, `ten pings ${way}`, async (peer) => {
      const payloads = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
      await kWays[way](
        peer,
        payloads.map((payload) => ping(payload)),
      );
      for (const payload of payloads) await peer.expect('pong', payload);
      await peer.finish();
    });
  }
});

describe('3 reserved bits', () => {
  autobahn('3.1', 'RSV 1 fails', async (peer) => {
    peer.write(text(kHello, { rsv: 1 }));
    await peer.expectClose(kProtocolError);
  });
  for (const [number, rsv, way] of [
    ['3.2', 2, 'in one piece'],
    ['3.3', 3, 'frame by frame'],
    ['3.4', 4, 'byte by byte'],
  ]) {
    autobahn(number, `RSV ${rsv} between a message and a ping, ${way}, fails`, async (peer) => {
      const sent = kWays[way](peer, [text(kHello), text(kHello, { rsv }), ping()]);
      await peer.expect('text', kHello);
      await peer.expectClose(kProtocolError);
      await sent;
    });
  }
  for (const [number, rsv, make, payload] of [
    ['3.5', 5, binary, kBytes],
    ['3.6', 6, ping, kHello],
    ['3.7', 7, (_, options) => frame(kOpcode.close, Buffer.from([0x03, 0xe8]), options), ''],
  ]) {
    autobahn(number, `RSV ${rsv} fails`, async (peer) => {
      peer.write(make(payload, { rsv }));
      await peer.expectClose(kProtocolError);
    });
  }
});

describe('4 opcodes', () => {
  for (const [group, opcodes] of [
    ['4.1', [3, 4, 5, 6, 7]],
    ['4.2', [11, 12, 13, 14, 15]],
  ]) {
    opcodes.forEach((opcode, i) => {
      const payload = i === 0 || i === 2 ? '' : 'reserved opcode payload';
      const way = i === 4 ? 'byte by byte' : 'in one piece';
      autobahn(`${group}.${i + 1}`, `opcode ${opcode} fails`, async (peer) => {
        const alone = i < 2;
        const frames = [frame(opcode, payload)];
        if (!alone) frames.splice(0, 1, text(kHello), frames[0], ping());
        const sent = kWays[way](peer, frames);
        if (!alone) await peer.expect('text', kHello);
        await peer.expectClose(kProtocolError);
        await sent;
      });
    });
  }
});

describe('5 fragmentation', () => {
  const two = () => [text('fragment1', { fin: false }), continuation('fragment2')];

  for (const [number, make] of [
    ['5.1', ping],
    ['5.2', pong],
  ]) {
    autobahn(
      number,
      `a ${make === ping ? 'ping' : 'pong'} in two fragments fails`,
      async (peer) => {
        peer.write(make('fragment1', { fin: false }), continuation('fragment2'));
        await peer.expectClose(kProtocolError);
      },
    );
  }
  Object.keys(kWays).forEach((way, i) => {
    autobahn(`5.${3 + i}`, `a text in two fragments, ${way}`, async (peer) => {
      await kWays[way](peer, two());
      await peer.expect('text', 'fragment1fragment2');
      await peer.finish();
    });
    autobahn(`5.${6 + i}`, `a text in two fragments with a ping between, ${way}`, async (peer) => {
      const [first, second] = two();
      await kWays[way](peer, [first, ping('ping payload'), second]);
      await peer.expect('pong', 'ping payload');
      await peer.expect('text', 'fragment1fragment2');
      await peer.finish();
    });
    for (const [number, fin] of [
      [9 + i, true],
      [12 + i, false],
    ]) {
      autobahn(
        `5.${number}`,
        `a continuation of nothing (FIN ${fin}), ${way}, fails`,
        async (peer) => {
          const sent = kWays[way](peer, [
            continuation('non-continuation payload', { fin }),
            text(kHello),
          ]);
          await peer.expectClose(kProtocolError);
          await sent;
        },
      );
    }
  });
  autobahn('5.15', 'a message, then a continuation of nothing, fails', async (peer) => {
    peer.write(...two(), continuation('fragment3', { fin: false }), text('fragment4'));
    await peer.expect('text', 'fragment1fragment2');
    await peer.expectClose(kProtocolError);
  });
  for (const [number, fin] of [
    ['5.16', false],
    ['5.17', true],
  ]) {
    autobahn(
      number,
      `twice: continuation of nothing (FIN ${fin}), text, continuation`,
      async (peer) => {
        const round = [
          continuation('fragment1', { fin }),
          text('fragment2', { fin: false }),
          continuation('fragment3'),
        ];
        peer.write(...round, ...round);
        await peer.expectClose(kProtocolError);
      },
    );
  }
  autobahn('5.18', 'a text in two fragments that are both text frames fails', async (peer) => {
    peer.write(text('fragment1', { fin: false }), text('fragment2'));
    await peer.expectClose(kProtocolError);
  });
  for (const [number, way] of [
    ['5.19', 'in one piece'],
    ['5.20', 'frame by frame'],
  ]) {
    autobahn(
      number,
      `a text in five fragments with two pings, ${way}, waiting between`,
      async (peer) => {
        const middle = (name) => continuation(name, { fin: false });
        await kWays[way](peer, [
          text('fragment1', { fin: false }),
          middle('fragment2'),
          ping('pongme 1!'),
        ]);
        await peer.expect('pong', 'pongme 1!');
        await kWays[way](peer, [
          middle('fragment3'),
          middle('fragment4'),
          ping('pongme 2!'),
          continuation('fragment5'),
        ]);
        await peer.expect('pong', 'pongme 2!');
        await peer.expect('text', 'fragment1fragment2fragment3fragment4fragment5');
        await peer.finish();
      },
    );
  }
});

describe('6 UTF-8', () => {
  const fragments = (...payloads) =>
    payloads.map((payload, i) =>
      frame(i === 0 ? kOpcode.text : kOpcode.continuation, payload, {
        fin: i === payloads.length - 1,
      }),
    );
  const kBad = Buffer.concat([kGreek, Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('edited')]);
  const valid = (number, what, payload, frames) =>
    autobahn(number, what, async (peer) => {
      peer.write(...frames);
      await peer.expect('text', payload);
      await peer.finish();
    });
  const invalid = (number, what, frames) =>
    autobahn(number, what, async (peer) => {
      peer.write(...frames);
      await peer.expectClose(kInvalidPayload);
    });

  valid('6.1.1', 'an empty text', '', [text('')]);
  valid('6.1.2', 'an empty text in three fragments', '', fragments('', '', ''));
  valid(
    '6.1.3',
    'three fragments, the first and last empty',
    'middle frame payload',
    fragments('', 'middle frame payload', ''),
  );
  valid('6.2.1', 'valid text', kAllText, [text(kAllText)]);
  valid(
    '6.2.2',
    'valid text in two fragments',
    kAllText,
    fragments(kAllText.slice(0, 12), kAllText.slice(12)),
  );
  valid('6.2.3', 'valid text in fragments of one byte', kAllText, [
    fragmented(kOpcode.text, kAllText, 1),
  ]);
  valid('6.2.4', 'valid Greek in fragments of one byte', kGreek, [
    fragmented(kOpcode.text, kGreek, 1),
  ]);
  invalid('6.3.1', 'a surrogate within text fails', [text(kBad)]);
  invalid('6.3.2', 'a surrogate within text in fragments of one byte fails', [
    fragmented(kOpcode.text, kBad, 1),
  ]);

  // Fail fast: what would follow the bad byte is never sent, and the failure must come all the
  // same.
  const kParts = {
    1: [kGreek, Buffer.from([0xf4, 0x90, 0x80, 0x80])],
    2: [Buffer.concat([kGreek, Buffer.from([0xf4])]), Buffer.from([0x90])],
  };
  for (const [variant, [good, bad]] of Object.entries(kParts)) {
    const rest = { 1: Buffer.from('edited'), 2: Buffer.from('\x80\x80edited', 'latin1') }[variant];
    autobahn(`6.4.${variant}`, 'fails before the message ends', async (peer) => {
      peer.write(text(good, { fin: false }), ping('still there'));
      await peer.expect('pong', 'still there');
      peer.write(continuation(bad, { fin: false }));
      await peer.expectClose(kInvalidPayload);
    });
    autobahn(`6.4.${Number(variant) + 2}`, 'fails before the frame ends', async (peer) => {
      const whole = text(Buffer.concat([good, bad, rest]));
      await peer.chop(whole.subarray(0, 6 + good.length), 1000);
      await peer.chop(whole.subarray(6 + good.length, 6 + good.length + bad.length), 1000);
      await peer.expectClose(kInvalidPayload);
    });
  }

  for (const [number, isValid, bytes] of kUtf8Cases) {
    const what = `${bytes.toString('hex').slice(0, 40)} is ${isValid ? 'valid' : 'invalid'}`;
    if (isValid) valid(number, what, bytes, [text(bytes)]);
    else invalid(number, what, [text(bytes)]);
  }
});

describe('7 closing', () => {
  const closed = async (peer, code) => {
    const event = await peer.expect('close');
    assert.equal(event.code, code);
    await peer.expect('end');
  };

  autobahn('7.1.1', 'a message, then a close', async (peer) => {
    peer.write(text('Hello World!'));
    await peer.expect('text', 'Hello World!');
    await peer.finish();
  });
  autobahn('7.1.2', 'two closes', async (peer) => {
    peer.write(close(1000), close(1000));
    await closed(peer, 1000);
  });
  autobahn('7.1.3', 'a ping behind a close is not answered', async (peer) => {
    peer.write(close(1000), ping());
    await closed(peer, 1000);
  });
  autobahn('7.1.4', 'a text behind a close is not echoed', async (peer) => {
    peer.write(close(1000), text('Hello World!'));
    await closed(peer, 1000);
  });
  autobahn('7.1.5', 'a close between fragments', async (peer) => {
    peer.write(text('fragment1', { fin: false }), close(1000), continuation('fragment2'));
    await closed(peer, 1000);
  });
  autobahn('7.1.6', '256 KiB, a close, a ping', async (peer) => {
    const payload = Buffer.alloc(256 * KiB, 'BAsd7&jh23');
    peer.write(text(payload), close(1000), ping());
    await peer.expect('text', payload);
    await closed(peer, 1000);
  });

  autobahn('7.3.1', 'an empty close', async (peer) => {
    peer.write(close());
    const { code } = await peer.expect('close');
    assert.ok(code === undefined || code === 1000, `${code}`);
    await peer.expect('end');
  });
  autobahn('7.3.2', 'a close of one byte fails', async (peer) => {
    peer.write(frame(kOpcode.close, 'a'));
    await peer.expectClose(kProtocolError);
  });
  for (const [number, reason] of [
    ['7.3.3', ''],
    ['7.3.4', 'Hello World!'],
    ['7.3.5', '*'.repeat(123)],
  ]) {
    autobahn(number, `a close with a reason of ${reason.length} bytes`, async (peer) => {
      peer.write(close(1000, reason));
      await closed(peer, 1000);
    });
  }
  autobahn('7.3.6', 'a close with a reason of 124 bytes fails', async (peer) => {
    peer.write(close(1000, '*'.repeat(124)));
    await peer.expectClose(kProtocolError);
  });
  autobahn('7.5.1', 'a close whose reason is not UTF-8 fails', async (peer) => {
    peer.write(
      close(1000, Buffer.concat([kGreek, Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('edited')])),
    );
    await peer.expectClose(kInvalidPayload);
  });
  [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].forEach(
    (code, i) =>
      autobahn(`7.7.${i + 1}`, `close code ${code} is answered`, async (peer) => {
        peer.write(close(code));
        await closed(peer, code);
      }),
  );
  const kInvalid = { 9: [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999], 13: [5000, 65_535] };
  for (const [group, codes] of Object.entries(kInvalid)) {
    codes.forEach((code, i) =>
      autobahn(`7.${group}.${i + 1}`, `close code ${code} fails`, async (peer) => {
        peer.write(close(code));
        await peer.expectClose(kProtocolError);
      }),
    );
  }
});

describe('9 sizes', () => {
  const kTypes = [
    ['text', kOpcode.text, '*'],
    ['binary', kOpcode.binary, 0xfe],
  ];
  const name = (size) =>
    size >= MiB ? `${size / MiB} MiB` : size >= KiB ? `${size / KiB} KiB` : `${size} bytes`;

  kTypes.forEach(([type, opcode, byte], t) => {
    const echo = async (peer, payload, send) => {
      const sent = send();
      await peer.expect(type, payload);
      await sent;
      await peer.finish();
    };
    [64 * KiB, 256 * KiB, MiB, 4 * MiB, 8 * MiB, 16 * MiB].forEach((size, i) =>
      autobahn(`9.${1 + t}.${i + 1}`, `${type} of ${name(size)}`, async (peer) => {
        const payload = Buffer.alloc(size, byte);
        await echo(peer, payload, () => peer.write(frame(opcode, payload)));
      }),
    );
    [64, 256, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, MiB, 4 * MiB].forEach((size, i) =>
      autobahn(
        `9.${3 + t}.${i + 1}`,
        `${type} of 4 MiB in fragments of ${name(size)}`,
        async (peer) => {
          // Autobahn ends a payload that divides evenly with a fragment of nothing.
          const payload = Buffer.alloc(4 * MiB, byte);
          const frames = fragmented(opcode, payload, size, { fin: false });
          await echo(peer, payload, () => peer.write(frames, continuation('')));
        },
      ),
    );
    [64, 128, 256, 512, KiB, 2 * KiB].forEach((size, i) =>
      autobahn(
        `9.${5 + t}.${i + 1}`,
        `${type} of 1 MiB in chops of ${name(size)}`,
        async (peer) => {
          const payload = Buffer.alloc(MiB, byte);
          await echo(peer, payload, () => peer.chop(frame(opcode, payload), size));
        },
      ),
    );
    [0, 16, 64, 256, KiB, 4 * KiB].forEach((size, i) =>
      autobahn(
        `9.${7 + t}.${i + 1}`,
        `300 round trips of ${type} of ${name(size)}`,
        async (peer) => {
          const payload = Buffer.alloc(size, byte);
          const bytes = frame(opcode, payload);
          for (let round = 0; round < 300; round++) {
            peer.write(bytes);
            await peer.expect(type, payload);
          }
          await peer.finish();
        },
      ),
    );
  });
});

describe('10 automatic fragmentation', () => {
  autobahn('10.1.1', 'a text of 65536 bytes in fragments of 1300', async (peer) => {
    const payload = Buffer.alloc(65_536, '*');
    peer.write(fragmented(kOpcode.text, payload, 1300));
    await peer.expect('text', payload);
    await peer.finish();
  });
});

describe('what Autobahn does not ask', () => {
  const raw = (name, bytes, code) =>
    autobahn('-', name, async (peer) => {
      peer.write(Buffer.from(bytes));
      await peer.expectClose(code);
    });
  const length = (size) => [...Array(7).keys()].map(() => 0).concat(size);

  raw('an unmasked frame fails', [0x81, 0x02, 0x68, 0x69], kProtocolError);
  raw('a length of 125 in two bytes fails', [0x82, 0xfe, 0, 125, 0, 0, 0, 0], kProtocolError);
  raw('a length of 5 in eight bytes fails', [0x82, 0xff, ...length(5)], kProtocolError);
  raw(
    'a length with its top bit set fails',
    [0x82, 0xff, 0x80, ...length(0).slice(1)],
    kProtocolError,
  );
  raw(
    'a message of 16 MiB and a byte fails at its header',
    [0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 1],
    kTooBig,
  );
  raw(
    'a message of 8 EiB fails at its header',
    [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    kTooBig,
  );
  autobahn('-', 'fragments that add up to more than 16 MiB fail', async (peer) => {
    peer.write(binary(Buffer.alloc(16 * MiB), { fin: false }), continuation('x').subarray(0, 2));
    await peer.expectClose(kTooBig);
  });
  test('the client masks as RFC 6455 does', () => {
    assert.equal(masked(Buffer.from('Hello')).toString('hex'), '7f9f4d5158'); // section 5.7
    assert.equal(text('Hello').toString('hex'), '818537fa213d7f9f4d5158');
  });
});
