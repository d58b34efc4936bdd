import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseSubject, type Subject } from '../core/names.ts'
import { StagedDuel } from '../strikes/staged-duel.ts'
import { bodyOf } from '../strikes/heard.ts'
import type { Heard } from '../strikes/wire.ts'
import { Browser, type Page } from './house/browser.ts'
import { APP, type Belongings } from './house/furnish.ts'
import { AUDIENCE, type Ground } from './house/ground.ts'
import { canariesOf, type Party, PASSWORD, PERSON } from './house/party.ts'
import type { Ask, Plane } from './house/plane.ts'
import { changedSince, lookAt } from './house/look-at.ts'

/** Attacker and victim of one strike, and all that is made for it. */
export class Duel extends StagedDuel<Party> {
  readonly plane: Plane
  #watched = true

  constructor(plane: Plane, attacker: Party, victim: Party) {
    super(attacker, victim)
    this.plane = plane
  }

  get ground(): Ground {
    return this.plane.site.ground
  }

  /** What the owner of a realm was told. */
  belongings({ tenant }: Party): Belongings {
    const found = this.plane.site.furniture.get(tenant)
    if (found === undefined) throw new Error(`nothing was made for ${tenant}`)
    return found
  }

  /** The attacker says it, of a realm. */
  says(method: string, { issuer }: Party, path: string, what: Ask = {}): Promise<Heard> {
    return this.plane.ask(this.wire, method, `${issuer}${path}`, what)
  }

  /** Somebody else in the strike says it: the owner, the administrator. */
  ownerSays(method: string, { issuer }: Party, path: string, what: Ask = {}): Promise<Heard> {
    return this.plane.ask(this.own, method, `${issuer}${path}`, what)
  }

  /** Of the attacker. */
  browser(): Browser {
    return new Browser(this.plane, this.wire)
  }

  ownerBrowser(): Browser {
    return new Browser(this.plane, this.own)
  }

  /** A client of a realm at one of its endpoints for clients, with the secret of its owner. */
  async client(
    by: 'attacker' | 'owner',
    party: Party,
    path: string,
    form: Readonly<Record<string, string>>,
  ): Promise<Heard> {
    const says = by === 'owner' ? this.ownerSays.bind(this) : this.says.bind(this)
    const headers = [basic(APP, this.belongings(party).appSecret)]
    return says('POST', party, path, { form, headers })
  }

  /** Signs the realm's user in, up to where the application is called back. */
  async signIn(browser: Browser, party: Party, more: Query = {}): Promise<Page> {
    const first = await browser.get(authorizeUrl(party, more))
    return typePassword(browser, first)
  }

  /** A code of the realm's user for its application, in a browser, or in one that is signed in. */
  async code(party: Party, more: Query = {}, browser?: Browser): Promise<string> {
    const page =
      browser === undefined
        ? await this.comeBack(this.ownerBrowser(), party, more)
        : await this.signIn(browser, party, more)
    const code = new URL(page.url).searchParams.get('code')
    if (code === null) throw new Error('no code came of a sign-in')
    return code
  }

  /**
   * The realm's user comes back in a browser in which it has signed in at an earlier strike, and signs
   * in where it has to.
   */
  async comeBack(browser: Browser, party: Party, more: Query = {}): Promise<Page> {
    const { signedIn } = this.plane.site
    const { pathname } = new URL(party.issuer)
    browser.cookies = [...(signedIn.get(party.tenant) ?? [])]
    const first = await browser.get(authorizeUrl(party, more))
    if (first.url.startsWith(party.callback)) return first
    browser.cookies = []
    const page = await this.signIn(browser, party, more)
    // A weakened copy may have set others besides.
    const own = browser.cookies.filter(({ path }) => path === pathname)
    signedIn.set(party.tenant, own)
    return page
  }

  /** What a code is exchanged for. */
  async tokens(party: Party, more: Query = {}, browser?: Browser): Promise<Tokens> {
    const heard = await this.exchange('owner', party, await this.code(party, more, browser))
    if (heard.status !== 200) throw new Error(`no tokens for a code: ${heard.status}`)
    return bodyOf(heard) as unknown as Tokens
  }

