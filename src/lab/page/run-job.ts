import type { JobEnd, JobStep } from '../protocol/messages.ts';
import { askLab } from './session.ts';

interface JobOptions {
  readonly request: object;
  readonly tell: (step: JobStep) => void;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/**
 * Has the lab do a job.
 *
 * @throws {LabRefusal} where the lab does not start it
 */
export async function runJob(path: string, { request, tell, signal }: JobOptions): Promise<JobEnd> {
  const body = JSON.stringify(request);
  const answer = await askLab(path, { method: 'POST', body, ...(signal === undefined ? {} : { signal }) });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { type: 'failed', message: 'the lab went away' };
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as JobStep | JobEnd;
      if (message.type === 'done' || message.type === 'failed') return message;
      tell(message);
    }
  }
}
