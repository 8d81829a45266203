// Starts the real nginx or HAProxy in front of a server, with the configuration that deploy/ has
// for users: only its ports, addresses, paths and sizes are replaced, so that it runs without root.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { freePort, makeFolder } from './harness.mjs';
import { until, withDeadline } from './waiting.mjs';

const kDeploy = new URL('../../deploy/', import.meta.url);
// Debian has both where only root looks for programs.
const kEnvironment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
const kStartMs = 15_000;
const kHost = '127.0.0.1';
const kHasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some(({ address }) => address === '::1');

const running = new Set();
// nginx's workers outlive a master that was killed, so nobody is: this ends both programs at once.
function cleanUp() {
  for (const child of running) child.kill('SIGTERM');
}
process.on('exit', cleanUp);
after(cleanUp);

// Why tests through this program are left out, or false.
export function missing(program) {
  const found = spawnSync(program, ['-v'], { env: kEnvironment }).error === undefined;
  return found ? false : `${program} is not installed (Debian package ${program})`;
}

// A key and a certificate of its own for 127.0.0.1 and localhost: their files, and the
// certificate's text.
function makeCertificate(folder) {
  const files = { key: join(folder, 'tls.key'), certificate: join(folder, 'tls.crt') };
  const made = spawnSync('openssl', [
    ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1'.split(' '),
    ...['-keyout', files.key, '-out', files.certificate, '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost'],
  ]);
  if (made.status !== 0) throw new Error(`openssl: ${made.error ?? made.stderr}`);
  const ca = readFileSync(files.certificate, 'utf8');
  const both = join(folder, 'tls.pem');
  writeFileSync(both, ca + readFileSync(files.key));
  return { ...files, both, ca };
}

// The text with each of [from, to] replaced, wherever it stands; it must.
function replaced(text, changes) {
  return changes.reduce((current, [from, to]) => {
    if (!current.includes(from)) throw new Error(`deploy/ has no "${from}" any more`);
    return current.replaceAll(from, to);
  }, text);
}

// As a user would: `lines` are commented out, and the comments that hold `instead` become lines.
function switched(text, lines, instead) {
  const off = lines.map((line) => [`\n    ${line}\n`, `\n    #${line}\n`]);
  const on = instead.map((line) => [`\n    #${line}\n`, `\n    ${line}\n`]);
  return replaced(text, [...off, ...on]);
}

// What listens, without IPv6 where there is none.
const withoutIpv6 = (text, line) => (kHasIpv6 ? text : replaced(text, [[line, '']]));

// ---- nginx ----

const kAccessLog = 'access.log';

const kNginxListens = ['listen 443 ssl http2;', 'listen [::]:443 ssl http2;'];
const kNginxBehindBalancer = [
  'listen 443 ssl http2 proxy_protocol;',
  'listen [::]:443 ssl http2 proxy_protocol;',
  'set_real_ip_from 10.0.0.0/8;',
  'real_ip_header proxy_protocol;',
];

