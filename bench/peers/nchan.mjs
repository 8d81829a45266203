// nchan, a module of nginx, with one worker; as much history as Millrace keeps. A publisher's
// location subscribes it to a channel that stays empty: a mere publisher would be answered.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { childrenOf, freePort, startServer } from '../lib/processes.mjs';

const kProgram = '/usr/sbin/nginx';
const kModule = '/usr/lib/nginx/modules/ngx_nchan_module.so';
const kWorkerMs = 5_000;

const location = (path, published, subscribed) => `
    location ${path} {
      nchan_pubsub websocket;
      nchan_publisher_channel_id ${published};
      nchan_subscriber_channel_id ${subscribed};
      nchan_subscriber_first_message newest;
      nchan_message_buffer_length 100;
      nchan_message_timeout 300s;
    }`;

const configuration = (port, folder) => `
load_module ${kModule};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log stderr crit;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 19900; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  nchan_shared_memory_size 512m;
  server {
    listen 127.0.0.1:${port} backlog=4096;
${location('= /sub', 'everybody', 'everybody')}
${location('= /pub', 'everybody', 'nobody')}
${location('~ ^/sub/(.+)$', 'channel/$1', 'channel/$1')}
${location('~ ^/pub/(.+)$', 'channel/$1', 'nobody')}
  }
}
`;

export default {
  name: 'nchan',
  title: 'nchan (nginx)',
  dialect: 'plain',
  can: ['connect', 'idle', 'fanout'],
  missing() {
    const absent = [kProgram, kModule].find((path) => !existsSync(path));
    return absent ? `there is no ${absent}: bench/compare --setup` : null;
  },
  async start(host) {
    const port = await freePort();
    const folder = join(host.folder, `nginx-${port}`);
    mkdirSync(folder);
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration(port, folder));
    const command = [kProgram, '-p', folder, '-c', file];
    const server = await startServer(command, port, { core: host.core });
    try {
      for (const end = Date.now() + kWorkerMs; Date.now() < end; await sleep(20)) {
        const pids = childrenOf(server.pid); // the master has nothing to do
        if (pids.length === 0) continue;
        return { url: `ws://127.0.0.1:${port}`, pids, stop: () => server.stop() };
      }
      throw new Error('nginx starts no worker');
    } catch (error) {
      await server.stop();
      throw error;
    }
  },
};
