import type { Remedy } from '../../diagnosis/remedy.ts';

/**
 * `problem`: something that exists cannot be used. `warning`: something that programs expect is
 * missing. `note`: worth knowing, such as a limit. `ok`: as it should be.
 */
export type FindingStatus = 'ok' | 'note' | 'warning' | 'problem';

/** The subject of a finding, in the order of the report. */
export type FindingTopic = 'heaps' | 'udmabuf' | 'memory' | 'limits' | 'tracing' | 'kernel' | 'machine';

/** One finding about a machine. */
export interface Finding {
  /** Stable, for scripts: `heap:system`, `udmabuf`, `kernel:CONFIG_CMA`. */
  readonly id: string;
  readonly topic: FindingTopic;
  readonly status: FindingStatus;
  /** A clause: the state. */
  readonly found: string;
  /** A clause: its consequence. */
  readonly matters: string;
  /** The remedy, where there is one. */
  readonly remedy?: Remedy;
}
