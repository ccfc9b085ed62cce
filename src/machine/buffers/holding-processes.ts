import type { HoldingProcess, ListedBuffer } from './buffer-snapshot.ts';
import type { ProcessHoldings } from './process-holdings.ts';

type Sums = Omit<HoldingProcess, 'pid' | 'comm' | 'startTicks' | 'sharedWith'>;
const NOTHING: Sums = { isSelf: false, bufferCount: 0, bytes: 0, shareBytes: 0, fdCount: 0, mappingCount: 0 };

/** The processes that hold buffers, those with the most bytes first. */
export function listHoldingProcesses(
  buffers: readonly ListedBuffer[],
  processes: readonly ProcessHoldings[],
): HoldingProcess[] {
  const sums = sumsByPid(buffers);
  return processes
    .filter(({ descriptors, mappings }) => descriptors.length + mappings.length > 0)
    .map((process) => toHoldingProcess(process, sums.get(process.pid) ?? NOTHING))
    .toSorted((one, other) => other.bytes - one.bytes || one.pid - other.pid);
}

function toHoldingProcess(process: ProcessHoldings, sum: Sums): HoldingProcess {
  const { pid, comm, startTicks, descriptorsSharedWith = [], mappingsSharedWith = [] } = process;
  const sharedWith = [...new Set([...descriptorsSharedWith, ...mappingsSharedWith])];
  return { pid, comm, startTicks, ...sum, ...(sharedWith.length === 0 ? {} : { sharedWith }) };
}

/** In one pass over the buffers: machines have thousands of processes, and many more buffers. */
function sumsByPid(buffers: readonly ListedBuffer[]): Map<number, Sums> {
  const sums = new Map<number, Sums>();
  for (const { size, holders } of buffers) {
    for (const { pid, isSelf, fds, mappingCount, shareBytes } of holders) {
      const sum = sums.get(pid) ?? NOTHING;
      sums.set(pid, {
        isSelf,
        bufferCount: sum.bufferCount + 1,
        bytes: sum.bytes + size,
        shareBytes: sum.shareBytes + shareBytes,
        fdCount: sum.fdCount + fds.length,
        mappingCount: sum.mappingCount + mappingCount,
      });
    }
  }
  return sums;
}
