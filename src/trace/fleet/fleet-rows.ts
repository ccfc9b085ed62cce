/** The answers of the questions in sql/: a row each. What is not known is absent. */

/** Of a call path or a consumer. */
export interface FleetWork {
  /** How often it mapped a buffer. */
  readonly calls: number;
  /** Nanoseconds of all its mappings whose duration is known. */
  readonly totalNs?: number;
  /** Of all its mappings whose buffer's size is known. */
  readonly totalBytes?: number;
  /** How many devices it was seen on, of those that have a name. */
  readonly devices: number;
}

/** One call path on all devices. */
export interface FleetCaller extends FleetWork {
  /** Functions from the outermost on, `;` between them: the last is the map function. */
  readonly callPath: string;
  /** Which driver that is, as far as its functions tell. */
  readonly consumer: string;
  /** The longest of all whose duration is known, in nanoseconds. */
  readonly longestNs?: number;
}

/** One consumer on all devices. */
export interface FleetConsumer extends FleetWork {
  /** As {@link FleetCaller.consumer}. */
  readonly consumer: string;
  /** The driver's name. Absent: its call paths do not tell. */
  readonly driver?: string;
  /** Whether its driver is the kernel's own: `in-tree`, `out-of-tree` or `unknown`. */
  readonly origin: string;
  /** How many mappings the parts below are of. */
  readonly dividedCalls: number;
  /** Nanoseconds spent on allocating the array of pages. */
  readonly pageArrayTotalNs?: number;
  /** Nanoseconds spent on converting sg tables to pages, with the tracer's cost. */
  readonly sgToPagesTotalNs?: number;
  /** Nanoseconds spent in vmap itself. */
  readonly vmapTotalNs?: number;
  /** Nanoseconds spent on freeing the array of pages. */
  readonly freeTotalNs?: number;
  /** Nanoseconds spent on waiting for locks. */
  readonly lockWaitTotalNs?: number;
  /** Nanoseconds of the rest. */
  readonly otherTotalNs?: number;
}

/** A call path that maps the same buffers again. */
export interface FleetRepeat {
  /** As {@link FleetCaller.callPath}. */
  readonly callPath: string;
  /** As {@link FleetCaller.consumer}. */
  readonly consumer: string;
  /** Mappings of buffers that are told apart. */
  readonly calls: number;
  /** How many different buffers those are, counted in each recording. */
  readonly buffers: number;
  /** Mappings of a buffer that it had mapped before in the same recording. */
  readonly repeats: number;
  /** What those took, in nanoseconds. */
  readonly repeatNs?: number;
}

/** How long one mapping of a call path takes. Disturbed ones are left out. */
export interface FleetDuration {
  /** As {@link FleetCaller.callPath}. */
  readonly callPath: string;
  /** As {@link FleetCaller.consumer}. */
  readonly consumer: string;
  /** How many durations there are. */
  readonly measuredCalls: number;
  /** Half of them took at most so many nanoseconds, cut to three digits. */
  readonly medianNs: number;
  /** 95 of 100 took at most so many nanoseconds, cut to three digits. */
  readonly p95Ns: number;
  /** The longest took so many nanoseconds. */
  readonly longestNs: number;
}

/** Mappings that were refused. */
export interface FleetFailure {
  /** As {@link FleetCaller.consumer}. */
  readonly consumer: string;
  /** What dma_buf_vmap returned: a negative error number. */
  readonly result: number;
  /** How often. */
  readonly calls: number;
  /** On how many devices, of those that have a name. */
  readonly devices: number;
  /** With how many builds, of those that have a name. */
  readonly builds: number;
}

/** One device with one of its builds. */
export interface FleetDevice {
  /** As it was given at the export. Absent: none was. */
  readonly device?: string;
  /** As it was given at the export. Absent: none was. */
  readonly build?: string;
  /** How many traces there are of it. */
  readonly recordings: number;
  /** How many buffers were mapped. */
  readonly calls: number;
  /** Nanoseconds of all mappings whose duration is known. */
  readonly totalNs?: number;
  /** How many mappings were refused. */
  readonly failures: number;
  /** How many events the recordings say they lost. */
  readonly lostTotal?: number;
  /** Nanoseconds from the first to the last time of each recording, added up. */
  readonly recordedTotalNs?: number;
  /** Calls for each second, of the recordings whose length is known. */
  readonly callsPerSecond?: number;
  /** Which part of a processor mapping took: 0.04 is 4 %. */
  readonly busyShare?: number;
}

/** What there is of one build. */
export interface FleetBuild {
  /** As it was given at the export. Absent: those without one. */
  readonly build?: string;
  /** How many devices ran it, of those that have a name. */
  readonly devices: number;
  /** How many traces there are of it. */
  readonly recordings: number;
  /** How many buffers were mapped. */
  readonly calls: number;
  /** How many buffers were unmapped. */
  readonly unmappings: number;
  /** Stacks that were sampled while they mapped: no calls. */
  readonly samples: number;
  /** Nanoseconds of all mappings whose duration is known. */
  readonly totalNs?: number;
  /** As {@link FleetDevice.recordedTotalNs}. */
  readonly recordedTotalNs?: number;
  /** How many events the recordings say they lost. */
  readonly lostTotal?: number;
  /** Lines of the traces that could not be read. */
  readonly unreadableTotal?: number;
}

/** What a driver did with one build, and with the other. */
export interface FleetGrowth {
  /** The driver; where it is not known, its subsystem or its consumer. */
  readonly driverName: string;
  /** Calls with the older build. */
  readonly fromCalls: number;
  /** Calls with the newer build. */
  readonly toCalls: number;
  /** Calls for each second that a device with the older build was recorded. */
  readonly fromCallsPerSecond?: number;
  /** Calls for each second that a device with the newer build was recorded. */
  readonly toCallsPerSecond?: number;
  /** How many times as many. Absent: there were none, or lengths are not known. */
  readonly callsRatio?: number;
  /** Which part of a processor mapping took with the older build. */
  readonly fromBusyShare?: number;
  /** Which part of a processor mapping took with the newer build. */
  readonly toBusyShare?: number;
  /** How many times as much. */
  readonly busyRatio?: number;
}

/** The rows of each question, by its name: that of its file in sql/. */
export interface FleetAnswers {
  /** By build. */
  readonly builds: readonly FleetBuild[];
  /** By call path: those that take the most time first. */
  readonly callers: readonly FleetCaller[];
  /** By consumer: those that take the most time first. */
  readonly consumers: readonly FleetConsumer[];
  /** Those that could have kept their mappings. */
  readonly repeats: readonly FleetRepeat[];
  /** By how long one mapping takes. */
  readonly slowest: readonly FleetDuration[];
  /** Mappings that were refused. */
  readonly failures: readonly FleetFailure[];
  /** By device and build: those with the most calls first. */
  readonly devices: readonly FleetDevice[];
}

/** The questions that are always asked. */
export const FLEET_QUESTIONS: readonly (keyof FleetAnswers)[] = [
  'builds',
  'callers',
  'consumers',
  'repeats',
  'slowest',
  'failures',
  'devices',
];
