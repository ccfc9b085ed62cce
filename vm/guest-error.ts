/** A guest that cannot be built, does not boot, or ends without telling how its command ended. The message says what to do. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
}
