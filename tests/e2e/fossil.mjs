// Applies Fossil deltas: what a client has to know of them, written anew, so that the server is
// held against the format and not against somebody's reading of it.
//
//   delta  := size "\n" command* checksum ";"
//   copy   := count "@" offset ","
//   insert := count ":" bytes

const kDigits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~';

// The sum of the target's big-endian words, the last one filled up with zeros.
function checksum(bytes) {
  let sum = 0;
  for (let i = 0; i < bytes.length; ++i) sum = (sum + bytes[i] * 2 ** (24 - 8 * (i % 4))) % 2 ** 32;
  return sum;
}

// The bytes that `delta` makes of `source`; throws if it is not a delta of it.
export function applyDelta(source, delta) {
  let at = 0;
  const number = () => {
    let value = 0;
    for (; kDigits.includes(String.fromCharCode(delta[at])); ++at) {
      value = value * 64 + kDigits.indexOf(String.fromCharCode(delta[at]));
    }
    return value;
  };
  const sign = () => String.fromCharCode(delta[at++]);
  const size = number();
  if (sign() !== '\n') throw new Error('the size does not end');
  const parts = [];
  while (at < delta.length) {
    const count = number();
    const what = sign();
    if (what === '@') {
      const from = number();
      if (sign() !== ',' || from + count > source.length) throw new Error('a bad copy');
      parts.push(source.subarray(from, from + count));
    } else if (what === ':') {
      parts.push(delta.subarray(at, at + count));
      at += count;
    } else if (what === ';') {
      const target = Buffer.concat(parts);
      if (target.length !== size) throw new Error(`${target.length} bytes instead of ${size}`);
      if (checksum(target) !== count) throw new Error('the checksum differs');
      return target;
    } else {
      throw new Error(`command ${what}`);
    }
  }
  throw new Error('no checksum');
}
