import type {
  MappingEvent,
  MappingMark,
  MappingPart,
  TraceForm,
  TraceModule,
  TraceSummary,
  UnmappingEvent,
} from './mapping-event.ts';

const FORMS: readonly string[] = [
  'bpftrace',
  'chrome-trace',
  'collapsed',
  'event',
  'function',
  'function_graph',
  'kernel-log',
  'perf-script',
  'replay',
  'systrace',
  'trace-cmd',
] satisfies TraceForm[];

const MARKS: readonly string[] = [
  'cut',
  'entry-lost',
  'exit-lost',
  'interleaved',
  'interrupted',
  'lost-events',
  'moved',
  'parts-cut',
  'preempted',
  'sample',
] satisfies MappingMark[];

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isList =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const hasOnly =
  (required: Readonly<Record<string, Check>>, optional: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (!isObject(value)) return false;
    const isRight = (key: string): boolean => {
      const checks = Object.hasOwn(required, key) ? required : optional;
      return Object.hasOwn(checks, key) && checks[key]?.(value[key]) === true;
    };
    return Object.keys(value).every(isRight) && Object.keys(required).every((key) => Object.hasOwn(value, key));
  };

const isPart: Check = hasOnly({ name: isText, depth: isCount } satisfies Partial<Record<keyof MappingPart, Check>>, {
  ns: isNumber,
});
const isModule: Check = hasOnly(
  { name: isText, functions: isList(isText) } satisfies Partial<Record<keyof TraceModule, Check>>,
  { buildId: isText, isOutOfTree: (value) => value === true },
);

/** In the order in which they are documented. */
const REQUIRED: Readonly<Record<string, Check>> = {
  kind: (value) => value === 'mapping',
  form: (value) => FORMS.includes(value as string),
  line: isCount,
  path: (value) => isList(isText)(value) && (value as unknown[]).length > 0,
};

const OPTIONAL: Readonly<Record<string, Check>> = {
  file: isText,
  time: isNumber,
  timeText: isText,
  cpu: isCount,
  task: hasOnly({}, { comm: isText, pid: isCount }),
  inside: isList(isText),
  unreliable: isList(isText),
  modules: isList(isModule),
  driver: isText,
  sizeBytes: isCount,
  exporter: isText,
  buffer: isText,
  durationNs: (value) => value === null || isNumber(value),
  parts: isList(isPart),
  result: isNumber,
  count: isCount,
  marks: isList((value) => MARKS.includes(value as string)),
};

const UNMAPPING: Check = hasOnly({ ...REQUIRED, kind: (value) => value === 'unmapping' }, OPTIONAL);

const SUMMARY: Check = hasOnly(
  {
    kind: (value) => value === 'summary',
    mappings: isCount,
    unmappings: isCount,
    unreadableLines: isList(hasOnly({ line: isCount }, { file: isText })),
    lostEvents: isCount,
  },
  { unreadableLineCount: isCount, timeSpanSeconds: isNumber },
);

export function isUnmapping(value: unknown): value is UnmappingEvent {
  return UNMAPPING(value);
}

export function isSummary(value: unknown): value is TraceSummary {
  return SUMMARY(value);
}

/** Undefined for what is no mapping as this package writes them: a file may hold anything. */
export function parseMappingEvent(value: unknown): MappingEvent | undefined {
  return hasOnly(REQUIRED, OPTIONAL)(value) ? (value as MappingEvent) : undefined;
}
