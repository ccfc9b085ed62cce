import { arch, cpus, release, totalmem, type } from 'node:os';

import { formatSize } from '../src/base/sizes.ts';

/** The machine of the measurements. */
export interface Machine {
  readonly cpu: string;
  readonly coreCount: number;
  readonly architecture: string;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** The one core that everything ran on; null where the processes could not be pinned. */
  readonly pinnedToCore: number | null;
}

/** @param core the core to which this process was pinned */
export function describeMachine(core: number | undefined): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    coreCount: processors.length,
    architecture: arch(),
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
    node: process.version,
    pinnedToCore: core ?? null,
  };
}

/** In one line. */
export function formatMachine(machine: Machine): string {
  const { cpu, coreCount, architecture, memoryBytes, kernel, node, pinnedToCore } = machine;
  const cores = coreCount === 1 ? '1 core' : `${coreCount} cores`;
  const pinned = pinnedToCore === null ? 'not pinned to a core: no taskset' : `on core ${pinnedToCore} alone`;
  return `${cpu}, ${architecture}, ${cores}, ${formatSize(memoryBytes)}; ${kernel}; Node ${node}; ${pinned}`;
}
