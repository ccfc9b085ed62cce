import { assert } from './assert.ts';

declare const brand: unique symbol;

/**
 * A `Base` that the compiler keeps apart from every other `Base`. Only functions that return the
 * brand make it.
 */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/**
 * Page frame number: physical address divided by the page size. In an arena, the index of a page.
 */
export type Pfn = Brand<number, 'Pfn'>;
/** How many pages. Never bytes, never an index. */
export type PageCount = Brand<number, 'PageCount'>;
/** How many bytes. */
export type ByteLength = Brand<number, 'ByteLength'>;
/** A chunk of 2^order physically contiguous pages, aligned to its own size. */
export type Order = Brand<number, 'Order'>;
/**
 * A virtual address of this process. Exact: user addresses end below 2^53 on every machine we run
 * on.
 */
export type Address = Brand<number, 'Address'>;

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

export function toPfn(value: number): Pfn {
  assert(isCount(value), () => `A pfn is a whole number from 0, not ${value}`);
  return value as Pfn;
}

export function toPageCount(value: number): PageCount {
  assert(isCount(value), () => `A page count is a whole number from 0, not ${value}`);
  return value as PageCount;
}

export function toByteLength(value: number): ByteLength {
  assert(isCount(value), () => `A byte length is a whole number from 0, not ${value}`);
  return value as ByteLength;
}

export function toOrder(value: number): Order {
  assert(isCount(value) && value <= 30, () => `An order is a whole number from 0 to 30, not ${value}`);
  return value as Order;
}

export function toAddress(value: number): Address {
  assert(isCount(value) && value > 0, () => `An address is a whole number above 0, not ${value}`);
  return value as Address;
}

/** The smallest multiple of `unit` that is not below `value`. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** 2^order pages. */
export function pagesOfOrder(order: Order): PageCount {
  return (2 ** order) as PageCount;
}

/** The bytes that `pageCount` pages hold. */
export function bytesOfPages(pageCount: PageCount, pageSize: ByteLength): ByteLength {
  return toByteLength(pageCount * pageSize);
}

/**
 * The pages needed to hold `length` bytes: a partial page counts whole (the kernel's PAGE_ALIGN >>
 * PAGE_SHIFT).
 */
export function pagesCoveringBytes(length: ByteLength, pageSize: ByteLength): PageCount {
  return toPageCount(Math.ceil(length / pageSize));
}
