/** A thread that holds a buffer's reservation lock: says that it begins, and then since when. */

import { parentPort, workerData } from 'node:worker_threads';

import { Standin } from './standin.ts';

const { fd, holdMs } = workerData as { readonly fd: number; readonly holdMs: number };
const standin = new Standin();
parentPort?.postMessage('begins');
parentPort?.postMessage(standin.hold(fd, holdMs));
standin.close();
