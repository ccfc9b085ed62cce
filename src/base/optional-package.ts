import { DmaBufError } from './errors.ts';

/** A package that users install beside this one if they want what it does. */
interface OptionalPackage {
  readonly name: string;
  /** What cannot be done without it: completes "Cannot …". */
  readonly action: string;
}

/**
 * Loads a package that this one does not bring along.
 *
 * @throws {DmaBufError} with code ENOENT and the command that installs it, where it is missing
 */
export async function loadOptionalPackage<Module>(wanted: OptionalPackage): Promise<Module> {
  try {
    return (await import(wanted.name)) as Module;
  } catch (cause) {
    throw refuseMissingPackage(wanted, cause);
  }
}

/** The error for a package that could not be loaded, or what else went wrong. */
export function refuseMissingPackage({ name, action }: OptionalPackage, cause: unknown): unknown {
  if (!isMissing(cause, name)) return cause;
  const message = `Cannot ${action} as the package ${name} is not installed beside dmabuf: npm install ${name}`;
  return new DmaBufError(message, { code: 'ENOENT', values: { package: name }, cause });
}

/** The package itself, not one that it needs. */
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const isNotFound = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND';
  return isNotFound && new RegExp(`'${name}['/]`, 'u').test(error.message);
}
