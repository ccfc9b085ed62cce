import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { writeFiles } from '../runner/temporary-folder.ts';

/** An open descriptor as `/proc/PID/fd` and `/proc/PID/fdinfo` show it. */
interface FakeDescriptor {
  readonly fd: number;
  readonly link: string;
  readonly fdinfo: string;
}

/** A process as `/proc` shows it. */
interface FakeProcess {
  readonly pid: number;
  readonly comm: string;
  readonly startTicks?: number;
  /** `PF_` bits of include/linux/sched.h. */
  readonly flags?: number;
  readonly descriptors?: readonly FakeDescriptor[];
  /** The text of `/proc/PID/maps`. */
  readonly maps?: string;
}

/** A descriptor of a dma-buf, as a kernel since 5.14 shows it. */
export function fakeDmaBuf(
  fd: number,
  { inode, size, exporter, name = '' }: { inode: number; size: number; exporter: string; name?: string },
  count = 1,
): FakeDescriptor {
  const lines = [`size:\t${size}`, `count:\t${count}`, `exp_name:\t${exporter}`, ...(name ? [`name:\t${name}`] : [])];
  return {
    fd,
    link: `/dmabuf:${name}`,
    fdinfo: `pos:\t0\nflags:\t02000002\nmnt_id:\t12\nino:\t${inode}\n${lines.join('\n')}\n`,
  };
}

/** Adds processes to a `/proc` of the test's own, below `root`. */
export function writeFakeProcesses(root: string, processes: readonly FakeProcess[]): void {
  for (const { pid, comm, startTicks = 100, flags = 0x40_0000, descriptors = [], maps = '' } of processes) {
    const folder = join(root, 'proc', String(pid));
    const stat = `${pid} (${comm}) S 1 1 1 0 -1 ${flags} 1 2 3 4 5 6 7 8 20 0 1 0 ${startTicks} 1000 10\n`;
    mkdirSync(join(folder, 'fd'), { recursive: true });
    mkdirSync(join(folder, 'fdinfo'), { recursive: true });
    writeFiles(folder, { stat, maps });
    for (const { fd, link, fdinfo } of descriptors) {
      symlinkSync(link, join(folder, 'fd', String(fd)));
      writeFiles(folder, { [`fdinfo/${fd}`]: fdinfo });
    }
  }
}
