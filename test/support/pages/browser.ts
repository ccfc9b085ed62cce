/** Debian's Chromium without a window, driven by playwright-core, which is fetched for it. */

import { pathToFileURL } from 'node:url';

import { findOnPath } from '../../../vm/requirements.ts';
import { fetchPackages, folderOf, lackOf } from '../processes/fetched-packages.ts';

const PROGRAM = 'chromium';
/** Nothing but what a test asks for goes over the network. */
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Beside emulated guests a browser may take many times as long as usual. */
const PATIENCE_MS = 180_000;

const playwright = fetchPackages('playwright-core@1.65.0');

/** What is used of playwright's page: https://playwright.dev/docs/api/class-page. */
export interface BrowserPage {
  goto: (url: string) => Promise<unknown>;
  title: () => Promise<string>;
  /** The value of an expression in the page. */
  evaluate: (expression: string) => Promise<unknown>;
  /** Until the expression is true. */
  waitForFunction: (expression: string) => Promise<unknown>;
  innerText: (selector: string) => Promise<string>;
  allInnerTexts: (selector: string) => Promise<string[]>;
  click: (selector: string, options?: { position: { x: number; y: number } }) => Promise<void>;
  fill: (selector: string, text: string) => Promise<void>;
  focus: (selector: string) => Promise<void>;
  setInputFiles: (selector: string, path: string) => Promise<void>;
  getAttribute: (selector: string, name: string) => Promise<string | null>;
  hover: (selector: string, options?: { position: { x: number; y: number } }) => Promise<void>;
  reload: () => Promise<unknown>;
  /** A script of the test, whatever the page's policy. */
  addScriptTag: (script: { path: string }) => Promise<unknown>;
  screenshot: (options: { path: string; fullPage?: boolean }) => Promise<unknown>;
  setViewportSize: (size: { readonly width: number; readonly height: number }) => Promise<void>;
  emulateMedia: (options: { media: 'print' | 'screen' }) => Promise<void>;
  pdf: () => Promise<Buffer>;
  readonly keyboard: { press: (key: string) => Promise<void> };
}

interface PlaywrightPage extends Omit<BrowserPage, 'allInnerTexts'> {
  setDefaultTimeout: (timeoutMs: number) => void;
  on: (event: string, listener: (argument: never) => void) => void;
  locator: (selector: string) => { allInnerTexts: () => Promise<string[]> };
  context: () => { newCDPSession: (page: PlaywrightPage) => Promise<DevToolsSession> };
}

interface DevToolsSession {
  send: (
    method: string,
    parameters?: object,
  ) => Promise<{ readonly metrics: readonly { readonly name: string; readonly value: number }[] }>;
}

interface PageOptions {
  readonly colorScheme?: 'dark' | 'light';
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly javaScriptEnabled?: boolean;
  /** Takes no notice of the page's own policy. */
  readonly bypassCSP?: boolean;
}

interface PlaywrightBrowser {
  newPage: (options: PageOptions) => Promise<PlaywrightPage>;
  close: () => Promise<void>;
}

/** A page, and what it did. */
export interface WatchedPage {
  readonly page: BrowserPage;
  /** The processor time of the page's main thread so far. */
  readonly processorMs: () => Promise<number>;
  /** What the console was told, and errors that nothing caught. */
  readonly messages: readonly string[];
  /** Each address that was asked for. */
  readonly requests: readonly string[];
}

/** For `skip:` of a test that needs a browser. */
export function missingBrowser(): string | false {
  if (findOnPath(PROGRAM) === undefined) return `there is no ${PROGRAM}: run "npm run vm:install" as root, on Debian`;
  return lackOf(playwright);
}

/** Opens pages in one browser. */
export class Browser {
  #started: Promise<PlaywrightBrowser> | undefined;

  async close(): Promise<void> {
    await (await this.#started)?.close();
  }

  async open(options: PageOptions = {}): Promise<WatchedPage> {
    this.#started ??= startBrowser();
    const page = await (await this.#started).newPage(options);
    page.setDefaultTimeout(PATIENCE_MS);
    const messages: string[] = [];
    const requests: string[] = [];
    page.on('console', (message: { type: () => string; text: () => string }) => {
      messages.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error: Error) => void messages.push(`uncaught: ${error.message}`));
    page.on('request', (request: { url: () => string }) => void requests.push(request.url()));
    const allInnerTexts = async (selector: string): Promise<string[]> => await page.locator(selector).allInnerTexts();
    return { page: Object.assign(page, { allInnerTexts }), processorMs: await processorOf(page), messages, requests };
  }
}

/** https://chromedevtools.github.io/devtools-protocol/tot/Performance/ */
async function processorOf(page: PlaywrightPage): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    const seconds = metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
    return seconds * 1000;
  };
}

async function startBrowser(): Promise<PlaywrightBrowser> {
  const path = folderOf(playwright, 'playwright-core/index.mjs');
  const { chromium } = (await import(pathToFileURL(path).href)) as {
    chromium: { launch: (options: object) => Promise<PlaywrightBrowser> };
  };
  // Chromium's sandbox refuses to start as root.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return await chromium.launch({
    executablePath: findOnPath(PROGRAM),
    args: [...FLAGS, ...sandbox],
    timeout: PATIENCE_MS,
  });
}
