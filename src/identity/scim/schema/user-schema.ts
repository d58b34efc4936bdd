import { attribute, type ResourceSchema } from './attribute.ts'
import { COMMON_ATTRIBUTES } from './common-attributes.ts'

/** Users, as far as a realm has a use for what is known of them. Nothing else is kept. */
export const USER_SCHEMA: ResourceSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'A user of this realm',
  endpoint: '/Users',
  common: COMMON_ATTRIBUTES,
  attributes: [
    attribute('userName', 'What the user types to sign in. Unique, compared without case.', {
      required: true,
      uniqueness: 'server',
    }),
    attribute('name', 'The parts of the name.', {
      type: 'complex',
      subAttributes: [
        attribute('givenName', 'The given name.'),
        attribute('familyName', 'The family name.'),
      ],
    }),
    attribute('displayName', 'The name as it is shown.'),
    attribute(
      'emails',
      'The address. One is kept: the primary, else that for work, else the first.',
      {
        type: 'complex',
        multiValued: true,
        subAttributes: [
          attribute('value', 'The address itself.', { required: true }),
          attribute('type', 'What it is for. The one that is kept is shown as `work`.', {
            canonicalValues: ['work'],
          }),
          attribute('primary', 'True of one at most.', { type: 'boolean' }),
        ],
      },
    ),
    // Required, because there is no user without it: it cannot be taken away. Absent in a new user, it
    // is true; absent in a replacement, it stays as it was.
    attribute('active', 'False: the user gets no access, and what there was is revoked.', {
      type: 'boolean',
      required: true,
    }),
  ],
  // `password` is among them: no password comes in or goes out this way.
  leftOut: new Set(
    `name.formatted name.middleName name.honorificPrefix name.honorificSuffix emails.display nickName
     profileUrl title userType preferredLanguage locale timezone password phoneNumbers ims photos
     addresses groups entitlements roles x509Certificates`
      .toLowerCase()
      .split(/\s+/),
  ),
  extensionsLeftOut: ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:user'],
}