  exchange(by: 'attacker' | 'owner', party: Party, code: string, more: Query = {}) {
    return this.client(by, party, '/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: party.callback,
      code_verifier: VERIFIER,
      ...more,
    })
  }

  /** A user of the victim's realm for this strike alone, with an address of its own. */
  async guest(domain: string = this.victim.domain): Promise<Guest> {
    const { tenant } = this.victim
    const { realms, parts } = this.plane.identity
    const name = `guest-${randomBytes(8).toString('hex')}`
    const subject = parseSubject(name)
    const email = `${name}@${domain}`
    await realms.putUser(tenant, subject, { roles: [], scopes: ['read'] })
    await parts.directory.changeAccount(tenant, subject, {
      userName: name,
      displayName: `canary of ${name}`,
      email,
      emailVerified: true,
    })
    this.secrets.push(`canary of ${name}`, email)
    this.afterwards(() => realms.removeUser(tenant, subject))
    return { subject, name, email }
  }

  /** All mail that has arrived, which is gone then. */
  async mails(): Promise<readonly string[]> {
    const { mailDirectory } = this.plane.site
    const files = (await readdir(mailDirectory)).filter((file) => file.endsWith('.eml'))
    const texts = await Promise.all(
      files.map((file) => readFile(join(mailDirectory, file), 'utf8')),
    )
    for (const file of files) await rm(join(mailDirectory, file), { force: true })
    return texts
  }

  /** The mail that arrives at an address, which something brings about. */
  async mailed(email: string, bring: () => Promise<unknown>): Promise<string> {
    await bring()
    const { mailDirectory } = this.plane.site
    for (let looks = 0; looks < MAIL_LOOKS_MAX; looks += 1) {
      for (const file of await readdir(mailDirectory)) {
        const text = file.endsWith('.eml') ? await readFile(join(mailDirectory, file), 'utf8') : ''
        if (!text.includes(email)) continue
        await rm(join(mailDirectory, file), { force: true })
        return text.replaceAll(/=\r?\n/g, '').replaceAll('=3D', '=')
      }
      await setTimeout(MAIL_LOOK_MS)
    }
    throw new Error('no mail arrived')
  }

  /** Others work on meanwhile: what they have changes by that, and is not compared. */
  othersWork(): void {
    this.#watched = false
  }

  protected canariesOfOthers(): readonly string[] {
    return this.ground.parties.filter((one) => one !== this.attacker).flatMap(canariesOf)
  }

  async watch(): Promise<() => Promise<readonly string[]>> {
    if (!this.#watched) return async () => []
    const { database } = this.plane.identity.parts
    const look = () => lookAt(database, this.attacker.tenant)
    const before = await look()
    return async () => {
      return changedSince(before, await look()).map(
        (table) => `another tenant's ${table.replaceAll('_', ' ')} changed`,
      )
    }
  }
}

const MAIL_LOOKS_MAX = 1_000
const MAIL_LOOK_MS = 10

export interface Guest {
  readonly subject: Subject
  readonly name: string
  readonly email: string
}

export type Query = Readonly<Record<string, string>>

export interface Tokens {
  readonly access_token: string
  readonly id_token: string
  readonly refresh_token: string
}

/** What an application keeps while its user signs in. */
export const VERIFIER = randomBytes(32).toString('base64url')
export const CHALLENGE = challengeOf(VERIFIER)

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

/** Where an application sends its user. An empty value leaves the parameter out. */
export function authorizeUrl({ issuer, callback }: Party, more: Query = {}): string {
  const all = {
    client_id: APP,
    response_type: 'code',
    scope: 'openid read write',
    redirect_uri: callback,
    state: 'state-of-the-application',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    resource: AUDIENCE,
    ...more,
  }
  const query = new URLSearchParams(Object.entries(all).filter(([, value]) => value !== ''))
  return `${issuer}/auth?${query.toString()}`
}

/** Name, then password. */
export async function typePassword(
  browser: Browser,
  first: Page,
  password: string = PASSWORD,
  name: string = PERSON,
): Promise<Page> {
  const second = await browser.submit(first, '/identifier', { name })
  return browser.submit(second, '/password', { password })
}

export function basic(client: string, secret: string): readonly [string, string] {
  return ['Authorization', `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`]
}
