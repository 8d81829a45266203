// The byte sequences of Autobahn's cases 6.5 to 6.23, which are those of Markus Kuhn's "UTF-8
// decoder capability and stress test": [case number, valid, bytes].

const bytes = (hex) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

function group(number, valid, sequences) {
  return sequences.map((sequence, i) => [
    `6.${number}.${i + 1}`,
    valid,
    Buffer.isBuffer(sequence) ? sequence : bytes(sequence),
  ]);
}

export const kGreek = Buffer.from('\u03ba\u1f79\u03c3\u03bc\u03b5'); // 11 bytes
const kGreekBorders = [2, 5, 7, 9, 11];

const kContinuations = range(0x80, 0xbf);
const kLonely = [
  range(0xc0, 0xdf),
  range(0xe0, 0xef),
  range(0xf0, 0xf7),
  range(0xf8, 0xfb),
  range(0xfc, 0xfd),
];
const kLastMissing = [
  'c0',
  'e080',
  'f08080',
  'f8808080',
  'fc80808080',
  'df',
  'efbf',
  'f7bfbf',
  'fbbfbfbf',
  'fdbfbfbfbf',
];
const kSurrogates = ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf'];
const kNonCharacters = range(0, 16).flatMap((plane) =>
  [0xfffe, 0xffff].map((last) => Buffer.from(String.fromCodePoint(plane * 0x10000 + last))),
);

export const kUtf8Cases = [
  ...group(5, true, [
    Buffer.from('hello$world'),
    Buffer.from('hello\u00a2world'),
    Buffer.from('hello\u20acworld'),
    Buffer.from('hello\u{24b62}world'),
    kGreek,
  ]),
  ...range(1, 11).map((size) => [
    `6.6.${size}`,
    kGreekBorders.includes(size),
    kGreek.subarray(0, size),
  ]),
  ...group(7, true, ['00', 'c280', 'e0a080', 'f0908080']),
  ...group(8, false, ['f888808080', 'fc8480808080']),
  ...group(9, true, ['7f', 'dfbf', 'efbfbf', 'f48fbfbf']),
  ...group(10, false, ['f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf']),
  ...group(11, true, ['ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf']),
  ['6.11.5', false, bytes('f4908080')],
  ...group(12, false, [
    '80',
    'bf',
    ...range(2, 6).map((size) => '80bf'.repeat(3).slice(0, 2 * size)),
    Buffer.from(kContinuations),
  ]),
  ...group(
    13,
    false,
    kLonely.map((starts) => Buffer.from(starts.flatMap((start) => [start, 0x20]))),
  ),
  ...group(14, false, kLastMissing),
  ...group(15, false, [kLastMissing.join('')]),
  ...group(16, false, ['fe', 'ff', 'fefeffff']),
  ...group(17, false, ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af']),
  ...group(18, false, ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf']),
  ...group(19, false, ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080']),
  ...group(20, false, kSurrogates),
  ...group(
    21,
    false,
    ['eda080', 'edadbf', 'edae80', 'edafbf'].flatMap((high) => [`${high}edb080`, `${high}edbfbf`]),
  ),
  ...group(22, true, kNonCharacters),
  ...group(23, true, ['efbfb9', 'efbfba', 'efbfbb', 'efbfbc', 'efbfbd', 'efbfbe', 'efbfbf']),
];
