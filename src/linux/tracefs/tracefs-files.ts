import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeSync,
} from 'node:fs';

import { withFileErrors } from '../proc/system-file.ts';

/**
 * The operations on files of tracefs. {@link TRACE_FILES} has the real ones. Tests insert failures.
 */
export interface TraceFiles {
  list(folder: string): string[];
  makeFolder(path: string): void;
  removeFolder(path: string): void;
  /** A file as a whole: its bytes as characters. */
  readText(path: string): string;
  /** Appends a line: opened for truncation, `kprobe_events` would drop every program's probes. */
  write(path: string, text: string): void;
  /** Opens for reading without waiting. */
  openPipe(path: string): number;
  /** Returns the number of bytes: 0 for none at the moment. */
  read(pipe: number, into: Uint8Array): number;
  close(pipe: number): void;
}

export const TRACE_FILES: TraceFiles = {
  list: (folder) => withFileErrors('list', folder, () => readdirSync(folder)),
  makeFolder: (path) => withFileErrors('make', path, () => mkdirSync(path)),
  removeFolder: (path) => withFileErrors('remove', path, () => rmdirSync(path)),
  readText: (path) => withFileErrors('read', path, () => readFileSync(path, 'latin1')),
  write: (path, text) => withFileErrors('write to', path, () => appendLine(path, text)),
  openPipe: (path) => withFileErrors('open', path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)),
  read: (pipe, into) => withFileErrors('read', 'the trace', () => readWithoutWaiting(pipe, into)),
  close: (pipe) => withFileErrors('close', 'the trace', () => closeSync(pipe)),
};

function appendLine(path: string, text: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND);
  try {
    writeSync(fd, `${text}\n`);
  } finally {
    closeSync(fd);
  }
}

function readWithoutWaiting(pipe: number, into: Uint8Array): number {
  try {
    return readSync(pipe, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}
