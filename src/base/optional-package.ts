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
 * @throws {DmaBufError} with code ENOENT and the command that installs it, where it is missing;
 *   ENOEXEC where it cannot be loaded, such as one with a library for another machine
 */
export async function loadOptionalPackage<Module>(wanted: OptionalPackage): Promise<Module> {
  try {
    return (await import(wanted.name)) as Module;
  } catch (cause) {
    throw refuseMissingPackage(wanted, cause);
  }
}

/** The error for a package that was not found, or could not be loaded. */
export function refuseMissingPackage(wanted: OptionalPackage, cause: unknown): DmaBufError {
  return isMissing(cause, wanted.name) ? missing(wanted, cause) : broken(wanted, cause);
}

function missing({ name, action }: OptionalPackage, cause: unknown): DmaBufError {
  return new DmaBufError(
    `Cannot ${action} as the package ${name} is not installed beside dmabuf: npm install ${name}`,
    { code: 'ENOENT', values: { package: name }, cause },
  );
}

function broken({ name, action }: OptionalPackage, cause: unknown): DmaBufError {
  const [what] = (cause instanceof Error ? cause.message : String(cause)).split(/[\r\n]/u, 1);
  return new DmaBufError(`Cannot ${action} as the package ${name} cannot be loaded, so install it anew: ${what}`, {
    code: 'ENOEXEC',
    values: { package: name },
    cause,
  });
}

/** The package itself, not one that it needs. */
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === 'ERR_MODULE_NOT_FOUND' && error.message.startsWith(`Cannot find package '${name}'`);
}
