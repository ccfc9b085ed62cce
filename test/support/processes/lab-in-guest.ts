/** `dmabuf lab` in a guest that has a camera, reached through a port of this machine's loopback. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { repositoryRoot } from '../runner/source-files.ts';
import { freePort } from './free-port.ts';

const GUEST = join(repositoryRoot, 'dist/vm/main.js');
const TIMEOUT_SECONDS = '1800';
const SHOW_BARS = 'dist/test/support/devices/show-bars.js';

interface LabInGuest {
  /** It lets one browser in. */
  readonly address: string;
  end(): Promise<void>;
}

/** @throws with what the guest said, where it ends before it has a lab */
export async function startLabInGuest(): Promise<LabInGuest> {
  const port = String(await freePort());
  const command = ['sh', '-c', `node ${SHOW_BARS} && exec dmabuf lab --control --port ${port}`];
  const options = ['--memory', '2G', '--timeout', TIMEOUT_SECONDS, '--forward', port];
  const guest = spawn(process.execPath, [GUEST, ...options, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = text(guest.stderr);
  const ended = once(guest, 'close');
  let printed = '';
  guest.stdout.on('data', (part: Buffer) => (printed += part.toString()));
  const addressOf = (): string | undefined => /http\S+#token=\S+/u.exec(printed)?.[0];
  while (addressOf() === undefined) {
    const isEnded = await Promise.race([ended.then(() => true), once(guest.stdout, 'data').then(() => false)]);
    if (isEnded) throw new Error(`The guest has no lab:\n${printed}${await said}`);
  }
  return {
    address: addressOf() ?? '',
    end: async () => {
      guest.kill('SIGTERM');
      await ended;
    },
  };
}
