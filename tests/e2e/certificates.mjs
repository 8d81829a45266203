// Certificates for servers of tests, made by the `openssl` command.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeFolder } from './harness.mjs';

const kKinds = {
  ecdsa: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-newkey', 'rsa:2048'],
};

// A certificate for 127.0.0.1 and localhost that is its own authority: {certFile, keyFile, cert, key}.
export function makeCertificate(kind, name = kind) {
  const folder = makeFolder();
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
  const own = ['-x509', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-addext', names];
  const out = ['-out', certFile, '-keyout', keyFile];
  execFileSync('openssl', ['req', ...own, ...kKinds[kind], ...out], { stdio: 'pipe' });
  return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}
