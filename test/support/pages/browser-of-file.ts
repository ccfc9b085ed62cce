import { after } from 'node:test';

import { Browser } from './browser.ts';

/** A browser that ends with the test file. */
export function browserOfFile(): Browser {
  const browser = new Browser();
  after(async () => await browser.close());
  return browser;
}
