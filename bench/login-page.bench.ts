import { gzipSync } from 'node:zlib'
import { TestBrowser } from '../src/identity/pages/testing/browser.test-support.ts'
import {
  type PagesRealm,
  type PagesSite,
  startPagesSite,
} from '../src/identity/pages/testing/pages-site.test-support.ts'
import { signedIn } from '../src/identity/pages/testing/signing-in.test-support.ts'
import type { Bench, Row } from './bench.ts'
import { alternate } from './support/alternate.ts'
import { pairedRows } from './support/paired-rows.ts'
import { percentiles } from './support/statistics.ts'

const ROUNDS = 5

export const bench: Bench = {
  title: 'the page on which users sign in: its weight, and its time against a static answer',
  async run({ quick, say }) {
    const site = await startPagesSite()
    try {
      const realm = await site.realm('acme')
      await realm.user('alice')
      const visits = quick ? 10 : 200
      say('weight')
      const rows = await weight(site, realm)
      say('time')
      const page = () => new TestBrowser(site.origin).get(realm.authorize())
      const fixed = () => fetch(`${realm.issuer}/.well-known/openid-configuration`)
      const rounds = await alternate(ROUNDS, {
        fixed: () => timed(visits, async () => void (await (await fixed()).text())),
        page: () => timed(visits, async () => void (await page())),
      })
      rows.push(
        ...pairedRows(
          {
            reference: 'the discovery document of the same process',
            measured: 'from the application’s request to the page',
            unit: 'ms',
          },
          rounds.fixed,
          rounds.page,
        ),
      )
      say('a whole sign-in')
      const whole = await timed(quick ? 5 : 50, async () => {
        await signedIn(new TestBrowser(site.origin), realm, 'alice')
      })
      rows.push({ what: 'a whole sign-in with a password', unit: 'ms', ...percentiles(whole) })
      return rows
    } finally {
      await site.stop()
    }
  },
}

/** What a first visit fetches: the page, and what it names. */
async function weight(site: PagesSite, realm: PagesRealm): Promise<Row[]> {
  const shown = await new TestBrowser(site.origin).get(realm.authorize())
  const named = [...shown.text.matchAll(/(?:href|src)="([^"]*\/assets\/[^"]*)"/g)]
  const parts = await Promise.all(
    [...new Set(named.map((match) => match[1] ?? ''))].map(async (path) => {
      const answer = await fetch(new URL(path, site.origin))
      return Buffer.from(await answer.arrayBuffer())
    }),
  )
  const all = [Buffer.from(shown.text), ...parts]
  const kib = (bytes: number) => Math.round((bytes / 1024) * 10) / 10
  const sum = (sizes: readonly number[]) => sizes.reduce((total, one) => total + one, 0)
  return [
    {
      what: 'a first visit, page and all that it names',
      unit: 'KiB',
      n: all.length,
      p50: kib(sum(all.map(({ length }) => length))),
    },
    {
      what: 'the same, as gzip would send it',
      unit: 'KiB',
      n: all.length,
      p50: kib(sum(all.map((part) => gzipSync(part).length))),
    },
  ]
}

/** Milliseconds of each. */
async function timed(times: number, work: () => Promise<void>): Promise<readonly number[]> {
  const taken: number[] = []
  for (let turn = 0; turn < times; turn += 1) {
    const began = performance.now()
    await work()
    taken.push(performance.now() - began)
  }
  return taken
}
