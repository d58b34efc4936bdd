import { worseQueries } from './forgetting.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { headerIn, placeOf, worseFront } from './worse-front.ts'
import { headerOf } from '../../strikes/heard.ts'

const LISTS = /from identity\.(?:account|user_group) \w+ where/
const counts = (sql: string) => LISTS.test(sql) && /^\s*select count\(\*\)/.test(sql)
const pages = (sql: string) => LISTS.test(sql) && /\slimit \d+ offset \d+\s*$/.test(sql)

/** Such queries ask for no realm. */
function ofAnyRealm(which: (sql: string) => boolean) {
  return worseQueries((sql, values) => [
    which(sql) ? sql.replace(/\w+\.tenant = \$1/, '$1::text is not null') : sql,
    values,
  ])
}

export const SHARED_LISTINGS: readonly RealmMutant[] = [
  mutant(
    'id-scim-counts-of-any-realm',
    'How many there are is counted over all realms',
    ['id-scim-pages'],
    ofAnyRealm(counts),
  ),
  mutant(
    'id-scim-pages-of-any-realm',
    'Pages of a list are cut out of the lists of all realms',
    ['id-scim-pages'],
    ofAnyRealm(pages),
  ),
  mutant(
    'id-scim-tags-of-any-realm',
    'Tags are kept by path, whatever the realm',
    ['id-scim-tags'],
    {
      front: (() => {
        const tags = new Map<string, string>()
        return worseFront(async (said, pass) => {
          const path = placeOf(said)?.path ?? ''
          const known = tags.get(path)
          if (known !== undefined && headerIn(said, 'if-none-match') === known) {
            return { status: 304, headers: [['etag', known]], body: '' }
          }
          const heard = await pass(said)
          if (path.startsWith('/scim/') && heard.status === 200)
            tags.set(path, headerOf(heard, 'etag'))
          return heard
        }).front
      })(),
    },
  ),
]
