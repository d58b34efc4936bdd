import { attribute, type ResourceSchema } from './attribute.ts'
import { COMMON_ATTRIBUTES } from './common-attributes.ts'

/** Groups of users. A group in a group is refused. */
export const GROUP_SCHEMA: ResourceSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'A group of users of this realm',
  endpoint: '/Groups',
  common: COMMON_ATTRIBUTES,
  attributes: [
    attribute('displayName', 'The name as it is shown.', { required: true }),
    attribute('members', 'The users in it.', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        attribute('value', 'The id of the user.', {
          required: true,
          caseExact: true,
          mutability: 'immutable',
        }),
        // Clients may send these two along. `value` alone counts.
        attribute('$ref', 'Where the user is.', {
          type: 'reference',
          caseExact: true,
          mutability: 'immutable',
          referenceTypes: ['User'],
        }),
        attribute('type', 'Always `User`.', { mutability: 'immutable', canonicalValues: ['User'] }),
      ],
    }),
  ],
  leftOut: new Set(['members.display']),
  extensionsLeftOut: [],
}
