import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { RingfenceError } from '../../../core/errors.ts'
import { parseTenantId } from '../../../core/tenant.ts'
import { RangeBreachCheck } from './breach-check.ts'
import { HashQueue } from './hash-queue.ts'
import { PasswordCheck } from './password-check.ts'
import { HASH_COST, hashPassword, isOutdated, verifyPassword } from './password-hash.ts'

const CHEAP = { memoryKib: 64, passes: 1, lanes: 1 }
const acme = parseTenantId('acme')
const blue = parseTenantId('blue')

test('a password is good for its own hash, in whatever form it was typed', async () => {
  const hash = await hashPassword('Zoe\u0301 und Ａnton', CHEAP)
  assert.match(hash, /^\$argon2id\$v=19\$m=64,t=1,p=1\$/)
  assert.equal(await verifyPassword('Zo\u00e9 und Anton', hash), true)
  assert.equal(await verifyPassword('zo\u00e9 und anton', hash), false)
  assert.notEqual(await hashPassword('x', CHEAP), await hashPassword('x', CHEAP), 'salted')
})

test('a hash that somebody else made, of the reference implementation, is read', async () => {
  // From the tests of phc-winner-argon2.
  const hash =
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  assert.equal(await verifyPassword('password', hash), true)
  assert.equal(await verifyPassword('passwore', hash), false)
})

test('a hash of other cost than today is outdated', async () => {
  const hash = await hashPassword('x', CHEAP)
  assert.equal(isOutdated(hash, CHEAP), false)
  assert.equal(isOutdated(hash, { ...CHEAP, passes: 2 }), true)
  assert.equal(isOutdated(await hashPassword('x')), false)
  assert.deepEqual(HASH_COST, { memoryKib: 19_456, passes: 2, lanes: 1 }, 'what OWASP asks for')
})

test('a row that would take all memory or time is not computed', async () => {
  const good = await hashPassword('x', CHEAP)
  for (const bad of [
    '',
    'plain',
    good.replace('m=64', 'm=9999999'),
    good.replace('t=1', 't=99'),
    good.replace('t=1', 't=0'),
    good.replace('argon2id', 'argon2i'),
    `${good}\n`,
  ]) {
    await assert.rejects(verifyPassword('x', bad), RingfenceError, bad)
  }
})

test('few hashes run at once, realms take turns, and a flood is turned away', async () => {
  const queue = new HashQueue({ running: 1, waiting: 6, waitingOfRealm: 4 })
  const order: string[] = []
  const gate = Promise.withResolvers<void>()
  let running = 0
  const run = (tenant: typeof acme, name: string, wait = Promise.resolve()) =>
    queue.run(tenant, async () => {
      running += 1
      assert.equal(running, 1)
      await wait
      order.push(name)
      running -= 1
    })
  const work = [run(acme, 'a0', gate.promise)]
  for (const name of ['a1', 'a2', 'a3', 'a4']) work.push(run(acme, name))
  await assert.rejects(run(acme, 'a5'), { code: 'overloaded' })
  work.push(run(blue, 'b1'), run(blue, 'b2'))
  await assert.rejects(run(blue, 'b3'), { code: 'overloaded' })
  gate.resolve()
  await Promise.all(work)
  assert.deepEqual(order, ['a0', 'a1', 'b1', 'a2', 'b2', 'a3', 'a4'])
  await assert.rejects(
    queue.run(acme, () => Promise.reject(new Error('no'))),
    /no/,
  )
  await run(acme, 'goes on')
})

test('short, long, easy, common and own words are refused; a good password is not', async () => {
  const check = new PasswordCheck()
  const words = ['ana.silva', 'ana@lisbon-clinic.example', 'Ana Silva', 'Lisbon Clinic']
  const cases: readonly (readonly [password: string, problem: string | undefined])[] = [
    ['k7#Qz', 'too_short'],
    ['😀😀😀😀😀', 'too_short'],
    ['x'.repeat(201), 'too_long'],
    ['violet-harbor\n92-quilt', 'has_control_characters'],
    ['violet-harbor\ud800-92', 'has_control_characters'],
    ['aaaaaaaaaaaaaaaa', 'too_easy'],
    ['qwertyuiop12', 'too_easy'],
    ['P4ssw0rd2026', 'too_easy'],
    ['Lisbon-Clinic-2026', 'too_easy'],
    ['anasilva-lisbon', 'too_easy'],
    ['violet-harbor-92-quilt', undefined],
    ['пароль из четырёх слов', undefined],
    [`${'violet harbor quilt '.repeat(9)}.`, undefined],
  ]
  for (const [password, problem] of cases) {
    assert.equal(await check.problem(password, words), problem, password.slice(0, 30))
  }
  const leaked = { check: async () => 'leaked' as const }
  const more = new PasswordCheck([leaked])
  assert.equal(await more.problem('violet-harbor-92-quilt', words), 'breached')
})

test('a service of leaked passwords is told five digits, and its silence refuses nobody', async () => {
  const password = 'violet-harbor-92-quilt'
  const digest = createHash('sha1').update(password).digest('hex').toUpperCase()
  const asked: string[] = []
  const logged: string[] = []
  const serviceOf = (answer: () => Response) =>
    new RangeBreachCheck({
      url: 'https://leaks.example/range/',
      log: (line) => logged.push(line),
      fetch: async (url) => {
        asked.push(new Request(url).url)
        return answer()
      },
    })
  const lines = (count: number) => `${'0'.repeat(35)}:1\r\n${digest.slice(5)}:${count}\r\n`
  const found = serviceOf(() => new Response(lines(3)))
  assert.equal(await found.check(password), 'leaked')
  assert.equal(
    await serviceOf(() => new Response(lines(0))).check(password),
    'not_leaked',
    'padding',
  )
  assert.deepEqual([...new Set(asked)], [`https://leaks.example/range/${digest.slice(0, 5)}`])
  const down = [
    () => new Response('', { status: 503 }),
    () => new Response('x'.repeat(300_000)),
    () => {
      throw new Error('no route')
    },
  ]
  for (const answer of down) assert.equal(await serviceOf(answer).check(password), 'unknown')
  assert.equal(logged.length, 3)
  assert.doesNotMatch(logged.join('\n'), new RegExp(digest.slice(0, 5)))
})
