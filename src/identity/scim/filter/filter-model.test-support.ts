import fc from 'fast-check'

/** A filter as a tree of its own, apart from the parser's and from ours. */
export type Tree =
  | { readonly and: readonly [Tree, Tree] }
  | { readonly or: readonly [Tree, Tree] }
  | { readonly not: Tree }
  | { readonly pr: string }
  | { readonly path: string; readonly op: string; readonly value: string | boolean }
  /** One e-mail address fulfils both. */
  | { readonly email: readonly [string, string] }

export interface Person {
  readonly userName: string
  readonly displayName?: string
  readonly givenName?: string
  readonly externalId?: string
  readonly email?: string
  readonly active: boolean
}

const STRINGS = [
  'userName',
  'displayName',
  'name.givenName',
  'externalId',
  'emails.value',
  'emails',
]
const letters = fc.string({
  unit: fc.constantFrom('a', 'B', 'b', '%', '_', '\\', '"', "'"),
  maxLength: 3,
})

const leaf: fc.Arbitrary<Tree> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      path: fc.constantFrom(...STRINGS),
      op: fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
      value: fc.oneof(letters, fc.constantFrom('aab@x.example', 'b@x.example')),
    }),
  },
  fc.record({ pr: fc.constantFrom(...STRINGS) }),
  fc.record({ path: fc.constant('active'), op: fc.constantFrom('eq', 'ne'), value: fc.boolean() }),
  fc.record({ email: fc.tuple(fc.constantFrom('work', 'Work', 'home'), letters) }),
)

export const filterTree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({ and: fc.tuple(tie('tree'), tie('tree')) }),
    fc.record({ or: fc.tuple(tie('tree'), tie('tree')) }),
    fc.record({ not: tie('tree') }),
  ),
})).tree

export const persons: fc.Arbitrary<readonly Person[]> = fc
  .uniqueArray(
    fc.record(
      {
        userName: fc.string({
          unit: fc.constantFrom('a', 'B', '%', '_', '\\'),
          minLength: 1,
          maxLength: 4,
        }),
        displayName: letters.filter((text) => text !== ''),
        givenName: letters.filter((text) => text !== ''),
        externalId: letters.filter((text) => text !== ''),
        email: fc.constantFrom('aab@x.example', 'B@x.example', 'ba@x.example'),
        active: fc.boolean(),
      },
      { requiredKeys: ['userName', 'active'] },
    ),
    { minLength: 25, maxLength: 25, selector: (one) => one.userName.toLowerCase() },
  )
  .map((all) =>
    all.map((one, n) =>
      one.externalId === undefined ? one : { ...one, externalId: `${one.externalId}${n}` },
    ),
  )

/** The filter as a client writes it. */
export function filterText(tree: Tree): string {
  if ('and' in tree) return tree.and.map((one) => `(${filterText(one)})`).join(' and ')
  if ('or' in tree) return tree.or.map((one) => `(${filterText(one)})`).join(' or ')
  if ('not' in tree) return `not (${filterText(tree.not)})`
  if ('pr' in tree) return `${tree.pr} pr`
  if ('email' in tree) {
    const [type, part] = tree.email
    return `emails[type eq ${JSON.stringify(type)} and value co ${JSON.stringify(part)}]`
  }
  return `${tree.path} ${tree.op} ${JSON.stringify(tree.value)}`
}

/** What the filter means, said plainly. */
export function holds(tree: Tree, person: Person): boolean {
  if ('and' in tree) return holds(tree.and[0], person) && holds(tree.and[1], person)
  if ('or' in tree) return holds(tree.or[0], person) || holds(tree.or[1], person)
  if ('not' in tree) return !holds(tree.not, person)
  if ('pr' in tree) return textAt(person, tree.pr) !== undefined
  if ('email' in tree) {
    const [type, part] = tree.email
    const { email } = person
    return (
      type.toLowerCase() === 'work' &&
      email !== undefined &&
      email.toLowerCase().includes(part.toLowerCase())
    )
  }
  if (typeof tree.value === 'boolean') return (person.active === tree.value) === (tree.op === 'eq')
  const fold = (text: string) => (tree.path === 'externalId' ? text : text.toLowerCase())
  const found = textAt(person, tree.path)
  if (found === undefined) return tree.op === 'ne'
  const [left, right] = [fold(found), fold(tree.value)]
  return (
    {
      eq: left === right,
      ne: left !== right,
      co: left.includes(right),
      sw: left.startsWith(right),
      ew: left.endsWith(right),
      gt: left > right,
      ge: left >= right,
      lt: left < right,
      le: left <= right,
    }[tree.op] === true
  )
}

function textAt(person: Person, path: string): string | undefined {
  if (path === 'name.givenName') return person.givenName
  if (path === 'emails' || path === 'emails.value') return person.email
  return path === 'userName' || path === 'displayName' || path === 'externalId'
    ? person[path]
    : undefined
}
