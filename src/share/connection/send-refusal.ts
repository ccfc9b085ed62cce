import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { PeerCredentials } from '../../linux/calls/unix-socket-calls.ts';

const SEND_REMEDIES: Readonly<Record<string, (peer: PeerCredentials) => string>> = {
  EPIPE: ({ pid }) => `the other end (process ${pid}) is gone`,
  ECONNRESET: ({ pid }) => `the other end (process ${pid}) is gone, and did not receive all that was sent before`,
  EPERM: ({ pid }) =>
    `the other end (process ${pid}) takes no descriptors: its socket has SO_PASSRIGHTS switched off, as AcceptFileDescriptors=no of systemd does`,
  ETOOMANYREFS: () =>
    'more descriptors are on their way than this user may have open: wait until the receiver takes some, or raise the limit with "ulimit -n"',
};

/** The kernel's refusal to send, with its reason; other errors as they are. */
export function explainSendRefusal(cause: unknown, peer: PeerCredentials): unknown {
  if (!isDmaBufError(cause) || cause.syscall !== 'sendmsg') return cause;
  const why = SEND_REMEDIES[cause.code]?.(peer);
  if (why === undefined) return cause;
  const { code, syscall, values } = cause;
  return new DmaBufError(`Cannot send the message as ${why}`, { code, syscall, values, cause });
}
