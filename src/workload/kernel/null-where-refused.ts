import { isDmaBufError } from '../../base/errors.ts';

/**
 * What a driver gets that hands on NULL, whatever made a mapping fail.
 *
 * @returns undefined, which stands for NULL, where `map` is refused
 */
export async function nullWhereRefused<Mapped>(map: () => Mapped | Promise<Mapped>): Promise<Mapped | undefined> {
  try {
    return await map();
  } catch (error) {
    if (isDmaBufError(error)) return undefined;
    throw error;
  }
}
