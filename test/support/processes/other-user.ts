/** The user, and the group, that own nothing. */
export const NOBODY = 65_534;

/**
 * Runs `body` without the rights of root, which override file permissions: as user nobody, with
 * `groupIds` besides nobody's own group. For a user other than root, it just runs it.
 */
export function asNobody<Result>(body: () => Result, groupIds: readonly number[] = []): Result {
  if (process.geteuid?.() !== 0) return body();
  const before = { groupIds: process.getgroups?.() ?? [], groupId: process.getegid?.() ?? 0 };
  process.setgroups?.([...groupIds]);
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return body();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(before.groupId);
    process.setgroups?.(before.groupIds);
  }
}

/**
 * Why {@link asNobody} cannot work here, if so: root of a container may lack the right to change
 * its user.
 */
export function cannotBeNobody(): string | false {
  try {
    asNobody(() => {});
    return false;
  } catch {
    return 'root may not become another user here: no file can be refused to it';
  }
}
