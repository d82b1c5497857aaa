import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const CANDIDATES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

/** The browser on this machine, or undefined where there is none. */
export function findChromium(): string | undefined {
  return CANDIDATES.find((path) => existsSync(path));
}

export function openBrowser(executablePath: string): Promise<Browser> {
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", ...quiet];
  return chromium.launch({ executablePath, args });
}

/** A profile that has signed in by a login link: a server takes ten sign-ins a minute, no more. */
export async function signInOnce(browser: Browser, loginUrl: string): Promise<BrowserProfile> {
  await using watched = await openPage(browser, loginUrl);
  await watched.page.getByRole("textbox", { name: "Message" }).waitFor();
  return await watched.page.context().storageState();
}

export interface PageOptions {
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  /** Cookies and storage to begin with. */
  readonly profile?: BrowserProfile;
}

export type BrowserProfile = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** A page in a browser profile of its own, watched for all that should not happen. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Violations of the content security policy, and errors no code has caught. */
  readonly faults: readonly string[];
  /** Addresses of requests that left the server's own origin. */
  readonly foreignRequests: readonly string[];
}

export async function openPage(
  browser: Browser,
  url: string,
  { colorScheme = "light", width = 1280, height = 800, profile }: PageOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    colorScheme,
    viewport: { width, height },
    ...(profile && { storageState: profile }),
  });
  const page = await context.newPage();
  // Shorter than a test may take, so that a failure says what was waited for.
  page.setDefaultTimeout(12_000);
  const faults: string[] = [];
  const foreignRequests: string[] = [];
  const { origin } = new URL(url);
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (/content security policy|trusted ?type/iu.test(message.text())) faults.push(message.text());
  });
  page.on("request", (request) => {
    const { protocol, origin: target } = new URL(request.url());
    if (protocol.startsWith("http") && target !== origin) foreignRequests.push(request.url());
  });
  await page.goto(url);
  const dispose = () => context.close();
  return { page, faults, foreignRequests, [Symbol.asyncDispose]: dispose };
}
