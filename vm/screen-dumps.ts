/** What a guest's screens show, for programs in the guest. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import type { Duplex } from 'node:stream';

/** An answer of the emulator's monitor (docs/interop/qmp-spec.txt of qemu). */
interface MonitorAnswer {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/**
 * Answers requests from the guest, a line each: a device's id, as in `cirrus-vga,id=cirrus`. The
 * answer is a line with the length in bytes and that of a PPM file behind it, or a line `error` and
 * why.
 *
 * @param requests the channel `screens`
 * @param monitor the emulator's, which dumps a screen into a file of this machine
 */
export function answerScreenDumps(requests: Duplex, monitor: Duplex): void {
  const answers = linesOf(monitor);
  let before: Promise<unknown> = ask(monitor, answers, { execute: 'qmp_capabilities' });
  linesOf(requests).on('line', (id) => {
    before = before.then(async () => requests.write(await answerTo(id, monitor, answers)));
  });
}

/** An emulator that is ended before it has read everything resets its channels: no more lines. */
function linesOf(channel: Duplex): Interface {
  return createInterface({ input: channel }).on('error', () => {});
}

async function answerTo(id: string, monitor: Duplex, answers: Interface): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-vm-screen-'));
  try {
    const filename = join(folder, 'screen.ppm');
    const { error } = await ask(monitor, answers, { execute: 'screendump', arguments: { filename, device: id } });
    if (error !== undefined) return Buffer.from(`error ${error.desc}\n`);
    const picture = readFileSync(filename);
    return Buffer.concat([Buffer.from(`${picture.length}\n`), picture]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The answer to a command. What the emulator tells unasked is none. */
async function ask(monitor: Duplex, answers: Interface, command: object): Promise<MonitorAnswer> {
  monitor.write(`${JSON.stringify(command)}\n`);
  return await new Promise((resolve) => {
    const listen = (line: string): void => {
      const answer = JSON.parse(line) as MonitorAnswer;
      if (!('return' in answer) && !('error' in answer)) return;
      answers.off('line', listen);
      resolve(answer);
    };
    answers.on('line', listen);
  });
}
