import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { isDmaBufError } from '../base/errors.ts';
import { programFile } from '../base/program-file.ts';
import type { CallerReports } from './callers-view.ts';
import { readConvertRequest, readRecordRequest, readWorkloadRequest } from './job-request.ts';
import { runJobThread } from './job-thread.ts';
import type { JobEnd, JobStep } from './protocol/messages.ts';
import { HEADERS } from './server/answers.ts';
import { readJsonBody } from './server/read-body.ts';
import { Refusal } from './server/refusal.ts';

const FORBIDDEN = 403;
const CONFLICT = 409;
const PATIENCE_MS = 1000;
const TELL_INTERVAL_MS = 250;

/** What the body of a job has. */
interface JobHooks {
  readonly tell: (step: JobStep) => void;
  readonly signal: AbortSignal;
}

type Fields = Readonly<Record<string, unknown>>;

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
    const file = programFile('convert-thread.js', import.meta.url);
    await this.#run(request, response, (fields) => inThread(file, readConvertRequest(fields)));
  }

  /** A workload, in real time. */
  async workload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = programFile('workload-thread.js', import.meta.url);
    await this.#run(request, response, (fields) => inThread(file, readWorkloadRequest(fields)));
  }

  /** Who maps on this machine, for a time. */
  async record(request: IncomingMessage, response: ServerResponse, reports: CallerReports): Promise<void> {
    await this.#run(request, response, (fields) => recording(reports, readRecordRequest(fields)));
  }

  /** Ends the job that runs. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#running;
  }

  /** Answers with a line of JSON for each step, and for the end. A page that goes ends its job. */
  async #run(
    request: IncomingMessage,
    response: ServerResponse,
    prepare: (fields: Fields) => (hooks: JobHooks) => Promise<JobEnd>,
  ): Promise<void> {
    if (!this.#mayControl)
      throw new Refusal(FORBIDDEN, 'Cannot start jobs as the lab is read-only: start it with --control');
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const job = prepare(await readJsonBody(request));
    // A page that goes on with another job has given up its last one a moment ago.
    await Promise.race([this.#running, sleep(PATIENCE_MS, undefined, { ref: false })]);
    // Nobody waits for the job of a page that went meanwhile.
    if (gone.signal.aborted || this.#closed.signal.aborted) return;
    if (this.#running !== undefined)
      throw new Refusal(CONFLICT, 'Cannot start another job before the one that runs has ended');
    const { promise, end } = openEnd();
    this.#running = promise;
    try {
      response.writeHead(200, { ...HEADERS, 'content-type': 'application/x-ndjson' });
      const tell = (message: JobStep | JobEnd): void => void response.write(`${JSON.stringify(message)}\n`);
      const signal = AbortSignal.any([gone.signal, this.#closed.signal]);
      tell(await job({ tell, signal }));
      response.end();
    } finally {
      this.#running = undefined;
      end();
    }
  }
}

function inThread(file: URL, request: object): (hooks: JobHooks) => Promise<JobEnd> {
  return async (hooks) => await runJobThread({ file, request, ...hooks });
}

function recording(
  reports: CallerReports,
  { seconds }: { readonly seconds: number },
): (hooks: JobHooks) => Promise<JobEnd> {
  return async ({ tell, signal }) => {
    let toldAtMs = Number.NEGATIVE_INFINITY;
    const onMapping = (mappingCount: number): void => {
      if (performance.now() - toldAtMs < TELL_INTERVAL_MS) return;
      toldAtMs = performance.now();
      tell({ type: 'recorded', mappingCount });
    };
    try {
      return { type: 'done', report: await reports.record({ seconds, onMapping, signal }) };
    } catch (error) {
      if (!isDmaBufError(error)) throw error;
      return { type: 'failed', message: error.message };
    }
  };
}

function openEnd(): { promise: Promise<void>; end: () => void } {
  let end = (): void => {};
  const promise = new Promise<void>((resolve) => (end = resolve));
  return { promise, end };
}
