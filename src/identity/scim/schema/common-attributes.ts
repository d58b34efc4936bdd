import { type Attribute, attribute } from './attribute.ts'

const MINE = { mutability: 'readOnly' } as const

/** What every resource has (RFC 7643, section 3.1). */
export const COMMON_ATTRIBUTES: readonly Attribute[] = [
  attribute('schemas', 'The schemas of the resource.', {
    ...MINE,
    type: 'reference',
    multiValued: true,
    caseExact: true,
    returned: 'always',
  }),
  attribute('id', 'The identifier that this server gave it.', {
    ...MINE,
    caseExact: true,
    returned: 'always',
    uniqueness: 'server',
  }),
  attribute('externalId', 'The identifier that the client gave it.', { caseExact: true }),
  attribute('meta', 'About the resource itself.', {
    ...MINE,
    type: 'complex',
    subAttributes: [
      attribute('resourceType', 'The kind of resource.', { ...MINE, caseExact: true }),
      attribute('created', 'When it was made.', { ...MINE, type: 'dateTime' }),
      attribute('lastModified', 'When it was last changed.', { ...MINE, type: 'dateTime' }),
      attribute('location', 'Where it is.', { ...MINE, type: 'reference', caseExact: true }),
      attribute('version', 'Its entity tag.', { ...MINE, caseExact: true }),
    ],
  }),
]
