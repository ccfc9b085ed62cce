import type { MappingEvent } from '../../../src/trace/mapping-event.ts';

/**
 * A trace that is easy to add up. An NPU's driver maps a chunk of 1 MiB twice, in 100 µs: 10 for
 * the page array, 50 for vmap, 30 for the exporter itself, 10 around it. A camera's driver maps a
 * frame of 2 MiB once, in 300 µs, of which no parts are known.
 */
export const CAMERA_AND_NPU: readonly MappingEvent[] = [npuMapping(1, 50.001), npuMapping(2, 50.002), cameraMapping(3)];

function npuMapping(line: number, time: number): MappingEvent {
  return {
    kind: 'mapping',
    form: 'function_graph',
    line,
    time,
    task: { comm: 'npu-app', pid: 7 },
    path: ['dma_buf_vmap', 'npu_map'],
    sizeBytes: 1_048_576,
    buffer: '0xff01',
    durationNs: 100_000,
    parts: [
      { name: 'system_heap_vmap', depth: 1, ns: 90_000 },
      { name: 'vmalloc', depth: 2, ns: 10_000 },
      { name: 'vmap', depth: 2, ns: 50_000 },
    ],
  };
}

function cameraMapping(line: number): MappingEvent {
  return {
    kind: 'mapping',
    form: 'event',
    line,
    time: 50.003,
    task: { comm: 'camera', pid: 8 },
    path: ['dma_buf_vmap', 'cam_map'],
    sizeBytes: 2_097_152,
    buffer: '0xff02',
    durationNs: 300_000,
  };
}

/** As `dmabuf callers --jsonl` prints them, and the other commands read them. */
export function asJsonLines(events: readonly MappingEvent[]): string {
  const summary = { kind: 'summary', mappings: events.length, unmappings: 0, unreadableLines: [], lostEvents: 0 };
  return [...events, { ...summary, timeSpanSeconds: 0.002 }].map((record) => `${JSON.stringify(record)}\n`).join('');
}
