import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLRDHUP,
  epollEvent,
} from '../uapi/eventpoll.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';

/** What a descriptor is waited for. `hangUp`: until the other end of a socket is gone, whatever there is to read. */
export type ReadinessKind = 'read' | 'write' | 'hangUp';

const EVENTS: Readonly<Record<ReadinessKind, number>> = { read: EPOLLIN, write: EPOLLOUT, hangUp: EPOLLRDHUP };

/** More are told at the next call. */
const EVENT_COUNT_MAX = 64;

/** epoll (man 7 epoll). */
export class EpollCalls extends CheckedCalls {
  readonly #events = new Uint8Array(EVENT_COUNT_MAX * epollEvent.size);

  create(): OwnedFd {
    return this.own(this.checked('epoll_create1', this.raw.epoll_create1(EPOLL_CLOEXEC)));
  }

  /** Reports `fd` once, with `token`, when it is ready. */
  add(epoll: BorrowedFd, fd: BorrowedFd, wanted: { kind: ReadinessKind; token: number }): void {
    const events = EVENTS[wanted.kind] + EPOLLONESHOT;
    const event = epollEvent.write({ events, data: wanted.token });
    this.checked('epoll_ctl', this.raw.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event), { fd });
  }

  remove(epoll: BorrowedFd, fd: BorrowedFd): void {
    this.checked('epoll_ctl', this.raw.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, epollEvent.write({})), { fd });
  }

  /** The tokens of those that are ready, or whose other end is gone. Does not wait. */
  readyNow(epoll: BorrowedFd): number[] {
    const count = this.raw.epoll_wait(epoll, this.#events, EVENT_COUNT_MAX, 0);
    if (count === -1 && this.errno() === 'EINTR') return [];
    this.checked('epoll_wait', count);
    return Array.from(
      { length: count },
      (_, index) => epollEvent.read(this.#events.subarray(index * epollEvent.size)).data,
    );
  }
}
