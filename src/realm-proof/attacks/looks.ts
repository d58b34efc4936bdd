import { must } from '../../strikes/staged-attack.ts'
import { authorizeUrl } from '../duel.ts'
import { attackOf, type RealmAttack } from './attack.ts'

const EVIL = '"><script>alert(1)</script>'

export const LOOKS: readonly RealmAttack[] = [
  attackOf('read')(
    'id-theme',
    'Markup in the look of a realm, whose pages have the origin of all',
    async (duel) => {
      const { attacker, victim } = duel
      const { realms } = duel.plane.identity
      const before = await realms.settings(attacker.tenant)
      const put = (theme: object) =>
        realms.putSettings(attacker.tenant, { ...before, theme }).then(
          () => true,
          () => false,
        )
      const seen = async () => (await duel.browser().get(authorizeUrl(attacker))).body
      must(await put({ name: 'Ada & Co' }), 'name its realm')
      must((await seen()).includes('Ada &amp; Co'), 'see the name on its pages')
      duel.afterwards(() => realms.putSettings(attacker.tenant, before))
      return {
        owner: `an administrator named a realm, which ${victim.tenant} could as well`,
        attempt: async () => {
          const taken: string[] = []
          for (const [what, theme] of Object.entries({
            colour: { accent: '#000000;}body{background:url(https://evil.test)}' },
            picture: {
              logo: { type: 'image/svg+xml', data: Buffer.from(EVIL).toString('base64') },
            },
            drawing: { logo: { type: 'image/png', data: Buffer.from(EVIL).toString('base64') } },
            style: { css: 'body{display:none}' },
            lines: { name: 'Ada\r\nSet-Cookie: x=y' },
          })) {
            if (await put(theme)) taken.push(what)
          }
          await put({ name: EVIL })
          const raw = (await seen()).includes('<script>alert')
          const met = `${taken.length} of 5 were taken; the name stands there ${raw ? 'as it is' : 'as text'}`
          return { crossed: raw || taken.length > 0, met }
        },
      }
    },
  ),
]
