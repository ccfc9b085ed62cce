import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where the guests have it mounted. */
export const TRACEFS = '/sys/kernel/tracing';
const FILES = [
  'dynamic_events',
  'set_event',
  'set_event_pid',
  'tracing_on',
  'buffer_size_kb',
  'trace_clock',
  'current_tracer',
];

/** Everything of tracefs that a trace of ours could change for others. */
export function traceState(): Record<string, string | string[]> {
  return {
    ...Object.fromEntries(FILES.map((file) => [file, readFileSync(join(TRACEFS, file), 'utf8')])),
    instances: readdirSync(join(TRACEFS, 'instances')),
    groups: readdirSync(join(TRACEFS, 'events')),
  };
}
