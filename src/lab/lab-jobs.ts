import type { IncomingMessage, ServerResponse } from 'node:http';

import { readConvertRequest, runConvertJob } from './convert-job.ts';
import type { JobEnd, JobProgress } from './protocol/messages.ts';
import { HEADERS } from './server/answers.ts';
import { readJsonBody } from './server/read-body.ts';
import { Refusal } from './server/refusal.ts';

const FORBIDDEN = 403;
const CONFLICT = 409;

/** One job at a time, as two would disturb each other's times. */
export class LabJobs {
  readonly #mayControl: boolean;
  readonly #closed = new AbortController();
  #isRunning = false;

  constructor(mayControl: boolean) {
    this.#mayControl = mayControl;
  }

  /** Answers with a line of JSON for each step, and for the end. A page that goes ends its job. */
  async convert(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#mayControl)
      throw new Refusal(FORBIDDEN, 'Cannot start jobs as the lab is read-only: start it with --control');
    const wanted = readConvertRequest(await readJsonBody(request));
    if (this.#isRunning) throw new Refusal(CONFLICT, 'Cannot start another job before the one that runs has ended');
    this.#isRunning = true;
    try {
      response.writeHead(200, { ...HEADERS, 'content-type': 'application/x-ndjson' });
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const tell = (message: JobProgress | JobEnd): void => void response.write(`${JSON.stringify(message)}\n`);
      const signal = AbortSignal.any([gone.signal, this.#closed.signal]);
      tell(await runConvertJob(wanted, { tell, signal }));
      response.end();
    } finally {
      this.#isRunning = false;
    }
  }

  close(): void {
    this.#closed.abort();
  }
}
