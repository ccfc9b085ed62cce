/** A descriptor goes through a real D-Bus daemon, by a library that takes our stream. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

import { OwnedFd, importBuffer, openHeap } from '../../src/index.ts';
import { connectStream } from '../../src/share/index.ts';
import type { DescriptorStream } from '../../src/share/index.ts';
import { fetchPackages, folderOf, lackOf } from '../support/processes/fetched-packages.ts';
import { assertSettles } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { heldDescriptors, settledDescriptors } from './held-descriptors.ts';

const library = fetchPackages('dbus-native@0.16.1');
const withoutDaemon =
  spawnSync('dbus-daemon', ['--version']).status === 0 ? false : 'dbus-daemon is missing: apt-get install dbus-daemon';
const skip = withoutDaemon || lackOf(library);

/** A message, with the fields that this test uses. */
interface BusMessage {
  readonly type?: number;
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly serial?: number;
  readonly signature: string;
  readonly body: unknown[];
  readonly fds?: number[];
}

interface Bus {
  readonly connection: {
    message(message: BusMessage): void;
    on(name: 'message', listener: (message: BusMessage) => void): void;
  };
  readonly name: string;
  readonly getId: (callback: (error: unknown, id: string) => void) => void;
}

interface BusLibrary {
  createClient(options: { stream: DescriptorStream; authMethods?: string[] }): Bus;
}

const METHOD_CALL = 1;
const MEMBER = { path: '/frames', interface: 'org.example.Frames', member: 'Show' } as const;
const CONFIGURATION = (path: string): string => `<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>`;

/** A daemon of its own. */
async function startDaemon(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/bus.conf`, CONFIGURATION(`${folder}/bus`));
  const options = [`--config-file=${folder}/bus.conf`, '--nofork', '--nopidfile', '--print-address'];
  const daemon = spawn('dbus-daemon', options, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(async () => {
    daemon.kill();
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
  });
  // Its address: it listens.
  await once(daemon.stdout, 'data');
  return `${folder}/bus`;
}

/** A client that has its name. */
async function openBus(t: TestContext, path: string): Promise<Bus> {
  const stream = await connectStream(path);
  t.after(() => stream.destroy());
  const dbus = createRequire(import.meta.url)(folderOf(library, 'dbus-native')) as BusLibrary;
  const bus = dbus.createClient({ stream, authMethods: ['EXTERNAL'] });
  // The answer to a later message: by then it has its name.
  await promisify(bus.getId.bind(bus))();
  return bus;
}

test('a buffer goes through dbus-daemon by dbus-native over connectStream(), and back', { skip }, async (t) => {
  const held = await settledDescriptors();
  const path = await startDaemon(t);
  const [sender, receiver] = [await openBus(t, path), await openBus(t, path)];
  const arrived = new Promise<BusMessage>((resolve) => {
    receiver.connection.on('message', (message) => {
      if (message.member === MEMBER.member) resolve(message);
    });
  });
  const heap = openHeap('system', { backends: ['embedded'] });
  const buffer = heap.allocate(heap.pageSize, { shareable: true });
  buffer.accessSync('write', (bytes) => bytes.fill(7));
  const fd = buffer.exportFd();
  sender.connection.message({
    ...MEMBER,
    type: METHOD_CALL,
    destination: receiver.name,
    serial: 1000,
    signature: 'sh',
    body: ['a frame', 0],
    fds: [fd.borrow()],
  });
  fd.close();
  const { body, fds } = await arrived;
  assert.deepEqual(body, ['a frame', 0]);
  assert.equal(fds?.length, 1);
  const received = OwnedFd.adopt(fds?.[0] as number);
  const imported = importBuffer(received);
  assert.ok(imported.accessSync('read', (bytes) => bytes.every((byte) => byte === 7)));
  imported.accessSync('write', (bytes) => bytes.fill(9));
  assert.ok(buffer.accessSync('read', (bytes) => bytes.every((byte) => byte === 9)));
  for (const each of [imported, received, buffer, heap]) each.close();
  await assertSettles(() => heldDescriptors()['memfd'], held['memfd'], 'a memfd stays open');
});