// What nginx.conf has around it, without paths that only root may write to.
function nginxFrame(folder) {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
${process.getuid() === 0 ? 'user root;' : ''}
worker_processes 2;
pid ${folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 512; }
http {
${kinds.map((kind) => `    ${kind}_temp_path ${folder}/${kind};`).join('\n')}
    include ${folder}/millrace.conf;
}
`;
}

function nginxFiles({ server, folder, port, port6, tls, behindBalancer }) {
  let text = readFileSync(new URL('nginx/millrace.conf', kDeploy), 'utf8');
  if (behindBalancer) {
    text = switched(text, kNginxListens, kNginxBehindBalancer);
    text = replaced(text, [['set_real_ip_from 10.0.0.0/8;', `set_real_ip_from ${kHost};`]]);
  }
  const mark = behindBalancer ? ' proxy_protocol' : '';
  text = withoutIpv6(text, `    listen [::]:443 ssl http2${mark};\n`);
  text = replaced(text, [
    ['server 127.0.0.1:8000;', `server ${server.host}:${server.port};`],
    [`\n    listen 443 ssl`, `\n    listen ${kHost}:${port} ssl`],
    ...(kHasIpv6 ? [['\n    listen [::]:443', `\n    listen [::1]:${port6}`]] : []),
    ['/etc/nginx/tls/millrace.crt', tls.certificate],
    ['/etc/nginx/tls/millrace.key', tls.key],
    ['/var/log/nginx/millrace.access.log', join(folder, kAccessLog)],
  ]);
  writeFileSync(join(folder, 'millrace.conf'), text);
  writeFileSync(join(folder, 'nginx.conf'), nginxFrame(folder));
  const command = ['nginx', '-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
  return { command, check: [...command, '-t'] };
}

// ---- HAProxy ----

const kBinds = ['bind :443 ', 'bind :::443 v6only '];
const kServers = [
  'server node1 127.0.0.1:8000',
  'server node1 127.0.0.1:8000 track streams/node1',
];
const kServersByProxyProtocol = [
  'server node1 127.0.0.1:8000 send-proxy-v2 check-send-proxy',
  'server node1 127.0.0.1:8000 track streams/node1 send-proxy-v2',
];

function haproxyFiles({ server, folder, port, port6, tls, behindBalancer, proxyProtocol }) {
  let text = readFileSync(new URL('haproxy/haproxy.cfg', kDeploy), 'utf8');
  if (proxyProtocol) text = switched(text, kServers, kServersByProxyProtocol);
  const rest = 'ssl crt /etc/haproxy/tls/millrace.pem alpn h2,http/1.1';
  if (behindBalancer) {
    const lines = kBinds.map((bind) => `${bind}${rest}`);
    text = switched(text, lines, kBinds.map((bind) => `${bind}accept-proxy ${rest}`));
  }
  const mark = behindBalancer ? 'accept-proxy ' : '';
  text = withoutIpv6(text, `    bind :::443 v6only ${mark}${rest}\n`);
  text = replaced(text, [
    ['\n    log /dev/log local0\n', '\n    log stdout format raw local0\n'],
    ['\n    user haproxy\n    group haproxy\n    chroot /var/lib/haproxy\n', '\n'],
    ['/run/haproxy/admin.sock', join(folder, 'admin.sock')],
    ['\n    maxconn 100000\n', '\n    maxconn 500\n'], // a tester may have few open files
    ['server node1 127.0.0.1:8000', `server node1 ${server.host}:${server.port}`],
    ['\n    bind :443 ', `\n    bind ${kHost}:${port} `],
    ...(kHasIpv6 ? [['\n    bind :::443 ', `\n    bind ::1:${port6} `]] : []),
    ['/etc/haproxy/tls/millrace.pem', tls.both],
  ]);
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, text);
  const command = ['haproxy', '-db', '-f', file];
  return { command, check: [...command, '-c'] };
}

// ---- Either ----

// A proxy in front of a server, on a port of its own. It has the addresses that clients are given.
class Proxy {
  constructor({ command, check, port, ca, folder }) {
    Object.assign(this, { command, checkCommand: check, host: kHost, port, ca, folder });
    this.output = '';
    this.url = `https://${kHost}:${port}`;
    this.wsUrl = `wss://${kHost}:${port}/connection/websocket`;
  }

  // The program's own check of its configuration: {status, output}.
  check() {
    const [program, ...args] = this.checkCommand;
    const { status, stdout, stderr } = spawnSync(program, args, {
      encoding: 'utf8',
      env: kEnvironment,
    });
    return { status, output: stdout + stderr };
  }

  // All that it logged.
  logs() {
    const file = join(this.folder, kAccessLog);
    return this.output + (existsSync(file) ? readFileSync(file, 'utf8') : '');
  }

  // Also after stop(), on the same port.
  async start() {
    const [program, ...args] = this.command;
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: kEnvironment,
    });
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => (this.output += text));
    }
    this.child = child;
    this.ended = new Promise((done) => child.on('close', done)).then(() => running.delete(child));
    await until(() => this.listens(), `${program} listens`, kStartMs).catch((error) => {
      throw new Error(`${error.message}\n${this.logs()}`);
    });
    return this;
  }

  listens() {
    if (!running.has(this.child)) throw new Error('it ended');
    return this.request('/').then(
      () => true,
      ({ code }) => (code === 'ECONNREFUSED' ? false : true),
    );
  }

  // At once: every connection is cut.
  stop() {
    this.child.kill('SIGTERM');
    return withDeadline(this.ended, 'the end of the proxy', kStartMs);
  }

  // One request on a connection of its own: {status, headers, body}. Options of https.request() may
  // be given, too.
  request(path, { body = '', ...options } = {}) {
    const { host, port, ca } = this;
    return withDeadline(
      new Promise((done, fail) => {
        const whole = { host, port, ca, path, agent: false, ...options };
        const asked = https.request(whole, (response) => {
          let text = '';
          response.on('data', (bytes) => (text += bytes));
          response.on('error', fail);
          const { statusCode: status, headers } = response;
          response.on('end', () => done({ status, headers, body: text }));
        });
        asked.on('error', fail);
        asked.end(body);
      }),
      path,
    );
  }
}

// `options`: behindBalancer: it expects the PROXY protocol from its clients; proxyProtocol: it
// speaks it to the server (HAProxy only).
async function makeProxy(files, server, options) {
  const folder = makeFolder();
  const tls = makeCertificate(folder);
  const port = await freePort();
  const port6 = kHasIpv6 ? await freePort('::1') : 0;
  const commands = files({ server, folder, port, port6, tls, ...options });
  return new Proxy({ ...commands, port, folder, ca: tls.ca });
}

// What start() starts.
export const makeNginx = (server, options) => makeProxy(nginxFiles, server, options);
export const makeHaproxy = (server, options) => makeProxy(haproxyFiles, server, options);
export const startNginx = async (server, options) => (await makeNginx(server, options)).start();
export const startHaproxy = async (server, options) => (await makeHaproxy(server, options)).start();
