import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * The machine's Chromium: at `RINGFENCE_CHROMIUM`, or where Debian has it. Without one these tests
 * fail, and say so: nothing was seen in a browser.
 */
export async function startChromium(): Promise<Browser> {
  const executablePath = process.env['RINGFENCE_CHROMIUM'] ?? '/usr/bin/chromium'
  try {
    accessSync(executablePath, constants.X_OK)
  } catch {
    throw new Error(
      `no Chromium at ${executablePath}: install one, or name it in RINGFENCE_CHROMIUM`,
    )
  }
  return chromium.launch({ executablePath, args: ARGUMENTS })
}

export interface Opened {
  readonly page: Page
  readonly context: BrowserContext
  /** What the browser complained of: refused by the policy, or failed in a script. */
  readonly complaints: string[]
}

/** A window of its own, with nothing in it. */
export async function openWindow(browser: Browser): Promise<Opened> {
  const context = await browser.newContext({ locale: 'en' })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    // A page that refuses something has a status that says so; browsers note it.
    const status = message.text().startsWith('Failed to load resource')
    if (['error', 'warning'].includes(message.type()) && !status) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return { page, context, complaints }
}

/** Keeps a picture where `RINGFENCE_SCREENSHOTS` says, if it says. */
export async function picture(page: Page, name: string): Promise<void> {
  const directory = process.env['RINGFENCE_SCREENSHOTS']
  if (directory === undefined) return
  mkdirSync(directory, { recursive: true })
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true })
}
