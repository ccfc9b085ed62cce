import { DmaBufError } from '../base/errors.ts';

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
export async function loadOptionalPackage<Module>({ name, action }: OptionalPackage): Promise<Module> {
  try {
    return (await import(name)) as Module;
  } catch (cause) {
    throw isMissing(cause, name) ? missing({ name, action }, cause) : broken({ name, action }, cause);
  }
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
