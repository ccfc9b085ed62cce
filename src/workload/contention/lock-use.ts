import { quantile } from '../../base/median.ts';
import type { LockCounts, LockKind } from '../kernel/buffer-locks.ts';
import type { LockUseCount } from '../kernel/kernel-lock.ts';
import type { PartyLockUse } from './party-messages.ts';

const LOCK_KINDS: readonly LockKind[] = ['reservation', 'exporter', 'driver'];

/** How locks were used, by kind: those that were. */
export function lockUses(counts: LockCounts): PartyLockUse[] {
  return LOCK_KINDS.map((lock) => lockUse(lock, counts[lock])).filter(({ holdCount }) => holdCount > 0);
}

function lockUse(lock: LockKind, count: LockUseCount): PartyLockUse {
  const waits = count.waits.toSorted((a, b) => a - b);
  if (waits.length === 0) return { lock, ...count.read() };
  const waitNs = { median: quantile(waits, 0.5), high99: quantile(waits, 0.99), max: quantile(waits, 1) };
  return { lock, ...count.read(), waitNs };
}
