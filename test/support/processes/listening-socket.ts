import { readFileSync } from 'node:fs';

/** `__SO_ACCEPTCON` among the flags in /proc/net/unix (include/uapi/linux/net.h). */
const LISTENING = '00010000';

/** Whether somebody listens at a path: it appears before. */
export function isListening(path: string): boolean {
  const sockets = readFileSync('/proc/net/unix', 'utf8').split('\n');
  return sockets.some((line) => line.endsWith(` ${path}`) && line.split(/\s+/u)[3] === LISTENING);
}
