/** How programs in a guest learn what its screens show. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { answerScreenDumps } from '../../vm/screen-dumps.ts';

/** Two ends of a connection. */
async function socketPair(t: TestContext): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  const one = connect(address.port, '127.0.0.1');
  const [other] = (await once(server, 'connection')) as [Socket];
  server.close();
  t.after(() => [one, other].forEach((socket) => socket.destroy()));
  return [one, other];
}

interface Command {
  readonly execute: string;
  readonly arguments?: { readonly filename: string; readonly device: string };
}

/** Answers as qemu's monitor does: with a greeting first, and events in between. */
function runMonitor(monitor: Socket, onDump: (command: Command) => object): Command[] {
  const commands: Command[] = [];
  const tell = (message: object): void => void monitor.write(`${JSON.stringify(message)}\r\n`);
  tell({ QMP: { version: {}, capabilities: [] } });
  createInterface({ input: monitor }).on('line', (line) => {
    const command = JSON.parse(line) as Command;
    commands.push(command);
    tell({ event: 'RTC_CHANGE', data: { offset: 0 } });
    tell(command.execute === 'screendump' ? onDump(command) : { return: {} });
  });
  return commands;
}

async function bytesOf(socket: Socket, length: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const piece of socket) {
    bytes = Buffer.concat([bytes, piece as Buffer]);
    if (bytes.length >= length) break;
  }
  return bytes;
}

test('answerScreenDumps() answers a device with the length of its picture and the picture', async (t) => {
  const [guest, requests] = await socketPair(t);
  const [emulator, monitor] = await socketPair(t);
  const picture = Buffer.from('P6\n1 1\n255\n\0\n\u007f', 'latin1');
  const commands = runMonitor(emulator, (command) => {
    writeFileSync(command.arguments?.filename ?? '', picture);
    return { return: {} };
  });
  answerScreenDumps(requests, monitor);
  guest.write('cirrus\nbochs\n');
  const expected = Buffer.concat([Buffer.from('14\n'), picture, Buffer.from('14\n'), picture]);
  assert.deepEqual(await bytesOf(guest, expected.length), expected);
  assert.deepEqual(
    commands.map((command) => [command.execute, command.arguments?.device]),
    [
      ['qmp_capabilities', undefined],
      ['screendump', 'cirrus'],
      ['screendump', 'bochs'],
    ],
  );
  const folders = commands.flatMap(({ arguments: given }) => (given === undefined ? [] : [dirname(given.filename)]));
  assert.deepEqual(
    folders.map((folder) => [dirname(folder), existsSync(folder)]),
    [
      [tmpdir(), false],
      [tmpdir(), false],
    ],
  );
});

test('answerScreenDumps() passes on what the emulator refuses', async (t) => {
  const [guest, requests] = await socketPair(t);
  const [emulator, monitor] = await socketPair(t);
  runMonitor(emulator, () => ({ error: { class: 'DeviceNotFound', desc: "Device 'none' not found" } }));
  answerScreenDumps(requests, monitor);
  guest.write('none\n');
  const expected = "error Device 'none' not found\n";
  assert.equal((await bytesOf(guest, expected.length)).toString(), expected);
});

test('answerScreenDumps() outlives an emulator that ends before it has read everything', async (t) => {
  const [, requests] = await socketPair(t);
  const [emulator, monitor] = await socketPair(t);
  answerScreenDumps(requests, monitor);
  emulator.resetAndDestroy();
  const [error] = (await once(monitor, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  // What listens to the lines hears of it in the same turn.
  await new Promise(setImmediate);
});
