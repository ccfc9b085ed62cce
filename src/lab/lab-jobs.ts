import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { programFile } from '../base/program-file.ts';
import { readConvertRequest, readWorkloadRequest } from './job-request.ts';
import { runJobThread } from './job-thread.ts';
import type { JobEnd, JobStep } from './protocol/messages.ts';
import { HEADERS } from './server/answers.ts';
import { readJsonBody } from './server/read-body.ts';
import { Refusal } from './server/refusal.ts';

const FORBIDDEN = 403;
const CONFLICT = 409;
const PATIENCE_MS = 1000;

/** What a job is asked for by, and the thread that does it. */
interface JobKind {
  readonly read: (fields: Readonly<Record<string, unknown>>) => object;
  readonly file: URL;
}

const CONVERT: JobKind = { read: readConvertRequest, file: programFile('convert-thread.js', import.meta.url) };
const WORKLOAD: JobKind = { read: readWorkloadRequest, file: programFile('workload-thread.js', import.meta.url) };

/** One job at a time, as two would disturb each other's times. */
export class LabJobs {
  readonly #mayControl: boolean;
  readonly #closed = new AbortController();
  /** The job that runs, until it has ended. */
  #running: Promise<void> | undefined;

  constructor(mayControl: boolean) {
    this.#mayControl = mayControl;
  }

  /** The main job. */
  async convert(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#run(CONVERT, request, response);
  }

  /** A workload, in real time. */
  async workload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#run(WORKLOAD, request, response);
  }

  close(): void {
    this.#closed.abort();
  }

  /** Answers with a line of JSON for each step, and for the end. A page that goes ends its job. */
  async #run({ read, file }: JobKind, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#mayControl)
      throw new Refusal(FORBIDDEN, 'Cannot start jobs as the lab is read-only: start it with --control');
    const wanted = read(await readJsonBody(request));
    // A page that goes on with another job has given up its last one a moment ago.
    await Promise.race([this.#running, sleep(PATIENCE_MS, undefined, { ref: false })]);
    if (this.#running !== undefined)
      throw new Refusal(CONFLICT, 'Cannot start another job before the one that runs has ended');
    const { promise, end } = openEnd();
    this.#running = promise;
    try {
      response.writeHead(200, { ...HEADERS, 'content-type': 'application/x-ndjson' });
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const tell = (message: JobStep | JobEnd): void => void response.write(`${JSON.stringify(message)}\n`);
      const signal = AbortSignal.any([gone.signal, this.#closed.signal]);
      tell(await runJobThread({ file, request: wanted, tell, signal }));
      response.end();
    } finally {
      this.#running = undefined;
      end();
    }
  }
}

function openEnd(): { promise: Promise<void>; end: () => void } {
  let end = (): void => {};
  const promise = new Promise<void>((resolve) => (end = resolve));
  return { promise, end };
}
