import type { Remedy } from '../../linux/remedy.ts';

/**
 * `problem`: something that is there cannot be used. `warning`: something that programs expect is missing. `note`: worth knowing,
 * such as a limit. `ok`: as it should be.
 */
export type FindingStatus = 'ok' | 'note' | 'warning' | 'problem';

/** What a finding is about, in the order in which they are reported. */
export type FindingTopic = 'heaps' | 'udmabuf' | 'memory' | 'limits' | 'tracing' | 'kernel' | 'machine';

/** One thing that was found out about a machine. */
export interface Finding {
  /** Stable, for scripts: `heap:system`, `udmabuf`, `kernel:CONFIG_CMA`. */
  readonly id: string;
  readonly topic: FindingTopic;
  readonly status: FindingStatus;
  /** A clause: what is there. */
  readonly found: string;
  /** A clause: why it matters. */
  readonly matters: string;
  /** What would mend it, where something would. */
  readonly remedy?: Remedy;
}
