import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bothOf, compareStores } from './differential.test-support.ts'

/** What a generator seldom meets, or whose answer is worth having in writing. */
const CASES: Readonly<Record<string, 'allow' | 'deny' | 'error'>> = {
  '1 < true': 'error',
  '1 == true': 'deny',
  'true || 1': 'allow',
  'false && 1': 'deny',
  '1 && true': 'error',
  'if context.n == 2 then true else 1': 'allow',
  '9007199254740991 + 9007199254740991 > 9007199254740991': 'allow',
  '9007199254740991 * 1024 + 1 == 9007199254740991 * 1024 + 2': 'deny',
  '9007199254740991 * 1025 > 0': 'error',
  '-9007199254740991 * 1024 - 1024 == -9007199254740991 * 1024 - 1024': 'allow',
  '-(-9007199254740991 * 1024 - 1024) > 0': 'error',
  '-0 == 0': 'allow',
  '[1, 1, 2] == [2, 1]': 'allow',
  '[[1], [2]].contains([2, 2])': 'allow',
  '["1"] == [1]': 'deny',
  '[{a: 1}].contains({a: 1})': 'allow',
  '{a: 1, b: 2} == {b: 2, a: 1}': 'allow',
  '{a: "b", c: "d"} == {a: "b\\",\\"c\\":\\"d"}': 'deny',
  '{"__proto__": 1} == {}': 'deny',
  '{"__proto__": 1}["__proto__"] == 1': 'allow',
  'context has constructor': 'deny',
  'context.constructor == 1': 'error',
  'context has n.x': 'error',
  'context has x.n': 'deny',
  'principal has x': 'deny',
  'principal.x == 1': 'error',
  'principal in principal': 'allow',
  'principal in []': 'deny',
  'principal in [principal, 1]': 'error',
  'principal is Doc in 1': 'deny',
  'principal is User in 1': 'error',
  'principal.hasTag(1)': 'error',
  'principal.hasTag("x")': 'deny',
  '"aXbXc" like "a*b*c"': 'allow',
  '"abc" like "a*bc*c"': 'deny',
  '"aa" like "a*a"': 'allow',
  '"a" like "a*a"': 'deny',
  '"*" like "\\*"': 'allow',
  '"x" like "\\*"': 'deny',
  '"" like "*"': 'allow',
  '"é😀" like "*😀"': 'allow',
  'decimal(context.s) == decimal("1.5000")': 'allow',
  'decimal("1.1") < decimal("1.2")': 'error',
  'ip("10.1.2.3/8") == ip("10.0.0.0/8")': 'deny',
  'ip("10.1.2.3").isInRange(ip("10.9.9.9/8"))': 'allow',
  'ip("::ffff:102:304").isInRange(ip("1.2.3.4"))': 'deny',
  'ip("127.0.0.1/7").isLoopback()': 'deny',
  'datetime("2024-02-30") == datetime("2024-02-30")': 'error',
  'datetime("1969-12-31T23:59:59Z").toTime() == duration("86399s")': 'allow',
  'duration("-1500ms").toSeconds() == -1': 'allow',
  'duration("106751991168d") == duration("1d")': 'error',
}

for (const [expression, expected] of Object.entries(CASES)) {
  test(`${expression}: ${expected}, and Cedar says so too`, () => {
    assert.deepEqual(bothOf(expression), { ours: expected, theirs: expected })
  })
}

test('generated stores decide generated requests as Cedar does, errors and reasons included', () => {
  const { pairs, allowed, withErrors, differences } = compareStores(1, 100)
  assert.deepEqual(differences, [])
  assert.ok(pairs >= 2_000, `${pairs} pairs`)
  assert.ok(allowed > 100 && withErrors > 100, `${allowed} allowed, ${withErrors} with errors`)
})
