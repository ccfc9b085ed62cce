/**
 * Goal: of several processes that listen at a path one succeeds, with any leftover there, and the
 * others get the reason. Method: real processes, which try at the same instant, are killed, or
 * belong to another user.
 */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

import { isDmaBufError } from '../../src/index.ts';
import { FileLockCalls } from '../../src/linux/calls/file-lock-calls.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import type { RawCalls } from '../../src/linux/calls/kernel-calls.ts';
import { listenNow } from '../../src/share/listener/buffer-listener.ts';
import { connect, listen } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { lockSocketPath } from '../../src/share/listener/socket-path-lock.ts';
import { rawCallsWith } from '../support/fakes/raw-calls.ts';
import { runScript } from '../support/processes/run-script.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';
import { exitOf, socketPath, spawnScript } from './peer-process.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

const { sockets } = new ShareContext();
const ROUND_COUNT = 400;
const SHARE_URL = new URL('../../src/share/index.js', import.meta.url).href;

/** A socket file as a process leaves it that was killed. */
function leaveSocketFile(path: string): void {
  const socket = sockets.create();
  sockets.bind(socket.borrow(), path);
  socket.close();
}

interface Racer {
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
}

async function startRacer(t: TestContext): Promise<Racer> {
  const child = spawnScript(t, 'racing-peer.js', [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const reader: Interface = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const lines = reader[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'ready');
  return { child, lines };
}

/** Both try at the same instant. Gives what each got. */
async function race(racers: readonly Racer[], path: string): Promise<string[]> {
  const time = Date.now() + 3;
  for (const { child } of racers) child.stdin?.write(`${path} ${time}\n`);
  return await Promise.all(racers.map(async ({ lines }) => String((await lines.next()).value)));
}

async function greetingAt(path: string): Promise<string | undefined> {
  const connection = await connect(path);
  const received = await connection.receive();
  connection.close();
  return received?.text;
}

for (const [name, prepare] of Object.entries({ fresh: () => {}, stale: leaveSocketFile })) {
  test(`of two processes that listen at a ${name} path at once one does, in ${ROUND_COUNT} rounds, and is reached`, async (t) => {
    const racers = [await startRacer(t), await startRacer(t)];
    const folder = temporaryFolder(t);
    const wins = [0, 0];
    for (let round = 0; round < ROUND_COUNT; round += 1) {
      const path = join(folder, `socket${round}`);
      prepare(path);
      const results = await race(racers, path);
      assert.deepEqual(results.toSorted(), ['EADDRINUSE', 'listening'], `round ${round}`);
      const winner = results.indexOf('listening');
      wins[winner] = (wins[winner] ?? 0) + 1;
      assert.equal(await greetingAt(path), String(racers[winner]?.child.pid), `round ${round}`);
      assert.deepEqual(readdirSync(folder), [`socket${round}`]);
      racers[winner]?.child.stdin?.write('close\n');
      while (existsSync(path)) await new Promise(setImmediate);
    }
    t.diagnostic(`won by each: ${wins.join(', ')}`);
    for (const { child } of racers) {
      child.stdin?.end();
      assert.equal(await exitOf(child), 0);
    }
  });
}

test('threads of one process take a path one at a time', async (t) => {
  const path = socketPath(t);
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${JSON.stringify(SHARE_URL)}).then(async ({ listen }) => {
      parentPort.postMessage('ready');
      parentPort.once('message', async () => {
        const answer = await listen(workerData).then(() => 'listening', (error) => error.code);
        parentPort.postMessage(answer);
        parentPort.on('message', () => {});
      });
    });`;
  const workers = Array.from({ length: 4 }, () => new Worker(script, { eval: true, workerData: path }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const answers = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage('go');
  const results = (await Promise.all(answers)).flat() as string[];
  assert.deepEqual(results.toSorted(), ['EADDRINUSE', 'EADDRINUSE', 'EADDRINUSE', 'listening']);
  await Promise.all(workers.map((worker) => worker.terminate()));
});

/** Every call of a process that listens over a stale file, at which it may be killed. */
const STEPS = ['socket', 'connect', 'flock', 'bind', 'listen'] as const;

for (const step of STEPS) {
  for (const instant of ['before', 'after'] as const) {
    test(`a process that is killed ${instant} its last ${step}() leaves nothing that blocks the next`, async (t) => {
      const path = socketPath(t);
      leaveSocketFile(path);
      assert.throws(
        () =>
          runScript(`
            import { kernelCalls } from '${new URL('../../src/linux/calls/kernel-calls.js', import.meta.url).href}';
            import { listenNow } from '${new URL('../../src/share/listener/buffer-listener.js', import.meta.url).href}';
            import { ShareContext } from '${new URL('../../src/share/connection/share-context.js', import.meta.url).href}';
            import { Machine } from '${new URL('../../src/linux/machine.js', import.meta.url).href}';
            const counts = { socket: 3, connect: 2, flock: 1, bind: 1, listen: 1 };
            const die = () => { process.kill(process.pid, 'SIGKILL'); for (;;); };
            const raw = { ...kernelCalls, ${step}: (...values) => {
              counts.${step} -= 1;
              if (counts.${step} > 0) return kernelCalls.${step}(...values);
              if ('${instant}' === 'after') kernelCalls.${step}(...values);
              die();
            } };
            listenNow(new ShareContext(new Machine({ raw })), ${JSON.stringify(path)});
          `),
        /SIGKILL/u,
      );
      const listener = await listen(path);
      const [connection, accepted] = await Promise.all([connect(path), listener.accept()]);
      for (const each of [connection, accepted, listener]) each.close();
      assert.deepEqual(readdirSync(dirname(path)), []);
    });
  }
}

/** A context in which another program acts each time a path is checked for a listening process. */
function contextWhere(act: (time: number) => void): ShareContext {
  let time = 0;
  const connect: RawCalls['connect'] = (...values) => {
    const result = kernelCalls.connect(...values);
    time += 1;
    act(time);
    return result;
  };
  return new ShareContext(otherMachine({ raw: rawCallsWith({ connect }) }));
}

test('listen puts back the socket of a program that took the place of a stale one without the lock', async (t) => {
  const path = socketPath(t);
  leaveSocketFile(path);
  const other = sockets.create();
  const context = contextWhere((time) => {
    if (time !== 2) return;
    unlinkSync(path);
    sockets.bind(other.borrow(), path);
    sockets.listen(other.borrow(), 1);
  });
  assert.throws(
    () => listenNow(context, path),
    (error) => isDmaBufError(error, 'EADDRINUSE'),
  );
  assert.deepEqual(readdirSync(dirname(path)), ['socket']);
  const connection = await connect(path);
  connection.close();
  other.close();
});

test('listen takes a path whose stale file is removed while it looks', async (t) => {
  for (const when of [1, 2]) {
    const path = socketPath(t);
    leaveSocketFile(path);
    const listener = listenNow(
      contextWhere((time) => time === when && unlinkSync(path)),
      path,
    );
    const connection = await connect(path);
    connection.close();
    listener.close();
  }
});

test('listen is refused while another is about to listen there, and leaves its lock alone', async (t) => {
  const held = await settledDescriptors();
  const path = socketPath(t);
  const lock = lockSocketPath(new FileLockCalls(), { path, file: path });
  await assert.rejects(listen(path), (error) => {
    assert.ok(isDmaBufError(error, 'EADDRINUSE'));
    assert.match(error.message, /another process is about to listen there, and has locked .*socket\.lock/u);
    return true;
  });
  assert.deepEqual(readdirSync(dirname(path)), ['socket.lock']);
  lock.release();
  lock.release();
  assert.deepEqual(readdirSync(dirname(path)), []);
  (await listen(path)).close();
  await assertHeld(held, 'descriptors of locks stayed open');
});

test('listen takes a lock file that a killed process left, and removes it', async (t) => {
  const path = socketPath(t);
  writeFileSync(`${path}.lock`, '');
  const listener = await listen(path);
  assert.deepEqual(readdirSync(dirname(path)), ['socket']);
  listener.close();
});

test('listen refuses an invalid lock file, waits for no pipe, and follows no link', async (t) => {
  const held = await settledDescriptors();
  const makers: Readonly<Record<string, (lockFile: string) => void>> = {
    folder: mkdirSync,
    link: (lockFile) => symlinkSync('elsewhere', lockFile),
    pipe: (lockFile) =>
      void runScript(`
      import { execFileSync } from 'node:child_process';
      execFileSync('mkfifo', [${JSON.stringify(lockFile)}]);`),
    socket: leaveSocketFile,
  };
  for (const [kind, make] of Object.entries(makers)) {
    const path = socketPath(t);
    make(`${path}.lock`);
    await assert.rejects(
      listen(path),
      (error) => isDmaBufError(error, 'EADDRINUSE') && /is no regular file/u.test(error.message),
      kind,
    );
    assert.deepEqual(readdirSync(dirname(path)), ['socket.lock'], kind);
  }
  await assertHeld(held, 'descriptors of lock files stayed open');
});

test('listen gives the remedy for a file system without locks', (t) => {
  const ENOLCK = 37;
  const path = socketPath(t);
  const context = new ShareContext(otherMachine({ raw: rawCallsWith({ flock: () => -ENOLCK }) }));
  assert.throws(
    () => listenNow(context, path),
    (error) => isDmaBufError(error, 'ENOLCK') && /file system has no locks/u.test(error.message),
  );
});

const NOBODY = 65_534;

/** Runs as another user, with write access to the folder. */
function runAsNobody(script: string): string {
  return runScript(`
    import { listen } from '${SHARE_URL}';
    import { kernelCalls } from '${new URL('../../src/linux/calls/kernel-calls.js', import.meta.url).href}';
    kernelCalls.getpagesize();
    process.setgid(${NOBODY});
    process.setuid(${NOBODY});
    ${script}`);
}

test("another user's socket file that may not be checked is distinguished from one where a process listens", async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('only root can become another user');
    return;
  }
  const path = socketPath(t);
  chmodSync(dirname(path), 0o777);
  const refusal = (): string =>
    runAsNobody(`
      const error = await listen(${JSON.stringify(path)}).then(() => ({}), (refused) => refused);
      console.log(error.name, error.code, error.syscall, error.message);`);
  leaveSocketFile(path);
  chmodSync(path, 0o600);
  const said = refusal();
  assert.match(said, /^DmaBufError EACCES connect .*socket file of user 0, whose mode does not let this user ask/u);
  assert.doesNotMatch(said, /a process listens there:/u);
  chmodSync(path, 0o666);
  assert.equal(refusal().startsWith('undefined'), true, 'a stale file that may be asked is replaced');
  // The socket file that the process left is its own user's. Root may check a file of any mode.
  const listener = await listen(path, { mode: 0o666 });
  assert.match(refusal(), /^DmaBufError EADDRINUSE bind .*a process listens there/u);
  listener.close();
});

test('a user without write access to a folder still learns that a process listens there', async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('only root can become another user');
    return;
  }
  const path = socketPath(t);
  chmodSync(dirname(path), 0o755);
  const listener = await listen(path, { mode: 0o666 });
  const codeAt = (place: string): string =>
    runAsNobody(`
      console.log(await listen(${JSON.stringify(place)}).then(() => 'listening', ({ code }) => code));`);
  assert.equal(codeAt(path), 'EADDRINUSE\n');
  assert.equal(codeAt(`${path}2`), 'EACCES\n');
  listener.close();
});

test("another user's lock file that may not be opened is named, with the remedy", (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('only root can become another user');
    return;
  }
  const path = socketPath(t);
  chmodSync(dirname(path), 0o777);
  writeFileSync(`${path}.lock`, '', { mode: 0o600 });
  const listen = `
    const error = await listen(${JSON.stringify(path)}).then(() => ({}), (refused) => refused);
    console.log(error.name, error.code, error.message);`;
  assert.match(runAsNobody(listen), /^DmaBufError EACCES Cannot listen at .*may not open .*socket\.lock, .*remove it/u);
  // A readable lock file can be locked.
  chmodSync(`${path}.lock`, 0o644);
  assert.match(runAsNobody(listen), /^undefined/u);
});

test('a listener whose file cannot be removed is closed by its signal, and the process continues', (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('only root can become another user');
    return;
  }
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o777);
  const output = runAsNobody(`
    import { chmodSync, mkdirSync } from 'node:fs';
    const folder = ${JSON.stringify(join(folder, 'own'))};
    mkdirSync(folder);
    const ending = new AbortController();
    const listener = await listen(folder + '/socket', { signal: ending.signal });
    const waiting = listener.accept({ signal: ending.signal }).catch((error) => error.name);
    chmodSync(folder, 0o500);
    ending.abort();
    console.log(listener.closed, await waiting);
    chmodSync(folder, 0o700);
    (await listen(folder + '/socket')).close();`);
  assert.match(output, /^true (?:AbortError|DmaBufError)$/mu);
});

test('listen refuses a path below a file, with the reason', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  await assert.rejects(
    listen(join(file, 'socket')),
    (error) => isDmaBufError(error, 'ENOTDIR') && /Cannot listen at .*is a file/u.test(error.message),
  );
});

test('listen detects a program that listens for something else', async (t) => {
  const path = socketPath(t);
  const server = createServer().listen(path);
  await once(server, 'listening');
  await assert.rejects(listen(path), (error) => isDmaBufError(error, 'EADDRINUSE'));
  assert.deepEqual(readdirSync(dirname(path)), ['socket']);
  server.close();
  await once(server, 'close');
});
