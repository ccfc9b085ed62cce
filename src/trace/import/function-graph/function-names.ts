import { functionName, roleOf } from '../../map-functions.ts';
import type { MapRole } from '../../map-functions.ts';
import { NameTable } from './name-table.ts';

/** What is known of a function, by its number. */
interface NamedFunction {
  readonly name: string;
  readonly module: string | undefined;
  readonly role: MapRole;
}

const UNKNOWN: NamedFunction = { name: '', module: undefined, role: 'none' };

/** The functions of one trace, by numbers. `vb2_qbuf [videobuf2_v4l2]` names its module. */
export class FunctionNames {
  readonly #functions: NamedFunction[] = [UNKNOWN];
  readonly #table = new NameTable((id, text) => this.#addFunction(id, text));
  /** Whether any of them is in a module. */
  hasModules = false;
  /** 1 for those that have a role: what the hot loop asks. */
  #hasRole = new Uint8Array(4096);

  idOf(bytes: Uint8Array, start: number, end: number): number {
    return this.#table.idOf(bytes, start, end);
  }

  idOfHashed(bytes: Uint8Array, start: number, end: number, hash: number): number {
    return this.#table.idOfHashed(bytes, start, end, hash);
  }

  idOfText(text: string): number {
    const bytes = Buffer.from(text);
    return this.idOf(bytes, 0, bytes.length);
  }

  hasRole(id: number): boolean {
    return this.#hasRole[id] === 1;
  }

  get(id: number): NamedFunction {
    return this.#functions[id] ?? UNKNOWN;
  }

  #addFunction(id: number, text: string): void {
    const [symbol = '', module] = text.split(' [');
    const name = functionName(symbol);
    const named: NamedFunction = { name, module: module?.replace(/\]$/u, ''), role: roleOf(name) };
    this.#functions[id] = named;
    if (named.module !== undefined) this.hasModules = true;
    if (id >= this.#hasRole.length) {
      const larger = new Uint8Array(this.#hasRole.length * 2);
      larger.set(this.#hasRole);
      this.#hasRole = larger;
    }
    this.#hasRole[id] = named.role === 'none' ? 0 : 1;
  }
}
