import { SeededRandom } from '../src/base/seeded-random.ts';
import type { MappingEvent, TraceRecord } from '../src/trace/mapping-event.ts';

const SEED = 1;
const PATH_COUNT = 200;
const BUFFER_COUNT = 64;
const RATE = 60;

/** Ways into the kernel, as traces of drivers have them. */
const PATHS = Array.from({ length: PATH_COUNT }, (_, index) => [
  'dma_buf_vmap',
  'dma_buf_vmap_unlocked',
  `driver_${index % 20}_map_plane`,
  `driver_${index % 20}_job_${index}`,
  'v4l2_m2m_qbuf',
  'v4l_qbuf',
  '__video_do_ioctl',
  'video_usercopy',
  'v4l2_ioctl',
  '__x64_sys_ioctl',
  'do_syscall_64',
  'entry_SYSCALL_64_after_hwframe',
]);

/** As many mappings as are asked for, and a summary: the same ones each time. */
export function* mappingEvents(count: number): Generator<TraceRecord, void, undefined> {
  const random = new SeededRandom(SEED);
  for (let index = 0; index < count; index += 1) yield mappingEvent(random, index);
  yield {
    kind: 'summary',
    mappings: count,
    unmappings: 0,
    unreadableLines: [],
    lostEvents: 0,
    timeSpanSeconds: count / RATE,
  };
}

function mappingEvent(random: SeededRandom, index: number): MappingEvent {
  const pid = 1000 + random.below(50);
  return {
    kind: 'mapping',
    form: 'event',
    file: 'trace.txt',
    line: 1 + index * 14,
    time: Math.round((1000 + index / RATE) * 1e6) / 1e6,
    cpu: random.below(8),
    task: { comm: `camera-${pid}`, pid },
    path: PATHS[random.below(PATH_COUNT)] ?? [],
    sizeBytes: 4096 * (1 + random.below(16)),
    exporter: 'system',
    buffer: `00000000dead${(4096 + random.below(BUFFER_COUNT)).toString(16)}`,
    durationNs: 50_000 + random.below(2_000_000),
    result: 0,
  };
}
