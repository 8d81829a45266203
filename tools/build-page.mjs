// Builds the playground: `node tools/build-page.mjs OUT.html`.
//
// src/admin/page/ and the official client become one HTML file with everything in it: no request
// but to its own server, no eval, and a Content-Security-Policy that holds it to that. The licences
// of what is bundled go along.

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const kRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const kPage = join(kRoot, 'src/admin/page');
// The client's build has the other three inside.
const kBundled = ['centrifuge', 'protobufjs', 'long', 'events'];

function fail(message) {
  console.error(`build-page: ${message}`);
  process.exit(1);
}

async function loadBundler() {
  try {
    return await import('esbuild');
  } catch {
    return fail('esbuild is not installed; run `npm ci` in the repository first');
  }
}

async function bundle(esbuild, entry) {
  const result = await esbuild.build({
    absWorkingDir: kRoot,
    entryPoints: [join(kPage, entry)],
    bundle: true,
    minify: true,
    write: false,
    charset: 'utf8',
    legalComments: 'none',
    target: ['chrome100', 'firefox100', 'safari15.4'],
    logLevel: 'warning',
  });
  return result.outputFiles[0].text.trim();
}

async function licences() {
  const texts = await Promise.all(
    kBundled.map(async (name) => {
      const folder = join(kRoot, 'node_modules', name);
      const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
      const licence = await readFile(join(folder, 'LICENSE'), 'utf8');
      return `${name} ${version}\n\n${licence.trim()}`;
    }),
  );
  // Two hyphens would end the comment early.
  const notice = ['Millrace playground, Apache-2.0. It contains:', ...texts].join('\n\n');
  return `<!--\n${notice.replaceAll('--', '- -')}\n-->`;
}

const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

function replaceOnce(text, from, to) {
  const parts = text.split(from);
  if (parts.length !== 2) fail(`index.html should have this line once: ${from}`);
  return parts.join(to);
}

async function main() {
  const [, , out, ...rest] = process.argv;
  if (!out || rest.length > 0) fail('usage: node tools/build-page.mjs OUT.html');
  const esbuild = await loadBundler();
  const [page, style, script, notice] = await Promise.all([
    readFile(join(kPage, 'index.html'), 'utf8'),
    bundle(esbuild, 'style.css'),
    bundle(esbuild, 'playground.js'),
    licences(),
  ]);
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "connect-src 'self' ws: wss:",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  let html = replaceOnce(
    page,
    '<meta charset="utf-8">',
    `<meta charset="utf-8">\n  <meta http-equiv="Content-Security-Policy" content="${policy}">`,
  );
  html = replaceOnce(html, '<link rel="stylesheet" href="style.css">', `<style>${style}</style>`);
  html = replaceOnce(
    html,
    '<script type="module" src="playground.js"></script>',
    `<script type="module">${script}</script>`,
  );
  html = replaceOnce(html, '<!doctype html>\n', `<!doctype html>\n${notice}\n`);
  const target = resolve(out);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, html);
}

await main();
