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
 * @throws {DmaBufError} with code ENOENT and the command that installs it, where it is missing
 */
export async function loadOptionalPackage<Module>({ name, action }: OptionalPackage): Promise<Module> {
  try {
    return (await import(name)) as Module;
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new DmaBufError(
      `Cannot ${action} as the package ${name} is not installed beside dmabuf: npm install ${name}`,
      { code: 'ENOENT', values: { package: name }, cause },
    );
  }
}

/** The package itself, not one that it needs. */
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const isNotFound = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND';
  return isNotFound && error.message.includes(`'${name}'`);
}
