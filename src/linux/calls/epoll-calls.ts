import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  epollEvent,
} from '../../uapi/eventpoll.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import { watchReadable } from './kernel-calls.ts';
import type { ReadableWatch } from './kernel-calls.ts';

/**
 * The event that a descriptor is waited for. `hangUp`: the other end of a socket is gone,
 * regardless of unread data. `urgent`: an event of a V4L2 device.
 */
export type ReadinessKind = 'read' | 'write' | 'readOrWrite' | 'hangUp' | 'urgent';

const EVENTS: Readonly<Record<ReadinessKind, number>> = {
  read: EPOLLIN,
  write: EPOLLOUT,
  readOrWrite: EPOLLIN | EPOLLOUT,
  hangUp: EPOLLRDHUP,
  urgent: EPOLLPRI,
};

/** Whether a watched descriptor has failed, or its device is gone. */
export function hasFailed(events: number): boolean {
  return (events & (EPOLLERR | EPOLLHUP)) !== 0;
}

const readToken = epollEvent.readerOf('data');
const readEvents = epollEvent.readerOf('events');

/** Further events are reported by the next call. */
const EVENT_COUNT_MAX = 64;

/** epoll (man 7 epoll). */
export class EpollCalls extends CheckedCalls {
  readonly #events = new Uint8Array(EVENT_COUNT_MAX * epollEvent.size);

  create(): OwnedFd {
    return this.own(this.checked('epoll_create1', this.raw.epoll_create1(EPOLL_CLOEXEC)));
  }

  /**
   * Calls `callback` from the event loop whenever an added descriptor is ready. Close the watch
   * before `epoll`.
   */
  watch(epoll: BorrowedFd, callback: () => void): ReadableWatch {
    const watch = watchReadable(epoll, callback);
    if (typeof watch !== 'number') return watch;
    throw this.error('epoll_ctl', watch, { fd: epoll });
  }

  /** Reports `fd`, with `token`, when it is ready: once, or for as long as it is (`repeated`). */
  add(
    epoll: BorrowedFd,
    fd: BorrowedFd,
    wanted: { kind: ReadinessKind; token: number; repeated?: boolean | undefined },
  ): void {
    const events = EVENTS[wanted.kind] + (wanted.repeated === true ? 0 : EPOLLONESHOT);
    const event = epollEvent.write({ events, data: wanted.token });
    this.checked('epoll_ctl', this.raw.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event), { fd });
  }

  remove(epoll: BorrowedFd, fd: BorrowedFd): void {
    this.checked('epoll_ctl', this.raw.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, epollEvent.write({})), { fd });
  }

  /**
   * Tells the tokens of the descriptors that are ready, or whose other end is gone, with their
   * events. Does not wait. `tell` must not call this again.
   */
  tellReady(epoll: BorrowedFd, tell: (token: number, events: number) => void): void {
    const count = this.raw.epoll_wait(epoll, this.#events, EVENT_COUNT_MAX);
    if (this.refusalOf(count) === 'EINTR') return;
    this.checked('epoll_wait', count);
    for (let index = 0; index < count; index += 1) {
      const event = index === 0 ? this.#events : this.#events.subarray(index * epollEvent.size);
      tell(readToken(event), readEvents(event));
    }
  }
}
