import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import { programFile } from '../../base/program-file.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { buffersForChild } from '../../share/inherit/buffers-for-child.ts';
import type { PartyCommand, PartyMessage, PartyTask } from './party-messages.ts';

/** Told of what a party does. */
interface PartyListeners {
  readonly onMessage: (message: PartyMessage) => void;
  /** @param reason completes "The thread …" */
  readonly onExit: (reason: string) => void;
}

/** A thread or a process that was started. */
export interface StartedParty {
  post(command: PartyCommand): void;
  /** Ends it at once, where that harms nobody: a thread has its buffers in this process. */
  readonly kill: (() => void) | undefined;
}

export function startThread(task: PartyTask, { onMessage, onExit }: PartyListeners): StartedParty {
  // Flags of the process, such as --input-type, may forbid a thread to have a file.
  const worker = new Worker(programFile('party-thread.js', import.meta.url), { workerData: task, execArgv: [] });
  let reason = 'ended early';
  worker.on('message', onMessage);
  worker.on('error', (error) => (reason = `failed: ${error instanceof Error ? error.message : String(error)}`));
  worker.on('exit', () => onExit(reason));
  return { post: (command) => worker.postMessage(command), kill: undefined };
}

/** @param buffers of the task, in its order: the child inherits them */
export function startProcess(
  task: PartyTask,
  buffers: readonly DmaBuf[],
  { onMessage, onExit }: PartyListeners,
): StartedParty {
  using given = buffersForChild(buffers, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const child = spawn(process.execPath, [fileURLToPath(programFile('party-process.js', import.meta.url))], {
    stdio: given.stdio,
    env: { ...process.env, ...given.env },
    serialization: 'advanced',
  });
  // It may have ended meanwhile, which `exit` tells.
  const post = (message: PartyCommand | PartyTask): void => void child.send(message, () => {});
  child.on('message', (message) => onMessage(message as PartyMessage));
  child.on('error', (error) => onExit(`cannot be started: ${error.message}`));
  child.on('exit', (status, signal) =>
    onExit(signal === null ? `ended with status ${status}` : `was ended by ${signal}`),
  );
  post(task);
  return { post, kill: () => void child.kill('SIGKILL') };
}
