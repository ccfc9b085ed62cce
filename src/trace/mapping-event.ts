/** The form of the text that an event was read from. */
export type TraceForm =
  | 'bpftrace'
  | 'chrome-trace'
  | 'collapsed'
  | 'event'
  | 'function'
  | 'function_graph'
  | 'kernel-log'
  | 'perf-script'
  | 'replay'
  | 'systrace'
  | 'trace-cmd';

/**
 * What may have disturbed a mapping, or the report of it.
 *
 * - `cut`: the text ends, or another report begins, before this one is complete
 * - `entry-lost`: only its end is in the text
 * - `exit-lost`: the function around it went on, and its end is not in the text
 * - `interleaved`: reports of several processors in one text that nothing tells apart, so no caller
 *   is joined to it
 * - `interrupted`: an interrupt ran in between
 * - `lost-events`: the source lost events while it ran
 * - `moved`: it ended on another processor
 * - `parts-cut`: it has more parts than are kept
 * - `preempted`: another task ran in between
 * - `sample`: a stack that was sampled while it ran; several may be of one mapping
 */
export type MappingMark =
  | 'cut'
  | 'entry-lost'
  | 'exit-lost'
  | 'interleaved'
  | 'interrupted'
  | 'lost-events'
  | 'moved'
  | 'parts-cut'
  | 'preempted'
  | 'sample';

/** A task as the source names it. */
export interface TraceTask {
  /** At most 15 bytes (TASK_COMM_LEN of the kernel). */
  readonly comm?: string;
  /** The thread's: the kernel numbers threads. */
  readonly pid?: number;
}

/** A kernel module that functions of a stack are in. */
export interface TraceModule {
  /** As in `/proc/modules`. */
  readonly name: string;
  /** In hexadecimal, as the kernel prints it (CONFIG_STACKTRACE_BUILD_ID). */
  readonly buildId?: string;
  /** Those of the stack that are in it, innermost first. */
  readonly functions: readonly string[];
  /** True where the log lists it as built out of tree, by the taint flag `O`. */
  readonly isOutOfTree?: true;
}

/** A function that ran inside a mapping, or the wait for the buffer's lock before it. */
export interface MappingPart {
  /** The function's. */
  readonly name: string;
  /**
   * 1: called by `path[0]`. 0: called before it by `path[1]`, and not in the mapping's duration:
   * the lock that `dma_buf_vmap_unlocked` takes.
   */
  readonly depth: number;
  /** Nanoseconds. Absent where the source does not say. */
  readonly ns?: number;
}

/** One call of `dma_buf_vmap`, as far as its source tells. What is not known is absent. */
export interface MappingEvent {
  /** What sort of record this is. */
  readonly kind: 'mapping';
  /** The form of the text that it was read from. */
  readonly form: TraceForm;
  /** As it was given. Absent: none was. */
  readonly file?: string;
  /** The line that names `path[0]`, from 1. */
  readonly line: number;
  /** Seconds, as printed. */
  readonly time?: number;
  /** The time as printed, where it is no number of seconds. */
  readonly timeText?: string;
  /** The processor on which it began. */
  readonly cpu?: number;
  /** Who mapped. */
  readonly task?: TraceTask;
  /** Functions from the innermost `dma_buf_vmap` outward. */
  readonly path: readonly string[];
  /** Functions that ran inside `path[0]`, innermost first. */
  readonly inside?: readonly string[];
  /** Frames that the kernel's unwinder does not vouch for, innermost first. */
  readonly unreliable?: readonly string[];
  /** Those that functions of the path are in. */
  readonly modules?: readonly TraceModule[];
  /** The driver that maps, by the name that its device gave. */
  readonly driver?: string;
  /** The buffer's length. */
  readonly sizeBytes?: number;
  /** Whose buffer it is: the name that its exporter gave. */
  readonly exporter?: string;
  /** What identifies the buffer: its pointer, as printed. */
  readonly buffer?: string;
  /** Null where the form has durations and this one's is missing. Absent: the form has none. */
  readonly durationNs?: number | null;
  /** What ran inside it, behind the wait for the buffer's lock. */
  readonly parts?: readonly MappingPart[];
  /** What the function returned: 0, or a negative error number. */
  readonly result?: number;
  /** How many mappings this stands for, where the source counted. Absent: one. */
  readonly count?: number;
  /** What may have disturbed it. Absent: nothing. */
  readonly marks?: readonly MappingMark[];
}

/** One call of `dma_buf_vunmap`, as far as its source tells. */
export interface UnmappingEvent {
  /** What sort of record this is. */
  readonly kind: 'unmapping';
  /** The form of the text that it was read from. */
  readonly form: TraceForm;
  /** As it was given. Absent: none was. */
  readonly file?: string;
  /** The line that names `path[0]`, from 1. */
  readonly line: number;
  /** Seconds, as printed. */
  readonly time?: number;
  /** Who unmapped. */
  readonly task?: TraceTask;
  /** Functions from the innermost `dma_buf_vunmap` outward. */
  readonly path: readonly string[];
  /** As {@link MappingEvent.buffer}. */
  readonly buffer?: string;
  /** As {@link MappingEvent.durationNs}. */
  readonly durationNs?: number | null;
  /** As {@link MappingEvent.count}. */
  readonly count?: number;
}

/** A line that stands where a frame or an event should, and cannot be read. */
export interface UnreadableLine {
  /** As it was given. Absent: none was. */
  readonly file?: string;
  /** From 1. */
  readonly line: number;
}

/** What was read, at its end. */
export interface TraceSummary {
  /** What sort of record this is. */
  readonly kind: 'summary';
  /** How many mappings were read. */
  readonly mappings: number;
  /** How many unmappings were read. */
  readonly unmappings: number;
  /** The first ones, at most 1,000. */
  readonly unreadableLines: readonly UnreadableLine[];
  /** How many there are in all. Absent: those listed. */
  readonly unreadableLineCount?: number;
  /** Events that the source says it lost; a loss without a number counts as one. */
  readonly lostEvents: number;
  /** From the first to the last time in the text, in seconds. Absent where it has no times. */
  readonly timeSpanSeconds?: number;
}

/** What {@link readTrace} gives. */
export type TraceRecord = MappingEvent | UnmappingEvent | TraceSummary;

/** Of a file that is all damage, more lines than these would help nobody. */
export const UNREADABLE_LINES_MAX = 1000;
