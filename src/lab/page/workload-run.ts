import { signal } from '@preact/signals';

import type { WorkloadSample } from '../protocol/messages.ts';
import { reasonOf } from './reason-of.ts';
import { runJob } from './run-job.ts';

const SECONDS = 600;
/** Ten minutes of samples, four a second. */
const SAMPLES_MAX = 2400;
const NAME_DEFAULT = 'shadow-plane';

/** Which way the workload goes. Changed while it runs, it goes on the other way. */
export const CHOICES = {
  conversion: { title: 'Table to pages', values: { page: 'page by page', entry: 'entry by entry' } },
  mapping: { title: 'Mapping', values: { page: 'page by page', run: 'run by run' } },
  caller: { title: 'Caller', values: { 'as-is': 'as it is', fixed: 'maps once' } },
} as const;
export type ChoiceName = keyof typeof CHOICES;
export type Chosen = Readonly<Record<ChoiceName, string>>;

/** One way, and what was seen of it. */
export interface Stretch {
  readonly chosen: Chosen;
  readonly samples: readonly WorkloadSample[];
}

/** A workload that runs as the reader chooses. */
export class WorkloadRun {
  readonly name = signal(NAME_DEFAULT);
  readonly chosen = signal<Chosen>({ conversion: 'page', mapping: 'page', caller: 'as-is' });
  /** Since it was begun: each way, in order. */
  readonly stretches = signal<readonly Stretch[]>([]);
  /** Why it ended by itself; empty where it did not. */
  readonly problem = signal('');
  readonly isRunning = signal(false);
  #running: AbortController | undefined;

  begin(): void {
    this.stretches.value = [];
    void this.#goOn();
  }

  end(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.isRunning.value = false;
  }

  /** A workload that runs goes on that way. */
  choose(choice: ChoiceName, value: string): void {
    this.chosen.value = { ...this.chosen.value, [choice]: value };
    if (this.isRunning.value) void this.#goOn();
  }

  async #goOn(): Promise<void> {
    this.#running?.abort();
    const own = new AbortController();
    this.#running = own;
    this.isRunning.value = true;
    this.problem.value = '';
    this.stretches.value = [...this.stretches.value, { chosen: this.chosen.value, samples: [] }];
    try {
      const end = await runJob('/api/workload', {
        request: { name: this.name.value, seconds: SECONDS, ...this.chosen.value },
        signal: own.signal,
        tell: (step) => {
          if (step.type === 'sample' && this.#running === own) this.#add(step);
        },
      });
      if (end.type === 'failed') this.problem.value = end.message;
    } catch (error) {
      if (!own.signal.aborted) this.problem.value = reasonOf(error);
    }
    if (this.#running === own) this.end();
  }

  #add(sample: WorkloadSample): void {
    const last = this.stretches.value.at(-1);
    if (last === undefined) return;
    const samples = [...last.samples, sample].slice(-SAMPLES_MAX);
    this.stretches.value = [...this.stretches.value.slice(0, -1), { ...last, samples }];
  }
}
