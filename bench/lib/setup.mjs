// Installs the peers: Debian's by tools/setup.sh from packages.txt, npm's from package-lock.json.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const kFolder = fileURLToPath(new URL('..', import.meta.url));
const kScript = fileURLToPath(new URL('../../tools/setup.sh', import.meta.url));

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: kFolder, stdio: 'inherit' });
  if (error) console.error(`compare: ${command}: ${error.message}`);
  return status === 0;
}

// Whether all of it is installed. The services that come with a package are not needed.
export function setUp() {
  const debian = run(kScript, ['--packages', 'bench/packages.txt', 'peers']);
  const npm = run('npm', ['ci', '--no-progress', '--loglevel=error']);
  return debian && npm;
}
