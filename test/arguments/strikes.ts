/**
 * Ways to make well-formed arguments strike: to run a caller's code while they are read. Each way
 * counts the accesses to the arguments, and strikes at one of them.
 */

/** One way for one place among the arguments. */
export interface Ambush {
  readonly label: string;
  /** The arguments, which call `strike` once when they are read. */
  lay(values: unknown[], strike: () => void): unknown[];
}

type Path = readonly string[];

const READS = [1, 2];
const TRAPS = [1, 2, 3];

/** Every ambush that arguments of this shape allow. */
export function ambushesFor(sample: unknown[]): Ambush[] {
  return pathsOf(sample, []).flatMap((path) => {
    const value = valueAt(sample, path);
    // The array of arguments itself has no owner.
    const ways: Ambush[] =
      path.length > 1 ? READS.map((read) => ambush(path, atGetter, `getter, read ${read}`, read)) : [];
    if (isPrimitive(value)) return ways.concat(ambush(path, atConversion, 'object instead of a primitive', 1));
    const traps = TRAPS.map((trap) => ambush(path, atTrap, `proxy, trap ${trap}`, trap));
    if (typeof value === 'function') return ways.concat(traps);
    return ways.concat(
      traps,
      READS.map((read) => ambush(path, atOwnProperty, `own properties, read ${read}`, read)),
    );
  });
}

/** Changes the value at the path, so that the `time`-th access to it strikes. */
type Laying = (values: unknown[], path: Path, tick: () => void) => void;

// oxlint-disable-next-line max-params -- one row of a table
function ambush(path: Path, laying: Laying, how: string, time: number): Ambush {
  return {
    label: `[${path.join('.')}] ${how}`,
    lay: (values, strike) => {
      laying(values, path, counted(time, strike));
      return values;
    },
  };
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

function pathsOf(value: unknown, path: Path): Path[] {
  if (!isPlain(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const own: Path = path.concat(key);
    const beneath = pathsOf(inner, own);
    beneath.unshift(own);
    return beneath;
  });
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce((value, key) => (value as Record<string, unknown>)[key], root);
}

function parentAt(root: unknown, path: Path): Record<string, unknown> {
  return valueAt(root, path.slice(0, -1)) as Record<string, unknown>;
}

/** Calls `strike` at the `time`-th call. */
function counted(time: number, strike: () => void): () => void {
  let count = 0;
  return () => {
    count += 1;
    if (count === time) strike();
  };
}

function atGetter(values: unknown[], path: Path, tick: () => void): void {
  const parent = parentAt(values, path);
  const key = path.at(-1) as string;
  const value = parent[key];
  Object.defineProperty(parent, key, {
    enumerable: true,
    get: () => {
      tick();
      return value;
    },
  });
}

function atTrap(values: unknown[], path: Path, tick: () => void): void {
  const handler = new Proxy(
    {},
    {
      get:
        (_, name: keyof typeof Reflect) =>
        (...parts: unknown[]): unknown => {
          tick();
          return (Reflect[name] as (...all: unknown[]) => unknown)(...parts);
        },
    },
  );
  parentAt(values, path)[path.at(-1) as string] = new Proxy(valueAt(values, path) as object, handler);
}

/** Turns all inherited properties of the object into own ones. */
function atOwnProperty(values: unknown[], path: Path, tick: () => void): void {
  const object = valueAt(values, path) as object;
  const prototype = Object.getPrototypeOf(object) as object;
  for (const key of inheritedKeys(object)) {
    Reflect.defineProperty(object, key, {
      configurable: true,
      get: () => {
        tick();
        const found: unknown = Reflect.get(prototype, key, object);
        return typeof found === 'function' && key !== 'constructor' ? found.bind(object) : found;
      },
    });
  }
}

function inheritedKeys(object: object): Set<PropertyKey> {
  const keys = new Set<PropertyKey>();
  for (let at: unknown = Object.getPrototypeOf(object); at !== null; at = Object.getPrototypeOf(at))
    for (const key of Reflect.ownKeys(at as object)) keys.add(key);
  return keys;
}

function atConversion(values: unknown[], path: Path, tick: () => void): void {
  const parent = parentAt(values, path);
  const key = path.at(-1) as string;
  const value = parent[key];
  parent[key] = {
    [Symbol.toPrimitive]: () => {
      tick();
      return value;
    },
  };
}
