import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Machine } from '../../linux/machine.ts';
import type { TraceModule, TraceRecord } from '../mapping-event.ts';

type Origin = Pick<TraceModule, 'buildId' | 'isOutOfTree'>;

/** Of an ELF note: the lengths of its name and of its text, and its type, 4 bytes each. */
const NOTE_HEADER_BYTES = 12;
/** `GNU` and its end. */
const NOTE_NAME_BYTES = 4;

/** What this machine says of its kernel's modules (Documentation/ABI/stable/sysfs-module). */
export class ModuleOrigins {
  readonly #machine: Machine;
  readonly #known = new Map<string, Origin>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** A mapping with its modules' build ids, and whether they were built out of tree. */
  complete(record: TraceRecord): TraceRecord {
    if (record.kind !== 'mapping' || record.modules === undefined) return record;
    return { ...record, modules: record.modules.map((module) => ({ ...module, ...this.#originOf(module.name) })) };
  }

  #originOf(name: string): Origin {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const taint = this.#read(name, 'taint')?.toString('latin1') ?? '';
    const note = this.#read(name, 'notes/.note.gnu.build-id');
    const origin = {
      ...(note === undefined || note.length <= NOTE_HEADER_BYTES + NOTE_NAME_BYTES
        ? {}
        : { buildId: note.toString('hex', NOTE_HEADER_BYTES + NOTE_NAME_BYTES) }),
      ...(taint.includes('O') ? { isOutOfTree: true as const } : {}),
    };
    this.#known.set(name, origin);
    return origin;
  }

  #read(name: string, file: string): Buffer | undefined {
    try {
      return readFileSync(join(this.#machine.root, 'sys/module', name, file));
    } catch {
      return undefined;
    }
  }
}
